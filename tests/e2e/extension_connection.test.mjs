// How the extension holds its connection to the real server: retries, keep-alive, many browsers, commands by message.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionId, sleep } from './harness.mjs';
import {
  inWorker, openPage, resultOf, sessionsOf, startAll, soon, startBrowser, startPages, startServer, tabsOf, withBrowser,
} from './extension_stage.mjs';

const shows = (popup, id, text, ms) => soon(async () => (await popup.text(id)) === text, `${id} shows ${text}`, ms);
const logHas = (popup, pattern, ms) => soon(
  async () => pattern.test(await popup.evaluate('document.getElementById("logs").innerText')), `the log has ${pattern}`, ms);

test('BTW-32: after a restart of the server the extension comes back by itself with a new id', withBrowser, async (t) => {
  const { server, browser, id } = await startAll(t);
  const popup = await openPage(browser, 'popup.html');
  await shows(popup, 'word', 'Connected');
  const { port } = server;
  await server.stop();
  await shows(popup, 'word', 'Connecting');
  await shows(popup, 'retry-count', '1/1');
  assert.equal(await popup.text('session-id'), 'None');
  const next = await startServer(t, port);
  const [nextId] = await sessionsOf(next, 1, 8_000);
  assert.match(nextId, sessionId);
  assert.notEqual(nextId, id);
  await shows(popup, 'session-id', nextId);
  await shows(popup, 'retry-count', '0/1');
});

test('BTW-32: after one retry the extension waits quietly and tries again now and then', withBrowser, async (t) => {
  const { server, browser } = await startAll(t);
  const popup = await openPage(browser, 'popup.html');
  await shows(popup, 'word', 'Connected');
  const { port } = server;
  await server.stop();
  await shows(popup, 'word', 'Waiting for server', 8_000);
  assert.equal(await popup.text('retry-count'), '1/1');
  assert.match(await popup.text('problem'), /cannot be reached/);
  await popup.send('Emulation.setDeviceMetricsOverride', { width: 360, height: 560, deviceScaleFactor: 2, mobile: false });
  await popup.picture('popup-waiting.png');

  await t.test('a quiet attempt that fails changes nothing a person sees', async () => {
    const lines = await popup.evaluate('document.querySelectorAll("#logs li").length');
    await inWorker(browser, 'chrome.alarms.create("wake", { when: Date.now(), periodInMinutes: 1 })');
    await sleep(1_500);
    assert.equal(await popup.text('word'), 'Waiting for server');
    assert.equal(await popup.evaluate('document.querySelectorAll("#logs li").length'), lines);
  });

  await t.test('the alarm that wakes it comes once a minute', async () => {
    assert.equal((await inWorker(browser, 'chrome.alarms.get("wake")')).periodInMinutes, 1);
  });

  const next = await startServer(t, port);
  await inWorker(browser, 'chrome.alarms.create("wake", { when: Date.now(), periodInMinutes: 1 })');
  const [nextId] = await sessionsOf(next, 1);
  await shows(popup, 'session-id', nextId);
  await shows(popup, 'retry-count', '0/1');
  assert.equal(await popup.evaluate('document.getElementById("problem").hidden'), true);
});

test('BTW-25: the extension does not come back after the server closed its session', withBrowser, async (t) => {
  const { server, browser, id } = await startAll(t);
  const popup = await openPage(browser, 'popup.html');
  await shows(popup, 'word', 'Connected');
  assert.equal((await server.close(id)).status, 200);
  await shows(popup, 'word', 'Disconnected');
  await logHas(popup, /Disconnected: The server closed this session/);
  await inWorker(browser, 'chrome.alarms.create("wake", { when: Date.now() + 100 })');
  await sleep(6_500);
  assert.equal((await server.list()).count, 0);
  assert.equal(await popup.text('retry-count'), '0/1');
  await popup.press('reconnect');
  await sessionsOf(server, 1);
});

test('BTW-33: the extension answers ping, navigates its active tab, and passes over what it does not know', withBrowser, async (t) => {
  const { server, pages, browser, id, tabs } = await startAll(t);
  const popup = await openPage(browser, 'popup.html');
  await shows(popup, 'word', 'Connected');
  const seen = async () => (await server.session(id)).json.lastSeen;

  await t.test('a ping is answered at once', async () => {
    const before = await seen();
    await sleep(20);
    assert.equal((await server.message(id, { type: 'ping', data: {} })).status, 200);
    await soon(async () => (await seen()) > before, 'the answer', 2_000);
    await logHas(popup, /Command: ping/);
  });

  await t.test('navigate opens the address in the active tab', async () => {
    const [{ id: tabId }] = resultOf(await tabs('GET')).filter(({ active }) => active);
    const before = await seen();
    await server.message(id, { type: 'navigate', data: { url: `${pages}/site?n=8` } });
    await soon(async () => resultOf(await tabs('GET')).some((tab) => tab.id === tabId && tab.title === 'Site 8'), 'the page');
    assert.ok((await seen()) > before);
    await logHas(popup, /Command: navigate http/);
  });

  await t.test('what cannot be opened is in the log', async () => {
    await server.message(id, { type: 'navigate', data: { url: 'http://127.0.0.1:9/' } });
    await logHas(popup, /navigate failed: .*net::ERR_/);
    await server.message(id, { type: 'navigate', data: {} });
    await logHas(popup, /navigate failed: url is required/);
  });

  await t.test('an unknown message is passed over with a line in the log', async () => {
    await server.message(id, { type: 'dance', data: 1 });
    await logHas(popup, /Ignored a message of type "dance"/);
    assert.equal(await popup.text('word'), 'Connected');
  });
});

test('BTW-32: the worker pings by itself every 20 s and stays awake', withBrowser, async (t) => {
  const { server, id } = await startAll(t);
  const first = (await server.session(id)).json.lastSeen;
  const second = await soon(async () => {
    const { json } = await server.session(id);
    return json.lastSeen !== first && json.lastSeen;
  }, 'the first ping', 23_000);
  const third = await soon(async () => {
    const { json } = await server.session(id);
    return json.lastSeen !== second && json.lastSeen;
  }, 'the second ping', 23_000);
  const gap = Date.parse(third) - Date.parse(second);
  assert.ok(gap > 18_000 && gap < 22_000, `${gap} ms between two pings`);
});

test('BTW-35a: the toolbar and the log show when the browser is being controlled', withBrowser, async (t) => {
  const { pages, browser, tabs } = await startAll(t);
  const badge = () => inWorker(browser, 'Promise.all([chrome.action.getBadgeText({}), chrome.action.getTitle({})])');
  assert.deepEqual(await badge(), ['', 'Sojourn Browser Control']);
  const { tabId } = resultOf(await tabs('POST', '/create', { url: `${pages}/site` }));
  const [text, title] = await badge();
  assert.equal(text, 'RUN');
  assert.match(title, /being controlled: tabs\.createTab/);
  resultOf(await tabs('POST', `/${tabId}/execute`, { code: '"a secret"' }));
  await soon(async () => (await badge())[0] === '', 'the badge goes out', 5_000);
  const popup = await openPage(browser, 'popup.html');
  await logHas(popup, /Command: tabs\.createTab http/);
  await logHas(popup, new RegExp(`Command: tabs\\.executeScript in tab ${tabId}`));
  assert.doesNotMatch(await popup.evaluate('document.getElementById("logs").innerText'), /a secret/);
});

for (const count of [2, 20]) {
  test(`BTW-04: ${count} browsers at once have ${count} sessions, and each obeys its own commands alone`, withBrowser, async (t) => {
    const [server, pages] = await Promise.all([startServer(t), startPages(t)]);
    const browsers = [];
    for (let index = 0; index < count; index += 4) {
      const few = Array.from({ length: Math.min(4, count - index) }, () => startBrowser(t, server));
      browsers.push(...await Promise.all(few));
    }
    const ids = await sessionsOf(server, count, 60_000);
    assert.equal(new Set(ids).size, count);
    for (const id of ids) assert.match(id, sessionId);
    assert.equal(new Set(browsers.map(({ pid }) => pid)).size, count);
    const titles = await Promise.all(ids.map(async (id, index) => {
      const tabs = tabsOf(server, id);
      const { tabId } = resultOf(await tabs('POST', '/create', { url: `${pages}/site?n=${index}` }));
      return resultOf(await tabs('POST', `/${tabId}/execute`, { code: 'document.title' })).result;
    }));
    assert.deepEqual(titles, ids.map((_, index) => `Site ${index}`));
    for (const id of ids) {
      const sites = resultOf(await tabsOf(server, id)('GET')).filter(({ title }) => title.startsWith('Site'));
      assert.equal(sites.length, 1, 'no browser obeyed a command for another');
    }
  });
}

test('a page cannot talk to the extension, and the extension asks for no more than it needs', withBrowser, async (t) => {
  const { pages, browser, tabs } = await startAll(t);
  const { tabId } = resultOf(await tabs('POST', '/create', { url: `${pages}/site` }));
  const found = resultOf(await tabs('POST', `/${tabId}/execute`, { code: 'typeof chrome.runtime?.connect' })).result;
  assert.equal(found, 'undefined');
  const manifest = await inWorker(browser, 'chrome.runtime.getManifest()');
  assert.deepEqual(manifest.permissions, ['tabs', 'storage', 'activeTab', 'debugger', 'alarms', 'webNavigation', 'sidePanel']);
  assert.deepEqual(manifest.host_permissions, ['<all_urls>']);
  for (const key of ['externally_connectable', 'content_security_policy', 'content_scripts', 'web_accessible_resources']) {
    assert.equal(manifest[key], undefined);
  }
});
