// Where no page goes, whoever sends it: files and the browser's own pages, and this server's own doors.
import assert from 'node:assert/strict';
import os from 'node:os';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { startBrowsers, startProxy, startTrap, visit } from './browser_stage.mjs';
import { startSite } from './torture/site.mjs';

let server;
let site;
before(async () => {
  [server, site] = await Promise.all([startBrowsers({ listen: ['127.0.0.1:0', '[::1]:0'] }), startSite()]);
});
after(async () => { await server?.stop(); await site?.stop(); });

const refused = ['file:///etc/passwd', 'FILE:///etc/passwd', 'file://localhost/etc/hostname', 'chrome://version', 'chrome://crash', 'chrome://inducebrowsercrashforrealz', 'devtools://devtools/bundled/inspector.html',
  'view-source:http://127.0.0.1/', 'javascript:alert(1)', 'chrome-extension://afhojlogdaahibfnhgbcocjbmdnggcfn/popup.html', ' file:///etc/passwd', 'about:version'];

test('open and goto refuse files and the browser\'s own pages', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  for (const url of refused) {
    const opened = await visitor.ask('open', { url, screenshot: false });
    assert.match(opened.json.detail, /^Failed to open URL: /, url);
    assert.equal(opened.status, 403, `${url}: ${opened.text}`);
    assert.equal((await visitor.act('goto', { url, snapshot: 'none' })).success, false, url);
  }
  const { url, elements } = await visitor.snapshot();
  assert.equal(url, site.page('hello'), 'the page is the one of before');
  assert.equal(elements.length, 2);
});

test('a page does not get there by itself: script, link, redirect, frame, window', async (t) => {
  const visitor = await visit(t, server, site.page('to-file'));
  const assertOutside = async (what) => {
    const { url } = await visitor.snapshot();
    assert.doesNotMatch(url, /^(file|chrome(?!-error)|devtools):/, what);
    const { result } = await visitor.call('execute', { code: 'document.documentElement?.innerText ?? ""', screenshot: false });
    assert.doesNotMatch(result ?? '', /root:|\/bin\/|Command Line|Revision/, what);
  };
  for (const address of ['file:///etc/passwd', 'chrome://version', '/redirect?to=file%3A%2F%2F%2Fetc%2Fpasswd']) {
    await visitor.ask('execute', { code: `location.href = ${JSON.stringify(address)}`, screenshot: false });
    await assertOutside(address);
    await visitor.open(site.page('to-file'));
  }
  for (const name of ['File', 'Chrome', 'Redirect']) {
    await visitor.act('click', { ref: visitor.ref(name) });
    await assertOutside(name);
    await visitor.open(site.page('to-file'));
  }
  await visitor.ask('execute', { code: 'window.open("file:///etc/passwd"), window.open("chrome://version"), 0', screenshot: false });
  await assertOutside('window');
  const frames = await visit(t, server, site.page('file-frame'));
  const { elements } = await frames.snapshot({ interactive_only: false });
  assert.doesNotMatch(JSON.stringify(elements), /root:|Command Line/);
  const { result } = await frames.call('execute', { code: 'fetch("file:///etc/passwd").then((r) => r.text()).catch(() => "no")', screenshot: false });
  assert.equal(result, 'no');
});

test('a redirect of open into a file is refused too', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  const answer = await visitor.ask('open', { url: `${site.here}/redirect?to=${encodeURIComponent('file:///etc/passwd')}`, screenshot: false });
  assert.ok(answer.status >= 400, answer.text);
  assert.doesNotMatch(answer.text, /root:/);
});

/** The addresses by which a listener of this machine can be called. */
const names = (port) => [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, `2130706433:${port}`, `0x7f.1:${port}`, `127.1:${port}`, `0.0.0.0:${port}`, `[::]:${port}`, `[::ffff:127.0.0.1]:${port}`,
  `127.0.0.2:${port}`, `${os.hostname()}:${port}`, `localhost.:${port}`, `x.localhost:${port}`, ...Object.values(os.networkInterfaces()).flat().filter(({ family }) => family === 'IPv4').map(({ address }) => `${address}:${port}`)];

test('no page reaches our own listeners, by any name: fetch, picture, socket, frame, beacon, worker', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  const ports = server.urls.map((url) => new URL(url).port);
  const hosts = ports.flatMap((port) => names(port));
  const tryAll = `(async () => {
    const got = [];
    const fails = (promise) => promise.then(() => false, () => true);
    await Promise.all(${JSON.stringify(hosts)}.map(async (host) => {
      const url = 'http://' + host + '/healthz';
      if (!(await fails(fetch(url, { mode: 'no-cors' })))) got.push('fetch ' + host);
      if (!(await fails(new Promise((ok, no) => { const w = new WebSocket('ws://' + host + '/ws'); w.onopen = ok; w.onerror = no; })))) got.push('socket ' + host);
      if (!(await fails(new Promise((ok, no) => { const s = document.createElement('script'); s.src = url; s.onload = ok; s.onerror = no; document.head.append(s); })))) got.push('script ' + host);
      navigator.sendBeacon(url, 'x');
    }));
    return got.join();
  })()`;
  const requests = () => server.log().split('\n').filter((line) => /"request"/.test(line) && /healthz/.test(line)).length;
  const before_all = requests();
  assert.equal(await visitor.value(tryAll), '');
  assert.equal(requests(), before_all, 'nothing came in');
});

test('no session is sent to our own listeners: open, goto, a link, a redirect, a frame', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  for (const host of names(server.port)) {
    const opened = await visitor.ask('open', { url: `http://${host}/healthz`, screenshot: false, timeout_ms: 3000 });
    assert.ok(opened.status >= 400, `${host}: ${opened.text.slice(0, 300)}`);
    assert.match(opened.json.detail, /^Failed to open URL: /);
  }
  await visitor.open(site.page('hello'));
  const target = `http://127.0.0.1:${server.port}/api/health`;
  assert.equal((await visitor.act('goto', { url: target })).success, false);
  const redirected = await visitor.ask('open', { url: `${site.here}/redirect?to=${encodeURIComponent(target)}`, screenshot: false });
  assert.ok(redirected.status >= 400, redirected.text);
  await visitor.open(site.page('hello'));
  await visitor.ask('execute', { code: `location.href = ${JSON.stringify(target)}`, screenshot: false });
  const seen = await visitor.ask('execute', { code: 'document.documentElement.innerText', screenshot: false });
  assert.doesNotMatch(seen.text, /healthy|"status"/);
  await visitor.open(site.page('hello'));
  await visitor.value(`new Promise((done) => { const f = document.createElement('iframe'); f.src = ${JSON.stringify(target)}; f.onload = () => done('loaded'); document.body.append(f); setTimeout(() => done('none'), 1000); })`);
  assert.doesNotMatch(JSON.stringify((await visitor.snapshot({ interactive_only: false })).elements), /healthy/);
});

test('a proxy of the session does not lead there either', async (t) => {
  const [proxy, trap] = await Promise.all([startProxy('any'), startTrap()]);
  t.after(() => Promise.all([proxy.stop(), trap.stop()]));
  const visitor = await visit(t, server, 'http://outside.test/', { proxy_url: proxy.url });
  const opened = await visitor.ask('open', { url: `http://127.0.0.1:${server.port}/healthz`, screenshot: false });
  assert.ok(opened.status >= 400, opened.text);
  assert.equal(proxy.seen.filter(({ url }) => url.includes(`:${server.port}`)).length, 0);
});

test('other ports of this machine are reached: pages under development are what agents look at', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  assert.equal((await visitor.open(`${site.third}/second`)).title, 'second');
  assert.equal((await visitor.open(`${site.cross}/second`)).title, 'second');
});

test('a browser has no port of its own, and a foreign page can\'t call the functions', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  for (const headers of [{ Origin: site.here }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' }, { Host: 'evil.test' }]) {
    const answer = await server.post(`/api/v1/sessions/${visitor.id}/functions/snapshot`, {}, headers);
    assert.equal(answer.status, 403, JSON.stringify(headers));
    assert.equal((await server.post('/apps/run', { app: 'agent-browser', function: 'open', session: 'new', input: { url: site.here } }, headers)).status, 403);
  }
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/devtools/browser`);
  await assert.rejects(new Promise((resolve, reject) => { socket.on('open', resolve).on('error', reject); }));
});

test('addresses that are none are refused with words, and a name without a scheme is https but on this machine', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  for (const url of ['', 'http://', 'http://[', 'ftp://127.0.0.1/', 'mailto:a@b.test', 'fi\tle:///etc/passwd', 'blob:http://127.0.0.1/x', 'http://no-such-name.invalid/', `${site.here.replace('http', 'https')}/`, 'x'.repeat(100_000)]) {
    const answer = await visitor.ask('open', { url, screenshot: false, timeout_ms: 3000 });
    assert.ok(answer.status >= 400, `${url.slice(0, 50)}: ${answer.status}`);
    assert.ok(answer.json.detail.length > 0);
  }
  const { port } = new URL(site.here);
  assert.equal((await visitor.open(`127.0.0.1:${port}/hello`)).title, 'hello');
  const named = await visitor.ask('open', { url: `no-such-name.invalid:${port}/hello`, screenshot: false });
  assert.match(named.text, /ERR_\w+ at https:/, 'https is tried, nothing else');
  const data = await visitor.open('data:text/html,<title>data</title><button>In data</button>');
  assert.deepEqual([data.title, data.elements[0].text], ['data', 'In data']);
});
