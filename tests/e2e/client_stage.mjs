// The client library as others use it: built once into a folder outside the project, with a network in between that can fail.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import WebSocket from 'ws';
import { chaosProxy } from './chaos_proxy.mjs';
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

/** A network in front of a server: Socket goes through it, see chaos_proxy.mjs for how it fails. */
export async function relay(t, port) {
  const proxy = await chaosProxy(t, { port });
  proxy.Socket = class extends WebSocket {
    constructor(address, protocols) {
      super(Object.assign(new URL(address), { port: proxy.port }).href, protocols);
    }
  };
  return proxy;
}
