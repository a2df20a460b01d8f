// Contract 1, frames between server and extension.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { closePayload, extensionFor, frame, parseFrames, rawSocket, rawWebSocket, sessionId, sleep, start, upgradeRequest } from './harness.mjs';

let server;
before(async () => { server = await start(); });
after(() => server?.stop());

function assertRecent(timestamp) {
  assert.ok(Number.isInteger(timestamp), `${timestamp} is an integer`);
  assert.ok(Math.abs(Date.now() - timestamp) < 5000, `${timestamp} is the time in milliseconds`);
}

test('BTW-13 BTW-14 the first frame is connected, with the id, the message and a time', async (t) => {
  const { hello, helloText } = await extensionFor(t, server);
  assert.match(hello.sessionId, sessionId);
  assertRecent(hello.timestamp);
  assert.equal(helloText, JSON.stringify({
    type: 'connected',
    sessionId: hello.sessionId,
    message: 'WebSocket connection established successfully',
    timestamp: hello.timestamp,
  }));
});

test('BTW-13 the greeting comes once, alone and as text', async (t) => {
  const raw = await rawWebSocket(server.port);
  t.after(() => raw.destroy());
  await sleep(150);
  assert.deepEqual(raw.frames().map((item) => [item.opcode, item.fin]), [[1, true]]);
});

test('BTW-13 the greeting comes first even when the client speaks in the same packet as its upgrade', async (t) => {
  const raw = await rawSocket(server.port);
  t.after(() => raw.destroy());
  raw.send(Buffer.concat([Buffer.from(upgradeRequest(server.port)), frame(1, '{"type":"ping"}'), frame(1, '[1]')]));
  const heard = () => parseFrames(raw.received().subarray(raw.received().indexOf('\r\n\r\n') + 4));
  await raw.waitFor(() => heard().length === 3, 'three messages');
  assert.deepEqual(heard().map(({ payload }) => JSON.parse(payload.toString()).type), ['connected', 'pong', 'echo']);
});

test('BTW-13 an upgrade that is pipelined behind a request is accepted after its answer', async (t) => {
  const raw = await rawSocket(server.port);
  t.after(() => raw.destroy());
  raw.send(`GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n${upgradeRequest(server.port)}`);
  await raw.waitFor(() => raw.text().includes('"connected"'), 'the greeting');
  assert.match(raw.text(), /^HTTP\/1\.1 200 [^]*"status":"ok"[^]*HTTP\/1\.1 101 /);
});

test('BTW-15 a client that lists on receipt of the greeting finds itself', async (t) => {
  for (let round = 0; round < 20; round += 1) {
    const extension = await extensionFor(t, server);
    const [one, list] = await Promise.all([server.session(extension.id), server.list()]);
    assert.equal(one.status, 200);
    assert.ok(list.sessions.some((session) => session.sessionId === extension.id));
  }
});

for (const isBinary of [false, true]) {
  const kind = isBinary ? 'binary' : 'text';

  test(`BTW-17 ping in a ${kind} frame is answered with pong`, async (t) => {
    const extension = await extensionFor(t, server);
    for (const text of ['{"type":"ping"}', '{ "type" : "ping", "data": {} }', '{"type":"ping","requestId":"00000000"}']) {
      extension.sendRaw(text, isBinary);
      const { text: answer, isBinary: answeredBinary } = await extension.inbox.next('pong', 3000);
      const { timestamp } = JSON.parse(answer);
      assertRecent(timestamp);
      assert.equal(answer, JSON.stringify({ type: 'pong', sessionId: extension.id, timestamp }));
      assert.equal(answeredBinary, false);
    }
  });

  test(`BTW-17 other JSON in a ${kind} frame is echoed whole`, async (t) => {
    const extension = await extensionFor(t, server);
    const values = [{ type: 'hello', n: 1 }, {}, [], [1, 'two', null], 'text', '', { type: 5 }, { type: null }, { requestId: 'ffffffff' },
      { deep: { a: [{ b: 'ünï 𝄞 \u2028' }] } }, { type: 'connected', sessionId: 'ext_000000000000' }, 7, true, false];
    for (const value of values) {
      extension.sendRaw(JSON.stringify(value), isBinary);
      const answer = await extension.nextText();
      const { timestamp } = JSON.parse(answer);
      assertRecent(timestamp);
      assert.deepEqual(JSON.parse(answer), { type: 'echo', sessionId: extension.id, data: value, timestamp });
      assert.deepEqual(Object.keys(JSON.parse(answer)), ['type', 'sessionId', 'data', 'timestamp']);
    }
  });

  test(`BTW-17 what is no JSON, or null, in a ${kind} frame is answered with Invalid JSON, and the connection stays`, async (t) => {
    const extension = await extensionFor(t, server);
    for (const text of ['not json', '', '{', '{"type":"ping"', '{"type":ping}', '{"a":1}{"b":2}', 'null', ' null ', "{'a':1}", '[1,]', '\u0000', 'NaN']) {
      extension.sendRaw(text, isBinary);
      const answer = await extension.nextText();
      const { timestamp } = JSON.parse(answer);
      assertRecent(timestamp);
      assert.equal(answer, JSON.stringify({ type: 'error', sessionId: extension.id, message: 'Invalid JSON', timestamp }), JSON.stringify(text));
    }
    extension.send({ type: 'ping' });
    assert.equal((await extension.next()).type, 'pong');
  });
}

test('BTW-17 bytes that are no UTF-8 in a binary frame are answered with Invalid JSON', async (t) => {
  const extension = await extensionFor(t, server);
  extension.sendRaw(Buffer.from([0x22, 0xff, 0xfe, 0x22]), true);
  assert.equal((await extension.next()).message, 'Invalid JSON');
});

test('BTW-17 JSON nested deeper than 64 is answered with Invalid JSON', async (t) => {
  const extension = await extensionFor(t, server);
  extension.sendRaw('['.repeat(10000) + ']'.repeat(10000));
  assert.equal((await extension.next()).message, 'Invalid JSON');
  extension.sendRaw('['.repeat(60) + ']'.repeat(60));
  assert.equal((await extension.next()).type, 'echo');
});

test('BTW-17 pong and responses are never echoed', async (t) => {
  const extension = await extensionFor(t, server);
  extension.send({ type: 'pong' });
  extension.send({ type: 'pong', sessionId: extension.id, timestamp: 1 });
  extension.send({ type: 'navigate.response', success: true, result: {} });
  extension.send({ type: 'tabs.click.response', requestId: '0badcafe', success: true });
  extension.sendRaw(JSON.stringify({ type: 'tabs.query.response' }), true);
  assert.deepEqual(await extension.settle(), []);
});

test('BTW-17 two connections that answer pong to every ping do not start a loop', async (t) => {
  const extension = await extensionFor(t, server);
  await server.message(extension.id, { type: 'ping', data: {} });
  assert.equal((await extension.next()).type, 'ping');
  extension.send({ type: 'pong' });
  assert.deepEqual(await extension.settle(), []);
});

test('BTW-17 replies come in the order of the frames', async (t) => {
  const extension = await extensionFor(t, server);
  for (let n = 0; n < 150; n += 1) extension.send(n % 3 === 0 ? { type: 'ping' } : { n });
  for (let n = 0; n < 150; n += 1) {
    const answer = await extension.next();
    if (n % 3 === 0) assert.equal(answer.type, 'pong'); else assert.equal(answer.data.n, n);
  }
});

test('BTW-17 a message in fragments with a control frame between them is one message', async (t) => {
  const raw = await rawWebSocket(server.port);
  t.after(() => raw.destroy());
  raw.send(frame(1, '{"type"', { fin: false }));
  raw.send(frame(9, 'are you there'));
  raw.send(frame(0, ':"pi', { fin: false }));
  raw.send(frame(0, 'ng"}'));
  await raw.waitFor(() => raw.frames().length >= 3, 'a pong frame and a pong message');
  const [, control, message] = raw.frames();
  assert.deepEqual([control.opcode, control.payload.toString()], [10, 'are you there']);
  assert.equal(JSON.parse(message.payload.toString()).type, 'pong');
});

test('BTW-17 a ping that comes in one packet with the Close frame is answered before the close', async (t) => {
  const raw = await rawWebSocket(server.port);
  t.after(() => raw.destroy());
  raw.send(Buffer.concat([frame(1, '{"type":"ping"}'), frame(8, closePayload(1000))]));
  await raw.waitFor(() => raw.closeFrame() !== undefined, 'the answer to the Close frame');
  assert.deepEqual(raw.frames().map(({ opcode }) => opcode), [1, 1, 8]);
});

test('BTW-17 frames of one connection are answered on that connection only', async (t) => {
  const [speaker, listener] = [await extensionFor(t, server), await extensionFor(t, server)];
  speaker.send({ type: 'ping' });
  speaker.send({ to: listener.id, from: 'server', type: 'navigate' });
  assert.equal((await speaker.next()).type, 'pong');
  assert.equal((await speaker.next()).type, 'echo');
  assert.deepEqual(await listener.settle(), []);
});
