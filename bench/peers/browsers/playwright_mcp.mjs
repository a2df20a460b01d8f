// @playwright/mcp over HTTP: one server with one browser, a context for each client.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { executableOf, peersFolder } from './peer.mjs';
import { sleep, until } from './wait.mjs';

class Client {
  #url;
  #session;
  #last = 0;

  constructor(url) {
    this.#url = url;
  }

  async #post(message) {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    if (this.#session) headers['mcp-session-id'] = this.#session;
    const response = await fetch(this.#url, { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', ...message }) });
    this.#session ??= response.headers.get('mcp-session-id');
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 200)}`);
    const data = /^data: (.*)$/m.exec(text)?.[1] ?? text;
    return data ? JSON.parse(data) : null;
  }

  async greet() {
    await this.#post({ id: ++this.#last, method: 'initialize', params: { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'bench', version: '1' } } });
    await this.#post({ method: 'notifications/initialized' });
  }

  async call(name, args = {}) {
    const answer = await this.#post({ id: ++this.#last, method: 'tools/call', params: { name, arguments: args } });
    if (answer.error || answer.result.isError) throw new Error(`${name}: ${JSON.stringify(answer.error ?? answer.result.content).slice(0, 300)}`);
    return answer.result.content.map((part) => part.text ?? '').join('\n');
  }

  end() {
    return fetch(this.#url, { method: 'DELETE', headers: { 'mcp-session-id': this.#session } }).catch(() => {});
  }
}

// It takes one that it is told, so one that was free a moment ago.
async function findPort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export async function begin({ kind, folder }) {
  const port = await findPort();
  const server = spawn(process.execPath, [
    join(peersFolder, 'node_modules/@playwright/mcp/cli.js'), '--port', String(port), '--host', '127.0.0.1', '--isolated', '--headless',
    '--no-sandbox', '--executable-path', executableOf(kind), '--output-dir', join(folder, 'output'), '--viewport-size', '1280x720', '--allowed-hosts', '*',
  ], { stdio: 'ignore', cwd: folder });
  const url = `http://127.0.0.1:${port}/mcp`;
  await until(() => fetch(url).then(() => true, () => false), 15_000);
  return {
    pid: server.pid,
    async open(address) {
      const client = new Client(url);
      await client.greet();
      await client.call('browser_navigate', { url: address });
      return client;
    },
    goto: (client, address) => client.call('browser_navigate', { url: address }),
    evaluate: async (client, code) => Number(/^\d+$/m.exec(await client.call('browser_evaluate', { function: `() => ${code}` }))?.[0]),
    snapshot: (client) => client.call('browser_snapshot'),
    find: async (client, text) => {
      const line = (await client.call('browser_snapshot')).split('\n').find((one) => one.includes(`"${text}"`));
      return { target: /\[ref=(\w+)\]/.exec(line)[1], ref: /\[ref=(\w+)\]/.exec(line)[1], element: text };
    },
    click: (client, target) => client.call('browser_click', target),
    screenshot: (client) => client.call('browser_take_screenshot'),
    close: async (client) => { await client.call('browser_close'); await client.end(); },
    async end() {
      const gone = once(server, 'exit');
      server.kill('SIGTERM');
      await Promise.race([gone, sleep(3000)]);
      if (server.exitCode === null && server.signalCode === null) { server.kill('SIGKILL'); await gone; }
    },
  };
}
