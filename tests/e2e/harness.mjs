// Starts the real binary and speaks to it over sockets. Every server gets a data folder and a port of its own;
// stop() ends it by pid, removes the folder, and fails the test when the log shows a crash or a sanitizer report.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { readdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

export const projectRoot = fileURLToPath(new URL('../../', import.meta.url));
export const binary = process.env.SOJOURN_BINARY || path.join(projectRoot, 'build/release/sojourn');
export const sessionId = /^ext_[0-9a-f]{12}$/;
export const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const crashText = /panic|terminate called|Sanitizer|runtime error:|Assertion .* failed|Segmentation fault|double free|corrupted/i;
const children = new Set();
const rawSockets = new Set();
const folders = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
});

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Polls until `probe` gives something truthy; fails naming `what` after `ms`. */
export async function eventually(probe, what, ms = 3000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(10);
  }
}

/** Runs a program to its end: {code, signal, stdout, stderr, ms}. It is killed after `ms_max`. */
export function run(program, args = [], { env = {}, input = '', ms_max = 20000, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: 'pipe' });
    const out = { stdout: '', stderr: '' };
    children.add(child);
    child.stdout.setEncoding('utf8').on('data', (text) => { out.stdout += text; });
    child.stderr.setEncoding('utf8').on('data', (text) => { out.stderr += text; });
    const timer = setTimeout(() => child.kill('SIGKILL'), ms_max);
    child.on('error', reject);
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      children.delete(child);
      resolve({ code, signal, ...out, ms: Date.now() - started });
    });
  });
}

/** One request on a connection of its own: {status, headers, bytes, text, json}. */
export function request(base, target, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const outgoing = http.request(base + target, { method, headers, agent: false }, (incoming) => {
      const chunks = [];
      incoming.on('data', (chunk) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const [bytes, text] = [Buffer.concat(chunks), Buffer.concat(chunks).toString('utf8')];
        let json;
        try { json = JSON.parse(text); } catch { json = undefined; }
        resolve({ status: incoming.statusCode, headers: incoming.headers, bytes, text, json });
      });
    });
    outgoing.on('error', reject);
    if (body !== undefined) outgoing.setHeader('Content-Length', Buffer.byteLength(body));
    outgoing.end(body);
  });
}

class Server {
  urls = [];
  stdout = '';
  stderr = '';

  constructor(child, data) {
    Object.assign(this, { child, data, pid: child.pid, home: path.join(data, 'home') });
    this.exited = new Promise((resolve) => {
      child.on('close', (code, signal) => { children.delete(child); resolve({ code, signal }); });
    });
  }

  get url() { return this.urls[0]; }
  get port() { return Number(new URL(this.url).port); }
  log() { return this.stderr; }
  alive() { return this.child.exitCode === null && this.child.signalCode === null; }
  fdCount() { return readdirSync(`/proc/${this.pid}/fd`).length; }
  fdsBackTo(count, ms = 5000) { return eventually(() => this.fdCount() <= count, `open files back at ${count}`, ms); }

  async rssKb() {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)[1]);
  }

  get(target, headers) { return request(this.url, target, { headers }); }
  del(target, headers) { return request(this.url, target, { method: 'DELETE', headers }); }

  /** Sends `value` as JSON; a string or Buffer goes out as it stands. */
  send(method, target, value, headers = {}) {
    const body = typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value);
    return request(this.url, target, { method, body, headers: { 'Content-Type': 'application/json', ...headers } });
  }

  post(target, value, headers) { return this.send('POST', target, value, headers); }

  list() { return this.get('/api/websocket/sessions').then((answer) => answer.json); }
  session(id) { return this.get(`/api/websocket/sessions/${id}`); }
  message(id, value) { return this.post(`/api/websocket/sessions/${id}/message`, value); }
  close(id) { return this.del(`/api/websocket/sessions/${id}`); }
  open(options) { return openExtension(this.url, options); }

  assertUnharmed() {
    if (!this.alive()) throw new Error(`the server has ended\n${this.stderr.slice(-4000)}`);
    if (crashText.test(this.stderr)) throw new Error(`the log shows a crash\n${this.stderr.slice(-4000)}`);
  }

  async stop() {
    const running = this.alive();
    if (running) this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    const { code, signal } = await this.exited;
    clearTimeout(timer);
    await rm(this.data, { recursive: true, force: true });
    folders.delete(this.data);
    if (running && (code !== 0 || crashText.test(this.stderr))) {
      throw new Error(`the server ended with ${signal ?? code}\n${this.stderr.slice(-4000)}`);
    }
    return { code, signal };
  }
}

/**
 * Starts a server. `listen` lists addresses, `args` adds flags, `config` is the text of a configuration file, `data` a folder of before.
 * Resolves once every listener is announced and server.json is written.
 */
export async function start({ listen = ['127.0.0.1:0'], args = [], config, env = {}, logLevel, data: kept, ready_ms = 10_000 } = {}) {
  const data = kept ?? await mkdtemp(path.join(os.tmpdir(), 'sojourn-e2e-'));
  folders.add(data);
  await mkdir(path.join(data, 'home'), { recursive: true });
  const line = ['serve', '--data', data, ...listen.flatMap((address) => ['--listen', address]), ...args];
  if (logLevel) line.push('--log-level', logLevel);
  if (config !== undefined) {
    await writeFile(path.join(data, 'sojourn.toml'), config);
    line.push('--config', path.join(data, 'sojourn.toml'));
  }
  const child = spawn(binary, line, { env: { ...process.env, HOME: path.join(data, 'home'), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  const server = new Server(child, data);
  child.stdout.setEncoding('utf8').on('data', (text) => { server.stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text) => { server.stderr += text; });
  try {
    await eventually(async () => {
      if (!server.alive()) throw new Error(`ended with ${child.exitCode ?? child.signalCode}`);
      server.urls = [...server.stdout.matchAll(/^Listening on (http:\/\/\S+)$/gm)].map((match) => match[1]);
      if (server.urls.length < listen.length) return false;
      return readFile(path.join(data, 'server.json'), 'utf8').then((text) => JSON.parse(text).pid === child.pid, () => false);
    }, 'the server is ready', ready_ms);
  } catch (error) {
    child.kill('SIGKILL');
    await rm(data, { recursive: true, force: true });
    throw new Error(`${error.message}\n${line.join(' ')}\n${server.stdout}${server.stderr}`);
  }
  return server;
}

/** A queue that a reader awaits and a socket fills. */
export class Inbox {
  items = [];
  waiting = [];

  push(item) {
    const reader = this.waiting.shift();
    if (reader) reader(item); else this.items.push(item);
  }

  next(what, ms) {
    if (this.items.length > 0) return Promise.resolve(this.items.shift());
    return new Promise((resolve, reject) => {
      const reader = (item) => { clearTimeout(timer); resolve(item); };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(reader), 1);
        reject(new Error(`${what} did not come within ${ms} ms`));
      }, ms);
      this.waiting.push(reader);
    });
  }
}

/** Connects as the extension does, and takes the greeting: {id, hello, next(), ...}. A refused upgrade throws with `.status`. */
export async function openExtension(url, { userAgent, path: target = '/ws', headers = {}, protocols = [], greeting = true } = {}) {
  const inbox = new Inbox();
  const agent = userAgent === undefined ? {} : { 'User-Agent': userAgent };
  const ws = new WebSocket(url.replace(/^http/, 'ws') + target, protocols, { perMessageDeflate: false, headers: { ...agent, ...headers } });
  const closed = new Promise((resolve) => {
    ws.on('close', (code, reason) => resolve({ code, reason: reason.toString('utf8') }));
  });
  ws.on('message', (payload, isBinary) => inbox.push({ text: payload.toString('utf8'), isBinary }));
  await new Promise((resolve, reject) => {
    ws.on('open', resolve);
    ws.on('error', reject); // stays, so that later errors end in 'close' alone
    ws.on('unexpected-response', (outgoing, incoming) => {
      outgoing.destroy();
      reject(Object.assign(new Error(`the upgrade was refused with ${incoming.statusCode}`), { status: incoming.statusCode }));
    });
  });
  const extension = {
    ws,
    closed,
    inbox,
    nextText: async (ms = 3000) => (await inbox.next('a frame', ms)).text,
    next: async (ms = 3000) => JSON.parse((await inbox.next('a frame', ms)).text),
    /** Frames that have arrived and were not read. */
    unread: () => inbox.items.map((item) => JSON.parse(item.text)),
    send: (value) => ws.send(JSON.stringify(value)),
    sendRaw: (payload, isBinary = false) => ws.send(payload, { binary: isBinary }),
    /** Waits until everything sent so far has been answered, then gives what came before that answer. */
    settle: async () => {
      const mark = randomBytes(6).toString('hex');
      ws.send(JSON.stringify({ type: 'mark', mark }));
      const before = [];
      for (;;) {
        const frame = await extension.next();
        if (frame.type === 'echo' && frame.data?.mark === mark) return before;
        before.push(frame);
      }
    },
    close: async (code) => { ws.close(code); return closed; },
    vanish: async () => { ws.terminate(); return closed; },
  };
  if (greeting) {
    extension.helloText = await extension.nextText();
    extension.hello = JSON.parse(extension.helloText);
    extension.id = extension.hello.sessionId;
  }
  return extension;
}

/** Connects an extension that goes away with the test `t`. */
export async function extensionFor(t, server, options) {
  const extension = await server.open(options);
  t.after(() => extension.vanish());
  return extension;
}

/** Compares status and body byte for byte (compact JSON, keys in this order) and checks what every answer carries. */
export function assertAnswer(answer, status, body) {
  assert.equal(answer.text, JSON.stringify(body));
  assert.equal(answer.status, status);
  assertDressed(answer);
}

/** The headers that every answer with a body carries. */
export function assertDressed(answer) {
  assert.match(answer.headers['content-type'], /^application\/json; charset=utf-8$/i);
  assert.match(answer.headers['x-request-id'] ?? '', /./);
  assert.match(answer.headers['x-correlation-id'] ?? '', /./);
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.equal(answer.headers['cross-origin-resource-policy'], 'same-origin');
}

/** A TCP connection that sends exact bytes and keeps everything that came back. */
export async function rawSocket(port, { host = '127.0.0.1', allowHalfOpen = false } = {}) {
  const socket = net.connect({ port, host, allowHalfOpen, noDelay: true });
  const raw = { socket, ended: false, closed: false, error: undefined, chunks: [] };
  socket.on('data', (chunk) => raw.chunks.push(chunk));
  socket.on('end', () => { raw.ended = true; });
  socket.on('close', () => { raw.closed = true; rawSockets.delete(raw); });
  rawSockets.add(raw);
  await new Promise((resolve, reject) => { socket.once('connect', resolve).once('error', reject); });
  socket.on('error', (error) => { raw.error = error; });
  raw.received = () => {
    if (raw.chunks.length > 1) raw.chunks = [Buffer.concat(raw.chunks)];
    return raw.chunks[0] ?? Buffer.alloc(0);
  };
  raw.text = () => raw.received().toString('latin1');
  raw.send = (bytes) => { if (!socket.destroyed) socket.write(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes, 'latin1')); };
  raw.waitFor = (probe, what, ms = 3000) => eventually(() => probe(raw), what, ms);
  raw.readUntilClose = async (ms = 3000) => {
    await eventually(() => raw.ended || raw.closed, 'the server closes the connection', ms);
    return raw.received();
  };
  raw.reset = () => { if (!socket.destroyed) socket.resetAndDestroy(); };
  return Object.assign(raw, { end: () => socket.end(), destroy: () => socket.destroy() });
}

/**
 * Declares a test after which the server must be as it was: alive, no crash in its log, no session, and no more open
 * files than `subject().fds`. Raw sockets and what the body hands to `t.after` are gone before that is looked at.
 */
export function hostileTest(name, subject, body) {
  test(name, async (t) => {
    const last = [];
    try {
      await body({ after: (end) => last.push(end), test: t.test.bind(t) });
    } finally {
      for (const end of last) await end();
      for (const raw of [...rawSockets]) raw.destroy();
    }
    const { server, fds } = subject();
    server.assertUnharmed();
    await eventually(async () => (await server.list()).count === 0, 'no session is left');
    await server.fdsBackTo(fds);
  });
}

/** Splits bytes into HTTP responses by Content-Length: [{status, headers, body}]. */
export function parseResponses(bytes) {
  const responses = [];
  for (let rest = Buffer.from(bytes); ;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return responses;
    const [first, ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const headers = {};
    for (const line of lines) headers[line.slice(0, line.indexOf(':')).toLowerCase()] = line.slice(line.indexOf(':') + 1).trim();
    const status = Number(first.split(' ')[1]);
    const length = Number(headers['content-length'] ?? 0);
    const body = rest.subarray(end + 4, end + 4 + length).toString('utf8');
    if (status !== 100) responses.push({ status, headers, body });
    rest = rest.subarray(end + 4 + length);
  }
}

export const upgradeRequest = (port, { target = '/ws', headers = [] } = {}) => [
  `GET ${target} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Upgrade: websocket', 'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13', ...headers, '', '',
].join('\r\n');

export const acceptFor = (key) => createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

/** One WebSocket frame, well formed unless the options say otherwise. `length` lies about the payload's size. */
export function frame(opcode, payload = '', { fin = true, rsv = 0, masked = true, lengthBytes, length } = {}) {
  const body = Buffer.isBuffer(payload) ? payload : Buffer.from(payload, 'utf8');
  const size = length ?? body.length;
  const form = lengthBytes ?? (size < 126 ? 0 : size < 65536 ? 2 : 8);
  const head = Buffer.alloc(2 + form);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (form === 0 ? size : form === 2 ? 126 : 127);
  if (form === 2) head.writeUInt16BE(size, 2);
  if (form === 8) head.writeBigUInt64BE(BigInt(size), 2);
  if (!masked) return Buffer.concat([head, body]);
  const key = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
  return Buffer.concat([head, key, body.map((byte, i) => byte ^ key[i % 4])]);
}

export function closePayload(code, reason = '') {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return payload;
}

/** Splits a server's bytes after the handshake into frames: [{opcode, fin, payload}]. */
export function parseFrames(bytes) {
  const frames = [];
  let at = 0;
  while (bytes.length - at >= 2) {
    let length = bytes[at + 1] & 0x7f;
    let head = 2;
    if (length === 126) { if (bytes.length - at < 4) break; length = bytes.readUInt16BE(at + 2); head = 4; }
    else if (length === 127) { if (bytes.length - at < 10) break; length = Number(bytes.readBigUInt64BE(at + 2)); head = 10; }
    if (bytes.length - at < head + length) break;
    frames.push({ opcode: bytes[at] & 0x0f, fin: (bytes[at] & 0x80) !== 0, payload: bytes.subarray(at + head, at + head + length) });
    at += head + length;
  }
  return frames;
}

/** A raw socket after a good handshake and greeting: frames(), closeCode(), id. */
export async function rawWebSocket(port, options = {}) {
  const raw = await rawSocket(port, options);
  raw.send(upgradeRequest(port, options));
  await raw.waitFor(() => raw.received().includes('\r\n\r\n'), 'the handshake is answered');
  const end = raw.received().indexOf('\r\n\r\n') + 4;
  raw.handshake = raw.received().subarray(0, end).toString('latin1');
  if (!raw.handshake.startsWith('HTTP/1.1 101')) throw new Error(`no upgrade: ${raw.handshake}`);
  raw.frames = () => parseFrames(raw.received().subarray(end));
  await raw.waitFor(() => raw.frames().length > 0, 'the greeting comes');
  raw.id = JSON.parse(raw.frames()[0].payload.toString('utf8')).sessionId;
  /** The status of the Close frame that ended it: a number, 1005 when it had none, undefined when there was no Close frame. */
  raw.closeFrame = () => {
    const close = raw.frames().find((item) => item.opcode === 8);
    if (!close) return undefined;
    if (close.payload.length < 2) return { code: 1005, reason: '' };
    return { code: close.payload.readUInt16BE(), reason: close.payload.subarray(2).toString('utf8') };
  };
  return raw;
}
