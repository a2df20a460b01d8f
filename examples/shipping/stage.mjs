// Sets the stage of the shipping example: the desk, a session server that knows its tools, and the agent; with --headless
// a person too, in a real Chromium. Invariant: whatever was started is ended by its process id, in reverse order.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { bold, dim, green, red } from '../first_drive/screen.mjs';
import { bePerson } from './person.mjs';
import { configurationFor, openDesk } from './shipping.mjs';

const usage = `Usage: examples/shipping/start [--headless] [--pictures DIR] [--server URL] [--port N] [--to-zip ZIP]

A voice agent and a web page share one session: prices, a choice, a label. Open the link that is printed.

  --headless      a program plays the person, in a headless Chromium, and takes pictures; then everything ends
  --pictures DIR  where they go (default: a new folder, which is printed)
  --server URL    use this session server; without, one is started on a free port with a data folder of its own
  --port N        the port of the shipping desk (default: any free one; 9000 with --server)
  --to-zip ZIP    the recipient's ZIP code; 99999 is how one sees the carriers time out
`;

const root = fileURLToPath(new URL('../../', import.meta.url));
const startMsMax = 10_000;
const endMsMax = 10_000;

class UsageError extends Error {}

function readArguments() {
  const options = {
    headless: { type: 'boolean' }, pictures: { type: 'string' }, server: { type: 'string' }, port: { type: 'string' },
    'to-zip': { type: 'string' }, help: { type: 'boolean', short: 'h' },
  };
  let values;
  try {
    values = parseArgs({ options }).values;
  } catch (error) {
    throw new UsageError(error.message.split('. ')[0]);
  }
  const port = values.port ?? (values.server ? '9000' : '0');
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
const endOf = (child) => new Promise((resolve) => {
  child.once('exit', (code, signal) => resolve(signal ?? code));
  child.once('error', (error) => resolve(error.message));
});

async function endChild(child, ended) {
  if (child.exitCode !== null || child.signalCode !== null) return ended;
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), endMsMax);
  const how = await ended;
  clearTimeout(late);
  return how;
}

/** Resolves to the first match in what a child prints; rejects when it ends before, or after `ms`. */
function matchIn(child, ended, pattern, { ms, what }) {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`${what} took more than ${ms / 1000} s`)), ms);
    const settle = (how, value) => { clearTimeout(timer); how(value); };
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
      const found = pattern.exec(said);
      if (found) settle(resolve, found);
    });
    ended.then((how) => settle(reject, new Error(`${what}: the program ended with ${how}`)));
  });
}

async function startServer(desk) {
  const binary = process.env.SOJOURN_BINARY || path.join(root, 'build/release/sojourn');
  if (!existsSync(binary)) throw new Error(`${binary} is not built; ./start builds it`);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-shipping-'));
  opened.push(() => rm(folder, { recursive: true, force: true }));
  const [config, log] = [path.join(folder, 'sojourn.toml'), path.join(folder, 'server.log')];
  await writeFile(config, configurationFor(desk.address));
  const sink = openSync(log, 'w', 0o600);
  const child = spawn(binary, ['serve', '--listen', '127.0.0.1:0', '--data', path.join(folder, 'data'), '--config', config], { stdio: ['ignore', 'pipe', sink] });
  closeSync(sink);
  const ended = endOf(child);
  opened.push(async () => {
    const running = child.exitCode === null && child.signalCode === null;
    const how = await endChild(child, ended);
    if (running && how !== 0) throw new Error(`the session server ended with ${how}`);
  });
  const match = await matchIn(child, ended, /Listening on (http:\/\/\S+)\n/, { ms: startMsMax, what: 'starting the session server' })
    .catch((error) => { throw new Error(`${error.message}\n${readFileSync(log, 'utf8').trimEnd().split('\n').slice(-5).join('\n')}`); });
  note('A session server listens', `${match[1]} ${dim(`(pid ${child.pid})`)}`);
  return match[1];
}

function nameServer(chosen, desk) {
  note('The session server is', `${chosen.server}; its configuration needs:`);
  console.log(configurationFor(desk.address).replace(/^(?=.)/gm, '    '));
  return chosen.server;
}

function startAgent(server, desk, chosen) {
  const more = chosen['to-zip'] ? ['--to-zip', chosen['to-zip']] : [];
  const child = spawn(process.execPath, [path.join(root, 'examples/shipping/agent.mjs'), '--server', server, '--page', desk.address, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = endOf(child);
  opened.push(() => endChild(child, ended));
  child.stdout.setEncoding('utf8').on('data', (text) => process.stdout.write(text));
  note('The agent starts', dim(`(pid ${child.pid})`));
  const link = matchIn(child, ended, /Join: (\S+)\n/, { ms: startMsMax, what: 'opening a session' }).then((match) => match[1]);
  return { link, ended };
}

async function playHeadless(agent, chosen) {
  const pictures = path.resolve(chosen.pictures ?? await mkdtemp(path.join(os.tmpdir(), 'sojourn-shipping-pictures-')));
  await mkdir(pictures, { recursive: true });
  const person = await bePerson({ link: await agent.link, pictures, say: note });
  opened.push(person.close);
  const failed = agent.ended.then((how) => { if (how !== 0) throw new Error(`the agent ended with ${how}`); });
  await Promise.all([person.play(), failed]);
  note('The pictures are in', pictures);
}

async function main() {
  const chosen = readArguments();
  if (chosen.help) return process.stdout.write(usage);
  let playing = true;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (!cleaning) console.log('\nEnding everything.');
      cleanUp().then(() => process.exit(playing ? 130 : process.exitCode));
    });
  }
  const desk = await openDesk({ port: chosen.port });
  opened.push(desk.close);
  note('The shipping desk is open', desk.address);
  desk.server = chosen.server ? nameServer(chosen, desk) : await startServer(desk);
  const agent = startAgent(desk.server, desk, chosen);
  if (chosen.headless) return playHeadless(agent, chosen);
  await agent.link;
  playing = false;
  note('Open the link above', 'in a browser on this machine; Ctrl-C ends everything');
  const how = await agent.ended;
  if (how !== 0 && how !== 'SIGINT' && !cleaning) throw new Error(`the agent ended with ${how}`);
  if (!cleaning) note('The page and the label stay', 'until Ctrl-C');
  return new Promise(() => {});
}

try {
  await main();
} catch (error) {
  if (!cleaning) {
    console.error(`${red('error:')} ${error.message}`);
    if (error instanceof UsageError) console.error('examples/shipping/start --help lists the options');
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
} finally {
  await cleanUp();
}
