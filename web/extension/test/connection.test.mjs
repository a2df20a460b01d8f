import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const [{ Connection }, { advance, initialState }] = await load('sojourn-client/connection', 'sojourn-client/retry');

/** A connection with sockets and a clock that the test moves. */
function stage(remembered) {
  const sockets = [];
  const timers = [];
  const received = [];
  const noted = [];
  const connection = new Connection({
    address: () => 'ws://server/ws/extension',
    changed: () => {},
    received: (frame) => received.push(frame),
    noted: (line) => noted.push(line),
    open: (address) => {
      const socket = { address, sent: [], closed: undefined, send: (text) => socket.sent.push(JSON.parse(text)), close: (code, reason) => { socket.closed = { code, reason }; } };
      sockets.push(socket);
      return socket;
    },
    later: (delayMs, run) => {
      const timer = { delayMs, run };
      timers.push(timer);
      return () => timers.splice(0, timers.length, ...timers.filter((other) => other !== timer));
    },
  }, remembered);
  const fire = (delayMs) => {
    const index = timers.findIndex((timer) => timer.delayMs === delayMs);
    assert.ok(index >= 0, `no timer of ${delayMs} ms among ${timers.map((timer) => timer.delayMs)}`);
    timers.splice(index, 1)[0].run();
  };
  const say = (frame) => sockets.at(-1).onmessage({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
  const greet = (sessionId = 'ext_0123456789ab') => say({ type: 'connected', sessionId });
  const drop = (code = 1006, reason = '') => sockets.at(-1).onclose({ code, reason, wasClean: code !== 1006 });
  return { connection, sockets, timers, received, noted, fire, say, greet, drop };
}

test('BTW-32: there is one automatic retry after 5 s, then a quiet attempt each minute, and success sets the count to 0', () => {
  const { connection, sockets, fire, greet, drop } = stage();
  connection.wake();
  assert.equal(connection.state.status, 'connecting');
  greet();
  assert.deepEqual([connection.state.status, connection.state.retryCount], ['connected', 0]);
  drop();
  assert.deepEqual([connection.state.status, connection.state.retryCount], ['connecting', 1]);
  assert.equal(sockets.length, 1);
  fire(5_000);
  assert.equal(sockets.length, 2);
  drop();
  assert.deepEqual([connection.state.status, connection.state.retryCount], ['waiting', 1]);
  fire(60_000);
  drop();
  assert.deepEqual([connection.state.status, connection.state.retryCount], ['waiting', 1]);
  fire(60_000);
  assert.equal(connection.state.status, 'waiting');
  greet('ext_ba9876543210');
  assert.deepEqual([connection.state.status, connection.state.retryCount, connection.state.sessionId], ['connected', 0, 'ext_ba9876543210']);
});

test('a wake opens at most one socket, and cuts a quiet delay short', () => {
  const { connection, sockets, timers, fire, drop } = stage();
  connection.wake();
  connection.wake();
  assert.equal(sockets.length, 1);
  drop();
  connection.wake();
  assert.equal(sockets.length, 1, 'the retry keeps its 5 s');
  fire(5_000);
  drop();
  connection.wake();
  assert.equal(sockets.length, 3);
  assert.deepEqual(timers.map(({ delayMs }) => delayMs), [10_000]);
});

test('a session that the server closed on request is not opened again until a person asks', () => {
  for (const code of [1000, 1005]) {
    const { connection, sockets, timers, greet, drop } = stage();
    connection.wake();
    greet();
    drop(code, code === 1000 ? 'Session closed' : '');
    assert.deepEqual([connection.state.status, connection.state.stopped], ['disconnected', 'server']);
    assert.deepEqual(timers, []);
    connection.wake();
    assert.equal(sockets.length, 1);
    connection.reconnect();
    assert.equal(sockets.length, 2);
  }
});

test('other ways to close are losses and are tried again', () => {
  for (const code of [1001, 1006, 1008, 1011, 1012]) {
    const { connection, greet, drop } = stage();
    connection.wake();
    greet();
    drop(code);
    assert.deepEqual([connection.state.status, connection.state.retryCount], ['connecting', 1], String(code));
  }
});

test('Disconnect closes, forgets the id and stays closed, also in a later life', () => {
  const { connection, sockets, timers, greet } = stage();
  connection.wake();
  greet();
  connection.disconnect();
  assert.deepEqual(sockets[0].closed, { code: 1000, reason: 'Disconnect' });
  assert.deepEqual([connection.state.status, connection.state.sessionId], ['disconnected', undefined]);
  assert.deepEqual(timers, []);
  const later = stage({ ...connection.state });
  later.connection.wake();
  assert.equal(later.sockets.length, 0);
  assert.equal(later.connection.state.status, 'disconnected');
});

test('a remembered connection is not taken for a live one', () => {
  const { connection, sockets } = stage({ status: 'connected', retryCount: 0, sessionId: 'ext_0123456789ab', lastConnectedAt: 7 });
  assert.deepEqual({ ...connection.state }, { status: 'disconnected', retryCount: 0, lastConnectedAt: 7 });
  connection.wake();
  assert.equal(sockets.length, 1);
});

test('a replaced socket is not heard any more', () => {
  const { connection, sockets, received } = stage();
  connection.wake();
  const [old] = sockets;
  connection.reconnect();
  old.onmessage({ data: '{"type":"connected","sessionId":"ext_000000000000"}' });
  old.onclose({ code: 1006, reason: '', wasClean: false });
  assert.deepEqual([connection.state.status, connection.state.sessionId, received.length], ['connecting', undefined, 0]);
});

test('a server that does not greet within 10 s counts as lost', () => {
  const { connection, sockets, fire } = stage();
  connection.wake();
  fire(10_000);
  assert.equal(sockets[0].closed.code, 1000);
  assert.deepEqual([connection.state.status, connection.state.retryCount], ['connecting', 1]);
});

test('a ping goes out every 20 s, and one that stays unanswered means that the server is gone', () => {
  const { connection, sockets, fire, say, greet } = stage();
  connection.wake();
  greet();
  fire(20_000);
  say({ type: 'pong' });
  fire(20_000);
  assert.deepEqual(sockets[0].sent, [{ type: 'ping' }, { type: 'ping' }]);
  assert.equal(connection.state.status, 'connected');
  fire(20_000);
  assert.equal(connection.state.status, 'connecting');
  assert.match(connection.state.problem, /stopped answering/);
});

test('frames are passed on, but for pong and what is no frame', () => {
  const { connection, received, noted, say, greet } = stage();
  connection.wake();
  greet();
  for (const text of ['nonsense', 'null', '[1]', '{}', '{"type":1}', { type: 'pong' }]) say(text);
  say({ type: 'ping' });
  assert.deepEqual(received, [{ type: 'ping' }]);
  assert.equal(noted.length, 5);
});

test('nothing is sent without a connection', () => {
  const { connection, sockets, greet } = stage();
  assert.equal(connection.send({ type: 'x' }), false);
  connection.wake();
  assert.equal(connection.send({ type: 'x' }), false);
  greet();
  assert.equal(connection.send({ type: 'x' }), true);
  assert.deepEqual(sockets[0].sent, [{ type: 'x' }]);
});

test('the policy never counts more than one retry, whatever happens', () => {
  const events = ['start', 'restart', 'opened', 'lost', 'ended-by-server', 'stop'];
  let seed = 7;
  let state = initialState;
  for (let step = 0; step < 5_000; step += 1) {
    seed = (seed * 48271) % 2147483647;
    const before = state;
    const event = events[seed % events.length];
    const after = advance(state, event);
    state = after.state;
    assert.ok(state.retryCount === 0 || state.retryCount === 1);
    if (before.stopped && event !== 'restart' && event !== 'opened') assert.equal(after.step.do, 'nothing');
    if (state.status === 'connected') assert.equal(state.retryCount, 0);
  }
});
