// What the server acknowledged is there after it was killed: sessions with their names, states, logs and cursors,
// tokens, and how others ended. Clients that come back are where they were.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { binary, eventually, run, sleep } from './harness.mjs';
import { member, newThread, once, onThread, values } from './monitor_stage.mjs';
import { mortal } from './restart_stage.mjs';
import { as, createSession, join, openEvents, postEvent, tokenOf, watch } from './tracking_stage.mjs';

const get = async (server, target, headers) => (await server.get(target, headers ?? await as(server))).json;
const put = async (server, id, key, value, headers) => server.send('PUT', `/api/v1/sessions/${id}/state/${key}`, value, headers ?? await as(server));

test('SHP-25: a session outlives the server: its state with revisions, its log with cursors, its owner', async (t) => {
  const life = await mortal(t);
  const member = await join(t, life.server);
  const { id } = member;
  member.send({ type: 'contextual_update', update: 'a', data: { text: 'ü\u2028' } });
  member.send({ type: 'set_session_state', payload: { key: 'k', value: { deep: [1.5, null] } } });
  await member.settle();
  const posted = await postEvent(life.server, id, { type: 'note', data: 'b' });
  assert.equal((await put(life.server, id, 'other', 1)).status, 200);
  const before = {
    state: await get(life.server, `/api/v1/sessions/${id}/state`),
    events: await get(life.server, `/api/v1/sessions/${id}/events?limit=1000`),
    session: await get(life.server, `/api/v1/sessions/${id}`),
  };
  const server = await life.kill();
  assert.deepEqual(await get(server, `/api/v1/sessions/${id}/state`), before.state);
  assert.deepEqual(await get(server, `/api/v1/sessions/${id}/events?limit=1000`), before.events);
  const after = await get(server, `/api/v1/sessions/${id}`);
  for (const name of ['session_id', 'user_id', 'created_at']) assert.deepEqual(after[name], before.session[name], name);
  assert.equal((await server.get(`/api/v1/sessions/${id}`, await as(server, 'bob'))).status, 404);
  const back = await join(t, server, { session: id });
  assert.equal(back.id, id, 'and the door of the document joins it');
  const next = await postEvent(server, id, { type: 'note', data: 'c' });
  assert.equal(next.seq, posted.seq + 2, 'the places go on, none is used again');
});

test('FMV-16, FMV-19, FMV-20: a client finds its session, and its state, after the server was killed', async (t) => {
  const life = await mortal(t);
  const made = await createSession(life.server, { client_id: 'laptop', session_type: 'lab', metadata: { room: 'kitchen' } });
  assert.equal((await put(life.server, made.session_id, 'k', 7)).status, 200);
  const server = await life.kill();
  const again = await server.post('/api/v1/sessions', { client_id: 'laptop' }, await as(server));
  assert.equal(again.json.session_id, made.session_id);
  assert.equal(again.json.session_resumed, true);
  assert.equal((await get(server, `/api/v1/sessions/${made.session_id}/state/k`)).value, 7);
  assert.equal((await get(server, `/api/v1/sessions/${made.session_id}`)).metadata.room, 'kitchen');
});

test('AMI-23: what was said in a thread that nobody followed is delivered once, whenever the server was killed', async (t) => {
  const life = await mortal(t);
  const { client, session, thread } = await newThread(t, life.server, { reconnection: false });
  client.socket.disconnect();
  await eventually(async () => (await onThread(life.server, thread)).length === 0, 'it has left');
  for (const n of [0, 1, 2]) await postEvent(life.server, session, { type: 'note', data: n }, {});
  await sleep(6000); // what need not be kept at once is, after five seconds
  const server = await life.kill();
  const back = await member(t, server, thread, { reconnection: false });
  await eventually(() => back.all('note').length >= 3, 'what it missed comes');
  assert.deepEqual(values(back, 'note'), [0, 1, 2]);
  back.socket.disconnect();
  await sleep(6000);
  const last = await member(t, await life.kill(), thread, { reconnection: false });
  await last.settle();
  assert.deepEqual(values(last, 'note'), [], 'once');
});

for (const transports of [['polling'], ['websocket']]) {
  test(`a stock Socket.IO client on ${transports} is recovered by the server that comes after`, async (t) => {
    const life = await mortal(t);
    const { client, session } = await newThread(t, life.server, { transports });
    const { id } = client;
    await postEvent(life.server, session, { type: 'note', data: 0 }, {});
    await eventually(() => client.all('note').length === 1, 'it hears the first');
    const back = (async () => { await once(client, 'disconnect'); await once(client, 'connect'); })();
    const server = await life.kill();
    await back;
    assert.deepEqual([client.socket.recovered, client.id], [true, id]);
    await postEvent(server, session, { type: 'note', data: 1 }, {});
    await eventually(() => client.all('note').length >= 2, 'and hears on');
    await client.settle();
    assert.deepEqual(values(client, 'note'), [0, 1]);
    assert.equal(client.all('session_registered').length, 1, 'without registering again');
  });
}

test('a reader of server-sent events goes on behind Last-Event-ID, and a stream behind its cursor', async (t) => {
  const life = await mortal(t);
  const { session_id: id } = await createSession(life.server);
  const reader = await openEvents(t, life.server, id);
  await reader.next();
  const first = await postEvent(life.server, id, { type: 'note', data: 0 });
  assert.equal((await reader.next()).id, first.cursor);
  await postEvent(life.server, id, { type: 'note', data: 1 });
  const server = await life.kill();
  await postEvent(server, id, { type: 'note', data: 2 });
  const again = await openEvents(t, server, id, { lastEventId: first.cursor });
  assert.equal((await again.next()).event, 'session.resumed');
  for (const n of [1, 2]) assert.equal((await again.next()).data.data, n);
  const stream = await watch(t, server, id, { since: first.cursor });
  assert.equal(stream.hello.type, 'session.resumed', stream.helloText);
  for (const n of [1, 2]) assert.equal((await stream.next()).data, n);
});

test('tokens, their revocations and how sessions ended outlive the server', async (t) => {
  const life = await mortal(t);
  const { session_id: id } = await createSession(life.server);
  const minted = async (body) => (await life.server.post(`/api/v1/sessions/${id}/tokens`, body, await as(life.server))).json;
  const [good, revoked, single] = [await minted({ scope: 'write' }), await minted({ scope: 'read' }), await minted({ scope: 'read', single_use: true })];
  assert.equal((await life.server.del(`/api/v1/sessions/${id}/tokens/${revoked.id}`, await as(life.server))).status, 204);
  assert.equal((await life.server.get(`/api/v1/sessions/${id}`, { Authorization: `Bearer ${single.token}` })).status, 200);
  const ended = await createSession(life.server, { timeout_minutes: 60 });
  assert.ok([200, 204].includes((await life.server.del(`/api/v1/sessions/${ended.session_id}`, await as(life.server))).status));
  const server = await life.kill();
  const status = async (token) => (await server.get(`/api/v1/sessions/${id}`, { Authorization: `Bearer ${token}` })).status;
  assert.equal(await status(good.token), 200);
  assert.equal(await status(revoked.token), 401);
  assert.equal(await status(single.token), 401, 'it was used up');
  assert.equal((await server.get(`/api/v1/sessions/${ended.session_id}`, await as(server))).status, 404, 'what ended never comes back');
});

test('a message that is sent again after the server died is said once', async (t) => {
  const life = await mortal(t);
  const { client, session, thread } = await newThread(t, life.server, { reconnection: false });
  const message = { message_id: randomUUID(), text: 'hello' };
  const { seq } = await client.ask('chat', message);
  const server = await life.kill();
  const again = await member(t, server, thread, { reconnection: false });
  assert.equal((await again.ask('chat', message)).seq, seq);
  const { events } = await get(server, `/api/v1/sessions/${session}/events?limit=1000`, {});
  assert.equal(events.filter(({ type }) => type === 'chat').length, 1);
});

test('extension sessions are gone, and browser sessions too where they are not to be recovered (INF-10)', async (t) => {
  const life = await mortal(t, { args: ['--browser.recover', 'false'] });
  const extension = await life.server.open();
  t.after(() => extension.vanish());
  const server = await life.kill();
  assert.equal((await server.session(extension.id)).status, 404);
  assert.equal((await server.get('/api/v1/sessions?kind=all', await as(server, 'root', 'admin'))).json.total_count ?? 0, 0);
});

test('with --store memory nothing outlives the server, and nothing is written', async (t) => {
  const life = await mortal(t, { args: ['--store', 'memory'] });
  const { session_id: id } = await createSession(life.server);
  assert.equal((await life.server.get('/readyz')).json.store, 'memory');
  const server = await life.kill();
  assert.equal((await server.get(`/api/v1/sessions/${id}`, await as(server))).status, 404);
  const { stderr, code } = await run(binary, ['verify', '--data', server.data]);
  assert.equal(code, 66);
  assert.match(stderr, /there is nothing kept at/);
});

test('a backup is made while the server writes, is sound, and brings everything back', async (t) => {
  const life = await mortal(t);
  const sojourn = (...args) => run(binary, [...args, '--data', life.server.data]);
  const { session_id: id } = await createSession(life.server);
  await put(life.server, id, 'k', 1);
  const file = `${life.server.data}/copy.db`;
  const made = await sojourn('backup', file);
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /^Copied .* bytes\.$/m);
  const twice = await sojourn('backup', file);
  assert.notEqual(twice.code, 0);
  assert.match(twice.stderr, /copy\.db/);
  await put(life.server, id, 'k', 2);
  for (const args of [['verify'], ['verify', file]]) {
    const checked = await sojourn(...args);
    assert.deepEqual([checked.code, checked.stderr], [0, '']);
    assert.match(checked.stdout, /is sound\.$/m);
  }
  const refused = await sojourn('restore', file);
  assert.notEqual(refused.code, 0, 'not while a server runs');
  const server = await life.stop(async () => {
    const restored = await sojourn('restore', file, '--json');
    assert.equal(restored.code, 0, restored.stderr);
    assert.match(JSON.parse(restored.stdout).aside, /sessions\.db/);
  });
  assert.equal((await get(server, `/api/v1/sessions/${id}/state/k`)).value, 1);
});
