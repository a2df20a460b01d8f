// Sets the stage of the session monitor example: the site with the page, and a session server that lets the page in.
// Invariant: whatever was started is ended by its process id, in reverse order.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { bold, dim, green, red } from '../first_drive/screen.mjs';
import { configurationFor, openSite } from './site.mjs';

const usage = `Usage: examples/monitor/start [--server URL] [--port N]

A page that stays registered for a thread, and shows its transport, its session and what comes. Open the link that is printed.

  --server URL  use this session server; without, one is started on a free port with a data folder of its own
  --port N      the port of the page (default: any free one; 9200 with --server)
`;

const root = fileURLToPath(new URL('../../', import.meta.url));
const startMsMax = 10_000;
const endMsMax = 10_000;

class UsageError extends Error {}

function readArguments() {
  let values;
  try {
    values = parseArgs({ options: { server: { type: 'string' }, port: { type: 'string' }, help: { type: 'boolean', short: 'h' } } }).values;
  } catch (error) {
    throw new UsageError(error.message.split('. ')[0]);
  }
  const port = values.port ?? (values.server ? '9200' : '0');
  if (!/^\d+$/.test(port) || Number(port) > 65535) throw new UsageError(`--port takes a number up to 65535, not '${port}'`);
  return { ...values, port: Number(port), server: values.server?.replace(/\/+$/, '') };
}

const opened = [];
let cleaning;

function cleanUp() {
  cleaning ??= (async () => {
    for (const close of opened.reverse()) {
      await Promise.resolve().then(close).catch((error) => {
        console.error(`${red('error:')} ${error.message}`);
        process.exitCode = 1;
      });
    }
  })();
  return cleaning;
}

const note = (what, outcome) => console.log(`${green('*')} ${bold(what)}  ${outcome}`);

async function endChild(child, ended) {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), endMsMax);
  const how = await ended;
  clearTimeout(late);
  return how;
}

// Resolves to where the server listens.
function listening(child, ended) {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`starting the session server took more than ${startMsMax / 1000} s`)), startMsMax);
    const settle = (how, value) => { clearTimeout(timer); how(value); };
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
      const found = /Listening on (http:\/\/\S+)\n/.exec(said);
      if (found) settle(resolve, found[1]);
    });
    ended.then((how) => settle(reject, new Error(`the session server ended with ${how}`)));
  });
}

async function startServer(site) {
  const binary = process.env.SOJOURN_BINARY || path.join(root, 'build/release/sojourn');
  if (!existsSync(binary)) throw new Error(`${binary} is not built; ./start builds it`);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-monitor-'));
  opened.push(() => rm(folder, { recursive: true, force: true }));
  const [config, log] = [path.join(folder, 'sojourn.toml'), path.join(folder, 'server.log')];
  await writeFile(config, configurationFor(site.address));
  const sink = openSync(log, 'w', 0o600);
  const child = spawn(binary, ['serve', '--listen', '127.0.0.1:0', '--data', path.join(folder, 'data'), '--config', config], { stdio: ['ignore', 'pipe', sink] });
  closeSync(sink);
  const ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code));
    child.once('error', (error) => resolve(error.message));
  });
  opened.push(() => endChild(child, ended));
  const server = await listening(child, ended)
    .catch((error) => { throw new Error(`${error.message}\n${readFileSync(log, 'utf8').trimEnd().split('\n').slice(-5).join('\n')}`); });
  note('A session server listens', `${server} ${dim(`(pid ${child.pid})`)}`);
  ended.then((how) => {
    if (cleaning) return;
    console.error(`${red('error:')} the session server ended with ${how}`);
    process.exitCode = 1;
    cleanUp();
  });
  return server;
}

function nameServer(server, site) {
  note('The session server is', `${server}; its configuration needs:`);
  console.log(configurationFor(site.address).replace(/^(?=.)/gm, '    '));
  return server;
}

async function main() {
  const chosen = readArguments();
  if (chosen.help) return void process.stdout.write(usage);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (!cleaning) console.log('\nEnding everything.');
      cleanUp().then(() => process.exit());
    });
  }
  const site = await openSite({ port: chosen.port });
  opened.push(site.close);
  site.server = chosen.server ? nameServer(chosen.server, site) : await startServer(site);
  note('The page is at', `${site.address}  ${dim('open it in a browser on this machine; Ctrl-C ends everything')}`);
}

try {
  await main();
} catch (error) {
  if (!cleaning) {
    console.error(`${red('error:')} ${error.code === 'EADDRINUSE' ? 'the port is taken; --port 0 takes any free one' : error.message}`);
    if (error instanceof UsageError) console.error('examples/monitor/start --help lists the options');
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
  await cleanUp();
}
