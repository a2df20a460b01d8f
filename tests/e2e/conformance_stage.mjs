// The stage of the conformance tests: starts `sojourn-conformance` and speaks Engine.IO and Socket.IO to it, packet by
// packet, revision 4 unless said otherwise. SOJOURN_CONFORMANCE names another program with the same command line (one
// that ends in .mjs is run by node), SOJOURN_CONFORMANCE_URL a server that is running; see reference_socket_io.mjs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import WebSocket from 'ws';
import { Inbox, eventually, parseFrames, projectRoot, rawSocket, sleep, upgradeRequest } from './harness.mjs';

const program = path.resolve(projectRoot, process.env.SOJOURN_CONFORMANCE || 'build/release/sojourn-conformance');
const crashText = /panic|terminate called|Sanitizer|runtime error:|Assertion .* failed|Segmentation fault|double free|corrupted/i;
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

export const separator = '\u001e';
export const heartbeat = { interval: 300, timeout: 200 };
/** For a server that ends nothing on its own while a test looks whether something else does. */
export const patience = ['--ping', '300/10000'];

class Conformance {
  output = '';

  constructor(child) {
    this.child = child;
    this.pid = child?.pid;
    child?.stdout.setEncoding('utf8').on('data', (text) => { this.output += text; });
    child?.stderr.setEncoding('utf8').on('data', (text) => { this.output += text; });
    this.exited = new Promise((resolve) => {
      child?.on('close', (code, signal) => { running.delete(child); resolve({ code, signal }); });
    });
  }

  get port() { return Number(new URL(this.url).port); }
  alive() { return !this.child || (this.child.exitCode === null && this.child.signalCode === null); }
  /** Zero, as its memory, for a server that was not started here. */
  fdCount() { return this.child ? readdirSync(`/proc/${this.pid}/fd`).length : 0; }
  fdsBackTo(count, ms = 5000) { return eventually(() => this.fdCount() <= count, `open files back at ${count}`, ms); }
  /** Memory, now or at its height (`VmHWM`) since `forgetPeak`. */
  memoryKb(name = 'VmRSS') { return this.child ? Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))[1]) : 0; }
  forgetPeak() { if (this.child) writeFileSync(`/proc/${this.pid}/clear_refs`, '5'); }

  assertUnharmed() {
    if (!this.alive()) throw new Error(`the server has ended with ${this.child.exitCode ?? this.child.signalCode}\n${this.output.slice(-4000)}`);
    if (crashText.test(this.output)) throw new Error(`the server shows a crash\n${this.output.slice(-4000)}`);
  }

  async stop() {
    if (!this.child) return;
    const wasAlive = this.alive();
    if (wasAlive) this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    const { code, signal } = await this.exited;
    clearTimeout(timer);
    if (!wasAlive || code !== 0 || crashText.test(this.output)) throw new Error(`the server ended with ${signal ?? code}\n${this.output.slice(-4000)}`);
  }
}

/** For tests of what is better than, or only other than, what the npm servers do. */
export const ours = /reference_socket_io/.test(program) ? { skip: 'the reference does otherwise' } : {};
export const isElsewhere = Boolean(process.env.SOJOURN_CONFORMANCE_URL);

/** Starts a server with `args` more, or takes the one that is named by SOJOURN_CONFORMANCE_URL. */
export async function startConformance(...args) {
  if (isElsewhere) return Object.assign(new Conformance(), { url: process.env.SOJOURN_CONFORMANCE_URL.replace(/\/$/, '') });
  const line = [program, '--listen', '127.0.0.1:0', ...args];
  if (program.endsWith('.mjs')) line.unshift(process.execPath);
  const child = spawn(line[0], line.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  const failed = new Promise((resolve, reject) => { child.on('error', reject); });
  running.add(child);
  const server = new Conformance(child);
  await Promise.race([failed, eventually(() => {
    server.assertUnharmed();
    server.url = /^Listening on (http:\/\/\S+)$/m.exec(server.output)?.[1];
    return server.url;
  }, 'the server listens', 20000)]);
  return server;
}

/** One request on a connection of its own: {status, headers, bytes, text}. With `signal` it can be given up. */
export function ask(server, target, { method = 'GET', headers = {}, body, signal, agent = false, ms = 5000 } = {}) {
  return new Promise((resolve, reject) => {
    const outgoing = http.request(server.url + target, { method, headers, agent, signal }, (incoming) => {
      const chunks = [];
      incoming.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      incoming.on('end', () => {
        clearTimeout(timer);
        const bytes = Buffer.concat(chunks);
        resolve({ status: incoming.statusCode, headers: incoming.headers, bytes, text: bytes.toString('utf8') });
      });
    });
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${ms} ms: ${method} ${target}`)), ms);
    outgoing.on('error', (error) => { clearTimeout(timer); reject(error); });
    if (body !== undefined) outgoing.setHeader('Content-Length', Buffer.byteLength(body));
    outgoing.end(body);
  });
}

/** What is undefined in `query` is left out. */
export const address = (mount, query) => `${mount}?${new URLSearchParams(Object.entries(query).filter(([, value]) => value !== undefined))}`;

/** Packets of the body of a polling answer of revision 4. */
export const packetsOf = (text) => text.split(separator);

/** The body of revision 3: each packet after its length in UTF-16 units. */
export const bodyOf3 = (...packets) => packets.map((packet) => `${packet.length}:${packet}`).join('');
export function packetsOf3(text) {
  const packets = [];
  for (let at = 0; at < text.length;) {
    const colon = text.indexOf(':', at);
    const length = Number(text.slice(at, colon));
    assert.ok(colon > at && colon + length < text.length, `no payload of revision 3: ${JSON.stringify(text)}`);
    packets.push(text.slice(colon + 1, colon + 1 + length));
    at = colon + 1 + length;
  }
  return packets;
}

/** The packets of a polling answer of revision 3 in bytes: text as a string, bytes as a Buffer. */
export function packetsOfBytes3(bytes) {
  const packets = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0xff, at);
    const length = Number([...bytes.subarray(at + 1, end)].join(''));
    const packet = bytes.subarray(end + 1, end + 1 + length);
    packets.push(bytes[at] === 0 ? packet.toString('utf8') : packet);
    at = end + 1 + length;
  }
  return packets;
}

/**
 * An open session of polling: {sid, open (what the server said), answer, get, post, send, read, messages, assertGone, assertEnds}. `read` gives the
 * packets of the next answer that has any but pings, which it answers (in revision 3 the client pings, and not here).
 */
export async function openPolling(server, { mount = '/engine.io/', eio = 4, query = {}, headers } = {}) {
  const [split, join] = eio === 3 ? [packetsOf3, bodyOf3] : [packetsOf, (...packets) => packets.join(separator)];
  const first = { EIO: eio, transport: 'polling', ...query };
  const answer = await ask(server, address(mount, first), { headers });
  assert.equal(answer.status, 200, answer.text);
  const packets = split(answer.text);
  assert.equal(packets[0][0], '0', answer.text);
  const open = JSON.parse(packets[0].slice(1));
  const target = address(mount, { ...first, sid: open.sid });
  const polling = { open, answer, packets, target, sid: open.sid, get: (options) => ask(server, target, options) };
  polling.post = (body, options) => ask(server, target, { method: 'POST', body, headers: { 'Content-Type': 'text/plain;charset=UTF-8' }, ...options });
  polling.send = async (...sent) => {
    const taken = await polling.post(join(...sent));
    assert.equal(`${taken.status} ${taken.text}`, '200 ok');
  };
  polling.read = async () => {
    for (;;) {
      const next = await polling.get();
      assert.equal(next.status, 200, next.text);
      const found = split(next.text).filter((packet) => eio === 3 || packet !== '2');
      if (found.length > 0) return found;
      await polling.send('3');
    }
  };
  polling.messages = async (count) => {
    const found = [];
    while (found.length < count) found.push(...await polling.read());
    return found;
  };
  polling.assertGone = async () => {
    const late = await polling.get();
    assert.equal(late.status, 400, late.text);
  };
  /** Gone, but for a last answer that says so with a close packet. */
  polling.assertEnds = async () => {
    const last = await polling.get();
    if (last.status === 200) assert.equal(split(last.text).at(-1), '1');
    await polling.assertGone();
  };
  return polling;
}

/**
 * A WebSocket that goes away with the test `t`. Pings of the server are answered and not shown, unless `pongs` is false.
 * One that is refused throws, with `.status`. The open packet is taken, where there is to be one (`greeted`).
 */
export async function openWebSocket(t, server, { mount = '/engine.io/', eio = 4, query = {}, sid, pongs = true, greeted = !sid } = {}) {
  const all = { EIO: eio, transport: 'websocket', ...(sid ? { sid } : {}), ...query };
  const ws = new WebSocket(server.url.replace(/^http/, 'ws') + address(mount, all), { perMessageDeflate: false });
  t.after(() => ws.terminate());
  const inbox = new Inbox();
  const wire = { ws, inbox, isClosed: false };
  wire.closed = new Promise((resolve) => {
    ws.on('close', (code) => { wire.isClosed = true; inbox.push(undefined); resolve(code); });
  });
  ws.on('message', (payload, isBinary) => {
    if (pongs && !isBinary && payload.toString() === '2') ws.send('3');
    else inbox.push(isBinary ? payload : payload.toString('utf8'));
  });
  await new Promise((resolve, reject) => {
    ws.on('open', resolve);
    ws.on('error', reject); // stays, so that later errors end in 'close' alone
    ws.on('unexpected-response', (outgoing, incoming) => {
      incoming.resume();
      reject(Object.assign(new Error(`the upgrade was refused with ${incoming.statusCode}`), { status: incoming.statusCode }));
    });
  });
  wire.send = (payload) => ws.send(payload);
  wire.next = async (ms = 3000) => {
    const packet = await inbox.next('a packet', ms);
    assert.notEqual(packet, undefined, 'the connection was closed');
    return packet;
  };
  /** The close code; packets that come before are let pass. */
  wire.closes = async (ms = 3000, what = 'the server closes the WebSocket') => {
    await eventually(() => wire.isClosed, what, ms);
    return wire.closed;
  };
  if (greeted) wire.open = JSON.parse((await wire.next()).slice(1));
  return wire;
}

/** A session of polling and the WebSocket that it was upgraded to. */
export async function upgraded(t, server, options = {}) {
  const polling = await openPolling(server, options);
  const wire = await openWebSocket(t, server, { ...options, sid: polling.sid });
  wire.send('2probe');
  assert.equal(await wire.next(), '3probe');
  wire.send('5');
  return { polling, wire };
}

/** A Socket.IO client of one namespace on a WebSocket: {sid, next, send, closes ...}, greeted and past its `auth` event. */
export async function openSocketIo(t, server, { namespace = '/', auth } = {}) {
  const wire = await openWebSocket(t, server, { mount: '/socket.io/' });
  return Object.assign(wire, await joinNamespace(wire, namespace, auth));
}

export async function joinNamespace(wire, namespace = '/', auth = undefined) {
  const prefix = namespace === '/' ? '' : `${namespace},`;
  wire.send(`40${prefix}${auth === undefined ? '' : JSON.stringify(auth)}`);
  const connected = await wire.next();
  assert.ok(connected.startsWith(`40${prefix}{`), connected);
  const greeting = await wire.next();
  assert.equal(greeting, `42${prefix}${JSON.stringify(['auth', auth ?? {}])}`);
  return { sid: JSON.parse(connected.slice(2 + prefix.length)).sid };
}

/** A raw WebSocket of Engine.IO that has its open packet: frames(), texts(). It reads and answers nothing by itself. */
export async function rawEngine(server, { mount = '/engine.io/', query = {} } = {}) {
  const raw = await rawSocket(server.port);
  raw.send(upgradeRequest(server.port, { target: address(mount, { EIO: 4, transport: 'websocket', ...query }) }));
  const frames = () => {
    const end = raw.received().indexOf('\r\n\r\n');
    return end < 0 ? [] : parseFrames(raw.received().subarray(end + 4));
  };
  await raw.waitFor(() => frames().length > 0, 'the open packet');
  return Object.assign(raw, { frames, texts: () => frames().filter(({ opcode }) => opcode === 1).map(({ payload }) => payload.toString('utf8')) });
}

/** The status and body that came on a raw connection, whatever the case of its headers; undefined before it is whole. */
export function rawAnswer(raw) {
  const text = raw.text();
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const length = /^content-length: *(\d+)/im.exec(head);
  const body = text.slice(end + 4);
  if (length ? body.length < Number(length[1]) : !raw.ended) return undefined;
  return { status: Number(head.split(' ')[1]), head, body };
}

/** Declares a test after which the server is alive and has no more open files than before it. */
export function unharmedTest(name, subject, body, options = {}) {
  test(name, isElsewhere ? { skip: 'needs a server of its own' } : options, async (t) => {
    const server = await subject();
    const fds = server.fdCount();
    const last = [];
    const raws = [];
    const connect = async (...options) => {
      const raw = await rawSocket(server.port, ...options);
      raws.push(raw);
      return raw;
    };
    try {
      await body({ after: (end) => last.push(end), test: t.test.bind(t), raws, connect });
    } finally {
      for (const end of last) await end();
      for (const raw of raws) raw.destroy();
    }
    server.assertUnharmed();
    await server.fdsBackTo(fds);
    await assertServes(server);
  });
}

/** A new client is served. */
export async function assertServes(server) {
  const polling = await openPolling(server);
  await polling.send('4still here');
  assert.deepEqual(await polling.messages(1), ['4still here']);
  await polling.send('1');
}

export { eventually, sleep };
