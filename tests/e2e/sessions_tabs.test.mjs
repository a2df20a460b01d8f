// Contract 1, the command channel: REST calls that the extension answers.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { assertAnswer, closePayload, extensionFor, frame, rawWebSocket, sleep, start } from './harness.mjs';

let server;
before(async () => { server = await start(); });
after(() => server?.stop());

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const notFound = { error: 'Session not found' };

/** method, path under /tabs, body, frame type, data without tabId, a result as the extension gives it */
const commands = [
  ['POST', '/create', { url: 'https://example.com' }, 'tabs.createTab', { url: 'https://example.com' },
    { tabId: 12, url: 'https://example.com', title: 'Example', windowId: 1, index: 0, active: true, status: 'complete' }],
  ['POST', '/create', {}, 'tabs.createTab', { url: 'chrome://newtab' }, { tabId: 13 }],
  ['GET', '', undefined, 'tabs.query', {}, [{ id: 7, url: 'about:blank', title: '', active: true }]],
  ['PATCH', '/7', { url: 'https://example.com', active: true, pinned: false, muted: true, highlighted: false }, 'tabs.update',
    { url: 'https://example.com', active: true, pinned: false, muted: true, highlighted: false }, { tabId: 7, updated: true }],
  ['PATCH', '/7', { pinned: true }, 'tabs.update', { pinned: true }, { tabId: 7, updated: true }],
  ['DELETE', '/7', undefined, 'tabs.closeTab', {}, { closed: true }],
  ['POST', '/7/reload', undefined, 'tabs.reload', {}, { reloaded: true }],
  ['POST', '/7/back', undefined, 'tabs.goBack', {}, { navigatedBack: true }],
  ['POST', '/7/forward', undefined, 'tabs.goForward', {}, { navigatedForward: true }],
  ['POST', '/7/execute', { code: 'return 1 + args[0]', args: [1, 'two', null] }, 'tabs.executeScript',
    { code: 'return 1 + args[0]', args: [1, 'two', null] }, { result: 2 }],
  ['POST', '/7/execute', { code: 'document.title' }, 'tabs.executeScript', { code: 'document.title' }, { result: 'ünï' }],
  ['POST', '/7/click', { selector: '#go' }, 'tabs.click', { selector: '#go' }, { clicked: true }],
  ['POST', '/7/type', { selector: '#name', text: 'Ada' }, 'tabs.type', { selector: '#name', text: 'Ada', delay: 50 }, { typed: true }],
  ['POST', '/7/type', { selector: '#name', text: '', delay: 5 }, 'tabs.type', { selector: '#name', text: '', delay: 5 }, { typed: true }],
  ['POST', '/7/fill', { selector: '#name', text: 'Ada' }, 'tabs.fill', { selector: '#name', text: 'Ada' }, { filled: true }],
  ['POST', '/7/scrape', { selector: '.item', fields: { title: 'h2::text', link: 'a::href' } }, 'tabs.scrape',
    { selector: '.item', fields: { title: 'h2::text', link: 'a::href' } }, { scrapedData: [{ title: 'One', link: '/1' }] }],
  ['POST', '/7/scroll', {}, 'tabs.scroll', { direction: 'down', amount: 500 }, { scrolled: true }],
  ['POST', '/7/scroll', { direction: 'up', amount: 120 }, 'tabs.scroll', { direction: 'up', amount: 120 }, { scrolled: true }],
];

/** Makes the call: {answer: a promise, frame: what the extension got}. */
async function call(extension, [method, suffix, body]) {
  const target = `/api/browser/${extension.id}/tabs${suffix}`;
  const answer = body === undefined
    ? (method === 'GET' ? server.get(target) : method === 'DELETE' ? server.del(target) : server.send(method, target, '', { 'Content-Type': '' }))
    : server.send(method, target, body);
  return { answer, frame: await extension.next() };
}

function respond(extension, { type, requestId }, rest) {
  extension.send({ type: `${type}.response`, requestId, sessionId: extension.id, ...rest, timestamp: Date.now() });
}

for (const command of commands) {
  const [method, suffix, body, type, data, result] = command;
  const name = `${method} /tabs${suffix} ${body ? JSON.stringify(Object.keys(body)) : 'without a body'}`;

  test(`BTW-34 ${name} asks for ${type} and answers 200 with the result`, async (t) => {
    const extension = await extensionFor(t, server);
    const { answer, frame } = await call(extension, command);
    const { tabId, ...given } = frame.data;
    assert.deepEqual(Object.keys(frame), ['type', 'requestId', 'sessionId', 'data', 'from', 'timestamp']);
    assert.match(frame.requestId, /^[0-9a-f]{8}$/);
    assert.deepEqual({ ...frame, data: given, requestId: 0, timestamp: 0 }, { type, requestId: 0, sessionId: extension.id, data, from: 'server', timestamp: 0 });
    assert.ok(Math.abs(Date.now() - frame.timestamp) < 5000);
    if (suffix.startsWith('/7')) assert.equal(String(tabId), '7'); else assert.equal(tabId, undefined);
    respond(extension, frame, { success: true, result });
    const { timestamp } = (await answer).json;
    assert.ok(Math.abs(Date.now() - timestamp) < 5000);
    assertAnswer(await answer, 200, { success: true, sessionId: extension.id, requestId: frame.requestId, result, timestamp });
    assert.deepEqual(await extension.settle(), [], 'a response is not echoed');
  });

  test(`BTW-34 ${name} answers 500 with the error of the extension`, async (t) => {
    const extension = await extensionFor(t, server);
    const { answer, frame } = await call(extension, command);
    respond(extension, frame, { success: false, error: `no tab with id 7 "ü"` });
    const { timestamp } = (await answer).json;
    assertAnswer(await answer, 500, { success: false, error: 'no tab with id 7 "ü"', timestamp });
  });
}

test('BTW-34 a call without selector, text or code is 400 and reaches nobody', async (t) => {
  const extension = await extensionFor(t, server);
  for (const [operation, body, field] of [['execute', {}, 'code'], ['execute', { code: '' }, 'code'], ['click', {}, 'selector'], ['click', { selector: '' }, 'selector'],
    ['type', { text: 'x' }, 'selector'], ['type', { selector: 'a' }, 'text'], ['fill', {}, 'selector'], ['fill', { selector: 'a' }, 'text'], ['scrape', { fields: {} }, 'selector']]) {
    const answer = await server.post(`/api/browser/${extension.id}/tabs/7/${operation}`, body);
    assertAnswer(answer, 400, { error: `${field} is required` });
  }
  assert.deepEqual(await extension.settle(), []);
});

test('BTW-34 every call to an unknown session is 404, before its body is checked', async () => {
  for (const [method, suffix] of commands) {
    const target = `/api/browser/ext_000000000000/tabs${suffix}`;
    assertAnswer(method === 'GET' ? await server.get(target) : await server.send(method, target, {}), 404, notFound);
  }
});

test('BTW-34 a body that is no JSON is 400 and reaches nobody', async (t) => {
  const extension = await extensionFor(t, server);
  for (const suffix of ['/create', '/7/click', '/7/execute', '/capture']) {
    assert.equal((await server.post(`/api/browser/${extension.id}/tabs${suffix}`, '{"selector":')).status, 400, suffix);
  }
  assert.deepEqual(await extension.settle(), []);
});

test('BTW-34 calls in flight are told apart by their request ids, in whatever order the answers come', async (t) => {
  const extension = await extensionFor(t, server);
  const calls = [];
  for (let n = 0; n < 20; n += 1) calls.push(await call(extension, ['POST', '/7/execute', { code: `${n}` }]));
  assert.equal(new Set(calls.map(({ frame }) => frame.requestId)).size, 20);
  for (const { frame } of [...calls].reverse()) respond(extension, frame, { success: true, result: { result: Number(frame.data.code) } });
  for (const [n, { answer }] of calls.entries()) assert.equal((await answer).json.result.result, n);
});

test('BTW-34 another session cannot answer a call that is not its own', async (t) => {
  const [asked, intruder] = [await extensionFor(t, server), await extensionFor(t, server)];
  const { answer, frame } = await call(asked, ['POST', '/7/click', { selector: '#go' }]);
  respond(intruder, frame, { success: true, result: { clicked: 'forged' } });
  intruder.send({ type: 'tabs.click.response', requestId: frame.requestId, sessionId: asked.id, success: true, result: { clicked: 'forged' } });
  await intruder.settle();
  respond(asked, frame, { success: true, result: { clicked: true } });
  assert.deepEqual((await answer).json.result, { clicked: true });
});

test('BTW-34 a second answer to the same call changes nothing', async (t) => {
  const extension = await extensionFor(t, server);
  const { answer, frame } = await call(extension, ['GET', '']);
  respond(extension, frame, { success: true, result: [] });
  respond(extension, frame, { success: false, error: 'twice' });
  assert.equal((await answer).status, 200);
  assert.deepEqual(await extension.settle(), []);
});

test('BTW-34 an answer that says neither success nor result is not taken for a success', async (t) => {
  const extension = await extensionFor(t, server);
  const { answer, frame } = await call(extension, ['POST', '/7/click', { selector: '#go' }]);
  respond(extension, frame, { error: 'Element not found: #go' });
  assert.equal((await answer).status, 500);
  assert.equal((await answer).json.error, 'Element not found: #go');
});

for (const [how, leave] of [['closes', (extension) => extension.close()], ['vanishes', (extension) => extension.vanish()]]) {
  test(`BTW-34 a pending call fails promptly when the extension ${how}`, async (t) => {
    const extension = await extensionFor(t, server);
    const { answer } = await call(extension, ['POST', '/7/click', { selector: '#go' }]);
    const since = Date.now();
    await leave(extension);
    assert.ok([500, 503].includes((await answer).status), `status ${(await answer).status}`);
    assert.match((await answer).json.error, /./);
    assert.ok(Date.now() - since < 1000, `after ${Date.now() - since} ms`);
  });
}

test('BTW-34 an answer that comes in one packet with the Close frame counts', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    const raw = await rawWebSocket(server.port);
    t.after(() => raw.destroy());
    const answer = server.get(`/api/browser/${raw.id}/tabs`);
    await raw.waitFor(() => raw.frames().length > 1, 'the call');
    const { requestId } = JSON.parse(raw.frames()[1].payload.toString());
    const response = { type: 'tabs.query.response', requestId, sessionId: raw.id, success: true, result: [] };
    raw.send(Buffer.concat([frame(1, JSON.stringify(response)), frame(8, closePayload(1000))]));
    if (round % 2 === 0) raw.end();
    assert.equal((await answer).status, 200, (await answer).text);
  }
});

test('BTW-34 a pending call fails promptly when its session is deleted', async (t) => {
  const extension = await extensionFor(t, server);
  const { answer } = await call(extension, ['GET', '']);
  const since = Date.now();
  await server.close(extension.id);
  assert.ok([404, 500, 503].includes((await answer).status), `status ${(await answer).status}`);
  assert.ok(Date.now() - since < 1000);
});

test('BTW-34 a caller that goes away before the answer harms nobody', async (t) => {
  const extension = await extensionFor(t, server);
  const { answer, frame } = await call(extension, ['GET', '']);
  answer.catch(() => {});
  const raw = await rawWebSocket(server.port);
  raw.destroy();
  respond(extension, frame, { success: true, result: [] });
  assert.equal((await answer).status, 200);
});

for (const [format, extra] of [['png', {}], ['jpeg', { format: 'jpeg', quality: 40, windowId: 3 }]]) {
  test(`BTW-34 capture writes the ${format} image to btw_media in the home folder and answers its path`, async (t) => {
    const extension = await extensionFor(t, server);
    const { answer, frame } = await call(extension, ['POST', '/capture', extra]);
    assert.equal(frame.type, 'tabs.captureVisibleTab');
    assert.deepEqual(frame.data, { windowId: -2, format: 'png', quality: 90, ...extra });
    respond(extension, frame, { success: true, result: { dataUrl: `data:image/${format};base64,${pixel}`, format } });
    const { json, status, text } = await answer;
    assert.equal(status, 200, text);
    assert.equal(json.success, true);
    assert.equal(json.sessionId, extension.id);
    assert.equal(json.requestId, frame.requestId);
    assert.equal(path.dirname(json.filePath), path.join(server.home, 'btw_media'));
    assert.match(path.basename(json.filePath), format === 'png' ? /^screenshot_\d{13}_[0-9a-z]+\.png$/ : /^screenshot_\d{13}_[0-9a-z]+\.jpe?g$/);
    assert.ok((await readFile(json.filePath)).equals(Buffer.from(pixel, 'base64')));
  });
}

test('BTW-34 capture works without a body', async (t) => {
  const extension = await extensionFor(t, server);
  const { answer, frame } = await call(extension, ['POST', '/capture', undefined]);
  assert.deepEqual(frame.data, { windowId: -2, format: 'png', quality: 90 });
  respond(extension, frame, { success: false, error: 'no window' });
  assert.equal((await answer).json.error, 'no window');
});

test('BTW-34 a capture that is no image, or whose format is a path, fails and writes nothing outside the folder', async (t) => {
  const extension = await extensionFor(t, server);
  for (const result of [{}, { dataUrl: 'data:text/html;base64,PGI+', format: 'png' }, { dataUrl: 'data:image/png;base64,***' }, { dataUrl: 7 }, { dataUrl: '' }]) {
    const { answer, frame } = await call(extension, ['POST', '/capture', {}]);
    respond(extension, frame, { success: true, result });
    assert.equal((await answer).status, 500, JSON.stringify(result));
  }
  const { answer, frame } = await call(extension, ['POST', '/capture', {}]);
  respond(extension, frame, { success: true, result: { dataUrl: `data:image/png;base64,${pixel}`, format: '/../../../evil' } });
  const { status, json } = await answer;
  if (status === 200) assert.equal(path.dirname(json.filePath), path.join(server.home, 'btw_media'));
  assert.deepEqual((await readdir(server.home)).filter((name) => name !== 'btw_media' && !name.startsWith('.')), []);
});

test('BTW-34 a call that is not answered ends after 10 seconds, and a late answer is ignored', async (t) => {
  const extension = await extensionFor(t, server);
  const since = Date.now();
  const calls = [];
  for (const command of [['POST', '/7/click', { selector: 'a' }], ['POST', '/7/scroll', {}], ['DELETE', '/7'], ['POST', '/capture', {}]]) calls.push(await call(extension, command));
  const slow = await call(extension, ['GET', '']);
  for (const [n, error] of ['Operation timeout', 'Operation timeout', 'Operation timeout', 'Capture timeout'].entries()) {
    const answer = await calls[n].answer;
    assertAnswer(answer, 500, { success: false, error, timestamp: answer.json.timestamp });
    const seconds = (Date.now() - since) / 1000;
    assert.ok(seconds > 9.5 && seconds < 11.5, `after ${seconds} s`);
  }
  respond(extension, calls[0].frame, { success: true, result: { clicked: true } });
  assert.deepEqual(await extension.settle(), []);
  await sleep(500);
  respond(extension, slow.frame, { success: true, result: [] });
  assert.equal((await slow.answer).status, 200, 'a query has 30 seconds');
});
