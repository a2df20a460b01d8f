// Stock Socket.IO clients over a network that fails: who comes back is who it was, in the session it was in, and hears
// what it missed, each event once and in order; or one gap. Nobody else can be it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chaosProxy } from './chaos_proxy.mjs';
import { eventually, sleep, start } from './harness.mjs';
import { as, createSession, postEvent, startKeyed, tokenOf, watch } from './tracking_stage.mjs';
import { bothWays, connect, logged, member, newThread, onThread, once, values, whileAway } from './monitor_stage.mjs';

let server;
let keyed;
before(async () => { [server, keyed] = await Promise.all([start({ config: '[limits]\nmessages_per_s = 0\nclose_ms = 500\n' }), startKeyed()]); });
after(() => Promise.all([server?.stop(), keyed?.stop()]));

const count = (n, from = 0) => Array.from({ length: n }, (_, at) => from + at);
const post = (session, data, one = server, headers = {}) => postEvent(one, session, { type: 'note', data }, headers);
const ways = [['polling'], ['websocket'], bothWays];
const said = async (session) => (await server.get(`/api/v1/sessions/${session}/events?limit=1000`)).json.events.filter(({ type }) => type === 'note').map(({ data }) => data);

/** A registered client behind a network of its own, on the transport it ends up with. */
async function behind(t, { on = server, transports = bothWays, ...options } = {}) {
  const wire = await chaosProxy(t, on);
  const made = await newThread(t, on, { url: wire.url, transports, ...options });
  if (transports.length === 2) await made.client.upgraded();
  return { ...made, wire };
}

for (const transports of ways) {
  const name = transports.join(' and ');
  test(`${name}: a client that heard nothing before the drop is recovered, with all it missed`, async (t) => {
    const { client, session, thread, wire } = await behind(t, { transports });
    const { id } = client;
    await whileAway(client, wire, async () => { for (const n of count(5)) await post(session, n); });
    assert.deepEqual([client.socket.recovered, client.id], [true, id]);
    await eventually(() => client.all('note').length >= 5, 'what it missed comes');
    await post(session, 5);
    await client.settle();
    assert.deepEqual(values(client, 'note'), count(6));
    assert.equal(client.all('session_registered').length, 1, 'it need not register again');
    assert.deepEqual((await onThread(server, thread)).map((each) => each.session_id), [id]);
    assert.equal((await client.ask('note', 6)).status, 'ok', 'and may speak at once');
  });

  test(`${name}: it is recovered again and again, whatever it heard and said before`, async (t) => {
    const { client, session, wire } = await behind(t, { transports });
    const { id } = client;
    let n = 0;
    for (const round of count(5)) {
      // One that is cut off in the middle of its upgrade finds out by its heartbeat only: the client's own way.
      if (transports.length === 2) await client.upgraded();
      if (round % 2 === 0) await post(session, n++);
      if (round === 3) await client.ask('note', n++);
      await whileAway(client, wire, async () => { for (let more = round; more > 0; more -= 1) await post(session, n++); });
      assert.deepEqual([client.socket.recovered, client.id], [true, id], `round ${round}`);
      await eventually(() => client.all('note').length >= n, `what it missed in round ${round}`);
    }
    await client.settle();
    assert.deepEqual(values(client, 'note'), count(n));
  });

  test(`${name}: who comes back takes over from its half-open predecessor`, async (t) => {
    const { client, session, thread, wire } = await behind(t, { transports });
    const { id } = client;
    await sleep(50);
    const old = wire.blackHole();
    wire.refuse(true);
    client.socket.io.engine.close();
    await post(session, 0);
    await sleep(100);
    assert.equal((await onThread(server, thread)).length, 1, 'for the server the old connection is still there');
    const back = once(client, 'connect');
    wire.refuse(false);
    await back;
    assert.deepEqual([client.socket.recovered, client.id], [true, id]);
    await post(session, 1);
    await eventually(() => client.all('note').length >= 2, 'both come');
    await client.settle();
    assert.deepEqual(values(client, 'note'), [0, 1]);
    if (!transports.includes('polling')) await eventually(() => old.every(({ far }) => far.readableEnded || far.destroyed), 'the old connection is closed', 2000);
    assert.deepEqual((await onThread(server, thread)).map((each) => each.session_id), [id]);
    assert.equal((await server.get(`/api/v1/sessions/${session}/connections`)).json.count, 1);
  });
}

test('a client that had not registered is a new one, and knows that it has to register', async (t) => {
  const wire = await chaosProxy(t, server);
  const client = await connect(t, server, { url: wire.url });
  const { id } = client;
  await whileAway(client, wire);
  assert.equal(client.socket.recovered, false);
  assert.notEqual(client.id, id);
  client.emit('debug_socket_status');
  assert.equal((await client.next('debug_status')).args[0].is_registered, false);
});

test('after a long silence, and after a long life without an event, a client is recovered as well', async (t) => {
  const quick = await start({ config: '[limits]\nping_ms = 200\npong_ms = 200\n' });
  t.after(() => quick.stop());
  const { client, session, thread, wire } = await behind(t, { on: quick });
  const { id } = client;
  await sleep(2500); // twelve heartbeats
  assert.equal(client.socket.connected, true);
  const gone = once(client, 'disconnect');
  wire.blackHole();
  wire.refuse(true);
  assert.match(await gone, /ping timeout|transport/);
  await eventually(async () => (await onThread(quick, thread)).length === 0, 'the server gave it up');
  for (const n of count(3)) await post(session, n, quick);
  await sleep(1500);
  const back = once(client, 'connect');
  wire.refuse(false);
  await back;
  assert.deepEqual([client.socket.recovered, client.id], [true, id]);
  await eventually(() => client.all('note').length >= 3, 'what it missed comes');
  await client.settle();
  assert.deepEqual(values(client, 'note'), count(3));
});

test('packets that are acknowledged, both ways, do not disturb recovery', async (t) => {
  const { client, session, wire } = await behind(t);
  const calls = [];
  client.socket.on('client_tool_call', (call, answer) => { calls.push(call.parameters.n); answer({ done: true }); });
  await client.ask('offer', { tools: ['work'] });
  const agent = await watch(t, server, session, { token: null });
  const call = async (id) => {
    agent.send({ type: 'client_tool_call', tool_name: 'work', tool_call_id: id, parameters: { n: id } });
    return (await agent.nextOf('client_tool_result')).is_error;
  };
  assert.equal(await call('t1'), false);
  const ack = await client.ask('note', 0);
  const answers = [];
  await whileAway(client, wire, async () => {
    await post(session, 1);
    client.socket.emit('note', 2, (answer) => answers.push(answer)); // waits in the client
  });
  assert.equal(client.socket.recovered, true);
  await eventually(() => answers.length === 1, 'what waited is acknowledged');
  assert.deepEqual([answers[0].status, answers[0].seq > ack.seq], ['ok', true]);
  await client.settle();
  assert.deepEqual(values(client, 'note'), [0, 1, 2]);
  assert.deepEqual(await said(session), [0, 1, 2]);
  assert.deepEqual(calls, ['t1'], 'no call is made a second time');
  await client.ask('offer', { tools: ['work'] });
  assert.equal(await call('t2'), false, 'and calls go on');
});

test('a client that registers again whenever it connects hears nothing twice', async (t) => {
  const { client, session, thread, wire } = await behind(t);
  client.socket.on('connect', () => client.emit('register_session', { thread_id: thread }));
  await whileAway(client, wire, async () => { for (const n of count(4)) await post(session, n); });
  await eventually(() => client.all('session_registered').length === 2, 'it is registered again');
  await post(session, 4);
  await client.settle();
  assert.deepEqual(values(client, 'note'), count(5));
  await whileAway(client, wire, () => post(session, 5));
  await eventually(() => client.all('note').length >= 6, 'and that can be recovered from');
  assert.deepEqual(values(client, 'note'), count(6));
});

test('a client that missed more than may wait for it, and registers again at once, gets all of it', async (t) => {
  const { client, thread, wire } = await behind(t);
  const speaker = await member(t, server, thread, { transports: ['websocket'] });
  client.socket.on('connect', () => client.emit('register_session', { thread_id: thread }));
  await whileAway(client, wire, async () => {
    for (const n of count(1500)) {
      if (n % 100 === 99) await speaker.ask('note', [n, 'x'.repeat(1000)]); // who only speaks is too slow a reader
      else speaker.emit('note', [n, 'x'.repeat(1000)]);
    }
    await speaker.ask('note', [1500, 'last']);
  });
  await eventually(() => client.all('note').length >= 1501, 'everything comes', 10_000);
  await client.settle();
  assert.deepEqual(values(client, 'note').map(([n]) => n), count(1501));
});

test('when the log does not go back so far, there is one gap with the state, and then life goes on', async (t) => {
  const tight = await start({ config: '[limits]\nlog_events = 10\n' });
  t.after(() => tight.stop());
  const { client, session, wire } = await behind(t, { on: tight });
  const { id } = client;
  await post(session, 'before', tight);
  await client.next('note');
  const mark = client.heard.length;
  await whileAway(client, wire, async () => {
    for (const n of count(30)) await post(session, n, tight);
    await tight.send('PUT', `/api/v1/sessions/${session}/state/color`, '"blue"');
  });
  assert.deepEqual([client.socket.recovered, client.id], [true, id], 'it is who it was');
  const { args: [gap] } = await client.next('session.gap');
  assert.deepEqual([gap.type, gap.session_id, gap.state], ['session.gap', session, { color: 'blue' }]);
  await post(session, 'after', tight);
  assert.deepEqual(logged((await client.next('note')).args), ['after']);
  await whileAway(client, wire, () => post(session, 'again', tight));
  assert.deepEqual(logged((await client.next('note')).args), ['again']);
  await client.settle();
  const names = client.heard.slice(mark).map(({ name }) => name).filter((name) => ['note', 'session.gap'].includes(name));
  assert.deepEqual(names, ['session.gap', 'note', 'note']);
});

test('ten clients that drop again and again while others speak miss nothing and hear nothing twice', async (t) => {
  const { client: speaker, thread, session } = await newThread(t, server, { transports: ['websocket'] });
  const wires = await Promise.all(count(10).map(() => chaosProxy(t, server)));
  const clients = await Promise.all(wires.map((wire, n) => member(t, server, thread, { url: wire.url, transports: ways[n % 3] })));
  let speaking = true;
  let total = 0;
  const speech = (async () => {
    while (speaking) {
      assert.equal((await speaker.ask('note', total)).status, 'ok');
      total += 1;
      if (total % 5 === 0) await sleep(2);
    }
  })();
  for (let round = 0; round < 4; round += 1) {
    await Promise.all(clients.map(async (client, n) => { await sleep(n * 7); await whileAway(client, wires[n], () => sleep(n * 5)); }));
  }
  speaking = false;
  await speech;
  for (const client of clients) {
    assert.equal(client.socket.recovered, true);
    await eventually(() => client.all('note').length >= total, 'everything has come', 5000);
    await client.settle();
    assert.deepEqual(values(client, 'note'), count(total));
  }
  assert.deepEqual(values(speaker, 'note'), count(total));
  assert.equal((await server.get(`/api/v1/sessions/${session}/connections`)).json.count, 11);
});

test('a made-up or changed name of a client gives a new one, and tells nothing', async (t) => {
  const { client, session, thread } = await newThread(t, server);
  await client.ask('note', 'private');
  const { _pid: pid, _lastOffset: offset } = client.socket;
  assert.equal(typeof pid, 'string');
  assert.ok(!pid.includes(thread) && pid !== client.id);
  const changed = (text, at) => `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
  const forgeries = ['', 'x', client.id, `${pid}A`, pid.slice(0, -2), changed(pid, 0), changed(pid, pid.length >> 1), changed(pid, pid.length - 3), 7, null, {}, 'x'.repeat(4000)];
  for (const forged of forgeries) {
    const thief = await connect(t, server, { auth: { pid: forged, offset } });
    assert.notEqual(thief.id, client.id, JSON.stringify(forged).slice(0, 80));
    thief.emit('debug_socket_status');
    assert.equal((await thief.next('debug_status')).args[0].is_registered, false);
    await thief.settle();
    assert.deepEqual(thief.all('note'), []);
  }
  assert.equal(client.socket.connected, true, 'and the real one is left alone');
  await post(session, 'live');
  assert.equal((await client.next('note')).args[0], 'private');
  assert.equal((await client.next('note')).args[0], 'live');
});

test('a place in a log that is made up gives at most a gap of one\'s own session', async (t) => {
  for (const offset of ['', 'x', '999999.1', 7, null, {}, 'x'.repeat(4000)]) {
    const { client } = await newThread(t, server);
    await client.ask('note', 'mine');
    const { _pid: pid } = client.socket;
    client.socket.disconnect();
    const back = await connect(t, server, { auth: { pid, offset } });
    await back.settle();
    assert.deepEqual(back.all('note'), [], JSON.stringify(offset).slice(0, 80));
  }
  server.assertUnharmed();
});

test('with a key nobody becomes another\'s client, or gets into another\'s session, with what that one was given', async (t) => {
  const [alices, bobs] = [{ token: await tokenOf(keyed, 'alice') }, { token: await tokenOf(keyed, 'bob') }];
  const { session_id: session } = await createSession(keyed, { user: 'alice' });
  const alice = await member(t, keyed, session, { auth: alices });
  const place = alice.offset;
  await post(session, 'hers', keyed, await as(keyed, 'alice'));
  await alice.settle();
  const bob = await connect(t, keyed, { auth: bobs });
  const { _pid: his } = bob.socket;
  const { _pid: hers } = alice.socket;
  for (const auth of [{ ...bobs, pid: hers, offset: place }, { ...bobs, pid: his, offset: place }]) {
    const thief = await connect(t, keyed, { auth });
    assert.notEqual(thief.id, alice.id);
    await post(session, 'more', keyed, await as(keyed, 'alice'));
    await thief.settle();
    assert.deepEqual(thief.all('note', 'session.gap', 'session.state', 'session.joined'), []);
    assert.equal((await thief.ask('note', 'mine')).code, 'not_connected');
  }
  await assert.rejects(connect(t, keyed, { auth: { pid: hers, offset: place } }), (error) => error.data?.code === 'unauthenticated');
  assert.equal(alice.socket.connected, true);
  const { connections } = (await keyed.get(`/api/v1/sessions/${session}/connections`, await as(keyed, 'alice'))).json;
  assert.equal(connections.length, 1);
});

test('a server that has started anew knows nobody: a new id, and registering goes on as before', async (t) => {
  const first = await start();
  const { port } = first;
  const client = await connect(t, first);
  const thread = (await client.register('a thread')).thread_id;
  const { id } = client;
  const gone = once(client, 'disconnect');
  await first.stop();
  await gone;
  const back = once(client, 'connect');
  const second = await start({ listen: [`127.0.0.1:${port}`] });
  t.after(() => second.stop());
  await back;
  assert.equal(client.socket.recovered, false);
  assert.notEqual(client.id, id);
  assert.equal((await client.register(thread)).status, 'ready');
  assert.equal((await client.ask('note', 1)).status, 'ok');
});

const order = (text, id) => ({ text, message_id: id });
const texts = (data) => data.map(({ text }) => text);

test('a message that is sent again because its acknowledgement was lost is said once, and acknowledged the same', async (t) => {
  const { client, session, wire } = await behind(t, { retries: 8, ackTimeout: 400 });
  const answers = [];
  const say = (text, id) => client.socket.emit('note', order(text, id), (error, answer) => answers.push([error, answer]));
  say('once', 'm1');
  await eventually(() => answers.length === 1, 'with a good network it is acknowledged at once');
  wire.blackHole('down'); // the server hears, the client does not
  say('twice', 'm2');
  say('behind', 'm3');
  await sleep(1000); // sent again by the clock
  assert.equal(answers.length, 1);
  await whileAway(client, wire); // and again on the new connection
  await eventually(() => answers.length === 3, 'both are acknowledged', 5000);
  assert.deepEqual(answers.map(([error, { status }]) => [error, status]), [[null, 'ok'], [null, 'ok'], [null, 'ok']]);
  assert.deepEqual(texts(await said(session)), ['once', 'twice', 'behind']);
  await client.settle();
  assert.deepEqual(texts(values(client, 'note')), ['once', 'twice', 'behind']);
  const { events } = (await server.get(`/api/v1/sessions/${session}/events?limit=1000`)).json;
  assert.deepEqual(answers.map(([, { seq }]) => seq), events.filter(({ type }) => type === 'note').map(({ seq }) => seq), 'each with the number of its event');
});

test('it is said once as well by who comes back under a new name, and the second time the acknowledgement is the first one', async (t) => {
  const { client, thread, session } = await newThread(t, server);
  const first = await client.ask('note', order('a', 'm1'));
  client.socket.disconnect();
  const again = await member(t, server, thread);
  assert.deepEqual(await again.ask('note', order('a', 'm1')), first);
  assert.deepEqual(texts(await said(session)), ['a']);
  const { client: other, session: elsewhere } = await newThread(t, server);
  assert.notDeepEqual(await other.ask('note', order('a', 'm1')), first, 'in another session it is another');
  assert.deepEqual(texts(await said(elsewhere)), ['a']);
});

test('without a message_id nothing is compared, and what another user says under the same one is something else', async (t) => {
  const { client, session } = await newThread(t, server);
  for (const data of [{ text: 'c' }, { text: 'c' }, order('d', ''), order('d', ''), order('e', 7), order('e', 7)]) await client.ask('note', data);
  assert.deepEqual(texts(await said(session)), ['c', 'c', 'd', 'd', 'e', 'e']);
  const { session_id: shared } = await createSession(keyed, { user: 'alice' });
  const owner = await as(keyed, 'alice');
  const { token } = (await keyed.post(`/api/v1/sessions/${shared}/tokens`, { user: 'guest', scope: 'write' }, owner)).json;
  const [alice, guest] = [await member(t, keyed, shared, { auth: { token: await tokenOf(keyed, 'alice') } }), await member(t, keyed, shared, { auth: { token } })];
  for (const one of [alice, guest]) assert.deepEqual((({ status, message }) => [status, message])(await one.ask('note', order('same', 'm1'))), ['ok', undefined]);
  const { events } = (await keyed.get(`/api/v1/sessions/${shared}/events`, owner)).json;
  assert.deepEqual(events.filter(({ type }) => type === 'note').map(({ user }) => user), ['alice', 'guest']);
});

test('every documented request is acknowledged when the client asks for it, as one with retries does', async (t) => {
  const client = await connect(t, server);
  for (const [name, ...args] of [['register_session', { thread_id: 'x' }], ['request_missed_messages', { thread_id: 'x' }], ['request_missed_messages', {}],
    ['force_room_join', { thread_id: 'x' }], ['force_room_join', {}], ['debug_socket_status'], ['system_ping_response', {}], ['ping', {}]]) {
    await assert.doesNotReject(client.ask(name, ...args), `${name} ${JSON.stringify(args)}`);
  }
});
