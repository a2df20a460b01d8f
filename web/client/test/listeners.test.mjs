import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';
import { event } from './stage.mjs';

const [{ Listeners, bufferedEvents }] = await load('listeners');

const seqs = (events) => events.map(({ seq, dropped }) => seq ?? `gap of ${dropped}`);

async function take(reader, count) {
  const events = [];
  while (events.length < count) events.push((await reader.next()).value);
  return events;
}

test('a reader gets what comes after it began, whether it waits or not, and ends with the session', async () => {
  const listeners = new Listeners();
  listeners.emit(event(1));
  const reader = listeners.events();
  const waiting = [reader.next(), reader.next()];
  for (const seq of [2, 3, 4]) listeners.emit(event(seq));
  assert.deepEqual((await Promise.all(waiting)).map(({ value }) => value.seq), [2, 3]);
  const ending = [];
  const all = (async () => { for await (const { seq } of reader) ending.push(seq); })();
  listeners.emit(event(5));
  listeners.end(undefined);
  await all;
  assert.deepEqual(ending, [4, 5]);
  assert.deepEqual(await listeners.events().next(), { done: true, value: undefined });
});

test('an end with an error is thrown after the last event, once', async () => {
  const listeners = new Listeners();
  const reader = listeners.events();
  listeners.emit(event(1));
  listeners.end(new Error('gone'));
  assert.equal((await reader.next()).value.seq, 1);
  await assert.rejects(reader.next(), /gone/);
  assert.deepEqual(await reader.next(), { done: true, value: undefined });
  await assert.rejects(listeners.events().next(), /gone/);
});

test('types are chosen, and a gap is told to everybody', async () => {
  const listeners = new Listeners();
  const reader = listeners.events({ types: ['note'] });
  for (const type of ['other', 'note', 'session.gap', 'other', 'note']) listeners.emit(event(1, type));
  assert.deepEqual((await take(reader, 3)).map(({ type }) => type), ['note', 'session.gap', 'note']);
});

test('a full buffer loses the oldest, and one gap says how many', async () => {
  const listeners = new Listeners();
  const reader = listeners.events({ buffer: 4 });
  for (let seq = 1; seq <= 10; seq += 1) listeners.emit(event(seq));
  assert.deepEqual(seqs(await take(reader, 4)), ['gap of 7', 8, 9, 10]);
  listeners.emit(event(11));
  assert.deepEqual(seqs(await take(reader, 1)), [11]);
  const usual = listeners.events();
  for (let seq = 1; seq <= bufferedEvents; seq += 1) listeners.emit(event(seq));
  assert.equal((await usual.next()).value.seq, 1);
});

test('a gap is thrown if that was asked for, and that is the end', async () => {
  const listeners = new Listeners();
  const reader = listeners.events({ throwOnGap: true });
  for (const [seq, type] of [[1, 'note'], [2, 'session.gap'], [3, 'note']]) listeners.emit(event(seq, type));
  assert.equal((await reader.next()).value.seq, 1);
  await assert.rejects(reader.next(), { name: 'SojournError', code: 'gap' });
  assert.equal((await reader.next()).done, true);
});

test('a signal ends a reader, before or while it waits, and so does leaving its loop', async () => {
  const listeners = new Listeners();
  const abort = new AbortController();
  const reader = listeners.events({ signal: abort.signal });
  const waiting = reader.next();
  abort.abort();
  assert.equal((await waiting).done, true);
  assert.equal((await listeners.events({ signal: abort.signal }).next()).done, true);
  const left = listeners.events();
  listeners.emit(event(1));
  listeners.emit(event(2));
  for await (const _ of left) break;
  assert.equal((await left.next()).done, true);
});

test('callbacks hear their type or any, until they stop', () => {
  const listeners = new Listeners();
  const heard = [];
  const stop = listeners.on('note', ({ seq }) => heard.push(`note ${seq}`));
  listeners.on('*', ({ seq }) => heard.push(`any ${seq}`));
  listeners.emit(event(1));
  listeners.emit(event(2, 'other'));
  stop();
  listeners.emit(event(3));
  assert.deepEqual(heard, ['note 1', 'any 1', 'any 2', 'any 3']);
});

test('a callback that throws keeps nothing from the others, and its error is not swallowed', async (t) => {
  const listeners = new Listeners();
  const heard = [];
  const uncaught = new Promise((resolve) => {
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    t.after(() => { process.removeAllListeners('uncaughtException'); for (const other of others) process.on('uncaughtException', other); });
    process.on('uncaughtException', resolve);
  });
  listeners.on('note', () => { throw new Error('mine'); });
  listeners.on('note', ({ seq }) => heard.push(seq));
  listeners.emit(event(1));
  assert.deepEqual(heard, [1]);
  assert.equal((await uncaught).message, 'mine');
});
