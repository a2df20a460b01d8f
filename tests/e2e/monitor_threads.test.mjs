// Threads over the wire: who hears what is said in one, what is kept for whom nobody was there for, and that the session
// behind a thread is one and the same for Socket.IO, a plain WebSocket and an event stream.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, sleep, start } from './harness.mjs';
import { as, createSession, openEvents, postEvent, startKeyed, tokenOf, watch } from './tracking_stage.mjs';
import { connect, logged, member, newThread, onThread, sessionIds, threadName, values } from './monitor_stage.mjs';

let server;
let keyed;
before(async () => { [server, keyed] = await Promise.all([start({ config: '[limits]\nmessages_per_s = 0\n' }), startKeyed()]); });
after(() => Promise.all([server?.stop(), keyed?.stop()]));

const post = (session, event, one = server, headers = {}) => postEvent(one, session, event, headers);
const count = (n, from = 0) => Array.from({ length: n }, (_, at) => from + at);

test('AMI-22 events of a thread reach all its clients once, the speaker too, and nobody else', async (t) => {
  const { client: one, thread, session } = await newThread(t, server);
  const two = await member(t, server, thread, { transports: ['polling'] });
  const three = await member(t, server, thread, { transports: ['websocket'], user: 'somebody' });
  const foreign = await member(t, server, threadName());
  const unregistered = await connect(t, server);
  assert.equal((await one.ask('note', 'from one')).status, 'ok');
  assert.equal((await three.ask('note', 'from three')).status, 'ok');
  await post(session, { type: 'note', data: 'over REST' });
  for (const client of [one, two, three]) {
    await client.settle();
    assert.deepEqual(values(client, 'note'), ['from one', 'from three', 'over REST']);
  }
  for (const client of [foreign, unregistered]) {
    await client.settle();
    assert.deepEqual(client.all('note'), []);
  }
});

test('AMI-22 who registers for another thread leaves the old one, and hears of the new one only', async (t) => {
  const { client, thread: first, session } = await newThread(t, server);
  const { session: next, thread: second } = await newThread(t, server);
  await client.register(second);
  await post(session, { type: 'note', data: 'old' });
  await post(next, { type: 'note', data: 'new' });
  await client.settle();
  assert.deepEqual(values(client, 'note'), ['new']);
  assert.deepEqual(await onThread(server, first), []);
  assert.equal((await onThread(server, second)).filter((each) => each.session_id === client.id).length, 1);
  client.emit('debug_socket_status');
  assert.equal((await client.next('debug_status')).args[0].thread_id, second);
  await client.ask('note', 'mine');
  const said = (await server.get(`/api/v1/sessions/${session}/events`)).json.events.map(({ data }) => data);
  assert.ok(!said.includes('mine'), 'what it says is said in the new one');
});

test('AMI-22 who registers for the same thread again stays, and hears nothing twice', async (t) => {
  const { client, thread, session } = await newThread(t, server);
  await client.ask('note', 1);
  const again = await client.register(thread);
  assert.deepEqual([again.status, again.thread_id, 'missed_messages' in again], ['ready', thread, false]);
  await post(session, { type: 'note', data: 2 });
  await client.settle();
  assert.deepEqual(values(client, 'note'), [1, 2]);
  assert.equal((await onThread(server, thread)).length, 1);
});

test('AMI-22 AMI-25 force_room_join brings a client into a thread', async (t) => {
  const { session, thread } = await newThread(t, server);
  const client = await connect(t, server);
  client.emit('force_room_join', { thread_id: thread });
  assert.deepEqual((await client.next('room_joined')).args[0], { thread_id: thread, session_id: client.id, success: true });
  await post(session, { type: 'note', data: 1 });
  await client.settle();
  assert.deepEqual(values(client, 'note'), [1]);
  assert.ok((await onThread(server, thread)).some((each) => each.session_id === client.id));
});

test('AMI-23 what is said while nobody is there is kept, the last 50 of it, and comes in order, exactly once', async (t) => {
  const { client: first, thread, session } = await newThread(t, server);
  await first.ask('note', 'heard');
  first.socket.disconnect();
  await eventually(async () => (await onThread(server, thread)).length === 0, 'nobody is there');
  for (const n of count(55)) await post(session, { type: n % 2 ? 'note' : 'analysis_update', data: n });
  const back = await connect(t, server);
  const told = await back.register(thread);
  assert.deepEqual(told.missed_messages, { available: true, count: 50 });
  assert.deepEqual((await back.next('missed_messages_delivered')).args[0], { count: 50, thread_id: thread });
  assert.deepEqual(values(back, 'note', 'analysis_update'), count(50, 5), 'under their own names, in their order');
  const order = back.heard.map(({ name }) => name).filter((name) => ['session_registered', 'analysis_update', 'note', 'missed_messages_delivered'].includes(name));
  assert.deepEqual([order[0], order.at(-1)], ['session_registered', 'missed_messages_delivered']);

  const late = await connect(t, server);
  assert.equal('missed_messages' in await late.register(thread), false, 'once');
  assert.equal('missed_messages' in await back.register(thread), false);
  late.emit('request_missed_messages', { thread_id: thread });
  assert.deepEqual((await late.next('missed_messages_status')).args[0], { status: 'none', thread_id: thread });
  await post(session, { type: 'note', data: 'live' });
  for (const client of [late, back]) {
    await client.settle();
    assert.equal(values(client, 'note').at(-1), 'live');
    assert.equal(client.all('note', 'analysis_update').length, client === late ? 1 : 51);
  }
});

test('AMI-23 request_missed_messages delivers what is kept, once; without a thread it is silent', async (t) => {
  const { client: first, thread, session } = await newThread(t, server);
  first.socket.disconnect();
  await eventually(async () => (await onThread(server, thread)).length === 0, 'nobody is there');
  for (const n of count(3)) await post(session, { type: 'note', data: n });
  const client = await connect(t, server);
  client.emit('request_missed_messages', { thread_id: thread });
  await eventually(() => client.all('note').length === 3, 'they come');
  assert.deepEqual(values(client, 'note'), [0, 1, 2]);
  client.emit('request_missed_messages', { thread_id: thread });
  assert.deepEqual((await client.next('missed_messages_status')).args[0], { status: 'none', thread_id: thread });
  assert.equal('missed_messages' in await client.register(thread), false);
  client.emit('request_missed_messages', { thread_id: threadName() });
  assert.equal((await client.next('missed_messages_status')).args[0].status, 'none', 'for a thread that never was');
  const mark = client.heard.length;
  for (const nothing of [{}, { thread_id: '' }]) client.emit('request_missed_messages', nothing);
  await client.settle();
  assert.deepEqual(client.heard.slice(mark).map(({ name }) => name), []);
  assert.deepEqual(values(client, 'note'), [0, 1, 2]);
});

test('AMI-23 two that come back at once share what was kept: each event comes to one of them or both, never twice to one', async (t) => {
  const { client: first, thread, session } = await newThread(t, server);
  first.socket.disconnect();
  await eventually(async () => (await onThread(server, thread)).length === 0, 'nobody is there');
  for (const n of count(20)) await post(session, { type: 'note', data: n });
  const both = await Promise.all([connect(t, server), connect(t, server)]);
  const told = await Promise.all(both.map((client) => client.register(thread)));
  assert.equal(told.filter((answer) => answer.missed_messages).length, 1, 'one of them is told that something was missed');
  for (const client of both) await client.settle();
  for (const client of both) assert.equal(new Set(values(client, 'note')).size, values(client, 'note').length);
  assert.deepEqual([...new Set(both.flatMap((client) => values(client, 'note')))].sort((a, b) => a - b), count(20));
});

/** What a Socket.IO client hears when the native stream shows `event`: its name and arguments, and whether a place in the log follows. */
function expected(event) {
  const args = /^(session|case)\./.test(event.type) ? [event] : event.data?.$args ?? (event.data === undefined ? [] : [event.data]);
  return { name: event.type, args, isLogged: event.seq !== undefined };
}

test('AMI-22 a Socket.IO client, a WebSocket and an event stream of one session hear the same events in the same order', async (t) => {
  const { session_id: session } = await createSession(server, { headers: {} });
  const client = await connect(t, server);
  assert.equal((await client.register(session)).thread_id, session, 'the id of a session is a thread too');
  const stream = await watch(t, server, session, { token: null });
  const events = await openEvents(t, server, session, { headers: {} });
  await stream.settle();
  await post(session, { type: 'begin' });
  const acts = [
    (n) => client.ask('chat', { n, from: 'socket.io' }),
    (n) => stream.send({ type: 'chat', data: { n, from: 'websocket' } }),
    (n) => post(session, { type: 'chat', data: { n, from: 'rest' } }),
    (n) => server.send('PUT', `/api/v1/sessions/${session}/state/k${n % 5}`, String(n)),
    (n) => client.ask('several', n, 'two', [3]),
    () => client.ask('bare'),
    (n) => stream.send({ type: 'typing', data: { n }, volatile: true }),
    (n) => post(session, { type: 'text', data: `plain ${n}` }),
    async () => { const guest = await watch(t, server, session, { token: null }); await guest.close(); },
  ];
  for (const n of count(60)) {
    await acts[n % acts.length](n);
    if (n % 7 === 0) await stream.settle().then((seen) => stream.kept = [...stream.kept ?? [], ...seen]);
  }
  // All at once, too: only the order of what one of them sees can be the order of all.
  await Promise.all(count(40).map((n) => acts[n % 3](100 + n)));
  await post(session, { type: 'end' });
  const native = [...stream.kept ?? []];
  for (let frame; (frame = await stream.next()).type !== 'end';) native.push(frame);
  const shown = native.slice(native.findIndex(({ type }) => type === 'begin') + 1).filter(({ type }) => type !== 'ack');

  const fromStream = [];
  for (let event; (event = (await events.next()).data).type !== 'end';) fromStream.push(event);
  const heardThere = fromStream.slice(fromStream.findIndex(({ type }) => type === 'begin') + 1);
  assert.deepEqual(heardThere, shown, 'the event stream');

  await client.next('end');
  const names = client.heard.map(({ name }) => name);
  const heard = client.heard.slice(names.indexOf('begin') + 1, names.indexOf('end'));
  assert.ok(shown.filter(({ type }) => type === 'chat').length >= 40 && shown.some(({ type }) => type === 'session.state'));
  const told = shown.map(expected);
  assert.deepEqual(heard.map(({ name }) => name), told.map(({ name }) => name), 'the same names in the same order');
  told.forEach(({ args, isLogged }, n) => assert.deepEqual(isLogged ? logged(heard[n].args) : heard[n].args, args, JSON.stringify(shown[n])));
});

test('arguments of every kind come out as they went in, and others see them as data', async (t) => {
  const { client: one, thread, session } = await newThread(t, server);
  const two = await member(t, server, thread);
  const stream = await watch(t, server, session, { token: null });
  await stream.settle();
  const bytes = Buffer.from([0, 1, 254, 255]);
  for (const [args, data] of [
    [[], undefined], [[7], 7], [['text'], 'text'], [[false], false], [[{ a: [1, 'ü'] }], { a: [1, 'ü'] }], [[[1, 2]], [1, 2]],
    [[1, 'two', { three: 3 }], { $args: [1, 'two', { three: 3 }] }], [['a', 'b'], { $args: ['a', 'b'] }],
    [[bytes], { $bytes: 'AAH+/w==' }], [[{ name: 'x', body: bytes }], { name: 'x', body: { $bytes: 'AAH+/w==' } }],
    [[bytes, 'and', [bytes]], { $args: [{ $bytes: 'AAH+/w==' }, 'and', [{ $bytes: 'AAH+/w==' }]] }],
  ]) {
    const ack = await one.ask('thing', ...args);
    assert.deepEqual([Object.keys(ack), ack.status], [['status', 'seq', 'cursor'], 'ok']);
    const event = await stream.nextOf('thing');
    assert.deepEqual([event.data, event.seq, event.cursor], [data, ack.seq, ack.cursor]);
    for (const client of [one, two]) assert.deepEqual(logged((await client.next('thing')).args), args);
  }
});

test('what others say arrives under its own name with its data; a volatile one has no place in the log', async (t) => {
  const { client, session } = await newThread(t, server);
  for (const data of [undefined, 1, 'text', { a: 1 }, [1], { $args: [1, 'x'] }]) {
    await post(session, { type: 'said', ...(data !== undefined && { data }) });
    assert.deepEqual(logged((await client.next('said')).args), data?.$args ?? (data === undefined ? [] : [data]));
  }
  await post(session, { type: 'said', data: { file: { $bytes: 'AAH+/w==' } } });
  assert.deepEqual(logged((await client.next('said')).args), [{ file: Buffer.from([0, 1, 254, 255]) }]);
  const before = client.socket._lastOffset; // a stock client takes a text that comes last for one, also the name of an event that has nothing else
  for (const [data, args] of [[undefined, [null]], [1, [1]], [{ a: 1 }, [{ a: 1 }]], ['text', ['text', null]]]) {
    await post(session, { type: 'typing', ...(data !== undefined && { data }), volatile: true });
    assert.deepEqual((await client.next('typing')).args, args);
  }
  assert.equal(client.socket._lastOffset, before, 'the client took none of it for a place in the log');
});

test('a message whose name Socket.IO keeps for itself comes as session.message, and disturbs nothing', async (t) => {
  const { client, session } = await newThread(t, server);
  const stream = await watch(t, server, session, { token: null });
  for (const type of ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener']) {
    await post(session, { type, data: 1 });
    assert.deepEqual(logged((await client.next('session.message')).args), [await stream.nextOf(type)]);
  }
  assert.equal(client.socket.connected, true);
});

test('state changes, and who comes and goes, are events as the native stream shows them', async (t) => {
  const { client, session } = await newThread(t, server);
  const stream = await watch(t, server, session, { token: null });
  const { args: [joined] } = await client.next('session.joined');
  assert.deepEqual([joined.type, joined.data.connection_id], ['session.joined', stream.hello.connection_id]);
  await server.send('PUT', `/api/v1/sessions/${session}/state/color`, '"blue"');
  const { args } = await client.next('session.state');
  assert.deepEqual(logged(args), [await stream.nextOf('session.state')]);
  assert.deepEqual(args[0].data, { set: { color: 'blue' }, removed: [] });
  await stream.close();
  assert.equal((await client.next('session.left')).args[0].data.connection_id, joined.data.connection_id);
});

test('a client sets and reads the state of its session', async (t) => {
  const { client, session } = await newThread(t, server);
  const set = await client.ask('set_session_state', { key: 'color', value: 'blue' });
  assert.deepEqual([set.status, typeof set.revision, typeof set.cursor], ['ok', 'number', 'string']);
  assert.deepEqual((await client.next('session.state')).args[0].data, { set: { color: 'blue' }, removed: [] });
  const got = await client.ask('get_session_state', {});
  assert.deepEqual([got.status, got.state, got.revision], ['ok', { color: 'blue' }, set.revision]);
  assert.deepEqual((await server.get(`/api/v1/sessions/${session}/state`)).json.state, { color: 'blue' });
  assert.equal((await client.ask('set_session_state', { key: 'color' })).code, 'invalid');
  const stranger = await connect(t, server);
  assert.equal((await stranger.ask('set_session_state', { key: 'color', value: 1 })).code, 'not_connected');
});

test('a registered client is told the id of the session, which the other doors take', async (t) => {
  const { client, session } = await newThread(t, server);
  assert.equal(client.registered.shared_session_id, session);
});

test('a client is one connection of its session, with its transport, and can be sent away', async (t) => {
  const { client, session } = await newThread(t, server, { transports: ['websocket'] });
  const list = async () => (await server.get(`/api/v1/sessions/${session}/connections`)).json;
  const { connections } = await list();
  assert.equal(connections.length, 1);
  assert.equal(typeof connections[0].transport, 'string');
  const stream = await watch(t, server, session, { token: null });
  assert.equal((await server.del(`/api/v1/sessions/${session}/connections/${connections[0].connection_id}`)).status, 204);
  await stream.nextOf('session.left');
  await post(session, { type: 'note', data: 1 });
  await sleep(50);
  assert.deepEqual(client.all('note'), []);
});

test('who is not registered can say nothing, and is told so', async (t) => {
  const client = await connect(t, server);
  const ack = await client.ask('note', 1);
  assert.deepEqual([ack.status, ack.code, typeof ack.message], ['error', 'not_connected', 'string']);
  client.emit('note', 1);
  const { args: [error] } = await client.next('error');
  assert.equal(typeof error.message, 'string');
});

test('names that are the server\'s cannot be said by a client', async (t) => {
  const { client, session } = await newThread(t, server);
  for (const name of ['session.state', 'session.closed', 'session.joined', 'case.opened']) {
    const ack = await client.ask(name, { set: { hacked: true }, removed: [] });
    assert.deepEqual([ack.status, ack.code], ['error', 'invalid'], name);
  }
  assert.deepEqual((await server.get(`/api/v1/sessions/${session}/state`)).json.state, {});
});

test('a session that ends says so', async (t) => {
  const { client, session } = await newThread(t, server);
  assert.equal((await server.del(`/api/v1/sessions/${session}`)).status, 204);
  const { args: [event] } = await client.next('session.closed');
  assert.deepEqual([event.type, event.data.reason], ['session.closed', 'deleted']);
});

test('a tool that a client offers is called with an acknowledgement, and its argument is the result', async (t) => {
  const { client, session } = await newThread(t, server);
  client.socket.on('client_tool_call', (call, answer) => answer(call.tool_name === 'add' ? { sum: call.parameters.a + call.parameters.b } : null));
  client.socket.on('query', (question, answer) => answer({ answer: `about ${question.query}` }));
  assert.equal((await client.ask('offer', { tools: ['add'], queries: true })).status, 'ok');
  const agent = await watch(t, server, session, { token: null });
  agent.send({ type: 'client_tool_call', tool_name: 'add', tool_call_id: 't1', parameters: { a: 2, b: 3 } });
  const result = await agent.nextOf('client_tool_result');
  assert.deepEqual([result.tool_call_id, result.result, result.is_error], ['t1', { sum: 5 }, false]);
  const asked = await server.post('/api/v1/query', { session_id: session, query: 'ducks' });
  assert.deepEqual([asked.status, asked.json.answer], [200, 'about ducks']);
  client.socket.disconnect();
  await agent.nextOf('session.left');
  agent.send({ type: 'client_tool_call', tool_name: 'add', tool_call_id: 't2', parameters: {} });
  assert.equal((await agent.nextOf('client_tool_result')).is_error, true, 'an offer goes with the client');
});

test('AMI-22 without a key the thread alone says where one belongs, whatever user is named', async (t) => {
  const { client: one, thread } = await newThread(t, server);
  const two = await member(t, server, thread, { user: 'ana' });
  await two.ask('note', 1);
  await one.settle();
  assert.deepEqual(values(one, 'note'), [1]);
  assert.deepEqual((await onThread(server, thread)).map(({ user_id: user }) => user).sort(), ['ana', 'thefusionlab']);
});

test('AMI-22 with a key threads of two users are two, also under one name, and a foreign session is never joined', async (t) => {
  const thread = threadName();
  const alice = await member(t, keyed, thread, { auth: { token: await tokenOf(keyed, 'alice') } });
  const bob = await member(t, keyed, thread, { auth: { token: await tokenOf(keyed, 'bob') } });
  const { session_id: hers } = await createSession(keyed, { user: 'alice' });
  const intruder = await connect(t, keyed, { auth: { token: await tokenOf(keyed, 'bob') } });
  intruder.emit('register_session', { thread_id: hers, user_id: 'alice' });
  await sleep(100);
  await alice.ask('note', 'private');
  await post(hers, { type: 'note', data: 'hers' }, keyed, await as(keyed, 'alice'));
  for (const client of [bob, intruder]) {
    await client.settle();
    assert.deepEqual(client.all('note'), []);
  }
  assert.deepEqual(values(alice, 'note'), ['private']);
  bob.emit('debug_socket_status');
  assert.equal((await bob.next('debug_status')).args[0].thread_counts[thread], 1, 'nor is she counted for him');
  assert.deepEqual((await keyed.get(`/api/v1/sessions/${hers}/connections`, await as(keyed, 'alice'))).json.connections, []);
  assert.ok(!(await sessionIds(keyed, await as(keyed, 'bob'))).includes(hers));
});

test('with a key that may only read a client hears and says nothing', async (t) => {
  const { session_id: session } = await createSession(keyed, { user: 'alice' });
  const reader = await member(t, keyed, session, { auth: { token: await tokenOf(keyed, 'alice', 'read') } });
  await post(session, { type: 'note', data: 1 }, keyed, await as(keyed, 'alice'));
  assert.deepEqual(logged((await reader.next('note')).args), [1]);
  const ack = await reader.ask('note', 2);
  assert.deepEqual([ack.status, ack.code], ['error', 'forbidden']);
});
