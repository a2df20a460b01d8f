import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';
import { event, settle } from './stage.mjs';

const [{ StateView }, { SojournError }] = await load('state', 'errors');

/** A state whose requests the test answers: `asked` are those that wait, first to last. */
function stage(values = {}, seq = 3) {
  const asked = [];
  const state = new StateView({ ask: (frame, kind) => new Promise((resolve, reject) => { asked.push({ ...frame, kind, resolve, reject }); }) });
  state.reset({ state: values, revision: 2, cursor: `e.${seq}` });
  const change = (seqOf, set, removed = [], more = {}) => state.apply(event(seqOf, 'session.state', { data: { set, removed }, ...more }));
  const refuse = (revision) => asked.shift().reject(new SojournError('precondition_failed', `the present revision is ${revision}`));
  return { state, asked, change, refuse };
}

test('the snapshot and the changes after it make the state, and older changes do nothing', () => {
  const { state, change } = stage({ a: 1, b: { x: 1 } });
  change(2, { a: 'old' });
  change(4, { a: 2, c: [3] });
  state.apply(event(5));
  change(6, { d: null }, ['b']);
  assert.deepEqual([state.all, state.revision], [{ a: 2, c: [3], d: null }, 6]);
  assert.deepEqual([state.get('a'), state.get('b'), state.get('toString')], [2, undefined, undefined]);
});

test('each change makes a new object, and a key of any name is a key', () => {
  const { state, change } = stage();
  const before = state.all;
  change(4, JSON.parse('{"__proto__":{"x":1},"constructor":2}'));
  assert.deepEqual([before, Object.keys(state.all).sort(), state.get('constructor'), state.get('__proto__')], [{}, ['__proto__', 'constructor'], 2, { x: 1 }]);
  change(5, {}, ['__proto__']);
  assert.deepEqual(Object.keys(state.all), ['constructor']);
});

test('the revision of a key is known from the change that set it, and not where several came as one', () => {
  const { state, change } = stage({ a: 1 });
  assert.deepEqual([state.revisionOf('a'), state.revisionOf('b')], [undefined, 0]);
  change(4, { a: 2 });
  change(5, { b: 1 });
  assert.deepEqual([state.revisionOf('a'), state.revisionOf('b')], [4, 5]);
  change(9, { a: 3 }, ['b'], { first_seq: 6 });
  assert.deepEqual([state.revisionOf('a'), state.revisionOf('b')], [undefined, 0]);
});

test('subscribers hear of every change, or of the changes of their key, until they stop', () => {
  const { state, change } = stage({ a: 1 });
  const [all, some] = [[], []];
  const stopAll = state.subscribe((update) => all.push(update));
  const stopSome = state.subscribe('a', (value, { revision }) => some.push([value, revision]));
  change(4, { a: 2 });
  change(5, { b: 1 });
  change(6, {}, ['a']);
  stopAll();
  stopSome();
  change(7, { a: 3 });
  assert.deepEqual(all, [{ set: { a: 2 }, removed: [], revision: 4 }, { set: { b: 1 }, removed: [], revision: 5 }, { set: {}, removed: ['a'], revision: 6 }]);
  assert.deepEqual(some, [[2, 4], [undefined, 6]]);
});

test('a snapshot in between tells what it sets and what is gone', () => {
  const { state } = stage({ a: 1, b: 1 });
  const heard = [];
  state.subscribe((change) => heard.push(change));
  state.reset({ state: { b: 2 }, revision: 1, cursor: 'f.1' });
  assert.deepEqual([heard, state.all, state.revision], [[{ set: { b: 2 }, removed: ['a'], revision: 1 }], { b: 2 }, 1]);
});

test('a change settles when the state shows it, not before', async () => {
  const { state, asked, change } = stage();
  let revision;
  state.set('a', 1).then((value) => { revision = value; });
  assert.deepEqual([asked[0].type, asked[0].payload, asked[0].kind], ['set_session_state', { key: 'a', value: 1 }, 'change']);
  asked.shift().resolve({ seq: 5 });
  await settle();
  change(4, { b: 1 });
  await settle();
  assert.equal(revision, undefined);
  change(5, { a: 1 });
  await settle();
  assert.equal(revision, 5);
  const patched = state.patch({ a: null });
  change(6, {}, ['a']);
  asked.shift().resolve({ seq: 6 });
  assert.equal(await patched, 6);
});

test('removing is a merge patch with null, and nothing is null as well', () => {
  const { state, asked } = stage();
  state.delete('a');
  state.set('b', undefined);
  state.compareAndSet('c', 1, 0);
  assert.deepEqual(asked.map(({ type, payload }) => [type, payload]), [
    ['patch_session_state', { a: null }], ['set_session_state', { key: 'b', value: null }], ['set_session_state', { key: 'c', value: 1, if_revision: 0 }],
  ]);
});

test('who was too slow learns the present revision, with the value that goes with it', async () => {
  const { state, refuse, change } = stage({ n: 1 });
  const promise = state.compareAndSet('n', 2, 1);
  refuse(5);
  let isOver = false;
  promise.catch(() => { isOver = true; });
  await settle();
  assert.equal(isOver, false, 'the state is still that of 3');
  change(5, { n: 9 });
  await assert.rejects(promise, { code: 'precondition_failed', revision: 5 });
  assert.deepEqual([state.get('n'), state.revisionOf('n')], [9, 5]);
});

test('an update begins again with the new value until nobody was faster', async () => {
  const { state, asked, refuse, change } = stage({ n: 1 });
  const done = state.update('n', (n) => n + 1);
  assert.deepEqual(asked[0].payload, { key: 'n', value: 2, if_revision: 2 });
  refuse(1);
  await settle();
  assert.deepEqual(asked[0].payload, { key: 'n', value: 2, if_revision: 1 });
  change(4, { n: 10 });
  refuse(4);
  await settle();
  assert.deepEqual(asked[0].payload, { key: 'n', value: 11, if_revision: 4 });
  change(5, { n: 11 });
  asked.shift().resolve({ seq: 5 });
  assert.equal(await done, 5);
});

test('an update of what several changes in one made finds the revision out', async () => {
  const { state, asked, refuse, change } = stage();
  change(9, { n: 4 }, [], { first_seq: 5 });
  state.update('n', (n) => n * 2);
  assert.equal(asked[0].payload.if_revision, 9);
  refuse(7);
  await settle();
  assert.deepEqual(asked[0].payload, { key: 'n', value: 8, if_revision: 7 });
  refuse(8);
  await settle();
  assert.deepEqual(asked[0].payload, { key: 'n', value: 8, if_revision: 8 });
});

test('an update ends with the first error of another kind', async () => {
  const { state, asked } = stage();
  const done = state.update('n', () => 1);
  asked.shift().reject(new SojournError('too_large', 'too many keys'));
  await assert.rejects(done, { code: 'too_large' });
});
