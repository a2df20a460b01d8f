// Contract 1, reading: the list and one session, byte for byte.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAnswer, assertDressed, eventually, extensionFor, isoTime, rawWebSocket, request, sleep, start } from './harness.mjs';

let server;
before(async () => { server = await start(); });
after(() => server?.stop());

const chrome = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36';
const empty = () => eventually(async () => (await server.list()).count === 0, 'earlier sessions are gone');

test('BTW-05 an empty server lists no sessions', async () => {
  await empty();
  assertAnswer(await server.get('/api/websocket/sessions'), 200, { count: 0, sessions: [] });
});

test('BTW-05 count is the number of sessions in the list', async (t) => {
  await empty();
  for (let n = 1; n <= 5; n += 1) {
    await extensionFor(t, server);
    const answer = await server.get('/api/websocket/sessions');
    assert.equal(answer.status, 200);
    assertDressed(answer);
    assert.deepEqual(Object.keys(answer.json), ['count', 'sessions']);
    assert.equal(answer.json.count, n);
    assert.equal(answer.json.sessions.length, n);
  }
});

test('BTW-05 a query string does not change the list', async () => {
  assert.equal((await server.get('/api/websocket/sessions?limit=1&x')).status, 200);
});

test('BTW-06 each entry has exactly five keys in the documented order', async (t) => {
  await extensionFor(t, server, { userAgent: chrome });
  for (const session of (await server.list()).sessions) {
    assert.deepEqual(Object.keys(session), ['sessionId', 'connectedAt', 'lastSeen', 'userAgent', 'ip']);
  }
});

test('BTW-07 times are ISO-8601 UTC with milliseconds, equal right after connecting, and true', async (t) => {
  const before_ms = Date.now();
  const extension = await extensionFor(t, server);
  const session = (await server.session(extension.id)).json;
  assert.match(session.connectedAt, isoTime);
  assert.match(session.lastSeen, isoTime);
  assert.equal(session.connectedAt, session.lastSeen);
  assert.ok(Date.parse(session.connectedAt) >= before_ms - 1 && Date.parse(session.connectedAt) <= Date.now() + 1);
});

test('BTW-08 the list is in the order of connecting, also after one in the middle has left', async (t) => {
  await empty();
  const extensions = [];
  for (let n = 0; n < 8; n += 1) extensions.push(await extensionFor(t, server));
  await extensions.splice(3, 1)[0].close();
  await eventually(async () => (await server.list()).count === 7, 'the session is gone');
  extensions.push(await extensionFor(t, server));
  assert.deepEqual((await server.list()).sessions.map((session) => session.sessionId), extensions.map((extension) => extension.id));
});

test('BTW-09 userAgent is the User-Agent of the upgrade request, unchanged', async (t) => {
  for (const userAgent of [chrome, 'x', `${chrome} "quoted" \\ <b>`, 'a'.repeat(512)]) {
    const extension = await extensionFor(t, server, { userAgent });
    assert.equal((await server.session(extension.id)).json.userAgent, userAgent);
  }
});

test('BTW-09 an absurdly long User-Agent is kept whole or cut, never refused and never changed', async (t) => {
  const userAgent = `${chrome} `.repeat(60);
  const extension = await extensionFor(t, server, { userAgent: userAgent.trim() });
  const kept = (await server.session(extension.id)).json.userAgent;
  assert.ok(kept.length >= 512 && userAgent.startsWith(kept), `${kept.length} characters are kept`);
});

test('BTW-09 without that header userAgent is Unknown', async (t) => {
  const extension = await extensionFor(t, server);
  assert.equal((await server.session(extension.id)).json.userAgent, 'Unknown');
});

test('BTW-09 bytes of the header that are no UTF-8 do not break the list', async (t) => {
  const raw = await rawWebSocket(server.port, { headers: ['User-Agent: caf\xe9'] }).catch((error) => error);
  if (raw instanceof Error) return assert.match(raw.message, / 400 /);
  t.after(() => raw.destroy());
  const answer = await server.session(raw.id);
  assert.equal(answer.status, 200);
  assert.doesNotThrow(() => new TextDecoder('utf-8', { fatal: true }).decode(answer.bytes), 'the answer is UTF-8');
  assert.match(answer.json.userAgent, /^caf/);
});

test('BTW-10 ip is the address of the extension, not of the caller', async (t) => {
  const extension = await extensionFor(t, server);
  const entry = (await server.list()).sessions.find((session) => session.sessionId === extension.id);
  assert.equal(entry.ip, '127.0.0.1');
});

test('BTW-10 ip over IPv6 is ::1', async (t) => {
  const six = await start({ listen: ['[::1]:0'] });
  t.after(() => six.stop());
  const extension = await extensionFor(t, six);
  assert.deepEqual((await six.list()).sessions.map((session) => [session.sessionId, session.ip]), [[extension.id, '::1']]);
});

test('BTW-10 the caller from ::1 sees the address of an extension that came over 127.0.0.1', async (t) => {
  const both = await start({ listen: ['127.0.0.1:0', '[::1]:0'] });
  t.after(() => both.stop());
  await extensionFor(t, both);
  const four = both.urls.findIndex((url) => url.includes('127.0.0.1'));
  const list = (await request(both.urls[1 - four], '/api/websocket/sessions')).json;
  assert.deepEqual(list.sessions.map((session) => session.ip), [four === 0 ? '127.0.0.1' : '::1']);
});

test('BTW-11 one session has four keys in the documented order and no ip', async (t) => {
  const extension = await extensionFor(t, server, { userAgent: chrome });
  const answer = await server.session(extension.id);
  assert.equal(answer.status, 200);
  assertDressed(answer);
  assert.deepEqual(Object.keys(answer.json), ['sessionId', 'connectedAt', 'lastSeen', 'userAgent']);
  assert.equal(answer.json.sessionId, extension.id);
});

test('BTW-12 an unknown id is 404, whatever it looks like', async () => {
  const ids = ['ext_000000000000', 'ext_3ee25211a0e8', 'x', 'EXT_3EE25211A0E8', '%00', '%2e%2e%2f', 'a'.repeat(3000), '%F0%9F%8E%AF', '..%2fsessions'];
  for (const id of ids) assertAnswer(await server.session(id), 404, { error: 'Session not found' });
});

test('BTW-12 upper case does not find a session', async (t) => {
  const extension = await extensionFor(t, server);
  assert.equal((await server.session(extension.id.toUpperCase())).status, 404);
  assert.equal((await server.session(`${extension.id} `.trim() + '0')).status, 404);
});

test('BTW-16 lastSeen advances on every inbound frame, also on one that is no JSON', async (t) => {
  const extension = await extensionFor(t, server);
  let seen = Date.parse((await server.session(extension.id)).json.lastSeen);
  const connectedAt = (await server.session(extension.id)).json.connectedAt;
  for (const payload of ['{"type":"ping"}', '{"a":1}', '[1]', 'not json', '', 'null', Buffer.from([0xff, 0x00])]) {
    await sleep(12);
    const sent_ms = Date.now();
    extension.sendRaw(payload, Buffer.isBuffer(payload));
    await extension.next();
    const now = Date.parse((await server.session(extension.id)).json.lastSeen);
    assert.ok(now > seen, `after ${JSON.stringify(payload)}`);
    assert.ok(now >= sent_ms - 1, `after ${JSON.stringify(payload)}`);
    seen = now;
  }
  assert.equal((await server.session(extension.id)).json.connectedAt, connectedAt);
});

test('BTW-16 lastSeen advances on a pong and on a response that gets no reply', async (t) => {
  const extension = await extensionFor(t, server);
  for (const value of [{ type: 'pong' }, { type: 'tabs.click.response', requestId: '00000000', success: true }]) {
    const before_ms = Date.parse((await server.session(extension.id)).json.lastSeen);
    await sleep(12);
    extension.send(value);
    await eventually(async () => Date.parse((await server.session(extension.id)).json.lastSeen) > before_ms, `lastSeen after ${value.type}`);
  }
});

test('BTW-16 lastSeen does not advance by reads or by what the server sends', async (t) => {
  const extension = await extensionFor(t, server);
  const seen = (await server.session(extension.id)).json.lastSeen;
  await sleep(12);
  for (let n = 0; n < 3; n += 1) {
    await server.list();
    await server.session(extension.id);
    await server.message(extension.id, { type: 'navigate', data: { n } });
    assert.equal((await extension.next()).data.n, n);
  }
  assert.equal((await server.session(extension.id)).json.lastSeen, seen);
});

test('BTW-16 lastSeen of one session does not advance by the frames of another', async (t) => {
  const quiet = await extensionFor(t, server);
  const loud = await extensionFor(t, server);
  const seen = (await server.session(quiet.id)).json.lastSeen;
  await sleep(12);
  loud.send({ type: 'ping' });
  await loud.next();
  assert.equal((await server.session(quiet.id)).json.lastSeen, seen);
});
