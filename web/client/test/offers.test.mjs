import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';
import { settle } from './stage.mjs';

const [{ Offers }] = await load('offers');

function stage(offer) {
  const [sent, progress] = [[], []];
  const offers = new Offers((frame) => sent.push(frame), (frame) => progress.push(frame));
  offers.offer = offer;
  return { offers, sent, progress };
}

const question = { type: 'query', query_id: 'q1', query: 'why?', session_id: 's', priority: 'normal', history: [] };

test('the message names what is offered, and nothing when nothing is', () => {
  assert.equal(stage({}).offers.message, undefined);
  assert.equal(stage({ tools: {} }).offers.message, undefined);
  assert.deepEqual(stage({ tools: { a: () => {} } }).offers.message, { type: 'offer', tools: ['a'], queries: false });
  assert.deepEqual(stage({ queries: () => '' }).offers.message, { type: 'offer', tools: [], queries: true });
});

test('a tool returns its result or throws its error, and what is not offered is an error too', async () => {
  const { offers, sent } = stage({ tools: { add: async ({ a, b }, { user }) => `${user}: ${a + b}`, nothing: () => {}, fail: () => { throw new Error('broken'); } } });
  for (const [tool_name, parameters] of [['add', { a: 1, b: 2 }], ['nothing', {}], ['fail', {}], ['toString', {}]]) {
    offers.hear({ type: 'client_tool_call', tool_call_id: tool_name, tool_name, parameters, user: 'bob' });
  }
  await settle();
  const byId = Object.fromEntries(sent.map(({ type, tool_call_id: id, ...rest }) => [id, [type, rest]]));
  assert.deepEqual(byId, {
    add: ['client_tool_result', { result: 'bob: 3', is_error: false }],
    nothing: ['client_tool_result', { result: null, is_error: false }],
    fail: ['client_tool_result', { result: { error: 'broken' }, is_error: true }],
    toString: ['client_tool_result', { result: { error: 'toString is not offered any more' }, is_error: true }],
  });
});

test('an answer is a text or an object, now or later', async () => {
  for (const [queries, expected] of [
    [() => 'yes', { answer: 'yes' }], [async () => 'yes', { answer: 'yes' }],
    [async ({ query }) => ({ answer: query, confidence_score: 0.5 }), { answer: 'why?', confidence_score: 0.5 }],
    [async () => { throw new Error('no idea'); }, { error: 'no idea' }],
  ]) {
    const { offers, sent } = stage({ queries });
    offers.hear(question);
    await settle();
    assert.deepEqual(sent, [{ type: 'query_result', query_id: 'q1', ...expected }]);
  }
});

test('the pieces of a generator are progress, few at a time, and together the answer unless it returns one', async () => {
  for (const [last, expected] of [[undefined, 'one two three'], [{ answer: 'in short', sources: ['s'] }, 'in short']]) {
    const { offers, sent, progress } = stage({ async* queries() { yield 'one '; yield 'two '; await new Promise((resolve) => { setTimeout(resolve, 80); }); yield 'three'; return last; } });
    offers.hear(question);
    await new Promise((resolve) => { setTimeout(resolve, 200); });
    assert.deepEqual(progress, [{ type: 'query_progress', query_id: 'q1', text: 'one two ' }, { type: 'query_progress', query_id: 'q1', text: 'three' }]);
    assert.deepEqual([sent.length, sent[0].answer], [1, expected]);
  }
});

test('a query that is cancelled is told to stop, and nothing more is said of it', async () => {
  let [aborted, pieces] = [false, 0];
  const { offers, sent } = stage({ async* queries({ signal }) {
    signal.addEventListener('abort', () => { aborted = true; });
    for (;;) { yield 'x'; pieces += 1; await settle(); }
  } });
  offers.hear(question);
  await settle();
  offers.hear({ type: 'query_cancelled', query_id: 'q1' });
  await settle();
  await settle();
  const before = pieces;
  await settle();
  assert.deepEqual([aborted, sent, pieces], [true, [], before]);
});

test('a query that is asked again while it is worked on is not begun twice', async () => {
  let count = 0;
  const { offers, sent } = stage({ queries: async () => { count += 1; await settle(); return 'once'; } });
  offers.hear(question);
  offers.hear(question);
  await settle();
  await settle();
  assert.deepEqual([count, sent.length], [1, 1]);
});
