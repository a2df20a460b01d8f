// Members of shared sessions: tokens, connections on the tracking door and on the native stream, readers of server-sent
// events, and a small HTTP service that answers tool calls. Everything ends with the test `t` that asked for it.
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import http from 'node:http';
import { Inbox, binary, openExtension, request, run, start } from './harness.mjs';

export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const isoMicros = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
export const secret = 'a secret of the tests, longer than thirty-two bytes';
export const nobody = '550e8400-e29b-41d4-a716-446655440001';

const base64url = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const now_s = () => Math.floor(Date.now() / 1000);

/** A JWT signed as HS256, unless the options say otherwise. */
export function sign(claims, { key = secret, header = { alg: 'HS256', typ: 'JWT' } } = {}) {
  const text = `${base64url(header)}.${base64url(claims)}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

/** Starts a server in server mode: its key is `secret`. */
export async function startKeyed(options = {}) {
  const server = await start({ ...options, config: `key = ${JSON.stringify(secret)}\n${options.config ?? ''}` });
  return Object.assign(server, { keyed: true });
}

const minted = new WeakMap();

/** A token of the server's own key. In local mode the program prints it, once for each user and scope. */
export async function tokenOf(server, user = 'alice', scope = 'write') {
  if (server.keyed) return sign({ sub: user, scope, exp: now_s() + 3600 });
  const known = minted.get(server) ?? minted.set(server, new Map()).get(server);
  const name = `${user} ${scope}`;
  if (!known.has(name)) known.set(name, mint(server, ['--user', user, '--scope', scope, '--expires', '1h']));
  return known.get(name);
}

export async function mint(server, args) {
  const { code, stdout, stderr } = await run(binary, ['token', '--data', server.data, ...args], { env: { HOME: server.home } });
  assert.equal(code, 0, `sojourn token ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** The header by which a request is that user's. */
export const as = async (server, user = 'alice', scope = 'write') => ({ Authorization: `Bearer ${await tokenOf(server, user, scope)}` });

/** A WebSocket whose first frame is taken: hello, helloText, id, next(), nextOf(type), ask(value), settle(). */
async function open(t, url, options, requestName) {
  const member = await openExtension(url, { ...options, greeting: false });
  t.after(() => member.vanish());
  /** Reads on until a frame of that type comes. */
  member.nextOf = async (type, ms = 3000) => {
    for (;;) {
      const frame = await member.next(ms);
      if (frame.type === type) return frame;
    }
  };
  /** Sends, and takes the next frame, which is the reply. */
  member.ask = async (value, ms) => { member.send(value); return member.next(ms); };
  /** Waits until everything sent so far was answered; gives what came before that answer. */
  member.settle = async () => {
    const mark = randomUUID();
    member.send({ type: 'ping', [requestName]: mark });
    const before = [];
    for (;;) {
      const frame = await member.next();
      if (frame.type === 'pong' && frame[requestName] === mark) return before;
      before.push(frame);
    }
  };
  if (options.greeting !== false) {
    member.helloText = await member.nextText();
    member.hello = JSON.parse(member.helloText);
    member.id = member.hello.session_id;
  }
  return member;
}

/** Joins on the tracking door, or opens a new session there. `token: null` sends none. */
export async function join(t, server, { user, scope, token, session, path = '/ws/session', url = server.url, ...options } = {}) {
  const given = token === undefined ? await tokenOf(server, user, scope) : token;
  const query = new URLSearchParams({ ...(given !== null && { token: given }), ...(session !== undefined && { session_id: session }) });
  return open(t, url, { path: `${path}?${query}`, ...options }, 'requestId');
}

/** Joins on the native stream. */
export async function watch(t, server, id, { user, scope, token, since, takesOver, ...options } = {}) {
  const given = token === undefined ? await tokenOf(server, user, scope) : token;
  const query = new URLSearchParams({
    ...(given !== null && { token: given }), ...(since !== undefined && { since }), ...(takesOver !== undefined && { takes_over: takesOver }),
  });
  return open(t, server.url, { path: `/api/v1/sessions/${id}/stream?${query}`, ...options }, 'request_id');
}

/** Tries a WebSocket handshake: the answer that refuses it, or {status: 101}. */
export function upgrade(server, target, headers = {}) {
  return new Promise((resolve, reject) => {
    const outgoing = http.request(server.url + target, { agent: false, headers: {
      Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': 13, 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', ...headers } });
    outgoing.on('upgrade', (incoming, socket) => { socket.destroy(); resolve({ status: 101, headers: incoming.headers, text: '' }); });
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
      incoming.on('end', () => resolve({ status: incoming.statusCode, headers: incoming.headers, text }));
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** Makes a session over REST and gives its record. */
export async function createSession(server, { user, scope, headers, query = '', ...body } = {}) {
  const answer = await server.post(`/api/v1/sessions${query}`, body, headers ?? await as(server, user, scope));
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
}

/** Appends an event over REST and gives {seq, cursor}. */
export async function postEvent(server, id, event, headers) {
  const answer = await server.post(`/api/v1/sessions/${id}/events`, event, headers ?? await as(server));
  assert.ok([201, 202].includes(answer.status), `${answer.status} ${answer.text}`);
  return answer.json;
}

/** Reads server-sent events: next() gives {id, event, data, comment}, data parsed. */
export async function openEvents(t, server, id, { headers, since, lastEventId, query = '' } = {}) {
  const inbox = new Inbox();
  const auth = headers ?? await as(server);
  const target = `/api/v1/sessions/${id}/events?${new URLSearchParams({ ...(since !== undefined && { since }) })}${query}`;
  const reader = { inbox, ended: false, target };
  await new Promise((resolve, reject) => {
    const outgoing = http.get(server.url + target, { agent: false, headers: {
      Accept: 'text/event-stream', ...auth, ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }) } });
    t.after(() => outgoing.destroy());
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      let text = '';
      Object.assign(reader, { status: incoming.statusCode, headers: incoming.headers, close: () => outgoing.destroy(), incoming });
      incoming.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
        for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) inbox.push(parseBlock(text.slice(0, end)));
      });
      incoming.on('error', () => {});
      incoming.on('close', () => { reader.ended = true; reader.rest = text; });
      resolve();
    });
  });
  reader.next = (ms = 3000) => inbox.next('an event', ms);
  return reader;
}

function parseBlock(block) {
  const event = { text: block };
  for (const line of block.split('\n')) {
    const [, name, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);
    if (name === '') event.comment = value ?? '';
    else event[name] = name in event ? `${event[name]}\n${value ?? ''}` : value ?? '';
  }
  if ('data' in event) event.data = JSON.parse(event.data);
  return event;
}

/** A service that answers tool calls: `answer(call, response)` gives the JSON value, or answers by itself and gives nothing. */
export async function toolService(t, answer) {
  const service = { calls: [], requests: [] };
  const server = http.createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (chunk) => { body += chunk; });
    incoming.on('end', async () => {
      const call = JSON.parse(body);
      service.calls.push(call);
      service.requests.push({ method: incoming.method, url: incoming.url, headers: incoming.headers });
      const value = await answer(call, response);
      if (value === undefined) return;
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
    });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  service.url = `http://127.0.0.1:${server.address().port}/tool`;
  service.end = () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); });
  t.after(() => service.end());
  return service;
}

/** The lines of the server's log with that event. */
export const logged = (server, event) => server.log().split('\n').filter((line) => line.includes(`"${event}"`))
  .map((line) => { try { return JSON.parse(line); } catch { return {}; } }).filter((line) => line.event === event);

/** A frame's text is compact JSON, and its time is now, in whole milliseconds. */
export function assertFrame(text) {
  const frame = JSON.parse(text);
  assert.equal(text, JSON.stringify(frame), 'compact JSON');
  assert.ok(Number.isInteger(frame.timestamp) && Math.abs(Date.now() - frame.timestamp) < 5000, `${frame.timestamp} is now in milliseconds`);
  return frame;
}

export const form = (server, target, text) => request(server.url, target, { method: 'POST', body: text, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
