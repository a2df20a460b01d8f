// Small web servers for browsers to get lost in: three origins of three sites, on free ports of this machine.
// Every page of pages_*.mjs is at /<name>; what it is told to note is in `told` of its top window. stop() ends all.
import http from 'node:http';
import { framePages } from './pages_frames.mjs';
import { hostilePages } from './pages_hostile.mjs';
import { movingPages } from './pages_moving.mjs';
import { plainPages } from './pages_plain.mjs';

export const pages = { ...plainPages, ...movingPages, ...framePages, ...hostilePages };

// Notes what happens, for the top window to say; made before the page can break anything.
const prelude = `<script>
{ const add = (name) => { window.told += name + ' '; };
  window.told = '';
  window.tell = (name) => { if (window.top === window) add(name); else window.top.postMessage({ tell: name }, '*'); };
  window.addEventListener('message', (event) => { if (event.data && event.data.tell) add(event.data.tell); });
}</script>`;

const dress = (name, body) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${name}</title>${prelude}</head><body>${body}</body></html>`;
const asHtml = { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' };

function sendPage(response, name, body, headers = {}) {
  response.writeHead(200, { ...asHtml, ...headers });
  response.end(body.startsWith('<!doctype') ? body : dress(name, body));
}

function readBody(request) {
  return new Promise((resolve) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}

const cookieOf = (request, name) => new RegExp(`(?:^|; )${name}=([^;]*)`).exec(request.headers.cookie ?? '')?.[1];

// Routes that are more than a page: name -> (request, response, site, url).
const routes = {
  'favicon.ico': (_request, response) => { response.writeHead(204); response.end(); },
  nothing: (_request, response) => { response.writeHead(204); response.end(); },
  redirect: (_request, response, _site, url) => { response.writeHead(302, { Location: url.searchParams.get('to') }); response.end(); },
  loop: (_request, response) => { response.writeHead(302, { Location: '/loop' }); response.end(); },
  never: (_request, response, site) => { site.hanging.add(response); },
  late: (_request, response, _site, url) => {
    setTimeout(() => sendPage(response, 'late', '<p>late</p><button onclick="tell(\'late\')">Late</button>'), Number(url.searchParams.get('ms') ?? 300));
  },
  trickle: (_request, response, site) => {
    response.writeHead(200, asHtml);
    response.write(dress('trickle', '<button onclick="tell(\'early\')">Early</button>').replace('</body></html>', ''));
    site.hanging.add(response);
  },
  xhr: (_request, response, _site, url) => {
    setTimeout(() => { response.writeHead(200, { 'Content-Type': 'text/plain' }); response.end('answered'); }, Number(url.searchParams.get('ms') ?? 300));
  },
  secret: (request, response) => {
    if (request.headers.authorization !== `Basic ${Buffer.from('ann:pass').toString('base64')}`) {
      response.writeHead(401, { ...asHtml, 'WWW-Authenticate': 'Basic realm="secret"' });
      response.end(dress('401', '<p>who are you</p>'));
      return;
    }
    sendPage(response, 'secret', '<p>come in</p>');
  },
  download: (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Disposition': 'attachment; filename="report.bin"' });
    response.end(Buffer.alloc(1000, 7));
  },
  huge: (_request, response) => {
    response.writeHead(200, asHtml);
    response.end(dress('huge', `<button onclick="tell('top')">Top</button>${'<p>lorem ipsum dolor sit amet</p>'.repeat(20_000)}<button onclick="tell('bottom')">Bottom</button>`));
  },
  many: (_request, response) => {
    const row = (n) => `<tr><td>${n}</td><td><a href="#r${n}">Row ${n}</a></td><td><button onclick="tell('b${n}')">Press ${n}</button></td></tr>`;
    sendPage(response, 'many', `<table>${Array.from({ length: 1000 }, (_, n) => row(n)).join('')}</table>`);
  },
  login: async (request, response) => {
    const form = new URLSearchParams(await readBody(request));
    if (form.get('password') !== 'secret') { sendPage(response, 'login', `${pages['login-form']}<p>wrong</p>`); return; }
    response.writeHead(302, { Location: '/account', 'Set-Cookie': [`who=${form.get('user')}; HttpOnly; Path=/`, 'seen=yes; Path=/'] });
    response.end();
  },
  account: (request, response) => {
    const who = cookieOf(request, 'who');
    sendPage(response, 'account', who ? `<h1>Hello ${who}</h1><a href="/orders">Orders</a>` : '<h1>Nobody</h1>');
  },
  orders: (request, response) => {
    sendPage(response, 'orders', cookieOf(request, 'who') ? '<ul><li>Lamp 12.50</li><li>Chair 80.00</li></ul>' : '<p>denied</p>');
  },
  agent: (request, response) => sendPage(response, 'agent', `<p id="agent">${request.headers['user-agent']}</p><p id="languages">${request.headers['accept-language'] ?? ''}</p>`),
  posted: async (request, response) => sendPage(response, 'posted', `<pre id="body">${(await readBody(request)).replace(/[<&]/g, (c) => `&#${c.charCodeAt(0)};`)}</pre>`),
  'worker.js': (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/javascript' });
    response.end("self.addEventListener('fetch', (event) => { if (event.request.url.endsWith('/from-worker')) event.respondWith(new Response('by the worker')); });");
  },
};

async function answer(site, request, response) {
  const url = new URL(request.url, 'http://x');
  const name = decodeURIComponent(url.pathname.slice(1));
  site.requests.push({ method: request.method, target: request.url, host: request.headers.host, headers: request.headers });
  if (Object.hasOwn(routes, name)) { await routes[name](request, response, site, url); return; }
  if (!Object.hasOwn(pages, name)) { response.writeHead(404, asHtml); response.end(dress('404', '<p>no such page</p>')); return; }
  sendPage(response, name, pages[name].replaceAll('{{here}}', site.here).replaceAll('{{cross}}', site.cross).replaceAll('{{third}}', site.third));
}

async function listen(site, host) {
  const server = http.createServer((request, response) => { answer(site, request, response).catch(() => response.destroy()); });
  await new Promise((resolve, reject) => { server.once('error', reject).listen(0, host, resolve); });
  site.servers.push(server);
  return server.address().port;
}

/** {here, cross, third: three origins; page(name): its address; requests: what was asked for; stop()} */
export async function startSite() {
  const site = { servers: [], hanging: new Set(), requests: [] };
  site.here = `http://127.0.0.1:${await listen(site, '127.0.0.1')}`;
  site.cross = `http://localhost:${await listen(site, '127.0.0.1')}`;
  site.third = `http://[::1]:${await listen(site, '::1')}`;
  site.page = (name) => `${site.here}/${name}`;
  site.stop = async () => {
    for (const response of site.hanging) response.destroy();
    await Promise.all(site.servers.map((server) => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); })));
  };
  return site;
}
