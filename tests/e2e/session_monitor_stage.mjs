// The session monitor as others use it: built into a folder outside the project, on sockets of the stock client, against a
// server whose pages and questions come from the monitor's example; and a network in between that can fail.
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { io } from 'socket.io-client';
import { build } from 'vite';
import { configurationFor, openSite } from '../../examples/monitor/site.mjs';
import { eventually, projectRoot, start } from './harness.mjs';

const source = path.join(projectRoot, 'web/client');

/** The built folder beside an installed socket.io-client: its path; remove() takes it away. */
export async function installMonitor() {
  const parent = await mkdtemp(path.join(os.tmpdir(), 'sojourn-monitor-'));
  const folder = path.join(parent, 'monitor');
  await build({ root: source, configFile: path.join(source, 'vite.monitor.config.ts'), logLevel: 'error', build: { outDir: folder, emptyOutDir: true } });
  await mkdir(path.join(parent, 'node_modules'));
  await symlink(path.join(projectRoot, 'node_modules/socket.io-client'), path.join(parent, 'node_modules/socket.io-client'));
  return { folder, require: createRequire(path.join(folder, 'anywhere.js')), remove: () => rm(parent, { recursive: true, force: true }) };
}

/** A server that lets the example's page in and asks it for answers; `more` is further configuration. Both end with the test. */
export async function openStage(t, more = '') {
  const site = await openSite();
  t.after(() => site.close());
  const server = await start({ config: configurationFor(site.address) + more });
  t.after(() => server.stop());
  site.server = server.url;
  return { site, server };
}

/** A client with the documented options, that goes with the test. */
export function clientOf(t, server, options = {}) {
  const socket = io(server.url, { transports: ['polling', 'websocket'], reconnectionAttempts: 5, reconnectionDelay: 1000, timeout: 10000, forceNew: true, path: '/socket.io', ...options });
  t.after(() => socket.disconnect());
  return socket;
}

/** All that comes: {next(event, index), all(event)}; next gives one of an event by its place, also one that came before. */
export function listen(socket) {
  const heard = [];
  socket.onAny((event, data) => heard.push({ event, data }));
  const all = (event) => heard.filter((each) => each.event === event).map(({ data }) => data);
  return { all, next: async (event, index = 0, ms = 5000) => (await eventually(() => all(event).length > index && all(event), `${event} comes`, ms))[index] };
}

/** What the server tells of a thread, to whoever debugs it. */
export async function sessionsOf(server, thread) {
  const { status, json } = await server.get(`/debug/thread-sessions?thread_id=${encodeURIComponent(thread)}`);
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(json)}`);
  return json.active_sessions;
}

/** What the monitor tells the console from here on. */
export function listenToConsole(t) {
  const heard = { logged: [], complained: [] };
  const before = { log: console.log, error: console.error };
  console.log = (...words) => heard.logged.push(words.join(' '));
  console.error = (...words) => heard.complained.push(words.join(' '));
  t.after(() => Object.assign(console, before));
  return heard;
}
