// Engine.IO revision 3, which clients of Socket.IO 1 and 2 speak: lengths in front of packets, bytes in polling, and
// the client that pings. Only a server that is told to takes it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  address, ask, bodyOf3, eventually, heartbeat, openPolling, openWebSocket, ours, packetsOf3, packetsOfBytes3, patience, sleep, startConformance, upgraded,
} from './conformance_stage.mjs';

const mount = '/engine.io/';
const old = { eio: 3 };
const silence_ms = heartbeat.interval + heartbeat.timeout;
let server;
let patient; // one that drops nobody for being silent
before(async () => { [server, patient] = [await startConformance('--eio3'), await startConformance('--eio3', ...patience)]; });
after(() => Promise.all([server?.stop(), patient?.stop()]));

const bytes = Buffer.from([1, 2, 3, 4]);
/** A body in bytes: 0 for text and 1 for bytes, the digits of the length, 255, the packet. */
const packetInBytes = (packet) => {
  const payload = Buffer.from(packet);
  return Buffer.concat([Buffer.from([typeof packet === 'string' ? 0 : 1, ...String(payload.length).split('').map(Number), 255]), payload]);
};
const inBytes = { headers: { 'Content-Type': 'application/octet-stream' } };

async function assertNoWebSocket(t, query) {
  const wire = await openWebSocket(t, server, { ...old, query, greeted: false }).catch((error) => error);
  if (wire instanceof Error) return;
  await wire.closes();
  assert.deepEqual(wire.inbox.items, [undefined], 'nothing was said');
}

function assertOpen(open, upgrades) {
  assert.equal(typeof open.sid, 'string');
  assert.deepEqual(open.upgrades, upgrades);
  assert.equal(open.pingInterval, heartbeat.interval);
  assert.equal(open.pingTimeout, heartbeat.timeout);
}

test('a polling handshake is answered with one open packet', async () => {
  const polling = await openPolling(server, { ...old, query: { b64: 1 } });
  assert.match(polling.answer.headers['content-type'], /^text\/plain; *charset=utf-8$/i);
  assert.equal(polling.packets.length, 1);
  assertOpen(polling.open, ['websocket']);
});

test('a polling handshake with an unknown revision is refused', ours, async () => {
  for (const EIO of ['abc', '2', '5', '33']) {
    assert.equal((await ask(server, address(mount, { EIO, transport: 'polling' }))).status, 400, EIO);
  }
});

test('a polling handshake without a transport or with an unknown one is refused', async () => {
  for (const transport of [undefined, 'abc']) {
    assert.equal((await ask(server, address(mount, { EIO: 3, transport }))).status, 400, transport);
  }
});

test('a handshake by POST or PUT is refused', async () => {
  for (const method of ['POST', 'PUT']) {
    assert.equal((await ask(server, address(mount, { EIO: 3, transport: 'polling' }), { method, body: '' })).status, 400, method);
  }
});

test('a WebSocket handshake is answered with an open packet that offers no upgrade', async (t) => {
  assertOpen((await openWebSocket(t, server, old)).open, []);
});

test('a WebSocket handshake with an unknown revision is refused', ours, async (t) => {
  await assertNoWebSocket(t, { EIO: 'abc' });
});

test('a WebSocket handshake without a transport or with an unknown one is refused', async (t) => {
  await assertNoWebSocket(t, { transport: undefined });
  await assertNoWebSocket(t, { transport: 'abc' });
});

test('polling carries a packet there and back', async () => {
  const polling = await openPolling(server, old);
  await polling.send('4hello');
  assert.deepEqual(await polling.messages(1), ['4hello']);
});

test('polling carries several packets of one body in their order', async () => {
  const polling = await openPolling(server, old);
  await polling.send('4test1', '4test2', '4test3');
  assert.deepEqual(await polling.messages(3), ['4test1', '4test2', '4test3']);
});

test('the length of a packet counts UTF-16 units, not bytes', async () => {
  const polling = await openPolling(server, old);
  const taken = await polling.post('7:4utf € 3:4\u{1f642}2:4ß');
  assert.equal(`${taken.status} ${taken.text}`, '200 ok');
  assert.deepEqual(await polling.messages(3), ['4utf € ', '4\u{1f642}', '4ß']);
  await polling.send('4\u{1f642}');
  assert.equal((await polling.get()).text, '3:4\u{1f642}');
});

test('polling carries base64 bytes for a client that wants no others', async () => {
  const polling = await openPolling(server, { ...old, query: { b64: 1 } });
  await polling.send('4hello', 'b4AQIDBA==');
  assert.deepEqual(await polling.messages(2), ['4hello', 'b4AQIDBA==']);
});

test('polling carries bytes as bytes, and answers in bytes', async () => {
  const polling = await openPolling(server, old);
  const body = Buffer.concat([packetInBytes('4hello'), packetInBytes(Buffer.concat([Buffer.from([4]), bytes])), packetInBytes('4ä€')]);
  const taken = await polling.post(body, inBytes);
  assert.equal(`${taken.status} ${taken.text}`, '200 ok');
  const found = [];
  while (found.length < 3) {
    const answer = await polling.get();
    assert.equal(answer.status, 200);
    const isBytes = answer.headers['content-type'] === 'application/octet-stream';
    found.push(...(isBytes ? packetsOfBytes3(answer.bytes) : packetsOf3(answer.text)));
  }
  assert.deepEqual(found, ['4hello', Buffer.concat([Buffer.from([4]), bytes]), '4ä€']);
});

for (const [what, body] of [
  ['has no length', 'abc'], ['has a length of no number', 'x:4a'], ['ends before its packet', '9:4hello'], ['holds a packet without a type', '3:abc'],
]) {
  test(`a body that ${what} is answered with 400 and ends the session`, ours, async () => {
    const polling = await openPolling(server, old);
    assert.equal((await polling.post(body)).status, 400);
    await polling.assertGone();
  });
}

test('a second poll at the same time ends the session, and both are answered', async () => {
  const polling = await openPolling(server, old);
  const first = polling.get();
  await sleep(20);
  const second = await polling.get();
  assert.ok([400, 500].includes(second.status), `${second.status}`);
  assert.equal((await first).text, '1:1');
  await polling.assertGone();
});

test('a poll that its client gives up ends the session', async () => {
  const polling = await openPolling(patient, old);
  const given = new AbortController();
  const poll = polling.get({ signal: given.signal });
  await sleep(30);
  given.abort();
  await assert.rejects(poll);
  await eventually(async () => (await polling.post(bodyOf3('4late'))).status === 400, 'the session is gone');
});

test('a WebSocket carries text there and back', async (t) => {
  const wire = await openWebSocket(t, server, old);
  wire.send('4hello');
  assert.equal(await wire.next(), '4hello');
});

test('a WebSocket carries bytes there and back, after a byte for their type', async (t) => {
  const wire = await openWebSocket(t, server, old);
  wire.send(Buffer.concat([Buffer.from([4]), bytes]));
  assert.deepEqual(await wire.next(), Buffer.concat([Buffer.from([4]), bytes]));
});

test('a WebSocket carries base64 bytes for a client that wants no others', async (t) => {
  const wire = await openWebSocket(t, server, { ...old, query: { b64: 1 } });
  wire.send('b4AQIDBA==');
  assert.equal(await wire.next(), 'b4AQIDBA==');
});

test('a packet that is none closes the WebSocket', async (t) => {
  const wire = await openWebSocket(t, patient, old);
  wire.send('abc');
  await wire.closes();
});

test('a client that pings on polling is answered, with what it said, and stays', async () => {
  const polling = await openPolling(server, old);
  for (let round = 0; round < 3; round += 1) {
    await polling.send('2');
    assert.deepEqual(await polling.messages(1), ['3']);
    await sleep(heartbeat.interval);
  }
  await polling.send('2abc');
  assert.deepEqual((await polling.messages(1)).map((packet) => packet[0]), ['3']);
});

test('a client of polling that does not ping is closed', async () => {
  const polling = await openPolling(server, old);
  await sleep(silence_ms + 150);
  await polling.assertGone();
});

test('a client that pings on its WebSocket is answered and stays', async (t) => {
  const wire = await openWebSocket(t, server, { ...old, pongs: false });
  for (let round = 0; round < 3; round += 1) {
    wire.send('2');
    assert.equal(await wire.next(), '3');
    await sleep(heartbeat.interval);
  }
});

test('a WebSocket that does not ping is closed, and the server pings nobody', async (t) => {
  const wire = await openWebSocket(t, server, { ...old, pongs: false });
  const began = Date.now();
  await wire.closes();
  assert.ok(Date.now() - began >= silence_ms - 50, 'not before its time');
  assert.deepEqual(wire.inbox.items, [undefined], 'nothing was said');
});

test('a close packet of polling answers the waiting poll and ends the session', async () => {
  const polling = await openPolling(server, old);
  const poll = polling.get();
  await sleep(20);
  await polling.send('1');
  assert.equal((await poll).text, '1:6');
  await polling.assertGone();
});

test('a close packet closes the WebSocket', ours, async (t) => {
  const wire = await openWebSocket(t, patient, old);
  wire.send('1');
  await wire.closes();
});

test('an upgrade releases the waiting poll, and the session goes on over the WebSocket', async (t) => {
  const polling = await openPolling(server, old);
  const poll = polling.get();
  await sleep(20);
  const wire = await openWebSocket(t, server, { ...old, sid: polling.sid });
  wire.send('2probe');
  assert.equal(await wire.next(), '3probe');
  assert.equal((await poll).text, '1:6');
  wire.send('5');
  wire.send('4hello');
  assert.equal(await wire.next(), '4hello');
});

test('polling requests of an upgraded session are refused, and it lives on', async (t) => {
  const { polling, wire } = await upgraded(t, server, old);
  wire.send('4first');
  assert.equal(await wire.next(), '4first');
  await polling.assertGone();
  wire.send('4hello');
  assert.equal(await wire.next(), '4hello');
});

test('a second WebSocket of an upgraded session is closed, and the first lives on', async (t) => {
  const { polling, wire } = await upgraded(t, server, old);
  wire.send('4first');
  assert.equal(await wire.next(), '4first');
  await assertNoWebSocket(t, { sid: polling.sid });
  wire.send('4hello');
  assert.equal(await wire.next(), '4hello');
});

test('clients of both revisions are served beside each other', async (t) => {
  const [before3, now] = [await openWebSocket(t, server, old), await openWebSocket(t, server)];
  before3.send('4of old');
  now.send('4of now');
  assert.deepEqual([await before3.next(), await now.next()], ['4of old', '4of now']);
  const [polling3, polling4] = [await openPolling(server, old), await openPolling(server)];
  await polling3.send('4of old');
  await polling4.send('4of now');
  assert.deepEqual([await polling3.messages(1), await polling4.messages(1)], [['4of old'], ['4of now']]);
});
