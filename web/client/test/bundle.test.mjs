import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import vm from 'node:vm';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { root } from './load.mjs';

const bytesMax = 8 * 1024;

const built = await build({ root, logLevel: 'error', build: { write: false, minify: 'esbuild', sourcemap: false } });
const files = Object.fromEntries(built.flatMap(({ output }) => output).map(({ fileName, code }) => [fileName, code]));

test('there is a module, a CommonJS module and a classic script', () => {
  assert.deepEqual(Object.keys(files).sort(), ['sojourn-client.cjs', 'sojourn-client.global.js', 'sojourn-client.js']);
});

test('what a page loads is at most 8 KB, minified and compressed', () => {
  const bytes = gzipSync(files['sojourn-client.global.js'], { level: 9 }).length;
  assert.ok(bytes <= bytesMax, `${bytes} bytes`);
});

test('the classic script leaves one name behind, and runs where there is neither window nor storage, as in a service worker', () => {
  const world = vm.createContext({ URL, URLSearchParams, AbortController, TextEncoder, setTimeout, clearTimeout, queueMicrotask });
  const before = Object.keys(world);
  vm.runInContext(`${files['sojourn-client.global.js']}; globalThis.Sojourn = Sojourn;`, world);
  assert.deepEqual(Object.keys(world).filter((name) => !before.includes(name)), ['Sojourn']);
  assert.deepEqual(Object.keys(world.Sojourn).sort(), ['SojournClient', 'SojournError']);
  assert.equal(vm.runInContext('new Sojourn.SojournClient({ url: "ws://localhost:5409/" }).url', world), 'http://localhost:5409');
});

test('each source is small', async () => {
  for (const name of await readdir(path.join(root, 'src'))) {
    const lines = (await readFile(path.join(root, 'src', name), 'utf8')).split('\n').length - 1;
    assert.ok(lines <= 250, `${name} has ${lines} lines`);
  }
});
