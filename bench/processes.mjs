// Starting what is measured on CPU 0 and what measures it on CPU 1, and ending each by its id. All benchmarks'
// scripts share this.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const binary = process.env.SOJOURN_BINARY ?? join(root, 'build/release/sojourn');

// A program of bench/, from where cmake puts it.
export function findProgram(name) {
  const folder = process.env.SOJOURN_BENCH_FOLDER ?? join(root, 'build/release/bench');
  return join(folder, name);
}

const pinned = cpus().length > 1;
const children = new Set();

// This script itself stays out of the server's way.
export function pinToLoad() {
  if (pinned) spawnSync('taskset', ['-a', '-p', '-c', '1', String(process.pid)]);
}

// Runs a program on one CPU, with as many open files as the hard limit allows; exec keeps the pid.
export function start(cpu, command, args, folder) {
  const pin = pinned ? `taskset -c ${cpu} ` : '';
  const script = `ulimit -n "$(ulimit -H -n)"; exec ${pin}"$0" "$@"`;
  // A file takes the log, so that nobody has to wake up for it.
  const path = join(folder.log, 'log');
  const log = openSync(path, 'a');
  const env = { ...process.env, NODE_ENV: 'production' };
  const child = spawn('sh', ['-c', script, command, ...args], { stdio: ['pipe', 'pipe', log], env });
  closeSync(log);
  child.complaints = () => readFileSync(path, 'utf8').slice(-2000);
  child.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  children.add(child);
  child.once('close', () => children.delete(child));
  return child;
}

export async function readLine(child, what) {
  const { value, done } = await child.lines.next();
  if (done) throw new Error(`${what} ended early: ${child.complaints()}`);
  return value;
}

export async function stop(child) {
  if (!children.has(child)) return;
  const closed = once(child, 'close');
  child.stdin.end();
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 5000);
  await closed;
  clearTimeout(hard);
}

function hasTmpfs() {
  try {
    accessSync('/dev/shm');
    return true;
  } catch {
    return false;
  }
}

// A folder for data and one for logs, in memory where there is such a place; both gone afterwards.
export async function withFolder(use) {
  const data = mkdtempSync(join(tmpdir(), 'sojourn-bench-'));
  const log = mkdtempSync(join(hasTmpfs() ? '/dev/shm' : tmpdir(), 'sojourn-bench-'));
  try {
    return await use({ data, log });
  } finally {
    for (const path of [data, log]) rmSync(path, { recursive: true, force: true });
  }
}

// The port of a server that prints `Listening on http://127.0.0.1:PORT`.
export async function readPort(child, name) {
  const port = (await readLine(child, name)).match(/http:\/\/127\.0\.0\.1:(\d+)/)?.[1];
  if (!port) throw new Error(`${name} did not say where it listens`);
  return Number(port);
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function round(value) {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

// The first line is the head; the first column stands left.
export function printTable(table) {
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  for (const line of table) {
    console.log(line.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[column]))).join('  ').trimEnd());
  }
}

function packageVersion(name) {
  return JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
}

export function describeMachine(packages) {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0].model,
    cpus: cpus().length,
    load: loadavg().map((load) => Number(load.toFixed(2))),
    kernel: release(),
    sojourn: spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout?.trim() || 'unknown',
    node: process.version,
    ...Object.fromEntries(packages.map((name) => [name, packageVersion(name)])),
  };
}

function leave(status) {
  for (const child of children) child.kill('SIGKILL');
  process.exit(status);
}

function abort(reason) {
  console.error(reason);
  leave(2);
}

// Exit status: what `main` returns, 2 when it fails, is interrupted or takes too long.
export function runMain(main, minutes) {
  process.on('SIGINT', () => abort('interrupted'));
  process.on('SIGTERM', () => abort('ended'));
  setTimeout(() => abort(`not done within ${minutes} minutes`), minutes * 60_000).unref();
  main().then(leave, (error) => abort(error.stack));
}
