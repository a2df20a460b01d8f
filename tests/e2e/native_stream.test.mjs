// The native API: the stream. A snapshot and a cursor in one piece, then every event; presence, kicks and slow readers.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { eventually, rawSocket, sleep, start, upgradeRequest } from './harness.mjs';
import { as, createSession, isoMicros, join, nobody, openEvents, postEvent, tokenOf, upgrade, watch } from './tracking_stage.mjs';

let server;
let tight;
let headers;
before(async () => {
  [server, tight] = await Promise.all([
    start({ config: '[limits]\nmessages_per_s = 0\n' }),
    start({ config: '[limits]\nmessages_per_s = 0\nlog_events = 20\npresence_members = 2\nqueue_bytes = 65536\n' }),
  ]);
  headers = await as(server);
});
after(() => Promise.all([server?.stop(), tight?.stop()]));

const fresh = async (wishes, one = server) => (await createSession(one, wishes)).session_id;
const put = (id, key, value) => server.send('PUT', `/api/v1/sessions/${id}/state/${key}`, JSON.stringify(value), headers);
const state = async (id) => (await server.get(`/api/v1/sessions/${id}/state`, headers)).json;
const connections = async (id, one = server) => (await one.get(`/api/v1/sessions/${id}/connections`, await as(one))).json;
const seqOf = (cursor) => Number(cursor.slice(cursor.lastIndexOf('.') + 1));
/** Takes away what tells of comings and goings. */
const spoken = (frames) => frames.filter(({ type }) => !['session.joined', 'session.left'].includes(type));

test('the first frame is a snapshot with the state, its revision, the cursor and who is here', async (t) => {
  const id = await fresh({ state: { cart: [1] } });
  const member = await join(t, server, { session: id });
  const stream = await watch(t, server, id);
  const { type, session_id: session, connection_id: connection, cursor, revision, state: map, connections: here } = stream.hello;
  assert.deepEqual([type, session, map], ['session.snapshot', id, { cart: [1] }]);
  assert.match(connection, /./);
  assert.match(cursor, /^[^.]+\.\d+$/);
  assert.equal(revision, (await state(id)).revision);
  assert.ok(here.length === 1 || here.length === 2, 'those that were here, and perhaps itself');
  const other = here.find((each) => each.connection_id !== connection);
  assert.deepEqual(Object.keys(other).sort(), ['connection_id', 'since', 'transport', 'user']);
  assert.deepEqual([other.user, typeof other.transport], ['alice', 'string']);
  assert.ok(member.ws.readyState === 1);
});

test('an event frame has its number, cursor, time, sender, user, request and data', async (t) => {
  const id = await fresh();
  const [one, two] = [await watch(t, server, id), await watch(t, server, id)];
  const data = { carrier: 'FedEx', cost: 12.99 };
  one.send({ type: 'quote_ready', data, request_id: 'r1' });
  const ack = await one.nextOf('ack');
  assert.deepEqual(Object.keys(ack), ['type', 'request_id', 'seq', 'cursor']);
  assert.equal(ack.request_id, 'r1');
  const event = await two.nextOf('quote_ready');
  assert.match(event.at, isoMicros);
  assert.deepEqual({ ...event, at: '' }, { type: 'quote_ready', seq: ack.seq, cursor: ack.cursor, at: '', from: one.hello.connection_id, user: 'alice', request_id: 'r1', data });
  const { seq } = await postEvent(server, id, { type: 'rest', data: 1 }, headers);
  const rest = await two.nextOf('rest');
  assert.deepEqual([rest.seq, rest.user, rest.data], [seq, 'alice', 1]);
});

test('payload stands for data, and a message without a request_id is not acknowledged', async (t) => {
  const id = await fresh();
  const [one, two] = [await watch(t, server, id), await watch(t, server, id)];
  one.send({ type: 'a', payload: { x: 1 } });
  one.send({ type: 'b' });
  assert.deepEqual((await two.nextOf('a')).data, { x: 1 });
  assert.equal((await two.nextOf('b')).data ?? null, null);
  assert.ok(!(await one.settle()).some(({ type }) => type === 'ack'));
});

test('ping, state and their errors are answered to the asker alone', async (t) => {
  const id = await fresh({ state: { a: 1 } });
  const [one, two] = [await watch(t, server, id), await watch(t, server, id)];
  await one.settle();
  assert.deepEqual(await one.ask({ type: 'ping', request_id: 'p' }), { type: 'pong', request_id: 'p' });
  const told = await one.ask({ type: 'get_session_state', request_id: 's' });
  assert.deepEqual([told.type, told.state, told.revision, told.request_id], ['session_state', { a: 1 }, one.hello.revision, 's']);
  assert.match(told.cursor, /\.\d+$/);
  for (const [value, code] of [
    [{ type: 'session.closed', request_id: 'e' }, 'invalid'], [{ type: 7, request_id: 'e' }, 'invalid'], [{ type: 'set_session_state', payload: {}, request_id: 'e' }, 'invalid'],
    [{ type: 'set_session_state', payload: { key: 'k', value: 'x'.repeat(70000) }, request_id: 'e' }, 'too_large'],
  ]) {
    const error = await one.ask(value);
    assert.deepEqual([error.type, error.request_id, error.code, typeof error.message], ['error', 'e', code, 'string'], JSON.stringify(value).slice(0, 80));
  }
  one.sendRaw('not json');
  const error = await one.next();
  assert.deepEqual([error.type, error.code], ['error', 'invalid']);
  assert.deepEqual(spoken(await two.settle()), []);
});

test('the state is set and patched on the stream, with a revision as condition', async (t) => {
  const id = await fresh({ state: { a: { x: 1 } } });
  const [one, two] = [await watch(t, server, id), await watch(t, server, id)];
  one.send({ type: 'set_session_state', payload: { key: 'k', value: 1 }, request_id: '1' });
  const { seq } = await one.nextOf('ack');
  const event = await two.nextOf('session.state');
  assert.deepEqual([event.seq, event.data], [seq, { set: { k: 1 }, removed: [] }]);
  one.send({ type: 'patch_session_state', payload: { a: { y: 2 }, k: null }, request_id: '2' });
  assert.equal((await one.nextOf('ack')).request_id, '2');
  assert.deepEqual((await two.nextOf('session.state')).data, { set: { a: { x: 1, y: 2 } }, removed: ['k'] });
  const { revision } = await state(id);
  for (const [key, wrong, right] of [['a', revision - 1, revision], ['k', revision, 0]]) {
    one.send({ type: 'set_session_state', payload: { key, value: 2, if_revision: wrong }, request_id: '3' });
    assert.deepEqual((({ request_id: request, code }) => [request, code])(await one.nextOf('error')), ['3', 'precondition_failed']);
    one.send({ type: 'set_session_state', payload: { key, value: 2, if_revision: right }, request_id: '4' });
    assert.equal((await one.nextOf('ack')).request_id, '4');
  }
  assert.deepEqual((await state(id)).state, { a: 2, k: 2 });
});

test('the snapshot and its cursor are one moment: state plus events after it is the state, while many write', async (t) => {
  const id = await fresh();
  let writing = true;
  const writers = Array.from({ length: 3 }, async (_, w) => {
    for (let n = 0; writing && n < 400; n += 1) await put(id, `k${(n * 7 + w) % 20}`, `${w}:${n}`);
  });
  const readers = [];
  for (let round = 0; round < 15; round += 1) { readers.push(await watch(t, server, id)); await sleep(10); }
  writing = false;
  await Promise.all(writers);
  const { state: last, revision } = await state(id);
  for (const reader of readers) {
    const { state: map, cursor, revision: began } = reader.hello;
    let covered = seqOf(cursor);
    assert.ok(began <= covered);
    for (const event of await reader.settle()) {
      if (event.seq === undefined) continue;
      assert.equal(event.first_seq ?? event.seq, covered + 1, 'no gap and nothing twice');
      covered = event.seq;
      if (event.type !== 'session.state') continue;
      Object.assign(map, event.data.set);
      for (const key of event.data.removed) delete map[key];
    }
    assert.deepEqual([map, covered], [last, revision]);
  }
});

test('since resumes after that event with nothing twice, and says so', async (t) => {
  const id = await fresh();
  const one = await watch(t, server, id);
  const posted = [];
  for (let n = 0; n < 10; n += 1) posted.push(await postEvent(server, id, { type: 'n', data: n }, headers));
  await one.vanish();
  for (const since of [posted[3].cursor, String(posted[3].seq)]) {
    const two = await watch(t, server, id, { since });
    assert.deepEqual([two.hello.type, two.hello.session_id, seqOf(two.hello.cursor)], ['session.resumed', id, posted[3].seq]);
    assert.match(two.hello.connection_id, /./);
    assert.deepEqual((await two.settle()).filter(({ type }) => type === 'n').map(({ data }) => data), [4, 5, 6, 7, 8, 9]);
    await postEvent(server, id, { type: 'live', data: 1 }, headers);
    assert.equal((await two.nextOf('live')).data, 1);
    await two.vanish();
  }
});

test('who comes back to more than may wait for one peer gets all of it, in order', async (t) => {
  const id = await fresh({}, tight);
  const first = await postEvent(tight, id, { type: 'n', data: [-1] }, await as(tight));
  for (let n = 0; n < 16; n += 1) await postEvent(tight, id, { type: 'n', data: [n, 'x'.repeat(50_000)] }, await as(tight));
  const stream = await watch(t, tight, id, { since: first.cursor });
  assert.equal(stream.hello.type, 'session.resumed');
  for (let n = 0; n < 16; n += 1) assert.equal((await stream.nextOf('n')).data[0], n);
  const reader = await openEvents(t, tight, id, { since: first.cursor, headers: await as(tight) });
  assert.equal((await reader.next()).event, 'session.resumed');
  for (let n = 0; n < 16; n += 1) assert.equal((await reader.next()).data.data[0], n);
});

test('a cursor that is no use is one gap with a snapshot, and then life goes on', async (t) => {
  const id = await fresh({ state: { a: 1 } }, tight);
  const posted = [];
  for (let n = 0; n < 60; n += 1) posted.push(await postEvent(tight, id, { type: 'n', data: n }, await as(tight)));
  for (const since of [posted[0].cursor, '999999.1', `${posted[0].cursor}0000`]) {
    const stream = await watch(t, tight, id, { since });
    const { hello } = stream;
    assert.deepEqual([hello.type, hello.since, hello.state, hello.session_id], ['session.gap', since, { a: 1 }, id]);
    assert.equal(seqOf(hello.cursor), posted.at(-1).seq);
    const { seq } = await postEvent(tight, id, { type: 'n', data: 'live' }, await as(tight));
    const event = await stream.nextOf('n');
    assert.deepEqual([event.seq, event.data], [seq, 'live']);
    posted.push({ seq });
    await stream.vanish();
  }
});

test('a resume that takes over closes its half-open predecessor, and nothing is lost or doubled between them', async (t) => {
  const id = await fresh();
  const old = await watch(t, server, id);
  const { cursor } = await postEvent(server, id, { type: 'n', data: 1 }, headers);
  await old.nextOf('n');
  await postEvent(server, id, { type: 'n', data: 2 }, headers);
  const next = await watch(t, server, id, { since: cursor, takesOver: old.hello.connection_id });
  assert.notEqual((await old.closed).code, 1006);
  assert.equal((await next.nextOf('n')).data, 2);
  assert.deepEqual((await connections(id)).connections.map((each) => each.connection_id), [next.hello.connection_id]);
  const stranger = await watch(t, server, await fresh({ user: 'bob' }), { user: 'bob', takesOver: next.hello.connection_id });
  assert.equal(stranger.hello.type, 'session.snapshot');
  const { token } = (await server.post(`/api/v1/sessions/${id}/tokens`, {}, headers)).json;
  for (const thief of [{ token }, { user: 'root', scope: 'admin' }]) await watch(t, server, id, { ...thief, takesOver: next.hello.connection_id });
  await sleep(100);
  assert.equal(next.ws.readyState, 1, 'nobody takes over a connection of another session, or of somebody else');
});

test('comings and goings are told to the others, without a number, whichever door they use', async (t) => {
  const id = await fresh();
  const one = await watch(t, server, id);
  const before_seq = (await server.get(`/api/v1/sessions/${id}/events`, headers)).json.last_seq;
  for (const arrive of [() => watch(t, server, id), () => join(t, server, { session: id })]) {
    const other = await arrive();
    const joined = await one.nextOf('session.joined');
    assert.deepEqual([joined.seq, joined.cursor, joined.data?.user ?? joined.user], [undefined, undefined, 'alice']);
    const name = joined.data?.connection_id ?? joined.connection_id;
    if (other.hello.connection_id) assert.equal(name, other.hello.connection_id);
    await other.vanish();
    const left = await one.nextOf('session.left');
    assert.equal(left.data?.connection_id ?? left.connection_id, name);
  }
  assert.equal((await server.get(`/api/v1/sessions/${id}/events`, headers)).json.last_seq, before_seq, 'the log has none of it');
});

test('in a crowd comings and goings are not told any more', async (t) => {
  const id = await fresh({}, tight);
  const first = await watch(t, tight, id);
  await watch(t, tight, id);
  await first.nextOf('session.joined');
  for (let n = 0; n < 3; n += 1) await watch(t, tight, id);
  assert.deepEqual((await first.settle()).filter(({ type }) => type === 'session.joined'), []);
});

test('the connections of a session are listed with who, how, since when and from where', async (t) => {
  const id = await fresh();
  const stream = await watch(t, server, id, { userAgent: 'Agent/1.0' });
  await join(t, server, { session: id });
  const { connections: all, count } = await connections(id);
  assert.deepEqual([count, all.length], [2, 2]);
  for (const each of all) {
    assert.deepEqual(Object.keys(each).sort(), ['address', 'connected_at', 'connection_id', 'last_seen', 'transport', 'user', 'user_agent']);
    for (const time of [each.connected_at, each.last_seen]) assert.match(time, isoMicros);
    assert.deepEqual([each.user, each.address], ['alice', '127.0.0.1']);
  }
  assert.equal(all.find((each) => each.connection_id === stream.hello.connection_id).user_agent, 'Agent/1.0');
  await stream.close(1000);
  await eventually(async () => (await connections(id)).count === 1, 'it is gone from the list');
});

test('a kicked connection is closed with 1008 kicked, the others stay, and it may come back', async (t) => {
  const id = await fresh();
  const [one, two] = [await watch(t, server, id), await watch(t, server, id)];
  const path = `/api/v1/sessions/${id}/connections/${two.hello.connection_id}`;
  assert.equal((await server.del(path, await as(server, 'bob'))).status, 404);
  assert.equal((await server.del(path, headers)).status, 204);
  assert.deepEqual(await two.closed, { code: 1008, reason: 'kicked' });
  assert.equal((await server.del(path, headers)).status, 404);
  assert.equal((await server.del(`/api/v1/sessions/${id}/connections/c999999`, headers)).status, 404);
  const member = await join(t, server, { session: id });
  const other = await fresh();
  const { connection_id: name } = (await connections(id)).connections.find((each) => each.connection_id !== one.hello.connection_id);
  assert.equal((await server.del(`/api/v1/sessions/${other}/connections/${name}`, headers)).status, 404, 'through another session');
  assert.equal((await server.del(`/api/v1/sessions/${id}/connections/${name}`, headers)).status, 204);
  assert.deepEqual(await member.closed, { code: 1008, reason: 'kicked' });
  assert.equal((await one.settle()).length >= 0 && one.ws.readyState, 1);
  assert.equal((await watch(t, server, id)).hello.type, 'session.snapshot');
});

test('a reader that does not read is cut off, nobody else notices, and by its cursor it misses nothing', async (t) => {
  const id = await fresh({}, tight);
  const other = await watch(t, tight, id);
  const sleeper = await rawSocket(tight.port);
  t.after(() => sleeper.destroy());
  sleeper.send(upgradeRequest(tight.port, { target: `/api/v1/sessions/${id}/stream?token=${await tokenOf(tight)}` }));
  await sleeper.waitFor(() => sleeper.text().includes('session.snapshot'), 'it is in');
  sleeper.socket.pause();
  assert.equal((await connections(id, tight)).count, 2);
  const data = 'x'.repeat(100_000);
  for (let n = 0; n < 120; n += 1) {
    const { seq } = await postEvent(tight, id, { type: 'big', data }, await as(tight));
    assert.equal((await other.nextOf('big')).seq, seq);
    if (n % 10 === 9 && (await connections(id, tight)).count === 1) break;
  }
  await eventually(async () => (await connections(id, tight)).count === 1, 'the sleeper is cut off');
  tight.assertUnharmed();
});

test('a slow event reader is cut off as well', async (t) => {
  const id = await fresh({}, tight);
  const reader = await openEvents(t, tight, id, { headers: await as(tight) });
  await reader.next();
  reader.incoming.pause();
  const data = 'x'.repeat(100_000);
  const closed = new Promise((resolve) => { reader.incoming.on('close', resolve); });
  for (let n = 0; n < 120; n += 1) await postEvent(tight, id, { type: 'big', data }, await as(tight));
  await sleep(200);
  reader.incoming.resume();
  await Promise.race([closed, sleep(5000).then(() => assert.fail('the stream goes on'))]);
  assert.ok(reader.inbox.items.length < 121, 'it has not heard all of it');
});

test('tool calls between streams and the tracking door are answered across the doors', async (t) => {
  const id = await fresh();
  const [stream, member] = [await watch(t, server, id), await join(t, server, { session: id })];
  stream.send({ type: 'offer', tools: ['dance'], queries: false, request_id: 'o' });
  assert.equal((await stream.nextOf('offered')).type, 'offered');
  const tool_call_id = randomUUID();
  member.send({ type: 'client_tool_call', client_tool_call: { tool_name: 'dance', tool_call_id, parameters: { n: 1 } } });
  const call = await stream.nextOf('client_tool_call');
  assert.deepEqual([call.tool_name, call.parameters], ['dance', { n: 1 }]);
  stream.send({ type: 'client_tool_result', tool_call_id: call.tool_call_id, result: { steps: 2 }, is_error: false });
  const result = await member.nextOf('client_tool_result');
  assert.deepEqual([result.tool_call_id, result.result, result.is_error], [tool_call_id, { steps: 2 }, false]);
  member.send({ type: 'offer', tools: ['sing'], queries: false });
  await member.nextOf('offered');
  stream.send({ type: 'client_tool_call', tool_name: 'sing', tool_call_id: 'mine', parameters: {} });
  const asked = await member.nextOf('client_tool_call');
  member.send({ type: 'client_tool_result', tool_call_id: asked.tool_call_id, result: 'la', is_error: false });
  const sung = await stream.nextOf('client_tool_result');
  assert.deepEqual([sung.tool_call_id, sung.result, sung.is_error], ['mine', 'la', false]);
});

test('a server that is told to end says goodbye to streams and event readers, and ends', async (t) => {
  const one = await start();
  t.after(() => one.alive() && one.stop());
  const id = await fresh({}, one);
  const [stream, member, reader] = [await watch(t, one, id), await join(t, one, { session: id }), await openEvents(t, one, id, { headers: await as(one) })];
  const began = Date.now();
  assert.deepEqual(await one.stop(), { code: 0, signal: null });
  assert.ok(Date.now() - began < 4000, `${Date.now() - began} ms`);
  assert.deepEqual([(await stream.closed).code, (await member.closed).code], [1012, 1012]);
  await eventually(() => reader.ended, 'the event stream has ended');
});

test('a stream of an unknown session, or without an upgrade, is refused before it begins', async () => {
  const token = await tokenOf(server);
  const answer = await upgrade(server, `/api/v1/sessions/${nobody}/stream?token=${token}`);
  assert.deepEqual([answer.status, JSON.parse(answer.text)], [404, { detail: `Session not found: ${nobody}`, code: 'not_found', error_code: 'SESSION_NOT_FOUND' }]);
  const id = await fresh();
  const { status } = await server.get(`/api/v1/sessions/${id}/stream`, headers);
  assert.ok([400, 404, 426].includes(status), `${status} without an upgrade`);
  assert.equal((await upgrade(server, `/api/v1/sessions/${id}/stream?token=wrong`)).status, 401);
});
