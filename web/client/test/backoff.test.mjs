import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const [{ backoffBaseMs, backoffDelay, backoffMsMax, endOf, hintMsMax, hintOf, retryAfterMs }] = await load('backoff');

test('the bound of the delay doubles with each attempt up to its cap, and the jitter takes all of it', () => {
  for (const [attempt, bound] of [[0, 500], [1, 1000], [2, 2000], [5, 16_000], [6, 30_000], [7, 30_000], [5000, 30_000]]) {
    assert.equal(backoffDelay(attempt, undefined, () => 1), bound, String(attempt));
    assert.equal(backoffDelay(attempt, undefined, () => 0.25), bound / 4);
    assert.equal(backoffDelay(attempt, undefined, () => 0), 0);
  }
  assert.equal(backoffMsMax, 30_000);
});

test('a hint of the server is waited out and then spread, and it has a limit', () => {
  assert.equal(backoffDelay(9, 5000, () => 0), 5000);
  assert.equal(backoffDelay(9, 5000, () => 1), 5000 + backoffBaseMs);
  assert.equal(backoffDelay(0, 1e9, () => 0), hintMsMax);
});

test('a hint is read from the reason of a close, and from Retry-After in seconds', () => {
  for (const [reason, ms] of [
    ['restarting; retry after 5 s', 5000], ['retry in 250ms', 250], ['try again in 1.5 s', 1500], ['Retry-After: 7', 7000],
    ['the server is shutting down', undefined], ['', undefined], ['node 12 is full', undefined],
  ]) assert.equal(hintOf(reason), ms, reason);
  assert.deepEqual(['5', '0', null, '', '-1', 'Wed, 21 Oct 2026 07:28:00 GMT'].map(retryAfterMs), [5000, 0, undefined, undefined, undefined, undefined]);
});

test('a close code says whether one may come back, as the table of the native API has it', () => {
  for (const [code, reason] of [[0, ''], [1001, ''], [1005, ''], [1006, ''], [1008, 'too slow: messages were not read in time'], [1009, ''], [1011, ''], [1012, 'the server is shutting down'], [1013, 'try again in 5 s']]) {
    assert.equal(endOf(code, reason, undefined), undefined, `${code} ${reason}`);
  }
  assert.deepEqual(endOf(1000, 'Session closed', undefined), { reason: 'closed' });
  for (const [code, reason, word] of [
    [4001, 'taken over by a newer connection', 'taken_over'], [1008, 'kicked', 'kicked'], [1008, 'token revoked', 'unauthenticated'],
    [1008, 'Invalid or expired token', 'unauthenticated'], [1008, 'rate limit', 'too_many'], [1008, 'something else', 'forbidden'],
  ]) {
    const { reason: found, error } = endOf(code, reason, undefined);
    assert.deepEqual([found, error.code, error.name], [word, word, 'SojournError'], reason);
  }
});

test('whatever the close says, a session whose last event told its end has ended', () => {
  for (const code of [1000, 1006, 1012]) assert.deepEqual(endOf(code, '', 'deleted'), { reason: 'deleted' });
});
