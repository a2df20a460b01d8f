import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';
import { event, settle } from './stage.mjs';

const [{ Queries }, { SojournError }] = await load('queries', 'errors');

/** Queries whose requests the test answers: `asked` are all there were. */
function stage() {
  const asked = [];
  const http = { ask: (method, path, ask = {}) => new Promise((resolve, reject) => { asked.push({ method, path, ...ask, resolve, reject }); }) };
  const queries = new Queries(http, 's');
  const progress = (id, text) => queries.hear(event(undefined, 'session.query_progress', { request_id: id, data: { text } }));
  const result = (id, data) => queries.hear(event(9, 'session.query_result', { request_id: id, data }));
  return { queries, asked, progress, result };
}

const taken = { status: 202, body: { query_id: 'q1' } };
const good = { result: { answer: 'because', sources: ['a'] }, is_error: false };

test('a question is posted, its progress is heard, and the answer comes over the stream', async () => {
  const { queries, asked, progress, result } = stage();
  const heard = [];
  const answer = queries.ask('why?', { context: { page: 1 }, priority: 'high', onProgress: (...told) => heard.push(told), onAccepted: (id) => heard.push(id) });
  assert.deepEqual([asked[0].method, asked[0].path, asked[0].body], ['POST', '/query', { session_id: 's', query: 'why?', context: { page: 1 }, priority: 'high' }]);
  asked[0].resolve(taken);
  await settle();
  progress('q1', 'be');
  progress('another', 'no');
  progress('q1', 'cause');
  result('another', good);
  result('q1', good);
  assert.deepEqual(await answer, { query_id: 'q1', session_id: 's', query: 'why?', answer: 'because', sources: ['a'] });
  assert.deepEqual(heard, ['q1', ['be', 'be'], ['cause', 'because']]);
});

test('an answer that overtakes the id of its query is not lost', async () => {
  const { queries, asked, progress, result } = stage();
  const heard = [];
  const answer = queries.ask('why?', { onProgress: (piece) => heard.push(piece) });
  progress('q1', 'bec');
  result('q1', good);
  asked[0].resolve(taken);
  assert.equal((await answer).answer, 'because');
  assert.deepEqual(heard, ['bec']);
});

test('a server that answers at once has answered', async () => {
  const { queries, asked } = stage();
  const answer = queries.ask('why?');
  asked[0].resolve({ status: 200, body: { query_id: 'q1', answer: 'because' } });
  assert.deepEqual(await answer, { query_id: 'q1', answer: 'because' });
});

test('what goes wrong is a typed error: before it is taken, and after', async () => {
  const { queries, asked, result } = stage();
  const refused = queries.ask('why?');
  asked[0].reject(new SojournError('unavailable', 'no responder is attached', { status: 503 }));
  await assert.rejects(refused, { code: 'unavailable', status: 503 });
  const failed = queries.ask('why?');
  asked[1].resolve(taken);
  await settle();
  result('q1', { result: { error: 'did not answer in time', code: 'timeout' }, is_error: true });
  await assert.rejects(failed, { name: 'SojournError', code: 'timeout', message: 'did not answer in time' });
});

test('a signal cancels the query on the server and ends the wait with its reason', async () => {
  const { queries, asked } = stage();
  const abort = new AbortController();
  const answer = queries.ask('why?', { signal: abort.signal });
  asked[0].resolve(taken);
  await settle();
  abort.abort(new Error('changed my mind'));
  await assert.rejects(answer, /changed my mind/);
  assert.deepEqual([asked[1].method, asked[1].path], ['DELETE', '/query/q1']);
  await assert.rejects(queries.ask('why?', { signal: abort.signal }), /changed my mind/);
  assert.equal(asked.length, 2);
});

test('where events are missing the answer is asked for', async () => {
  const { queries, asked, result } = stage();
  const [one, two] = [queries.ask('1'), queries.ask('2')];
  asked[0].resolve(taken);
  asked[1].resolve({ status: 202, body: { query_id: 'q2' } });
  await settle();
  queries.gap();
  assert.deepEqual(asked.slice(2).map(({ method, path }) => `${method} ${path}`), ['GET /query/q1', 'GET /query/q2']);
  asked[2].resolve({ status: 200, body: { query_id: 'q1', answer: 'was there' } });
  asked[3].resolve({ status: 202, body: { query_id: 'q2' } });
  assert.equal((await one).answer, 'was there');
  result('q2', good);
  assert.equal((await two).answer, 'because');
});

test('the end of the session ends every wait', async () => {
  const { queries, asked } = stage();
  const answer = queries.ask('why?');
  asked[0].resolve(taken);
  await settle();
  queries.end(new SojournError('ended', 'the session has ended'));
  await assert.rejects(answer, { code: 'ended' });
  await assert.rejects(queries.ask('why?'), { code: 'ended' });
});
