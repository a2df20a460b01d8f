// Contract 1, identity: who gets an id, what it looks like and how long it lives.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAnswer, eventually, extensionFor, rawSocket, sessionId, start, upgradeRequest } from './harness.mjs';

let server;
before(async () => { server = await start(); });
after(() => server?.stop());

const notFound = { error: 'Session not found' };

test('BTW-01 every connection gets a session id of its own, a reconnect too', async (t) => {
  const first = await extensionFor(t, server);
  const second = await extensionFor(t, server);
  assert.notEqual(first.id, second.id);
  await first.close();
  const again = await extensionFor(t, server);
  assert.notEqual(again.id, first.id);
  assert.notEqual(again.id, second.id);
});

test('BTW-01 the path /ws takes any query, and /ws/extension is the same door', async (t) => {
  for (const path of ['/ws', '/ws?', '/ws?anything=1&x', '/ws?device=0b9f3f0e-5d1c-4a77-9a34-4f0b8a1d2c3e&v=1.0', '/ws/extension']) {
    const extension = await extensionFor(t, server, { path });
    assert.match(extension.id, sessionId, path);
    assert.equal((await server.session(extension.id)).status, 200, path);
  }
});

test('BTW-01 any other upgrade path is answered with 400 and creates no session', async () => {
  const count = (await server.list()).count;
  for (const path of ['/ws/', '/', '/wss', '/WS', '/ws/extension/', '/api/websocket/sessions', '/ws/other']) {
    await assert.rejects(server.open({ path }), (error) => error.status === 400, `${path} is refused with 400`);
  }
  assert.equal((await server.list()).count, count);
});

test('BTW-01 a client cannot choose its id', async (t) => {
  const wanted = 'ext_000000000000';
  const extension = await extensionFor(t, server, { path: `/ws?sessionId=${wanted}&id=${wanted}`, headers: { 'X-Session-Id': wanted } });
  assert.notEqual(extension.id, wanted);
  assert.equal((await server.session(wanted)).status, 404);
});

test('BTW-02 an id is ext_ and twelve lower-case hex digits, 16 ASCII characters, and none comes twice', async () => {
  const ids = new Set();
  for (let round = 0; round < 15; round += 1) {
    const extensions = await Promise.all(Array.from({ length: 20 }, () => server.open()));
    for (const extension of extensions) {
      assert.match(extension.id, /^ext_[0-9a-f]{12}$/);
      assert.equal(Buffer.byteLength(extension.id), 16);
      ids.add(extension.id);
    }
    await Promise.all(extensions.map((extension) => extension.vanish()));
  }
  assert.equal(ids.size, 300);
});

test('BTW-02 the hex digits are those of a version 4 UUID, random in every place', async () => {
  const extensions = await Promise.all(Array.from({ length: 64 }, () => server.open()));
  for (let place = 4; place < 16; place += 1) {
    const digits = new Set(extensions.map((extension) => extension.id[place]));
    assert.ok(digits.size > 4, `place ${place} shows ${[...digits].join('')}`);
  }
  await Promise.all(extensions.map((extension) => extension.vanish()));
});

test('BTW-03 an id stays while the connection lives, whatever goes over it', async (t) => {
  const extension = await extensionFor(t, server);
  for (let round = 0; round < 20; round += 1) {
    extension.send({ type: 'ping' });
    assert.equal((await extension.next()).sessionId, extension.id);
    assert.equal((await server.message(extension.id, { type: 'ping', data: {} })).json.sessionId, extension.id);
    assert.equal((await extension.next()).type, 'ping');
  }
  assert.equal((await server.session(extension.id)).json.sessionId, extension.id);
});

for (const [how, leave] of [
  ['an orderly close', (extension) => extension.close(1000)],
  ['a lost connection', (extension) => extension.vanish()],
  ['a reset', (extension) => { extension.ws._socket.resetAndDestroy(); return extension.closed; }],
]) {
  test(`BTW-03 the id disappears with the connection after ${how}`, async (t) => {
    const extension = await extensionFor(t, server);
    await leave(extension);
    await eventually(async () => (await server.session(extension.id)).status === 404, 'the session is gone', 1000);
    assertAnswer(await server.session(extension.id), 404, notFound);
    assert.ok(!(await server.list()).sessions.some((session) => session.sessionId === extension.id));
  });
}

test('BTW-04 forty instances have forty ids, the count is exact and each of them answers at once', async (t) => {
  await eventually(async () => (await server.list()).count === 0, 'earlier sessions are gone');
  const extensions = await Promise.all(Array.from({ length: 40 }, () => extensionFor(t, server)));
  const list = await server.list();
  assert.equal(list.count, 40);
  assert.deepEqual(list.sessions.map((session) => session.sessionId).sort(), extensions.map((extension) => extension.id).sort());
  await Promise.all(extensions.map((extension, n) => server.message(extension.id, { type: 'navigate', data: { n } })));
  const frames = await Promise.all(extensions.map((extension) => extension.next()));
  assert.deepEqual(frames.map((item) => item.data.n), extensions.map((_, n) => n));
});

test('BTW-38 a session is not persistent: after a restart on the same folder its id is unknown', async (t) => {
  const first = await start();
  t.after(() => first.stop());
  const extension = await first.open();
  first.child.kill('SIGTERM');
  await first.exited;
  const second = await start({ data: first.data });
  t.after(() => second.stop());
  assertAnswer(await second.session(extension.id), 404, notFound);
  assert.deepEqual(await second.list(), { count: 0, sessions: [] });
});

test('BTW-38 ending the server closes every connection', async (t) => {
  const other = await start();
  t.after(() => other.stop());
  const extension = await other.open();
  await other.stop();
  const { code } = await extension.closed;
  assert.ok([1001, 1012].includes(code), `closed with ${code}`);
});

test('BTW-01 a half-made handshake is no session', async () => {
  await eventually(async () => (await server.list()).count === 0, 'earlier sessions are gone');
  const raw = await rawSocket(server.port);
  raw.send(upgradeRequest(server.port).slice(0, -2));
  assert.equal((await server.list()).count, 0);
  raw.destroy();
});
