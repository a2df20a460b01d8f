// Contract 1, sending a message to one session.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAnswer, extensionFor, request, start } from './harness.mjs';

let server;
before(async () => { server = await start(); });
after(() => server?.stop());

const unknown = 'ext_000000000000';
const invalid = { error: 'Invalid message format' };
const notFound = { error: 'Session not found' };
const route = (id) => `/api/websocket/sessions/${id}/message`;

/** Sends `body` and gives the text of the frame that arrives. */
async function deliver(extension, body) {
  const answer = await server.post(route(extension.id), body);
  assert.equal(answer.status, 200, answer.text);
  return extension.nextText();
}

test('BTW-18 the frame has exactly type, data, from and timestamp, in this order', async (t) => {
  const extension = await extensionFor(t, server);
  const data = { url: 'https://example.com', n: [1, 2.5, null, true] };
  const before_ms = Date.now();
  const text = await deliver(extension, { type: 'navigate', data });
  const { timestamp } = JSON.parse(text);
  assert.equal(text, JSON.stringify({ type: 'navigate', data, from: 'server', timestamp }));
  assert.ok(Number.isInteger(timestamp) && timestamp >= before_ms - 1 && timestamp <= Date.now() + 1);
});

test('BTW-18 the frame has no key data when the body has none', async (t) => {
  const extension = await extensionFor(t, server);
  const text = await deliver(extension, { type: 'ping' });
  assert.equal(text, JSON.stringify({ type: 'ping', from: 'server', timestamp: JSON.parse(text).timestamp }));
});

test('BTW-18 other keys of the body do not reach the extension and cannot forge from or timestamp', async (t) => {
  const extension = await extensionFor(t, server);
  const text = await deliver(extension, { from: 'me', timestamp: 1, sessionId: unknown, type: 'x', data: 1, requestId: 'r' });
  const { timestamp } = JSON.parse(text);
  assert.equal(text, JSON.stringify({ type: 'x', data: 1, from: 'server', timestamp }));
  assert.ok(timestamp > 1);
});

test('BTW-18 numbers, text and nested data arrive unchanged', async (t) => {
  const extension = await extensionFor(t, server);
  const values = [0, -1, 1.5, 0.1, 1e-7, 1e21, -1.7976931348623157e308, 5e-324, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER,
    '', 'ünïcödé 𝄞 🎯', '\u0000\u0001\u001f\u007f\u2028\u2029\ufeff', '"\\/\b\f\n\r\t', '</script>', null, true, false, [], {}, [[[]]], { '': '' },
    { a: { b: { c: [{ d: [1, '2', { e: null }] }] } } }, { z: 1, a: 2, m: 3 }, ['x'.repeat(50000)],
    Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`key${n}`, n]))];
  for (const data of values) {
    const text = await deliver(extension, { type: 'values', data });
    const { timestamp } = JSON.parse(text);
    assert.deepEqual(JSON.parse(text), { type: 'values', data, from: 'server', timestamp });
    assert.deepEqual(Object.keys(JSON.parse(text).data ?? {}), Object.keys(data ?? {}));
  }
});

test('BTW-18 whole numbers beyond the precision of a double keep every digit', async (t) => {
  const extension = await extensionFor(t, server);
  for (const digits of ['9007199254740993', '-9223372036854775808', '18446744073709551615']) {
    assert.ok((await deliver(extension, `{"type":"n","data":${digits}}`)).includes(`"data":${digits},`), digits);
  }
});

test('BTW-18 escaped text means the same as plain text', async (t) => {
  const extension = await extensionFor(t, server);
  const text = await deliver(extension, '{"type":"\\u006eavigate","data":"\\ud834\\udd1e \\u0000 \\/"}');
  assert.equal(JSON.parse(text).type, 'navigate');
  assert.equal(JSON.parse(text).data, '𝄞 \u0000 /');
});

test('BTW-18 a message of 900 KB arrives whole', async (t) => {
  const extension = await extensionFor(t, server);
  const data = 'é'.repeat(450000);
  assert.ok(JSON.parse(await deliver(extension, { type: 'big', data })).data === data, 'every character is the same');
});

test('BTW-19 the answer has success, sessionId, message and timestamp', async (t) => {
  const extension = await extensionFor(t, server);
  const answer = await server.message(extension.id, { type: 'ping', data: {} });
  const { timestamp } = answer.json;
  assert.ok(Number.isInteger(timestamp) && Math.abs(Date.now() - timestamp) < 5000);
  assertAnswer(answer, 200, { success: true, sessionId: extension.id, message: 'Message sent successfully', timestamp });
});

test('BTW-20 navigate with a URL and ping with an empty object are delivered as documented', async (t) => {
  const extension = await extensionFor(t, server);
  for (const body of [{ type: 'navigate', data: { url: 'https://example.com' } }, { type: 'ping', data: {} }]) {
    const { type, data } = JSON.parse(await deliver(extension, body));
    assert.deepEqual({ type, data }, body);
  }
});

test('BTW-21 only the addressed instance receives the message', async (t) => {
  const [first, second, third] = [await extensionFor(t, server), await extensionFor(t, server), await extensionFor(t, server)];
  await server.message(second.id, { type: 'navigate', data: { url: 'https://example.com/2' } });
  assert.equal((await second.next()).data.url, 'https://example.com/2');
  assert.deepEqual(await first.settle(), []);
  assert.deepEqual(await third.settle(), []);
});

test('BTW-21 a loop over all ids delivers one message to each', async (t) => {
  const extensions = await Promise.all(Array.from({ length: 5 }, () => extensionFor(t, server)));
  for (const { id } of extensions) assert.equal((await server.message(id, { type: 'ping', data: {} })).json.sessionId, id);
  for (const extension of extensions) assert.deepEqual((await extension.settle()).map((item) => item.type), ['ping']);
});

test('BTW-21 messages to one session arrive in the order of their answers', async (t) => {
  const extension = await extensionFor(t, server);
  for (let n = 0; n < 100; n += 1) await server.message(extension.id, { type: 'n', data: n });
  for (let n = 0; n < 100; n += 1) assert.equal((await extension.next()).data, n);
});

test('BTW-22 an unknown session is 404', async () => {
  assertAnswer(await server.message(unknown, { type: 'ping', data: {} }), 404, notFound);
});

test('BTW-22 a body that is no JSON is 400 before the id is looked up', async (t) => {
  const extension = await extensionFor(t, server);
  for (const body of ['{', 'not json', "{'type':'ping'}", '{"type":"ping"', '{"type":"ping"}x', '[1,]', '{"a":NaN}', '\u0000', '{"a":1,}', '"\\x"']) {
    assertAnswer(await server.post(route(extension.id), body), 400, invalid);
    assertAnswer(await server.post(route(unknown), body), 400, invalid);
  }
  assert.deepEqual(await extension.settle(), []);
});

test('BTW-22 a body with bytes that are no UTF-8 is 400', async (t) => {
  const extension = await extensionFor(t, server);
  for (const bytes of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
    const body = Buffer.concat([Buffer.from('{"type":"x","data":"'), Buffer.from(bytes), Buffer.from('"}')]);
    assertAnswer(await server.post(route(extension.id), body), 400, invalid);
  }
  assert.deepEqual(await extension.settle(), []);
});

test('BTW-22 a body that is JSON but no object is 400', async (t) => {
  const extension = await extensionFor(t, server);
  for (const body of ['null', 'true', '1', '"ping"', '[]', '[1]', '[{"type":"ping"}]']) {
    assertAnswer(await server.post(route(extension.id), body), 400, invalid);
  }
  assert.deepEqual(await extension.settle(), []);
});

test('BTW-22 a missing body is 400', async (t) => {
  const extension = await extensionFor(t, server);
  assertAnswer(await server.post(route(extension.id), ''), 400, invalid);
  assertAnswer(await request(server.url, route(extension.id), { method: 'POST' }), 400, invalid);
});

test('BTW-22 another content type than JSON is 400', async (t) => {
  const extension = await extensionFor(t, server);
  const body = '{"type":"ping","data":{}}';
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/json', 'application/jsonp', 'multipart/form-data; boundary=x', '']) {
    assertAnswer(await server.post(route(extension.id), body, { 'Content-Type': type }), 400, invalid);
  }
  assertAnswer(await request(server.url, route(extension.id), { method: 'POST', body }), 400, invalid);
  assert.deepEqual(await extension.settle(), []);
});

test('BTW-22 the content type may carry a charset and any letter case', async (t) => {
  const extension = await extensionFor(t, server);
  for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/json;charset="UTF-8"']) {
    assert.equal((await server.post(route(extension.id), '{"type":"ok"}', { 'Content-Type': type })).status, 200, type);
    assert.equal((await extension.next()).type, 'ok');
  }
});

test('BTW-22 JSON deeper than 64 is 400, and 60 deep is delivered', async (t) => {
  const extension = await extensionFor(t, server);
  const nested = (depth) => `{"type":"deep","data":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  assert.equal((await server.post(route(extension.id), nested(80))).status, 400);
  assert.equal((await server.post(route(extension.id), nested(60))).status, 200);
  assert.equal((await extension.next()).type, 'deep');
});

test('BTW-23 a missing or empty type becomes message', async (t) => {
  const extension = await extensionFor(t, server);
  for (const [body, rest] of [['{}', {}], ['{"data":{"a":1}}', { data: { a: 1 } }], ['{"type":"","data":[]}', { data: [] }], ['{"type":null}', {}]]) {
    const text = await deliver(extension, body);
    assert.equal(text, JSON.stringify({ type: 'message', ...rest, from: 'server', timestamp: JSON.parse(text).timestamp }));
  }
});

test('BTW-22 unknown routes and methods are 404 Endpoint not found', async (t) => {
  const extension = await extensionFor(t, server);
  const missing = { error: 'Endpoint not found' };
  const one = `/api/websocket/sessions/${extension.id}`;
  for (const [method, target] of [['GET', '/api'], ['GET', '/nothing'], ['GET', '/api/websocket'], ['GET', '/api/websocket/session'], ['POST', '/api/websocket/sessions'],
    ['DELETE', '/api/websocket/sessions'], ['PUT', one], ['PATCH', one], ['POST', one], ['GET', `${one}/message`], ['PUT', `${one}/message`],
    ['DELETE', `${one}/message`], ['GET', `${one}/other`], ['GET', `/api/browser/${extension.id}`], ['POST', `/api/browser/${extension.id}/tabs/7/nothing`]]) {
    const answer = await request(server.url, target, { method, headers: { 'Content-Type': 'application/json' }, body: method === 'GET' ? undefined : '{}' });
    assertAnswer(answer, 404, missing);
  }
  assert.equal((await server.session(extension.id)).status, 200);
  assert.deepEqual(await extension.settle(), []);
});

test('BTW-36 the health route answers ok and the time', async () => {
  const answer = await server.get('/api/health');
  assert.equal(answer.status, 200);
  assert.equal(answer.json.status, 'ok');
  assert.ok(Math.abs(Date.now() - answer.json.timestamp) < 5000);
});
