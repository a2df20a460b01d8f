// The sessions API: an unknown id is always said to be unknown, no error is masked, and the log tells which request it was.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { assertDressed, eventually, start } from './harness.mjs';
import { as, createSession, isoMicros, logged, nobody, startKeyed, tokenOf, upgrade, uuid } from './tracking_stage.mjs';

const root = '/api/v1/sessions';
let server;
let keyed;
before(async () => { [server, keyed] = await Promise.all([start(), startKeyed()]); });
after(() => Promise.all([server?.stop(), keyed?.stop()]));

// Every request that names a session in its path, with a body where it takes one.
const routes = [
  ['GET', ''], ['GET', '/stats'], ['GET', '/recovery-info'], ['POST', '/heartbeat'], ['POST', '/cleanup'], ['POST', '/restore', { restore_point: 'latest' }],
  ['GET', '/state'], ['PUT', '/state', {}], ['PATCH', '/state', {}], ['DELETE', '/state'], ['GET', '/state/k'], ['PUT', '/state/k', 1], ['PATCH', '/state/k', {}], ['DELETE', '/state/k'],
  ['GET', '/events'], ['POST', '/events', { type: 'x' }], ['GET', '/connections'], ['DELETE', '/connections/c1'], ['GET', '/tokens'], ['POST', '/tokens', {}], ['DELETE', '/tokens/t1'], ['DELETE', ''],
];
// And those that name it in their body.
const asking = [
  ['/api/v1/query', { query: 'why?' }], ['/api/v1/query/', { query: 'why?' }], ['/api/v1/query/troubleshoot', { query: 'why?' }], ['/api/v1/agent/query', { query: 'why?' }], ['/api/v1/cases', { title: 'x' }],
];
const ask = (id, [method, rest, body], headers = {}, one = server) => one.send(method, `${root}/${encodeURIComponent(id)}${rest}`, body ?? '', headers);
const notFound = (id, rest) => ({
  detail: `${rest === '/heartbeat' ? 'Session not found or expired' : 'Session not found'}: ${id}`, code: 'not_found', error_code: 'SESSION_NOT_FOUND',
});

test('FMV-06 FMV-09 an unknown id is 404 on every route that takes one, and the answer names it', async () => {
  for (const id of [nobody, randomUUID(), 'invalid-session-id', 'session_1757846400000_abc123', 'x'.repeat(300), 'ü ö', '"quoted"', '<b>', '%', '../x', 'null', 'undefined', 'latest']) {
    for (const route of routes) {
      const answer = await ask(id, route);
      assert.deepEqual([answer.status, answer.json], [404, notFound(id, route[1])], `${route[0]} ${route[1]}`);
      assertDressed(answer);
    }
    for (const [target, body] of asking) {
      const answer = await server.post(target, { session_id: id, ...body });
      assert.deepEqual([answer.status, answer.json], [404, notFound(id)], target);
      assertDressed(answer);
    }
  }
});

test('FMV-06 the stream, the event stream and the ids of queries and cases say it as well', async () => {
  for (const query of ['', '?since=1']) {
    const stream = await upgrade(server, `${root}/${nobody}/stream${query}`);
    assert.deepEqual([stream.status, JSON.parse(stream.text)], [404, notFound(nobody)]);
    const events = await server.get(`${root}/${nobody}/events${query}`, { Accept: 'text/event-stream' });
    assert.deepEqual([events.status, events.json], [404, notFound(nobody)]);
  }
  const hex = nobody.replaceAll('-', '');
  for (const id of [`query_${hex}_0000000a`, 'query_1', 'x', '%20', `case_${hex}_0000000a`]) {
    const answer = await server.get(`/api/v1/query/${id}`);
    assert.deepEqual([answer.status, answer.json.detail], [404, `Query not found: ${decodeURIComponent(id)}`]);
    assert.equal((await server.del(`/api/v1/query/${id}`)).status, 404);
  }
  for (const id of [`case_${hex}_0000000a`, 'case_1', 'x', `query_${hex}_0000000a`]) {
    const answer = await server.get(`/api/v1/cases/${id}`);
    assert.deepEqual([answer.status, answer.json.detail], [404, `Case not found: ${id}`]);
    assert.equal((await server.post(`/api/v1/cases/${id}/queries`, { query: 'x' })).status, 404);
  }
});

test('FMV-07 a created session is 200, any other id 404', async () => {
  const { session_id: id } = (await server.post(`${root}/`, {})).json;
  const answer = await server.get(`${root}/${id}`);
  assert.equal(answer.status, 200);
  assertDressed(answer);
  const { json } = answer;
  assert.deepEqual([json.schema_version, json.session_id, json.user_id, json.client_id, json.status, json.session_resumed], ['3.1.0', id, 'local', null, 'active', false]);
  for (const time of [json.created_at, json.expires_at, json.metadata.last_activity]) assert.match(time, isoMicros);
  assert.deepEqual([json.metadata.data_uploads_count, json.metadata.case_history_count], [0, 0]);
  for (const other of [nobody, id.slice(0, -1), `${id}0`, id.replaceAll('-', ''), `{${id}}`, `urn:uuid:${id}`]) assert.equal((await server.get(`${root}/${encodeURIComponent(other)}`)).status, 404, other);
  assert.equal((await server.get(`${root}/${id.toUpperCase()}`)).status, id.toUpperCase() === id ? 200 : 404, 'an id is that text and no other');
});

test('FMV-08 create, validate, use, delete: the whole life of a session, and nothing after it', async () => {
  const client_id = randomUUID();
  const created = await server.post(root, { client_id, timeout_minutes: 60, session_type: 'troubleshooting' });
  const { session_id: id } = created.json;
  assert.deepEqual([created.status, (await server.get(created.headers.location)).json.session_id], [201, id]);
  assert.equal((await ask(id, ['POST', '/heartbeat'])).status, 200);
  assert.equal((await ask(id, ['PUT', '/state/k', 1])).status, 200);
  assert.ok((await server.get(root)).text.includes(id));
  const deleted = await server.del(`${root}/${id}`);
  assert.deepEqual([deleted.status, deleted.text, deleted.headers['content-type']], [204, '', undefined]);
  for (const route of routes) assert.deepEqual((await ask(id, route)).json, notFound(id, route[1]), `${route[0]} ${route[1]} after the end`);
  for (const [target, body] of asking) assert.equal((await server.post(target, { session_id: id, ...body })).status, 404, target);
  assert.ok(!(await server.get(root)).text.includes(id));
  const again = (await server.post(root, { client_id })).json;
  assert.deepEqual([again.session_id === id, again.session_resumed], [false, false]);
});

test('FMV-09 an id that a client made up is never taken for a session, whatever is done with it', async () => {
  const headers = await as(server, `u${randomUUID().slice(0, 8)}`);
  const invented = randomUUID();
  for (let round = 0; round < 2; round += 1) {
    for (const route of routes) assert.equal((await ask(invented, route, headers)).status, 404, `${route[0]} ${route[1]}`);
    for (const [target, body] of asking) assert.equal((await server.post(target, { session_id: invented, ...body }, headers)).status, 404, target);
    await server.post(root, { session_id: invented }, headers);
  }
  assert.equal((await server.get(`${root}/${invented}`, headers)).status, 404);
  assert.equal((await server.get(root, headers)).json.total_count, 2, 'the two creations, and they have ids of their own');
});

test('FMV-09 another user\'s session answers as an unknown one on every new route', async () => {
  for (const one of [server, keyed]) {
    const { session_id: id } = await createSession(one, { client_id: 'c' });
    const bob = await as(one, 'bob');
    for (const route of routes) assert.deepEqual((await ask(id, route, bob, one)).json, notFound(id, route[1]), `${route[0]} ${route[1]}`);
    for (const [target, body] of asking) assert.deepEqual((await one.post(target, { session_id: id, ...body }, bob)).json, notFound(id), target);
    assert.equal((await one.get(`${root}/${id}`, await as(one))).status, 200);
  }
});

test('FMV-12 no mistake of a client is masked: each has its own status and says in words what is wrong', async () => {
  const { session_id: id } = (await server.post(root, {})).json;
  const wrong = [
    [400, 'POST', root, '{'], [422, 'POST', root, { timeout_minutes: 0 }], [413, 'POST', root, { metadata: { x: 'y'.repeat(20_000) } }],
    [404, 'GET', `${root}/${nobody}`], [404, 'POST', `${root}/${nobody}/heartbeat`], [405, 'GET', `${root}/${id}/heartbeat`], [405, 'POST', `${root}/${id}/stats`], [405, 'PUT', root], [405, 'DELETE', '/api/v1/query'],
    [404, 'GET', `${root}/${id}/nonsense`], [404, 'POST', '/api/v1/nonsense', {}],
    [422, 'POST', `${root}/${id}/restore`, {}], [422, 'POST', '/api/v1/query', {}], [422, 'POST', '/api/v1/query', { session_id: id }], [422, 'POST', '/api/v1/query', { session_id: id, query: '' }],
    [422, 'POST', '/api/v1/query', { session_id: id, query: 7 }], [422, 'POST', '/api/v1/query', { session_id: 7, query: 'x' }], [422, 'POST', '/api/v1/query', { session_id: '', query: 'x' }], [422, 'POST', '/api/v1/query', { session_id: id, query: 'x', priority: 'soon' }],
    [422, 'POST', '/api/v1/query', { session_id: id, query: 'x', context: [] }], [400, 'POST', '/api/v1/query', '[]'], [503, 'POST', '/api/v1/query', { session_id: id, query: 'x' }],
    [422, 'POST', '/api/v1/cases', {}], [422, 'POST', '/api/v1/cases', { session_id: id, priority: 'soon' }], [422, 'POST', '/api/v1/cases', { session_id: id, title: 7 }], [422, 'GET', `${root}?limit=0`],
  ];
  for (const [status, method, target, body] of wrong) {
    const answer = await server.send(method, target, body ?? '');
    const what = `${method} ${target} ${JSON.stringify(body ?? '').slice(0, 60)}: ${answer.status} ${answer.text.slice(0, 300)}`;
    assert.equal(answer.status, status, what);
    assertDressed(answer);
    const { detail } = answer.json;
    if (Array.isArray(detail)) for (const each of detail) assert.ok(each.msg.startsWith(each.loc.at(-1)), what);
    else assert.ok(typeof detail === 'string' && detail.length > 5, what);
    assert.doesNotMatch(answer.text, /exception|internal|undefined|boost|\.cpp|assert/i, what);
    if (status === 405) assert.match(answer.headers.allow, /^[A-Z, ]+$/, what);
  }
  server.assertUnharmed();
});

test('FMV-12 that nobody is there to answer is a 503 that says what to do, not an answer', async () => {
  const { session_id: id } = (await server.post(root, {})).json;
  const answer = await server.post('/api/v1/query/', { session_id: id, query: 'Why is the sky dark?' });
  assert.equal(answer.status, 503);
  const { detail, code, query_id: query } = answer.json;
  assert.match(detail, /^no responder is attached; /);
  assert.equal(code, 'unavailable');
  assert.match(query, new RegExp(`^query_${id.replaceAll('-', '')}_[0-9a-f]{8}$`));
  assert.ok(!('answer' in answer.json) && !('content' in answer.json));
  const { events } = (await server.get(`${root}/${id}/events`)).json;
  const [asked, told] = events.filter(({ request_id: name }) => name === query);
  assert.deepEqual([asked.type, asked.data.query], ['session.query', 'Why is the sky dark?'], 'the question stands in the log');
  if (told) assert.deepEqual([told.type, told.data.is_error], ['session.query_result', true]);
});

/** The log's line of that request; there has to be exactly one. */
async function lineOf(one, requestId) {
  const lines = () => logged(one, 'request').filter(({ request_id: id }) => id === requestId);
  await eventually(() => lines().length > 0, `the log has request ${requestId}`);
  assert.equal(lines().length, 1);
  return lines()[0];
}

test('FMV-11 every answer has a request id and a correlation id, and the log has one line with the same', async () => {
  const { session_id: id } = (await server.post(root, {})).json;
  const asked = [
    ['POST', root, {}, 201], ['POST', `${root}/`, { timeout_minutes: 0 }, 422], ['GET', `${root}/${id}`, '', 200], ['GET', `${root}/${nobody}`, '', 404], ['POST', `${root}/${id}/heartbeat`, '', 200],
    ['GET', `${root}/${id}/stats`, '', 200], ['POST', '/api/v1/query', { session_id: nobody, query: 'x' }, 404], ['GET', '/api/v1/nonsense', '', 404], ['PATCH', root, '{}', 405], ['POST', root, '{', 400], ['DELETE', `${root}/${id}`, '', 204],
  ];
  const seen = new Set();
  for (const [method, target, body, status] of asked) {
    const answer = await server.send(method, target, body);
    assert.equal(answer.status, status, `${method} ${target}: ${answer.text}`);
    const [requestId, correlationId] = [answer.headers['x-request-id'], answer.headers['x-correlation-id']];
    assert.match(requestId, uuid);
    assert.match(correlationId, uuid);
    assert.ok(!seen.has(requestId), 'no two requests have the same');
    seen.add(requestId);
    const { time, level, event, method: loggedMethod, path, status: loggedStatus, us, user, request_id: loggedRequest, correlation_id: loggedCorrelation, ...rest } = await lineOf(server, requestId);
    assert.deepEqual([event, loggedMethod, path, loggedStatus, loggedRequest, loggedCorrelation], ['request', method, target, status, requestId, correlationId]);
    assert.ok(Number.isInteger(us) && us >= 0 && us < 10_000_000, `${us} microseconds`);
    assert.equal(user, status === 405 || target.endsWith('/nonsense') ? '' : 'local', 'nobody is asked for at a route that there is not');
    assert.ok(time && level);
    assert.deepEqual(rest, {}, 'and nothing else');
  }
});

test('FMV-11 ids that the client sends come back and stand in the log, if they are good ones', async () => {
  const good = { 'X-Request-ID': `r-${randomUUID()}`, 'X-Correlation-ID': `flow.${randomUUID().slice(0, 8)}_1` };
  const answer = await server.get(`${root}/${nobody}`, good);
  assert.deepEqual([answer.headers['x-request-id'], answer.headers['x-correlation-id']], Object.values(good));
  const line = await lineOf(server, good['X-Request-ID']);
  assert.equal(line.correlation_id, good['X-Correlation-ID']);
  const alone = await server.get(root, { 'X-Correlation-ID': good['X-Correlation-ID'] });
  assert.equal(alone.headers['x-correlation-id'], good['X-Correlation-ID']);
  assert.match(alone.headers['x-request-id'], uuid);
  for (const bad of ['x'.repeat(65), 'a b', '{"event":"forged"}', 'a"b', '<b>', 'ü'.normalize('NFD'), ' ']) {
    const { headers, status } = await server.get(root, { 'X-Request-ID': Buffer.from(bad).toString('latin1'), 'X-Correlation-ID': Buffer.from(bad).toString('latin1') });
    assert.equal(status, 200);
    for (const name of ['x-request-id', 'x-correlation-id']) assert.match(headers[name], uuid, bad);
  }
  assert.ok(!server.log().includes('forged'));
});

test('FMV-11 what must not be read by others is in no line of the log', async () => {
  const token = await tokenOf(keyed);
  const { session_id: id } = await createSession(keyed, { client_id: 'a-client-id-of-the-test', state: { secret: 'a-secret-of-the-test' } });
  const answer = await keyed.get(`${root}?user_id=alice&label=a-label-of:the-test`, { Authorization: `Bearer ${token}` });
  assert.equal(answer.status, 200);
  const line = await lineOf(keyed, answer.headers['x-request-id']);
  assert.equal(line.path, root, 'the path without its query');
  await keyed.post('/api/v1/query', { session_id: id, query: 'a-question-of-the-test' }, { Authorization: `Bearer ${token}` });
  await upgrade(keyed, `${root}/${nobody}/stream?token=${token}`);
  for (const text of [token, 'a-secret-of-the-test', 'a-label-of', 'a-question-of-the-test', 'a-client-id-of-the-test']) assert.ok(!keyed.log().includes(text), text);
});

test('FMV-06 FMV-34 the log warns of every unknown id, naming it and saying so', async () => {
  for (const [method, rest, body] of [['GET', ''], ['POST', '/heartbeat'], ['GET', '/stats'], ['PUT', '/state/k', 1], ['POST', '/events', { type: 'x' }], ['DELETE', '']]) {
    const id = randomUUID();
    await ask(id, [method, rest, body]);
    await eventually(() => logged(server, 'session.not_found').some(({ session }) => session === id), `${method} ${rest} is in the log`);
    const [{ level, message }] = logged(server, 'session.not_found').filter(({ session }) => session === id);
    assert.deepEqual([level, message], ['warn', `Session ${id} not found in backend database`]);
  }
  for (const [target, body] of asking) {
    const id = randomUUID();
    await server.post(target, { session_id: id, ...body });
    await eventually(() => logged(server, 'session.not_found').some(({ session }) => session === id), `${target} is in the log`);
  }
});

test('FMV-34 an id that tries to forge a line of the log stands in one line, as text', async () => {
  const forged = `x\n{"level":"info","event":"forged-${randomUUID()}"}`;
  await server.get(`${root}/${encodeURIComponent(forged)}`);
  await eventually(() => logged(server, 'session.not_found').some(({ session }) => session === forged), 'it is in the log');
  for (const line of server.log().split('\n').filter((text) => text !== '')) assert.doesNotThrow(() => JSON.parse(line), line.slice(0, 200));
  assert.equal(server.log().split('\n').filter((text) => text.startsWith('{"level":"info","event":"forged')).length, 0);
});

test('FMV-34 the sessions that are there are in the log by id from their beginning to their end', async () => {
  const { session_id: id } = (await server.post(root, {})).json;
  await server.del(`${root}/${id}`);
  for (const event of ['session.created', 'session.deleted']) await eventually(() => logged(server, event).some(({ session }) => session === id), event);
});

test('the new routes refuse pages of other origins as all others do', async () => {
  const { session_id: id } = (await server.post(root, {})).json;
  for (const headers of [{ Origin: 'http://evil.test' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' }]) {
    for (const [target, body] of [[`${root}/${id}/heartbeat`, ''], [`${root}/${id}/cleanup`, ''], [`${root}/cleanup`, ''], [`${root}/${id}/restore`, { restore_point: 'latest' }], ['/api/v1/query', { session_id: id, query: 'x' }], ['/api/v1/cases', { session_id: id }]]) {
      const answer = await server.post(target, body, headers);
      assert.equal(answer.status, 403, `${target} ${JSON.stringify(headers)}`);
      assert.equal(answer.headers['access-control-allow-origin'], undefined);
    }
  }
  const { statistics } = (await server.get(`${root}/${id}/stats`)).json;
  assert.deepEqual([statistics.total_heartbeats, statistics.total_queries, statistics.total_cases], [0, 0, 0]);
});
