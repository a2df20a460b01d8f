// Gives tests the TypeScript modules as they are, compiled in memory: nothing is written.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after } from 'node:test';
import { createServer } from 'vite';

export const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Loads modules by their name in src/. */
export async function load(...names) {
  const server = await createServer({
    root, configFile: false, logLevel: 'error', appType: 'custom',
    server: { middlewareMode: true, hmr: false, ws: false, watch: null }, optimizeDeps: { noDiscovery: true, include: [] },
  });
  after(() => server.close());
  return Promise.all(names.map((name) => server.ssrLoadModule(`/src/${name}.ts`)));
}
