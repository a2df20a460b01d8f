// The package as it is installed: each example of its README, run on a server of its own, in all the forms it comes in.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import vm from 'node:vm';
import WebSocket from 'ws';
import { mint } from './tracking_stage.mjs';
import { projectRoot, run, start } from './harness.mjs';
import { installClient } from './client_stage.mjs';

let place;
let server;
before(async () => {
  [place, server] = await Promise.all([installClient(), start()]);
  // What browsers and newer Nodes have.
  await writeFile(path.join(place.folder, 'socket.cjs'), "globalThis.WebSocket ??= require('ws').WebSocket;\n");
});
after(() => Promise.all([place.remove(), server.stop()]));

const text = await readFile(path.join(projectRoot, 'web/client/README.md'), 'utf8');
const examples = [...text.matchAll(/^```js\n([^]*?)^```/gm)].map(([, code]) => code);
const titleOf = (code) => text.slice(0, text.indexOf(code)).match(/^## .*$/gm).at(-1).slice(3);

/** What an example prints, as it says itself. */
const shownIn = (code) => [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line);

test('there are examples, and each says what it prints', () => {
  assert.ok(examples.length >= 7, `${examples.length} examples`);
  for (const code of examples) assert.ok(shownIn(code).length > 0, code);
});

for (const [index, code] of examples.entries()) {
  test(`example ${index + 1} of the client's README, "${titleOf(code)}", prints what it says and ends`, async () => {
    const isCommon = code.includes('require(');
    const file = path.join(place.folder, `example_${index}.${isCommon ? 'cjs' : 'mjs'}`);
    // Without a url the client asks localhost:5409, where another server may run.
    const moved = code.replace("'http://localhost:5409'", `'${server.url}'`)
      .replace('new SojournClient()', `new SojournClient({ url: '${server.url}' })`).replace('SojournClient({ WebSocket', `SojournClient({ url: '${server.url}', WebSocket`);
    assert.ok(moved.includes(server.url), 'the example names its server where this test can move it');
    await writeFile(file, moved);
    const preload = code.includes("from 'ws'") ? [] : ['-r', path.join(place.folder, 'socket.cjs')];
    const { code: status, stdout, stderr, ms } = await run(process.execPath, [...preload, file], {
      cwd: place.folder, env: { SOJOURN_TOKEN: await mint(server, ['--user', 'alice', '--scope', 'write', '--expires', '1h']) },
    });
    assert.equal(status, 0, stderr);
    assert.deepEqual(stdout.trimEnd().split('\n'), shownIn(code));
    assert.ok(ms < 10_000, `nothing keeps it for ${ms} ms`);
  });
}

test('the classic script is the same client', async () => {
  const script = await readFile(path.join(place.installed, 'dist/sojourn-client.global.js'), 'utf8');
  const page = vm.createContext({ URL, URLSearchParams, AbortController, TextEncoder, setTimeout, clearTimeout, queueMicrotask, fetch, WebSocket });
  vm.runInContext(script, page);
  page.url = server.url;
  const said = await vm.runInContext(`(async () => {
    const client = new Sojourn.SojournClient({ url });
    const session = await client.join(await client.sessions.create());
    const heard = new Promise((resolve) => { session.on('note', resolve); });
    await session.send('note', 'hello');
    const { data } = await heard;
    session.leave();
    return data;
  })()`, page);
  assert.equal(said, 'hello');
});

test('the documents do not name a member that the types do not have', async () => {
  const [types, records] = await Promise.all(['types', 'records'].map((name) => readFile(path.join(projectRoot, `web/client/src/${name}.ts`), 'utf8')));
  for (const [, member] of text.matchAll(/`?(?:session|client|page|agent)\.(?:state\.|sessions\.)?(\w+)\(/g)) {
    assert.match(types + records, new RegExp(`\\b${member}\\b`), member);
  }
});
