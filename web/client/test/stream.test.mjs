import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';
import { clock, event, makeSocket, settle } from './stage.mjs';

const [{ Stream, seqOf, settledMs }, { SojournError }] = await load('stream', 'errors');

/** A stream with sockets and a clock that the test moves; `probe` is what another request would find. */
function stage({ probe = () => undefined, renewsToken = false } = {}) {
  const sockets = [];
  const told = { events: [], greetings: [], answers: [], statuses: [], lost: [], ends: [] };
  const time = clock();
  const stream = new Stream({
    open: async (query) => () => { sockets.push(Object.assign(makeSocket(), { query })); return sockets.at(-1); },
    probe: async () => probe(),
    renewsToken,
    greeted: (frame) => told.greetings.push(frame.type),
    event: ({ seq, type }) => told.events.push(seq ?? type),
    answered: (frame) => told.answers.push(frame.type),
    lost: (code) => told.lost.push(code),
    status: (status, delayMs) => told.statuses.push(delayMs === undefined ? status : [status, delayMs]),
    ended: (end) => told.ends.push(end),
    later: time.later,
    random: () => 1,
  });
  const snapshot = (cursor = 'e.3', connection = 'c1') => sockets.at(-1).say({ type: 'session.snapshot', session_id: 's', connection_id: connection, cursor, revision: 0, state: {}, connections: [] });
  const resumed = (cursor, connection = 'c2') => sockets.at(-1).say({ type: 'session.resumed', session_id: 's', connection_id: connection, cursor });
  const say = (frame) => sockets.at(-1).say(frame);
  const drop = (code, reason) => { sockets.at(-1).drop(code, reason); return settle(); };
  const begin = async () => { const joining = stream.join(); await settle(); snapshot(); return joining; };
  const comeBack = async (delayMs) => { time.fire(delayMs); await settle(); };
  return { stream, sockets, told, time, snapshot, resumed, say, drop, begin, comeBack };
}

test('the first socket asks for a snapshot, and joining is done when it is there', async () => {
  const { stream, sockets, told, snapshot } = stage();
  let isJoined = false;
  const joining = stream.join().then(() => { isJoined = true; });
  await settle();
  assert.deepEqual([sockets.length, sockets[0].query, isJoined, stream.status], [1, {}, false, 'connecting']);
  assert.equal(stream.send('{}'), false);
  snapshot();
  await joining;
  assert.deepEqual([stream.status, stream.connectionId, stream.cursor, told.statuses], ['connected', 'c1', 'e.3', ['connected']]);
});

test('after a loss it resumes at the last cursor and takes its own connection over', async () => {
  const { stream, sockets, told, say, begin, drop, comeBack, resumed } = stage();
  await begin();
  say(event(4));
  say({ ...event(5, 'typing'), seq: undefined, cursor: undefined, volatile: true });
  await drop();
  assert.deepEqual(told.statuses.at(-1), ['waiting', 500]);
  await comeBack(500);
  assert.deepEqual(sockets[1].query, { since: 'e.4', takes_over: 'c1' });
  resumed('e.4');
  assert.deepEqual([stream.connectionId, stream.cursor, told.greetings], ['c2', 'e.4', ['session.snapshot', 'session.resumed']]);
  say(event(5));
  assert.deepEqual(told.events, [4, 'typing', 5]);
});

test('what was seen already in the same epoch is not heard again, in another one it is', async () => {
  const { told, say, begin } = stage();
  await begin();
  for (const seq of [4, 5, 4, 3, 5, 6]) say(event(seq));
  assert.deepEqual(told.events, [4, 5, 6]);
  say({ type: 'session.gap', since: 'e.6', connection_id: 'c1', cursor: 'f.1', revision: 1, state: {} });
  for (const seq of [1, 2, 2, 3]) say({ ...event(seq), cursor: `f.${seq}` });
  assert.deepEqual(told.events, [4, 5, 6, 2, 3]);
  say({ ...event(1), cursor: 'g.1' });
  assert.deepEqual(told.events, [4, 5, 6, 2, 3, 1], 'also if no gap told of the new one');
});

test('events that came as one count for all of them', async () => {
  const { stream, told, say, begin } = stage();
  await begin();
  say(event(7, 'session.state', { first_seq: 4 }));
  for (const seq of [5, 6, 7, 8]) say(event(seq));
  assert.deepEqual([told.events, stream.cursor], [[7, 8], 'e.8']);
});

test('what an earlier socket still says is not heard, nor is anything before a greeting', async () => {
  const { sockets, stream, told, say, begin, drop, comeBack, resumed } = stage();
  await begin();
  await drop();
  await comeBack(500);
  sockets[0].say(event(4));
  say(event(5));
  assert.deepEqual(told.events, []);
  resumed('e.3');
  sockets[0].say(event(6));
  sockets[0].drop(1000);
  assert.deepEqual([told.events, stream.status], [[], 'connected']);
});

test('answers and questions are no events', async () => {
  const { told, say, begin } = stage();
  await begin();
  for (const type of ['ack', 'error', 'client_tool_call', 'query', 'pong']) say({ type });
  say(event(4, 'ack'));
  assert.deepEqual([told.answers, told.events], [['ack', 'error', 'client_tool_call', 'query'], [4]]);
});

test('the delays grow with each attempt, and a connection that lasted begins anew', async () => {
  const { time, told, begin, drop, comeBack, resumed } = stage();
  await begin();
  await drop();
  for (const delayMs of [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
    assert.deepEqual(told.statuses.at(-1), ['waiting', delayMs]);
    await comeBack(delayMs);
    await drop();
  }
  await comeBack(30_000);
  resumed('e.3');
  await drop();
  assert.deepEqual(told.statuses.at(-1), ['waiting', 30_000], 'a connection that is closed at once is no success');
  await comeBack(30_000);
  resumed('e.3');
  time.fire(settledMs);
  await drop();
  assert.deepEqual(told.statuses.at(-1), ['waiting', 500]);
});

test('a hint in the reason of a close is honoured, and so is the Retry-After that another request finds', async () => {
  let answer = new SojournError('unavailable', 'full', { status: 503, retryMs: 7000 });
  const { told, begin, drop, comeBack } = stage({ probe: () => answer });
  await begin();
  await drop(1012, 'restarting; retry after 5 s');
  assert.deepEqual(told.statuses.at(-1), ['waiting', 5500]);
  await comeBack(5500);
  await drop();
  assert.deepEqual(told.statuses.at(-1), ['waiting', 7500]);
  answer = undefined;
  await comeBack(7500);
  await drop();
  assert.deepEqual(told.statuses.at(-1), ['waiting', 2000]);
});

test('reconnect cuts the delay short, and does nothing while connected', async () => {
  const { stream, sockets, time, begin, drop } = stage();
  await begin();
  stream.wake();
  assert.equal(sockets.length, 1);
  await drop();
  stream.wake();
  stream.wake();
  await settle();
  assert.equal(sockets.length, 2);
  time.pass(9000);
  await settle();
  assert.equal(sockets.length, 2, 'the timer of the delay is gone');
});

test('a session that is gone ends with what the server says of it', async () => {
  const gone = new SojournError('not_found', 'Session not found: s', { status: 404 });
  const { stream, sockets, told, time, begin, drop, comeBack } = stage({ probe: () => gone });
  await begin();
  await drop();
  await comeBack(500);
  await drop();
  assert.deepEqual([stream.status, told.ends], ['ended', [{ reason: 'not_found', error: gone }]]);
  assert.deepEqual([time.timers, sockets.length], [[], 2]);
});

test('the first attempt decides: its failure is that of joining, and nothing more is tried', async () => {
  for (const [probe, code] of [
    [new SojournError('expired', 'Session expired: s', { status: 404 }), 'expired'],
    [new SojournError('unavailable', 'full', { status: 503, retryMs: 5000 }), 'unavailable'],
    [undefined, 'unreachable'],
  ]) {
    const { stream, sockets, time, drop } = stage({ probe: () => probe });
    const joining = assert.rejects(stream.join(), { name: 'SojournError', code });
    await settle();
    await drop();
    await joining;
    assert.deepEqual([stream.status, sockets.length, time.timers], ['ended', 1, []]);
  }
});

test('a socket that can not even be made fails as one that is refused', async () => {
  const time = clock();
  const stream = new Stream({ open: async () => { throw new Error('no token'); }, probe: async () => undefined, status: () => {}, ended: () => {}, later: time.later });
  const joining = assert.rejects(stream.join(), { code: 'unreachable', message: /no token/ });
  await settle();
  time.fire(0);
  await joining;
});

test('close codes that forbid to come back end it, with the reason of the last event if there was one', async () => {
  for (const [code, reason, expected] of [[1000, 'Session closed', 'closed'], [4001, '', 'taken_over'], [1008, 'kicked', 'kicked'], [1008, 'token revoked', 'unauthenticated']]) {
    const { stream, told, time, begin, drop } = stage();
    await begin();
    await drop(code, reason);
    assert.deepEqual([stream.status, told.ends.length, told.ends[0].reason, time.timers], ['ended', 1, expected, []]);
  }
  const { told, say, begin, drop } = stage();
  await begin();
  say(event(4, 'session.closed', { data: { reason: 'expired' } }));
  await drop();
  assert.deepEqual(told.ends, [{ reason: 'expired' }]);
});

test('the end of a token is none where the next socket has a new one, until the server refuses that', async () => {
  const refused = new SojournError('unauthenticated', 'Invalid or expired token', { status: 401 });
  const { stream, sockets, told, begin, drop, comeBack } = stage({ probe: () => refused, renewsToken: true });
  await begin();
  await drop(1008, 'Invalid or expired token');
  assert.equal(stream.status, 'waiting');
  await comeBack(500);
  assert.equal(sockets.length, 2);
  await drop();
  assert.deepEqual(told.ends, [{ reason: 'unauthenticated', error: refused }]);
  const revoked = stage({ renewsToken: true });
  await revoked.begin();
  await revoked.drop(1008, 'token revoked');
  assert.equal(revoked.stream.status, 'ended');
});

test('a half-open connection is noticed: a ping that stays unanswered is a loss', async () => {
  const { sockets, told, time, say, begin } = stage();
  await begin();
  time.fire(20_000);
  say({ type: 'pong' });
  time.fire(20_000);
  assert.deepEqual(sockets[0].sent, [{ type: 'ping' }, { type: 'ping' }]);
  assert.deepEqual(told.lost, []);
  time.fire(20_000);
  assert.deepEqual([told.lost, told.statuses.at(-1)], [[0], ['waiting', 500]]);
  assert.equal(sockets[0].closed.code, 1000);
});

test('a server that opens a socket and does not greet within 10 s counts as lost', async () => {
  const { told, time, begin, drop, comeBack } = stage();
  await begin();
  await drop();
  await comeBack(500);
  time.fire(10_000);
  await settle();
  assert.deepEqual(told.statuses.at(-1), ['waiting', 1000]);
});

test('leaving ends it at any moment, and nothing comes after', async () => {
  for (const moment of ['connecting', 'connected', 'waiting']) {
    const { stream, sockets, told, time, begin, drop } = stage();
    const joining = moment === 'connecting' ? assert.rejects(stream.join(), { code: 'ended' }) : begin();
    if (moment !== 'connecting') await joining;
    if (moment === 'waiting') await drop();
    stream.end({ reason: 'left' });
    stream.end({ reason: 'left' });
    await joining;
    await settle();
    time.pass(100_000);
    await settle();
    assert.deepEqual([stream.status, told.ends, sockets.length], ['ended', [{ reason: 'left' }], moment === 'connecting' ? 0 : 1], moment);
    if (moment === 'connected') assert.deepEqual(sockets[0].closed, { code: 1000, reason: 'left' });
  }
});

test('the place in a cursor is what stands behind its last dot', () => {
  assert.deepEqual(['f1790e6f.12', 'e.0', '7'].map(seqOf), [12, 0, 7]);
});
