import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';
import { event, settle } from './stage.mjs';

const [{ Members }] = await load('members');

const member = (id) => ({ connection_id: id, user: 'alice', since: 'then', transport: 'websocket' });
const came = (id) => event(undefined, 'session.joined', { data: { connection_id: id, user: 'bob' } });
const left = (id) => event(undefined, 'session.left', { data: { connection_id: id, user: 'bob' } });
const ids = (members) => [...members.all.keys()];

test('who is in it is what the snapshot listed, and who came and went since', () => {
  const members = new Members(() => assert.fail('nothing to ask'));
  members.greet({ type: 'session.snapshot', connections: [member('c1'), member('c2')] });
  members.hear(came('c3'));
  members.hear(left('c1'));
  members.hear(event(4));
  assert.deepEqual(ids(members), ['c2', 'c3']);
  assert.equal(members.all.get('c3').user, 'bob');
  members.greet({ type: 'session.gap', connections: [member('c9')] });
  assert.deepEqual(ids(members), ['c9']);
  members.greet({ type: 'session.snapshot', connection_count: 500 });
  assert.deepEqual(ids(members), []);
});

test('after a resume the list is asked for, and what is told meanwhile counts', async () => {
  let answer;
  const members = new Members(() => new Promise((resolve) => { answer = resolve; }));
  members.greet({ type: 'session.snapshot', connections: [member('c1'), member('c2')] });
  members.greet({ type: 'session.resumed' });
  members.hear(came('c5'));
  members.hear(left('c4'));
  assert.deepEqual(ids(members), ['c1', 'c2', 'c5']);
  answer([member('c3'), member('c4')]);
  await settle();
  assert.deepEqual(ids(members), ['c3', 'c5']);
});

test('who may not ask keeps the old list, and one that comes too late is not taken', async () => {
  const answers = [];
  const members = new Members(() => new Promise((resolve, reject) => { answers.push({ resolve, reject }); }));
  members.greet({ type: 'session.snapshot', connections: [member('c1')] });
  members.greet({ type: 'session.resumed' });
  answers[0].reject(new Error('403'));
  await settle();
  assert.deepEqual(ids(members), ['c1']);
  members.greet({ type: 'session.resumed' });
  members.greet({ type: 'session.gap', connections: [member('c7')] });
  answers[1].resolve([member('c1')]);
  await settle();
  assert.deepEqual(ids(members), ['c7']);
});
