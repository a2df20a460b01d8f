// The sessions API: what a creation takes, what it refuses, and what it answers, in every spelling of the route.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { assertDressed, request, start } from './harness.mjs';
import { as, isoMicros, nobody, startKeyed, uuid } from './tracking_stage.mjs';

const root = '/api/v1/sessions';
let server;
let keyed;
before(async () => { [server, keyed] = await Promise.all([start(), startKeyed()]); });
after(() => Promise.all([server?.stop(), keyed?.stop()]));

const fields = ['session_id', 'user_id', 'client_id', 'kind', 'created_at', 'expires_at', 'status', 'session_type', 'session_resumed', 'timeout_minutes', 'message'];
const own = (name = 'u') => as(server, `${name}${randomUUID().slice(0, 8)}`);

/** A 422 that says which member of the body is wrong. */
function assertUnprocessable(answer, field, errorCode, place = 'body') {
  assert.equal(answer.status, 422, answer.text);
  assertDressed(answer);
  const { detail, ...rest } = answer.json;
  assert.ok(Array.isArray(detail) && detail.length === 1, answer.text);
  assert.deepEqual([detail[0].type, detail[0].loc], ['value_error', [place, field]]);
  assert.match(detail[0].msg, new RegExp(`^${field} has to be `));
  assert.deepEqual(Object.keys(detail[0]), ['type', 'loc', 'msg']);
  assert.deepEqual(rest, { code: 'unprocessable', ...(errorCode && { error_code: errorCode }) });
}

test('FMV-01 FMV-14 both spellings create a session, and neither is redirected', async () => {
  for (const target of [root, `${root}/`, `${root}?`, `${root}/?x=y`]) {
    const answer = await server.post(target, {});
    assert.equal(answer.status, 201, `${target}: ${answer.text}`);
    assert.match(answer.json.session_id, uuid);
    assert.equal(answer.headers.location, `${root}/${answer.json.session_id}`);
    assertDressed(answer);
  }
});

test('FMV-14 every route of a session takes a slash at its end', async () => {
  const { session_id: id } = (await server.post(root, {})).json;
  for (const slash of ['', '/']) {
    for (const [method, target, body] of [
      ['GET', ''], ['GET', '/stats'], ['GET', '/recovery-info'], ['POST', '/heartbeat', ''], ['POST', '/restore', { restore_point: 'latest' }], ['POST', '/cleanup', ''], ['GET', '/state'], ['GET', '/events'], ['GET', '/connections'],
    ]) {
      const answer = await server.send(method, `${root}/${id}${target}${slash}`, body ?? '');
      assert.equal(answer.status, 200, `${method} ${target}${slash}: ${answer.text}`);
    }
    assert.equal((await server.get(root + slash)).status, 200);
    assert.equal((await server.post(`${root}/cleanup${slash}`, '')).status, 200);
    assert.equal((await server.post(`/api/v1/cases${slash}`, { session_id: id })).status, 201);
    for (const target of ['/api/v1/query', '/api/v1/query/troubleshoot', '/api/v1/agent/query']) {
      assert.equal((await server.post(target + slash, { session_id: id, query: 'why?' })).status, 503, `${target}${slash}: there, and nobody answers`);
    }
  }
  assert.equal((await server.del(`${root}/${id}/`)).status, 204);
});

test('FMV-02 FMV-03 the documented request is accepted and answered with a boolean session_resumed', async () => {
  const client = randomUUID();
  const body = { client_id: client, timeout_minutes: 60, session_type: 'troubleshooting' };
  const [one, two] = [await server.post(`${root}/`, body), await server.post(root, body)];
  assert.deepEqual([one.status, two.status], [201, 201]);
  assert.deepEqual([one.json.session_resumed, two.json.session_resumed], [false, true]);
  assert.equal(one.json.session_id, two.json.session_id);
  for (const { json } of [one, two]) {
    assert.deepEqual(Object.keys(json), fields);
    assert.deepEqual([json.client_id, json.timeout_minutes, json.session_type, json.status], [client, 60, 'troubleshooting', 'active']);
  }
  assert.deepEqual([one.json.message, two.json.message], ['Session created successfully', 'Session resumed successfully']);
});

test('FMV-04 the body is optional: none, none with a content type, blanks and an empty object are one', async () => {
  const answers = [
    await request(server.url, root, { method: 'POST' }),
    await request(server.url, root, { method: 'POST', body: '' }),
    await server.post(root, ''), await server.post(root, '{}'), await server.post(root, ' {}\n'),
    await server.send('POST', root, '{}', { 'Content-Type': 'text/plain' }),
    await server.send('POST', root, '{}', { 'Content-Type': 'application/json; charset=utf-8' }),
  ];
  for (const answer of answers) {
    assert.equal(answer.status, 201, answer.text);
    const { session_id: id, created_at: created, expires_at: expires, ...rest } = answer.json;
    assert.equal(answer.headers.location, `${root}/${id}`);
    for (const time of [created, expires]) assert.match(time, isoMicros);
    assert.equal(Math.round((Date.parse(expires) - Date.parse(created)) / 1000), 3600);
    assert.deepEqual(rest, {
      user_id: 'local', client_id: null, kind: 'shared', status: 'active', session_type: 'troubleshooting', session_resumed: false, timeout_minutes: 60, message: 'Session created successfully',
    });
  }
  assert.equal(new Set(answers.map(({ json }) => json.session_id)).size, answers.length);
});

test('FMV-04 a null says as little as a member that is not there', async () => {
  const { json } = await server.post(root, { client_id: null, timeout_minutes: null, session_type: null, metadata: null, state: null, kind: null });
  assert.deepEqual([json.client_id, json.timeout_minutes, json.session_type, json.session_resumed], [null, 60, 'troubleshooting', false]);
  assert.deepEqual((await server.get(`${root}/${json.session_id}/state`)).json.state, {});
});

test('FMV-04 members that nobody knows are let pass, and a session_id is not taken from the client', async () => {
  const { status, json } = await server.post(root, { session_id: nobody, id: nobody, user_id: 'mallory', created_at: '1970-01-01T00:00:00Z', whatever: [1, { a: null }] });
  assert.equal(status, 201);
  assert.notEqual(json.session_id, nobody);
  assert.equal(json.user_id, 'local', 'whose it is stands in the query, not in the body');
  assert.equal((await server.get(`${root}/${nobody}`)).status, 404);
});

test('FMV-02 timeout_minutes is a whole number from 1 to 1440', async () => {
  const headers = await own();
  for (const timeout_minutes of [1, 60, 480, 1440]) {
    const { status, json } = await server.post(root, { timeout_minutes }, headers);
    assert.deepEqual([status, json.timeout_minutes], [201, timeout_minutes]);
    assert.equal(Math.round((Date.parse(json.expires_at) - Date.parse(json.created_at)) / 1000), timeout_minutes * 60);
  }
  for (const timeout_minutes of [0, -1, 1441, 60.5, 1e9, '60', '', true, [], [60], {}]) {
    assertUnprocessable(await server.post(root, { timeout_minutes }, headers), 'timeout_minutes', 'TIMEOUT_OUT_OF_RANGE');
  }
  for (const number of ['1e400', '-1e400', '99999999999999999999999999', '0.9999999999999999999999']) {
    const answer = await server.post(root, `{"timeout_minutes":${number}}`, headers);
    assert.ok([400, 422].includes(answer.status), `${number}: ${answer.status} ${answer.text}`);
  }
  assert.equal((await server.get(root, headers)).json.total_count, 4, 'a refusal makes no session');
});

test('FMV-02 client_id is a text of 1 to 255 characters of any script', async () => {
  const headers = await own();
  const good = ['x', ' ', 'x'.repeat(255), 'ü'.repeat(255), '鍵'.repeat(255), '🔑'.repeat(255), '../../etc/passwd', '"\\\n\u0000\u007f', '<script>', 'a:b|c', "' or 1=1 --"];
  for (const client_id of good) {
    const answer = await server.post(root, { client_id }, headers);
    assert.equal(answer.status, 201, `${JSON.stringify(client_id).slice(0, 40)}: ${answer.text}`);
    assert.equal(answer.json.client_id, client_id);
    assert.equal((await server.post(root, { client_id }, headers)).json.session_id, answer.json.session_id);
  }
  for (const client_id of ['', 'x'.repeat(256), 'ü'.repeat(256), '🔑'.repeat(256), 7, 0, true, false, [], ['x'], {}]) {
    assertUnprocessable(await server.post(root, { client_id }, headers), 'client_id', 'INVALID_CLIENT_ID');
  }
  assert.equal((await server.get(root, headers)).json.total_count, good.length);
  const [composed, apart] = ['\u00e9', 'e\u0301'];
  const ids = await Promise.all([composed, apart, 'E', 'e'].map(async (client_id) => (await server.post(root, { client_id }, headers)).json.session_id));
  assert.equal(new Set(ids).size, 4, 'texts are compared byte by byte');
});

test('FMV-02 session_type, metadata and state of a wrong type are 422 and named', async () => {
  const headers = await own();
  for (const [field, values] of [['session_type', [7, true, [], {}, 'x'.repeat(129)]], ['metadata', ['x', 7, [], true]], ['state', ['x', 7, [[]], true]], ['kind', ['extension', 'nonsense', '', 7, {}]]]) {
    for (const value of values) {
      const answer = await server.post(root, { [field]: value }, headers);
      assert.equal(answer.status, 422, `${field} ${JSON.stringify(value)}: ${answer.text}`);
      assert.deepEqual(answer.json.detail[0].loc, ['body', field]);
      assert.match(answer.json.detail[0].msg, new RegExp(`^${field} .*has to be `));
    }
  }
  assertUnprocessable(await server.post(`${root}?user_id=a%00b`, {}), 'user_id', undefined, 'query');
  assert.equal((await server.get(root, headers)).json.total_count, 0);
});

test('FMV-12 what is no JSON object is 400 and says so', async () => {
  const headers = await own();
  for (const body of ['x', '{', '{"client_id":', '[]', '7', '"x"', 'null', 'true', '{"a":1}{"b":2}', '{"client_id":"\\ud800"}', Buffer.from([0x7b, 0xff, 0x7d]), `${'{"a":'.repeat(80)}1${'}'.repeat(80)}`]) {
    const answer = await server.post(root, body, headers);
    assert.equal(answer.status, 400, `${String(body).slice(0, 30)}: ${answer.text}`);
    assert.equal(answer.json.code, 'invalid');
    assert.ok(typeof answer.json.detail === 'string' && answer.json.detail.length > 0);
  }
  assert.equal((await server.post(root, { metadata: { big: 'x'.repeat(20_000) } }, headers)).status, 413);
  assert.equal((await server.get(root, headers)).json.total_count, 0);
});

test('FMV-02 the metadata of the creation is kept as it was given', async () => {
  const metadata = { browser: 'Chrome', nested: { list: [1, null, 'ü'], empty: {} }, number: 1.5, long: 9007199254740991, session_id: 'mine', user_id: 'mine' };
  const { session_id: id } = (await server.post(root, { metadata })).json;
  const record = (await server.get(`${root}/${id}`)).json;
  const { last_activity: active, data_uploads_count: uploads, case_history_count: cases, ...kept } = record.metadata;
  assert.deepEqual(kept, metadata);
  assert.match(active, isoMicros);
  assert.deepEqual([uploads, cases, record.session_id, record.user_id], [0, 0, id, 'local']);
});

test('FMV-22 without a user the creation belongs to local, and a client_id is enough to find it again', async () => {
  const client_id = randomUUID();
  const one = (await server.post(root, { client_id })).json;
  const two = (await server.post(root, { client_id })).json;
  assert.deepEqual([one.user_id, two.user_id, two.session_id, two.session_resumed], ['local', 'local', one.session_id, true]);
  const dora = (await server.post(`${root}?user_id=dora`, { client_id })).json;
  assert.deepEqual([dora.user_id, dora.session_resumed], ['dora', false]);
  assert.notEqual(dora.session_id, one.session_id);
  assert.equal((await server.post(`${root}/?user_id=dora`, { client_id })).json.session_id, dora.session_id);
  assert.equal((await server.post(`${root}?user_id=`, { client_id })).json.session_id, one.session_id, 'an empty user_id is none');
});

test('FMV-22 with a token its user is the owner, and one client_id of two owners is two sessions', async () => {
  for (const one of [server, keyed]) {
    const client_id = randomUUID();
    const ids = [];
    for (const user of ['alice', 'bob', 'alice', 'bob']) {
      const { status, json } = await one.post(root, { client_id }, await as(one, user));
      assert.deepEqual([status, json.user_id, json.client_id], [201, user, client_id]);
      ids.push(json.session_id);
    }
    assert.deepEqual([ids[0] === ids[2], ids[1] === ids[3], ids[0] === ids[1]], [true, true, false]);
  }
  const refused = await keyed.post(root, { client_id: 'x' });
  assert.deepEqual([refused.status, refused.json.detail], [401, 'Not authenticated']);
});

test('FMV-13 the first request that a server ever gets is judged as strictly as any other', async (t) => {
  const first = [
    (one) => one.get(`${root}/${nobody}`).then(({ status, json }) => assert.deepEqual([status, json.error_code], [404, 'SESSION_NOT_FOUND'])),
    (one) => one.post(root, { timeout_minutes: 0 }).then((answer) => assertUnprocessable(answer, 'timeout_minutes', 'TIMEOUT_OUT_OF_RANGE')),
    (one) => one.post('/api/v1/query/', { session_id: nobody, query: 'x' }).then(({ status }) => assert.equal(status, 404)),
    (one) => one.post(root, { client_id: 'first' }).then(({ status, json }) => assert.deepEqual([status, json.session_resumed], [201, false])),
  ];
  for (const ask of first) {
    const one = await start();
    t.after(() => one.stop());
    await ask(one);
  }
});

test('FMV-11 FMV-35 a creation with an Idempotency-Key is done once, in either spelling of the route', async () => {
  const headers = await own();
  const key = { ...headers, 'Idempotency-Key': randomUUID() };
  const [one, again] = [await server.post(root, { session_type: 'a' }, key), await server.post(root, { session_type: 'a' }, key)];
  assert.deepEqual([one.status, again.status, again.text, again.headers['idempotent-replayed']], [201, 201, one.text, 'true']);
  assert.notEqual(again.headers['x-request-id'], one.headers['x-request-id'], 'each request has its own id all the same');
  const refused = { ...headers, 'Idempotency-Key': randomUUID() };
  assert.equal((await server.post(root, { timeout_minutes: 0 }, refused)).status, 422);
  assert.equal((await server.post(root, { timeout_minutes: 5 }, refused)).status, 201, 'a refusal is not kept');
  assert.equal((await server.get(root, headers)).json.total_count, 2);
});
