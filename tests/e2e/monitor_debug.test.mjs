// The debug pages of the session monitor, who may see them, and the lines of the log that go with them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, start } from './harness.mjs';
import { as, createSession, postEvent, startKeyed, tokenOf } from './tracking_stage.mjs';
import { connect, plainTime, member, newThread, onThread, threadName } from './monitor_stage.mjs';

let server;
let keyed;
before(async () => { [server, keyed] = await Promise.all([start(), startKeyed()]); });
after(() => Promise.all([server?.stop(), keyed?.stop()]));

const pages = ['/debug/thread-sessions?thread_id=x', '/debug/websocket-sessions?api_key=debug_websocket_key', '/debug/all-sessions'];
const traced = (one) => one.log().split('\n').filter((line) => line.includes('[SESSION_TRACE]'));

test('AMI-16 the log shows each ping, and what else a socket does, tagged and with the socket\'s name', async (t) => {
  const thread = threadName();
  const client = await member(t, server, thread, { transports: ['websocket'] });
  const { id } = client;
  const mine = () => traced(server).filter((line) => line.includes(id));
  const pings = () => mine().filter((line) => /ping/.test(line)).length;
  for (let n = 1; n <= 3; n += 1) {
    await client.ask('ping', { thread_id: thread, timestamp: new Date().toISOString() });
    await eventually(() => pings() >= n, `${n} pings are in the log`);
  }
  assert.equal(pings(), 3);
  assert.ok(mine().some((line) => line.includes(thread)), 'with the thread');
  assert.ok(mine().some((line) => line.includes('websocket')), 'with the transport');
  const before = mine().length;
  client.socket.disconnect();
  await eventually(() => mine().length > before, 'and that it left');
});

test('AMI-16 every line is one JSON object, whatever a client calls its thread', async (t) => {
  const nasty = 'a"\n{"event":"forged"}\r\n[SESSION_TRACE] \u0000\u2028ü';
  const client = await member(t, server, nasty);
  assert.equal(client.registered.thread_id, nasty);
  await client.ask('ping', { thread_id: nasty, client_info: { text: nasty } });
  await eventually(() => traced(server).some((line) => line.includes(client.id) && /ping/.test(line)), 'the ping is in the log');
  for (const line of server.log().split('\n').filter((text) => text !== '')) assert.notEqual(JSON.parse(line).event, 'forged');
  assert.equal((await onThread(server, nasty)).length, 1);
});

test('AMI-17 thread-sessions shows who is there for a thread', async (t) => {
  const thread = 'your_thread_id';
  const client = await member(t, server, thread, { transports: ['websocket'], user: 'ana' });
  const answer = await server.get(`/debug/thread-sessions?thread_id=${thread}`);
  assert.equal(answer.status, 200);
  assert.match(answer.headers['content-type'], /^application\/json\b/);
  assert.deepEqual(Object.keys(answer.json), ['thread_id', 'active_session_count', 'active_sessions']);
  assert.deepEqual([answer.json.thread_id, answer.json.active_session_count, answer.json.active_sessions.length], [thread, 1, 1]);
  const [entry] = answer.json.active_sessions;
  assert.deepEqual([entry.session_id, entry.thread_id, entry.user_id, entry.status, entry.transport], [client.id, thread, 'ana', 'ready', 'websocket']);
  assert.match(entry.connected_at, plainTime);
  assert.match(entry.last_activity, plainTime);
  assert.ok(entry.last_activity >= entry.connected_at);
  await client.ask('ping', {});
  assert.ok((await onThread(server, thread))[0].last_activity > entry.last_activity, 'a ping is activity');
  const other = await member(t, server, thread);
  assert.deepEqual((await onThread(server, thread)).map(({ session_id: id, user_id: user }) => [id, user]), [[client.id, 'ana'], [other.id, 'thefusionlab']]);
  client.socket.disconnect();
  await eventually(async () => (await onThread(server, thread)).length === 1, 'who leaves is gone');
});

test('AMI-17 an unknown thread has nobody, and no thread is 400', async () => {
  const unknown = await server.get('/debug/thread-sessions?thread_id=nobody%20knows');
  assert.deepEqual([unknown.status, unknown.text], [200, '{"thread_id":"nobody knows","active_session_count":0,"active_sessions":[]}']);
  for (const query of ['', '?thread_id=', '?other=1']) {
    const answer = await server.get(`/debug/thread-sessions${query}`);
    assert.deepEqual([answer.status, answer.text], [400, '{"error":"thread_id parameter is required"}'], query);
  }
});

test('AMI-18 websocket-sessions shows every socket to whoever has the key, also one that has not registered', async (t) => {
  const registered = await member(t, server, threadName(), { transports: ['polling'] });
  const fresh = await connect(t, server, { transports: ['websocket'] });
  const { status, json } = await server.get('/debug/websocket-sessions?api_key=debug_websocket_key');
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(json), ['total_sessions', 'sessions']);
  assert.equal(json.total_sessions, json.sessions.length);
  const entry = (client) => json.sessions.find(({ session_id: id }) => id === client.id);
  assert.deepEqual([entry(registered).status, entry(registered).thread_id, entry(registered).transport], ['ready', registered.registered.thread_id, 'polling']);
  assert.equal(entry(registered).pre_registered ?? false, false);
  assert.deepEqual([entry(fresh).pre_registered, entry(fresh).status, entry(fresh).transport], [true, 'connected', 'websocket']);
});

test('AMI-18 a missing or wrong key is 401', async () => {
  for (const query of ['', '?api_key=', '?api_key=wrong', '?api_key=DEBUG_WEBSOCKET_KEY', '?api_key=debug_websocket_key1', '?key=debug_websocket_key']) {
    const answer = await server.get(`/debug/websocket-sessions${query}`);
    assert.deepEqual([answer.status, answer.text], [401, '{"error":"Unauthorized"}'], query);
  }
});

test('AMI-19 all-sessions counts sockets, threads and what waits for threads that nobody is there for', async (t) => {
  const one = await start();
  t.after(() => one.stop());
  const empty = await one.get('/debug/all-sessions');
  assert.equal(empty.status, 200);
  assert.deepEqual(empty.json, { socketio_sessions: { total: 0, active_threads: [] }, undelivered_messages: { total_threads: 0, threads: [], counts: {} } });
  assert.deepEqual(Object.keys(empty.json), ['socketio_sessions', 'undelivered_messages']);
  const { client, thread, session } = await newThread(t, one);
  const { thread: second } = await newThread(t, one);
  await connect(t, one);
  const { socketio_sessions: sockets } = (await one.get('/debug/all-sessions')).json;
  assert.deepEqual([sockets.total, [...sockets.active_threads].sort()], [3, [thread, second].sort()]);
  client.socket.disconnect();
  await eventually(async () => (await onThread(one, thread)).length === 0, 'it left');
  for (const data of [1, 2, 3]) await postEvent(one, session, { type: 'note', data }, {});
  const { socketio_sessions: rest, undelivered_messages: waiting } = (await one.get('/debug/all-sessions')).json;
  assert.deepEqual(rest, { total: 2, active_threads: [second] });
  assert.deepEqual(waiting, { total_threads: 1, threads: [thread], counts: { [thread]: 3 } });
});

test('AMI-26 another key can be configured, and then the documented one is wrong', async (t) => {
  for (const options of [{ config: 'debug_key = "a key of mine"\n' }, { env: { SOJOURN_DEBUG_KEY: 'a key of mine' } }]) {
    const one = await start(options);
    t.after(() => one.stop());
    assert.equal((await one.get('/debug/websocket-sessions?api_key=a%20key%20of%20mine')).status, 200);
    assert.equal((await one.get('/debug/websocket-sessions?api_key=debug_websocket_key')).status, 401);
    assert.ok(!one.log().includes('a key of mine'));
  }
});

test('AMI-26 the pages can be switched off', async (t) => {
  const off = await start({ config: '[monitor]\ndebug = false\n' });
  t.after(() => off.stop());
  for (const page of pages) assert.equal((await off.get(page)).status, 404, page);
  await connect(t, off);
});

test('AMI-26 with a key of the server the published debug key opens nothing, and an administrator needs none', async (t) => {
  await member(t, keyed, 'x', { auth: { token: await tokenOf(keyed, 'alice') } });
  for (const page of pages) assert.equal((await keyed.get(page)).status, 401, page);
  const [user, admin] = [await as(keyed, 'alice'), await as(keyed, 'root', 'admin')];
  for (const query of ['', '?api_key=', '?api_key=debug_websocket_key', '?api_key=undefined']) {
    assert.equal((await keyed.get(`/debug/websocket-sessions${query}`, user)).status, 401, query);
    const all = await keyed.get(`/debug/websocket-sessions${query}`, admin);
    assert.deepEqual([all.status, all.json.total_sessions], [200, 1], query);
  }
  const own = await startKeyed({ config: 'debug_key = "a key of mine"\n' });
  t.after(() => own.stop());
  assert.equal((await own.get('/debug/websocket-sessions?api_key=a%20key%20of%20mine')).status, 200);
  assert.equal((await own.get('/debug/websocket-sessions?api_key=debug_websocket_key')).status, 401);
});

test('AMI-17 with a key of the server each user sees their own threads only', async (t) => {
  const thread = threadName();
  const alice = await member(t, keyed, thread, { auth: { token: await tokenOf(keyed, 'alice') } });
  const [hers, his, admins] = await Promise.all([as(keyed, 'alice'), as(keyed, 'bob'), as(keyed, 'root', 'admin')]);
  assert.deepEqual((await onThread(keyed, thread, hers)).map(({ session_id: id, user_id: user }) => [id, user]), [[alice.id, 'alice']]);
  assert.deepEqual(await onThread(keyed, thread, his), []);
  assert.equal((await onThread(keyed, thread, admins)).length, 1);
  const all = (await keyed.get('/debug/all-sessions', his)).json;
  assert.ok(!JSON.stringify(all ?? {}).includes(thread), 'not by its name either');
});

test('the pages carry no token, and a debug page is no way around the check of origins', async (t) => {
  const token = await tokenOf(keyed, 'alice');
  const { session_id: session } = await createSession(keyed, { user: 'alice' });
  await member(t, keyed, session, { auth: { token } });
  const page = await keyed.get('/debug/websocket-sessions', await as(keyed, 'root', 'admin'));
  assert.ok(!page.text.includes(token));
  for (const target of pages) {
    for (const headers of [{ Origin: 'http://evil.test' }, { 'Sec-Fetch-Site': 'cross-site' }, { Host: 'evil.test' }]) assert.equal((await server.get(target, headers)).status, 403);
  }
});
