// Measures the first door against the kind of server its document describes (peers/express_ws.mjs).
// Both are started in turn, in alternating order, on CPU 0; the load comes from CPU 1. Ratios of
// medians are what counts: absolute times wander with the machine.
//
//   node bench/door.mjs           a few minutes; writes bench/results/door.json
//   node bench/door.mjs --quick   about twenty seconds; writes nothing
//
// Exit status: 0 all goals met, 1 a goal missed, 2 it could not be measured.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binary = process.env.SOJOURN_BINARY ?? join(root, 'build/release/sojourn');
const load = process.env.SOJOURN_BENCH_LOAD ?? join(root, 'build/release/bench/bench_load');
const quick = process.argv.includes('--quick');
const plan = quick
  ? { rounds: 2, messages: 3000, singles: 1000, warmup: 2000, handshakes: 1000, idle: 2000, lists: 10, minutes: 2 }
  : { rounds: 5, messages: 20000, singles: 5000, warmup: 5000, handshakes: 5000, idle: 10000, lists: 20, minutes: 15 };
const pinned = cpus().length > 1;

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

const children = new Set();

// Runs a program on one CPU, with as many open files as the hard limit allows; exec keeps the pid.
function start(cpu, command, args, folder) {
  const pin = pinned ? `taskset -c ${cpu} ` : '';
  const script = `ulimit -n "$(ulimit -H -n)"; exec ${pin}"$0" "$@"`;
  // A file takes the log, so that nobody has to wake up for it.
  const log = openSync(join(folder, 'log'), 'a');
  const env = { ...process.env, NODE_ENV: 'production' };
  const child = spawn('sh', ['-c', script, command, ...args], { stdio: ['pipe', 'pipe', log], env });
  closeSync(log);
  child.complaints = () => readFileSync(join(folder, 'log'), 'utf8').slice(-2000);
  child.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  children.add(child);
  child.once('close', () => children.delete(child));
  return child;
}

async function readLine(child, what) {
  const { value, done } = await child.lines.next();
  if (done) throw new Error(`${what} ended early: ${child.complaints()}`);
  return value;
}

async function stop(child) {
  if (!children.has(child)) return;
  const closed = once(child, 'close');
  child.stdin.end();
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 5000);
  await closed;
  clearTimeout(hard);
}

const subjects = {
  sojourn(folder) {
    const config = join(folder, 'sojourn.toml');
    writeFileSync(config, '[limits]\nmessages_per_s = 0\n');
    return start(0, binary, ['serve', '--listen', '127.0.0.1:0', '--data', join(folder, 'data'), '--config', config], folder);
  },
  peer(folder) {
    return start(0, process.execPath, ['--expose-gc', join(root, 'bench/peers/express_ws.mjs')], folder);
  },
};

// Starts a subject, gives it to `use` with its port, and ends it.
async function withServer(name, use) {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-bench-'));
  const server = Object.assign(subjects[name](folder), { folder });
  try {
    const port = (await readLine(server, name)).match(/http:\/\/127\.0\.0\.1:(\d+)/)?.[1];
    if (!port) throw new Error(`${name} did not say where it listens`);
    return await use(server, port);
  } finally {
    await stop(server);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(server, port, mode, options) {
  const words = Object.entries(options).flatMap(([option, value]) => [`--${option}`, String(value)]);
  const child = start(1, load, [mode, '--port', port, '--pid', String(server.pid), ...words], server.folder);
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

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
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

function round(value) {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function printTable(rows) {
  const cells = rows.map((row) => [
    `${row.name} [${row.unit}]`,
    ...[row.sojourn, row.peer].map((figure) => `${round(figure.median)} (${round(figure.best)})`),
    Number.isFinite(row.ratio) ? row.ratio.toFixed(2) : '-',
    row.goal ? `${row.goal.text}: ${row.goal.met ? 'met' : 'MISSED'}` : '',
  ]);
  const table = [['median (best)', 'sojourn', 'express + ws', 'ratio', 'goal'], ...cells];
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  for (const line of table) {
    console.log(line.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[column]))).join('  ').trimEnd());
  }
}

function packageVersion(name) {
  return JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
}

function describeMachine() {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0].model,
    cpus: cpus().length,
    load: loadavg().map((load) => Number(load.toFixed(2))),
    kernel: release(),
    sojourn: spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout?.trim() || 'unknown',
    node: process.version,
    express: packageVersion('express'),
    ws: packageVersion('ws'),
  };
}

async function main() {
  for (const [file, target] of [[binary, 'sojourn'], [load, 'bench_load']]) {
    if (existsSync(file)) continue;
    console.error(`${file} is missing: cmake --preset release && cmake --build build/release --target ${target}`);
    return 2;
  }
  if (pinned) spawnSync('taskset', ['-a', '-p', '-c', '1', String(process.pid)]);
  const rounds = [];
  for (let number = 0; number < plan.rounds; ++number) {
    const order = number % 2 ? ['peer', 'sojourn'] : ['sojourn', 'peer'];
    const figures = {};
    for (const name of order) figures[name] = await measureSubject(name);
    rounds.push(figures);
    console.error(`round ${number + 1} of ${plan.rounds} done`);
  }
  const machine = describeMachine();
  const rows = summarise(rounds);
  printTable(rows);
  if (!quick) {
    mkdirSync(join(root, 'bench/results'), { recursive: true });
    writeFileSync(join(root, 'bench/results/door.json'), `${JSON.stringify({ machine, plan, summary: rows, rounds }, null, 2)}\n`);
  }
  return rows.every((row) => row.goal?.met ?? true) ? 0 : 1;
}

function abort(reason) {
  console.error(reason);
  for (const child of children) child.kill('SIGKILL');
  process.exit(2);
}

process.on('SIGINT', () => abort('interrupted'));
process.on('SIGTERM', () => abort('ended'));
setTimeout(() => abort(`not done within ${plan.minutes} minutes`), plan.minutes * 60_000).unref();
main().then((status) => process.exit(status), (error) => abort(error.stack));
