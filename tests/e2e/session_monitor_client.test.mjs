// SessionMonitor on sockets of the stock client, against the real binary.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { chaosProxy } from './chaos_proxy.mjs';
import { eventually, run, sleep } from './harness.mjs';
import { clientOf, installMonitor, listen, listenToConsole, openStage, sessionsOf } from './session_monitor_stage.mjs';

let place;
let SessionMonitor;
before(async () => {
  place = await installMonitor();
  SessionMonitor = place.require('./session_monitor.js');
});
after(() => place.remove());

/** A stage, a client and a monitor that has not been started; `ears` is what the socket hears. */
async function stage(t, { config, client, ...options } = {}) {
  const { server } = await openStage(t, config);
  const socket = clientOf(t, server, client);
  const ears = listen(socket);
  const monitor = new SessionMonitor(socket, options);
  t.after(() => monitor.stop());
  return { server, socket, ears, monitor };
}

const idle = '\n[monitor]\nwarn_after_s = 1\ndrop_after_s = 3\nsweep_s = 1\n';
const ids = async (server, thread) => (await sessionsOf(server, thread)).map(({ session_id }) => session_id);
const kinds = [['polling only', ['polling']], ['WebSocket only', ['websocket']], ['polling, then an upgrade', ['polling', 'websocket']]];

for (const [name, transports] of kinds) {
  test(`AMI-07 AMI-02 ${name}: the monitor registers, its pings are answered, and both sides name the present transport`, async (t) => {
    const heard = listenToConsole(t);
    const { server, socket, ears, monitor } = await stage(t, { client: { transports }, pingInterval: 150, debug: true });
    assert.equal(monitor.start('t1'), monitor);
    const registered = await ears.next('session_registered');
    assert.deepEqual([registered.status, registered.thread_id, registered.session_id, registered.is_in_room], ['ready', 't1', socket.id, true]);
    const last = transports.at(-1);
    await eventually(() => monitor.transport === last, `the transport is ${last}`);
    await eventually(async () => (await sessionsOf(server, 't1'))[0]?.transport === last, `the server says ${last} too`);
    await eventually(() => heard.logged.filter((line) => line.includes('] Pong after ')).length >= 2, 'pongs');
    assert.equal((await ears.next('connected')).session_id, socket.id);
    assert.equal(monitor.session_id, socket.id);
  });
}

test('AMI-05 the two files work from CommonJS: both ways to require it, and the example asks, prints what comes, and ends', async (t) => {
  const { server } = await openStage(t);
  const { SessionMonitor: named } = place.require('./session_monitor.js');
  assert.equal(named, SessionMonitor);
  const { code, stdout, stderr, ms } = await run(process.execPath, ['example-usage.js', server.url, 't5', 'Is this a question?'], { cwd: place.folder });
  assert.equal(code, 0, stdout + stderr);
  const lines = stdout.split('\n');
  const updates = lines.filter((line) => line.startsWith('analysis_update ')).map((line) => JSON.parse(line.slice('analysis_update '.length)));
  assert.match(updates.map(({ content }) => content).join(' '), /4 words.*a question/, 'the analysis comes to the thread');
  for (const update of updates) assert.equal(update.type, 'analysis');
  assert.deepEqual(lines.filter((line) => line.startsWith('message ')), ['message You said: Is this a question?', 'message This program knows nothing more to say.']);
  assert.ok(lines.some((line) => line.startsWith('session_registered {"status":"ready","thread_id":"t5"')), stdout);
  assert.ok(ms < 10_000, `nothing keeps it for ${ms} ms`);
  await eventually(async () => (await ids(server, 't5')).length === 0, 'it is gone');
});

test('AMI-05 the example in its README prints what it says and ends', async (t) => {
  const { server } = await openStage(t);
  const text = await readFile(path.join(place.folder, 'README.md'), 'utf8');
  const [example, ...others] = [...text.matchAll(/^```js\n([^]*?)^```/gm)].map(([, code]) => code);
  assert.deepEqual(others, []);
  await writeFile(path.join(place.folder, 'readme.js'), example.replace('http://localhost:5001', server.url));
  const { code, stdout, stderr } = await run(process.execPath, ['readme.js'], { cwd: place.folder });
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trimEnd().split('\n'), [...example.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line));
});

test('AMI-09 AMI-01 AMI-04 a ping every pingInterval keeps a session that is swept away without', async (t) => {
  const { server, socket, ears, monitor } = await stage(t, { config: idle, thread_id: 't9', pingInterval: 300 });
  const silent = clientOf(t, server);
  silent.on('connect', () => silent.emit('register_session', { thread_id: 't9' }));
  const silentEars = listen(silent);
  monitor.start();
  const registered = await ears.next('session_registered');
  await silentEars.next('session_registered');
  assert.equal((await sessionsOf(server, 't9')).length, 2);
  await silentEars.next('system_ping');
  await eventually(async () => (await sessionsOf(server, 't9')).length === 1, 'the silent one is swept away', 8000);
  assert.deepEqual(await ids(server, 't9'), [registered.session_id]);
  assert.deepEqual([socket.connected, ears.all('system_ping')], [true, []], 'nobody had to ask it');
});

test('AMI-09 AMI-04 a monitor that pings rarely is asked by the server, and its answer keeps the session', async (t) => {
  const { server, ears, monitor } = await stage(t, { config: idle, pingInterval: 60_000 });
  monitor.start('t4');
  const { session_id } = await ears.next('session_registered');
  await ears.next('system_ping', 2, 15_000);
  assert.deepEqual(await ids(server, 't4'), [session_id]);
});

test('AMI-09 the debug option and a thread id set later', async (t) => {
  const heard = listenToConsole(t);
  const { ears, monitor } = await stage(t, { debug: false });
  monitor.thread_id = 'later';
  assert.equal(monitor.start(), monitor);
  assert.equal((await ears.next('session_registered')).thread_id, 'later');
  assert.deepEqual(heard, { logged: [], complained: [] });
  monitor.debug = true;
  monitor.stop();
  assert.deepEqual(heard.logged, ['[SessionMonitor] Stopped for thread later']);
});

test('AMI-10 start takes a thread or that of the constructor, before the connection as after it, and can change it', async (t) => {
  const { server, socket, ears, monitor } = await stage(t, { thread_id: 'first' });
  assert.equal(monitor.start(), monitor);
  assert.equal((await ears.next('session_registered')).thread_id, 'first');
  assert.ok(socket.connected);
  assert.equal(monitor.start('second'), monitor);
  assert.equal((await ears.next('session_registered', 1)).thread_id, 'second');
  assert.deepEqual([await ids(server, 'first'), await ids(server, 'second')], [[], [socket.id]]);
});

test('AMI-11 stop ends the pings, and disconnecting then ends the session', async (t) => {
  const { server, socket, ears, monitor } = await stage(t, { pingInterval: 100 });
  monitor.start('t11');
  await ears.next('session_registered');
  const last = async () => (await sessionsOf(server, 't11'))[0].last_activity;
  const began = await last();
  await eventually(async () => await last() !== began, 'pings are seen');
  assert.equal(monitor.stop(), monitor);
  await sleep(200);
  const stopped = await last();
  await sleep(500);
  assert.equal(await last(), stopped, 'no ping since');
  assert.equal(socket.connected, true);
  socket.disconnect();
  await eventually(async () => (await ids(server, 't11')).length === 0, 'it is gone');
});

test('AMI-12 start without any thread id complains and does not register', async (t) => {
  const heard = listenToConsole(t);
  const { server, socket, ears, monitor } = await stage(t);
  assert.equal(monitor.start(), undefined);
  await ears.next('connected');
  assert.equal(monitor.start(), undefined);
  assert.equal(heard.complained.length, 2);
  const asked = await new Promise((resolve) => { socket.once('debug_status', resolve); socket.emit('debug_socket_status'); });
  assert.equal(asked.is_registered, false);
  assert.deepEqual(ears.all('session_registered'), []);
  assert.equal((await server.get('/debug/all-sessions')).json.socketio_sessions.active_threads.length, 0);
});

for (const [name, transports] of kinds) {
  test(`AMI-03 a connection that is cut comes back and is registered again: ${name}`, async (t) => {
    const { server } = await openStage(t);
    const way = await chaosProxy(t, server);
    const socket = clientOf(t, way, { transports, reconnectionDelay: 200 });
    const ears = listen(socket);
    const monitor = new SessionMonitor(socket, { pingInterval: 200, thread_id: 't3' }).start();
    t.after(() => monitor.stop());
    await ears.next('session_registered');
    for (let cuts = 1; cuts <= 2; ++cuts) {
      await eventually(() => monitor.transport === transports.at(-1), 'the last transport');
      // Between two polls there may be nothing to cut.
      await eventually(() => { way.cut(); return !socket.connected; }, 'the loss is noticed');
      const { thread_id, session_id } = await ears.next('session_registered', cuts);
      assert.deepEqual([thread_id, session_id, monitor.session_id], ['t3', socket.id, socket.id]);
    }
    await eventually(async () => (await ids(server, 't3')).includes(socket.id), 'the server has it in the thread');
    const asked = await server.post('/havefun', { user_input: 'Still there', thread_id: 't3', use_websocket: true });
    assert.equal(asked.status, 200);
    assert.match((await ears.next('analysis_update')).content, /word/);
  });
}

test('AMI-20 the console tells of connection, transport, registration, pings and the loss', async (t) => {
  const heard = listenToConsole(t);
  const { server } = await openStage(t);
  const way = await chaosProxy(t, server);
  const socket = clientOf(t, way, { reconnectionDelay: 50 });
  const monitor = new SessionMonitor(socket, { pingInterval: 100, debug: true }).start('t20');
  t.after(() => monitor.stop());
  const told = (text) => eventually(() => heard.logged.some((line) => line.startsWith(`[SessionMonitor] ${text}`)), `${text}: ${heard.logged.join('\n')}`, 5000);
  for (const text of ['Opened over polling', 'Connected over ', 'Upgraded to websocket', 'Registered thread t20 as session ', 'Ping for thread t20 over websocket', 'Pong after ']) await told(text);
  await eventually(() => { way.cut(); return !socket.connected; }, 'the loss is noticed');
  for (const text of ['Disconnected: transport ', 'Reconnecting, attempt 1']) await told(text);
});
