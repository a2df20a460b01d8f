// The sessions API: questions and cases, answered by a member of the session that offered to. How members and endpoints
// answer in all their ways is in responder.test.mjs.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { assertDressed, eventually, sleep, start } from './harness.mjs';
import { as, createSession, isoMicros, startKeyed, watch } from './tracking_stage.mjs';

const root = '/api/v1/sessions';
const spellings = ['/api/v1/query', '/api/v1/query/', '/api/v1/query/troubleshoot', '/api/v1/query/troubleshoot/', '/api/v1/agent/query', '/api/v1/agent/query/'];
let server;
let keyed;
before(async () => { [server, keyed] = await Promise.all([start(), startKeyed()]); });
after(() => Promise.all([server?.stop(), keyed?.stop()]));

const hex = (id) => id.replaceAll('-', '');

/** A session with a member that answers every question with `reply(question)`. */
async function answered(t, reply, one = server) {
  const { session_id: id } = await createSession(one);
  const responder = await watch(t, one, id);
  assert.equal((await responder.ask({ type: 'offer', queries: true })).type, 'offered');
  const questions = [];
  let ended = false;
  t.after(() => { ended = true; });
  (async () => {
    while (!ended) {
      const question = await responder.nextOf('query', 300).catch(() => undefined);
      if (!question) continue;
      questions.push(question);
      const result = await reply(question);
      if (result) responder.send({ type: 'query_result', query_id: question.query_id, ...result });
    }
  })();
  return { id, responder, questions };
}

test('FMV-05 FMV-14 a question is answered in every spelling of the route, in the documented shape', async (t) => {
  const { id, questions } = await answered(t, ({ query }) => ({ answer: `You asked: ${query}` }));
  const headers = await as(server);
  for (const [n, target] of spellings.entries()) {
    const answer = await server.post(target, { session_id: id, query: `question ${n}` }, headers);
    assert.equal(answer.status, 200, `${target}: ${answer.text}`);
    assertDressed(answer);
    const { query_id: query, created_at: created, completed_at: completed, ...rest } = answer.json;
    assert.match(query, new RegExp(`^query_${hex(id)}_[0-9a-f]{8}$`));
    for (const time of [created, completed]) assert.match(time, isoMicros);
    const text = `You asked: question ${n}`;
    assert.deepEqual(rest, {
      session_id: id, investigation_id: query, status: 'completed', query: `question ${n}`, answer: text, content: text, response_type: 'ANSWER',
      findings: [], root_cause: null, recommendations: [], confidence_score: null, estimated_mttr: null, next_steps: [], sources: [],
    });
  }
  assert.deepEqual(questions.map(({ priority }) => priority), spellings.map(() => 'normal'));
  assert.equal(new Set(questions.map(({ query_id: query }) => query)).size, spellings.length);
});

test('FMV-05 what the responder did not say is empty, and what it said is passed on as it is', async (t) => {
  const given = { findings: [{ a: 1 }], root_cause: 'disk', recommendations: ['clean'], confidence_score: 0.25, estimated_mttr: '5m', next_steps: ['x'], sources: [{ url: 'u' }] };
  const { id } = await answered(t, () => ({ answer: 'ü🔑\n"', ...given }));
  const { json } = await server.post('/api/v1/query', { session_id: id, query: 'x' }, await as(server));
  for (const [name, value] of Object.entries(given)) assert.deepEqual(json[name], value, name);
  assert.deepEqual([json.answer, json.content], ['ü🔑\n"', 'ü🔑\n"']);
});

test('FMV-05 a question without a session, or without words, is 422 and reaches nobody', async (t) => {
  const { id, questions } = await answered(t, () => ({ answer: 'x' }));
  const headers = await as(server);
  for (const target of spellings) {
    for (const [body, field, place] of [
      [{}, 'session_id'], [{ query: 'x' }, 'session_id'], [{ session_id: null, query: 'x' }, 'session_id'], [{ session_id: '', query: 'x' }, 'session_id'], [{ session_id: 7, query: 'x' }, 'session_id'],
      [{ session_id: id }, 'query'], [{ session_id: id, query: '' }, 'query'], [{ session_id: id, query: null }, 'query'], [{ session_id: id, query: ['x'] }, 'query'],
      [{ session_id: id, query: 'x', priority: 'soon' }, 'priority'], [{ session_id: id, query: 'x', priority: 1 }, 'priority'], [{ session_id: id, query: 'x', context: 'y' }, 'context'],
    ]) {
      const answer = await server.post(target, body, headers);
      assert.equal(answer.status, 422, `${target} ${JSON.stringify(body)}: ${answer.text}`);
      const fields = answer.json.detail.map(({ loc }) => loc.join('.'));
      assert.ok(fields.includes(`${place ?? 'body'}.${field}`) || (Object.keys(body).length === 0 && fields.includes('body.query')), `${JSON.stringify(body)}: ${fields}`);
    }
  }
  assert.deepEqual(questions, []);
});

test('FMV-05 context and priority reach the responder, with the talk before', async (t) => {
  const { id, questions } = await answered(t, ({ query }) => ({ answer: `answer to ${query}` }));
  const headers = await as(server);
  for (const [query, priority] of [['one', 'low'], ['two', 'medium'], ['three', 'high'], ['four', 'critical']]) {
    const { status, text } = await server.post('/api/v1/query', { session_id: id, query, priority, context: { page: { url: 'x' } } }, headers);
    assert.equal(status, 200, text);
  }
  assert.deepEqual(questions.map(({ priority, context, session_id: session, user }) => [priority, context, session, user]), ['low', 'medium', 'high', 'critical'].map((priority) => [priority, { page: { url: 'x' } }, id, 'alice']));
  assert.deepEqual(questions[2].history, [
    { role: 'user', content: 'one' }, { role: 'assistant', content: 'answer to one' }, { role: 'user', content: 'two' }, { role: 'assistant', content: 'answer to two' },
  ]);
});

test('FMV-09 only the session\'s owner asks in it: for others it is not there, a reader may not', async (t) => {
  for (const one of [server, keyed]) {
    const { id, questions } = await answered(t, () => ({ answer: 'x' }), one);
    const stranger = await one.post('/api/v1/query', { session_id: id, query: 'x' }, await as(one, 'bob'));
    assert.deepEqual([stranger.status, stranger.json], [404, { detail: `Session not found: ${id}`, code: 'not_found', error_code: 'SESSION_NOT_FOUND' }]);
    for (const target of ['/api/v1/query', '/api/v1/cases']) assert.equal((await one.post(target, { session_id: id, query: 'x' }, await as(one, 'alice', 'read'))).status, 403, target);
    assert.deepEqual(questions, []);
    const { json } = await one.post('/api/v1/query', { session_id: id, query: 'x' }, await as(one));
    assert.equal((await one.get(`/api/v1/query/${json.query_id}`, await as(one))).status, 200);
    assert.deepEqual((await one.get(`/api/v1/query/${json.query_id}`, await as(one, 'bob'))).json.detail, `Query not found: ${json.query_id}`);
    const { json: opened } = await one.post('/api/v1/cases', { session_id: id }, await as(one));
    assert.deepEqual((await one.get(`/api/v1/cases/${opened.case_id}`, await as(one, 'bob'))).json.detail, `Case not found: ${opened.case_id}`);
    assert.equal((await one.post(`/api/v1/cases/${opened.case_id}/queries`, { query: 'x' }, await as(one, 'bob'))).status, 404);
  }
});

test('FMV-05 a question that need not be waited for is 202 with a place to ask, and its answer is there later', async (t) => {
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  const { id } = await answered(t, async () => { await held; return { answer: 'done' }; });
  const headers = await as(server);
  const accepted = await server.post('/api/v1/query', { session_id: id, query: 'long' }, { ...headers, Prefer: 'respond-async' });
  assert.equal(accepted.status, 202, accepted.text);
  const { created_at: created, ...rest } = accepted.json;
  const query = rest.query_id;
  assert.match(created, isoMicros);
  assert.deepEqual(rest, { job_id: query, query_id: query, session_id: id, query: 'long', status: 'processing' });
  assert.deepEqual([accepted.headers.location, accepted.headers['retry-after']], [`/api/v1/query/${query}`, '5']);
  const pending = await server.get(accepted.headers.location, headers);
  assert.deepEqual([pending.status, pending.json, pending.headers['retry-after']], [202, accepted.json, '5']);
  release();
  for (let n = 0; ; n += 1) {
    const { status, json } = await server.get(`${accepted.headers.location}/`, headers);
    if (status === 200) { assert.deepEqual([json.query_id, json.query, json.answer, json.status], [query, 'long', 'done', 'completed']); break; }
    assert.ok(status === 202 && n < 200, `${status}`);
    await sleep(10);
  }
  const late = await server.del(`/api/v1/query/${query}`, headers);
  assert.deepEqual([late.status, late.json.code], [409, 'conflict'], 'what is done is not cancelled');
});

test('FMV-12 a question that is cancelled, or that its responder gives up, is an error and says so', async (t) => {
  const { id, responder } = await answered(t, ({ query }) => (query === 'fail' ? { error: 'the model is away' } : undefined));
  const headers = await as(server);
  const failed = await server.post('/api/v1/query', { session_id: id, query: 'fail' }, headers);
  assert.equal(failed.status, 502, failed.text);
  assert.equal(failed.json.code, 'failed');
  assert.match(failed.json.detail, /the model is away/);
  const { query_id: query } = (await server.post('/api/v1/query', { session_id: id, query: 'wait' }, { ...headers, Prefer: 'respond-async' })).json;
  const cancelled = await server.del(`/api/v1/query/${query}`, headers);
  assert.deepEqual([cancelled.status, cancelled.text], [204, '']);
  const answer = await server.get(`/api/v1/query/${query}`, headers);
  assert.deepEqual([answer.status, answer.json.code, answer.json.detail], [409, 'conflict', 'the query was cancelled']);
  assert.equal((await server.del(`/api/v1/query/${query}`, headers)).status, 409);
  assert.ok(responder);
});

test('FMV-12 a question whose session or responder goes meanwhile is answered at once, with an error', async (t) => {
  const headers = await as(server);
  for (const [what, status, go] of [['deleted', 404, ({ id }) => server.del(`${root}/${id}`, headers)], ['left', 502, ({ responder }) => responder.vanish()]]) {
    const stage = await answered(t, () => undefined);
    const asked = server.post('/api/v1/query', { session_id: stage.id, query: 'x' }, headers);
    await eventually(() => stage.questions.length === 1, 'the question arrives');
    const began = Date.now();
    await go(stage);
    const answer = await asked;
    assert.equal(answer.status, status, `${what}: ${answer.text}`);
    assert.ok(Date.now() - began < 2000, `${what}: after ${Date.now() - began} ms`);
    assert.ok(answer.json.detail.length > 10 && !('answer' in answer.json), what);
  }
});

test('FMV-09 only who was asked answers: another member of the session does not speak in its place', async (t) => {
  const { id, questions, responder } = await answered(t, () => undefined);
  const asked = server.post('/api/v1/query', { session_id: id, query: 'x' }, await as(server));
  await eventually(() => questions.length === 1, 'the question arrives');
  const other = await watch(t, server, id);
  const { query_id } = questions[0];
  other.send({ type: 'query_result', query_id, answer: 'forged', request_id: 'f' });
  const refusal = await other.nextOf('error');
  assert.deepEqual([refusal.request_id, refusal.code], ['f', 'not_found']);
  other.send({ type: 'session.query_result', data: { result: { answer: 'forged' } }, request_id: 'g' });
  assert.equal((await other.nextOf('error')).request_id, 'g');
  responder.send({ type: 'query_result', query_id, answer: 'true' });
  assert.equal((await asked).json.answer, 'true');
});

test('FMV-05 FMV-35 a case is opened, read, and asked in', async (t) => {
  const { id, questions } = await answered(t, () => ({ answer: 'because', confidence_score: 0.5, sources: [1] }));
  const headers = await as(server);
  const opened = await server.post('/api/v1/cases/', { session_id: id, title: 'slow', description: 'since noon', priority: 'high' }, headers);
  assert.equal(opened.status, 201, opened.text);
  assertDressed(opened);
  const { case_id: name, created_at: created, ...rest } = opened.json;
  assert.match(name, new RegExp(`^case_${hex(id)}_[0-9a-f]{8}$`));
  assert.match(created, isoMicros);
  assert.deepEqual(rest, { session_id: id, title: 'slow', description: 'since noon', priority: 'high', status: 'open' });
  assert.equal(opened.headers.location, `/api/v1/cases/${name}`);
  assert.deepEqual((await server.get(`/api/v1/cases/${name}`, headers)).json, opened.json);
  const answer = await server.post(`/api/v1/cases/${name}/queries`, { query: 'why?' }, headers);
  assert.equal(answer.status, 201, answer.text);
  const { query_id: query } = answer.json;
  assert.equal(answer.headers.location, `/api/v1/cases/${name}/queries/${query}`);
  assert.deepEqual(answer.json, {
    schema_version: '3.1.0', query_id: query, content: 'because', response_type: 'ANSWER', session_id: id, case_id: name, confidence_score: 0.5, sources: [1], view_state: null, plan: null,
  });
  assert.equal(questions[0].case_id, name);
  assert.equal((await server.get(answer.headers.location, headers)).status, 200);
  const { session_id: other } = await createSession(server);
  assert.equal((await server.post(`/api/v1/cases/${name}/queries`, { session_id: other, query: 'x' }, headers)).status, 422, 'a case is of one session');
  const later = await server.post(`/api/v1/cases/${name}/queries`, { session_id: id, query: 'again?' }, { ...headers, Prefer: 'respond-async' });
  assert.equal(later.status, 202);
  assert.deepEqual([later.headers.location, later.headers['retry-after'], later.json.case_id, later.json.status], [`/api/v1/cases/${name}/queries/${later.json.query_id}`, '5', name, 'processing']);
});

test('FMV-05 a case needs no title', async () => {
  const { session_id: id } = await createSession(server);
  const { status, json } = await server.post('/api/v1/cases', { session_id: id }, await as(server));
  assert.deepEqual([status, json.session_id, json.priority, json.status], [201, id, 'normal', 'open']);
  assert.ok('title' in json && 'description' in json);
});

test('FMV-19 questions and answers stand in the session\'s log, and are there after a resume', async (t) => {
  const client_id = randomUUID();
  const headers = await as(server);
  const { session_id: id } = await createSession(server, { client_id });
  const responder = await watch(t, server, id);
  await responder.ask({ type: 'offer', queries: true });
  const asked = server.post('/api/v1/query', { session_id: id, query: 'why?' }, headers);
  const { query_id: query } = await responder.nextOf('query');
  responder.send({ type: 'query_progress', query_id: query, text: 'because ' });
  responder.send({ type: 'query_result', query_id: query, answer: 'because so' });
  assert.equal((await asked).status, 200);
  await responder.vanish();
  assert.equal((await createSession(server, { client_id })).session_resumed, true);
  const { events } = (await server.get(`${root}/${id}/events`, headers)).json;
  const ours = events.filter(({ request_id: name }) => name === query);
  assert.deepEqual(ours.map(({ type }) => type), ['session.query', 'session.query_result'], 'the pieces are volatile');
  assert.deepEqual([ours[0].data.query, ours[1].data.is_error, ours[1].data.result.answer], ['why?', false, 'because so']);
  for (const type of ['session.query', 'case.opened']) assert.equal((await server.post(`${root}/${id}/events`, { type }, headers)).status, 400, `${type} is the server's`);
});

test('FMV-35 a question with an Idempotency-Key is asked once', async (t) => {
  const { id, questions } = await answered(t, () => ({ answer: `answer ${randomUUID()}` }));
  const headers = { ...await as(server), 'Idempotency-Key': randomUUID() };
  const body = { session_id: id, query: 'x' };
  const answers = await Promise.all(Array.from({ length: 5 }, () => server.post('/api/v1/query', body, headers)));
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  assert.equal((await server.post('/api/v1/query', body, headers)).headers['idempotent-replayed'], 'true');
  assert.equal(questions.length, 1);
});
