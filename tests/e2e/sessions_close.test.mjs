// Contract 1, closing: DELETE, and the time between a Close frame and the end of the connection.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAnswer, closePayload, eventually, extensionFor, frame, rawWebSocket, sleep, start } from './harness.mjs';

let server;
before(async () => { server = await start(); });
after(() => server?.stop());

const notFound = { error: 'Session not found' };
const notConnected = { error: 'Session is not connected' };

/** A peer that has sent its Close frame, has read the answer, and holds the connection open. */
async function lingering(t) {
  const raw = await rawWebSocket(server.port, { allowHalfOpen: true });
  t.after(() => raw.destroy());
  raw.send(frame(8, closePayload(1000, 'bye')));
  await raw.waitFor(() => raw.closeFrame() !== undefined, 'the server answers the Close frame');
  return raw;
}

test('BTW-24 DELETE answers without a timestamp', async (t) => {
  const extension = await extensionFor(t, server);
  assertAnswer(await server.close(extension.id), 200, { success: true, sessionId: extension.id, message: 'Session closed successfully' });
});

test('BTW-24 after DELETE the id is unknown to every route at once', async (t) => {
  for (let round = 0; round < 10; round += 1) {
    const extension = await extensionFor(t, server);
    assert.equal((await server.close(extension.id)).status, 200);
    assertAnswer(await server.session(extension.id), 404, notFound);
    assertAnswer(await server.message(extension.id, { type: 'ping', data: {} }), 404, notFound);
    assertAnswer(await server.get(`/api/browser/${extension.id}/tabs`), 404, notFound);
    assertAnswer(await server.close(extension.id), 404, notFound);
    assert.ok(!(await server.list()).sessions.some((session) => session.sessionId === extension.id));
  }
});

test('BTW-24 the id is gone at once even when the peer does not answer the Close frame', async (t) => {
  const raw = await rawWebSocket(server.port, { allowHalfOpen: true });
  t.after(() => raw.destroy());
  assert.equal((await server.close(raw.id)).status, 200);
  assertAnswer(await server.session(raw.id), 404, notFound);
  raw.send(frame(1, '{"type":"ping"}'));
  await sleep(100);
  assert.ok(!raw.frames().some((item) => item.payload.includes('"pong"')), 'a closed session does not answer');
  assertAnswer(await server.session(raw.id), 404, notFound);
});

test('BTW-24 DELETE of an unknown id is 404', async () => {
  assertAnswer(await server.close('ext_000000000000'), 404, notFound);
});

test('BTW-24 DELETE closes the addressed session only', async (t) => {
  const [kept, closed] = [await extensionFor(t, server), await extensionFor(t, server)];
  await server.close(closed.id);
  await closed.closed;
  assert.deepEqual(await kept.settle(), []);
  assert.equal((await server.session(kept.id)).status, 200);
});

test('BTW-25 the extension sees close code 1000 and the reason Session closed', async (t) => {
  const extension = await extensionFor(t, server);
  await server.close(extension.id);
  assert.deepEqual(await extension.closed, { code: 1000, reason: 'Session closed' });
});

test('BTW-25 what was sent before DELETE arrives before the Close frame', async (t) => {
  const extension = await extensionFor(t, server);
  await server.message(extension.id, { type: 'last', data: 1 });
  await server.close(extension.id);
  assert.equal((await extension.next()).type, 'last');
  assert.equal((await extension.closed).code, 1000);
});

test('BTW-22 after its Close frame a session stays listed and answers 503 until the connection ends', async (t) => {
  const raw = await lingering(t);
  assert.deepEqual(raw.closeFrame().code, 1000);
  const one = await server.session(raw.id);
  assert.equal(one.status, 200);
  assert.equal(one.json.sessionId, raw.id);
  const list = await server.list();
  assert.ok(list.sessions.some((session) => session.sessionId === raw.id));
  assert.equal(list.count, list.sessions.length);
  assertAnswer(await server.message(raw.id, { type: 'ping', data: {} }), 503, notConnected);
  assertAnswer(await server.message(raw.id, {}), 503, notConnected);
  assertAnswer(await server.get(`/api/browser/${raw.id}/tabs`), 503, notConnected);
  assertAnswer(await server.post(`/api/browser/${raw.id}/tabs/7/click`, { selector: 'a' }), 503, notConnected);
  raw.end();
  await eventually(async () => (await server.session(raw.id)).status === 404, 'the session is gone', 1000);
  assertAnswer(await server.message(raw.id, { type: 'ping' }), 404, notFound);
});

test('BTW-22 in that time unparsable JSON is still 400', async (t) => {
  const raw = await lingering(t);
  assertAnswer(await server.post(`/api/websocket/sessions/${raw.id}/message`, '{'), 400, { error: 'Invalid message format' });
});

test('BTW-22 a reset ends that time at once', async (t) => {
  const raw = await lingering(t);
  raw.reset();
  await eventually(async () => (await server.message(raw.id, {})).status === 404, 'the session is gone', 1000);
});

test('BTW-24 DELETE in that time removes the session', async (t) => {
  const raw = await lingering(t);
  assertAnswer(await server.close(raw.id), 200, { success: true, sessionId: raw.id, message: 'Session closed successfully' });
  assertAnswer(await server.session(raw.id), 404, notFound);
});

test('BTW-03 a peer that answers no ping is a ghost and is gone soon, one that answers stays', async (t) => {
  const quick = await start({ config: '[limits]\nping_ms = 200\npong_ms = 200\n' });
  t.after(() => quick.stop());
  const alive = await extensionFor(t, quick);
  const ghost = await rawWebSocket(quick.port);
  t.after(() => ghost.destroy());
  assert.equal((await quick.list()).count, 2);
  await eventually(async () => (await quick.session(ghost.id)).status === 404, 'the ghost is gone', 3000);
  assert.ok(ghost.frames().some(({ opcode }) => opcode === 9), 'it was asked first');
  await sleep(1000);
  assert.equal((await quick.session(alive.id)).status, 200);
});

test('BTW-22 the time between Close frame and 404 ends by itself after 30 seconds', async (t) => {
  const raw = await lingering(t);
  const since = Date.now();
  await sleep(5000);
  assertAnswer(await server.message(raw.id, {}), 503, notConnected);
  await eventually(async () => (await server.message(raw.id, {})).status === 404, 'the session is gone', 30000);
  const seconds = (Date.now() - since) / 1000;
  assert.ok(seconds > 20 && seconds < 34, `after ${seconds} s`);
});
