// Records the fixtures in captures/: each page of captures/pages opened in the installed Chromium, and what
// DOMSnapshot.captureSnapshot gives of each of its DevTools sessions. Run it by hand after changing a page:
//   node tests/browser/record_captures.mjs [PAGE...]
// Ids and ports are replaced by names that stay the same, so that a new recording differs only where the page does.
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pipe } from '../e2e/chromium.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const pages = path.join(here, 'captures/pages');
const settleMs = 400;

/** The constant that the server sends, so that both are the same. */
function capturedStyles() {
  const header = readFileSync(path.join(here, '../../src/browser/capture.h'), 'utf8');
  return [...header.match(/captured_styles\{([^}]*)\}/)[1].matchAll(/"([^"]*)"/g)].map((match) => match[1]);
}

function serve() {
  const server = createServer((request, response) => {
    try {
      const body = readFileSync(path.join(pages, path.basename(new URL(request.url, 'http://x').pathname)));
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(server)); });
}

function startChromium() {
  const profile = mkdtempSync(path.join(os.tmpdir(), 'sojourn-captures-'));
  const id = (flag) => Number(spawnSync('id', [flag, 'sojourn-browser'], { encoding: 'utf8' }).stdout);
  const isRoot = process.getuid() === 0;
  if (isRoot) chownSync(profile, id('-u'), id('-g'));
  const lent = isRoot ? ['setpriv', `--reuid=${id('-u')}`, `--regid=${id('-g')}`, '--clear-groups', '--inh-caps=-all'] : [];
  const command = [
    ...lent, process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell', `--user-data-dir=${profile}/data`,
    '--remote-debugging-pipe', '--no-first-run', '--disable-gpu', '--hide-scrollbars', '--site-per-process', 'about:blank',
  ];
  const child = spawn(command[0], command.slice(1), {
    cwd: profile, env: { ...process.env, HOME: profile, TMPDIR: profile }, detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise((resolve) => { child.once('exit', resolve); });
  const stop = async () => {
    process.kill(-child.pid, 'SIGKILL');
    await exited;
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  return { cdp: new Pipe(child.stdio[3], child.stdio[4]), stop };
}

/** Opens the page and gives a map of session id -> frame id of its root, the main one first. */
async function open(cdp, url) {
  const { targetId } = await cdp.send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await cdp.send('Target.attachToTarget', { targetId, flatten: true });
  const sessions = new Map([[sessionId, targetId]]);
  const attach = (session) => cdp.send('Target.setAutoAttach',
    { autoAttach: true, waitForDebuggerOnStart: false, flatten: true }, session);
  const off = cdp.on('Target.attachedToTarget', async ({ sessionId: inner, targetInfo }, parent) => {
    if (!sessions.has(parent) || targetInfo.type !== 'iframe') return;
    sessions.set(inner, targetInfo.targetId);
    await attach(inner);
  });
  await attach(sessionId);
  await cdp.send('Emulation.setDeviceMetricsOverride', { width: 1280, height: 720, deviceScaleFactor: 1, mobile: false }, sessionId);
  await cdp.send('Page.enable', {}, sessionId);
  const loaded = new Promise((resolve) => { cdp.on('Page.loadEventFired', resolve); });
  await cdp.send('Page.navigate', { url }, sessionId);
  await loaded;
  await new Promise((resolve) => { setTimeout(resolve, settleMs); });
  off();
  return { sessions, targetId };
}

/** Which node of which session has the frame; {} for the page itself. */
async function findOwner(cdp, sessions, session, frameId) {
  for (const other of sessions.keys()) {
    if (other === session) continue;
    const owner = await cdp.send('DOM.getFrameOwner', { frameId }, other).catch(() => undefined);
    if (owner) return { owner_session: other, owner_node: owner.backendNodeId };
  }
  return { owner_session: '', owner_node: 0 };
}

async function capture(cdp, url) {
  const { sessions, targetId } = await open(cdp, url);
  const captures = [];
  for (const [session, frame] of sessions) {
    await cdp.send('DOM.enable', {}, session);
    const owner = await findOwner(cdp, sessions, session, frame);
    const result = await cdp.send('DOMSnapshot.captureSnapshot',
      { computedStyles: capturedStyles(), includePaintOrder: false, includeDOMRects: false }, session);
    captures.push({ cdp_session: session, frame_id: frame, ...owner, text: JSON.stringify(result) });
  }
  await cdp.send('Target.closeTarget', { targetId });
  return captures;
}

function named(text) {
  const names = new Map();
  return text.replace(/\b[0-9A-F]{32}\b/g, (id) => {
    if (!names.has(id)) names.set(id, `id-${names.size + 1}`);
    return names.get(id);
  });
}

async function main() {
  const wanted = process.argv.slice(2);
  const names = readdirSync(pages).filter((name) => name.endsWith('.html') && !name.startsWith('_'));
  const server = await serve();
  const chromium = startChromium();
  try {
    const { port } = server.address();
    for (const name of names.filter((page) => wanted.length === 0 || wanted.includes(page))) {
      const captures = await capture(chromium.cdp, `http://127.0.0.1:${port}/${name}`);
      const text = named(JSON.stringify(captures)).replaceAll(`:${port}`, ':8080');
      writeFileSync(path.join(here, 'captures', name.replace('.html', '.json')), `${text}\n`);
    }
  } finally {
    await chromium.stop();
    server.close();
    server.closeAllConnections?.();
  }
}

await main();
