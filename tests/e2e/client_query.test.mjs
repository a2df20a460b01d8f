// Questions and answers between two SojournClients in one session of the real binary.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, start } from './harness.mjs';
import { loadClient, relay, socketOfNode } from './client_stage.mjs';

let server;
let lib;
before(async () => { [server, lib] = await Promise.all([start(), loadClient()]); });
after(() => server.stop());

async function joined(t, id, { WebSocket = socketOfNode, ...options } = {}) {
  const session = await new lib.SojournClient({ url: server.url, WebSocket }).join(id, options);
  t.after(() => session.leave());
  return session;
}

/** A session with one who answers and one who asks. */
async function pair(t, queries, options) {
  const { session_id: id } = await new lib.SojournClient({ url: server.url }).sessions.create();
  const responder = await joined(t, id);
  await responder.offer({ queries });
  return { id, responder, asker: await joined(t, id, options) };
}

test('a question is answered by the member that offered to, with all that it said', async (t) => {
  const questions = [];
  const { id, asker } = await pair(t, async (question) => {
    questions.push(question);
    return { answer: `about ${question.query}`, confidence_score: 0.9, sources: [{ title: 'manual' }] };
  });
  const answer = await asker.query('the pump', { context: { page: 3 }, priority: 'high' });
  assert.deepEqual([answer.answer, answer.query, answer.session_id, answer.confidence_score, answer.sources], ['about the pump', 'the pump', id, 0.9, [{ title: 'manual' }]]);
  const [{ query, context, priority, query_id: queryId, session_id: sessionId, history }] = questions;
  assert.deepEqual([query, context, priority, queryId, sessionId], ['the pump', { page: 3 }, 'high', answer.query_id, id]);
  assert.ok(Array.isArray(history));
  await asker.query('the valve');
  assert.deepEqual(questions[1].history.slice(-2), [{ role: 'user', content: 'the pump' }, { role: 'assistant', content: 'about the pump' }]);
});

test('the pieces of an answer are shown while it is made', async (t) => {
  const { asker } = await pair(t, async function* () {
    for (const piece of ['Turn ', 'it ', 'off.']) {
      yield piece;
      await new Promise((resolve) => { setTimeout(resolve, 120); });
    }
  });
  const pieces = [];
  let accepted;
  const { answer, query_id: id } = await asker.query('what now?', { onProgress: (piece, text) => pieces.push([piece, text]), onAccepted: (queryId) => { accepted = queryId; } });
  assert.equal(answer, 'Turn it off.');
  assert.equal(accepted, id);
  assert.deepEqual(pieces, [['Turn ', 'Turn '], ['it ', 'Turn it '], ['off.', 'Turn it off.']]);
});

test('an answer that comes while the asker is cut off is there when it is back', async (t) => {
  const line = await relay(t, server.port);
  let answer;
  const { asker } = await pair(t, () => new Promise((resolve) => { answer = resolve; }), { WebSocket: line.Socket });
  const asked = asker.query('still there?');
  await eventually(() => answer, 'the question has come');
  line.refuse(true);
  line.cut();
  await eventually(() => asker.status !== 'connected', 'the cut is noticed');
  answer('yes');
  line.refuse(false);
  asker.reconnect();
  assert.equal((await asked).answer, 'yes');
});

test('without anybody to answer, and when the answer fails, there is a typed error', async (t) => {
  const { session_id: id } = await new lib.SojournClient({ url: server.url }).sessions.create();
  const alone = await joined(t, id);
  await assert.rejects(alone.query('anybody?'), { name: 'SojournError', code: 'unavailable' });
  await assert.rejects(alone.query(''), { name: 'SojournError', status: 422 });
  const { asker } = await pair(t, async () => { throw new Error('out of ideas'); });
  await assert.rejects(asker.query('why?'), { name: 'SojournError', code: 'failed', message: /out of ideas/ });
});

test('who asked may cancel, and who answers is told to stop', async (t) => {
  let signal;
  const { asker } = await pair(t, (question) => { signal = question.signal; return new Promise(() => {}); });
  const abort = new AbortController();
  const asked = assert.rejects(asker.query('why?', { signal: abort.signal }), { name: 'AbortError' });
  await eventually(() => signal, 'the question has come');
  abort.abort();
  await asked;
  await eventually(() => signal.aborted, 'the one who answers is told');
});
