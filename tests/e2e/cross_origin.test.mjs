// Who may talk from a browser: a table of origins over raw sockets, and pages of a real Chromium that try everything a page can.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { findChromium, launchChromium } from './chromium.mjs';
import { eventually, extensionFor, parseResponses, rawSocket, start, upgradeRequest } from './harness.mjs';

const own = 'chrome-extension://afhojlogdaahibfnhgbcocjbmdnggcfn';
const allowed = 'https://app.example';
const list = '/api/websocket/sessions';

let server;
before(async () => { server = await start({ args: ['--allow-origin', allowed] }); });
after(() => server?.stop());

/** Sends a request with exact header lines: {status, headers, body} of the first answer. */
async function send(line, headers, body = '') {
  const raw = await rawSocket(server.port);
  const length = body ? ['Content-Type: application/json', `Content-Length: ${body.length}`] : [];
  raw.send([line, `Host: 127.0.0.1:${server.port}`, ...headers, ...length, '', body].join('\r\n'));
  await raw.waitFor(() => parseResponses(raw.received()).length > 0, 'an answer');
  raw.destroy();
  return parseResponses(raw.received())[0];
}

async function upgrade(headers) {
  const raw = await rawSocket(server.port);
  raw.send(upgradeRequest(server.port, { headers }));
  await raw.waitFor(() => raw.received().includes('\r\n\r\n'), 'an answer');
  const status = Number(raw.text().split(' ')[1]);
  raw.destroy();
  return status;
}

const strangers = (port) => [
  'null', '', '*', 'http://evil.test', 'https://evil.test', `http://evil.test:${port}`,
  'http://localhost', 'http://127.0.0.1', `https://localhost:${port}`, `https://127.0.0.1:${port}`, `ws://127.0.0.1:${port}`,
  `http://localhost:${port + 1}`, `http://127.0.0.1:${port}0`, `http://127.0.0.1:0${port}`, 'http://127.0.0.1:', 'http://127.0.0.1:3000',
  `http://127.0.0.1:${port}/`, `http://127.0.0.1:${port}/path`, `http://127.0.0.1:${port}.evil.test`, `http://evil.test/127.0.0.1:${port}`,
  `http://evil.test#http://127.0.0.1:${port}`, `http://user@127.0.0.1:${port}`, `http://127.0.0.1:${port}@evil.test`, `http://127.0.0.1:${port} http://evil.test`,
  `http://127.0.0.1:${port},http://evil.test`, `127.0.0.1:${port}`, `//127.0.0.1:${port}`,
  `http://127.0.0.2:${port}`, `http://0.0.0.0:${port}`, `http://127.1:${port}`, `http://2130706433:${port}`, `http://[::ffff:127.0.0.1]:${port}`,
  `http://localhost.:${port}`, `http://evil.localhost:${port}`, `http://localhost.evil.test:${port}`, `http://xn--lcalhost-5ib:${port}`,
  'file://', 'about:blank', 'data:', `blob:http://127.0.0.1:${port}`, 'moz-extension://afhojlogdaahibfnhgbcocjbmdnggcfn',
  'chrome-extension://', 'chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', `${own}x`, own.slice(0, -1), `${own}.evil.test`, `${own}:80`, `${own}/`, `evil-${own}`,
  'http://app.example', 'https://app.example.evil.test', 'https://app.example:8443', 'https://sub.app.example', 'https://evilapp.example', 'https://app.example/', 'https://app-example',
];

test('origins that are not ours, the extension\'s or configured are refused on GET, POST and WebSocket', async (t) => {
  const extension = await extensionFor(t, server);
  const origins = strangers(server.port);
  assert.ok(origins.length >= 40);
  for (const origin of origins) {
    const header = [`Origin: ${origin}`];
    for (const answer of [
      await send(`GET ${list} HTTP/1.1`, header),
      await send(`POST ${list}/${extension.id}/message HTTP/1.1`, header, '{"type":"evil"}'),
      await send(`DELETE ${list}/${extension.id} HTTP/1.1`, header),
    ]) {
      assert.equal(answer.status, 403, `Origin: ${origin}`);
      assert.equal(answer.headers['access-control-allow-origin'], undefined, `Origin: ${origin}`);
      assert.match(JSON.parse(answer.body).error, origin === 'null' ? /is not allowed/ : /is not allowed; add allow_origins = \[/);
    }
    assert.equal(await upgrade(header), 403, `WebSocket with Origin: ${origin}`);
  }
  assert.deepEqual(await extension.settle(), [], 'nothing was delivered');
  assert.equal((await server.list()).count, 1, 'no session was made or closed');
});

test('a refusal names the origin and the line to add', async () => {
  const { body } = await send(`GET ${list} HTTP/1.1`, ['Origin: https://shop.example']);
  assert.ok(JSON.parse(body).error.includes('https://shop.example'), body);
});

test('two Origin headers are refused, also when one of them is ours', async () => {
  for (const pair of [[`Origin: http://127.0.0.1:${server.port}`, 'Origin: http://evil.test'], ['Origin: http://evil.test', `Origin: ${own}`]]) {
    assert.ok([400, 403].includes((await send(`GET ${list} HTTP/1.1`, pair)).status));
    assert.ok([400, 403].includes(await upgrade(pair)));
  }
});

test('our own origin, the extension\'s, a configured one and none are served, and CORS echoes the one', async () => {
  for (const origin of [`http://127.0.0.1:${server.port}`, `http://localhost:${server.port}`, `http://[::1]:${server.port}`, own, allowed]) {
    const header = [`Origin: ${origin}`];
    const answer = await send(`GET ${list} HTTP/1.1`, header);
    assert.equal(answer.status, 200, origin);
    assert.equal(answer.headers['access-control-allow-origin'], origin);
    assert.match(answer.headers.vary, /\bOrigin\b/i);
    assert.equal((await send(`POST ${list}/ext_000000000000/message HTTP/1.1`, header, '{}')).status, 404, origin);
    assert.equal(await upgrade(header), 101, origin);
  }
  const plain = await send(`GET ${list} HTTP/1.1`, []);
  assert.equal(plain.status, 200);
  assert.equal(plain.headers['access-control-allow-origin'], undefined);
  assert.equal(await upgrade([]), 101);
  await eventually(async () => (await server.list()).count === 0, 'the sessions are gone');
});

test('a preflight is 204 for an allowed origin and 403 for another', async () => {
  const asks = ['Access-Control-Request-Method: DELETE', 'Access-Control-Request-Headers: content-type'];
  const yes = await send(`OPTIONS ${list} HTTP/1.1`, [`Origin: ${allowed}`, ...asks]);
  assert.equal(yes.status, 204);
  assert.equal(yes.headers['access-control-allow-origin'], allowed);
  for (const method of ['GET', 'POST', 'PATCH', 'DELETE']) assert.match(yes.headers['access-control-allow-methods'], new RegExp(`\\b${method}\\b`));
  assert.match(yes.headers['access-control-allow-headers'], /content-type/i);
  const no = await send(`OPTIONS ${list} HTTP/1.1`, ['Origin: http://evil.test', ...asks]);
  assert.equal(no.status, 403);
  assert.equal(no.headers['access-control-allow-origin'], undefined);
});

test('Sec-Fetch-Site tells a foreign page that hides its origin', async () => {
  const navigate = ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'];
  for (const [line, headers, served] of [
    [`GET ${list}`, ['Sec-Fetch-Site: cross-site'], false], [`GET ${list}`, ['Sec-Fetch-Site: same-site'], false],
    [`GET ${list}`, ['Sec-Fetch-Site: cross-site', ...navigate], false], ['GET /api/health', ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors'], false],
    ['GET /nothing', ['Sec-Fetch-Site: cross-site'], false], ['GET /', ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors'], false], ['POST /', ['Sec-Fetch-Site: cross-site', ...navigate], false],
    ['GET /', ['Sec-Fetch-Site: cross-site', ...navigate], true], ['GET /console/', ['Sec-Fetch-Site: cross-site', ...navigate], true],
    [`GET ${list}`, ['Sec-Fetch-Site: same-origin'], true], [`GET ${list}`, ['Sec-Fetch-Site: none', ...navigate], true],
    [`GET ${list}`, ['Sec-Fetch-Site: cross-site', `Origin: ${allowed}`], true], [`GET ${list}`, ['Sec-Fetch-Site: cross-site', `Origin: ${own}`], true],
  ]) {
    const { status } = await send(`${line} HTTP/1.1`, headers);
    assert.equal(status !== 403, served, `${line} with ${headers.join(', ')} is ${status}`);
  }
});

/** Runs in a page: what a page can do, each telling in a word what came of it. */
function makeTools() {
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms, 'no event'));
  const within = (start) => Promise.race([wait(2500), new Promise(start)]);
  const contentOf = (frame) => { try { return frame.contentDocument ? `read ${frame.contentDocument.body.textContent}` : 'refused'; } catch { return 'refused'; } };
  const element = (name, attributes) => within((resolve) => {
    const made = Object.assign(document.createElement(name), attributes);
    made.onload = () => resolve('loaded');
    made.onerror = () => resolve('refused');
    document.body.append(made);
  });
  const call = (url, options) => fetch(url, options).then(async (answer) => `${answer.type} ${answer.status} ${await answer.text()}`, () => 'refused');
  const socket = (url) => within((resolve) => {
    const made = new WebSocket(url);
    made.onopen = () => resolve('opened');
    made.onerror = () => resolve('refused');
  });
  const framed = async (attributes, use) => {
    const frame = document.body.appendChild(Object.assign(document.createElement('iframe'), attributes));
    use?.(frame);
    await wait(700);
    return contentOf(frame);
  };
  const form = (action, enctype) => framed({ name: `frame${Math.random()}` }, (frame) => {
    const made = Object.assign(document.createElement('form'), { action, method: 'POST', enctype, target: frame.name });
    made.append(Object.assign(document.createElement('input'), { name: '{"type":"evil","data":"', value: '"}' }));
    document.body.append(made);
    made.submit();
  });
  const events = (url) => within((resolve) => {
    const source = new EventSource(url);
    source.onopen = () => resolve('opened');
    source.onerror = () => { source.close(); resolve('refused'); };
  });
  const worker = (url) => within((resolve) => {
    const code = `try { importScripts(${JSON.stringify(url)}); postMessage('loaded'); } catch { postMessage('refused'); }`;
    new Worker(URL.createObjectURL(new Blob([code]))).onmessage = ({ data }) => resolve(data);
  });
  return { element, call, socket, framed, form, events, worker };
}

/** Runs in a page: tries every way to reach `base`, those in `skipped` excepted: {name: what came of it}. */
async function attack({ element, call, socket, framed, form, events, worker }, base, id, skipped = []) {
  const target = `${base}/api/websocket/sessions`;
  const sockets = base.replace('http', 'ws');
  const json = (body) => ({ method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
  const evil = '{"type":"evil"}';
  const tries = {
    script: () => element('script', { src: target }),
    module: () => import(target).then(() => 'loaded', () => 'refused'),
    image: () => element('img', { src: target }),
    style: () => element('link', { rel: 'stylesheet', href: target }),
    frame: () => framed({ src: target }),
    fetch: () => call(target),
    fetchWithCookies: () => call(target, { credentials: 'include' }),
    fetchNoCors: () => call(target, { mode: 'no-cors' }),
    fetchHealth: () => call(`${base}/api/health`),
    post: () => call(`${target}/${id}/message`, json(evil)),
    postPlain: () => call(`${target}/${id}/message`, { method: 'POST', body: evil, mode: 'no-cors' }),
    remove: () => call(`${target}/${id}`, { method: 'DELETE' }),
    tabs: () => call(`${base}/api/browser/${id}/tabs/1/execute`, json('{"code":"1"}')),
    beacon: async () => { navigator.sendBeacon(`${target}/${id}/message`, new Blob([evil], { type: 'text/plain' })); return 'sent'; },
    formPlain: () => form(`${target}/${id}/message`, 'text/plain'),
    formUrl: () => form(`${target}/${id}/message`, 'application/x-www-form-urlencoded'),
    formMultipart: () => form(`${target}/${id}/message`, 'multipart/form-data'),
    events: () => events(target),
    socket: () => socket(`${sockets}/ws`),
    socketExtension: () => socket(`${sockets}/ws/extension`),
    worker: () => worker(target),
  };
  const chosen = Object.entries(tries).filter(([name]) => !skipped.includes(name));
  return Object.fromEntries(await Promise.all(chosen.map(async ([name, run]) => [name, await run()])));
}

const attackCode = (...values) => `(${attack})((${makeTools})(), ${values.map((value) => JSON.stringify(value)).join(', ')})`;

/** Chromium with a bare extension of no rights, and a small web server for the pages. */
async function browse(t) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-origin-'));
  await writeFile(path.join(folder, 'manifest.json'), '{"manifest_version":3,"name":"Nothing","version":"1"}');
  const pages = http.createServer((incoming, answer) => {
    answer.writeHead(200, { 'Content-Type': 'text/html' });
    answer.end('<!doctype html><title>page</title><body>page');
  });
  await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve));
  const chromium = await launchChromium({ extension: folder, args: ['--host-resolver-rules=MAP evil.test 127.0.0.1'] });
  t.after(async () => {
    await chromium.close();
    pages.closeAllConnections?.();
    await new Promise((resolve) => pages.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });
  const evaluate = async (url, code) => {
    const { targetId } = await chromium.cdp.send('Target.createTarget', { url });
    const { sessionId } = await chromium.cdp.send('Target.attachToTarget', { targetId, flatten: true });
    const ask = async (expression) => {
      const { result, exceptionDetails } = await chromium.cdp.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId);
      assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
      return result.value;
    };
    await eventually(() => ask(`location.href === ${JSON.stringify(url)} && document.readyState === 'complete'`), `${url} is loaded`, 10000);
    const value = await ask(code);
    await chromium.cdp.send('Target.closeTarget', { targetId });
    return value;
  };
  return { port: pages.address().port, evaluate };
}

const skip = findChromium() ? false : 'Chromium is not installed';

/** What the tries of a page that is a stranger may come to. */
function assertNothingRead(results) {
  for (const [name, result] of Object.entries(results)) {
    assert.ok(['refused', 'sent', 'no event'].includes(result) || /^(basic|cors) 403 /.test(result) || /^read \{"error":"(Host|Origin) /.test(result), `${name}: ${result}`);
  }
}

test('a page of a stranger in Chromium reads nothing and changes nothing', { skip, timeout: 60000 }, async (t) => {
  const extension = await extensionFor(t, server);
  const before_list = await server.list();
  const browser = await browse(t);
  const base = `http://127.0.0.1:${server.port}`;
  for (const [page, target] of [
    [`http://127.0.0.1:${browser.port}/`, base],
    [`http://evil.test:${browser.port}/`, base],
    [`http://localhost:${browser.port}/`, `http://localhost:${server.port}`],
    [`http://evil.test:${server.port}${list}`, `http://evil.test:${server.port}`],
    [`http://evil.test:${server.port}/`, `http://evil.test:${server.port}`],
  ]) {
    await t.test(`from ${new URL(page).hostname} to ${new URL(target).hostname}${new URL(page).pathname}`, async () => {
      const results = await browser.evaluate(page, attackCode(target, extension.id));
      assert.ok(Object.keys(results).length >= 20);
      assertNothingRead(results);
      for (const name of ['socket', 'socketExtension', 'events', 'script', 'worker']) assert.equal(results[name], 'refused', name);
    });
  }
  assert.deepEqual(await server.list(), before_list, 'no session came, went or was touched');
  assert.deepEqual(await extension.settle(), [], 'nothing was delivered');
});

test('the same page succeeds once its origin is allowed, so the tries are real', { skip, timeout: 60000 }, async (t) => {
  const browser = await browse(t);
  const origin = `http://evil.test:${browser.port}`;
  const open = await start({ args: ['--allow-origin', origin] });
  t.after(() => open.stop());
  const extension = await extensionFor(t, open);
  const results = await browser.evaluate(`${origin}/`, attackCode(open.url, extension.id, ['remove', 'tabs']));
  assert.match(results.fetch, /^cors 200 \{"count":/);
  assert.match(results.post, /^cors 200 /);
  assert.equal(results.socket, 'opened');
  assert.equal(results.socketExtension, 'opened');
});
