// Hostile WebSocket peers: bad handshakes, bad frames, floods and readers that do not read.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { acceptFor, closePayload, eventually, extensionFor, frame, hostileTest, parseResponses, rawSocket, rawWebSocket, sleep, start, upgradeRequest } from './harness.mjs';

let server;
let fds;
before(async () => {
  server = await start();
  await server.list();
  await sleep(50);
  fds = server.fdCount();
});
after(() => server?.stop());
const hostile = (name, body) => hostileTest(name, () => ({ server, fds }), body);

const ping = frame(1, '{"type":"ping"}');
const bytesOf = (...values) => Buffer.from(values);

/** Sends `bytes` after a good handshake: the Close frame that the server answers with, once the connection has ended. */
async function closedBy(t, bytes, port = server.port) {
  const raw = await rawWebSocket(port);
  t.after(() => raw.destroy());
  raw.send(bytes);
  await raw.readUntilClose(3000);
  return raw;
}

hostile('the accept key is computed from the key, and no extension or protocol is agreed', async (t) => {
  for (const extra of [[], ['Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'], ['Sec-WebSocket-Protocol: chat, superchat']]) {
    const raw = await rawWebSocket(server.port, { headers: extra });
    t.after(() => raw.destroy());
    assert.ok(raw.handshake.toLowerCase().includes(`sec-websocket-accept: ${acceptFor('dGhlIHNhbXBsZSBub25jZQ==')}`.toLowerCase()));
    assert.doesNotMatch(raw.handshake, /sec-websocket-(extensions|protocol):/i);
  }
});

hostile('a handshake may spell its headers in any case and list several connection options', async (t) => {
  const raw = await rawSocket(server.port);
  t.after(() => raw.destroy());
  raw.send(upgradeRequest(server.port).replace('Upgrade: websocket', 'uPGRADE: WebSocket').replace('Connection: Upgrade', 'CONNECTION: keep-alive, upgrade'));
  await raw.waitFor(() => raw.text().startsWith('HTTP/1.1 101'), 'the upgrade');
});

const handshakes = [
  ['without a key', (text) => text.replace(/Sec-WebSocket-Key: .*\r\n/, '')],
  ['with an empty key', (text) => text.replace(/Key: .*/, 'Key:')],
  ['with a key of 15 bytes', (text) => text.replace(/Key: .*/, `Key: ${Buffer.alloc(15).toString('base64')}`)],
  ['with a key of 17 bytes', (text) => text.replace(/Key: .*/, `Key: ${Buffer.alloc(17).toString('base64')}`)],
  ['with a key that is no base64', (text) => text.replace(/Key: .*/, 'Key: ************************')],
  ['with two keys', (text) => text.replace(/(Sec-WebSocket-Key: .*\r\n)/, '$1$1')],
  ['without a version', (text) => text.replace(/Sec-WebSocket-Version: .*\r\n/, '')],
  ['with version 12', (text) => text.replace('Version: 13', 'Version: 12'), [400, 426]],
  ['with version 013', (text) => text.replace('Version: 13', 'Version: 013'), [400, 426]],
  ['without Upgrade', (text) => text.replace('Upgrade: websocket\r\n', ''), [400, 404, 426]],
  ['to another protocol', (text) => text.replace('Upgrade: websocket', 'Upgrade: h2c'), [400, 404, 426]],
  ['without Connection', (text) => text.replace('Connection: Upgrade\r\n', ''), [400, 404, 426]],
  ['with POST', (text) => text.replace('GET ', 'POST '), [400, 404, 405]],
  ['with HTTP/1.0', (text) => text.replace('HTTP/1.1', 'HTTP/1.0'), [400, 426]],
  ['with a body', (text) => `${text.replace('Upgrade: w', 'Content-Length: 4\r\nUpgrade: w')}abcd`],
];

hostile('every bad handshake is refused and opens no session', async (t) => {
  for (const [what, change, statuses = [400, 426]] of handshakes) {
    await t.test(what, async () => {
      const raw = await rawSocket(server.port);
      raw.send(change(upgradeRequest(server.port)));
      await raw.waitFor(() => parseResponses(raw.received()).length > 0, 'an answer');
      const [{ status }] = parseResponses(raw.received());
      assert.ok(statuses.includes(status), `${status}`);
      raw.destroy();
    });
  }
});

const protocolErrors = [
  ['a frame without a mask', frame(1, '{}', { masked: false })],
  ['a Close frame without a mask', frame(8, '', { masked: false })],
  ['RSV1', frame(1, '{}', { rsv: 4 })],
  ['RSV2', frame(1, '{}', { rsv: 2 })],
  ['RSV3', frame(1, '{}', { rsv: 1 })],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`the reserved opcode ${opcode}`, frame(opcode, 'x')]),
  ['a ping in fragments', frame(9, 'x', { fin: false })],
  ['a Close frame in fragments', frame(8, closePayload(1000), { fin: false })],
  ['a ping of 126 bytes', frame(9, 'x'.repeat(126))],
  ['a pong of 65,536 bytes', frame(10, 'x'.repeat(65536))],
  ['a Close frame of 126 bytes', frame(8, closePayload(1000, 'x'.repeat(124)))],
  ['a continuation without a beginning', frame(0, 'x')],
  ['a last continuation without a beginning', frame(0, 'x', { fin: false })],
  ['a new message inside of a message', Buffer.concat([frame(1, '{', { fin: false }), frame(1, '}')])],
  ['a binary message inside of a text message', Buffer.concat([frame(1, '{', { fin: false }), frame(2, '}')])],
  ['a continuation after the end', Buffer.concat([frame(1, '{', { fin: false }), frame(0, '}'), frame(0, 'x')])],
  ['a length of 64 bits with the highest bit', frame(1, '', { lengthBytes: 8, length: 0xffffffffffffffffn })],
  ['a short length in 16 bits', frame(1, '{}', { lengthBytes: 2 })],
  ['a short length in 64 bits', frame(1, '{}', { lengthBytes: 8 })],
  ['a 16-bit length in 64 bits', frame(1, ' '.repeat(200), { lengthBytes: 8 })],
  ['a Close frame with one byte', frame(8, bytesOf(3))],
  ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map((code) => [`close code ${code}`, frame(8, closePayload(code))]),
];

hostile('every violation of the protocol is answered with close code 1002', async (t) => {
  for (const [what, bytes] of protocolErrors) {
    await t.test(what, async (row) => {
      const raw = await closedBy(row, Buffer.concat([bytes, ping]));
      assert.equal(raw.closeFrame()?.code, 1002);
      assert.ok(!raw.frames().some(({ payload }) => payload.includes('"pong"')), 'nothing after it is served');
    });
  }
});

const badText = [
  ['a lone continuation byte', bytesOf(0x80)],
  ['a byte that never occurs', bytesOf(0xff)],
  ['an overlong slash', bytesOf(0xc0, 0xaf)],
  ['an overlong NUL of three bytes', bytesOf(0xe0, 0x80, 0x80)],
  ['a surrogate', bytesOf(0xed, 0xa0, 0x80)],
  ['a code point above U+10FFFF', bytesOf(0xf4, 0x90, 0x80, 0x80)],
  ['a sequence of five bytes', bytesOf(0xf8, 0x88, 0x80, 0x80, 0x80)],
  ['a sequence cut by ASCII', bytesOf(0xe2, 0x82, 0x41)],
];

hostile('text that is no UTF-8 is answered with close code 1007', async (t) => {
  for (const [what, bytes] of [...badText, ['a sequence cut by the end', bytesOf(0xe2, 0x82)]]) {
    await t.test(what, async (row) => {
      const text = Buffer.concat([Buffer.from('"ok '), bytes]);
      assert.equal((await closedBy(row, frame(1, text))).closeFrame()?.code, 1007);
      const parts = Buffer.concat([frame(1, text.subarray(0, 5), { fin: false }), frame(0, text.subarray(5))]);
      assert.equal((await closedBy(row, parts)).closeFrame()?.code, 1007);
    });
  }
});

hostile('text that is no UTF-8 is refused while its frame and its message are unfinished', async (t) => {
  for (const [what, bytes] of badText) {
    await t.test(what, async (row) => {
      const text = Buffer.concat([Buffer.from('"ok '), bytes]);
      assert.equal((await closedBy(row, frame(1, text, { length: 5000 }))).closeFrame()?.code, 1007, 'in the frame');
      assert.equal((await closedBy(row, frame(1, text, { fin: false }))).closeFrame()?.code, 1007, 'in the message');
    });
  }
});

hostile('a Close frame whose reason is no UTF-8 is answered with 1007', async (t) => {
  const raw = await closedBy(t, frame(8, Buffer.concat([closePayload(1000), bytesOf(0xff)])));
  assert.ok([1002, 1007].includes(raw.closeFrame()?.code));
});

hostile('a character cut over frames, also with a ping between, is one character', async (t) => {
  const raw = await rawWebSocket(server.port);
  t.after(() => raw.destroy());
  const text = Buffer.from('"𝄞"');
  for (const [n, byte] of text.entries()) {
    raw.send(frame(n === 0 ? 1 : 0, bytesOf(byte), { fin: n === text.length - 1 }));
    raw.send(frame(9, 'p'));
  }
  await raw.waitFor(() => raw.frames().some(({ payload }) => payload.includes('"echo"')), 'the echo');
  assert.equal(raw.frames().filter(({ opcode }) => opcode === 10).length, text.length);
  assert.equal(JSON.parse(raw.frames().find(({ payload }) => payload.includes('"echo"')).payload.toString()).data, '𝄞');
});

for (const code of [1000, 1001, 1003, 1007, 1008, 1011, 1012, 3000, 4999]) {
  hostile(`the close code ${code} is a proper one and is answered`, async (t) => {
    const raw = await closedBy(t, frame(8, closePayload(code, 'bye')));
    assert.ok([code, 1000].includes(raw.closeFrame()?.code), `${raw.closeFrame()?.code}`);
  });
}

hostile('a Close frame without a code is answered, and frames after it are not served', async (t) => {
  const raw = await closedBy(t, Buffer.concat([frame(8), ping]));
  assert.ok([1000, 1005].includes(raw.closeFrame()?.code));
  assert.ok(!raw.frames().some(({ payload }) => payload.includes('"pong"')));
});

hostile('a message of 1,000,000 bytes is read, one byte more is answered with 1009', async (t) => {
  const extension = await extensionFor(t, server);
  extension.sendRaw(`"${'x'.repeat(999998)}"`);
  assert.equal((await extension.next()).type, 'echo');
  assert.equal((await closedBy(t, frame(1, ' '.repeat(1000001)))).closeFrame()?.code, 1009);
});

hostile('a message that only claims to be large is refused at once', async (t) => {
  for (const length of [1000001, 2 ** 31, 2 ** 52]) {
    const raw = await closedBy(t, frame(2, 'x', { length, lengthBytes: 8 }));
    assert.equal(raw.closeFrame()?.code, 1009, `${length}`);
  }
});

hostile('fragments that add up to more than 1,000,000 bytes are answered with 1009', async (t) => {
  const part = ' '.repeat(100000);
  const raw = await closedBy(t, Buffer.concat([frame(1, part, { fin: false }), ...Array.from({ length: 10 }, () => frame(0, part, { fin: false }))]));
  assert.equal(raw.closeFrame()?.code, 1009);
});

hostile('100,000 fragments of one byte keep memory bounded', async (t) => {
  const calm = await start({ config: '[limits]\nmessages_per_s = 0\n' });
  t.after(() => calm.stop());
  await calm.list();
  const before_kb = await calm.rssKb();
  const raw = await rawWebSocket(calm.port);
  t.after(() => raw.destroy());
  raw.send(frame(1, '"', { fin: false }));
  const many = Buffer.concat(Array.from({ length: 1000 }, () => frame(0, 'a', { fin: false })));
  for (let n = 0; n < 100 && !raw.ended; n += 1) raw.send(many);
  await sleep(300);
  const grown_kb = (await calm.rssKb()) - before_kb;
  assert.ok(grown_kb < 8 * 1024, `grown by ${grown_kb} KiB`);
  if (!raw.ended) {
    raw.send(frame(0, '"'));
    await raw.waitFor(() => raw.frames().length > 1 || raw.ended, 'an answer');
  }
  if (raw.closeFrame()) assert.ok([1008, 1009].includes(raw.closeFrame().code), `${raw.closeFrame().code}`);
  else assert.equal(JSON.parse(raw.frames()[1].payload.toString()).data.length, 100000);
});

hostile('empty fragments without an end do not keep others waiting', async (t) => {
  const raw = await rawWebSocket(server.port);
  t.after(() => raw.destroy());
  raw.send(frame(1, '', { fin: false }));
  raw.send(Buffer.concat(Array.from({ length: 50000 }, () => frame(0, '', { fin: false }))));
  const since = Date.now();
  for (let n = 0; n < 10; n += 1) await server.list();
  assert.ok(Date.now() - since < 1500, `${Date.now() - since} ms`);
});

hostile('a frame that comes byte by byte is read', async (t) => {
  const raw = await rawWebSocket(server.port);
  t.after(() => raw.destroy());
  for (const byte of ping) {
    raw.send(bytesOf(byte));
    await new Promise(setImmediate);
  }
  await raw.waitFor(() => raw.frames().some(({ payload }) => payload.includes('"pong"')), 'pong');
});

for (const [how, cut] of [['closed', (raw) => raw.end()], ['reset', (raw) => raw.reset()]]) {
  hostile(`a connection ${how} at each byte of a frame ends its session`, async () => {
    const whole = Buffer.concat([frame(1, '{"ty', { fin: false }), frame(9, 'p'), frame(0, 'pe":"ping"}'), frame(8, closePayload(1000))]);
    for (let at = 0; at <= whole.length; at += 1) {
      const raw = await rawWebSocket(server.port);
      raw.send(whole.subarray(0, at));
      cut(raw);
    }
  });
}

hostile('a reader that does not read is cut off near 1 MiB of queue, and nobody else notices', async (t) => {
  const stuck = await rawWebSocket(server.port);
  t.after(() => stuck.destroy());
  stuck.socket.pause();
  const good = await extensionFor(t, server);
  const before_kb = await server.rssKb();
  const data = 'x'.repeat(100000);
  let sent = 0;
  let status = 200;
  while (status === 200 && sent < 200) {
    status = (await server.message(stuck.id, { type: 'big', data })).status;
    sent += 1;
    if (sent % 10 === 0) {
      const since = Date.now();
      await server.message(good.id, { type: 'small', data: sent });
      assert.equal((await good.next()).data, sent);
      assert.ok(Date.now() - since < 500, `a good reader waits ${Date.now() - since} ms`);
    }
  }
  assert.ok([404, 503].includes(status), `after ${sent} messages the answer is ${status}`);
  assert.ok(sent > 10, `only ${sent} messages were taken`);
  await eventually(async () => (await server.session(stuck.id)).status === 404, 'the session is gone');
  assert.ok((await server.rssKb()) - before_kb < 16 * 1024, 'memory stays bounded');
  stuck.socket.resume();
  await stuck.readUntilClose(5000);
});

hostile('a peer that sends frames and never reads the replies is cut off', async (t) => {
  const calm = await start({ config: '[limits]\nmessages_per_s = 0\n' });
  t.after(() => calm.stop());
  const raw = await rawWebSocket(calm.port);
  t.after(() => raw.destroy());
  raw.socket.pause();
  const echo = frame(1, JSON.stringify({ x: 'y'.repeat(60000) }));
  const before_kb = await calm.rssKb();
  for (let n = 0; n < 400 && !raw.closed && (await calm.list()).count > 0; n += 1) raw.send(echo);
  const grown_kb = (await calm.rssKb()) - before_kb;
  assert.ok(grown_kb < 24 * 1024, `grown by ${grown_kb} KiB`);
  assert.equal((await calm.list()).count <= 1, true);
  calm.assertUnharmed();
});

hostile('more than 100 messages a second over the burst of 200 end with 1008 rate limit', async (t) => {
  const raw = await rawWebSocket(server.port);
  t.after(() => raw.destroy());
  raw.send(Buffer.concat(Array.from({ length: 400 }, () => ping)));
  await raw.readUntilClose(3000);
  assert.equal(raw.closeFrame()?.code, 1008);
  assert.match(raw.closeFrame().reason, /^rate limit/);
  const answered = raw.frames().filter(({ payload }) => payload.includes('"pong"')).length;
  assert.ok(answered <= 260, `${answered} were answered`);
});

hostile('a burst of 190 messages and then a steady 50 a second stay within the limit', async (t) => {
  const extension = await extensionFor(t, server);
  for (let n = 0; n < 190; n += 1) extension.send({ type: 'ping' });
  for (let n = 0; n < 190; n += 1) assert.equal((await extension.next()).type, 'pong');
  for (let n = 0; n < 50; n += 1) {
    await sleep(20);
    extension.send({ type: 'ping' });
    assert.equal((await extension.next()).type, 'pong');
  }
});

hostile('the limit can be set and switched off', async (t) => {
  const strict = await start({ config: '[limits]\nmessages_per_s = 5\nmessage_burst = 10\n' });
  t.after(() => strict.stop());
  assert.equal((await closedBy(t, Buffer.concat(Array.from({ length: 40 }, () => ping)), strict.port)).closeFrame()?.code, 1008);
  const off = await start({ config: '[limits]\nmessages_per_s = 0\n' });
  t.after(() => off.stop());
  const extension = await extensionFor(t, off);
  for (let n = 0; n < 2000; n += 1) extension.send({ type: 'ping' });
  for (let n = 0; n < 2000; n += 1) assert.equal((await extension.next()).type, 'pong');
});

hostile('a flood of pings of the protocol is answered or ends the connection, and harms nobody', async (t) => {
  const raw = await rawWebSocket(server.port);
  t.after(() => raw.destroy());
  raw.send(Buffer.concat(Array.from({ length: 20000 }, () => frame(9, 'p'))));
  const good = await extensionFor(t, server);
  assert.deepEqual(await good.settle(), []);
});

hostile('two hundred connections that open and vanish leave nothing behind', async () => {
  for (let n = 0; n < 200; n += 1) {
    const raw = await rawWebSocket(server.port);
    raw.reset();
  }
});
