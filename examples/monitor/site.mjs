// The site of the session monitor example: a page, the monitor that it loads, and somebody who answers what is sent.
// Invariant: it listens on the loopback interface only, and its page may talk to the one session server only.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const page = fileURLToPath(new URL('page/', import.meta.url));
const client = fileURLToPath(new URL('../../web/client/', import.meta.url));
const files = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/monitor.css': ['monitor.css', 'text/css; charset=utf-8'],
  '/monitor.js': ['monitor.js', 'text/javascript; charset=utf-8'],
  '/sentences.js': ['sentences.js', 'text/javascript; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
};
const bodyBytesMax = 1024 * 1024;
const thinkingMs = 250;

async function buildMonitor() {
  const built = await build({ root: client, configFile: path.join(client, 'vite.monitor.config.ts'), logLevel: 'error', build: { write: false } });
  return built.flatMap(({ output }) => output).find(({ fileName }) => fileName === 'session_monitor.js').code;
}

async function questionIn(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > bodyBytesMax) return {};
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8')) ?? {};
  } catch {
    return {};
  }
}

/** Answers a question of the session server as an event stream: first what it notices, piece by piece, then its answer. */
async function answer(request, response) {
  const { query } = await questionIn(request);
  const text = typeof query === 'string' ? query.trim() : '';
  const words = text === '' ? 0 : text.split(/\s+/).length;
  const say = (data) => response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  for (const content of [`${words} ${words === 1 ? 'word' : 'words'}`, text.endsWith('?') ? 'a question' : 'a statement']) {
    await sleep(thinkingMs);
    say({ type: 'analysis', content, complete: false });
  }
  await sleep(thinkingMs);
  say({ message: `You said: ${text}` });
  say({ message: 'This program knows nothing more to say.' });
  say('[DONE]');
  response.end();
}

class Site {
  server = '';
  address = '';
  #script;

  constructor(script) {
    this.#script = script;
  }

  async answer(request, response) {
    const { pathname } = new URL(request.url, this.address);
    const { port } = new URL(this.address);
    this.#dress(response);
    if (![`127.0.0.1:${port}`, `localhost:${port}`].includes(request.headers.host)) return response.writeHead(403).end();
    if (request.method === 'POST' && pathname === '/answer' && request.headers.origin === undefined) return answer(request, response);
    if (request.method !== 'GET' && request.method !== 'HEAD') return response.writeHead(405).end();
    // One origin for the page, so that one line of configuration allows it.
    if (pathname === '/' && !this.address.endsWith(request.headers.host)) return response.writeHead(307, { Location: this.address + request.url }).end();
    if (pathname === '/config.json') return this.#give(response, JSON.stringify({ server: this.server }), 'application/json; charset=utf-8');
    if (pathname === '/session_monitor.js') return this.#give(response, this.#script, 'text/javascript; charset=utf-8');
    if (!Object.hasOwn(files, pathname)) return response.writeHead(404).end();
    const [name, type] = files[pathname];
    return this.#give(response, await readFile(path.join(page, name)), type);
  }

  #give(response, content, type) {
    response.writeHead(200, { 'Content-Type': type }).end(content);
  }

  #dress(response) {
    response.setHeader('Content-Security-Policy', `default-src 'none'; script-src 'self' ${this.server}; style-src 'self'; img-src 'self'; `
      + `connect-src 'self' ${this.server} ${this.server.replace(/^http/, 'ws')}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.setHeader('Cache-Control', 'no-store');
  }
}

/** Opens the site on a port of 127.0.0.1 (0: any free one): {address, server, close()}; `server` is to be assigned. */
export async function openSite({ port = 0 } = {}) {
  const site = new Site(await buildMonitor());
  const listener = createServer((request, response) => {
    site.answer(request, response).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
  await new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, '127.0.0.1', resolve);
  });
  site.address = `http://127.0.0.1:${listener.address().port}`;
  site.close = () => new Promise((resolve) => {
    listener.close(resolve);
    listener.closeAllConnections?.();
  });
  return site;
}

/** The lines that a session server's configuration file needs for this site. */
export function configurationFor(address) {
  return `allow_origins = ["${address}"]

[responder]
url = "${address}/answer"
`;
}
