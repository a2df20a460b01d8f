// Measures Socket.IO against the npm server socket.io: echoes for each second of server CPU over WebSockets, in bursts and by
// polling, the memory of idle clients, and a broadcast beside clients that never read. Both servers are started in turn,
// in alternating order, on CPU 0; the load (bench/socketio) comes from CPU 1. Ratios of medians are what counts.
//
//   node bench/socketio.mjs              about twenty minutes; writes bench/results/socketio.json
//   node bench/socketio.mjs --quick      two to three minutes; writes nothing
//     --case NAME,...    echo, burst, polling, idle_2000, idle_10000, broadcast; writes nothing
//     --rounds N         so many rounds of each
//     --ours COMMAND     what echoes instead of build/release/sojourn-conformance; prints `Listening on http://...`
//     --self             socket.io against itself: how far from 1 the ratios lie by chance
//     --markdown         prints the tables as docs/BENCHMARKS.md has them
//
// Exit status: 0 all goals met, 1 a goal missed, 2 it could not be measured.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  binary, describeMachine, median, pinToLoad, printTable, readLine, readPort, root, round, runMain, start, stop, withFolder,
} from './processes.mjs';
import { makeCases, makePlan } from './socketio/cases.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false }, self: { type: 'boolean', default: false }, markdown: { type: 'boolean', default: false },
    case: { type: 'string' }, rounds: { type: 'string' }, ours: { type: 'string' },
  },
});
const conformance = join(dirname(binary), 'sojourn-conformance');
const socket = '/socket.io/?EIO=4&transport=websocket';

// `command` gives the words that start a server; `script` is how a client of its rooms gets into the one room.
const socketio = {
  title: 'socket.io',
  collect: true,
  echo: { command: () => [process.execPath, '--expose-gc', join(root, 'bench/peers/echo_socketio.mjs')] },
  rooms: {
    command: () => [process.execPath, join(root, 'bench/peers/rooms_socketio.mjs')],
    script: { target: `${socket}&room=bench`, welcome: '40{' },
  },
};

const sojourn = {
  title: 'sojourn',
  collect: false,
  echo: { command: () => options.ours?.split(' ') ?? [conformance, '--listen', '127.0.0.1:0', '--ping', '25000/20000'] },
  rooms: {
    command: (folder) => [binary, 'serve', '--listen', '127.0.0.1:0', '--data', join(folder.data, 'data'), '--limits.messages_per_s', '0'],
    script: { target: socket, hello: '42["register_session",{"thread_id":"bench"}]', welcome: '42["session_registered"' },
  },
};

const subjects = { own: options.self ? { ...socketio, title: 'socket.io again' } : sojourn, peer: socketio };

function measure(subject, it) {
  return withFolder(async (folder) => {
    const [command, ...words] = subject[it.server].command(folder);
    const server = start(0, command, words, folder);
    try {
      const port = await readPort(server, subject.title);
      const { collect, [it.server]: { script } } = subject;
      const order = { port, pid: server.pid, collect, ...it.options, ...(script && { script }) };
      const load = start(1, process.execPath, [join(root, 'bench/socketio/load.mjs'), it.mode, JSON.stringify(order)], folder);
      try {
        return JSON.parse(await readLine(load, `the load on ${subject.title}`));
      } finally {
        await stop(load);
      }
    } finally {
      await stop(server);
    }
  });
}

async function measureCase(name, it, rounds) {
  const measured = [];
  for (let number = 0; number < rounds; ++number) {
    const figures = {};
    for (const who of number % 2 ? ['peer', 'own'] : ['own', 'peer']) figures[who] = await measure(subjects[who], it);
    measured.push(figures);
    console.error(`${name}: round ${number + 1} of ${rounds} done`);
  }
  return measured;
}

function judge({ ratioMin, ratioMax, most, unit }, own, ratio) {
  if (ratioMin) return { text: `ratio >= ${ratioMin}`, met: ratio >= ratioMin };
  if (ratioMax) return { text: `ratio <= ${ratioMax}`, met: ratio <= ratioMax };
  if (most !== undefined) return { text: `<= ${most} ${unit}`.trim(), met: own <= most };
  return null;
}

function summarise(it, measured) {
  return it.rows.map((row) => {
    const [own, peer] = ['own', 'peer'].map((who) => {
      const values = measured.map((figures) => row.of(figures[who]));
      return { median: median(values), best: row.more ? Math.max(...values) : Math.min(...values) };
    });
    const ratio = own.median / peer.median;
    return { name: row.name, unit: row.unit, own, peer, ratio, goal: judge(row, own.median, ratio) };
  });
}

function tabulate(rows) {
  const cell = ({ median: middle, best }, unit) => (middle === best || unit === '%' ? round(middle) : `${round(middle)} (${round(best)})`);
  return [
    ['median (best)', subjects.own.title, subjects.peer.title, 'ratio', 'goal'],
    ...rows.map(({ name, unit, own, peer, ratio, goal }) => [
      unit ? `${name} [${unit}]` : name, cell(own, unit), cell(peer, unit), Number.isFinite(ratio) ? round(ratio) : '-',
      goal ? `${goal.text}: ${goal.met ? 'met' : 'MISSED'}` : '',
    ]),
  ];
}

function printMarkdown([head, ...lines]) {
  for (const line of [head, head.map(() => '---'), ...lines]) console.log(`| ${line.join(' | ')} |`);
}

function print({ title }, rows) {
  console.log(options.markdown ? `\n${title}:\n` : `\n${title}`);
  (options.markdown ? printMarkdown : printTable)(tabulate(rows));
}

// A load that has no CPU left gives the latencies and rates of its own; what the server used for each echo stands.
function warn(name, measured) {
  for (const who of ['own', 'peer']) {
    const share = median(measured.map((figures) => figures[who].load_share ?? figures[who].beside.load_share));
    if (share < 0.9) continue;
    const busy = `the load used ${round(share * 100)} % of its CPU`;
    console.log(`  ${name}, ${subjects[who].title}: ${busy}, so latencies and what is done each second are the load's`);
  }
}

function choose(cases) {
  const names = Object.keys(cases);
  const chosen = options.case?.split(',') ?? names;
  const unknown = chosen.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`no such case: ${unknown.join(', ')}; there are ${names.join(', ')}`);
  return chosen;
}

function findMissing(needed) {
  if (options.self) return [];
  return [['echo', conformance, options.ours], ['rooms', binary]]
    .filter(([server, file, other]) => needed.includes(server) && !other && !existsSync(file))
    .map(([, file]) => `${file} is missing: cmake --preset release && cmake --build build/release`);
}

async function main() {
  const plan = makePlan(options.quick);
  const cases = makeCases(plan);
  const chosen = choose(cases);
  const missing = findMissing(chosen.map((name) => cases[name].server));
  if (missing.length > 0) {
    console.error(missing.join('\n'));
    return 2;
  }
  pinToLoad();
  const result = { machine: describeMachine(['socket.io', 'engine.io', 'ws']), plan, cases: {} };
  let missed = 0;
  let failed = false;
  for (const name of chosen) {
    const it = cases[name];
    try {
      const measured = await measureCase(name, it, Number(options.rounds ?? it.rounds));
      const rows = summarise(it, measured);
      print(it, rows);
      warn(name, measured);
      missed += rows.filter(({ goal }) => goal && !goal.met).length;
      result.cases[name] = { title: it.title, rows, measured };
    } catch (error) {
      console.error(`${name}: ${error.message}`);
      failed = true;
    }
  }
  if (!options.quick && !options.case && !options.self && !failed) {
    mkdirSync(join(root, 'bench/results'), { recursive: true });
    writeFileSync(join(root, 'bench/results/socketio.json'), `${JSON.stringify(result, null, 2)}\n`);
  }
  if (failed) return 2;
  return missed ? 1 : 0;
}

runMain(main, options.quick ? 20 : 90);
