// The Socket.IO client that the server hands to pages: the files of the npm package, unchanged.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { projectRoot, request, start } from './harness.mjs';

const names = ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js', 'socket.io.msgpack.min.js'];
const folder = path.join(projectRoot, 'node_modules/socket.io-client');

let server;
let version;
before(async () => {
  server = await start();
  version = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')).version;
});
after(() => server?.stop());

test('each file of the client is the one of the npm package, with its map', async () => {
  for (const name of [...names, ...names.map((script) => `${script}.map`)]) {
    const answer = await server.get(`/socket.io/${name}`);
    assert.equal(answer.status, 200, `${name}: ${answer.text.slice(0, 200)}`);
    assert.deepEqual(answer.bytes, await readFile(path.join(folder, 'dist', name)), name);
    assert.match(answer.headers['content-type'], name.endsWith('.map') ? /^application\/json\b/ : /^(application|text)\/javascript\b/, name);
    assert.equal(answer.headers.etag, `"${version}"`, name);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff', name);
  }
});

test('a browser that has the file of this version is told so, and gets it no second time', async () => {
  for (const known of [`"${version}"`, `W/"${version}"`, `"0.0.1", "${version}"`, '*']) {
    const answer = await server.get('/socket.io/socket.io.min.js', { 'If-None-Match': known });
    assert.deepEqual([answer.status, answer.text], [304, ''], known);
    assert.equal(answer.headers.etag, `"${version}"`, known);
  }
  for (const other of ['"0.0.1"', version, `"${version}-1"`]) {
    const answer = await server.get('/socket.io/socket.io.min.js', { 'If-None-Match': other });
    assert.deepEqual([answer.status, answer.bytes.length > 10000], [200, true], other);
  }
});

test('HEAD tells the length and sends nothing', async () => {
  const whole = await server.get('/socket.io/socket.io.js');
  const answer = await request(server.url, '/socket.io/socket.io.js', { method: 'HEAD' });
  assert.deepEqual([answer.status, answer.text, answer.headers['content-length'], answer.headers.etag], [200, '', String(whole.bytes.length), `"${version}"`]);
});

test('no other file is there, however it is spelled', async () => {
  for (const name of ['socket.io.txt', 'socket.io.js.bak', 'nothing.js', 'socket.io.js/', 'SOCKET.IO.JS', '..%2fpackage.json', '..%2f..%2fpackage.json', '%2e%2e/package.json', 'client-dist/socket.io.js']) {
    const answer = await server.get(`/socket.io/${name}`);
    assert.equal(answer.status, 404, `${name}: ${answer.text.slice(0, 200)}`);
  }
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const { status } = await request(server.url, '/socket.io/socket.io.js', { method });
    assert.ok([404, 405].includes(status), `${method}: ${status}`);
  }
});

test('pages of others can neither load nor read it', async () => {
  for (const headers of [{ Origin: 'http://evil.test' }, { 'Sec-Fetch-Site': 'cross-site' }, { Host: 'evil.test' }]) {
    assert.equal((await server.get('/socket.io/socket.io.js', headers)).status, 403, JSON.stringify(headers));
  }
  assert.equal((await server.get('/socket.io/socket.io.js')).headers['cross-origin-resource-policy'], 'same-origin');
});

test('a page of an allowed origin loads it with crossorigin', async (t) => {
  const open = await start({ args: ['--allow-origin', 'http://app.test'] });
  t.after(() => open.stop());
  const answer = await open.get('/socket.io/socket.io.js', { Origin: 'http://app.test', 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors' });
  assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [200, 'http://app.test']);
  assert.match(answer.headers.vary, /\bOrigin\b/i);
});

test('the file that is served is a script that gives io()', async () => {
  const { text } = await server.get('/socket.io/socket.io.js');
  const module = { exports: {} };
  new Function('module', 'exports', text)(module, module.exports);
  assert.deepEqual([typeof module.exports.io, typeof module.exports.Manager], ['function', 'function']);
});
