// What a server withstands, at full length: killed under its writers, readers that do not read, everybody back at once,
// asked to end. The short forms are tests: tests/e2e/durable_*, slow_consumers, reconnect_storm, drain_busy.
//
//   node bench/faults.mjs               about a quarter of an hour
//   node bench/faults.mjs --quick       two minutes, smaller
//     --only f1,f10,f11,f13             some of them
//     --rounds N                        so many rounds of f1
//     --markdown                        the table as docs/RELIABILITY.md has it
//
// Exit status: 0 all goals met, 1 a goal missed, 2 it could not be measured.

import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { drain } from './faults/drain.mjs';
import { kill } from './faults/kill.mjs';
import { slow } from './faults/slow.mjs';
import { storm } from './faults/storm.mjs';
import { binary, describeMachine, findProgram, printTable, runMain } from './processes.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false }, only: { type: 'string' }, rounds: { type: 'string' }, markdown: { type: 'boolean', default: false },
  },
});
const { quick } = options;
const faults = {
  f1: { run: kill, plan: quick ? { rounds: 5, sessions: 10_000, writers: 64, load_ms: [200, 1000] } : { rounds: 100, sessions: 100_000, writers: 64, load_ms: [200, 3000] } },
  f10: { run: slow, plan: quick ? { members: 300, stalled: 30, bursts: 100 } : { members: 900, stalled: 100, bursts: 300 }, needs: 'bench_fanout' },
  f11: { run: storm, plan: quick ? { clients: 1000, each: 5, processes: 2, rounds: 1 } : { clients: 10_000, each: 5, processes: 4, rounds: 3 } },
  f13: { run: drain, plan: quick ? { sockets: 500, each: 5, pollers: 50, processes: 2 } : { sockets: 5000, each: 5, pollers: 500, processes: 4 } },
};

function print(rows, machine) {
  const head = ['fault', 'figure', 'seen', 'goal'];
  const lines = rows.map(({ fault, figure, value, goal, met }) => [fault, figure, met || options.markdown ? value : `${value} MISSED`, goal ?? '']);
  if (!options.markdown) return printTable([head, ...lines]);
  for (const line of [head, head.map(() => '---'), ...lines]) console.log(`| ${line.join(' | ')} |`);
  console.log(`\n${machine.cpus} × ${machine.cpu}, Linux ${machine.kernel}, load ${machine.load.join(', ')}, ${machine.date.slice(0, 10)}`);
}

async function main() {
  const wanted = options.only?.split(',') ?? Object.keys(faults);
  const unknown = wanted.filter((name) => !faults[name]);
  if (unknown.length > 0) throw new Error(`no such fault: ${unknown.join(', ')}; there are ${Object.keys(faults).join(', ')}`);
  const machine = describeMachine(['ws']);
  const rows = [];
  let status = 0;
  for (const name of wanted) {
    const { run, plan, needs } = faults[name];
    const missing = [[binary, 'sojourn'], ...(needs ? [[findProgram(needs), needs]] : [])].find(([file]) => !existsSync(file));
    if (missing) {
      console.error(`${missing[0]} is missing: cmake --preset release && cmake --build build/release --target ${missing[1]}`);
      return 2;
    }
    try {
      const size = { ...plan, ...(name === 'f1' && options.rounds && { rounds: Number(options.rounds) }) };
      rows.push(...await run(size, (text) => console.error(`${name}: ${text}`)));
    } catch (error) {
      console.error(`${name}: ${error.stack}`);
      status = 2;
    }
  }
  print(rows, machine);
  return status || (rows.every(({ met }) => met) ? 0 : 1);
}

runMain(main, quick ? 6 : 60);
