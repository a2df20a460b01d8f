// The session of the extension, from the first start on: what the background answers, what it keeps and what the server has.
// Everything against the real binary, in a real Chromium.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { start } from './harness.mjs';
import { attach, inWorker, openPage, restartBrowser, soon, startBrowser, startServer, stopWorker, withBrowser } from './extension_stage.mjs';
import { keptSession, openPanel, sessionAt, startPanel, storedIn, uuid } from './side_panel_stage.mjs';

const count = async (server) => (await server.get('/api/v1/sessions')).json.total_count;

test('FMV-23, FMV-27, FMV-29, FMV-32: the extension starts, opens a session at the server and keeps its id with the time', withBrowser, async (t) => {
  const began = Date.now();
  const server = await startServer(t);
  const browser = await startBrowser(t, server);
  const stored = await keptSession(browser);
  const answer = await sessionAt(server, stored.sessionId);
  assert.equal(answer.status, 200, answer.text);
  assert.match(stored.sessionId, uuid);
  assert.match(stored.clientId, uuid);
  assert.deepEqual([answer.json.client_id, answer.json.timeout_minutes, answer.json.session_type], [stored.clientId, 60, 'troubleshooting']);
  assert.ok(stored.sessionCreatedAt >= began && stored.sessionCreatedAt <= Date.now());
  assert.equal(stored.sessionResumed, false);
  assert.equal(await count(server), 1);
});

test('FMV-26, FMV-30, FMV-31: the pages of the extension have the session of the server, from its creation to its end', withBrowser, async (t) => {
  const { server, browser, panel } = await startPanel(t);

  await t.test('FMV-30: browser extension creates and uses real backend sessions', async () => {
    const sessionResponse = await panel.tell({ action: 'getSessionId' });
    assert.equal(typeof sessionResponse.sessionId, 'string');
    assert.equal(sessionResponse.status, 'success');
    const backendResponse = await fetch(`${server.url}/api/v1/sessions/${sessionResponse.sessionId}`);
    assert.equal(backendResponse.status, 200);
  });

  const stored = await storedIn(browser);
  await t.test('FMV-26: the page has the client id under faultmaven_client_id, the same as the worker and the server', async () => {
    assert.match(stored.clientId, uuid);
    assert.equal(await panel.evaluate('localStorage.getItem("faultmaven_client_id")'), stored.clientId);
    assert.equal((await sessionAt(server, stored.sessionId)).json.client_id, stored.clientId);
  });

  await t.test('FMV-31: validate asks the server', async () => {
    const beats = async () => (await server.get(`/api/v1/sessions/${stored.sessionId}/stats`)).json.statistics.total_heartbeats;
    const before = await beats();
    const reply = await panel.tell({ action: 'getSessionId', check: true });
    assert.deepEqual([reply.status, reply.sessionId], ['success', stored.sessionId]);
    assert.equal(await beats(), before + 1);
  });

  await t.test('the alarm keeps the session alive', async () => {
    const beats = async () => (await server.get(`/api/v1/sessions/${stored.sessionId}/stats`)).json.statistics.total_heartbeats;
    const alarm = await inWorker(browser, 'chrome.alarms.get("session-heartbeat")');
    assert.equal(alarm.periodInMinutes, 30);
    const before = await beats();
    await inWorker(browser, 'chrome.alarms.create("session-heartbeat", { when: Date.now() + 100 })');
    await soon(async () => (await beats()) === before + 1, 'a heartbeat');
    assert.ok((await storedIn(browser)).sessionCheckedAt >= stored.sessionCreatedAt);
  });

  await t.test('FMV-31, FMV-27: delete ends the session at the server, and all that is kept of it goes', async () => {
    await panel.close();
    const page = await openPage(browser, 'options.html');
    const tell = (message) => page.evaluate(`chrome.runtime.sendMessage(${JSON.stringify(message)})`);
    assert.deepEqual(await tell({ action: 'clearSession' }), { status: 'success', message: 'Session cleared' });
    assert.equal((await sessionAt(server, stored.sessionId)).status, 404);
    const left = await storedIn(browser);
    for (const key of ['sessionId', 'sessionCreatedAt', 'sessionResumed']) assert.equal(left[key], undefined, key);
    assert.equal(await count(server), 0);
    assert.deepEqual(await tell({ action: 'clearSession' }), { status: 'success', message: 'Session cleared' }, 'also when there is none');
    const next = await tell({ action: 'getSessionId' });
    assert.equal(next.sessionResumed, false);
    assert.notEqual(next.sessionId, stored.sessionId);
    assert.equal((await sessionAt(server, next.sessionId)).status, 200);
  });

  await t.test('a message that nobody knows is an error', async () => {
    const page = await openPage(browser, 'options.html');
    assert.deepEqual(await page.evaluate('chrome.runtime.sendMessage({ action: "dance" })'), { status: 'error', message: 'Unknown action' });
  });
});

test('FMV-18: two panels that ask at once get one session', withBrowser, async (t) => {
  const { server, browser, panel } = await startPanel(t);
  const other = await openPanel(browser);
  await other.connected();
  assert.equal(await count(server), 1);
  await panel.tell({ action: 'clearSession' });
  const many = 'Promise.all(Array.from({ length: 20 }, () => chrome.runtime.sendMessage({ action: "getSessionId" })))';
  const replies = (await Promise.all([panel.evaluate(many), other.evaluate(many)])).flat();
  const ids = new Set(replies.map(({ sessionId }) => sessionId));
  assert.equal(ids.size, 1);
  assert.match([...ids][0], uuid);
  await Promise.all([panel.connected(), other.connected()]);
  await soon(async () => (await count(server)) === 1, 'one session at the server');
  const { json } = await server.get(`/api/v1/sessions/${[...ids][0]}/connections`);
  await soon(async () => (await server.get(`/api/v1/sessions/${[...ids][0]}/connections`)).json.count === 2, `both panels in it, not ${json.count}`);
});

test('FMV-16: the session is found again after the browser was closed, with its state', withBrowser, async (t) => {
  const server = await startServer(t);
  const first = await startBrowser(t, server);
  const before = await keptSession(first);
  assert.equal((await server.send('PUT', `/api/v1/sessions/${before.sessionId}/state/color`, '"blue"')).status, 200);

  const second = await restartBrowser(t, server, first);
  const after = await keptSession(second, ({ sessionResumed }) => sessionResumed);
  assert.deepEqual([after.sessionId, after.clientId, after.sessionResumed], [before.sessionId, before.clientId, true]);
  assert.equal(await count(server), 1);
  const panel = await openPanel(second);
  await panel.connected();
  assert.match(await panel.text('session'), /resumed/);
  assert.equal(await panel.evaluate('localStorage.getItem("faultmaven_client_id")'), before.clientId);
  assert.deepEqual((await server.get(`/api/v1/sessions/${before.sessionId}/state`)).json.state, { color: 'blue' });
});

test('the session outlives the worker, and a worker that slept knows it', withBrowser, async (t) => {
  const { browser, panel, id, server } = await startPanel(t);
  await stopWorker(browser);
  assert.equal((await panel.tell({ action: 'getSessionId' })).sessionId, id);
  assert.equal(await count(server), 1);
});

test('a session that the server lost is replaced, in the background and in the panel', withBrowser, async (t) => {
  const { server, browser, panel, id } = await startPanel(t);
  const { clientId } = await storedIn(browser);
  const { port } = server;
  await server.stop();
  await soon(async () => (await panel.word()) !== 'Connected', 'the panel to notice');
  const next = await start({ listen: [`127.0.0.1:${port}`] });
  t.after(() => next.stop());
  const stored = await keptSession(browser, ({ sessionId }) => sessionId !== id);
  await panel.connected();
  assert.equal((await sessionAt(next, stored.sessionId)).status, 200);
  assert.equal((await sessionAt(next, id)).status, 404);
  assert.notEqual(stored.clientId, clientId, 'nothing leads back to what is gone');
  await soon(async () => (await panel.evaluate('localStorage.getItem("faultmaven_client_id")')) === stored.clientId, 'the page follows');
  assert.equal(await count(next), 1);
});

test('FMV-23: a server that is away is an error with the reason, and the next question finds it again', withBrowser, async (t) => {
  const server = await start();
  const { port, url } = server;
  await server.stop();
  const browser = await startBrowser(t, { url });
  const page = await openPage(browser, 'options.html');
  const ask = () => page.evaluate('chrome.runtime.sendMessage({ action: "getSessionId" })');
  const refused = await ask();
  assert.equal(refused.status, 'error');
  assert.match(refused.message, /^Failed to create session: .+/);
  assert.equal((await storedIn(browser)).sessionId, undefined);
  const back = await start({ listen: [`127.0.0.1:${port}`] });
  t.after(() => back.stop());
  const { status, sessionId } = await ask();
  assert.equal(status, 'success');
  assert.equal((await sessionAt(back, sessionId)).status, 200);
});

test('FMV-28: the API address of the options is where the panel goes, and the documented one is at hand', withBrowser, async (t) => {
  const { server, browser, panel, id } = await startPanel(t);
  const other = await startServer(t);
  const options = await openPage(browser, 'options.html');
  assert.equal(await options.text('api-preset'), 'Use http://127.0.0.1:8000');
  assert.equal(await options.evaluate('document.querySelector("#api-presets option").value'), 'http://127.0.0.1:8000');
  await soon(() => options.evaluate(`document.getElementById('api').placeholder === ${JSON.stringify(server.url)}`), 'the address in use');
  const enter = (text) => options.evaluate(`(() => {
    document.getElementById('api').value = ${JSON.stringify(text)};
    document.getElementById('api-form').requestSubmit();
  })()`);
  await enter('ftp://x');
  await soon(async () => /http:\/\/ or https:\/\//.test(await options.text('api-message')), 'a message');
  await enter(other.url);
  const stored = await keptSession(browser, ({ sessionId }) => sessionId !== id);
  await soon(async () => (await panel.text('server')) === other.url, 'the panel to go there');
  await panel.connected();
  assert.equal((await sessionAt(other, stored.sessionId)).status, 200);
  assert.equal((await sessionAt(server, id)).status, 200, 'the session of the first server stays where it is');
  await options.press('api-reset');
  await soon(async () => (await panel.text('server')) === server.url, 'the panel to come back');
});

test('the popup opens the side panel', withBrowser, async (t) => {
  const server = await startServer(t);
  const browser = await startBrowser(t, server);
  const popup = await openPage(browser, 'popup.html');
  await popup.send('Page.bringToFront');
  await popup.press('side-panel');
  const target = await soon(async () => {
    const { targetInfos } = await browser.cdp.send('Target.getTargets', { filter: [{}] });
    return targetInfos.find(({ url }) => url === `chrome-extension://${browser.extensionId}/sidepanel.html`);
  }, 'the side panel');
  const panel = await attach(browser.cdp, target.targetId);
  // It was found while it was still being loaded.
  await soon(() => panel.evaluate('document.readyState === "complete"').catch(() => false), 'the side panel to be loaded');
  await soon(async () => (await panel.text('word')) === 'Connected', 'the side panel to be connected');
  const { sessionId } = await storedIn(browser);
  assert.equal((await server.get(`/api/v1/sessions/${sessionId}/connections`)).json.count, 1);
});
