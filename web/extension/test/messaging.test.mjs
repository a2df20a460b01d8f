import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const [{ sendMessageToBackground }, { loadApiAddress, localApiUrl }, { keepClientId, pageKey }] =
  await load('/src/lib/utils/messaging.ts', '/src/config.ts', '/src/client_id.ts');

test('FMV-28: sendMessageToBackground gives what the background answers, and an error where there is no answer', async (t) => {
  t.after(() => { delete globalThis.chrome; });
  const sent = [];
  globalThis.chrome = { runtime: { sendMessage: async (message) => { sent.push(message); return { status: 'success', sessionId: 's1' }; } } };
  assert.deepEqual(await sendMessageToBackground({ action: 'getSessionId' }), { status: 'success', sessionId: 's1' });
  assert.deepEqual(sent, [{ action: 'getSessionId' }]);
  chrome.runtime.sendMessage = async () => undefined;
  assert.deepEqual(await sendMessageToBackground({ action: 'getSessionId' }), { status: 'error', message: 'The background did not answer.' });
  chrome.runtime.sendMessage = async () => { throw new Error('Receiving end does not exist.'); };
  assert.deepEqual(await sendMessageToBackground({ action: 'clearSession' }),
    { status: 'error', message: 'The background cannot be reached: Receiving end does not exist.' });
});

/** `chrome.storage.local` with its listener, a packed configuration and a page's storage. */
function stage(t, stored, page = {}) {
  const listeners = [];
  const fetchBefore = globalThis.fetch;
  t.after(() => { delete globalThis.chrome; delete globalThis.localStorage; globalThis.fetch = fetchBefore; });
  const set = async (values) => {
    const changes = Object.fromEntries(Object.entries(values).map(([key, newValue]) => [key, { newValue }]));
    Object.assign(stored, values);
    for (const listener of listeners) listener(changes, 'local');
  };
  globalThis.chrome = {
    runtime: { getURL: (name) => `chrome-extension://x/${name}` },
    storage: {
      local: { get: async (keys) => Object.fromEntries([keys].flat().filter((key) => key in stored).map((key) => [key, stored[key]])), set },
      onChanged: { addListener: (listener) => listeners.push(listener) },
    },
  };
  globalThis.fetch = async () => new Response('{"server":"http://localhost:5409"}');
  globalThis.localStorage = { getItem: (key) => page[key] ?? null, setItem: (key, value) => { page[key] = value; }, removeItem: (key) => { delete page[key]; } };
  const change = (changes, area = 'local') => { for (const listener of listeners) listener(changes, area); };
  return { stored, page, change };
}

test('FMV-28: the API is at the server unless a person chose another address, such as the documented one', async (t) => {
  assert.equal(localApiUrl, 'http://127.0.0.1:8000');
  const device = crypto.randomUUID();
  stage(t, { device });
  assert.deepEqual(await loadApiAddress(), { url: 'http://localhost:5409', source: 'server' });
  stage(t, { device, server: 'http://127.0.0.1:7000' });
  assert.deepEqual(await loadApiAddress(), { url: 'http://127.0.0.1:7000', source: 'server' });
  stage(t, { device, server: 'http://127.0.0.1:7000', apiAddress: `${localApiUrl}/` });
  assert.deepEqual(await loadApiAddress(), { url: localApiUrl, source: 'chosen' });
  stage(t, { device, apiAddress: 'ftp://x' });
  const { url, source, problem } = await loadApiAddress();
  assert.deepEqual([url, source], ['http://localhost:5409', 'server']);
  assert.match(problem, /passed over/);
});

test('FMV-26: the page has the client id under its documented name, and the storage of the extension has the say', async (t) => {
  const [one, two] = [crypto.randomUUID(), crypto.randomUUID()];
  const both = stage(t, { clientId: one }, { [pageKey]: two });
  await keepClientId();
  assert.equal(both.page.faultmaven_client_id, one);
  both.change({ clientId: { newValue: two } });
  assert.equal(both.page.faultmaven_client_id, two);
  both.change({ clientId: { newValue: one } }, 'sync');
  assert.equal(both.page.faultmaven_client_id, two);
  both.change({ clientId: { oldValue: two } });
  assert.equal(both.page.faultmaven_client_id, undefined);

  const ofPage = stage(t, {}, { [pageKey]: two });
  await keepClientId();
  assert.equal(ofPage.stored.clientId, two, 'a name that only the page has goes to the worker');
  const odd = stage(t, {}, { [pageKey]: '<b>me</b>' });
  await keepClientId();
  assert.deepEqual([odd.stored.clientId, odd.page[pageKey]], [undefined, undefined]);
});
