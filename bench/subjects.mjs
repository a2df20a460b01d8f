// The servers that share sessions among many: how each is started, and what a member asks for in its handshake.
// Each `start` answers { child, pid, port }: `pid` is the process whose CPU and memory count.

import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { binary, findProgram, readPort, root, start } from './processes.mjs';

const pingSeconds = 25;
const nchanModule = '/usr/lib/nginx/modules/ngx_nchan_module.so';

function count(sessions, target) {
  return Array.from({ length: sessions }, (_, number) => target(number));
}

async function startPrinting(name, command, args, folder) {
  const child = start(0, command, args, folder);
  return { child, pid: child.pid, port: await readPort(child, name) };
}

async function findFreePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function waitForPort(port, child, name) {
  for (let tries = 0; tries < 100; ++tries) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)));
    socket.destroy();
    if (open) return;
    if (child.exitCode !== null) break;
    await sleep(50);
  }
  throw new Error(`${name} does not listen: ${child.complaints()}`);
}

// nginx with one worker, as a child of ours, all of its files in the folder; `body` stands inside server {}.
async function startNginx(folder, { head = '', http = '', body }) {
  const port = await findFreePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `  ${kind}_temp_path ${folder.data}/${kind};`);
  const user = process.getuid() === 0 ? 'user root;' : '';
  writeFileSync(join(folder.data, 'nginx.conf'), `${head}
${user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder.data}/nginx.pid;
error_log stderr warn;
events { worker_connections 19900; }
http {
${temporary.join('\n')}
  keepalive_requests 1000000000;
  ${http}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    ${body}
  }
}
`);
  const child = start(0, 'nginx', ['-c', join(folder.data, 'nginx.conf'), '-p', folder.data, '-e', 'stderr'], folder);
  await waitForPort(port, child, 'nginx');
  const worker = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
  return { child, pid: Number(worker), port };
}

// The options under which everything here is measured: the defaults, no limit of inbound messages.
function startSojourn(folder, more = []) {
  const args = ['serve', '--listen', '127.0.0.1:0', '--data', join(folder.data, 'data'), '--limits.messages_per_s', '0', ...more];
  return startPrinting('sojourn', binary, args, folder);
}

export async function askSojourn(server, path, { token, ...request } = {}) {
  const headers = { ...request.headers, ...(token && { authorization: `Bearer ${token}` }) };
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { ...request, headers });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

// What the store costs is the difference to the same server without one.
const startInMemory = (folder, more = []) => startSojourn(folder, [...more, '--store', 'memory']);

async function makeSessions(server, sessions) {
  const body = new URLSearchParams({ username: 'user', password: 'password' });
  const { access_token: token } = await (await askSojourn(server, '/token', { method: 'POST', body })).json();
  const ids = [];
  for (let number = 0; number < sessions; ++number) {
    const answer = await askSojourn(server, '/api/v1/sessions', { method: 'POST', token });
    ids.push((await answer.json()).session_id);
  }
  return { token, ids };
}

const targetsOfStream = async (server, sessions) => {
  const { token, ids } = await makeSessions(server, sessions);
  return ids.map((id) => `/api/v1/sessions/${id}/stream?token=${token}`);
};

export const subjects = {
  floor: {
    title: 'floor (send)',
    dialect: 'plain',
    start: (folder) => startPrinting('floor', findProgram('bench_floor'), [], folder),
    targets: (_, sessions) => count(sessions, (number) => `/s${number}`),
  },
  floor_uring: {
    title: 'floor (io_uring)',
    dialect: 'plain',
    start: (folder) => startPrinting('floor_uring', findProgram('bench_floor'), ['--uring'], folder),
    targets: (_, sessions) => count(sessions, (number) => `/s${number}`),
  },
  sojourn: {
    title: 'sojourn /ws/session',
    dialect: 'session',
    start: startSojourn,
    async targets(server, sessions) {
      const { token, ids } = await makeSessions(server, sessions);
      return ids.map((id) => `/ws/session?token=${token}&session_id=${id}`);
    },
  },
  stream: {
    title: 'sojourn .../stream',
    dialect: 'stream',
    start: startSojourn,
    targets: targetsOfStream,
  },
  memory: {
    title: 'the same, --store memory',
    dialect: 'stream',
    start: startInMemory,
    targets: targetsOfStream,
    isOptional: true,
  },
  ws: {
    title: 'ws',
    dialect: 'plain',
    start: (folder) => startPrinting('ws', process.execPath, [join(root, 'bench/peers/rooms_ws.mjs')], folder),
    targets: (_, sessions) => count(sessions, (number) => `/s${number}`),
  },
  socketio: {
    title: 'socket.io',
    dialect: 'socketio',
    start: (folder) => startPrinting('socketio', process.execPath, [join(root, 'bench/peers/rooms_socketio.mjs')], folder),
    targets: (_, sessions) => count(sessions, (number) => `/socket.io/?EIO=4&transport=websocket&room=s${number}`),
  },
  nchan: {
    title: 'nchan',
    dialect: 'plain',
    start: (folder) => startNginx(folder, {
      head: `load_module ${nchanModule};`,
      http: 'access_log off; nchan_shared_memory_size 256M;',
      body: `location ~ ^/(s[0-9]+)$ {
      nchan_pubsub websocket;
      nchan_channel_id $1;
      nchan_subscriber_first_message newest;
      nchan_websocket_ping_interval ${pingSeconds};
    }`,
    }),
    targets: (_, sessions) => count(sessions, (number) => `/s${number}`),
  },
  nginx: { title: 'nginx', start: startNginx },
  express: {
    title: 'Express',
    start: (folder) => startPrinting('express', process.execPath, [join(root, 'bench/peers/sessions_express.mjs')], folder),
  },
};

// What a subject needs beside what `npm ci` and cmake give; null when all is there.
export function findMissing(name) {
  const needed = {
    floor: [findProgram('bench_floor'), 'cmake --build build/release --target bench_floor'],
    sojourn: [binary, 'cmake --build build/release --target sojourn'],
    nchan: [nchanModule, 'apt-get install nginx libnginx-mod-nchan'],
    nginx: ['/usr/sbin/nginx', 'apt-get install nginx'],
  };
  const [path, remedy] = needed[{ floor_uring: 'floor', stream: 'sojourn', memory: 'sojourn' }[name] ?? name] ?? [];
  return !path || existsSync(path) ? null : `${name}: ${path} is missing: ${remedy}`;
}

// The same answer from nginx: its status, headers (those that nginx does not make itself) and body, with a
// request id of its own making and a line of JSON for each request.
export async function startNginxLike(answer, folder) {
  const own = /^(connection|content-length|content-type|date|keep-alive|server|transfer-encoding)$/;
  const headers = [...answer.headers].filter(([name]) => !own.test(name)).map(([name, value]) => {
    const made = /^x-(request|correlation)-id$/.test(name) ? '$request_id' : value.replace(/["\\$]/g, '\\$&');
    return `add_header ${name} "${made}";`;
  });
  const body = (await answer.text()).replace(/'/g, "\\'");
  if (/\$/.test(body + headers.join('').replaceAll('$request_id', ''))) throw new Error('an answer with $ in it cannot be given by nginx');
  return startNginx(folder, {
    http: `log_format line escape=json '{"time":"$time_iso8601","level":"info","event":"http.request","method":"$request_method","path":"$uri","status":$status,"bytes":$body_bytes_sent,"duration_s":$request_time,"address":"$remote_addr","request_id":"$request_id"}';
  access_log ${folder.log}/access.log line;`,
    body: `location / {
      default_type '${answer.headers.get('content-type')}';
      ${headers.join('\n      ')}
      return 200 '${body}';
    }`,
  });
}
