// permessage-deflate between the real server and a client of the usual library.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { start } from './harness.mjs';

let compressing;
let plain;
before(async () => { [compressing, plain] = await Promise.all([start({ config: 'compression = true\n' }), start()]); });
after(async () => { await Promise.all([compressing.stop(), plain.stop()]); });

/** A connected extension; `next()` is its next message, `received()` the bytes that came over the wire so far. */
async function connect(t, server, options) {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws/extension`, { perMessageDeflate: options });
  const [messages, waiting] = [[], []];
  socket.on('message', (data) => {
    messages.push(JSON.parse(data));
    waiting.shift()?.();
  });
  t.after(() => socket.terminate());
  await new Promise((resolve, reject) => { socket.on('open', resolve).on('error', reject); });
  const next = async () => {
    if (messages.length === 0) await new Promise((resolve) => { waiting.push(resolve); });
    return messages.shift();
  };
  const { sessionId } = await next();
  return { socket, next, sessionId, received: () => socket._socket.bytesRead };
}

const large = { type: 'note', data: 'all work and no play '.repeat(5000) };

test('without the setting an offer of compression is not taken', async (t) => {
  const { socket } = await connect(t, plain, true);
  assert.equal(socket.extensions, '');
});

for (const [what, options] of [['usual', true], ['small window', { serverMaxWindowBits: 10 }], ['no context', { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 0 }]]) {
  test(`with the setting large messages are compressed both ways: ${what}`, async (t) => {
    const { socket, next, received, sessionId } = await connect(t, compressing, options);
    assert.match(socket.extensions, /^permessage-deflate/);
    const before = received();
    for (let n = 0; n < 3; n += 1) {
      socket.send(JSON.stringify(large));
      assert.deepEqual((await next()).data, large);
    }
    assert.equal((await compressing.message(sessionId, large)).status, 200);
    assert.equal((await next()).data, large.data);
    assert.ok(received() - before < 20000, `${received() - before} bytes for 400 KB`);
    socket.send('{"type":"ping"}');
    assert.equal((await next()).type, 'pong');
  });
}

test('who does not offer it gets the same messages as they are', async (t) => {
  const { socket, next, received } = await connect(t, compressing, false);
  assert.equal(socket.extensions, '');
  const before = received();
  socket.send(JSON.stringify(large));
  assert.deepEqual((await next()).data, large);
  assert.ok(received() - before > 100000);
});
