// A Socket.IO server with the little that a session monitor needs of one, clients of it, and an ear at the console.
import { createServer } from 'node:http';
import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { build } from 'vite';
import { root } from './load.mjs';

const patienceMs = 5000;

/** Polls until the probe is truthy, and gives what it gave. */
export async function until(probe, what) {
  for (const end = Date.now() + patienceMs; ;) {
    const value = probe();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${patienceMs} ms: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
}

function answerHavefun(server, request, response) {
  let body = '';
  request.setEncoding('utf8').on('data', (text) => { body += text; }).on('end', () => {
    const { thread_id, user_input } = JSON.parse(body);
    server.asked.push(JSON.parse(body));
    server.io.to(thread_id).emit('analysis_update', { type: 'analysis', content: `${user_input}?`, complete: true });
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('data: {"message": "on');
    setImmediate(() => response.end('e"}\n\ndata: {"message": "two"}\n\n'));
  });
}

/** {url, sockets, registered, pings, answers, asked}: what came in, in order; ends with the test. */
export async function openServer(t) {
  const server = { registered: [], pings: [], answers: [], asked: [] };
  const http = createServer((request, response) => {
    if (request.method === 'POST' && request.url === '/havefun') answerHavefun(server, request, response);
    else if (request.url !== '/' && !request.url.startsWith('/socket.io')) response.writeHead(404).end();
  });
  server.io = new Server(http, { serveClient: false });
  server.io.on('connection', (socket) => {
    const transport = () => socket.conn.transport.name;
    socket.emit('connected', { status: 'connected', session_id: socket.id, transport: transport() });
    socket.on('register_session', (said) => {
      server.registered.push({ ...said, session_id: socket.id });
      void socket.join(said.thread_id);
      socket.emit('session_registered', { status: 'ready', thread_id: said.thread_id, session_id: socket.id, transport: transport(), is_in_room: true });
    });
    socket.on('ping', (said, ack) => {
      server.pings.push({ ...said, transport: transport(), session_id: socket.id, at: Date.now() });
      ack({ pong: true, timestamp: 'now', session_id: socket.id, thread_id: said.thread_id, transport: transport() });
    });
    socket.on('system_ping_response', (said) => server.answers.push(said));
  });
  await new Promise((resolve) => { http.listen(0, '127.0.0.1', resolve); });
  server.url = `http://127.0.0.1:${http.address().port}`;
  t.after(() => new Promise((resolve) => { server.io.close(resolve); }));
  return server;
}

/** A client as in a page, that goes with the test. */
export function clientOf(t, { url }, options = {}) {
  const socket = io(url, { transports: ['polling', 'websocket'], reconnectionDelay: 20, randomizationFactor: 0, forceNew: true, path: '/socket.io', ...options });
  t.after(() => socket.disconnect());
  return socket;
}

export const connected = (socket) => until(() => socket.connected, 'it is connected');
export const upgraded = (socket) => until(() => socket.io.engine?.transport.name === 'websocket' && !socket.io.engine.upgrading, 'it is upgraded');

/** What the console is told from here on: {logged, complained}; not what others print. */
export function listenToConsole(t) {
  const heard = { logged: [], complained: [] };
  const before = { log: console.log, error: console.error };
  console.log = (...words) => heard.logged.push(words.join(' '));
  console.error = (...words) => heard.complained.push(words.join(' '));
  t.after(() => Object.assign(console, before));
  return heard;
}

/** A socket without a network: `emitted` is what was sent, `hear` what comes. */
export function quietSocket() {
  const emitter = new EventEmitter();
  const socket = { connected: true, emitted: [], connects: 0 };
  socket.on = (event, heard) => emitter.on(event, heard);
  socket.off = (event, heard) => emitter.off(event, heard);
  socket.emit = (...sent) => { socket.emitted.push(sent); };
  socket.connect = () => { socket.connects += 1; };
  socket.hear = (event, ...args) => emitter.emit(event, ...args);
  socket.listenerCount = () => emitter.eventNames().reduce((count, name) => count + emitter.listenerCount(name), 0);
  return socket;
}

/** A folder that goes with the test. */
export async function temporary(t) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-monitor-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Builds what others take into a folder, by default a temporary one, and gives its path. */
export async function buildMonitor(t, folder = undefined) {
  const outDir = folder ?? await temporary(t);
  await build({ root, configFile: path.join(root, 'vite.monitor.config.ts'), logLevel: 'error', build: { outDir, emptyOutDir: true } });
  return outDir;
}
