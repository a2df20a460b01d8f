// Connections whose other end is gone without a word, behind a line that went black or in a process that stands still:
// nobody stays present for longer than a ping and its timeout, and who comes back takes over what is left.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once as onceOf } from 'node:events';
import { after, before, test } from 'node:test';
import { chaosProxy } from './chaos_proxy.mjs';
import { eventually, projectRoot, sleep, start } from './harness.mjs';
import { connect, member, once } from './monitor_stage.mjs';
import { as, createSession, join, postEvent, tokenOf, watch } from './tracking_stage.mjs';

const limits = { ping_ms: 300, pong_ms: 300 };
const patience_ms = 10 * (limits.ping_ms + limits.pong_ms);
let server;
before(async () => { server = await start({ config: `[limits]\nping_ms = ${limits.ping_ms}\npong_ms = ${limits.pong_ms}\nclose_ms = 500\n` }); });
after(() => server?.stop());

const present = async (id) => (await server.get(`/api/v1/sessions/${id}/connections`, await as(server))).json.connections;
const note = async (id, data) => postEvent(server, id, { type: 'note', data }, await as(server));
const auth = async () => ({ auth: { token: await tokenOf(server) } });

/** Waits until nobody but `others` is there, and tells how long it took. */
async function goneFrom(t, id, others = 0) {
  const began = performance.now();
  await eventually(async () => (await present(id)).length === others, 'it is gone from presence', patience_ms);
  t.diagnostic(`gone after ${Math.round(performance.now() - began)} ms of ${limits.ping_ms} + ${limits.pong_ms}`);
}

const doors = {
  'the native stream': (t, proxy, id) => watch(t, { ...server, url: proxy.url, keyed: false }, id),
  'session tracking': (t, proxy, id) => join(t, server, { session: id, url: proxy.url }),
  'Socket.IO on a WebSocket': async (t, proxy, id) => member(t, server, id, { url: proxy.url, transports: ['websocket'], reconnection: false, ...await auth() }),
  'Socket.IO on polling': async (t, proxy, id) => member(t, server, id, { url: proxy.url, transports: ['polling'], reconnection: false, ...await auth() }),
};

for (const [door, enter] of Object.entries(doors)) {
  test(`a member on ${door} whose line goes black is gone, and the others are told`, async (t) => {
    const { session_id: id } = await createSession(server);
    const other = await watch(t, server, id);
    const proxy = await chaosProxy(t, server);
    await enter(t, proxy, id);
    assert.equal((await present(id)).length, 2);
    proxy.blackHole();
    proxy.refuse(true);
    await goneFrom(t, id, 1);
    assert.equal((await other.nextOf('session.left')).type, 'session.left');
    assert.equal((await present(id))[0].connection_id, other.hello.connection_id, 'who answers stays');
  });
}

test('so is one that is heard, but hears nothing', async (t) => {
  const { session_id: id } = await createSession(server);
  const proxy = await chaosProxy(t, server);
  await doors['the native stream'](t, proxy, id);
  proxy.blackHole('down');
  await goneFrom(t, id);
});

const frozenProgram = `
  import WebSocket from 'ws';
  import { io } from 'socket.io-client';
  const [url, id, token] = process.argv.slice(1);
  const ws = new WebSocket(url.replace('http', 'ws') + '/api/v1/sessions/' + id + '/stream?token=' + token);
  ws.on('message', () => {}).on('close', (code) => console.log('stream', code));
  const socket = io(url, { transports: ['websocket'], auth: { token }, reconnection: false });
  socket.on('connect', () => socket.emit('register_session', { thread_id: id }));
  socket.on('session_registered', () => console.log('ready'));
  socket.on('disconnect', (reason) => console.log('socket', reason));
  process.stdin.on('end', () => process.exit(0)).resume();
`;

test('a process that stands still is gone with all its connections, and finds that out when it goes on', async (t) => {
  const { session_id: id } = await createSession(server);
  const child = spawn(process.execPath, ['--input-type=module', '-e', frozenProgram, server.url, id, await tokenOf(server)], { cwd: projectRoot, stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(async () => { child.kill('SIGKILL'); if (child.exitCode === null && child.signalCode === null) await onceOf(child, 'close'); });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => { out += text; });
  await eventually(async () => out.includes('ready') && (await present(id)).length === 2, 'both are there', 10_000);
  await sleep(3 * (limits.ping_ms + limits.pong_ms));
  assert.equal((await present(id)).length, 2, 'while it runs they stay');
  child.kill('SIGSTOP');
  await goneFrom(t, id);
  child.kill('SIGCONT');
  await eventually(() => /^stream \d+$/m.test(out) && /^socket \S+/m.test(out), 'it hears of it', 10_000);
});

test('a stream that comes back takes over its half-open predecessor, and has each event once', async (t) => {
  const { session_id: id } = await createSession(server);
  const proxy = await chaosProxy(t, server);
  const old = await doors['the native stream'](t, proxy, id);
  const { cursor } = await note(id, 0);
  assert.equal((await old.nextOf('note')).data, 0);
  const [{ far }] = proxy.blackHole();
  await note(id, 1);
  const next = await watch(t, server, id, { since: cursor, takesOver: old.hello.connection_id });
  await eventually(() => far.readableEnded || far.destroyed, 'the server ends the old connection');
  assert.deepEqual((await present(id)).map((each) => each.connection_id), [next.hello.connection_id]);
  await note(id, 2);
  const heard = [await next.nextOf('note'), await next.nextOf('note')];
  assert.deepEqual(heard.map(({ data }) => data), [1, 2]);
});

test('a client of Socket.IO that finds out first comes back as who it was, while the server still has the old one', async (t) => {
  const { session_id: id } = await createSession(server);
  const proxy = await chaosProxy(t, server);
  const client = await connect(t, server, { url: proxy.url, transports: ['websocket'], ...await auth() });
  await client.register(id);
  await note(id, 0);
  await client.next('note');
  const { id: name } = client;
  proxy.blackHole();
  const back = once(client, 'connect');
  client.socket.io.engine.close();
  await note(id, 1);
  await back;
  assert.deepEqual([client.socket.recovered, client.id], [true, name]);
  await note(id, 2);
  await eventually(() => client.all('note').length >= 3, 'all of it comes');
  await client.settle();
  assert.deepEqual(client.all('note').map(([data]) => data), [0, 1, 2]);
  assert.equal((await present(id)).length, 1);
});
