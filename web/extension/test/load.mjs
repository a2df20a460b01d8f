// Gives tests the TypeScript modules as they are, compiled in memory: nothing is written.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { webcrypto } from 'node:crypto';
import { after } from 'node:test';
import { createServer } from 'vite';

// Node 18 keeps it to itself.
globalThis.crypto ??= webcrypto;

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Loads modules by their path in the extension's folder or by the name of a package of ours. */
export async function load(...names) {
  const server = await createServer({
    root, configFile: false, logLevel: 'error', appType: 'custom',
    server: { middlewareMode: true, hmr: false, ws: false, watch: null }, optimizeDeps: { noDiscovery: true, include: [] },
    ssr: { noExternal: ['sojourn-client'] },
  });
  after(() => server.close());
  return Promise.all(names.map((name) => server.ssrLoadModule(name)));
}
