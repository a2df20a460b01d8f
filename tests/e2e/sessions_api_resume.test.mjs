// The sessions API: one session for each client, found again by its client_id with all that was in it, until its time is up.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { eventually, sleep, start } from './harness.mjs';
import { as, createSession, logged, postEvent, startKeyed, watch } from './tracking_stage.mjs';

const root = '/api/v1/sessions';
let server;
let quick; // its sessions end after 1.2 s
let keyed;
before(async () => { [server, quick, keyed] = await Promise.all([start(), start({ config: '[sessions]\nidle_minutes = 0.02\n' }), startKeyed()]); });
after(() => Promise.all([server?.stop(), quick?.stop(), keyed?.stop()]));

const someone = (name = 'u') => `${name}${randomUUID().slice(0, 8)}`;
const micros = (iso) => Date.parse(iso) * 1000 + Number(iso.slice(-4, -1));

test('FMV-15 a user has several active sessions at once, one for each client', async (t) => {
  const user = someone();
  const headers = await as(server, user);
  const sessions = [];
  for (const client_id of ['laptop', 'phone', 'desk']) sessions.push(await createSession(server, { client_id, headers }));
  const streams = await Promise.all(sessions.map(({ session_id: id }) => watch(t, server, id, { user })));
  for (const [n, stream] of streams.entries()) stream.send({ type: 'note', data: n });
  for (const [n, stream] of streams.entries()) assert.equal((await stream.nextOf('note')).data, n, 'and each hears its own');
  for (const { session_id: id } of sessions) {
    const { status, json } = await server.get(`${root}/${id}`, headers);
    assert.deepEqual([status, json.status, json.connections], [200, 'active', 1]);
  }
});

test('FMV-16 FMV-19 who comes back with the same client_id finds the session, its state, its events and its cursor', async (t) => {
  const [user, client_id] = [someone(), randomUUID()];
  const headers = await as(server, user);
  const one = await createSession(server, { client_id, headers, session_type: 'shipping', timeout_minutes: 30, metadata: { build: '7' }, state: { step: 1 } });
  const stream = await watch(t, server, one.session_id, { user });
  for (let n = 0; n < 5; n += 1) await postEvent(server, one.session_id, { type: 'message', data: `said ${n}` }, headers);
  await server.send('PUT', `${root}/${one.session_id}/state/cart`, [{ id: 1 }], headers);
  const seen = (await stream.nextOf('message')).cursor;
  await stream.vanish(); // the browser is closed

  const again = await createSession(server, { client_id, headers, timeout_minutes: 60, session_type: 'troubleshooting', metadata: {}, state: { step: 'of another' } });
  const { session_id, session_resumed: resumed, created_at: created, message } = again;
  assert.deepEqual([session_id, resumed, created, message], [one.session_id, true, one.created_at, 'Session resumed successfully']);
  assert.deepEqual([again.session_type, again.timeout_minutes], ['shipping', 30], 'it is as it was made, whatever this body says');
  assert.ok(micros(again.expires_at) > micros(one.expires_at), 'its time begins anew');
  assert.deepEqual((await server.get(`${root}/${session_id}/state`, headers)).json.state, { step: 1, cart: [{ id: 1 }] });
  const record = (await server.get(`${root}/${session_id}`, headers)).json;
  assert.equal(record.metadata.build, '7');
  const { events, gap } = (await server.get(`${root}/${session_id}/events`, headers)).json;
  assert.equal(gap, false);
  assert.deepEqual(events.filter(({ type }) => type === 'message').map(({ data }) => data), [0, 1, 2, 3, 4].map((n) => `said ${n}`));
  const back = await watch(t, server, session_id, { user, since: seen });
  assert.equal(back.hello.type, 'session.resumed');
  assert.deepEqual([(await back.nextOf('message')).data, (await back.nextOf('message')).data], ['said 1', 'said 2'], 'the stream goes on behind what was seen');
});

test('FMV-16 a client_id is found again by whom the token names, on whatever machine, and by nobody else', async () => {
  for (const one of [server, keyed]) {
    const client_id = randomUUID();
    const [alice, bob] = [await as(one), await as(one, 'bob')];
    const mine = await createSession(one, { client_id, headers: alice, state: { secret: 1 } });
    const theirs = await createSession(one, { client_id, headers: bob });
    assert.notEqual(theirs.session_id, mine.session_id);
    assert.deepEqual([theirs.session_resumed, theirs.user_id], [false, 'bob']);
    assert.deepEqual((await one.get(`${root}/${theirs.session_id}/state`, bob)).json.state, {});
    assert.equal((await one.get(`${root}/${mine.session_id}`, bob)).status, 404);
    assert.equal((await createSession(one, { client_id, headers: { ...alice, 'User-Agent': 'another machine' } })).session_id, mine.session_id);
  }
});

test('FMV-17 sessions of different clients are independent, and their user sees all of them', async () => {
  const headers = await as(server, someone());
  const [one, two] = [await createSession(server, { client_id: 'one', headers, state: { a: 1 } }), await createSession(server, { client_id: 'two', headers })];
  await postEvent(server, one.session_id, { type: 'note' }, headers);
  assert.deepEqual((await server.get(`${root}/${two.session_id}/state`, headers)).json.state, {});
  assert.ok(!(await server.get(`${root}/${two.session_id}/events`, headers)).text.includes('"note"'));
  const list = (await server.get(root, headers)).json;
  assert.deepEqual(list.sessions.map(({ session_id: id, client_id }) => [id, client_id]), [[one.session_id, 'one'], [two.session_id, 'two']], 'in the order of opening');
  assert.equal(list.total_count, 2);
  assert.equal((await server.del(`${root}/${one.session_id}`, headers)).status, 204);
  assert.equal((await server.get(`${root}/${two.session_id}`, headers)).status, 200);
  assert.deepEqual((await server.get(root, headers)).json.sessions.map(({ client_id }) => client_id), ['two']);
});

test('FMV-18 fifty tabs that create with one client_id at once get one session', async () => {
  for (const one of [server, keyed]) {
    const headers = await as(one, someone());
    const client_id = randomUUID();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => one.post(n % 2 ? root : `${root}/`, { client_id, state: { tab: n } }, headers)));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201]);
    assert.equal(new Set(answers.map(({ json }) => json.session_id)).size, 1);
    assert.equal(answers.filter(({ json }) => !json.session_resumed).length, 1, 'one of them made it');
    assert.equal((await one.get(root, headers)).json.total_count, 1);
    const { tab } = (await one.get(`${root}/${answers[0].json.session_id}/state`, headers)).json.state;
    assert.equal(answers.findIndex(({ json }) => !json.session_resumed), tab, 'and the state is that of the one that made it');
  }
});

test('FMV-18 tabs of one client share what they do', async (t) => {
  const [user, client_id] = [someone(), randomUUID()];
  const headers = await as(server, user);
  const ids = (await Promise.all([1, 2].map(() => createSession(server, { client_id, headers })))).map(({ session_id: id }) => id);
  const [left, right] = await Promise.all(ids.map((id) => watch(t, server, id, { user })));
  left.send({ type: 'set_session_state', payload: { key: 'draft', value: 'x' } });
  assert.deepEqual((await right.nextOf('session.state')).data, { set: { draft: 'x' }, removed: [] });
});

test('FMV-18 creates and deletes that race leave one session or none, and no error', async () => {
  const headers = await as(server, someone());
  for (let round = 0; round < 5; round += 1) {
    const client_id = randomUUID();
    const { session_id: id } = await createSession(server, { client_id, headers });
    const answers = await Promise.all(Array.from({ length: 11 }, (_, n) => (n === 5 ? server.del(`${root}/${id}`, headers) : server.post(root, { client_id }, headers))));
    assert.equal(answers[5].status, 204);
    const made = answers.filter((_, n) => n !== 5);
    assert.deepEqual([...new Set(made.map(({ status }) => status))], [201]);
    const others = new Set(made.map(({ json }) => json.session_id));
    others.delete(id);
    assert.ok(others.size <= 1, `${others.size} new sessions`);
    assert.equal((await server.get(`${root}/${id}`, headers)).status, 404);
    for (const other of others) assert.equal((await server.get(`${root}/${other}`, headers)).status, 200);
  }
});

test('FMV-10 FMV-21 after its time a client_id gives a new session, and the old one says that it expired', async () => {
  const headers = await as(quick, someone());
  const client_id = randomUUID();
  const one = await createSession(quick, { client_id, headers, state: { old: true } });
  assert.equal(one.session_resumed, false);
  assert.equal((await createSession(quick, { client_id, headers })).session_resumed, true, 'within its time it is found');
  await eventually(() => logged(quick, 'session.expired').some(({ session }) => session === one.session_id), 'it expires', 5000);
  const gone = await quick.get(`${root}/${one.session_id}`, headers);
  assert.deepEqual([gone.status, gone.json], [404, { detail: `Session expired: ${one.session_id}`, code: 'expired', error_code: 'SESSION_EXPIRED' }]);
  const two = await createSession(quick, { client_id, headers });
  assert.deepEqual([two.session_resumed, two.client_id, two.message], [false, client_id, 'Session created successfully']);
  assert.notEqual(two.session_id, one.session_id);
  assert.deepEqual((await quick.get(`${root}/${two.session_id}/state`, headers)).json.state, {}, 'nothing of the old one is in it');
});

test('FMV-10 using a session keeps it, a timeout_minutes of its own outlives the default, and a list does not', async () => {
  const user = someone();
  const headers = await as(quick, user);
  const [kept, long, left] = [await createSession(quick, { headers }), await createSession(quick, { headers, timeout_minutes: 1 }), await createSession(quick, { headers })];
  for (let n = 0; n < 9; n += 1) {
    await sleep(300);
    assert.equal((await quick.get(`${root}/${kept.session_id}`, headers)).status, 200);
    await quick.get(root, headers);
  }
  assert.equal((await quick.get(`${root}/${left.session_id}`, headers)).json.code, 'expired');
  const { json } = await quick.get(`${root}/${long.session_id}`, headers);
  assert.deepEqual([json.status, json.timeout_minutes], ['active', 1]);
  assert.equal(Math.round((micros(json.expires_at) - micros(json.last_activity)) / 1e6), 60);
});

test('FMV-10 FMV-35 a sweep on request counts what it ended, says so, and leaves the living', async () => {
  const headers = await as(quick, someone());
  const { session_id: dead } = await createSession(quick, { headers });
  const { session_id: living } = await createSession(quick, { headers, timeout_minutes: 5 });
  await sleep(1300);
  const answer = await quick.post(`${root}/cleanup`, '', headers);
  assert.equal(answer.status, 200, answer.text);
  const { message, cleaned_sessions: count, timestamp, ...rest } = answer.json;
  assert.ok(Number.isInteger(count) && count >= 0);
  assert.equal(message, `Successfully cleaned up ${count} expired sessions`);
  assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 5000, timestamp);
  assert.deepEqual(rest, {});
  assert.equal((await quick.get(`${root}/${dead}`, headers)).json.code, 'expired');
  assert.equal((await quick.get(`${root}/${living}`, headers)).status, 200);
});

test('FMV-17 FMV-35 a list is filtered, paged and counted exactly', async () => {
  const headers = await as(server, someone());
  const made = [];
  for (let n = 0; n < 7; n += 1) made.push((await createSession(server, { headers, client_id: `c${n}`, session_type: n < 3 ? 'troubleshooting' : 'chat', metadata: { n: String(n % 2) } })).session_id);
  const list = async (query) => (await server.get(`${root}?${query}`, headers)).json;
  const answer = await server.get(`${root}/?session_type=chat&limit=3`, headers);
  assert.deepEqual(Object.keys(answer.json), ['sessions', 'total_count', 'limit', 'offset']);
  assert.deepEqual([answer.json.total_count, answer.json.limit, answer.json.offset, answer.headers['x-total-count']], [4, 3, 0, '4']);
  const ids = ({ sessions }) => sessions.map(({ session_id: id }) => id);
  assert.deepEqual(ids(answer.json), made.slice(3, 6));
  assert.deepEqual(ids(await list('session_type=chat&limit=3&offset=3')), made.slice(6));
  assert.deepEqual(ids(await list('usage_type=chat')), made.slice(3), 'usage_type is another word for it');
  assert.deepEqual(ids(await list('offset=100')), []);
  assert.deepEqual([(await list('offset=100')).total_count, (await list('')).limit], [7, 50]);
  const [entry] = (await list('limit=1')).sessions;
  const { status, session_type: type, usage_type: usage, data_uploads_count: uploads, case_history_count: cases } = entry;
  assert.deepEqual([status, type, usage, uploads, cases], ['active', 'troubleshooting', 'troubleshooting', 0, 0]);
  for (const query of ['limit=0', 'limit=101', 'limit=1.5', 'limit=-1', 'limit=x', 'offset=-1', 'offset=99999999999999999999', 'connected=1']) {
    assert.equal((await server.get(`${root}?${query}`, headers)).status, 422, query);
  }
});

test('FMV-17 whose sessions are listed follows user_id, and another\'s are an admin\'s to see', async () => {
  const [one, two] = [someone('dora'), someone('emil')];
  const mine = (await server.post(`${root}?user_id=${one}`, {})).json.session_id;
  await server.post(`${root}?user_id=${two}`, {});
  const list = (await server.get(`${root}?user_id=${one}`)).json;
  assert.deepEqual([list.total_count, list.sessions[0].session_id, list.sessions[0].user_id], [1, mine, one]);
  assert.equal((await server.get(`${root}?user_id=${one}`, await as(server, two))).status, 403);
  assert.equal((await server.get(`${root}?user_id=${two}`, await as(server, two))).json.total_count, 1);
});
