import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const [{ addLine, formatDate, formatLine, logLinesMax }] = await load('/src/log.ts');

test('BTW-29: a line begins with the local time', () => {
  const at = new Date(2026, 1, 24, 9, 5, 7).getTime();
  assert.equal(formatLine({ at, text: 'Connected' }), '[09:05:07] Connected');
  assert.equal(formatLine({ at: new Date(2026, 1, 24, 22, 22, 16).getTime(), text: 'x' }), '[22:22:16] x');
});

test('BTW-27: a day is written with the name of its month', () => {
  assert.equal(formatDate(new Date(2026, 1, 24, 23, 59).getTime()), 'Feb 24, 2026');
  assert.equal(formatDate(undefined), 'Never');
});

test('the log keeps its newest lines, in order, and cuts long ones', () => {
  let lines = [];
  for (let at = 0; at < logLinesMax + 5; at += 1) lines = addLine(lines, { at, text: `line ${at}` });
  assert.equal(lines.length, logLinesMax);
  assert.equal(lines[0].text, 'line 5');
  assert.equal(lines.at(-1).text, `line ${logLinesMax + 4}`);
  assert.ok(addLine([], { at: 0, text: 'x'.repeat(10_000) })[0].text.length < 400);
});
