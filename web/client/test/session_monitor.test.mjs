import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { load } from './load.mjs';
import { clock } from './stage.mjs';
import { clientOf, connected, listenToConsole, openServer, quietSocket, until, upgraded } from './monitor_stage.mjs';

const [{ SessionMonitor }] = await load('session_monitor');
const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** A server, a client of it and a monitor that has not been started. */
async function stage(t, { client, ...options } = {}) {
  const server = await openServer(t);
  const socket = clientOf(t, server, client);
  const monitor = new SessionMonitor(socket, options);
  t.after(() => monitor.stop());
  return { server, socket, monitor };
}

for (const [name, transports, last] of [['polling only', ['polling'], 'polling'], ['WebSocket only', ['websocket'], 'websocket'], ['an upgrade', ['polling', 'websocket'], 'websocket']]) {
  test(`${name}: it registers, pings every interval, and the pings are answered`, async (t) => {
    const heard = listenToConsole(t);
    const { server, socket, monitor } = await stage(t, { client: { transports }, pingInterval: 60, debug: true });
    assert.equal(monitor.transport, null);
    assert.equal(monitor.start('t1'), monitor);
    await until(() => server.registered.length === 1, 'it is registered');
    if (transports.length > 1) await upgraded(socket);
    const before = server.pings.length;
    await until(() => server.pings.length >= before + 3, 'three pings');
    const [first, second, third] = server.pings.slice(before);
    for (const ping of [first, second, third]) {
      assert.deepEqual([ping.thread_id, ping.session_id], ['t1', socket.id]);
      assert.match(ping.timestamp, isoTime);
    }
    assert.ok(third.at - first.at >= 80, `${third.at - first.at} ms for two intervals`);
    assert.deepEqual([monitor.transport, third.transport, monitor.session_id, monitor.isActive], [last, last, socket.id, true]);
    assert.deepEqual(server.registered, [{ thread_id: 't1', session_id: socket.id }], 'once');
    await until(() => heard.logged.some((line) => line.includes('Pong after')), 'the log of an answer');
    assert.ok(heard.logged.includes(`[SessionMonitor] Opened over ${transports[0]}`), heard.logged.join('\n'));
    assert.equal(heard.logged.filter((line) => line === '[SessionMonitor] Upgraded to websocket').length, transports.length - 1);
    assert.equal(heard.logged.filter((line) => line.startsWith('[SessionMonitor] Connected over ')).length, 1);
    assert.ok(heard.logged.includes(`[SessionMonitor] Ping for thread t1 over ${last}`), heard.logged.join('\n'));
    assert.deepEqual(heard.logged.filter((line) => !line.startsWith('[SessionMonitor] ')), []);
  });
}

test('an upgrade that comes after the monitor was made for a connected socket is noticed too', async (t) => {
  const heard = listenToConsole(t);
  const server = await openServer(t);
  const socket = clientOf(t, server, { upgrade: false });
  await connected(socket);
  const monitor = new SessionMonitor(socket, { debug: true }).start('t1');
  assert.equal(monitor.transport, 'polling');
  socket.io.engine.emit('upgrade', { name: 'websocket' });
  assert.equal(heard.logged.filter((line) => line.includes('Upgraded')).length, 1);
  monitor.stop();
  socket.io.engine.emit('upgrade', { name: 'websocket' });
  assert.equal(heard.logged.filter((line) => line.includes('Upgraded')).length, 1);
});

test('a socket that is connected already is registered at once, with the thread of the constructor or one set later', async (t) => {
  for (const given of ['constructor', 'assigned']) {
    const server = await openServer(t);
    const socket = clientOf(t, server);
    await connected(socket);
    const monitor = new SessionMonitor(socket, given === 'constructor' ? { thread_id: 't7' } : {});
    if (given === 'assigned') monitor.thread_id = 't7';
    assert.equal(monitor.start(), monitor);
    await until(() => server.registered.length === 1, 'it is registered');
    assert.deepEqual(server.registered.map(({ thread_id }) => thread_id), ['t7'], given);
    monitor.stop();
  }
});

/** Timeouts run when the test lets time pass, and delays are the shortest. */
function moveTime(t) {
  const time = clock();
  const before = { setTimeout, clearTimeout };
  const random = Math.random;
  globalThis.setTimeout = (run, delayMs) => time.later(delayMs, run);
  globalThis.clearTimeout = (callOff) => callOff?.();
  Math.random = () => 0;
  t.after(() => { Object.assign(globalThis, before); Math.random = random; });
  return time;
}

test('the defaults are those of the documents', () => {
  const { thread_id, pingInterval, reconnectAttempts, debug, isActive, session_id } = new SessionMonitor(quietSocket());
  assert.deepEqual({ thread_id, pingInterval, reconnectAttempts, debug, isActive, session_id },
    { thread_id: null, pingInterval: 30_000, reconnectAttempts: 5, debug: false, isActive: false, session_id: null });
});

test('without a thread id it does not start: it complains, gives undefined and never registers', async (t) => {
  const heard = listenToConsole(t);
  const { server, socket, monitor } = await stage(t);
  assert.equal(monitor.start(), undefined);
  await connected(socket);
  for (const nothing of [undefined, null, '']) assert.equal(monitor.start(nothing), undefined);
  assert.equal(monitor.isActive, false);
  assert.equal(heard.complained.length, 4);
  for (const line of heard.complained) assert.match(line, /^\[SessionMonitor\] .*thread/);
  await sleep(60);
  assert.deepEqual(server.registered, []);
  monitor.start('t1');
  await until(() => server.registered.length === 1, 'it is registered after all');
});

test('stop ends the pings, leaves the socket as it was, and start begins anew', async (t) => {
  const { server, socket, monitor } = await stage(t, { client: { transports: ['websocket'] }, pingInterval: 20 });
  const counts = () => [socket, socket.io, socket.io.engine].map((emitter) => Object.values(emitter._callbacks ?? {}).flat().length);
  await connected(socket);
  monitor.stop();
  const before = counts();
  for (let round = 1; round <= 3; ++round) {
    monitor.start('t1');
    monitor.start('t1');
    await until(() => server.pings.length >= round * 2, 'pings');
    assert.notDeepEqual(counts(), before);
    assert.equal(monitor.stop(), monitor);
    assert.equal(monitor.stop(), monitor);
    assert.deepEqual(counts(), before, 'no listener is left');
    await sleep(30);
    const count = server.pings.length;
    await sleep(80);
    assert.equal(server.pings.length, count, 'no ping after it');
    assert.deepEqual([monitor.isActive, monitor.session_id, socket.connected], [false, null, true]);
  }
});

for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
  test(`a connection that breaks comes back and is registered again: ${transports.join(', ')}`, async (t) => {
    const { server, socket, monitor } = await stage(t, { client: { transports }, pingInterval: 30 });
    monitor.start('t1');
    await until(() => server.pings.length > 0, 'a ping');
    const [{ session_id: first }] = server.registered;
    server.io.sockets.sockets.get(first).conn.close();
    await until(() => !socket.connected, 'the loss');
    assert.deepEqual([monitor.session_id, monitor.transport, monitor.isActive], [null, null, true]);
    await until(() => server.registered.length === 2, 'it is registered again');
    const second = server.registered[1];
    assert.equal(second.thread_id, 't1');
    assert.notEqual(second.session_id, first);
    await until(() => server.pings.some(({ session_id }) => session_id === second.session_id), 'a ping of the new one');
    assert.equal(monitor.session_id, second.session_id);
  });
}

test('after stop a connection that comes back is not registered', async (t) => {
  const { server, socket, monitor } = await stage(t);
  monitor.start('t1');
  await until(() => server.registered.length === 1, 'it is registered');
  monitor.stop();
  server.io.sockets.sockets.get(socket.id).conn.close();
  await until(() => !socket.connected, 'the loss');
  await connected(socket);
  await sleep(50);
  assert.equal(server.registered.length, 1);
});

test('an end that the server made is followed by a connection too, which socket.io-client alone does not do', async (t) => {
  const { server, socket, monitor } = await stage(t, { client: { transports: ['websocket'] } });
  monitor.start('t1');
  await until(() => server.registered.length === 1, 'it is registered');
  server.io.disconnectSockets();
  await until(() => !socket.connected, 'the end');
  assert.equal(socket.active, false, 'the socket would stay away');
  await until(() => server.registered.length === 2, 'it is registered again');
});

test('a server that always ends the connection is tried reconnectAttempts times in a row, and an answered ping counts anew', (t) => {
  const heard = listenToConsole(t);
  const time = moveTime(t);
  const socket = quietSocket();
  const monitor = new SessionMonitor(socket, { reconnectAttempts: 3, debug: true, thread_id: 't1' }).start();
  const end = () => { socket.connected = false; socket.hear('disconnect', 'io server disconnect'); };
  const comeBack = () => { socket.connected = true; socket.hear('connect'); socket.hear('session_registered', { session_id: 's' }); };
  for (const [count, delayMs] of [[1, 500], [2, 1000], [3, 2000]]) {
    end();
    time.pass(delayMs - 1);
    assert.equal(socket.connects, count - 1);
    time.pass(1);
    assert.equal(socket.connects, count);
    comeBack();
  }
  socket.hear('system_ping', { timestamp: 'then' });
  socket.emitted.at(-1)[2]({ pong: true });
  end();
  time.pass(500);
  assert.equal(socket.connects, 4, 'an answered ping was a success');
  comeBack();
  for (let n = 0; n < 3; ++n) { end(); time.pass(60_000); comeBack(); }
  assert.equal(socket.connects, 6);
  assert.match(heard.logged.join('\n'), /Gave up after 3 attempts/);
  monitor.stop().start('t1');
  end();
  assert.equal(time.timers.length, 1);
  socket.connected = true;
  socket.hear('connect');
  assert.deepEqual(time.timers, [], 'somebody else was faster');
  end();
  monitor.stop();
  assert.deepEqual([time.timers, socket.connects], [[], 6], 'stop calls it off');
});

test('no attempt is made after any other end, nor while it is not started', (t) => {
  const time = moveTime(t);
  const socket = quietSocket();
  const monitor = new SessionMonitor(socket, { reconnectAttempts: 5 });
  socket.hear('disconnect', 'io server disconnect');
  assert.deepEqual(time.timers, []);
  monitor.start('t1');
  for (const reason of ['io client disconnect', 'transport close', 'ping timeout']) {
    socket.hear('disconnect', reason);
    assert.deepEqual(time.timers, [], reason);
  }
  monitor.stop();
});

test('a ping of the server is answered with its own timestamp, and with one more ping', async (t) => {
  const { server, socket, monitor } = await stage(t);
  monitor.start('t1');
  await until(() => server.registered.length === 1, 'it is registered');
  server.io.to(socket.id).emit('system_ping', { timestamp: '2026-11-21T03:41:54.353638', message: 'Session activity check' });
  const [answer] = await until(() => server.pings.length === 1 && server.answers, 'the answer and the ping');
  assert.deepEqual([answer.thread_id, answer.timestamp], ['t1', '2026-11-21T03:41:54.353638']);
  assert.match(answer.received_at, isoTime);
  assert.deepEqual(Object.keys(answer), ['thread_id', 'timestamp', 'received_at']);
});

test('while there is no connection there is no ping, and no interval goes on', async () => {
  const socket = quietSocket();
  const monitor = new SessionMonitor(socket, { pingInterval: 15, thread_id: 't1' }).start();
  const pings = () => socket.emitted.filter(([event]) => event === 'ping').length;
  socket.hear('session_registered', { session_id: 's' });
  await until(() => pings() === 1, 'a ping');
  socket.connected = false;
  socket.hear('system_ping', { timestamp: 'then' });
  await sleep(40);
  assert.equal(pings(), 1);
  socket.connected = true;
  await until(() => pings() === 2, 'the interval went on, since nobody told of a loss');
  socket.hear('disconnect', 'transport close');
  await sleep(60);
  assert.equal(pings(), 2, 'after the loss was told it is gone');
  monitor.stop();
});

test('another registration restarts the interval, so that there is one', async () => {
  const socket = quietSocket();
  const monitor = new SessionMonitor(socket, { pingInterval: 100, thread_id: 't1' }).start();
  for (let n = 0; n < 6; ++n) {
    socket.hear('session_registered', { session_id: 's' });
    await sleep(30);
  }
  const pings = () => socket.emitted.filter(([event]) => event === 'ping').length;
  assert.equal(pings(), 0, 'each began anew');
  await sleep(120);
  assert.equal(pings(), 1);
  monitor.stop();
});

test('before it is started it leaves the registrations of others and the pings of the server to them', async () => {
  const socket = quietSocket();
  const monitor = new SessionMonitor(socket, { pingInterval: 10, thread_id: 't1' });
  socket.hear('connect');
  socket.hear('session_registered', { session_id: 's', thread_id: 'another' });
  socket.hear('system_ping', { timestamp: 'then' });
  await sleep(40);
  assert.deepEqual([socket.emitted, monitor.session_id], [[], null]);
  monitor.stop();
});

test('start with another thread changes to it, and stays with it over a loss', async (t) => {
  const { server, socket, monitor } = await stage(t, { thread_id: 't1', pingInterval: 20 });
  monitor.start();
  await until(() => server.registered.length === 1, 'it is registered');
  monitor.start('t2');
  await until(() => server.registered.length === 2, 'it is registered for the other');
  const count = server.pings.length;
  await until(() => server.pings.length > count + 1, 'pings');
  assert.equal(server.pings.at(-1).thread_id, 't2');
  server.io.sockets.sockets.get(socket.id).conn.close();
  await until(() => server.registered.length === 3, 'and again');
  assert.deepEqual(server.registered.map(({ thread_id }) => thread_id), ['t1', 't2', 't2']);
});

test('without debug the console hears nothing', async (t) => {
  const heard = listenToConsole(t);
  const { server, socket, monitor } = await stage(t, { pingInterval: 10 });
  monitor.start('t1');
  await until(() => server.pings.length > 1, 'pings');
  server.io.disconnectSockets();
  await until(() => !socket.connected, 'the end');
  monitor.stop();
  assert.deepEqual(heard, { logged: [], complained: [] });
});

test('attempts that fail are told, and that there will be no more', async (t) => {
  const heard = listenToConsole(t);
  const socket = clientOf(t, { url: 'http://127.0.0.1:9' }, { reconnectionAttempts: 2 });
  new SessionMonitor(socket, { debug: true }).start('t1');
  await until(() => heard.logged.some((line) => line.includes('Gave up reconnecting')), 'the last word');
  assert.ok(heard.logged.includes('[SessionMonitor] Reconnecting, attempt 2'), heard.logged.join('\n'));
  assert.equal(heard.logged.filter((line) => line.startsWith('[SessionMonitor] Connection error: ')).length, 3);
});

test('a socket without a manager will do, and what is none is refused, as is an interval that is none', () => {
  const socket = quietSocket();
  const monitor = new SessionMonitor(socket).start('t1');
  socket.hear('session_registered', undefined);
  assert.deepEqual([monitor.transport, monitor.session_id], [null, null]);
  assert.deepEqual(socket.emitted, [['register_session', { thread_id: 't1' }]]);
  monitor.stop();
  assert.equal(socket.listenerCount(), 0);
  for (const none of [undefined, null, {}, 'http://localhost']) assert.throws(() => new SessionMonitor(none), { name: 'TypeError', message: /io\(\)/ });
  for (const pingInterval of [0, -1, Number.NaN, Infinity, 2 ** 31, 'often']) {
    assert.throws(() => new SessionMonitor(socket, { pingInterval }), { name: 'RangeError', message: /pingInterval/ });
  }
  assert.equal(socket.listenerCount(), 0, 'and nothing is left of them');
});
