// The session monitor over the wire: how clients come in, what they are told, how they are kept and when they are let go.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { io } from 'socket.io-client';
import { chaosProxy } from './chaos_proxy.mjs';
import { binary, eventually, rawSocket, run, sleep, start, upgradeRequest } from './harness.mjs';
import { as, startKeyed, tokenOf } from './tracking_stage.mjs';
import { bothWays, connect, plainTime, member, onThread, once, openEngine, poll, sid, threadName, values, whileAway } from './monitor_stage.mjs';

let server; // of the dialect `monitor`
let keyed; // asks for tokens
let brisk; // looks after silent clients every second
before(async () => {
  [server, keyed, brisk] = await Promise.all([
    start({ listen: ['127.0.0.1:0=monitor'] }),
    startKeyed(),
    start({ config: '[monitor]\nwarn_after_s = 2\ndrop_after_s = 4\nsweep_s = 1\n' }),
  ]);
});
after(() => Promise.all([server?.stop(), keyed?.stop(), brisk?.stop()]));

const documented = { transports: bothWays, reconnectionAttempts: 5, reconnectionDelay: 1000, timeout: 10000, forceNew: true, path: '/socket.io' };

test('AMI-06 the documented options connect, begin on polling and are soon on a WebSocket', async (t) => {
  const client = await connect(t, server, { ...documented });
  assert.equal(client.first, 'polling');
  assert.match(client.id, sid);
  await client.upgraded();
  assert.equal((await client.ask('ping', {})).transport, 'websocket');
  assert.equal(client.all('connected').length, 1, 'the upgrade is not a second connection');
});

test('AMI-07 polling alone, a WebSocket alone, and both the other way round work as well', async (t) => {
  for (const transports of [['polling'], ['websocket'], ['websocket', 'polling']]) {
    const client = await connect(t, server, { transports });
    assert.equal(client.first, transports[0]);
    assert.equal(values(client, 'connected')[0].transport, transports[0]);
    await client.register(threadName());
    for (const value of ['x', 'ä🌍'.repeat(20000), { deep: [{ list: Array(2000).fill('entry') }] }]) {
      assert.equal((await client.ask('note', value)).status, 'ok');
      assert.deepEqual((await client.next('note')).args[0], value);
    }
    assert.equal((await client.ask('ping', {})).transport, transports[0], 'it stays there');
  }
});

test('AMI-07 an upgrade in the middle of many events loses none and keeps their order', async (t) => {
  const thread = threadName();
  const speaker = await member(t, server, thread, { transports: ['websocket'] });
  const client = await member(t, server, thread, { transports: bothWays });
  for (let n = 0; n < 150; n += 1) { speaker.emit('count', n); if (n % 10 === 0) await sleep(5); }
  await eventually(() => values(client, 'count').length >= 150, 'all have come');
  assert.deepEqual(values(client, 'count'), Array.from({ length: 150 }, (_, n) => n));
  await client.upgraded();
});

test('AMI-08 the documented port is 5001', async (t) => {
  const checked = await run(binary, ['serve', '--check-config', '--json', '--documented-ports', '--data', server.data]);
  assert.equal(checked.code, 0, checked.stderr);
  assert.match(checked.stdout, /localhost:5001=monitor|"5001"|5001/);
  const free = (port) => new Promise((resolve) => {
    const probe = net.createServer().once('error', () => resolve(false)).listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
  if (!(await Promise.all([5409, 8000, 5001].map(free))).every(Boolean)) return t.skip('a documented port is somebody else\'s at present');
  const whole = await start({ listen: [], args: ['--documented-ports'] });
  t.after(() => whole.stop());
  const client = await connect(t, whole, { url: 'http://localhost:5001', ...documented });
  assert.equal((await client.register('your_conversation_thread_id')).thread_id, 'your_conversation_thread_id');
});

test('the door is on every listener, and the small answers of the documented server are on its own', async (t) => {
  await connect(t, keyed, { auth: { token: await tokenOf(keyed) } });
  await connect(t, brisk);
  const greeting = await server.get('/');
  assert.deepEqual([greeting.status, /^text\/(plain|html)\b/.test(greeting.headers['content-type']), greeting.text.length > 0], [200, true, true]);
  const pong = await server.send('POST', '/ping', '');
  assert.deepEqual([pong.status, pong.text], [200, 'Pong']);
});

test('AMI-24 a client is greeted with what it is called and how it is connected', async (t) => {
  const client = await connect(t, server, { transports: ['polling'] });
  const { args } = await client.next('connected');
  const [told] = args;
  assert.deepEqual(Object.keys(told), ['status', 'session_id', 'transport', 'server_time']);
  assert.deepEqual([told.status, told.session_id, told.transport], ['connected', client.id, 'polling']);
  assert.match(told.server_time, plainTime);
  assert.notEqual((await connect(t, server)).id, client.id);
});

test('AMI-24 register_session is answered with the thread, also one that the server makes up', async (t) => {
  const client = await connect(t, server, { transports: ['websocket'] });
  const thread = threadName();
  const told = await client.register(thread, { user_id: 'ana' });
  assert.deepEqual(Object.fromEntries(['status', 'thread_id', 'session_id', 'transport', 'is_in_room'].map((key) => [key, told[key]])),
    { status: 'ready', thread_id: thread, session_id: client.id, transport: 'websocket', is_in_room: true });
  assert.equal('missed_messages' in told, false, 'nothing was missed');
  assert.equal(typeof client.offset, 'string', 'it has a place in the log');
  for (const nothing of [{}, { thread_id: '' }, { thread_id: null }]) {
    const other = await connect(t, server);
    other.emit('register_session', nothing);
    const { args: [made] } = await other.next('session_registered');
    assert.match(made.thread_id, /^thread_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, JSON.stringify(nothing));
  }
});

test('AMI-25 a ping is acknowledged with the session, thread and transport; without an acknowledgement there is a pong', async (t) => {
  const client = await connect(t, server, { transports: ['websocket'] });
  const early = await client.ask('ping', { thread_id: 'x', timestamp: '2026-02-24T19:22:16.015Z' });
  assert.deepEqual(Object.keys(early), ['pong', 'timestamp', 'session_id', 'thread_id', 'transport']);
  assert.deepEqual([early.pong, early.session_id, early.transport], [true, client.id, 'websocket']);
  const thread = threadName();
  await client.register(thread);
  const { timestamp, ...rest } = await client.ask('ping', { thread_id: thread, timestamp: '2026-02-24T19:22:16.015Z' });
  assert.match(timestamp, plainTime);
  assert.deepEqual(rest, { pong: true, session_id: client.id, thread_id: thread, transport: 'websocket' });
  assert.equal(client.all('pong').length, 0, 'who asked for an acknowledgement gets no event');
  client.emit('ping', { thread_id: thread, timestamp: '2026-02-24T19:22:16.015Z' });
  const { args: [pong] } = await client.next('pong');
  assert.deepEqual([Object.keys(pong), pong.thread_id, typeof pong.timestamp], [['thread_id', 'timestamp'], thread, 'string']);
  assert.equal((await client.ask('ping')).pong, true, 'a ping needs to say nothing');
});

test('AMI-25 client_info that comes with a ping is kept', async (t) => {
  const thread = threadName();
  const client = await member(t, server, thread);
  const info = { transport: 'websocket', url: 'http://127.0.0.1/page', tags: ['a', 1] };
  await client.ask('ping', { thread_id: thread, timestamp: new Date().toISOString(), client_info: info });
  await client.ask('ping', { thread_id: thread });
  assert.deepEqual((await onThread(server, thread))[0].client_info, info);
});

test('AMI-25 the other documented requests have their documented answers', async (t) => {
  const client = await connect(t, server, { transports: ['websocket'] });
  const known = await client.ask('system_ping_response', { thread_id: 'x', timestamp: 't', received_at: 'u' });
  assert.deepEqual([Object.keys(known), known.status], [['status', 'timestamp'], 'acknowledged']);
  assert.match(known.timestamp, plainTime);

  const status = async () => { client.emit('debug_socket_status'); return (await client.next('debug_status')).args[0]; };
  const before = await status();
  assert.deepEqual(Object.keys(before), ['session_id', 'thread_id', 'session_count', 'thread_counts', 'is_registered', 'timestamp']);
  assert.deepEqual([before.session_id, before.thread_id, before.is_registered], [client.id, null, false]);
  assert.match(before.timestamp, plainTime);
  const thread = threadName();
  await client.register(thread);
  await member(t, server, thread);
  const { thread_id: now, thread_counts: counts, is_registered: registered, session_count: count } = await status();
  assert.deepEqual([now, counts[thread], registered, count >= 2], [thread, 2, true, true]);

  for (const nothing of [{}, undefined, 'x', 7, null, []]) {
    client.emit('force_room_join', ...(nothing === undefined ? [] : [nothing]));
    assert.deepEqual((await client.next('error')).args[0], { message: 'Missing thread_id parameter' }, JSON.stringify(nothing));
  }
  client.emit('force_room_join', { thread_id: 'other' });
  assert.deepEqual((await client.next('room_joined')).args[0], { thread_id: 'other', session_id: client.id, success: true });
});

test('what makes no sense as a request harms nobody', async (t) => {
  const client = await connect(t, server, { transports: ['websocket'] });
  for (const name of ['ping', 'register_session', 'system_ping_response', 'request_missed_messages', 'debug_socket_status']) {
    for (const value of ['text', 7, null, [], { thread_id: 7 }, { thread_id: { a: 1 } }, { thread_id: 'x'.repeat(100_000) }, Buffer.from('bytes')]) client.emit(name, value);
  }
  assert.equal((await client.ask('ping', {})).pong, true);
  assert.equal(client.socket.connected, true);
  server.assertUnharmed();
});

test('AMI-02 the transport that is shown is the present one, before the upgrade and after it', async (t) => {
  const thread = threadName();
  const client = await connect(t, server, { ...documented });
  assert.equal(values(client, 'connected')[0].transport, 'polling');
  await client.register(thread);
  await client.upgraded();
  assert.equal((await client.ask('ping', {})).transport, 'websocket');
  assert.equal((await onThread(server, thread))[0].transport, 'websocket');
  assert.equal((await client.register(thread)).transport, 'websocket');
  const lines = server.log().split('\n').filter((line) => line.includes('[SESSION_TRACE]') && line.includes(client.id));
  assert.ok(lines.some((line) => /polling/.test(line)), 'the log tells how it came');
  assert.ok(lines.some((line) => /websocket/.test(line)), 'and that it went on to a WebSocket');
  const still = await member(t, server, thread, { transports: ['polling'] });
  assert.equal((await onThread(server, thread)).find((each) => each.session_id === still.id).transport, 'polling');
});

for (const transports of [['polling'], ['websocket'], bothWays]) {
  test(`AMI-03 after a drop a client on ${transports.join(' and ')} comes back by itself and registers as before`, async (t) => {
    const wire = await chaosProxy(t, server);
    const thread = threadName();
    const client = await connect(t, server, { ...documented, url: wire.url, transports, reconnectionDelay: 50 });
    client.socket.on('connect', () => client.emit('register_session', { thread_id: thread })); // as the documented client does
    await client.register(thread);
    if (transports.length === 2) await client.upgraded();
    for (let round = 1; round <= 3; round += 1) {
      await whileAway(client, wire);
      await eventually(() => client.all('session_registered').length === 1 + round, 'it is registered again');
      assert.deepEqual((await onThread(server, thread)).map(({ session_id: id }) => id), [client.id], 'once, and under its present name');
      await client.ask('note', round);
    }
    await client.settle();
    assert.deepEqual(values(client, 'note'), [1, 2, 3], 'each event came once');
  });
}

test('AMI-01 AMI-04 AMI-24 a silent client is asked and then dropped; whoever pings, answers, or hears of its thread stays', async (t) => {
  const options = { reconnection: false };
  const [silent, pinging, answering, hearing, speaker] = await Promise.all(Array.from({ length: 5 }, () => member(t, brisk, threadName(), options)));
  const listeners = await Promise.all([silent, pinging, answering, hearing].map(({ registered }) => registered.thread_id));
  const other = await member(t, brisk, hearing.registered.thread_id, options);
  answering.socket.on('system_ping', ({ timestamp }) => answering.emit('system_ping_response', { thread_id: listeners[2], timestamp, received_at: new Date().toISOString() }));
  const alive = setInterval(() => {
    pinging.emit('ping', { thread_id: listeners[1] }, () => {});
    other.emit('note', 1);
    speaker.emit('ping', {}, () => {});
  }, 500);
  t.after(() => clearInterval(alive));
  const present = async (n) => (await onThread(brisk, listeners[n])).length;
  await eventually(async () => await present(0) === 0, 'the silent one is dropped', 9000);
  await sleep(2000);
  assert.deepEqual([await present(1), await present(2), await present(3)], [1, 1, 2]);
  assert.ok(silent.all('system_ping').length >= 1, 'it was asked before');
  for (const told of values(silent, 'system_ping')) {
    assert.deepEqual([Object.keys(told), told.message], [['timestamp', 'message'], 'Session activity check']);
    assert.match(told.timestamp, plainTime);
  }
  assert.ok(answering.all('system_ping').length >= 2, 'who only answers is asked again');
  assert.deepEqual([pinging.all('system_ping'), hearing.all('system_ping')], [[], []], 'who is active is not asked');
});

test('AMI-04 who was dropped is not in its thread again by itself, and may register anew', async (t) => {
  const thread = threadName();
  const silent = await member(t, brisk, thread);
  await eventually(async () => (await onThread(brisk, thread)).length === 0, 'it is dropped', 9000);
  await sleep(1000); // a stock client has come back by now, if the connection ended
  assert.deepEqual(await onThread(brisk, thread), []);
  const other = await member(t, brisk, thread);
  await other.ask('note', 1);
  await sleep(50);
  assert.deepEqual(silent.all('note'), [], 'it hears no more of it');
  if (!silent.socket.connected) silent.socket.connect();
  assert.equal((await silent.register(thread)).status, 'ready');
  await other.ask('note', 2);
  await silent.settle();
  assert.deepEqual(values(silent, 'note'), [1, 2], 'what it missed, too');
});

const refusal = (code, message) => JSON.stringify({ code, message });

test('AMI-21 an older revision of the protocol is refused, cleanly, on both transports', async () => {
  for (const query of [{ EIO: 3 }, { EIO: 2 }, { EIO: 5 }, { EIO: 'abc' }, { EIO: '' }]) {
    const answer = await poll(server, query);
    assert.deepEqual([answer.status, answer.text], [400, refusal(5, 'Unsupported protocol version')], JSON.stringify(query));
    assert.match(answer.headers['content-type'], /^application\/json\b/);
    const raw = await rawSocket(server.port);
    raw.send(upgradeRequest(server.port, { target: `/socket.io/?EIO=${query.EIO}&transport=websocket` }));
    const text = (await raw.readUntilClose()).toString('latin1');
    assert.match(text, /^HTTP\/1\.1 400 /, 'never a WebSocket that then speaks HTTP');
    assert.equal(text.match(/HTTP\/1\.1/g).length, 1);
  }
  const without = await server.get('/socket.io/?transport=polling');
  assert.deepEqual([without.status, without.json?.code], [400, 5]);
});

test('AMI-21 where it is allowed, a client of that revision gets an engine of its kind', async (t) => {
  const old = await start({ config: '[monitor]\neio3 = true\n' });
  t.after(() => old.stop());
  const answer = await poll(old, { EIO: 3 });
  assert.equal(answer.status, 200, answer.text);
  const [, length, packet] = /^(\d+):(0\{.*?\})/.exec(answer.bytes.toString('utf8')) ?? assert.fail(answer.text);
  assert.equal(Number(length), packet.length);
  assert.match(JSON.parse(packet.slice(1)).sid, /./);
  await connect(t, old, { ...documented });
});

test('requests that make no engine say what is wrong', async () => {
  for (const [query, code, message] of [
    [{ transport: '' }, 0, 'Transport unknown'], [{ transport: 'carrier-pigeon' }, 0, 'Transport unknown'],
    [{ sid: 'AAAAAAAAAAAAAAAAAAAA' }, 1, 'Session ID unknown'], [{ transport: 'websocket' }, 3, 'Bad request'],
  ]) {
    const answer = await poll(server, query);
    assert.deepEqual([answer.status, answer.text], [400, refusal(code, message)], JSON.stringify(query));
  }
  const posted = await poll(server, {}, { method: 'POST', body: '40' });
  assert.deepEqual([posted.status, posted.text], [400, refusal(2, 'Bad handshake method')]);
});

test('the handshake tells the configured heartbeat and size, and nothing else', async (t) => {
  const tuned = await start({ config: '[limits]\nping_ms = 1200\npong_ms = 700\nmessage_bytes = 5000\n' });
  t.after(() => tuned.stop());
  const { sid: id, ...rest } = await openEngine(tuned);
  assert.match(id, sid);
  assert.deepEqual(rest, { upgrades: ['websocket'], pingInterval: 1200, pingTimeout: 700, maxPayload: 5000 });
  assert.deepEqual((({ pingInterval, pingTimeout, maxPayload }) => [pingInterval, pingTimeout, maxPayload])(await openEngine(server)), [25000, 20000, 1000000]);
});

test('only the root namespace is there', async (t) => {
  await assert.rejects(connect(t, server, { url: `${server.url}/admin` }), { message: 'Invalid namespace' });
});

test('with a key a client brings a token, in its greeting or in a header', async (t) => {
  const token = await tokenOf(keyed);
  for (const auth of [undefined, {}, { token: '' }, { token: 'wrong' }, { token: 7 }]) {
    const refused = await connect(t, keyed, { auth, reconnection: false }).then(() => assert.fail('it was let in'), (error) => error);
    assert.deepEqual([refused.data?.code, typeof refused.message], ['unauthenticated', 'string'], JSON.stringify(auth));
    assert.ok(!refused.message.includes('wrong'));
  }
  for (const options of [{ auth: { token } }, { extraHeaders: await as(keyed) }]) {
    for (const transports of [['polling'], ['websocket'], bothWays]) {
      const client = await connect(t, keyed, { transports, ...options });
      assert.equal((await client.register(threadName())).status, 'ready');
    }
  }
  assert.ok(!keyed.log().includes(token), 'no log has it');
});

test('without a key a wrong token is refused all the same', async (t) => {
  const refused = await connect(t, server, { auth: { token: 'wrong' }, reconnection: false }).then(() => assert.fail('it was let in'), (error) => error);
  assert.equal(refused.data?.code, 'unauthenticated');
});

test('pages of other origins get no engine, on either transport', async () => {
  for (const headers of [{ Origin: 'http://evil.test' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' }, { Host: 'evil.test' }]) {
    assert.equal((await poll(server, {}, { headers })).status, 403, JSON.stringify(headers));
  }
  const raw = await rawSocket(server.port);
  raw.send(upgradeRequest(server.port, { target: '/socket.io/?EIO=4&transport=websocket', headers: ['Origin: http://evil.test'] }));
  assert.match((await raw.readUntilClose()).toString('latin1'), /^HTTP\/1\.1 403 /);
  const { sid: id } = await openEngine(server);
  assert.equal((await poll(server, { sid: id }, { method: 'POST', body: '40', headers: { Origin: 'http://evil.test' } })).status, 403, 'nor may they speak on one');
});

test('an allowed origin is echoed to, and no other', async (t) => {
  const open = await start({ args: ['--allow-origin', 'http://app.test'] });
  t.after(() => open.stop());
  const answer = await poll(open, {}, { headers: { Origin: 'http://app.test' } });
  assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [200, 'http://app.test']);
  assert.match(answer.headers.vary, /\bOrigin\b/i);
  assert.equal((await poll(open, {})).headers['access-control-allow-origin'], undefined);
});

test('a client that leaves is gone at once, and one that is let go knows why when the server ends', async (t) => {
  const thread = threadName();
  const leaving = await member(t, server, thread);
  leaving.socket.disconnect();
  await eventually(async () => (await onThread(server, thread)).length === 0, 'it is gone');
  const ending = await start();
  const client = await connect(t, ending, { reconnection: false });
  const reason = once(client, 'disconnect');
  await ending.stop();
  assert.ok(['transport close', 'transport error'].includes(await reason), 'a reason after which clients come back by themselves');
});

test('the client of old options needs nothing else: io() with an address alone', async (t) => {
  const socket = io(server.url);
  t.after(() => socket.disconnect());
  const [told] = await new Promise((resolve) => { socket.once('connected', (...args) => resolve(args)); });
  assert.equal(told.session_id, socket.id);
});
