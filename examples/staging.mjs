// What the examples of several programs have in common: options, the programs and the session server that they start, and
// the end of it all. Invariant: whatever was started is ended by its process id, once, in reverse order.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { bold, dim, green, red } from './first_drive/screen.mjs';

export const root = fileURLToPath(new URL('../', import.meta.url));
const startMsMax = 10_000;
const endMsMax = 10_000;

export class UsageError extends Error {}

export const note = (what, outcome) => console.log(`${green('*')} ${bold(what)}  ${outcome}`);
const complain = (error) => console.error(`${red('error:')} ${error.message}`);

/** The options --server, --port and --help, and those of `more`. `usualPort` is the port when there is a --server. */
export function readArguments({ usualPort, more = {} }) {
  let values;
  try {
    values = parseArgs({ options: { server: { type: 'string' }, port: { type: 'string' }, help: { type: 'boolean', short: 'h' }, ...more } }).values;
  } catch (error) {
    throw new UsageError(error.message.split('. ')[0]);
  }
  const port = values.port ?? (values.server ? usualPort : '0');
  if (!/^\d+$/.test(port) || Number(port) > 65535) throw new UsageError(`--port takes a number up to 65535, not '${port}'`);
  return { ...values, port: Number(port), server: values.server?.replace(/\/+$/, '') };
}

// --- the end

const opened = [];
let ending;
let isStaying = false;

/** What is to be done at the end; what was said last is done first. */
export const atEnd = (close) => opened.push(close);
export const isEnding = () => ending !== undefined;

function endAll() {
  ending ??= (async () => {
    for (const close of opened.reverse()) {
      await Promise.resolve().then(close).catch((error) => {
        complain(error);
        process.exitCode = 1;
      });
    }
  })();
  return ending;
}

/** From here on an interrupt is how it ends well. */
export function stay() {
  isStaying = true;
  return new Promise(() => {});
}

/** Runs the example of that name, and ends all that it started, also when it is interrupted or fails. */
export async function runExample(name, main) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (!ending) console.log('\nEnding everything.');
      endAll().then(() => process.exit(isStaying ? process.exitCode : 130));
    });
  }
  try {
    await main();
  } catch (error) {
    if (!ending) {
      complain(error.code === 'EADDRINUSE' ? new Error('the port is taken; --port 0 takes any free one') : error);
      if (error instanceof UsageError) console.error(`examples/${name}/start --help lists the options`);
      process.exitCode = error instanceof UsageError ? 2 : 1;
    }
  } finally {
    await endAll();
  }
}

// --- programs

const isRunning = (child) => child.exitCode === null && child.signalCode === null;

/** Resolves when a program has ended, to how. */
export const endOf = (child) => new Promise((resolve) => {
  child.once('exit', (code, signal) => resolve(signal ?? code));
  child.once('error', (error) => resolve(error.message));
});

export async function endChild(child, ended) {
  if (!isRunning(child)) return ended;
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), endMsMax);
  const how = await ended;
  clearTimeout(late);
  return how;
}

/** Resolves to the first match in what a program prints; rejects when it ends before, or takes too long. */
export function matchIn(child, ended, pattern, what) {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`${what} took more than ${startMsMax / 1000} s`)), startMsMax);
    const settle = (how, value) => { clearTimeout(timer); how(value); };
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
      const found = pattern.exec(said);
      if (found) settle(resolve, found);
    });
    ended.then((how) => settle(reject, new Error(`${what}: the program ended with ${how}`)));
  });
}

// --- the session server

async function startServer(configuration) {
  const binary = process.env.SOJOURN_BINARY || path.join(root, 'build/release/sojourn');
  if (!existsSync(binary)) throw new Error(`${binary} is not built; ./start builds it`);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-example-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const [config, log] = [path.join(folder, 'sojourn.toml'), path.join(folder, 'server.log')];
  await writeFile(config, configuration);
  const sink = openSync(log, 'w', 0o600);
  const child = spawn(binary, ['serve', '--listen', '127.0.0.1:0', '--data', path.join(folder, 'data'), '--config', config], { stdio: ['ignore', 'pipe', sink] });
  closeSync(sink);
  const ended = endOf(child);
  atEnd(async () => {
    const wasRunning = isRunning(child);
    const how = await endChild(child, ended);
    if (wasRunning && how !== 0) throw new Error(`the session server ended with ${how}`);
  });
  const [, address] = await matchIn(child, ended, /Listening on (http:\/\/\S+)\n/, 'starting the session server')
    .catch((error) => { throw new Error(`${error.message}\n${readFileSync(log, 'utf8').trimEnd().split('\n').slice(-5).join('\n')}`); });
  note('A session server listens', `${address} ${dim(`(pid ${child.pid})`)}`);
  ended.then((how) => {
    if (ending) return;
    complain(new Error(`the session server ended with ${how}`));
    endAll().then(() => process.exit(1));
  });
  return address;
}

/** The address of a session server of that configuration: the one that was chosen, or else a new one on a free port. */
export function serverFor(chosen, configuration) {
  if (!chosen.server) return startServer(configuration);
  note('The session server is', `${chosen.server}; its configuration needs:`);
  console.log(configuration.replace(/^(?=.)/gm, '    '));
  return chosen.server;
}
