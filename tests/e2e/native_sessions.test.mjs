// The native API: making, finding, listing and ending sessions.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { assertDressed, sleep, start } from './harness.mjs';
import { as, createSession, isoMicros, join, nobody, startKeyed, upgrade, uuid, watch } from './tracking_stage.mjs';

const root = '/api/v1/sessions';
let server;
let quick;
let keyed;
before(async () => {
  [server, quick, keyed] = await Promise.all([start(), start({ config: '[sessions]\nidle_minutes = 0.02\n' }), startKeyed()]);
});
after(() => Promise.all([server?.stop(), quick?.stop(), keyed?.stop()]));

const micros = (iso) => Date.parse(iso) * 1000 + Number(iso.slice(-4, -1));

/** That a refusal names the field, and says what is wrong with it. */
function assertField(answer, place, name) {
  const [{ type, loc, msg }, ...others] = answer.json.detail;
  assert.deepEqual([type, loc, others], ['value_error', [place, name], []], answer.text);
  assert.match(msg, new RegExp(`^${name} `));
}

test('FMV-01 FMV-04 a session is made with 201, its place, and all its fields', async () => {
  for (const body of [undefined, {}, '{}']) {
    const answer = body === undefined ? await server.send('POST', root, '', { ...await as(server), 'Content-Type': 'text/plain' }) : await server.post(root, body, await as(server));
    assert.equal(answer.status, 201, answer.text);
    assertDressed(answer);
    const { session_id: id, created_at: created, expires_at: expires, ...rest } = answer.json;
    assert.match(id, uuid);
    assert.equal(answer.headers.location, `${root}/${id}`);
    for (const time of [created, expires]) assert.match(time, isoMicros);
    assert.ok(Math.abs(micros(expires) - micros(created) - 3_600_000_000) < 1_000_000, `${created} to ${expires}`);
    assert.deepEqual(rest, { user_id: 'alice', client_id: null, kind: 'shared', status: 'active', session_type: 'troubleshooting', session_resumed: false, timeout_minutes: 60, message: 'Session created successfully' });
  }
});

test('FMV-02 FMV-03 what the body says is in the answer and in the record', async () => {
  const client = randomUUID();
  const wishes = { client_id: client, timeout_minutes: 5, session_type: 'shipping', metadata: { build: '7', deep: { a: [1] } }, state: { cart: [] } };
  const answer = await server.post(root, wishes, await as(server));
  const { session_id: id, ...made } = answer.json;
  assert.deepEqual([made.client_id, made.timeout_minutes, made.session_type, made.session_resumed], [client, 5, 'shipping', false]);
  const record = await server.get(`${root}/${id}`, await as(server));
  assert.equal(record.status, 200);
  const { metadata, ...rest } = record.json;
  assert.deepEqual([metadata.build, metadata.deep, metadata.data_uploads_count, metadata.case_history_count], ['7', { a: [1] }, 0, 0]);
  assert.match(metadata.last_activity, isoMicros);
  assert.deepEqual([rest.schema_version, rest.session_id, rest.user_id, rest.client_id, rest.kind, rest.status, rest.timeout_minutes, rest.session_type, rest.connections], ['3.1.0', id, 'alice', client, 'shared', 'active', 5, 'shipping', 0]);
  for (const time of [rest.created_at, rest.expires_at, rest.last_activity]) assert.match(time, isoMicros);
  assert.match(rest.cursor, /^[^.]+\.\d+$/);
  assert.ok(Number.isInteger(rest.revision));
  assert.deepEqual((await server.get(`${root}/${id}/state`, await as(server))).json.state, { cart: [] });
});

test('FMV-14 a slash at the end changes nothing, and is not redirected', async () => {
  const answer = await server.post(`${root}/`, {}, await as(server));
  assert.equal(answer.status, 201);
  const { session_id: id } = answer.json;
  for (const target of [`${root}/${id}`, `${root}/${id}/`, `${root}/${id}/state/`, `${root}/${id}/events/`]) assert.equal((await server.get(target, await as(server))).status, 200, target);
  assert.equal((await server.get(`${root}/`, await as(server))).status, 200);
  assert.equal((await server.del(`${root}/${id}/`, await as(server))).status, 204);
});

test('FMV-16 the same client_id of the same user resumes the same session, with its state', async () => {
  const client = randomUUID();
  const one = await createSession(server, { client_id: client, state: { a: 1 } });
  const answer = await server.post(root, { client_id: client }, await as(server));
  assert.deepEqual([answer.status, answer.json.session_id, answer.json.session_resumed, answer.json.message], [201, one.session_id, true, 'Session resumed successfully']);
  assert.equal(answer.headers.location, `${root}/${one.session_id}`);
  assert.ok(micros(answer.json.expires_at) > micros(one.expires_at), 'and it lives anew');
  assert.deepEqual((await server.get(`${root}/${one.session_id}/state`, await as(server))).json.state, { a: 1 });
});

test('FMV-15 FMV-17 another client_id, another user and no client_id are other sessions, all in their owner\'s list', async () => {
  const [client, owner] = [randomUUID(), `u${randomUUID().slice(0, 8)}`];
  const ids = [];
  for (const wishes of [{ client_id: client }, { client_id: randomUUID() }, {}, {}]) ids.push((await createSession(server, { ...wishes, user: owner })).session_id);
  const theirs = await createSession(server, { client_id: client, user: 'bob' });
  assert.equal(new Set([...ids, theirs.session_id]).size, 5);
  const { sessions, total_count: total } = (await server.get(root, await as(server, owner))).json;
  assert.deepEqual(sessions.map(({ session_id: id }) => id).sort(), [...ids].sort());
  assert.equal(total, 4);
});

test('FMV-18 many that create with one client_id at once share one session', async () => {
  for (let round = 0; round < 5; round += 1) {
    const client_id = randomUUID();
    const answers = await Promise.all(Array.from({ length: 12 }, () => createSession(server, { client_id })));
    assert.equal(new Set(answers.map(({ session_id: id }) => id)).size, 1);
    assert.equal(answers.filter(({ session_resumed: resumed }) => !resumed).length, 1, 'one of them made it');
  }
});

test('FMV-21 FMV-10 after its timeout a client_id gives a new session', async () => {
  const client_id = randomUUID();
  const one = await createSession(quick, { client_id });
  await sleep(2500);
  const two = await createSession(quick, { client_id });
  assert.notEqual(two.session_id, one.session_id);
  assert.equal(two.session_resumed, false);
});

test('FMV-10 to its owner an expired session is 404 with code expired, to another it was never there', async () => {
  const { session_id: id } = await createSession(quick);
  await sleep(2500);
  const mine = await quick.get(`${root}/${id}`, await as(quick));
  assert.deepEqual([mine.status, mine.json], [404, { detail: `Session expired: ${id}`, code: 'expired', error_code: 'SESSION_EXPIRED' }]);
  const theirs = await quick.get(`${root}/${id}`, await as(quick, 'bob'));
  assert.deepEqual([theirs.status, theirs.json], [404, { detail: `Session not found: ${id}`, code: 'not_found', error_code: 'SESSION_NOT_FOUND' }]);
  for (const [user, expected] of [['alice', mine.json], ['bob', theirs.json]]) {
    const headers = await as(quick, user);
    const stream = await upgrade(quick, `${root}/${id}/stream`, headers);
    assert.deepEqual([stream.status, JSON.parse(stream.text)], [404, expected], 'the stream says the same');
    const events = await quick.get(`${root}/${id}/events`, { ...headers, Accept: 'text/event-stream' });
    assert.deepEqual([events.status, events.json], [404, expected], 'and the events');
  }
  assert.ok(!(await quick.get(root, await as(quick))).text.includes(id));
});

test('FMV-10 a stream and an event reader keep a session, and its timeout begins when the last is gone', async (t) => {
  const { session_id: id } = await createSession(quick);
  const stream = await watch(t, quick, id);
  await sleep(2500);
  assert.equal((await stream.ask({ type: 'ping', request_id: '1' })).type, 'pong');
  await stream.close(1000);
  await sleep(2500);
  assert.equal((await quick.get(`${root}/${id}`, await as(quick))).json.code, 'expired');
});

test('FMV-06 FMV-07 FMV-09 an unknown session is 404 and named, and is never made by being used', async () => {
  for (const id of [nobody, 'abc', 'ext_0123456789ab', 'x'.repeat(300)]) {
    const answer = await server.get(`${root}/${id}`, await as(server));
    assert.deepEqual([answer.status, answer.json], [404, { detail: `Session not found: ${id}`, code: 'not_found', error_code: 'SESSION_NOT_FOUND' }]);
    assertDressed(answer);
    assert.equal((await server.del(`${root}/${id}`, await as(server))).status, 404);
    assert.equal((await server.post(`${root}/${id}/events`, { type: 'x' }, await as(server))).status, 404);
  }
});

test('FMV-08 a deleted session is gone for everybody, its members are closed, and its client_id begins anew', async (t) => {
  const client_id = randomUUID();
  const { session_id: id } = await createSession(server, { client_id });
  const [stream, member] = [await watch(t, server, id), await join(t, server, { session: id })];
  const answer = await server.del(`${root}/${id}`, await as(server));
  assert.deepEqual([answer.status, answer.text], [204, '']);
  const closing = await stream.nextOf('session.closed');
  assert.equal(typeof closing.data.reason, 'string');
  for (const one of [stream, member]) assert.notEqual((await one.closed).code, 1006);
  assert.equal((await server.get(`${root}/${id}`, await as(server))).status, 404);
  assert.equal((await server.del(`${root}/${id}`, await as(server))).status, 404);
  assert.notEqual((await createSession(server, { client_id })).session_id, id);
});

test('a body that is no object is 400, a field that makes no sense 422 and named, and no session is made', async () => {
  const owner = `u${randomUUID().slice(0, 8)}`;
  const headers = await as(server, owner);
  const wrong = [
    ['x'], ['[]'], ['7'], [{ timeout_minutes: 0 }], [{ timeout_minutes: 1441 }], [{ timeout_minutes: -5 }], [{ timeout_minutes: 'long' }], [{ timeout_minutes: 2.5 }], [{ client_id: '' }], [{ client_id: 'x'.repeat(256) }],
    [{ client_id: 7 }], [{ kind: 'extension' }], [{ kind: 'nonsense' }], [{ kind: 7 }], [{ session_type: 7 }], [{ metadata: [] }], [{ metadata: 'x' }], [{ state: [] }], [{ state: 7 }],
  ];
  for (const [body] of wrong) {
    const answer = await server.post(root, body, headers);
    assert.equal(answer.status, typeof body === 'string' ? 400 : 422, `${JSON.stringify(body).slice(0, 60)}: ${answer.text}`);
    if (typeof body !== 'string') assertField(answer, 'body', Object.keys(body)[0]);
    assert.equal(typeof answer.json.code, 'string');
  }
  assert.equal((await server.get(root, headers)).json.total_count, 0);
  assert.equal((await createSession(server, { client_id: 'ü'.repeat(255) })).client_id, 'ü'.repeat(255), 'characters are counted, not bytes');
  for (const minutes of [1, 1440]) assert.equal((await createSession(server, { timeout_minutes: minutes })).timeout_minutes, minutes);
  assert.equal((await server.post(root, { state: { big: 'x'.repeat(70000) } }, headers)).status, 413);
});

test('FMV-22 without a token, in local mode, the given user_id owns the session, else local does', async () => {
  const made = async (query) => (await server.post(`${root}${query}`, {}, {})).json.user_id;
  assert.deepEqual([await made(''), await made('?user_id=dora'), await made('?user_id=d%20%C3%BC')], ['local', 'dora', 'd ü']);
  const client_id = randomUUID();
  const one = await createSession(server, { client_id, headers: {} });
  assert.equal((await createSession(server, { client_id, headers: {} })).session_id, one.session_id, 'resumed without a user');
});

test('with a token its user owns what it makes, and another user_id is 403 unless an admin says so', async () => {
  for (const one of [server, keyed]) {
    const own = await one.post(`${root}?user_id=alice`, {}, await as(one));
    assert.deepEqual([own.status, own.json.user_id], [201, 'alice']);
    const other = await one.post(`${root}?user_id=bob`, {}, await as(one));
    assert.deepEqual([other.status, other.json.code], [403, 'forbidden']);
    assert.equal((await one.get(`${root}?user_id=bob`, await as(one))).status, 403);
    assert.equal((await createSession(one, { user: 'root', scope: 'admin', query: '?user_id=bob' })).user_id, 'bob');
    assert.equal((await one.get(`${root}?user_id=bob`, await as(one, 'root', 'admin'))).json.sessions.every(({ user_id: user }) => user === 'bob'), true);
  }
  assert.equal((await keyed.post(root, {}, {})).status, 401);
});

test('the list is filtered by type, label, connections and user, with exact totals, and paged', async (t) => {
  const owner = `u${randomUUID().slice(0, 8)}`;
  const headers = await as(server, owner);
  const ids = [];
  for (let n = 0; n < 12; n += 1) ids.push((await createSession(server, { headers, session_type: n % 3 ? 'a' : 'b', metadata: { team: n % 2 ? 'red' : 'blue', 'odd:key': 'v:1' } })).session_id);
  await watch(t, server, ids[4], { user: owner });
  await join(t, server, { session: ids[5], user: owner });
  const list = async (query) => (await server.get(`${root}?${query}`, headers)).json;
  const count = async (query) => { const answer = await list(query); assert.equal(answer.sessions.length, Math.min(answer.total_count, answer.limit), query); return answer.total_count; };
  assert.deepEqual([await count(''), await count('session_type=a'), await count('session_type=b'), await count('session_type=c')], [12, 8, 4, 0]);
  assert.deepEqual([await count('label=team:red'), await count('label=team:green'), await count('session_type=b&label=team:blue')], [6, 0, 2]);
  assert.deepEqual([await count('connected=true'), await count('connected=false')], [2, 10]);
  assert.deepEqual((await list('connected=true')).sessions.map(({ session_id: id, connections }) => [id, connections]).sort(), [[ids[4], 1], [ids[5], 1]].sort());
  const pages = [await list('limit=5'), await list('limit=5&offset=5'), await list('limit=5&offset=10'), await list('limit=5&offset=15')];
  assert.deepEqual(pages.map(({ sessions }) => sessions.length), [5, 5, 2, 0]);
  assert.deepEqual(new Set(pages.flatMap(({ sessions }) => sessions.map(({ session_id: id }) => id))), new Set(ids), 'each once');
  for (const page of pages) assert.deepEqual([page.total_count, page.limit], [12, 5]);
  const [first] = pages[0].sessions;
  assert.deepEqual(Object.keys(first).sort(), ['case_history_count', 'client_id', 'connections', 'created_at', 'data_uploads_count', 'expires_at', 'kind', 'last_activity', 'session_id', 'session_type', 'status', 'usage_type', 'user_id']);
  for (const query of ['limit=0', 'limit=101', 'limit=x', 'offset=-1', 'offset=x', 'connected=perhaps', 'kind=nonsense', 'label=nocolon']) {
    const answer = await server.get(`${root}?${query}`, headers);
    assert.equal(answer.status, 422, query);
    assertField(answer, 'query', query.split('=')[0]);
  }
});

test('the list holds shared sessions, extensions\' only when asked for, and to a user only their own', async (t) => {
  const extension = await server.open();
  t.after(() => extension.vanish());
  const mine = await createSession(server);
  const list = async (query, headers = {}) => (await server.get(`${root}?limit=100&${query}`, headers)).json.sessions;
  const has = (sessions, id) => sessions.some(({ session_id: each }) => each === id);
  assert.deepEqual([has(await list(''), mine.session_id), has(await list(''), extension.id)], [true, false]);
  assert.deepEqual([has(await list('kind=extension'), mine.session_id), has(await list('kind=extension'), extension.id)], [false, true]);
  assert.deepEqual([has(await list('kind=all'), mine.session_id), has(await list('kind=all'), extension.id)], [true, true]);
  for (const kind of ['shared', 'extension', 'all']) assert.deepEqual((await list(`kind=${kind}`, await as(server, 'eve'))), [], kind);
  const record = (await server.get(`${root}/${extension.id}`)).json;
  assert.deepEqual([record.session_id, record.kind, record.connections], [extension.id, 'extension', 1]);
});

test('a POST with an Idempotency-Key happens once and is answered again as it was', async () => {
  const owner = `u${randomUUID().slice(0, 8)}`;
  const headers = { ...await as(server, owner), 'Idempotency-Key': randomUUID() };
  const one = await server.post(root, { session_type: 'a' }, headers);
  assert.equal(one.headers['idempotent-replayed'], undefined);
  const again = await server.post(root, { session_type: 'a' }, headers);
  assert.deepEqual([again.status, again.text, again.headers.location, again.headers['idempotent-replayed']], [201, one.text, one.headers.location, 'true']);
  assert.equal((await server.post(root, { session_type: 'b' }, headers)).status, 422, 'another body under the same key');
  assert.equal((await server.get(root, headers)).json.total_count, 1);
  const other = await server.post(root, { session_type: 'a' }, { ...headers, ...await as(server, `${owner}2`) });
  assert.equal(other.headers['idempotent-replayed'], undefined, 'another user\'s key is another key');
  for (const key of ['short', 'x'.repeat(256), 'with a blank in it', 'ümlautkey']) {
    assert.equal((await server.post(root, {}, { ...headers, 'Idempotency-Key': Buffer.from(key).toString('latin1') })).status, 400, key);
  }
  const race = { ...headers, 'Idempotency-Key': randomUUID() };
  const answers = await Promise.all(Array.from({ length: 8 }, () => server.post(root, {}, race)));
  const ids = new Set(answers.filter(({ status }) => status === 201).map(({ json }) => json.session_id));
  assert.equal(ids.size, 1, answers.map(({ status }) => status).join());
  assert.equal((await server.get(root, headers)).json.total_count, 2);
});

test('an event with an Idempotency-Key is written once, and a refusal is not remembered', async () => {
  const { session_id: id } = await createSession(server);
  const headers = { ...await as(server), 'Idempotency-Key': randomUUID() };
  assert.equal((await server.post(`${root}/${id}/events`, { type: 'session.x' }, headers)).status, 400);
  const one = await server.post(`${root}/${id}/events`, { type: 'x', data: 1 }, headers);
  const again = await server.post(`${root}/${id}/events`, { type: 'x', data: 1 }, headers);
  assert.deepEqual([one.status, again.status, again.text], [201, 201, one.text]);
  const { events } = (await server.get(`${root}/${id}/events`, await as(server))).json;
  assert.equal(events.filter(({ type }) => type === 'x').length, 1);
});
