// Sojourn over its REST API. See cases.mjs for what a subject can do.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { Rest } from './rest.mjs';

const binary = process.env.SOJOURN_BINARY;

export async function begin({ kind, folder }) {
  const server = spawn(binary, ['serve', '--listen', '127.0.0.1:0', '--data', join(folder, 'data')], { stdio: ['ignore', 'pipe', 'ignore'], cwd: folder });
  const lines = createInterface({ input: server.stdout });
  const port = await new Promise((resolve, reject) => {
    lines.on('line', (line) => { const found = /http:\/\/127\.0\.0\.1:(\d+)/.exec(line); if (found) resolve(Number(found[1])); });
    server.once('exit', () => reject(new Error('the server did not start')));
  });
  const rest = new Rest(port);
  const call = (id, name, input) => rest.call('POST', `/api/v1/sessions/${id}/functions/${name}`, input);

  return {
    pid: server.pid,
    async name() {
      return (await rest.call('POST', '/api/v1/sessions', { kind: 'browser', browser: { browser: kind } })).session_id;
    },
    async open(url, more = {}) {
      const opened = await call('new', 'open', { url, browser: kind, screenshot: false, ...more });
      return { id: opened.session_id, snapshot: opened };
    },
    goto: async (session, url) => { session.snapshot = await call(session.id, 'open', { url, screenshot: false }); },
    evaluate: async (session, code) => (await call(session.id, 'execute', { code, screenshot: false })).result,
    snapshot: async (session) => (await call(session.id, 'snapshot', {})).elements_text,
    find: async (session, text) => (await call(session.id, 'snapshot', {})).elements.find((element) => element.text === text).ref,
    async click(session, ref) {
      const done = await call(session.id, 'interact', { action: 'click', ref, screenshot: false, snapshot: 'none' });
      if (!done.success) throw new Error(done.message);
    },
    screenshot: (session) => call(session.id, 'screenshot', {}),
    close: (session) => call(session.id ?? session, 'close', {}),
    async end() {
      rest.end();
      const gone = once(server, 'exit');
      server.kill('SIGTERM');
      await gone;
    },
  };
}
