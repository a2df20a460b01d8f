// Socket.IO revision 5 as its clients meet it: the engine below, namespaces, events, acknowledgements, and what is refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  address, ask, eventually, heartbeat, joinNamespace, openPolling, openSocketIo, openWebSocket, ours, sleep, startConformance, upgraded,
} from './conformance_stage.mjs';

const mount = '/socket.io/';
const here = { mount };
const connect_ms = 1000; // for a CONNECT packet to come
let server;
before(async () => { server = await startConformance(); });
after(() => server?.stop());

const first = Buffer.from([1, 2, 3]);
const second = Buffer.from([4, 5, 6]);
const placeholder = (num) => `{"_placeholder":true,"num":${num}}`;

/** What a second namespace says to a packet shows that the connection lives. */
async function assertLives(wire, namespace = '/') {
  wire.send(namespace === '/' ? '42["message","alive"]' : `42${namespace},["message","alive"]`);
  const answer = '["message-back","alive"]';
  assert.equal(await wire.next(), namespace === '/' ? `42${answer}` : `42${namespace},${answer}`);
}

async function assertNoWebSocket(t, query) {
  const wire = await openWebSocket(t, server, { ...here, query, greeted: false }).catch((error) => error);
  if (wire instanceof Error) return;
  await wire.closes();
  assert.deepEqual(wire.inbox.items, [undefined], 'nothing was said');
}

function assertOpen(open, upgrades) {
  assert.deepEqual({ ...open, sid: typeof open.sid }, {
    sid: 'string', upgrades, pingInterval: heartbeat.interval, pingTimeout: heartbeat.timeout, maxPayload: 1000000,
  });
}

test('a polling handshake is answered with an open packet', async () => {
  const polling = await openPolling(server, here);
  assertOpen(polling.open, ['websocket']);
});

test('a polling handshake without a revision or with an unknown one is refused', async () => {
  for (const EIO of [undefined, 'abc']) assert.equal((await ask(server, address(mount, { EIO, transport: 'polling' }))).status, 400);
});

test('a polling handshake without a transport or with an unknown one is refused', async () => {
  for (const transport of [undefined, 'abc']) assert.equal((await ask(server, address(mount, { EIO: 4, transport }))).status, 400);
});

test('a handshake by POST or PUT is refused', async () => {
  for (const method of ['POST', 'PUT']) {
    assert.equal((await ask(server, address(mount, { EIO: 4, transport: 'polling' }), { method, body: '' })).status, 400, method);
  }
});

test('a WebSocket handshake is answered with an open packet', async (t) => {
  assertOpen((await openWebSocket(t, server, here)).open, []);
});

test('a WebSocket handshake without a revision or with an unknown one is refused', async (t) => {
  for (const EIO of [undefined, 'abc']) await assertNoWebSocket(t, { EIO });
});

test('a WebSocket handshake without a transport or with an unknown one is refused', async (t) => {
  for (const transport of [undefined, 'abc']) await assertNoWebSocket(t, { transport });
});

test('a client that answers three pings stays on polling', async () => {
  const polling = await openPolling(server, here);
  await polling.send('40');
  const [connected, greeting] = await polling.messages(2);
  assert.match(connected, /^40\{"sid":"[^"]+".*\}$/);
  assert.equal(greeting, '42["auth",{}]');
  for (let round = 0; round < 3; round += 1) {
    assert.equal((await polling.get()).text, '2');
    await polling.send('3');
  }
  await polling.send('42["message"]');
  assert.deepEqual(await polling.messages(1), ['42["message-back"]']);
});

test('a client of polling that answers no ping is closed', async () => {
  const polling = await openPolling(server, here);
  await polling.send('40');
  await polling.messages(2);
  assert.equal((await polling.get()).text, '2');
  await sleep(heartbeat.timeout + 150);
  await polling.assertGone();
});

test('a client that answers three pings stays on its WebSocket', async (t) => {
  const wire = await openWebSocket(t, server, { ...here, pongs: false });
  await joinNamespace(wire);
  for (let round = 0; round < 3; round += 1) {
    assert.equal(await wire.next(), '2');
    wire.send('3');
  }
  await assertLives(wire);
});

test('a WebSocket that answers no ping is closed', async (t) => {
  const wire = await openWebSocket(t, server, { ...here, pongs: false });
  await joinNamespace(wire);
  await wire.closes();
});

test('a close packet of polling answers the waiting poll and ends the session', async () => {
  const polling = await openPolling(server, here);
  const poll = polling.get();
  await sleep(20);
  await polling.send('1');
  assert.equal((await poll).text, '6');
  await polling.assertGone();
});

test('a close packet closes the WebSocket', ours, async (t) => {
  const wire = await openSocketIo(t, server);
  wire.send('1');
  await wire.closes();
});

test('an upgrade before CONNECT goes on over the WebSocket', async (t) => {
  const { wire } = await upgraded(t, server, here);
  await joinNamespace(wire);
  await assertLives(wire);
});

test('an upgrade after CONNECT keeps the namespaces', async (t) => {
  const polling = await openPolling(server, here);
  await polling.send('40');
  await polling.messages(2);
  const wire = await openWebSocket(t, server, { ...here, sid: polling.sid });
  wire.send('2probe');
  assert.equal(await wire.next(), '3probe');
  wire.send('5');
  await assertLives(wire);
});

test('polling requests of an upgraded session are refused, and it lives on', async (t) => {
  const { polling, wire } = await upgraded(t, server, here);
  await joinNamespace(wire);
  await polling.assertGone();
  await assertLives(wire);
});

test('a second WebSocket of an upgraded session is closed, and the first lives on', async (t) => {
  const { polling, wire } = await upgraded(t, server, here);
  await joinNamespace(wire);
  await assertNoWebSocket(t, { sid: polling.sid });
  await assertLives(wire);
});

test('CONNECT joins the main namespace, with an id of its own', async (t) => {
  const { sid, open } = await openSocketIo(t, server);
  assert.ok(sid.length >= 20);
  assert.notEqual(sid, open.sid, 'the one that stands in addresses is not told to others');
});

test('CONNECT hands its payload over', async (t) => {
  await openSocketIo(t, server, { auth: { token: '123' } });
});

for (const spelling of ['40/custom', '40/custom,']) {
  test(`${spelling} joins a namespace`, async (t) => {
    const wire = await openWebSocket(t, server, here);
    wire.send(spelling);
    assert.match(await wire.next(), /^40\/custom,\{"sid":"[^"]+".*\}$/);
    assert.equal(await wire.next(), '42/custom,["auth",{}]');
  });
}

test('CONNECT to a namespace hands its payload over', async (t) => {
  await openSocketIo(t, server, { namespace: '/custom', auth: { token: 'abc', deep: { list: [1, 'ä', null] } } });
});

test('namespaces of one connection have ids of their own', async (t) => {
  const wire = await openSocketIo(t, server);
  const other = await joinNamespace(wire, '/custom');
  assert.notEqual(other.sid, wire.sid);
});

test('an unknown namespace is refused, and the connection stays for another', async (t) => {
  const wire = await openWebSocket(t, server, here);
  wire.send('40/random');
  assert.equal(await wire.next(), '44/random,{"message":"Invalid namespace"}');
  await joinNamespace(wire);
});

for (const packet of ['4abc', '42["message","too early"]', '40[]', '40"text"', '40{']) {
  test(`${packet} in place of a CONNECT closes the connection`, async (t) => {
    const wire = await openWebSocket(t, server, here);
    wire.send(packet);
    await wire.closes(connect_ms - 100);
  });
}

test('a connection without a CONNECT is closed in time', async (t) => {
  const wire = await openWebSocket(t, server, here);
  await wire.closes(connect_ms + 500);
});

test('a refused CONNECT does not hold a connection open', async (t) => {
  const wire = await openWebSocket(t, server, here);
  wire.send('40/random');
  await wire.next();
  await wire.closes(connect_ms + 500);
});

test('leaving the main namespace leaves the others alone', async (t) => {
  const wire = await openSocketIo(t, server);
  await joinNamespace(wire, '/custom');
  wire.send('41');
  await assertLives(wire, '/custom');
});

test('leaving a namespace leaves the main one alone', async (t) => {
  const wire = await openSocketIo(t, server);
  await joinNamespace(wire, '/custom');
  wire.send('41/custom');
  await assertLives(wire);
});

test('a namespace that was left can be joined again, as someone new', ours, async (t) => {
  const wire = await openSocketIo(t, server);
  const gone = await joinNamespace(wire, '/custom');
  wire.send('41/custom,');
  const back = await joinNamespace(wire, '/custom');
  assert.notEqual(back.sid, gone.sid);
});

test('an event comes back with its arguments', async (t) => {
  const wire = await openSocketIo(t, server);
  const values = [1, '2', { 3: [true, null, 'ä\u{1f642}'] }, -0.5, [], {}];
  wire.send(`42${JSON.stringify(['message', ...values])}`);
  const answer = await wire.next();
  assert.match(answer, /^42\[/);
  assert.deepEqual(JSON.parse(answer.slice(2)), ['message-back', ...values]);
});

test('an event comes back with its two attachments', async (t) => {
  const wire = await openSocketIo(t, server);
  wire.send(`452-["message",${placeholder(0)},${placeholder(1)}]`);
  wire.send(first);
  wire.send(second);
  assert.equal(await wire.next(), `452-["message-back",${placeholder(0)},${placeholder(1)}]`);
  assert.deepEqual([await wire.next(), await wire.next()], [first, second]);
});

test('attachments of a namespace go with its event', async (t) => {
  const wire = await openSocketIo(t, server, { namespace: '/custom' });
  wire.send(`451-/custom,["message",{"deep":[${placeholder(0)}]}]`);
  wire.send(first);
  assert.equal(await wire.next(), `451-/custom,["message-back",{"deep":[${placeholder(0)}]}]`);
  assert.deepEqual(await wire.next(), first);
});

test('polling carries attachments in base64', async () => {
  const polling = await openPolling(server, here);
  await polling.send('40');
  await polling.messages(2);
  await polling.send(`451-["message",${placeholder(0)}]`, `b${first.toString('base64')}`);
  assert.deepEqual(await polling.messages(2), [`451-["message-back",${placeholder(0)}]`, 'bAQID']);
});

test('an event that asks for it is acknowledged under its id', async (t) => {
  const wire = await openSocketIo(t, server);
  wire.send('42456["message-with-ack",1,"2",{"3":[false]}]');
  assert.equal(await wire.next(), '43456[1,"2",{"3":[false]}]');
  wire.send('420["message-with-ack"]');
  assert.equal(await wire.next(), '430[]');
});

test('an acknowledgement carries attachments', async (t) => {
  const wire = await openSocketIo(t, server);
  wire.send(`452-789["message-with-ack",${placeholder(0)},${placeholder(1)}]`);
  wire.send(first);
  wire.send(second);
  assert.equal(await wire.next(), `462-789[${placeholder(0)},${placeholder(1)}]`);
  assert.deepEqual([await wire.next(), await wire.next()], [first, second]);
});

test('acknowledgements of namespaces have ids of their own', async (t) => {
  const wire = await openSocketIo(t, server);
  await joinNamespace(wire, '/custom');
  wire.send('421["message-with-ack","main"]');
  wire.send('42/custom,1["message-with-ack","custom"]');
  const answers = new Set([await wire.next(), await wire.next()]);
  assert.deepEqual(answers, new Set(['431["main"]', '43/custom,1["custom"]']));
});

test('a ping of the engine between an event and its attachments does no harm', async (t) => {
  const wire = await openSocketIo(t, server);
  wire.send(`451-["message",${placeholder(0)}]`);
  await sleep(heartbeat.interval + 100);
  wire.send(first);
  assert.equal(await wire.next(), `451-["message-back",${placeholder(0)}]`);
  assert.deepEqual(await wire.next(), first);
});

const broken = [
  ['an unknown type', '4abc'],
  ['a type beyond the last one', '47'],
  ['an empty packet', '4'],
  ['a payload that is an object', '42{}'],
  ['a payload that is a string', '42"message"'],
  ['a payload without a name', '42[]'],
  ['a name that is an object', '42[{}]'],
  ['no payload', '42', ours],
  ['a payload that does not end', '42["message"'],
  ['text behind the payload', '42["message"]x'],
  ['an id that is no number', '42abc["message-with-ack"]'],
  ['an id below zero', '42-1["message-with-ack"]'],
  ['an acknowledgement whose payload is an object', '430{}'],
  ['a count of attachments that is no number', '45x-["message"]'],
  ['a count of attachments without its end', '451["message"]'],
  ['a DISCONNECT with a payload', '41{}'],
  ...['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'].map((name) => [
    `the reserved event ${name}`, `42["${name}"]`,
  ]),
];

for (const [what, packet, options = {}] of broken) {
  test(`${what} closes the connection`, options, async (t) => {
    const wire = await openSocketIo(t, server);
    wire.send(packet);
    await wire.closes();
  });
}

test('text in place of an attachment closes the connection', async (t) => {
  const wire = await openSocketIo(t, server);
  wire.send(`451-["message",${placeholder(0)}]`);
  wire.send('42["message"]');
  await wire.closes();
});

test('bytes that no event announced close the connection', async (t) => {
  const wire = await openSocketIo(t, server);
  wire.send(first);
  await wire.closes();
});

test('a placeholder of no attachment closes the connection', ours, async (t) => {
  for (const num of ['1', '-1', '"0"', '0.5', '1e99']) {
    const wire = await openSocketIo(t, server);
    wire.send(`451-["message",${placeholder(num)}]`);
    wire.send(first);
    await wire.closes();
  }
});

test('an event of a namespace that was not joined closes the connection', async (t) => {
  const wire = await openSocketIo(t, server);
  wire.send('42/custom,["message"]');
  await wire.closes();
});

test('a second CONNECT of a namespace closes the connection', async (t) => {
  const wire = await openSocketIo(t, server);
  wire.send('40');
  await wire.closes();
});

test('an acknowledgement that nobody waits for does no harm', async (t) => {
  const wire = await openSocketIo(t, server);
  wire.send('4377["late"]');
  await assertLives(wire);
});

test('an event that the server does not know does no harm', async (t) => {
  const wire = await openSocketIo(t, server);
  wire.send('42["unheard",1]');
  await assertLives(wire);
});

test('a client that closes leaves the others alone', async (t) => {
  const [one, other] = [await openSocketIo(t, server), await openSocketIo(t, server)];
  one.ws.close();
  await eventually(() => one.isClosed, 'it closes');
  await assertLives(other);
});
