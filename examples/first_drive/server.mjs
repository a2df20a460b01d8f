// Starts and ends the Sojourn server of the first drive. Its log goes to a file; its end is awaited by pid.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
const startMsMax = 10_000;
const endMsMax = 10_000;

function answers(host, port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const done = (answered) => { socket.destroy(); resolve(answered); };
    socket.setTimeout(1000, () => done(true));
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });
}

/** Fails with a remedy when somebody listens on the port already. */
export async function requireFree(port) {
  if (port === 0 || !((await answers('127.0.0.1', port)) || (await answers('::1', port)))) return;
  const health = await fetch(`http://localhost:${port}/api/health`, { signal: AbortSignal.timeout(1000) })
    .then((response) => response.json(), () => ({}));
  const who = health.status === 'ok' ? 'a Sojourn server that runs already' : 'another program';
  throw new Error(`port ${port} is taken by ${who}; end it, or choose another port: ./start --port 0 takes any free one`);
}

function listenArgument(port) {
  return port === 0 ? '127.0.0.1:0' : `localhost:${port}`;
}

function lastLines(file, count) {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
}

/** Resolves to {address, port, pid, log, ended, stop()} once the server listens. */
export async function startServer({ port, data, log }) {
  const binary = process.env.SOJOURN_BINARY || path.join(root, 'build/release/sojourn');
  if (!existsSync(binary)) throw new Error(`${binary} is not built; ./start builds it`);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  mkdirSync(path.dirname(log), { recursive: true });
  const sink = openSync(log, 'w', 0o600);
  const child = spawn(binary, ['serve', '--listen', listenArgument(port), '--data', data], { stdio: ['ignore', 'pipe', sink] });
  closeSync(sink);
  const ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code));
    child.once('error', (error) => resolve(error.message));
  });
  const stop = () => endChild(child, ended);
  const address = await Promise.race([firstAddress(child), ended.then(() => undefined), sleep(startMsMax, undefined, { ref: false })]);
  if (!address) {
    await stop().catch(() => {});
    throw new Error(`the server did not start; its log (${log}) ends with:\n${lastLines(log, 5)}`);
  }
  return { address: address.replace('127.0.0.1', 'localhost'), pid: child.pid, log, ended, stop };
}

function firstAddress(child) {
  let said = '';
  return new Promise((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
      const found = said.match(/Listening on (http:\/\/127\.0\.0\.1:\d+)/) ?? said.match(/Listening on (http:\/\/\S+)\n/);
      if (found) resolve(found[1]);
    });
  });
}

async function endChild(child, ended) {
  const running = child.exitCode === null && child.signalCode === null;
  if (running) child.kill('SIGTERM');
  const late = sleep(endMsMax, 'late', { ref: false });
  if ((await Promise.race([ended, late])) === 'late') child.kill('SIGKILL');
  const how = await ended;
  if (running && how !== 0) throw new Error(`the server ended with ${how}`);
}
