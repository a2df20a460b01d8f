// Queries over the wire: the example responder, connections that offer to answer, and endpoints of every kind that is
// understood, each a small HTTP server of the test.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { binary, eventually, projectRoot, run, sleep, start } from './harness.mjs';
import { as, createSession, isoMicros, join, logged, nobody, openEvents, postEvent, toolService, watch } from './tracking_stage.mjs';

const queryId = /^query_[0-9a-f]{32}_[0-9a-f]{8}$/;
const caseId = /^case_[0-9a-f]{32}_[0-9a-f]{8}$/;
const folder = path.join(projectRoot, 'examples/responder');

let server; // asks `endpoint`, for 2 s
let alone; // knows no responder
let endpoint;
let reply; // what the endpoint says: a value, or nothing when it answers by itself

const ends = [];
before(async () => {
  endpoint = await toolService({ after: (end) => ends.push(end) }, (call, response) => reply(call, response));
  server = await start({ config: `[responder]\nurl = "${endpoint.url}"\ntimeout_s = 2\nmodel = "small"\n` });
  alone = await start();
});
after(async () => {
  await server?.stop();
  await alone?.stop();
  for (const end of ends) await end();
});

const open = async (on = server) => (await createSession(on)).session_id;
const ask = async (session, query = 'why?', { on = server, headers, target = '/api/v1/query', ...more } = {}) =>
  on.post(target, { ...(session && { session_id: session }), query, ...more }, { ...await as(on), ...headers });
const look = async (target, on = server) => on.get(target, await as(on));

/** Answers with an event stream of these data lines, some milliseconds apart. */
const streaming = (lines, { ms = 0, end = true } = {}) => async (call, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
  for (const line of lines) {
    response.write(`data: ${typeof line === 'string' ? line : JSON.stringify(line)}\n\n`);
    await sleep(ms);
  }
  if (end) response.end();
};

/** A member on the native stream that offers to answer. */
async function responderFor(t, session, on = server) {
  const member = await watch(t, on, session);
  member.send({ type: 'offer', queries: true });
  assert.equal((await member.nextOf('offered')).type, 'offered');
  return member;
}

test('FMV-05 a query with session_id and query alone is validated and answered, under each of its paths', async () => {
  const session = await open();
  reply = () => ({ answer: 'because', confidence_score: 0.5, findings: [{ message: 'disk full' }], made_up: 1 });
  for (const target of ['/api/v1/query', '/api/v1/query/', '/api/v1/query/troubleshoot', '/api/v1/agent/query']) {
    const { status, json } = await ask(session, 'why?', { target });
    assert.equal(status, 200);
    assert.match(json.query_id, queryId);
    const { query_id, created_at, completed_at, ...rest } = json;
    assert.match(created_at, isoMicros);
    assert.ok(created_at <= completed_at);
    assert.deepEqual(rest, {
      session_id: session, investigation_id: query_id, status: 'completed', query: 'why?', answer: 'because', content: 'because',
      response_type: 'ANSWER', findings: [{ message: 'disk full' }], root_cause: null, recommendations: [], confidence_score: 0.5,
      estimated_mttr: null, next_steps: [], sources: [],
    });
    assert.deepEqual((await look(`/api/v1/query/${query_id}`)).json, json, 'and again later');
  }
});

test('FMV-05 the endpoint hears the question, who asks, and what was said before', async () => {
  const session = await open();
  await postEvent(server, session, { type: 'log', data: 'disk full' });
  reply = () => ({ text: 'first' });
  await ask(session, 'why?');
  reply = () => ({ content: 'second' });
  const { json } = await ask(session, 'and then?', { context: { file: 'a.log' }, priority: 'high' });
  const history = [{ role: 'user', content: 'log: disk full' }, { role: 'user', content: 'why?' }, { role: 'assistant', content: 'first' }];
  assert.deepEqual(endpoint.calls.at(-1), {
    query_id: json.query_id, query: 'and then?', context: { file: 'a.log' }, priority: 'high', session_id: session, user: 'alice',
    history, stream: true, messages: [...history, { role: 'user', content: 'and then?' }], model: 'small',
  });
  assert.equal(endpoint.requests.at(-1).method, 'POST');
});

test('FMV-09 no session id is accepted that the server did not give', async () => {
  const asked = endpoint.calls.length;
  for (const id of [nobody, 'session_1234', 'ext_0123456789ab']) {
    for (const answer of [await ask(id), await server.post('/api/v1/cases', { session_id: id }, await as(server))]) {
      assert.equal(answer.status, 404);
      assert.deepEqual(answer.json, { detail: `Session not found: ${id}`, code: 'not_found', error_code: 'SESSION_NOT_FOUND' });
    }
  }
  for (const body of [{ query: 'why?' }, { session_id: '', query: 'why?' }, { session_id: nobody, query: ' ' }, { session_id: nobody }]) {
    const { status, json } = await server.post('/api/v1/query', body, await as(server));
    assert.equal(status, 422);
    assert.equal(json.detail[0].type, 'value_error');
    assert.equal(json.detail[0].loc[0], 'body');
  }
  const foreign = await server.post('/api/v1/query', { session_id: await open(), query: 'why?' }, await as(server, 'mallory'));
  assert.equal(foreign.status, 404);
  assert.equal(endpoint.calls.length, asked, 'nobody was asked');
});

test('FMV-12 nobody to answer is 503, and says what to do', async () => {
  const { status, json } = await ask(await open(alone), 'why?', { on: alone });
  assert.equal(status, 503);
  assert.match(json.detail, /^no responder is attached; .*"queries":true.*\[responder\] url$/);
  assert.equal(json.code, 'unavailable');
  const later = await look(`/api/v1/query/${json.query_id}`, alone);
  assert.deepEqual([later.status, later.json], [503, json]);
});

test('FMV-12 a responder that fails is 502 in its own words, and one that is silent 504', async () => {
  const session = await open();
  const failing = async (answer, detail) => {
    reply = answer;
    const { status, json } = await ask(session);
    assert.deepEqual([status, json.detail, json.code], [502, detail, 'failed']);
  };
  await failing((call, response) => void response.writeHead(500).end('{"error":{"message":"no model"}}'), 'the responder answered with status 500: no model');
  await failing(() => ({ error: 'tired' }), 'tired');
  await failing(() => ({ nothing: 1 }), "the responder's answer has no text");
  await failing((call, response) => void response.end('<html>'), "the responder's answer is neither a JSON object nor an event stream");
  await failing(streaming([{ content: 'so far' }, { error: { message: 'context too long' } }]), 'context too long');
  reply = (call, response) => void response.destroy();
  assert.equal((await ask(session)).status, 502);
  reply = () => {};
  const { status, json } = await ask(session);
  assert.deepEqual([status, json.detail, json.code], [504, 'the responder did not answer within 2 s', 'timeout']);
  await eventually(() => logged(server, 'request').find((line) => line.path === '/api/v1/query' && line.status === 504), 'the log tells of it');
});

test('an endpoint that nobody listens at is 502', async (t) => {
  const gone = await toolService(t, () => ({ answer: 'a' }));
  await gone.end();
  const broken = await start({ config: `[responder]\nurl = "${gone.url}"\n` });
  t.after(() => broken.stop());
  const { status, json } = await ask(await open(broken), 'why?', { on: broken });
  assert.equal(status, 502);
  assert.match(json.detail, /127\.0\.0\.1/);
});

test('chat completions are understood, streamed and whole', async () => {
  const session = await open();
  const chunk = (content) => ({ id: 'x', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content }, finish_reason: null }] });
  reply = streaming([{ choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] }, chunk('Grüße, '), chunk('“Welt” 🌍'),
    { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }, '[DONE]']);
  assert.equal((await ask(session)).json.answer, 'Grüße, “Welt” 🌍');
  reply = () => ({ object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' } }] });
  assert.equal((await ask(session)).json.answer, 'Hello');
});

test('other event streams are understood too, and one that is over need not hang up', async () => {
  const session = await open();
  for (const [lines, answer] of [
    [[{ type: 'analysis', content: 'look' }, { type: 'analysis', content: 'ing' }], 'looking'],
    [[{ message: 'one' }, { message: 'two' }], 'one\ntwo'],
    [[{ content: 'thinking' }, { answer: '42', sources: ['book'] }], '42'],
  ]) {
    reply = streaming(lines);
    const { status, json } = await ask(session);
    assert.deepEqual([status, json.answer], [200, answer]);
  }
  for (const last of ['[DONE]', { answer: 'a' }]) {
    reply = streaming([{ content: 'a' }, last], { end: false });
    const began = Date.now();
    assert.equal((await ask(session)).json.answer, 'a');
    assert.ok(Date.now() - began < 1500, 'it is not waited for');
  }
});

test('progress comes in its order, between the question and the result, and not more often than 20 times a second', async (t) => {
  const session = await open();
  const events = await openEvents(t, server, session);
  const follower = await watch(t, server, session);
  const words = Array.from({ length: 60 }, (_, n) => `${n} `);
  reply = streaming(words.map((content) => ({ content })), { ms: 10 });
  const began = Date.now();
  const { json } = await ask(session);
  const seconds = (Date.now() - began) / 1000;
  assert.equal(json.answer, words.join(''));
  for (const next of [() => follower.next(), async () => (await events.next()).data]) {
    const seen = [];
    do seen.push(await next()); while (seen.at(-1).type !== 'session.query_result');
    const told = seen.filter(({ type }) => type.startsWith('session.query'));
    assert.deepEqual([told[0].type, told[0].data, told[0].request_id], ['session.query', { query: 'why?', priority: 'normal' }, json.query_id]);
    const progress = told.slice(1, -1);
    assert.ok(progress.every((event) => event.type === 'session.query_progress' && event.volatile && event.request_id === json.query_id));
    assert.equal(progress.map(({ data }) => data.text).join(''), json.answer);
    assert.ok(progress.length >= 3 && progress.length <= seconds * 20 + 2, `${progress.length} in ${seconds} s`);
    assert.deepEqual(told.at(-1).data, { result: { answer: json.answer }, is_error: false });
  }
});

test('a member of the native stream answers, before the endpoint is asked', async (t) => {
  const session = await open();
  await postEvent(server, session, { type: 'note', data: 'slow' });
  const member = await responderFor(t, session);
  const asked = endpoint.calls.length;
  const answer = ask(session, 'why?', { context: { a: 1 } });
  const { query_id, ...question } = await member.nextOf('query');
  assert.deepEqual(question, {
    type: 'query', query: 'why?', context: { a: 1 }, priority: 'normal', session_id: session, user: 'alice', history: [{ role: 'user', content: 'note: slow' }],
  });
  member.send({ type: 'query_progress', query_id, text: 'be' });
  member.send({ type: 'query_result', query_id, answer: 'because', sources: ['log'], request_id: 'r1' });
  assert.equal((await member.nextOf('ack')).request_id, 'r1');
  const { status, json } = await answer;
  assert.deepEqual([status, json.query_id, json.answer, json.sources], [200, query_id, 'because', ['log']]);
  assert.equal(endpoint.calls.length, asked);
  member.send({ type: 'query_result', query_id, answer: 'again' });
  assert.equal((await member.nextOf('error')).message, 'No query waits for this answer');
});

test('a member of the tracking door answers in its frames, and sees nothing of the queries of others', async (t) => {
  const member = await join(t, alone);
  const bystander = await join(t, alone, { session: member.id });
  assert.equal((await member.ask({ type: 'offer', queries: true })).payload.queries, true);
  const answer = ask(member.id, 'why?', { on: alone });
  const question = await member.nextOf('query');
  assert.match(question.query_id, queryId);
  assert.deepEqual([question.query, question.session_id, question.user, question.history], ['why?', member.id, 'alice', []]);
  assert.ok(question.timestamp && question.requestId);
  member.send({ type: 'query_progress', query_id: question.query_id, text: 'no' });
  member.send({ type: 'query_result', query_id: question.query_id, error: 'no idea' });
  const { status, json } = await answer;
  assert.deepEqual([status, json.detail], [502, 'no idea']);
  assert.deepEqual((await bystander.settle()).filter(({ type }) => type.includes('query')), []);
  assert.equal((await member.ask({ type: 'query_result', query_id: 'query_1', answer: 'a' })).payload.message, 'No query waits for this answer');
});

test('a responder that leaves is 502, and the next question goes to the endpoint', async (t) => {
  const session = await open();
  const member = await responderFor(t, session);
  const answer = ask(session);
  await member.nextOf('query');
  await member.close();
  const { status, json } = await answer;
  assert.deepEqual([status, json.detail], [502, 'the responder left before it answered']);
  reply = () => ({ answer: 'here' });
  assert.equal((await ask(session)).json.answer, 'here');
});

test('who prefers not to wait gets 202 at once, and the answer later', async () => {
  const session = await open();
  let finish;
  reply = () => new Promise((resolve) => { finish = () => resolve({ answer: 'at last' }); });
  const { status, json, headers } = await ask(session, 'why?', { headers: { Prefer: 'respond-async' } });
  assert.equal(status, 202);
  const { created_at, ...rest } = json;
  assert.deepEqual(rest, { job_id: json.query_id, query_id: json.query_id, session_id: session, query: 'why?', status: 'processing' });
  assert.deepEqual([headers.location, headers['retry-after']], [`/api/v1/query/${json.query_id}`, '5']);
  const early = await look(headers.location);
  assert.deepEqual([early.status, early.json], [202, json]);
  await eventually(() => finish, 'the endpoint is asked');
  finish();
  const done = await eventually(async () => {
    const answer = await look(headers.location);
    return answer.status === 200 && answer.json;
  }, 'the answer is there');
  assert.deepEqual([done.answer, done.created_at], ['at last', created_at]);
  assert.equal((await look(`/api/v1/query/query_${'0'.repeat(32)}_00000000`)).status, 404);
});

test('a cancelled query fails for whoever waits, and whoever was asked is told', async (t) => {
  const session = await open();
  const member = await responderFor(t, session);
  const answer = ask(session);
  const { query_id } = await member.nextOf('query');
  const target = `/api/v1/query/${query_id}`;
  assert.equal((await server.del(target, await as(server, 'mallory'))).status, 404);
  assert.equal((await server.del(target, await as(server))).status, 204);
  assert.equal((await member.nextOf('query_cancelled')).query_id, query_id);
  const { status, json } = await answer;
  assert.deepEqual([status, json.detail], [409, 'the query was cancelled']);
  assert.equal((await look(target)).status, 409);
  assert.equal((await server.del(target, await as(server))).json.detail, 'the query is done already');
  await member.close();
  let hungUp = false;
  reply = (call, response) => void response.on('close', () => { hungUp = true; });
  const started = await ask(session, 'why?', { headers: { Prefer: 'respond-async' } });
  assert.equal((await server.del(started.headers.location, await as(server))).status, 204);
  await eventually(() => hungUp, 'the endpoint is hung up on');
});

test('cases are opened, and asked in', async () => {
  const session = await open();
  const made = await server.post('/api/v1/cases', { session_id: session, title: 'Slow', priority: 'high' }, await as(server));
  assert.equal(made.status, 201, made.text);
  const { case_id, created_at, ...rest } = made.json;
  assert.match(case_id, caseId);
  assert.match(created_at, isoMicros);
  assert.deepEqual(rest, { session_id: session, title: 'Slow', description: null, priority: 'high', status: 'open' });
  assert.equal(made.headers.location, `/api/v1/cases/${case_id}`);
  assert.deepEqual((await look(made.headers.location)).json, made.json);
  reply = () => ({ answer: 'because', view_state: { step: 1 } });
  const target = `/api/v1/cases/${case_id}/queries`;
  const asked = await ask(null, 'why?', { target });
  assert.equal(asked.status, 201, asked.text);
  const { query_id } = asked.json;
  assert.deepEqual(asked.json, {
    schema_version: '3.1.0', query_id, content: 'because', response_type: 'ANSWER', session_id: session, case_id,
    confidence_score: null, sources: [], view_state: { step: 1 }, plan: null,
  });
  assert.equal(asked.headers.location, `${target}/${query_id}`);
  assert.deepEqual((await look(asked.headers.location)).json, asked.json);
  assert.equal(endpoint.calls.at(-1).case_id, case_id);
  assert.equal((await ask(nobody, 'why?', { target })).status, 422);
  const unknown = `case_${session.replaceAll('-', '')}_00000000`;
  assert.deepEqual((await look(`/api/v1/cases/${unknown}`)).json, { detail: `Case not found: ${unknown}`, code: 'not_found' });
});

test('a client calls no event of its own a query or a case', async (t) => {
  const session = await open();
  const member = await watch(t, server, session);
  for (const type of ['query', 'query_cancelled', 'case.opened', 'session.query_result']) {
    assert.equal((await server.post(`/api/v1/sessions/${session}/events`, { type }, await as(server))).status, 400);
    assert.equal((await member.ask({ type, data: {} })).code, 'invalid');
  }
});

test('every example of QUERIES.md is what the server answers', async (t) => {
  const { on } = await withExample(t);
  const text = await readFile(path.join(projectRoot, 'docs/QUERIES.md'), 'utf8');
  const shown = [...text.matchAll(/^```console\n([^]*?)^```/gm)].flatMap(([, block]) => block.split(/^(?=\$ )/m))
    .map((example) => /^\$ (.*)\n([^]*)$/.exec(example).slice(1)).filter(([command]) => !/^(examples|build)\//.test(command));
  assert.ok(shown.length >= 8, `${shown.length} examples`);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-queries-'));
  try {
    const script = shown.map(([command]) => `${command}; printf '\\n@@\\n'`).join('\n').replaceAll('localhost:5409', `127.0.0.1:${on.port}`);
    const { stdout, code } = await run('bash', ['-c', script], { cwd: folder, env: { NO_PROXY: '*', no_proxy: '*' } });
    assert.equal(code, 0);
    const given = stdout.split('@@\n');
    shown.forEach(([command, output], at) => {
      const pattern = output.trim().split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*?');
      assert.match(given[at].trim(), new RegExp(`^${pattern}$`, 's'), command);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** The example's responder on a free port, and a server that knows it. */
async function withExample(t) {
  const child = spawn('python3', [path.join(folder, 'responder.py'), '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => { said += text; });
  const [, url] = await eventually(() => /^Answering at (http:\S+)\n$/.exec(said), 'the responder says where it answers', 10000);
  const on = await start({ args: ['--responder.url', url] });
  t.after(() => on.stop());
  return { on, url };
}

test('FMV-05 the example responder answers from what was said in the session', async (t) => {
  const { on, url } = await withExample(t);
  const session = await open(on);
  const follower = await watch(t, on, session);
  for (const [type, data] of [['step', 'opened the checkout page'], ['log', 'payments-db: connection pool exhausted'], ['log', 'POST /payments timed out']]) {
    await postEvent(on, session, { type, data });
  }
  const about = await ask(session, 'What was said about payments-db?', { on });
  assert.equal(about.status, 200, about.text);
  assert.equal(about.json.answer, '1 entry mentions “payments-db”:\n- log: payments-db: connection pool exhausted');
  assert.deepEqual(about.json.sources, [{ type: 'session', excerpt: 'log: payments-db: connection pool exhausted' }]);
  assert.equal(about.json.confidence_score, 1);
  let streamed = '';
  for (let frame; (frame = await follower.next()).type !== 'session.query_result';) if (frame.type === 'session.query_progress') streamed += frame.data.text;
  assert.equal(streamed, about.json.answer);
  const answer = async (query) => (await ask(session, query, { on })).json.answer;
  assert.match(await answer('what went wrong?'), /^2 entries sound like trouble; it began with “log: payments-db: connection pool exhausted”/);
  assert.match(await answer('how many messages are there?'), /^5 messages and questions \(1 × step, 2 × log, 2 × question\) and 2 answers\.$/);
  assert.match(await answer('what happened last?'), /\n- log: POST \/payments timed out$/);
  assert.match(await answer('what about unicorns?'), /^Nothing was said about “unicorns” in this session\./);
  const whole = await (await fetch(url, { method: 'POST', body: JSON.stringify({ query: 'how many?', history: [] }) })).json();
  assert.deepEqual(whole, { answer: 'Nothing was said in this session so far.', confidence_score: 1 });
  assert.equal((await fetch(url, { method: 'POST', body: '{"query":" "}' })).status, 422);
});

test('the responder example runs by one command, and leaves nothing behind', async () => {
  const temporary = await mkdtemp(path.join(os.tmpdir(), 'sojourn-responder-test-'));
  try {
    const { code, stdout, stderr } = await run(path.join(folder, 'start'), ['what went wrong?', 'how many messages?'], { env: { TMPDIR: temporary, SOJOURN_BINARY: binary } });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^> what went wrong\?\n\d entries sound like trouble; it began with “log: POST \/payments 504/m);
    assert.match(stdout, /^> how many messages\?\n6 messages and questions \(/m);
    assert.deepEqual(await readdir(temporary), []);
    assert.deepEqual((await readdir(folder)).sort(), ['README.md', 'answers.py', 'responder.py', 'stage.py', 'start']);
    const broken = await run(path.join(folder, 'start'), ['x'], { env: { SOJOURN_BINARY: '/nonexistent' } });
    assert.equal(broken.code, 1);
    assert.match(broken.stderr, /^error: there is no program \/nonexistent; .*SOJOURN_BINARY\n$/);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
});
