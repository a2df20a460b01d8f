// Contract 2, the session's state: a map that outlives its connections, over the WebSocket and over REST.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { start } from './harness.mjs';
import { as, assertFrame, createSession, join, nobody } from './tracking_stage.mjs';

let server;
let headers;
before(async () => {
  server = await start({ config: '[limits]\nmessages_per_s = 0\n' });
  headers = await as(server);
});
after(() => server?.stop());

const option = { carrier: 'FedEx', service: 'Ground', cost: 12.99 };
const put = (id, key, value, more) => server.send('PUT', `/sessions/${id}/state/${key}`, JSON.stringify(value), { ...headers, ...more });
const get = (id, key) => server.get(`/sessions/${id}/state${key === undefined ? '' : `/${key}`}`, headers);
const del = (id, key) => server.del(`/sessions/${id}/state/${key}`, headers);
const whole = async (member) => (await member.ask({ type: 'get_session_state', payload: {} })).state;

test('SHP-18 the documented example: a selected shipping option is stored and read back', async (t) => {
  const agent = await join(t, server);
  const requestId = randomUUID();
  agent.send({ type: 'set_session_state', payload: { key: 'selected_shipping_option', value: option }, requestId });
  const { timestamp, payload, ...reply } = assertFrame(await agent.nextText());
  assert.ok(timestamp);
  assert.deepEqual(reply, { type: 'session_state_set', requestId, user: 'alice', session_id: agent.id });
  assert.deepEqual({ ...payload, revision: 0 }, { key: 'selected_shipping_option', revision: 0, status: 'success' });
  assert.ok(Number.isInteger(payload.revision) && payload.revision > 0);
  const update = assertFrame(await agent.nextText());
  assert.deepEqual([update.type, update.payload, update.revision, update.session_id], ['session_state_update', { set: { selected_shipping_option: option }, removed: [] }, payload.revision, agent.id]);
  const state = assertFrame((agent.send({ type: 'get_session_state', payload: {}, requestId }), await agent.nextText()));
  assert.deepEqual([state.type, state.state, state.revision, state.requestId], ['session_state', { selected_shipping_option: option }, payload.revision, requestId]);
  const answer = await get(agent.id, 'selected_shipping_option');
  assert.deepEqual([answer.status, answer.json], [200, { value: option, revision: payload.revision }]);
});

test('SHP-18 a new session has an empty state', async (t) => {
  const agent = await join(t, server);
  assert.deepEqual(await whole(agent), {});
  const answer = await get(agent.id);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json.state, {});
  assert.ok(Number.isInteger(answer.json.revision));
});

test('SHP-18 a value may be any JSON and comes back as it was, over both ways', async (t) => {
  const agent = await join(t, server);
  const values = [null, true, false, 0, -1.5, 12.99, 123456789012345, '', 'ünï 𝄞 "\\ \u0000', [], [1, [2, { three: null }]], {}, { a: { b: { c: [] } } }];
  for (const value of values) {
    assert.equal((await put(agent.id, 'rest', value)).status, 200, JSON.stringify(value));
    agent.send({ type: 'set_session_state', payload: { key: 'socket', value } });
    await agent.nextOf('session_state_set');
    assert.deepEqual((await get(agent.id, 'rest')).json.value, value);
    assert.deepEqual((await get(agent.id, 'socket')).json.value, value);
    await agent.settle();
    assert.deepEqual(await whole(agent), { rest: value, socket: value });
  }
});

test('SHP-18 a missing key is told apart from a value of null, and from a missing session', async (t) => {
  const { id } = await join(t, server);
  await put(id, 'nothing', null);
  assert.deepEqual((await get(id, 'nothing')).json.value, null);
  const key = await get(id, 'absent');
  assert.deepEqual([key.status, key.json.detail], [404, 'State key not found: absent']);
  for (const answer of [await get(nobody, 'nothing'), await get(nobody), await put(nobody, 'nothing', 1), await del(nobody, 'nothing')]) {
    assert.deepEqual([answer.status, answer.json.detail], [404, `Session not found: ${nobody}`]);
  }
  assert.equal((await get(nobody)).status, 404, 'writing did not make it');
});

test('SHP-18 the state is one for all connections, and all are told of a change, however it is made', async (t) => {
  const agent = await join(t, server);
  const page = await join(t, server, { session: agent.id });
  agent.send({ type: 'set_session_state', payload: { key: 'a', value: 1 } });
  const told = await page.next();
  assert.deepEqual([told.type, told.payload], ['session_state_update', { set: { a: 1 }, removed: [] }]);
  const { revision } = (await put(agent.id, 'b', 2)).json;
  const second = await page.next();
  assert.deepEqual([second.payload, second.revision], [{ set: { b: 2 }, removed: [] }, revision]);
  assert.ok([200, 204].includes((await del(agent.id, 'a')).status));
  assert.deepEqual((await page.next()).payload, { set: {}, removed: ['a'] });
  assert.deepEqual(await whole(page), { b: 2 });
  assert.deepEqual((await agent.settle()).map(({ type }) => type), ['session_state_set', 'session_state_update', 'session_state_update', 'session_state_update']);
});

test('SHP-18 the state survives every disconnect', async (t) => {
  const { session_id: id } = await createSession(server, { state: { born: 'with it' } });
  const one = await join(t, server, { session: id });
  one.send({ type: 'set_session_state', payload: { key: 'kept', value: option } });
  await one.nextOf('session_state_set');
  await one.vanish();
  assert.deepEqual((await get(id)).json.state, { born: 'with it', kept: option });
  const two = await join(t, server, { session: id });
  assert.deepEqual(await whole(two), { born: 'with it', kept: option });
});

test('SHP-18 what was confirmed is read by the next reader, every time', async (t) => {
  const agent = await join(t, server);
  for (let n = 0; n < 200; n += 1) {
    agent.send({ type: 'set_session_state', payload: { key: 'n', value: n } });
    const { payload } = await agent.nextOf('session_state_set');
    const answer = await get(agent.id, 'n');
    assert.deepEqual(answer.json, { value: n, revision: payload.revision });
  }
});

test('SHP-18 revisions only grow, each change has one of its own, and concurrent writers lose nothing', async (t) => {
  const agent = await join(t, server);
  const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => put(agent.id, `k${n}`, n)));
  const revisions = answers.map(({ json }) => json.revision);
  assert.equal(new Set(revisions).size, 60);
  assert.equal(Object.keys((await get(agent.id)).json.state).length, 60);
  const told = (await agent.settle()).filter(({ type }) => type === 'session_state_update');
  const heard = told.map(({ revision }) => revision);
  assert.deepEqual(heard, [...heard].sort((a, b) => a - b));
  assert.equal(Object.keys(Object.assign({}, ...told.map(({ payload }) => payload.set))).length, 60);
});

test('SHP-18 keys with any characters are the same key over both ways', async (t) => {
  const agent = await join(t, server);
  for (const key of ['a b', 'a/b', '../k', 'ü', '100%', 'a.b', '"', '__proto__', 'constructor', 'x'.repeat(100)]) {
    agent.send({ type: 'set_session_state', payload: { key, value: key } });
    await agent.nextOf('session_state_set');
    assert.deepEqual((await get(agent.id, encodeURIComponent(key))).json?.value, key, key);
  }
});

test('SHP-18 a body that is no JSON is 400 and changes nothing', async (t) => {
  const { id } = await join(t, server);
  const { revision } = (await put(id, 'k', 1)).json;
  for (const body of ['', '{', 'undefined', "'x'", '1 2']) {
    const answer = await server.send('PUT', `/sessions/${id}/state/k`, body, headers);
    assert.equal(answer.status, 400, body);
    assert.equal(typeof answer.json.detail, 'string');
  }
  assert.deepEqual((await get(id, 'k')).json, { value: 1, revision });
});

test('SHP-18 a value over 64 KiB, a map over 1,000 keys or over 1 MiB is refused, and the state stays as it was', async (t) => {
  const agent = await join(t, server);
  const ok = 'x'.repeat(64 * 1024 - 2);
  assert.equal((await put(agent.id, 'big', ok)).status, 200, 'exactly 64 KiB');
  assert.equal((await put(agent.id, 'big', `${ok}x`)).status, 413);
  await agent.settle();
  agent.send({ type: 'set_session_state', payload: { key: 'big', value: `${ok}x` } });
  const refusal = await agent.next();
  assert.equal(refusal.type, 'error');
  assert.equal((await get(agent.id, 'big')).json.value, ok);

  const { session_id: many } = await createSession(server, { state: Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`k${n}`, n])) });
  assert.equal((await put(many, 'k0', 'again')).status, 200, 'a known key');
  const refused = await put(many, 'one_more', 1);
  assert.equal(refused.status, 413);
  assert.equal(typeof refused.json.detail, 'string');
  assert.equal((await del(many, 'k1')).status < 300, true);
  assert.equal((await put(many, 'one_more', 1)).status, 200, 'there is room again');

  const { session_id: full } = await createSession(server);
  let stored = 0;
  while (stored < 20 && (await put(full, `k${stored}`, ok)).status === 200) stored += 1;
  assert.ok(stored >= 14 && stored <= 16, `${stored} values of 64 KiB fit into 1 MiB`);
  assert.equal(Object.keys((await get(full)).json.state).length, stored);
});

test('SHP-18 SHP-04 another user reads and writes nothing', async (t) => {
  const agent = await join(t, server);
  await put(agent.id, 'k', 'of alice');
  const bob = await as(server, 'bob');
  for (const answer of [
    await server.get(`/sessions/${agent.id}/state`, bob), await server.get(`/sessions/${agent.id}/state/k`, bob),
    await server.send('PUT', `/sessions/${agent.id}/state/k`, '1', bob), await server.del(`/sessions/${agent.id}/state/k`, bob),
  ]) assert.deepEqual([answer.status, answer.json.detail], [404, `Session not found: ${agent.id}`]);
  assert.deepEqual((await get(agent.id, 'k')).json.value, 'of alice');
});
