// Measures sessions that many share against a floor with no protocol, ws, socket.io, nchan, and (for REST) nginx.
// All are started in turn, in an order that changes each round, on CPU 0; the load comes from CPU 1. Ratios of
// medians are what counts: absolute times wander with the machine.
//
//   node bench/fanout.mjs [--rounds N] [--case NAME,...] [--only SUBJECT,...]   writes bench/results/fanout.json
//   node bench/fanout.mjs --quick                                               a minute or two; writes nothing
//
// --case: fanout_1000, fanout_10000, small, slow, idle, rest, many, cycle, expiry; each is written by itself.
// --only: floor, floor_uring, sojourn (/ws/session), stream, ws, socketio, nchan, nginx, express, and memory (stream
//         with --store memory), which is not measured otherwise; writes nothing.
// Exit status: 0 all goals met, 1 a goal missed, 2 it could not be measured.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeCases } from './cases.mjs';
import { describeMachine, findProgram, median, pinToLoad, printTable, root, round, runMain, withFolder, stop } from './processes.mjs';
import { askSojourn, findMissing, subjects } from './subjects.mjs';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string' }, quick: { type: 'boolean' }, case: { type: 'string' }, only: { type: 'string' } },
});
const quick = options.quick ?? false;
const rounds = Number(options.rounds ?? (quick ? 1 : 5));
const results = join(root, 'bench/results/fanout.json');

function choose(names, wanted) {
  const chosen = wanted?.split(',') ?? names;
  const unknown = chosen.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`no such thing: ${unknown.join(', ')}; there are ${names.join(', ')}`);
  return chosen;
}

// How the server hands its batches to the kernel decides which goal holds.
async function findSender() {
  return withFolder(async (folder) => {
    const { child, port } = await subjects.sojourn.start(folder);
    try {
      const ready = await (await askSojourn({ port }, '/readyz')).text();
      return /uring/.test(ready) ? 'io_uring' : 'send';
    } finally {
      await stop(child);
    }
  });
}

// The medians and best values of one table: { subject: { column: { median, best } } }.
function summarise(table, measured) {
  const summary = {};
  for (const name of Object.keys(measured[0])) {
    summary[name] = {};
    for (const [column, of] of Object.entries(table.columns)) {
      const values = measured.map((round) => of(table.of ? table.of(round[name]) : round[name]));
      const best = column.endsWith('/s') ? Math.max(...values) : Math.min(...values);
      summary[name][column] = { median: median(values), best };
    }
  }
  return summary;
}

function judge(goals, summary, sender) {
  return goals.filter(({ subject, peer }) => summary[subject] && (!peer || summary[peer])).map(({ subject, column, peer, ratioMax, most }) => {
    const own = summary[subject][column].median;
    const value = peer ? own / summary[peer][column].median : own;
    const limit = most ?? ratioMax[sender] ?? ratioMax;
    return { what: `${subjects[subject].title}: ${column}${peer ? ` against ${subjects[peer].title}` : ''}`, value, limit, met: value <= limit };
  });
}

function printSummary({ title, columns }, summary, goals) {
  console.log(`\n${title}`);
  const names = Object.keys(columns);
  const first = names[0];
  const lines = Object.entries(summary).map(([name, figures]) => [
    subjects[name].title,
    ...names.map((column) => `${round(figures[column].median)} (${round(figures[column].best)})`),
    ...['sojourn', 'stream'].map((own) => (summary[own] && own !== name ? (summary[own][first].median / figures[first].median).toFixed(3) : '-')),
  ]);
  printTable([['median (best)', ...names, '/ws/session to it', '.../stream to it'], ...lines]);
  for (const { what, value, limit, met } of goals) console.log(`  ${what}: ${round(value)}, goal <= ${limit}: ${met ? 'met' : 'MISSED'}`);
}

// All rounds of one case, its subjects in turn.
async function measureCase(name, it, wanted) {
  const names = it.takesPart.filter((subject) => wanted.includes(subject));
  const measured = [];
  for (let number = 0; number < rounds && names.length > 0; ++number) {
    const figures = {};
    for (let turn = 0; turn < names.length; ++turn) {
      const subject = names[(turn + number) % names.length];
      try {
        figures[subject] = await it.measure(subject);
      } catch (error) {
        throw new Error(`${name}, ${subject}: ${error.message}`);
      }
    }
    measured.push(Object.fromEntries(names.map((subject) => [subject, figures[subject]])));
    console.error(`${name}: round ${number + 1} of ${rounds} done`);
  }
  return measured;
}

function write(name, entry) {
  const all = existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : {};
  all[name] = entry;
  mkdirSync(dirname(results), { recursive: true });
  writeFileSync(results, `${JSON.stringify(all, null, 2)}\n`);
}

async function main() {
  const cases = makeCases(quick);
  const chosen = choose(Object.keys(cases), options.case);
  const wanted = choose(Object.keys(subjects), options.only).filter((name) => options.only || !subjects[name].isOptional);
  if (!(rounds >= 1)) throw new Error('--rounds takes a number');
  const taking = wanted.filter((name) => chosen.some((it) => cases[it].takesPart.includes(name)));
  const missing = taking.map(findMissing).filter(Boolean);
  if (!existsSync(findProgram('bench_fanout'))) missing.push('bench_fanout is missing: cmake --build build/release --target bench_fanout');
  if (missing.length > 0) {
    console.error(missing.join('\n'));
    return 2;
  }
  pinToLoad();
  const sender = taking.some((name) => name === 'sojourn' || name === 'stream') ? await findSender() : 'send';
  let met = true;
  let failed = false;
  for (const name of chosen) {
    const machine = { ...describeMachine(['ws', 'socket.io']), sender };
    let measured = [];
    try {
      measured = await measureCase(name, cases[name], wanted);
    } catch (error) {
      console.error(error.message);
      failed = true;
    }
    if (measured.length < rounds) continue;
    const tables = cases[name].tables.map((table) => {
      const summary = summarise(table, measured);
      const goals = judge(table.goals, summary, sender);
      printSummary(table, summary, goals);
      met &&= goals.every((goal) => goal.met);
      return { title: table.title, summary, goals };
    });
    if (!quick && !options.only) write(name, { machine, rounds, tables, measured });
  }
  if (failed) return 2;
  return met ? 0 : 1;
}

runMain(main, quick ? 5 : 90);
