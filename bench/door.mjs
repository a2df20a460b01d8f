// Measures the first door against the kind of server its document describes (peers/express_ws.mjs).
// Both are started in turn, in alternating order, on CPU 0; the load comes from CPU 1. Ratios of
// medians are what counts: absolute times wander with the machine.
//
//   node bench/door.mjs           a few minutes; writes bench/results/door.json
//   node bench/door.mjs --quick   about twenty seconds; writes nothing
//
// Exit status: 0 all goals met, 1 a goal missed, 2 it could not be measured.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  binary, describeMachine, findProgram, median, pinToLoad, printTable, readLine, readPort, root, round, runMain, start, stop, withFolder,
} from './processes.mjs';

const load = findProgram('bench_load');
const quick = process.argv.includes('--quick');
const plan = quick
  ? { rounds: 2, messages: 3000, singles: 1000, warmup: 2000, handshakes: 1000, idle: 2000, lists: 10, minutes: 2 }
  : { rounds: 5, messages: 20000, singles: 5000, warmup: 5000, handshakes: 5000, idle: 10000, lists: 20, minutes: 15 };

// What is measured: where it is found in a round's figures, and the goal, if there is one.
const metrics = [
  { name: 'message: server CPU, 32 in flight', unit: 'us', of: (r) => r.messages.cpu_us, ratioMax: 0.35 },
  { name: 'message: POST written to frame read, p50', unit: 'us', of: (r) => r.messages.p50_us },
  { name: 'message: the same, p99', unit: 'us', of: (r) => r.messages.p99_us },
  { name: 'message: delivered each second', unit: '/s', of: (r) => r.messages.per_s, more: true },
  { name: 'message: ksoftirqd/1, not in the first row', unit: 'us', of: (r) => r.messages.softirq1_us },
  { name: 'message: resident memory kept of each', unit: 'B', of: (r) => r.messages.rss_growth_each },
  { name: 'message: server CPU, one at a time', unit: 'us', of: (r) => r.singles.cpu_us },
  { name: 'message: p50, one at a time', unit: 'us', of: (r) => r.singles.p50_us },
  { name: 'message: p99, one at a time', unit: 'us', of: (r) => r.singles.p99_us },
  { name: 'handshake and close: server CPU', unit: 'us', of: (r) => r.handshakes.cpu_us },
  { name: 'handshake and close: each second', unit: '/s', of: (r) => r.handshakes.per_s, more: true },
  { name: `handshake of ${plan.idle} that stay: server CPU`, unit: 'us', of: (r) => r.idle.cpu_us },
  { name: `resident per idle connection, ${plan.idle}`, unit: 'B', of: (r) => r.idle.rss_each, most: 1536 },
  { name: 'the same after a full garbage collection', unit: 'B', of: (r) => r.idle.rss_each_collected },
  { name: `resident in all, ${plan.idle} idle`, unit: 'MiB', of: (r) => r.idle.rss / 2 ** 20 },
  { name: `list of ${plan.idle + 200} sessions`, unit: 'ms', of: (r) => r.idle.list_ms },
  { name: 'list: server CPU', unit: 'ms', of: (r) => r.idle.list_cpu_ms },
  { name: 'list: body', unit: 'KB', of: (r) => r.idle.list_bytes / 1000 },
];

const subjects = {
  sojourn(folder) {
    const config = join(folder.data, 'sojourn.toml');
    writeFileSync(config, '[limits]\nmessages_per_s = 0\n');
    return start(0, binary, ['serve', '--listen', '127.0.0.1:0', '--data', join(folder.data, 'data'), '--config', config], folder);
  },
  peer(folder) {
    return start(0, process.execPath, ['--expose-gc', join(root, 'bench/peers/express_ws.mjs')], folder);
  },
};

// Starts a subject, gives it to `use` with its port, and ends it.
function withServer(name, use) {
  return withFolder(async (folder) => {
    const server = Object.assign(subjects[name](folder), { folder });
    try {
      return await use(server, await readPort(server, name));
    } finally {
      await stop(server);
    }
  });
}

async function measure(server, port, mode, options) {
  const words = Object.entries(options).flatMap(([option, value]) => [`--${option}`, String(value)]);
  const child = start(1, load, [mode, '--port', String(port), '--pid', String(server.pid), ...words], server.folder);
  const figures = JSON.parse(await readLine(child, `bench_load ${mode}`));
  await stop(child);
  return figures;
}

function measureIdle(name, server, port) {
  const options = { connections: plan.idle, window: 64, lists: plan.lists, settle: quick ? 500 : 1500 };
  return measure(server, port, 'idle', name === 'peer' ? { ...options, collect: 1 } : options);
}

// Messages and handshakes on one fresh process, memory and lists on another.
async function measureSubject(name) {
  const { warmup } = plan;
  const figures = await withServer(name, async (server, port) => ({
    messages: await measure(server, port, 'messages', { window: 32, count: plan.messages, warmup }),
    singles: await measure(server, port, 'messages', { window: 1, count: plan.singles, warmup: 500 }),
    handshakes: await measure(server, port, 'handshakes', { window: 16, count: plan.handshakes, warmup: 500 }),
  }));
  figures.idle = await withServer(name, (server, port) => measureIdle(name, server, port));
  return figures;
}

function summarise(rounds) {
  return metrics.map(({ name, unit, of, ratioMax, most, more }) => {
    const best = more ? Math.max : Math.min;
    const [sojourn, peer] = ['sojourn', 'peer'].map((subject) => {
      const values = rounds.map((round) => of(round[subject]));
      return { median: median(values), best: best(...values) };
    });
    const ratio = sojourn.median / peer.median;
    let goal = null;
    if (ratioMax) goal = { text: `ratio <= ${ratioMax}`, met: ratio <= ratioMax };
    if (most) goal = { text: `<= ${most} ${unit}`, met: sojourn.median <= most };
    return { name, unit, sojourn, peer, ratio, goal };
  });
}

function tabulate(rows) {
  const lines = rows.map((row) => [
    `${row.name} [${row.unit}]`,
    ...[row.sojourn, row.peer].map((figure) => `${round(figure.median)} (${round(figure.best)})`),
    Number.isFinite(row.ratio) ? row.ratio.toFixed(2) : '-',
    row.goal ? `${row.goal.text}: ${row.goal.met ? 'met' : 'MISSED'}` : '',
  ]);
  return [['median (best)', 'sojourn', 'express + ws', 'ratio', 'goal'], ...lines];
}

async function main() {
  for (const [file, target] of [[binary, 'sojourn'], [load, 'bench_load']]) {
    if (existsSync(file)) continue;
    console.error(`${file} is missing: cmake --preset release && cmake --build build/release --target ${target}`);
    return 2;
  }
  pinToLoad();
  const rounds = [];
  for (let number = 0; number < plan.rounds; ++number) {
    const order = number % 2 ? ['peer', 'sojourn'] : ['sojourn', 'peer'];
    const figures = {};
    for (const name of order) figures[name] = await measureSubject(name);
    rounds.push(figures);
    console.error(`round ${number + 1} of ${plan.rounds} done`);
  }
  const machine = describeMachine(['express', 'ws']);
  const rows = summarise(rounds);
  printTable(tabulate(rows));
  if (!quick) {
    mkdirSync(join(root, 'bench/results'), { recursive: true });
    writeFileSync(join(root, 'bench/results/door.json'), `${JSON.stringify({ machine, plan, summary: rows, rounds }, null, 2)}\n`);
  }
  return rows.every((row) => row.goal?.met ?? true) ? 0 : 1;
}

runMain(main, plan.minutes);
