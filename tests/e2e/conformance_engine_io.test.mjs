// Engine.IO revision 4 as its clients meet it: the handshake, messages, the heartbeat, closing and the upgrade.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  address, ask, eventually, heartbeat, openPolling, openWebSocket, ours, patience, separator, sleep, startConformance, upgraded,
} from './conformance_stage.mjs';

const mount = '/engine.io/';
let server;
let patient; // one that drops nobody for being silent
before(async () => { [server, patient] = [await startConformance(), await startConformance(...patience)]; });
after(() => Promise.all([server?.stop(), patient?.stop()]));

const bytes = Buffer.from([1, 2, 3, 4]);

/** A WebSocket with this query never gets a packet: it is refused, or closed at once. */
async function assertNoWebSocket(t, query) {
  const wire = await openWebSocket(t, server, { query, greeted: false }).catch((error) => error);
  if (wire instanceof Error) return;
  await wire.closes();
  assert.deepEqual(wire.inbox.items, [undefined], 'nothing was said');
}

function assertOpen(open, upgrades) {
  assert.deepEqual(Object.keys(open).sort(), ['maxPayload', 'pingInterval', 'pingTimeout', 'sid', 'upgrades']);
  assert.equal(typeof open.sid, 'string');
  assert.ok(open.sid.length >= 20, 'nobody guesses the sid');
  assert.deepEqual({ ...open, sid: '' }, { sid: '', upgrades, pingInterval: heartbeat.interval, pingTimeout: heartbeat.timeout, maxPayload: 1000000 });
}

test('a polling handshake is answered with one open packet', async () => {
  const polling = await openPolling(server);
  assert.match(polling.answer.headers['content-type'], /^text\/plain; *charset=utf-8$/i);
  assert.match(polling.answer.headers['cache-control'], /no-store/);
  assert.equal(polling.packets.length, 1);
  assertOpen(polling.open, ['websocket']);
});

test('a polling handshake without a revision or with an unknown one is refused', async () => {
  for (const query of [{ transport: 'polling' }, { EIO: 'abc', transport: 'polling' }, { EIO: '', transport: 'polling' }]) {
    assert.equal((await ask(server, address(mount, query))).status, 400, JSON.stringify(query));
  }
});

test('a polling handshake without a transport or with an unknown one is refused', async () => {
  for (const query of [{ EIO: 4 }, { EIO: 4, transport: 'abc' }]) {
    assert.equal((await ask(server, address(mount, query))).status, 400, JSON.stringify(query));
  }
});

test('a handshake by POST or PUT is refused', async () => {
  for (const method of ['POST', 'PUT']) {
    assert.equal((await ask(server, address(mount, { EIO: 4, transport: 'polling' }), { method, body: '' })).status, 400, method);
  }
});

test('a WebSocket handshake is answered with an open packet that offers no upgrade', async (t) => {
  assertOpen((await openWebSocket(t, server)).open, []);
});

test('a WebSocket handshake without a revision or with an unknown one is refused', async (t) => {
  for (const EIO of [undefined, 'abc', '', '5']) await assertNoWebSocket(t, { EIO });
});

test('a WebSocket handshake without a transport or with an unknown one is refused', async (t) => {
  for (const transport of [undefined, 'abc', '']) await assertNoWebSocket(t, { transport });
});

test('polling carries a packet there and back', async () => {
  const polling = await openPolling(server);
  await polling.send('4hello');
  assert.deepEqual(await polling.messages(1), ['4hello']);
});

test('polling carries several packets of one body in their order', async () => {
  const polling = await openPolling(server);
  await polling.send('4test1', '4test2', '4test3');
  assert.deepEqual(await polling.messages(3), ['4test1', '4test2', '4test3']);
});

test('polling carries text and base64 bytes beside each other', async () => {
  const polling = await openPolling(server);
  await polling.send('4hello', `b${bytes.toString('base64')}`, '4\u{1f642} ä', 'b');
  assert.deepEqual(await polling.messages(4), ['4hello', 'bAQIDBA==', '4\u{1f642} ä', 'b']);
});

for (const [what, body] of [['no type', 'abc'], ['an empty packet in between', `4a${separator}${separator}4b`]]) {
  test(`a body that has ${what} is answered with 400 and ends the session`, ours, async () => {
    const polling = await openPolling(server);
    const refused = await polling.post(body);
    assert.equal(refused.status, 400);
    await polling.assertGone();
  });
}

test('a second poll at the same time ends the session, and both are answered', async () => {
  const polling = await openPolling(server);
  const first = polling.get();
  await sleep(20);
  const second = await polling.get();
  assert.ok([400, 500].includes(second.status), `${second.status}`);
  const { status, text } = await first;
  assert.deepEqual({ status, text }, { status: 200, text: '1' });
  await polling.assertGone();
});

test('a poll that its client gives up ends the session', async () => {
  const polling = await openPolling(patient);
  const given = new AbortController();
  const poll = polling.get({ signal: given.signal });
  await sleep(30);
  given.abort();
  await assert.rejects(poll);
  await eventually(async () => (await polling.post('4late')).status === 400, 'the session is gone');
});

test('a WebSocket carries text there and back', async (t) => {
  const wire = await openWebSocket(t, server);
  wire.send('4hello');
  assert.equal(await wire.next(), '4hello');
});

test('a WebSocket carries bytes there and back', async (t) => {
  const wire = await openWebSocket(t, server);
  wire.send(bytes);
  assert.deepEqual(await wire.next(), bytes);
});

test('a packet that is none closes the WebSocket', async (t) => {
  const wire = await openWebSocket(t, server);
  wire.send('abc');
  await wire.closes();
});

test('a client that answers three pings stays on polling', async () => {
  const polling = await openPolling(server);
  for (let round = 0; round < 3; round += 1) {
    assert.equal((await polling.get()).text, '2');
    await polling.send('3');
  }
  await polling.send('4still here');
  assert.deepEqual(await polling.messages(1), ['4still here']);
});

test('a client of polling that answers no ping is closed', async () => {
  const polling = await openPolling(server);
  assert.equal((await polling.get()).text, '2');
  await sleep(heartbeat.timeout + 150);
  await polling.assertGone();
});

test('a client that answers three pings stays on its WebSocket', async (t) => {
  const wire = await openWebSocket(t, server, { pongs: false });
  for (let round = 0; round < 3; round += 1) {
    assert.equal(await wire.next(), '2');
    wire.send('3');
  }
  wire.send('4still here');
  assert.equal(await wire.next(), '4still here');
});

test('a WebSocket that answers no ping is closed, whatever else it says', async (t) => {
  const wire = await openWebSocket(t, server, { pongs: false });
  assert.equal(await wire.next(), '2');
  const began = Date.now();
  const talk = setInterval(() => wire.send('4not a pong'), 50);
  t.after(() => clearInterval(talk));
  await wire.closes();
  assert.ok(Date.now() - began >= heartbeat.timeout - 50, 'not before its time');
});

test('a close packet of polling answers the waiting poll and ends the session', async () => {
  const polling = await openPolling(server);
  const poll = polling.get();
  await sleep(20);
  await polling.send('1');
  const { status, text } = await poll;
  assert.deepEqual({ status, text }, { status: 200, text: '6' });
  await polling.assertGone();
});

test('a close packet closes the WebSocket', ours, async (t) => {
  const wire = await openWebSocket(t, server);
  wire.send('1');
  await wire.closes();
});

test('an upgrade releases the waiting poll, and the session goes on over the WebSocket', async (t) => {
  const polling = await openPolling(server);
  const poll = polling.get();
  await sleep(20);
  const wire = await openWebSocket(t, server, { sid: polling.sid });
  wire.send('2probe');
  assert.equal(await wire.next(), '3probe');
  const { status, text } = await poll;
  assert.deepEqual({ status, text }, { status: 200, text: '6' });
  wire.send('5');
  wire.send('4hello');
  assert.equal(await wire.next(), '4hello');
});

test('polling requests of an upgraded session are refused, and it lives on', async (t) => {
  const { polling, wire } = await upgraded(t, server);
  wire.send('4first');
  assert.equal(await wire.next(), '4first');
  await polling.assertGone();
  assert.equal((await polling.post('4late')).status, 400);
  wire.send('4hello');
  assert.equal(await wire.next(), '4hello');
});

test('a second WebSocket of an upgraded session is closed, and the first lives on', async (t) => {
  const { polling, wire } = await upgraded(t, server);
  wire.send('4first');
  assert.equal(await wire.next(), '4first');
  await assertNoWebSocket(t, { sid: polling.sid });
  wire.send('4hello');
  assert.equal(await wire.next(), '4hello');
});

test('what waits on polling when the upgrade is done comes over the WebSocket in its order', async (t) => {
  const polling = await openPolling(server);
  const wire = await openWebSocket(t, server, { sid: polling.sid });
  wire.send('2probe');
  assert.equal(await wire.next(), '3probe');
  await polling.send('4a', 'bAQIDBA==', '4b');
  wire.send('5');
  wire.send('4c');
  assert.deepEqual([await wire.next(), await wire.next(), await wire.next(), await wire.next()], ['4a', bytes, '4b', '4c']);
});

test('a WebSocket that asks for an upgrade and says something else first is closed, and polling goes on', async (t) => {
  const polling = await openPolling(server);
  const wire = await openWebSocket(t, server, { sid: polling.sid });
  wire.send('4too early');
  await wire.closes();
  await polling.send('4hello');
  assert.deepEqual(await polling.messages(1), ['4hello']);
});

test('an upgrade that is given up leaves the session on polling', async (t) => {
  const polling = await openPolling(server);
  const wire = await openWebSocket(t, server, { sid: polling.sid });
  wire.send('2probe');
  assert.equal(await wire.next(), '3probe');
  wire.ws.terminate();
  await polling.send('4hello');
  assert.deepEqual(await polling.messages(1), ['4hello']);
});
