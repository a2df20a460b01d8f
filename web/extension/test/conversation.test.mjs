import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const [{ Conversation, blocksOf, sectionsOf }] = await load('/src/conversation.ts');

const asked = (id, query) => ({ type: 'session.query', request_id: id, data: { query, priority: 'normal' } });
const piece = (id, text) => ({ type: 'session.query_progress', request_id: id, volatile: true, data: { text } });
const told = (id, answer, more = {}) => ({ type: 'session.query_result', request_id: id, data: { result: { answer, ...more }, is_error: false } });
const refused = (id, error, code = 'failed') => ({ type: 'session.query_result', request_id: id, data: { result: { error, code }, is_error: true } });
const shown = ({ items }) => items.map(({ kind, text, question, answer, state, problem }) =>
  (kind === 'exchange' ? [question, state, answer, ...(problem ? [problem] : [])] : [kind, text]));

test('a log gives the conversation', () => {
  const conversation = new Conversation();
  for (const event of [asked('q1', 'one?'), told('q1', 'One.'), { type: 'note', data: 'x' }, asked('q2', 'two?'), refused('q2', 'too hard'), asked('q3', 'three?')]) {
    conversation.hear(event);
  }
  assert.deepEqual(shown(conversation), [
    ['one?', 'done', 'One.'], ['two?', 'failed', '', 'Failed to process query: too hard'], ['three?', 'waiting', ''],
  ]);
});

test('pieces add up, and the whole answer stands for them', () => {
  const conversation = new Conversation();
  conversation.hear(asked('q1', 'why?'));
  for (const text of ['Be', 'cau', 'se']) conversation.hear(piece('q1', text));
  assert.deepEqual(shown(conversation), [['why?', 'streaming', 'Because']]);
  conversation.hear(told('q1', 'Because of that.'));
  assert.deepEqual(shown(conversation), [['why?', 'done', 'Because of that.']]);
  assert.equal(conversation.hear(piece('q1', ' late')), false);
  assert.deepEqual(shown(conversation), [['why?', 'done', 'Because of that.']]);
});

test('an own question is one exchange, whichever of its event, its id and its answer comes first', () => {
  const steps = {
    event: (conversation) => conversation.hear(asked('q1', 'x?')),
    piece: (conversation) => conversation.hear(piece('q1', 'p')),
    result: (conversation) => conversation.hear(told('q1', 'A.')),
    accept: (conversation, key) => conversation.accept(key, 'q1'),
    answer: (conversation, key) => { conversation.accept(key, 'q1'); conversation.answer(key, { query_id: 'q1', answer: 'A.' }); },
  };
  const orders = [
    ['event', 'accept', 'piece', 'result', 'answer'], ['accept', 'event', 'piece', 'answer', 'result'], ['event', 'piece', 'result', 'answer'],
    ['answer', 'event', 'result'], ['piece', 'accept', 'event', 'answer'], ['result', 'event', 'accept', 'answer'],
  ];
  for (const order of orders) {
    const conversation = new Conversation();
    const key = conversation.ask('x?');
    for (const step of order) steps[step](conversation, key);
    assert.deepEqual(shown(conversation), [['x?', 'done', 'A.']], order.join(' '));
    assert.equal(conversation.items[0].key, key, order.join(' '));
  }
});

test('the same question of two panels stays two exchanges', () => {
  const conversation = new Conversation();
  const key = conversation.ask('x?');
  conversation.hear(asked('q1', 'x?'));
  conversation.hear(asked('q2', 'x?'));
  conversation.accept(key, 'q2');
  conversation.hear(told('q1', 'one'));
  conversation.answer(key, { query_id: 'q2', answer: 'two' });
  assert.deepEqual(shown(conversation), [['x?', 'done', 'two'], ['x?', 'done', 'one']]);
  assert.deepEqual(conversation.items.map(({ queryId }) => queryId), ['q2', 'q1']);

  const early = new Conversation();
  const own = early.ask('x?');
  early.hear(asked('q1', 'x?'));
  early.hear(piece('q1', 'not mine'));
  early.accept(own, 'q2');
  early.hear(asked('q2', 'x?'));
  assert.deepEqual(shown(early), [['x?', 'waiting', ''], ['x?', 'streaming', 'not mine']]);
});

test('what went wrong is told once, and an answer that came after all takes its place', () => {
  const conversation = new Conversation();
  const key = conversation.ask('x?');
  conversation.hear(asked('q1', 'x?'));
  conversation.hear(refused('q1', 'no responder is attached; start one'));
  conversation.fail(key, 'something else');
  assert.deepEqual(shown(conversation), [['x?', 'failed', '', 'Failed to process query: no responder is attached; start one']]);
  conversation.hear(told('q1', 'Late.'));
  assert.deepEqual(shown(conversation), [['x?', 'done', 'Late.']]);
});

test('a question that was taken back is stopped and not failed', () => {
  const conversation = new Conversation();
  const key = conversation.ask('x?');
  conversation.hear(asked('q1', 'x?'));
  conversation.hear(piece('q1', 'so far'));
  conversation.stop(key);
  conversation.hear(refused('q1', 'the query was cancelled', 'conflict'));
  assert.deepEqual(shown(conversation), [['x?', 'stopped', 'so far']]);
  const early = new Conversation();
  early.stop(early.ask('x?'));
  early.hear(asked('q1', 'x?'));
  assert.deepEqual(shown(early), [['x?', 'stopped', '']], 'also when its event comes later');
  const elsewhere = new Conversation();
  elsewhere.hear(asked('q1', 'x?'));
  elsewhere.hear(refused('q1', 'the query was cancelled', 'conflict'));
  assert.deepEqual(shown(elsewhere), [['x?', 'stopped', '']]);
});

test('cleaning forgets what is done, a gap is told, and an interruption ends what was under way', () => {
  const conversation = new Conversation();
  conversation.hear(asked('q1', 'one?'));
  conversation.hear(told('q1', 'One.'));
  conversation.hear(asked('q2', 'two?'));
  conversation.hear({ type: 'session.cleaned' });
  assert.deepEqual(shown(conversation).map(([first]) => first), ['two?', 'note']);
  conversation.hear({ type: 'session.gap' });
  assert.match(shown(conversation).at(-1)[1], /not kept/);
  conversation.interrupt('gone');
  assert.deepEqual(shown(conversation)[0], ['two?', 'failed', '', 'Failed to process query: gone']);
  conversation.clear();
  assert.deepEqual(conversation.items, []);
});

test('nothing in an event can break the conversation', () => {
  const conversation = new Conversation();
  for (const type of ['session.query', 'session.query_progress', 'session.query_result']) {
    for (const data of [undefined, null, 7, 'x', [], {}, { result: null }, { query: {}, text: {}, result: 7 }]) {
      conversation.hear({ type, data });
      conversation.hear({ type, data, request_id: 7 });
      conversation.hear({ type, data, request_id: `q-${type}` });
    }
  }
  for (const item of conversation.items) assert.equal(typeof item.answer, 'string');
});

test('what the responder gave beside the text is shown, and nothing else', () => {
  assert.deepEqual(sectionsOf({ answer: 'x', findings: [], root_cause: null, confidence_score: null, sources: [] }), []);
  assert.deepEqual(sectionsOf({
    root_cause: 'a full disk', findings: ['one', { message: 'two' }, { odd: 1 }, null], next_steps: [], sources: [{ title: 'manual', url: 'http://x' }], confidence_score: 0.856,
  }), [
    { title: 'Root cause', items: ['a full disk'] }, { title: 'Findings', items: ['one', 'two', '{"odd":1}'] },
    { title: 'Sources', items: ['manual'] }, { title: 'Confidence', items: ['86 %'] },
  ]);
});

test('an answer is text and code, also while it is still coming', () => {
  assert.deepEqual(blocksOf('Do this:\n\n```sh\nls -l\n\n  x\n```\nand that.\n'), [
    { kind: 'text', text: 'Do this:' }, { kind: 'code', text: 'ls -l\n\n  x' }, { kind: 'text', text: 'and that.' },
  ]);
  assert.deepEqual(blocksOf('a\n```\nb'), [{ kind: 'text', text: 'a' }, { kind: 'code', text: 'b' }]);
  assert.deepEqual(blocksOf('<b>x</b>'), [{ kind: 'text', text: '<b>x</b>' }]);
  assert.deepEqual(blocksOf(''), []);
});
