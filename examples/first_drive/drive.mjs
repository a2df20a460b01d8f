#!/usr/bin/env node
// The first drive: a server, a browser with the extension, and one job done through the documented API, step by
// step, each with the curl command that does the same. Then it serves until Ctrl-C; `--once` ends after the job.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { launchChromium } from '../../tests/e2e/chromium.mjs';
import { bold, command, detail, dim, green, red, step, table } from './screen.mjs';
import { requireFree, root, startServer } from './server.mjs';
import { openSite } from './site.mjs';

const usage = `Usage: ./start [--once] [--headed | --headless] [--port N] [--data DIR]

Starts a Sojourn server and a browser with the extension in a throw-away profile, does one small job
through the API, opens a headless session of the server's own, and serves until Ctrl-C.

  --once        end after the job, with exit code 0, and clean up
  --headed      show the browser's window (the default where there is a display)
  --headless    show no window (the default elsewhere)
  --port N      listen on localhost:N instead of 5409; 0 takes any free port
  --data DIR    the server's data folder (default: SOJOURN_DATA, else ~/.local/share/sojourn, where the
                other commands look; with --once a temporary one)
`;

class UsageError extends Error {}

function readArguments() {
  const options = {
    once: { type: 'boolean' }, headed: { type: 'boolean' }, headless: { type: 'boolean' },
    port: { type: 'string', default: '5409' }, data: { type: 'string' }, help: { type: 'boolean', short: 'h' },
  };
  let values;
  try {
    values = parseArgs({ options, strict: true }).values;
  } catch (error) {
    throw new UsageError(error.message.split('. ')[0]);
  }
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65535) throw new UsageError(`--port takes a number up to 65535, not '${values.port}'`);
  if (values.headed && values.headless) throw new UsageError('--headed and --headless exclude each other');
  const display = Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
  if (values.headed && !display) throw new UsageError('--headed needs a display, and DISPLAY is empty; leave it out');
  return { ...values, port, headless: values.headless || !display };
}

// Where `sojourn` itself keeps its data and looks for a running server.
function usualData() {
  if (process.env.SOJOURN_DATA) return path.resolve(process.env.SOJOURN_DATA);
  return path.join(process.env.XDG_DATA_HOME || path.join(os.homedir(), '.local/share'), 'sojourn');
}

// Everything that was started, ended in reverse order, each of them once and whatever the others do.
const opened = [];
let cleaning;

function cleanUp() {
  cleaning ??= (async () => {
    for (const close of opened.reverse()) {
      await Promise.resolve().then(close).catch((error) => {
        console.error(`${red('error:')} ${error.message}`);
        process.exitCode = 1;
      });
    }
  })();
  return cleaning;
}

async function request(method, url, body) {
  const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const response = await fetch(url, {
    method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(40_000),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok || answer.success === false) {
    throw new Error(`${method} ${url} answered ${response.status}: ${answer.error ?? 'no reason given'}`);
  }
  return answer;
}

/** Makes a request and shows it as a curl command. */
async function shown(method, url, body) {
  command(method, url, body);
  return request(method, url, body);
}

async function eventually(probe, what, ms = 20_000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what} did not happen within ${ms / 1000} s`);
    await sleep(50);
  }
}

async function openServer(chosen) {
  await requireFree(chosen.port);
  let data = chosen.data ? path.resolve(chosen.data) : usualData();
  if (chosen.once && !chosen.data) {
    data = await mkdtemp(path.join(os.tmpdir(), 'sojourn-data-'));
    opened.push(() => rm(data, { recursive: true, force: true }));
  }
  const server = await startServer({ port: chosen.port, data, log: path.join(root, 'build/logs/server.log') });
  opened.push(server.stop);
  step('A server listens', `${server.address} ${dim(`(pid ${server.pid}, data in ${data})`)}`);
  command('GET', `${server.address}/api/health`);
  return server;
}

function explained(error) {
  const remedies = [
    [/No usable sandbox|Operation not permitted.*namespace|zygote_host_impl/s, 'Chromium\'s sandbox needs user namespaces: sysctl -w kernel.unprivileged_userns_clone=1, or in a container a seccomp profile that allows them'],
    [/cannot open display|Missing X server|Authorization required/i, 'the display cannot be used by this user: ./start --headless does without'],
  ];
  const remedy = remedies.find(([symptom]) => symptom.test(error.message))?.[1];
  return remedy ? new Error(`${error.message.split('\n')[0]}\n${remedy}`) : error;
}

async function openBrowser(server, headless) {
  const extension = path.join(root, 'web/extension/dist');
  if (!existsSync(path.join(extension, 'manifest.json'))) throw new Error(`${extension} is not built; ./start builds it`);
  const browser = await launchChromium({ extension, server: server.address, headless }).catch((error) => { throw explained(error); });
  opened.push(browser.close);
  const { product } = await browser.cdp.send('Browser.getVersion');
  const user = process.getuid?.() === 0 ? ', as a user without rights' : '';
  step('A browser starts', `${product} ${dim(`(pid ${browser.pid}, ${headless ? 'headless, ' : ''}throw-away profile${user})`)}`);
  return browser;
}

async function findSession(server, before) {
  const url = `${server.address}/api/websocket/sessions`;
  const session = await eventually(async () => {
    const { sessions } = await request('GET', url);
    return sessions.find(({ sessionId }) => !before.has(sessionId));
  }, 'the connection of the extension');
  step('Its extension is a session', bold(session.sessionId));
  command('GET', url);
  detail(`connected ${session.connectedAt} from ${session.ip}\n${session.userAgent}`);
  return session.sessionId;
}

async function navigate(server, session, target) {
  step('The session goes to a page', target);
  await shown('POST', `${server.address}/api/websocket/sessions/${session}/message`, { type: 'navigate', data: { url: target } });
  const tabs = `${server.address}/api/browser/${session}/tabs`;
  command('GET', tabs);
  const tab = await eventually(async () => {
    const { result } = await request('GET', tabs);
    return result.find(({ url, title }) => url === target && title && title !== url);
  }, `opening ${target}`);
  detail(`tab ${tab.id}: ${tab.title}`);
  return tab.id;
}

async function readPage(server, session, tab) {
  const tabs = `${server.address}/api/browser/${session}/tabs`;
  step('Its text is read', 'by script and by selector');
  const { result } = await shown('POST', `${tabs}/${tab}/execute`, { code: `document.querySelector('h1').textContent` });
  detail(`${green('=')} ${JSON.stringify(result.result)}`);
  const scraped = await shown('POST', `${tabs}/${tab}/scrape`, {
    selector: '.product', fields: { name: '.name::text', price: '.price::text' },
  });
  table(scraped.result.scrapedData.map(({ name, price }) => [green('='), String(name), String(price)]));
}

async function capture(server, session) {
  step('A picture is taken');
  const { filePath } = await shown('POST', `${server.address}/api/browser/${session}/tabs/capture`, {});
  detail(`${green('=')} ${filePath}`);
}

// A browser of the server's own, for agents: nothing to install, nobody's windows.
async function openHeadless(server, target) {
  step('A headless session opens the same page', 'in a browser of the server\'s own');
  const { session_id: id, title, elements_text: elements } = await shown(
    'POST', `${server.address}/api/v1/sessions/new/functions/open`, { url: target, screenshot: false },
  );
  const lines = elements.split('\n');
  detail([`${green('=')} ${bold(id)}  ${title}`, ...lines.slice(0, 4), lines.length > 4 ? dim(`... ${lines.length - 4} more`) : ''].filter(Boolean).join('\n'));
  const ref = /^@e\d+/.exec(lines.find((line) => line.includes('Storm lantern')) ?? lines[0])?.[0];
  await shown('POST', `${server.address}/api/v1/sessions/${id}/functions/interact`, { action: 'click', ref, screenshot: false, snapshot: 'none' });
  return id;
}

async function drive(chosen) {
  const began = Date.now();
  const server = await openServer(chosen);
  const site = await openSite();
  opened.push(site.close);
  const { sessions } = await request('GET', `${server.address}/api/websocket/sessions`);
  const browser = await openBrowser(server, chosen.headless);
  const session = await findSession(server, new Set(sessions.map(({ sessionId }) => sessionId)));
  const tab = await navigate(server, session, `${site.address}/catalog.html`);
  await readPage(server, session, tab);
  await capture(server, session);
  const headless = await openHeadless(server, `${site.address}/catalog.html`);
  console.log(`\n${green('Done')} in ${((Date.now() - began) / 1000).toFixed(1)} s.`);
  return { server, browser, session, headless, data: chosen.data };
}

async function serve({ server, browser, headless, data }) {
  const place = data ? ` --data ${data}` : '';
  console.log(`
The server goes on at ${bold(server.address)}, and the browser with it. Try the commands above, or:
    build/release/sojourn snapshot ${headless}${place}
    build/release/sojourn interact ${headless} click @e1${place}
    build/release/sojourn open example.com${place}
    python3 examples/scrape.py --queue --server ${server.address}
To drive a browser of your own: chrome://extensions, Developer mode, Load unpacked, web/extension/dist.
${dim(`The server's log is ${server.log}. Ctrl-C ends both.`)}`);
  browser.exited.then(() => cleaning ?? console.log('The browser was closed. The server goes on; Ctrl-C ends it.'));
  const how = await server.ended;
  if (!cleaning) throw new Error(`the server ended by itself (${how}); its log is ${server.log}`);
}

async function main() {
  const chosen = readArguments();
  if (chosen.help) return process.stdout.write(usage);
  let driving = true;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (!cleaning) console.log('\nEnding the browser and the server.');
      cleanUp().then(() => process.exit(driving ? 130 : process.exitCode));
    });
  }
  const job = await drive(chosen);
  driving = false;
  if (!chosen.once) await serve(job);
}

try {
  await main();
} catch (error) {
  if (!cleaning) {
    console.error(`${red('error:')} ${error.message}`);
    if (error instanceof UsageError) console.error('./start --help lists the options');
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
} finally {
  await cleanUp();
}
