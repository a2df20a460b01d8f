// Clients of the session monitor: stock Socket.IO clients that keep what they hear, requests of a polling client, the
// documented chat request. Everything ends with the test `t` that asked for it.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { io } from 'socket.io-client';
import { Inbox, eventually, request, sleep } from './harness.mjs';

export const sid = /^[A-Za-z0-9_-]{20}$/;
/** A time as the documented server writes it: microseconds, no zone. */
export const plainTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/;
export const bothWays = ['polling', 'websocket'];

export const threadName = () => `thread-${randomBytes(4).toString('hex')}`;

/** A socket that keeps what it hears: `heard` is all of it in order, next(name) reads on to an event of that name; `first` is the transport it began on. */
function listening(socket) {
  const inbox = new Inbox();
  const client = {
    socket, heard: [], refusals: [],
    get id() { return socket.id; },
    get transport() { return socket.io.engine.transport.name; },
    next: async (name, ms = 3000) => {
      for (;;) {
        const event = await inbox.next(`the event ${name ?? ''}`, ms);
        if (name === undefined || event.name === name) return event;
      }
    },
    /** The arguments of each event of that name so far. */
    all: (...names) => client.heard.filter(({ name }) => names.includes(name)).map(({ args }) => args),
    emit: (...args) => socket.emit(...args),
    ask: (...args) => socket.timeout(3000).emitWithAck(...args),
    /** Waits until everything that was sent to this client so far has come. */
    settle: async () => { await sleep(30); await client.ask('ping', {}); await sleep(10); },
    /** Registers, and gives what the server says to it; `offset` is the place in the log that came with it. */
    register: async (thread, more = {}) => {
      socket.emit('register_session', { ...(thread !== undefined && { thread_id: thread }), ...more });
      const { args: [answer, offset] } = await client.next('session_registered');
      client.offset = offset;
      return answer;
    },
    upgraded: () => eventually(() => client.transport === 'websocket', 'the client is on a WebSocket'),
  };
  socket.onAny((name, ...args) => {
    const event = { name, args };
    client.heard.push(event);
    inbox.push(event);
  });
  socket.io.once('open', () => { client.first = client.transport; });
  socket.on('connect_error', (error) => client.refusals.push(error));
  return client;
}

/** A stock client; resolves when it is connected and greeted, and rejects when it is refused. It comes back quickly after a drop. */
export async function connect(t, server, { url = server.url, ...options } = {}) {
  const socket = io(url, {
    forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 60, randomizationFactor: 0, timeout: 5000, ...options,
  });
  t.after(() => { socket.io.reconnection(false); socket.disconnect(); });
  const client = listening(socket);
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('not connected within 10 s')), 10_000);
    socket.once('connect', () => { clearTimeout(timer); resolve(); });
    socket.once('connect_error', (error) => { clearTimeout(timer); reject(error); });
  });
  await eventually(() => client.all('connected').length > 0, 'it is greeted');
  return client;
}

/** A client that is registered for that thread. */
export async function member(t, server, thread, { user, ...options } = {}) {
  const client = await connect(t, server, options);
  client.registered = await client.register(thread, user === undefined ? {} : { user_id: user });
  return client;
}

/** What an event of the session's log said: its arguments without the place in the log, which comes last. */
export function logged(args) {
  assert.equal(typeof args.at(-1), 'string', `${JSON.stringify(args)} ends with its place in the log`);
  return args.slice(0, -1);
}

/** The first argument of each event of that name. */
export const values = (client, ...names) => client.all(...names).map(([first]) => first);

/** A request of a client on polling. */
export const poll = (server, query, { method = 'GET', body, headers = {} } = {}) =>
  request(server.url, `/socket.io/?${new URLSearchParams({ EIO: 4, transport: 'polling', ...query })}`, { method, body, headers });

/** An engine opened by hand on polling: its handshake. */
export async function openEngine(server, headers) {
  const answer = await poll(server, {}, { headers });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.text[0], '0');
  return JSON.parse(answer.text.slice(1));
}

/** The ids of the shared sessions there are. */
export async function sessionIds(server, headers) {
  const ids = [];
  for (;;) {
    const { status, json, text } = await server.get(`/api/v1/sessions?limit=100&offset=${ids.length}`, headers);
    assert.equal(status, 200, text);
    ids.push(...json.sessions.map(({ session_id: id }) => id));
    if (ids.length >= json.total_count) return ids;
  }
}

/** Registers a client for a new thread and finds the session that this made: {client, thread, session}. */
export async function newThread(t, server, { thread = threadName(), headers, ...options } = {}) {
  const before = await sessionIds(server, headers);
  const client = await member(t, server, thread, options);
  const made = (await sessionIds(server, headers)).filter((id) => !before.includes(id));
  assert.equal(made.length, 1, 'one session stands behind a new thread');
  return { client, thread, session: made[0] };
}

/** Who is there for a thread, as the debug page has it. */
export async function onThread(server, thread, headers) {
  const answer = await server.get(`/debug/thread-sessions?thread_id=${encodeURIComponent(thread)}`, headers);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.active_sessions;
}

/** The documented chat request: the answer, and its data lines. */
export async function havefun(server, body, headers = {}) {
  const answer = await server.post('/havefun', body, headers);
  return { ...answer, lines: answer.status === 200 ? dataLines(answer.text) : undefined };
}

/** The JSON of each block of an event stream; each is one line of data and nothing else. */
export function dataLines(text) {
  if (text === '') return [];
  assert.ok(text.endsWith('\n\n'), JSON.stringify(text.slice(-40)));
  return text.slice(0, -2).split('\n\n').map((block) => {
    const [, data] = /^data: (.*)$/.exec(block) ?? assert.fail(`no data line: ${JSON.stringify(block)}`);
    return JSON.parse(data);
  });
}

/** Waits for what the client itself says: `connect`, or `disconnect` with its reason. */
export const once = (client, name, ms = 10_000) => new Promise((resolve, reject) => {
  const timer = setTimeout(() => reject(new Error(`no ${name} within ${ms} ms`)), ms);
  client.socket.once(name, (reason) => { clearTimeout(timer); resolve(reason); });
});

/** Cuts the client off, does something while it is away, and lets it come back. */
export async function whileAway(client, wire, act = () => {}) {
  const gone = once(client, 'disconnect');
  wire.refuse(true);
  wire.cut();
  await gone;
  await act();
  const back = once(client, 'connect');
  wire.refuse(false);
  await back;
}
