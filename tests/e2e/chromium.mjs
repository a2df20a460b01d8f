// Starts Chromium with the extension in a throw-away profile, over a pipe, never a port.
// Invariant: Chromium never runs as root, keeps its sandbox, and close() leaves neither a process nor a file behind.
import { spawn, spawnSync } from 'node:child_process';
import { chmod, chown, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const browserUser = 'sojourn-browser';
const startMsMax = 30_000;
const callMsMax = 30_000;
const closeMsMax = 3_000;
const messageBytesMax = 256 * 1024 * 1024;

/** The fixed id of the extension, given by the key in its manifest. */
export const extensionId = 'afhojlogdaahibfnhgbcocjbmdnggcfn';

/** The path of the Chromium to use: CHROMIUM, or the first one that is installed; undefined when there is none. */
export function findChromium() {
  const places = [
    process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome-for-testing',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ];
  return places.find((place) => place && existsSync(place));
}

/**
 * A connection to Chromium's DevTools over two pipes. `send` rejects with Chromium's message; events go to `on` listeners
 * as (params, sessionId). After the pipe closed every pending and later call rejects; so does one without an answer in 30 s.
 */
export class Pipe {
  #write;
  #parts = [];
  #size = 0;
  #last = 0;
  #calls = new Map();
  #listeners = new Map();
  #closed = false;

  constructor(write, read) {
    this.#write = write;
    read.on('data', (bytes) => this.#take(bytes));
    read.on('close', () => this.#end());
    read.on('error', () => this.#end());
    write.on('error', () => this.#end());
  }

  send(method, params = {}, sessionId = undefined) {
    if (this.#closed) return Promise.reject(new Error(`${method}: Chromium has ended`));
    const id = ++this.#last;
    const answer = new Promise((resolve, reject) => {
      this.#calls.set(id, { method, resolve, reject });
      this.#write.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
    return within(callMsMax, answer, method).finally(() => this.#calls.delete(id));
  }

  on(method, listener) {
    const listeners = this.#listeners.get(method) ?? new Set();
    this.#listeners.set(method, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  #take(bytes) {
    let start = 0;
    for (let end = bytes.indexOf(0, start); end >= 0; end = bytes.indexOf(0, start)) {
      this.#parts.push(bytes.subarray(start, end));
      const text = Buffer.concat(this.#parts).toString('utf8');
      this.#parts = [];
      this.#size = 0;
      start = end + 1;
      this.#receive(JSON.parse(text));
    }
    this.#parts.push(bytes.subarray(start));
    this.#size += bytes.length - start;
    if (this.#size > messageBytesMax) this.#end();
  }

  #receive(message) {
    const call = this.#calls.get(message.id);
    if (!call) {
      for (const listener of this.#listeners.get(message.method) ?? []) listener(message.params, message.sessionId);
      return;
    }
    this.#calls.delete(message.id);
    if (message.error) call.reject(new Error(`${call.method}: ${message.error.message}`));
    else call.resolve(message.result);
  }

  #end() {
    this.#closed = true;
    for (const call of this.#calls.values()) call.reject(new Error(`${call.method}: Chromium has ended`));
    this.#calls.clear();
  }
}

function run(command, args) {
  const done = spawnSync(command, args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr || done.error || done.status}`);
  return done.stdout.trim();
}

// Chromium refuses its sandbox to root, so root lends it an account that owns nothing but the profile.
function lendAccount() {
  if (process.getuid?.() !== 0) return undefined;
  if (spawnSync('id', ['-u', browserUser]).status !== 0) {
    run('useradd', ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin', browserUser]);
  }
  return { uid: Number(run('id', ['-u', browserUser])), gid: Number(run('id', ['-g', browserUser])) };
}

async function giveTo(account, folder) {
  await chown(folder, account.uid, account.gid);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) await giveTo(account, file);
    else await chown(file, account.uid, account.gid);
  }
}

async function prepareProfile({ extension, server, profileParent, profile: kept }, account) {
  const profile = kept ?? await mkdtemp(path.join(profileParent ?? os.tmpdir(), 'sojourn-browser-'));
  const copy = path.join(profile, 'extension');
  await cp(extension, copy, { recursive: true });
  if (server) await writeFile(path.join(copy, 'config.json'), `${JSON.stringify({ server })}\n`);
  await chmod(profile, 0o700);
  if (account) await giveTo(account, profile);
  return { profile, copy };
}

function chromiumArguments(profile, headless, extra) {
  return [
    `--user-data-dir=${path.join(profile, 'data')}`,
    '--remote-debugging-pipe', '--enable-unsafe-extension-debugging',
    '--no-first-run', '--no-default-browser-check', '--disable-breakpad', '--disable-crash-reporter',
    '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-default-apps',
    '--password-store=basic', '--use-mock-keychain', '--silent-debugger-extension-api',
    ...(headless ? ['--headless=new', '--disable-gpu', '--hide-scrollbars', '--mute-audio', '--window-size=1280,900'] : []),
    ...extra, 'about:blank',
  ];
}

function spawnChromium(executable, args, profile, account) {
  const env = { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile, TMPDIR: profile };
  const lent = account
    ? ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', '--inh-caps=-all', executable]
    : [executable];
  return spawn(lent[0], [...lent.slice(1), ...args], {
    cwd: profile, env, detached: true, stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  });
}

function within(ms, promise, what) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what} took more than ${ms} ms`)), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function end(child, exited, cdp, profile) {
  await within(closeMsMax, cdp.send('Browser.close').then(() => exited), 'Browser.close').catch(() => {});
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
  await exited;
  if (profile) await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/**
 * Starts Chromium with the unpacked extension (a folder with manifest.json).
 * `server` (http://host:port) is written to the copy's config.json; without it the extension's own default holds.
 * `headless` is true unless said otherwise; `profileParent` is where the profile is made (default: the temp folder);
 * `args` are further Chromium switches; `profile` is one that a former browser left behind with close({ keepProfile: true }).
 * Returns {pid, cdp, profile, extensionId, exited, close()}; close() may be called twice, and the first time counts.
 */
export async function launchChromium({ extension, server, headless = true, profileParent, profile: kept, args = [] }) {
  const executable = findChromium();
  if (!executable) throw new Error('Chromium is not installed; install it or name it in CHROMIUM');
  const account = lendAccount();
  const { profile, copy } = await prepareProfile({ extension, server, profileParent, profile: kept }, account);
  const child = spawnChromium(executable, chromiumArguments(profile, headless, args), profile, account);
  const cdp = new Pipe(child.stdio[3], child.stdio[4]);
  let said = '';
  child.stderr.on('data', (bytes) => { said = (said + bytes).slice(-4000); });
  const exited = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', (error) => { said += error.message; resolve(); });
  });
  let closing;
  const close = ({ keepProfile = false } = {}) => (closing ??= end(child, exited, cdp, keepProfile ? undefined : profile));
  try {
    const loaded = await within(startMsMax, cdp.send('Extensions.loadUnpacked', { path: copy }), 'Starting Chromium');
    return { pid: child.pid, cdp, profile, extensionId: loaded.id, exited, close };
  } catch (error) {
    await close();
    throw new Error(`Chromium did not start: ${error.message}\n${said}`);
  }
}
