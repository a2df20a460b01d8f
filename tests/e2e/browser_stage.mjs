// Browser sessions as their users have them: a server whose sessions drive real Chromium, a visitor who goes through
// pages by what stands on them, and the processes behind. Every server is ended by pid; what it leaves, is looked for.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { eventually, request, start } from './harness.mjs';

export const browserId = /^sess_[0-9a-z]{26}$/i;

const spell = (value) => (typeof value === 'string' ? JSON.stringify(value) : String(value));
const section = (name, keys) => [`[${name}]`, ...Object.entries(keys).map(([key, value]) => `${key} = ${spell(value)}`), ''].join('\n');

/** The text of a configuration: toml({browser: {max_contexts: 2}}). */
export const toml = (sections) => Object.entries(sections).map(([name, keys]) => section(name, keys)).join('\n');

/** Starts a server whose sections `browser`, `video`, ... say what is given; further members are those of start(). */
export function startBrowsers({ browser = {}, video = {}, ...options } = {}) {
  return start({ config: toml({ browser, video }), ...options });
}

/** One function over REST, as it is answered. */
export const callFunction = (server, id, name, input = {}, headers = {}) => server.post(`/api/v1/sessions/${id}/functions/${name}`, input, headers);

/** POST /apps/run as documented: the task, which may have failed; `status` is that of HTTP, `state` the task's own. */
export async function runApp(server, body, headers = {}) {
  const answer = await server.post('/apps/run', { app: 'agent-browser', ...body }, headers);
  return { ...answer.json, state: answer.json?.status, status: answer.status, headers: answer.headers };
}

/** Makes a session without a page; members of `browser` and of the session. */
export async function makeSession(server, browser = {}, more = {}, headers = {}) {
  return server.post('/api/v1/sessions', { kind: 'browser', browser, ...more }, headers);
}

/** One who is in a session: asks by REST and remembers the last snapshot. */
export class Visitor {
  elements = [];

  constructor(server, id, headers = {}) { Object.assign(this, { server, id, headers }); }

  ask(name, input) { return callFunction(this.server, this.id, name, input, this.headers); }

  async call(name, input) {
    const answer = await this.ask(name, input);
    assert.equal(answer.status, 200, `${name} ${JSON.stringify(input)}: ${answer.status} ${answer.text.slice(0, 500)}`);
    this.#remember(name === 'interact' ? answer.json.snapshot : answer.json);
    return answer.json;
  }

  #remember(snapshot) {
    if (!Array.isArray(snapshot?.elements) || snapshot.diff) return;
    this.page = snapshot;
    this.elements = snapshot.elements;
  }

  open(url, input = {}) { return this.call('open', { url, screenshot: false, ...input }); }
  snapshot(input) { return this.call('snapshot', input); }
  act(action, rest = {}) { return this.call('interact', { action, screenshot: false, ...rest }); }

  /** The elements of the last snapshot that are called `name`: by text, name, placeholder. */
  all(name) {
    const called = ({ text, name: own }) => [text, own].some((word) => (typeof name === 'string' ? word === name : name.test(word ?? '')));
    return this.elements.filter(called);
  }

  /** The first of them; fails when there is none. */
  find(name) {
    const [found] = this.all(name);
    assert.ok(found, `${name} is not among ${JSON.stringify(this.elements.map(({ ref, tag, text }) => `${ref} ${tag} ${text}`)).slice(0, 800)}`);
    return found;
  }

  ref(name) { return this.find(name).ref; }

  /** Does it to what is called `name`; it has to succeed. */
  async does(action, name, rest = {}) {
    const answer = await this.act(action, { ref: this.ref(name), ...rest });
    assert.equal(answer.success, true, `${action} ${name}: ${answer.message}`);
    return answer;
  }

  click(name, rest) { return this.does('click', name, rest); }

  /** What the page's script gives, as text. */
  async value(code) {
    const { result, error } = await this.call('execute', { code, screenshot: false });
    assert.equal(error, null, `${code}: ${error}`);
    return result;
  }

  /** What the page noted so far. */
  async told() { return (await this.value('told')).trim().split(' ').filter((word) => word !== ''); }

  /** Waits until the page noted `word`; gives all it noted. */
  async hears(word, ms = 3000) {
    let told;
    await eventually(async () => { told = await this.told(); return told.includes(word); }, `the page notes ${word}`, ms).catch((error) => { throw new Error(`${error.message}; it noted: ${told}`); });
    return told;
  }

  /** Notes that nobody wants. */
  async assertNoWrong() { assert.deepEqual((await this.told()).filter((word) => word.startsWith('wrong')), []); }

  async events() { return (await this.server.get(`/api/v1/sessions/${this.id}/events?limit=1000`, this.headers)).json?.events ?? []; }

  /** The data of the session's first news of that name: navigated, dialog, page_crashed, hung, crashed. */
  news(name, ms = 3000) {
    const find = async () => (await this.events()).find((event) => event.type === 'session.browser' && (event.name ?? event.data?.name) === name);
    return eventually(find, `the log tells of ${name}`, ms);
  }

  close(input = {}) { return this.ask('close', input); }
}

/** Opens `url` in a new session, which is closed when the test `t` ends. */
export async function visit(t, server, url, { headers = {}, ...input } = {}) {
  const answer = await callFunction(server, 'new', 'open', { url, screenshot: false, ...input }, headers);
  assert.equal(answer.status, 200, `open ${url}: ${answer.status} ${answer.text.slice(0, 500)}`);
  const visitor = new Visitor(server, answer.json.session_id, headers);
  visitor.page = answer.json;
  visitor.elements = answer.json.elements;
  t.after(async () => { if (server.alive()) await visitor.close(); });
  return visitor;
}

/** In a session that is there already. */
export const enter = (server, id, headers) => new Visitor(server, id, headers);

/** The number of browser sessions that live. */
export async function sessionCount(server) { return (await server.get('/api/v1/sessions?kind=browser')).json.total_count; }

// Processes: /proc as it is. A zombie counts as ended.
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, ppid, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { pid, state, ppid: Number(ppid), ticks: Number(rest[9]) + Number(rest[10]), began: rest[17] };
  } catch { return undefined; }
}

export const isRunning = (pid) => { const stat = statOf(pid); return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X'; };

/** The processes below `pid` that are browsers: [{pid, line, ticks}]. */
export function browserProcesses(pid) {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => statOf(name)).filter(Boolean);
  const below = new Set([Number(pid)]);
  for (let before = -1; before !== below.size;) {
    before = below.size;
    for (const stat of all) if (below.has(stat.ppid)) below.add(Number(stat.pid));
  }
  below.delete(Number(pid));
  const lineOf = (one) => { try { return readFileSync(`/proc/${one}/cmdline`, 'latin1').replaceAll('\0', ' '); } catch { return ''; } };
  return all.filter((stat) => below.has(Number(stat.pid)) && stat.state !== 'Z')
    .map((stat) => ({ pid: Number(stat.pid), ticks: stat.ticks, line: lineOf(stat.pid) })).filter(({ line }) => /chrom/.test(line));
}

/** The one of a kind ('renderer', 'gpu-process', ...), or without a kind the browsers themselves. */
export function ofKind(processes, kind) {
  if (kind) return processes.filter(({ line }) => line.includes(`--type=${kind}`));
  return processes.filter(({ line }) => !line.includes('--type=') && !/^\/bin\/sh |crashpad|setpriv/.test(line));
}

/** The folders that the browsers below `pid` have for themselves. */
export function profiles(pid) {
  const folders = browserProcesses(pid).map(({ line }) => /--user-data-dir=(\S+)/.exec(line)?.[1]).filter(Boolean);
  return [...new Set(folders)].filter((folder) => existsSync(folder));
}

/** Waits until none of the processes runs. */
export const allEnd = (processes, ms, what = 'every browser process has ended') => eventually(() => processes.every(({ pid }) => !isRunning(pid)), what, ms);

/** The renderer that works the most during `ms`. */
export async function hottestRenderer(server, ms = 250) {
  const before = new Map(browserProcesses(server.pid).map(({ pid, ticks }) => [pid, ticks]));
  await new Promise((resolve) => { setTimeout(resolve, ms); });
  const used = ofKind(browserProcesses(server.pid), 'renderer').map(({ pid, ticks }) => ({ pid, used: ticks - (before.get(pid) ?? 0) }));
  return used.sort((a, b) => b.used - a.used)[0];
}

/** A web proxy that answers every request itself with its name; `credentials` as "name:password". */
export async function startProxy(name, credentials) {
  const seen = [];
  const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
  const server = http.createServer((incoming, response) => {
    const given = incoming.headers['proxy-authorization'];
    seen.push({ url: incoming.url, given });
    if (wanted && given !== wanted) {
      response.writeHead(407, { 'Proxy-Authenticate': 'Basic realm="proxy"', 'Content-Type': 'text/html' });
      response.end('<title>407</title>');
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/html' });
    response.end(`<!doctype html><title>via ${name}</title><p>${incoming.url}</p><button>By ${name}</button>`);
  });
  server.on('connect', (_incoming, socket) => socket.destroy());
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { url: `http://127.0.0.1:${server.address().port}`, seen, stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }) };
}

/** A port of this machine at which everything that comes is counted and dropped. */
export async function startTrap(host = '127.0.0.1') {
  const trap = { count: 0 };
  const server = net.createServer((socket) => { trap.count += 1; socket.on('error', () => {}); socket.destroy(); });
  await new Promise((resolve) => { server.listen(0, host, resolve); });
  return Object.assign(trap, { port: server.address().port, stop: () => new Promise((resolve) => { server.close(resolve); }) });
}

/** The bytes of a File that a function gave: from a data: address or by fetching it. */
export async function bytesOf(server, file) {
  if (file.uri.startsWith('data:')) return Buffer.from(file.uri.slice(file.uri.indexOf(',') + 1), 'base64');
  const url = new URL(file.uri, server.url);
  const answer = await request(url.origin, url.pathname + url.search);
  assert.equal(answer.status, 200, `${file.uri}: ${answer.text.slice(0, 200)}`);
  return answer.bytes;
}

export const isPng = (bytes) => bytes.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
export const isWebm = (bytes) => bytes.subarray(0, 4).equals(Buffer.from([0x1a, 0x45, 0xdf, 0xa3]));
export const pngSize = (bytes) => [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];

/** Runs `body` and gives [its result, how long it took in ms]. */
export async function timed(body) {
  const began = performance.now();
  return [await body(), performance.now() - began];
}
