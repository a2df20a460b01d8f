// Stock clients of Socket.IO behind one face, so that one scenario runs with each of them: socket.io-client 4 and 2,
// and python-socketio (a child process, see python_socket_io.py). A connected client is
// {transport(), next(event), emit(...args), ask(...args), leave(), gone}.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { io as io4 } from 'socket.io-client';
import io2 from 'socket.io-client-2';
import { Inbox, eventually, projectRoot } from './harness.mjs';

export const transportsOf = { polling: ['polling'], websocket: ['websocket'], upgrade: ['polling', 'websocket'] };
const heard = ['auth', 'message-back'];

function inboxes() {
  const all = Object.fromEntries(heard.map((event) => [event, new Inbox()]));
  return { push: (event, args) => all[event].push(args), next: (event, ms = 5000) => all[event].next(`the event ${event}`, ms) };
}

function socketClient(t, socket, how, failure) {
  const { push, next } = inboxes();
  t.after(() => socket.close());
  for (const event of heard) socket.on(event, (...args) => push(event, args));
  const gone = new Promise((resolve) => { socket.on('disconnect', resolve); });
  return new Promise((resolve, reject) => {
    socket.on(failure, (error) => reject(new Error(error.message ?? error)));
    socket.on('connect', async () => {
      const engine = socket.io.engine;
      const client = {
        transport: () => engine.transport.name,
        next,
        gone,
        emit: (...args) => { socket.emit(...args); },
        ask: (...args) => new Promise((answered) => { socket.emit(...args, (...values) => answered(values)); }),
        leave: () => socket.disconnect(),
      };
      if (how === 'upgrade') await eventually(() => engine.transport.name === 'websocket', 'the upgrade').catch(reject);
      resolve(client);
    });
  });
}

const options = (how) => ({ transports: transportsOf[how], reconnection: false, forceNew: true, timeout: 5000 });

/** socket.io-client 4. */
export const client4 = (how) => ({
  connect: (t, url, { namespace = '/', auth } = {}) => socketClient(t, io4(url + namespace, { ...options(how), auth }), how, 'connect_error'),
});

/** socket.io-client 2, which has a query where the newer one has an auth payload. */
export const client2 = (how) => ({
  connect: (t, url, { namespace = '/', auth } = {}) => socketClient(t, io2(url + namespace, { ...options(how), query: auth }), how, 'error'),
});

const packed = (value) => JSON.stringify(value, function pack(key, shown) {
  return Buffer.isBuffer(this[key]) ? { $bytes: this[key].toString('base64') } : shown;
});
const unpacked = (text) => JSON.parse(text, (key, value) => (typeof value?.$bytes === 'string' ? Buffer.from(value.$bytes, 'base64') : value));

/** python-socketio, with Debian's interpreter, which is the one that has the library. Its process ends with `end()`. */
export function python(how) {
  let child;
  let last = 0;
  const waiting = new Map();
  const clients = new Map();
  let complaints = '';

  function started() {
    if (child) return;
    child = spawn(process.env.SOJOURN_PYTHON || '/usr/bin/python3', [path.join(projectRoot, 'tests/e2e/python_socket_io.py')], { stdio: 'pipe' });
    process.on('exit', () => child.kill('SIGKILL'));
    child.stdin.on('error', () => {});
    child.stderr.setEncoding('utf8').on('data', (text) => { complaints += text; });
    child.on('close', () => { for (const { reject } of waiting.values()) reject(new Error(`python has ended\n${complaints}`)); });
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = unpacked(text);
      if (line.event === '$gone') clients.get(line.client)?.go('gone');
      else if (line.event) clients.get(line.client)?.push(line.event, line.args);
      else if (line.error) waiting.get(line.id).reject(new Error(line.error));
      else waiting.get(line.id).resolve(line.result);
    });
  }

  const perform = (what) => new Promise((resolve, reject) => {
    last += 1;
    waiting.set(last, { resolve, reject });
    child.stdin.write(`${packed({ id: last, ...what })}\n`);
  });

  return {
    async connect(t, url, { namespace = '/', auth } = {}) {
      started();
      const id = clients.size + 1;
      const { push, next } = inboxes();
      let go;
      const gone = new Promise((resolve) => { go = resolve; });
      clients.set(id, { push, go });
      t.after(() => perform({ do: 'disconnect', client: id }).catch(() => {}));
      const { transport } = await perform({ do: 'connect', client: id, url, namespace, auth, transports: transportsOf[how] });
      if (how === 'upgrade') assert.equal(transport, 'websocket');
      return {
        transport: () => transport,
        next,
        gone,
        emit: (...args) => { perform({ do: 'emit', client: id, args }).catch(() => {}); },
        ask: (...args) => perform({ do: 'call', client: id, args }),
        leave: () => { perform({ do: 'disconnect', client: id }).catch(() => {}); },
      };
    },
    async end() {
      if (!child) return;
      const ended = new Promise((resolve) => { child.on('close', resolve); });
      child.kill('SIGTERM');
      await ended;
    },
  };
}
