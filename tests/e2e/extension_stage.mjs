// What the tests of the extension share: the real binary, pages on a port of their own, and Chromium with the extension in it.
// Invariant: whatever a test starts is ended with it, and its folders are removed.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findChromium, launchChromium } from './chromium.mjs';
import { eventually, projectRoot, request, start } from './harness.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
/** The unpacked extension under test. */
export const extension = process.env.SOJOURN_EXTENSION ?? path.join(projectRoot, 'web', 'extension', 'dist');

/** Waits until `probe` gives a truthy value and returns it; patient enough for a machine that is busy with many browsers. */
export function soon(probe, what, ms = 15_000) {
  return eventually(probe, what, ms);
}

/** Options for a test that needs a browser: skipped, and said so, where none is installed. */
export const withBrowser = findChromium() ? {} : { skip: 'Chromium is not installed' };

/** Starts the server; ended after the test `t`. `port` 0 takes a free one. */
export async function startServer(t, port = 0) {
  const server = await start({ listen: [`127.0.0.1:${port}`] });
  t.after(() => server.stop());
  return server;
}

const policies = {
  '/strict.html': "default-src 'self'; script-src 'self'",
  '/trusted.html': "script-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
};

/** Serves tests/e2e/pages, and /hang, which never ends, and /slow, which takes a second. Returns its address. */
export async function startPages(t) {
  const server = http.createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://pages');
    if (pathname === '/hang') return;
    const answer = () => page(pathname, searchParams, response);
    if (pathname === '/slow') setTimeout(answer, 1_000);
    else answer();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${server.address().port}`;
}

async function page(pathname, parameters, response) {
  const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8' };
  if (pathname === '/slow' || pathname === '/site') {
    response.writeHead(200, { 'Content-Type': types['.html'] });
    response.end(`<!doctype html><title>Site ${Number(parameters.get('n') ?? 0)}</title><h1>Site</h1>`);
    return;
  }
  try {
    const bytes = await readFile(path.join(here, 'pages', path.basename(pathname)));
    const policy = policies[pathname];
    response.writeHead(200, {
      'Content-Type': types[path.extname(pathname)] ?? 'text/plain',
      ...(policy ? { 'Content-Security-Policy': policy } : {}),
    });
    response.end(bytes);
  } catch {
    response.writeHead(404, { 'Content-Type': 'text/plain' });
    response.end('not found');
  }
}

/** Starts Chromium with the extension pointed at the server; ended after the test `t`. */
export async function startBrowser(t, server, options = {}) {
  if (!existsSync(path.join(extension, 'manifest.json'))) throw new Error(`${extension} is missing: run npm run build -w web/extension`);
  const browser = await launchChromium({ extension, server: server.url, ...options });
  t.after(() => browser.close());
  return browser;
}

/** Ends the browser and starts it again with the same profile, as a person does. */
export async function restartBrowser(t, server, browser, options = {}) {
  const { profile } = browser;
  await browser.close({ keepProfile: true });
  return startBrowser(t, server, { ...options, profile });
}

/** Starts everything and waits for the session. Returns {server, pages, browser, id, tabs}. */
export async function startAll(t) {
  const [server, pages] = await Promise.all([startServer(t), startPages(t)]);
  const browser = await startBrowser(t, server);
  const [id] = await sessionsOf(server, 1);
  return { server, pages, browser, id, tabs: tabsOf(server, id) };
}

/** Asks for operations on the tabs of a session: (method, route, body) gives {status, json}. */
export function tabsOf(server, id) {
  return async (method, route = '', body = undefined) => {
    const target = `/api/browser/${id}/tabs${route}`;
    const { status, json } = await (body === undefined ? request(server.url, target, { method }) : server.send(method, target, body));
    return { status, json };
  };
}

/** The result of an operation that has to succeed. */
export function resultOf({ status, json }) {
  assert.equal(status, 200, JSON.stringify(json));
  assert.equal(json.success, true);
  return json.result;
}

/** The error of an operation that has to fail. */
export function errorOf({ status, json }) {
  assert.equal(status, 500, JSON.stringify(json).slice(0, 300));
  assert.equal(json.success, false);
  return json.error;
}

/** Waits until exactly `count` sessions are there and returns their ids. */
export function sessionsOf(server, count, ms = 20_000) {
  return soon(async () => {
    const { sessions } = await server.list();
    return sessions.length === count && sessions.map(({ sessionId }) => sessionId);
  }, `${count} sessions`, ms);
}

/** A page or worker of the browser to look into. */
export class Looking {
  constructor(cdp, targetId, sessionId) {
    Object.assign(this, { cdp, targetId, sessionId });
  }

  send(method, params) {
    return this.cdp.send(method, params, this.sessionId);
  }

  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true, userGesture: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  text(id) {
    return this.evaluate(`document.getElementById(${JSON.stringify(id)})?.textContent.trim()`);
  }

  press(id) {
    return this.evaluate(`document.getElementById(${JSON.stringify(id)}).click()`);
  }

  /** A screenshot of the whole page, as `name` in the folder of pictures; returns its path. */
  async picture(name) {
    const folder = process.env.SOJOURN_PICTURES ?? path.join(os.tmpdir(), 'sojourn-pictures');
    await mkdir(folder, { recursive: true });
    // A page in the background is not drawn.
    await this.send('Page.bringToFront');
    const { data } = await this.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
    const file = path.join(folder, name);
    await writeFile(file, Buffer.from(data, 'base64'));
    return file;
  }

  close() {
    return this.cdp.send('Target.closeTarget', { targetId: this.targetId });
  }
}

/** Looks into a page or worker that is there. */
export async function attach(cdp, targetId) {
  const { sessionId } = await cdp.send('Target.attachToTarget', { targetId, flatten: true });
  return new Looking(cdp, targetId, sessionId);
}

/** Opens a page of the extension in a tab behind the active one. */
export async function openPage({ cdp, extensionId }, name) {
  const { targetId } = await cdp.send('Target.createTarget', { url: `chrome-extension://${extensionId}/${name}`, background: true });
  const page = await attach(cdp, targetId);
  await soon(() => page.evaluate(`location.href.endsWith('/${name}') && document.readyState === 'complete'`), `${name} to load`);
  return page;
}

async function findWorker({ cdp, extensionId }) {
  const { targetInfos } = await cdp.send('Target.getTargets', { filter: [{}] });
  return targetInfos.find(({ type, url }) => type === 'service_worker' && url.startsWith(`chrome-extension://${extensionId}/`));
}

/** Runs an expression in the extension's worker, and leaves it as it was. */
export async function inWorker(browser, expression) {
  const target = await soon(() => findWorker(browser), 'the worker');
  const worker = await attach(browser.cdp, target.targetId);
  try {
    return await worker.evaluate(expression);
  } finally {
    await browser.cdp.send('Target.detachFromTarget', { sessionId: worker.sessionId }).catch(() => {});
  }
}

/** Ends the extension's worker as Chrome does when it is idle. */
export async function stopWorker(browser) {
  const target = await soon(() => findWorker(browser), 'the worker');
  await browser.cdp.send('Target.closeTarget', { targetId: target.targetId });
  await soon(async () => (await findWorker(browser))?.targetId !== target.targetId, 'the worker to end');
}
