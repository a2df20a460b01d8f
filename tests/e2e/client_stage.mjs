// The client library as others use it: built once into a folder outside the project, with a network in between that can fail.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import WebSocket from 'ws';
import { projectRoot } from './harness.mjs';

const source = path.join(projectRoot, 'web/client');

/** An installed package in a folder of its own: {folder, remove()}; programs there may import 'sojourn-client' and 'ws'. */
export async function installClient() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-client-'));
  const installed = path.join(folder, 'node_modules/sojourn-client');
  await mkdir(installed, { recursive: true });
  const { build } = await import('vite');
  await build({ root: source, logLevel: 'error', build: { outDir: path.join(installed, 'dist'), emptyOutDir: true, sourcemap: false } });
  await writeFile(path.join(installed, 'package.json'), await readFile(path.join(source, 'package.json')));
  await symlink(path.join(projectRoot, 'node_modules/ws'), path.join(folder, 'node_modules/ws'));
  return { folder, installed, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** The module, for tests in this process. */
export async function loadClient() {
  const { installed, remove } = await installClient();
  try {
    return await import(pathToFileURL(path.join(installed, 'dist/sojourn-client.js')));
  } finally {
    await remove();
  }
}

export const socketOfNode = WebSocket;

/** A TCP relay in front of a server: Socket goes through it, cut() resets what goes through, refuse() lets nothing new in. */
export async function relay(t, port) {
  const pairs = new Set();
  const state = { refuses: false, count: 0 };
  const server = net.createServer((near) => {
    if (state.refuses) { near.resetAndDestroy(); return; }
    state.count += 1;
    const far = net.connect(port, '127.0.0.1');
    const pair = [near, far];
    pairs.add(pair);
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on('data', (bytes) => { if (!to.destroyed) to.write(bytes); });
      from.on('error', () => {});
      from.on('close', () => { pairs.delete(pair); to.destroy(); });
    }
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const cut = () => { for (const [near, far] of pairs) { near.resetAndDestroy(); far.resetAndDestroy(); } };
  t.after(() => { cut(); return new Promise((resolve) => { server.close(resolve); }); });
  class Socket extends WebSocket {
    constructor(address, protocols) {
      const there = new URL(address);
      const here = new URL(address);
      here.port = server.address().port;
      super(here.href, protocols, { headers: { Host: there.host } });
    }
  }
  return {
    Socket, cut,
    refuse: (refuses) => { state.refuses = refuses; },
    get count() { return state.count; },
  };
}
