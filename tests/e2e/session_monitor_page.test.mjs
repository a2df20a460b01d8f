// SessionMonitor in a real browser, on the client bundle that the server itself serves: the example's page, and a bare page
// with the shipped scripts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { openSite } from '../../examples/monitor/site.mjs';
import { Tab, openBrowser } from '../../examples/shipping/person.mjs';
import { findChromium } from './chromium.mjs';
import { eventually, projectRoot, request, start } from './harness.mjs';
import { clientOf, installMonitor, listen, openStage, sessionsOf } from './session_monitor_stage.mjs';

const skip = !findChromium() && 'Chromium is not installed';
let browser;
let place;
before(async () => { if (!skip) [browser, place] = await Promise.all([openBrowser(), installMonitor()]); });
after(() => Promise.all([browser?.close(), place?.remove()]));

/** A tab, and what its console is told. */
async function open(t, url) {
  const tab = await Tab.open(browser.cdp, 'about:blank');
  const said = [];
  t.after(browser.cdp.on('Runtime.consoleAPICalled', ({ args }, session) => {
    if (session === tab.sessionId) said.push(args.map(({ value, description }) => value ?? description).join(' '));
  }));
  await tab.send('Runtime.enable');
  await tab.send('Page.navigate', { url });
  t.after(() => tab.send('Page.close').catch(() => {}));
  return { tab, said };
}

const textOf = (id) => `document.getElementById('${id}').textContent`;
const isLive = `document.getElementById('status').dataset.word === 'live' && ${textOf('session')} !== '—'`;
const rows = (name) => `[...document.querySelectorAll('#events [data-name="${name}"]')].map((row) => row.querySelector('.what').textContent)`;
const saidOf = (tab) => async (text) => {
  await tab.read(`document.getElementById('text').value = ${JSON.stringify(text)}`);
  await tab.click(`document.getElementById('send')`);
};

for (const [name, transports] of [['polling only', ['polling']], ['WebSocket only', ['websocket']], ['polling, then an upgrade', ['polling', 'websocket']]]) {
  test(`AMI-07 AMI-13 AMI-20 a page keeps a session alive over ${name}, shows its transport, and gets what is for its thread`, { skip }, async (t) => {
    const { site, server } = await openStage(t);
    const { tab, said } = await open(t, site.address);
    await tab.until(`${isLive} && ${textOf('transport')} === 'websocket'`, 'that it is live');
    said.length = 0;
    await tab.read(`document.getElementById('transports').value = '${transports.join()}'; document.getElementById('thread-id').value = 'a thread'`);
    await tab.click(`document.getElementById('start')`);
    const last = transports.at(-1);
    await tab.until(`${isLive} && ${textOf('thread')} === 'a thread' && ${textOf('transport')} === '${last}'`, `that its transport is ${last}`);
    const session = await tab.read(textOf('session'));
    await eventually(async () => {
      const [first, ...others] = await sessionsOf(server, 'a thread');
      return others.length === 0 && first?.session_id === session && first.transport === last;
    }, 'the server says the same');
    assert.deepEqual(await sessionsOf(server, 'demo'), [], 'the one of before has left');
    await saidOf(tab)('Is it true?');
    await tab.until(`${rows('answer')}.length === 2`, 'the answer');
    assert.deepEqual(await tab.read(rows('answer')), ['Answer: This program knows nothing more to say.', 'Answer: You said: Is it true?']);
    const updates = await tab.until(`${rows('analysis_update')}.length >= 2 && ${rows('analysis_update')}`, 'the analysis');
    assert.match(updates.join(' '), /a question.*3 words/);
    assert.ok(said.includes(`[SessionMonitor] Opened over ${transports[0]}`), said.join('\n'));
    assert.equal(said.filter((line) => line === '[SessionMonitor] Upgraded to websocket').length, transports.length - 1);
    assert.ok(said.some((line) => line.startsWith(`[SessionMonitor] Registered thread a thread as session ${session} over `)), said.join('\n'));
    await tab.click(`document.getElementById('stop')`);
    await tab.until(`document.getElementById('status').dataset.word === 'off'`, 'that it is off');
    await eventually(async () => (await sessionsOf(server, 'a thread')).length === 0, 'it has left');
    assert.equal(await tab.read(`document.getElementById('problem').hidden`), true);
  });
}

test('AMI-03 a page is back by itself after the server was away, and registered again', { skip }, async (t) => {
  const { site, server } = await openStage(t);
  const { tab } = await open(t, site.address);
  await tab.until(isLive, 'that it is live');
  const before = await tab.read(`${rows('session_registered')}.length`);
  await tab.send('Network.enable');
  await tab.send('Network.emulateNetworkConditions', { offline: true, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await tab.read(`window.dispatchEvent(new Event('offline'))`);
  await tab.until(`document.getElementById('status').dataset.word === 'waiting'`, 'that it is away');
  await tab.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await tab.until(`${isLive} && ${rows('session_registered')}.length > ${before}`, 'that it is back');
  const session = await tab.read(textOf('session'));
  await eventually(async () => (await sessionsOf(server, 'demo')).some(({ session_id }) => session_id === session), 'the server knows it');
});

test('a row is a sentence, with what came as it came behind it', { skip }, async (t) => {
  const { site, server } = await openStage(t);
  const { tab } = await open(t, site.address);
  await tab.until(`${rows('session_registered')}.length === 1`, 'that it is registered');
  const other = clientOf(t, server);
  const { next } = listen(other);
  other.emit('register_session', { thread_id: 'demo' });
  await next('session_registered');
  other.emit('chat', { text: 'The kettle is on.' });
  other.emit('odd', 1, 'two', { milk: [] });
  other.emit('system_pong');
  other.emit('analysis_update', 'in a form of its own');
  other.emit('set_session_state', { key: 'tea', value: 'Assam' });
  const expected = {
    register_session: ['Asks to be in the thread “demo”.'], session_registered: ['Registered for the thread “demo”.'],
    'session.joined': ['local joined.'], chat: ['chat: The kettle is on.'], odd: ['odd: 1, two, milk '], system_pong: ['system_pong.'],
    'session.state': ['The state changed: tea is now Assam.'], analysis_update: ['analysis_update: in a form of its own'],
  };
  await tab.until(`${rows('session.state')}.length`, 'the last of it');
  const entries = Object.keys(expected).map((name) => `${JSON.stringify(name)}: ${rows(name)}`);
  assert.deepEqual(await tab.read(`({ ${entries.join()} })`), expected);
  const raw = `document.querySelector('#events [data-name="chat"] details')`;
  assert.equal(await tab.read(`${raw}.open`), false);
  await tab.click(`${raw}.querySelector('summary')`);
  assert.match(await tab.until(`${raw}.open && ${raw}.querySelector('code').innerText`, 'what came'), /^{\n {2}"text": "The kettle is on\."\n}\n"[0-9a-f-]{36}\/[0-9a-f]+\.\d+"$/);
});

const phone = { width: 390, height: 844, deviceScaleFactor: 2, mobile: true };

test('the page has no sideways scrolling on a phone, and no text of the colour of its ground at night', { skip }, async (t) => {
  const { site } = await openStage(t);
  const { tab } = await open(t, site.address);
  await tab.look(phone, 'dark');
  await tab.send('Page.reload');
  await tab.until(isLive, 'that it is live');
  assert.equal(await tab.read(`document.documentElement.scrollWidth`), phone.width);
  const style = await tab.read(`(({ backgroundColor, color }) => [backgroundColor, color])(getComputedStyle(document.body))`);
  assert.deepEqual(style, ['rgb(17, 20, 28)', 'rgb(231, 234, 243)']);
  const [settings, send] = await tab.read(`[document.getElementById('settings').open, document.getElementById('send').getBoundingClientRect().bottom]`);
  assert.equal(settings, false);
  assert.ok(send < phone.height / 2, `Send is seen without scrolling: ${send}`);
});

test('every control of the page has a name', { skip }, async (t) => {
  const { site } = await openStage(t);
  const { tab } = await open(t, site.address);
  await tab.until(`${rows('session_registered')}.length`, 'that it is registered');
  const { nodes } = await tab.send('Accessibility.getFullAXTree');
  const named = ['button', 'textbox', 'combobox', 'image', 'list', 'form', 'region', 'DisclosureTriangle'];
  const shown = nodes.filter(({ ignored, role }) => !ignored && named.includes(role.value)).map(({ role, name }) => [role.value, name.value]);
  assert.deepEqual(shown.filter(([, name]) => !name), []);
  for (const each of [['button', 'Send'], ['button', 'Restart'], ['button', 'Stop'], ['textbox', 'Say something to the thread'], ['list', 'What came and went, newest first']]) {
    assert.ok(shown.some((one) => one.join() === each.join()), `${each}: ${JSON.stringify(shown)}`);
  }
});

/** A bare page of another origin with the shipped scripts, as the example says; the server lets it in. */
async function openBare(t) {
  const site = createServer(async (incoming, outgoing) => {
    const name = incoming.url.slice(1);
    if (['session_monitor.js', 'example-usage.js'].includes(name)) return outgoing.writeHead(200, { 'Content-Type': 'text/javascript' }).end(await readFile(path.join(place.folder, name)));
    return outgoing.writeHead(200, { 'Content-Type': 'text/html' }).end(`<!doctype html><title>bare</title>
      <script src="${site.server}/socket.io/socket.io.js" crossorigin></script>
      <script src="session_monitor.js"></script>
      <script src="example-usage.js" data-server="${site.server}" data-thread="bare" data-say="Hello there"></script>`);
  });
  await new Promise((resolve) => { site.listen(0, '127.0.0.1', resolve); });
  t.after(() => new Promise((resolve) => { site.close(resolve); site.closeAllConnections?.(); }));
  const responder = await openSite();
  t.after(() => responder.close());
  const address = `http://127.0.0.1:${site.address().port}`;
  const server = await start({ config: `allow_origins = ["${address}"]\n[responder]\nurl = "${responder.address}/answer"\n` });
  t.after(() => server.stop());
  site.server = server.url;
  return { address, server };
}

test('AMI-05 AMI-06 the shipped scripts work in a page as they are, with the client that the server serves', { skip }, async (t) => {
  const { address, server } = await openBare(t);
  const { tab, said } = await open(t, address);
  assert.equal(await tab.until(`typeof window.SessionMonitor === 'function' && typeof window.startConversation === 'function' && typeof window.io === 'function' && 'all'`, 'the globals'), 'all');
  await eventually(() => said.includes('message This program knows nothing more to say.'), 'the answer is in the console', 10_000);
  assert.ok(said.includes('message You said: Hello there'), said.join('\n'));
  assert.ok(said.some((line) => line.startsWith('analysis_update {"type":"analysis"')), said.join('\n'));
  for (const text of ['Opened over polling', 'Upgraded to websocket', 'Registered thread bare as session ']) {
    assert.ok(said.some((line) => line.startsWith(`[SessionMonitor] ${text}`)), `${text}: ${said.join('\n')}`);
  }
  assert.equal((await sessionsOf(server, 'bare')).length, 1);
  await tab.send('Page.navigate', { url: 'about:blank' });
  await eventually(async () => (await sessionsOf(server, 'bare')).length === 0, 'it left with the page');
});

test('the example starts with one command, serves its page, and ends all it started', async () => {
  const child = spawn(path.join(projectRoot, 'examples/monitor/start'), [], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { said += text; });
  const ended = new Promise((resolve) => { child.once('exit', (code, signal) => resolve(signal ?? code)); });
  try {
    await eventually(() => said.includes('Ctrl-C ends everything'), 'the page is there', 20000);
    const [, link] = /The page is at {2}(\S+)/.exec(said);
    const [page, script] = await Promise.all([request(link, '/'), request(link, '/session_monitor.js')]);
    assert.deepEqual([page.status, script.status], [200, 200]);
    const server = JSON.parse((await request(link, '/config.json')).text).server;
    assert.match(page.headers['content-security-policy'], new RegExp(`script-src 'self' ${server};`));
    assert.match(script.text, /class SessionMonitor/);
    child.kill('SIGINT');
    assert.equal(await ended, 0, said);
    const [, pid] = /\(pid (\d+)\)/.exec(said);
    assert.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' });
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
});
