import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { load } from './load.mjs';

const [{ charactersOf, keyOf }, { candidates }, { attemptsFor, readShot }, { TabQueues }, { readUrl }] =
  await load('/src/keys.ts', '/src/script.ts', '/src/capture.ts', '/src/queue.ts', '/src/tabs.ts');

test('characters become keys, and what has no key is inserted', () => {
  assert.deepEqual(keyOf('a'), { key: 'a', code: 'KeyA', text: 'a', windowsVirtualKeyCode: 65 });
  assert.deepEqual(keyOf('\n'), { key: 'Enter', code: 'Enter', text: '\r', windowsVirtualKeyCode: 13 });
  assert.equal(keyOf('.').windowsVirtualKeyCode, 0, 'the code of "." as a number is the Delete key');
  for (const character of ['é', '日', '☕']) assert.equal(keyOf(character), undefined);
  assert.deepEqual(charactersOf('a\r\n😀'), ['a', '\n', '😀']);
});

test('code is tried as an expression, as statements and as a body', async () => {
  const run = (code, args) => {
    for (const source of candidates(code, args)) {
      let compiled;
      try {
        compiled = new Function(`return eval(${JSON.stringify(source)})`);
        new Function(source);
      } catch {
        continue;
      }
      return compiled();
    }
    throw new Error('none compiles');
  };
  assert.equal(await run('1 + args[0]', [2]), 3);
  assert.equal(await run('1 + 1; // a comment'), 2);
  assert.equal(await run('const a = 2; a * args[0]', [4]), 8);
  assert.equal(await run('const a = await args[0]; return a;', [5]), 5);
  assert.equal(await run('() => "</script>" + args', ['x']), '</script>x');
});

test('a picture is tried as it was asked for and then ever smaller', () => {
  assert.deepEqual(readShot({}), { format: 'png', quality: 90 });
  assert.deepEqual(attemptsFor({ format: 'png', quality: 90 })[0], { format: 'png', quality: 90 });
  const qualities = attemptsFor({ format: 'jpeg', quality: 50 }).map(({ quality }) => quality);
  assert.deepEqual(qualities, [50, 40, 25, 10]);
  assert.throws(() => readShot({ format: 'webp' }), /png or jpeg/);
  assert.throws(() => readShot({ quality: 101 }), /0 to 100/);
});

test('a tab is worked on in order, and a job that hangs gives up its turn', async () => {
  const queues = new TabQueues();
  const order = [];
  const job = (name, ms) => () => new Promise((resolve) => { setTimeout(() => { order.push(name); resolve(name); }, ms); });
  const first = queues.run(1, 1_000, job('first', 30));
  const second = queues.run(1, 1_000, job('second', 0));
  const elsewhere = queues.run(2, 1_000, job('elsewhere', 0));
  assert.deepEqual(await Promise.all([first, second, elsewhere]), ['first', 'second', 'elsewhere']);
  assert.deepEqual(order, ['elsewhere', 'first', 'second']);
  let signal;
  const hung = queues.run(1, 30, (given) => { signal = given; return new Promise(() => {}); });
  const next = queues.run(1, 1_000, job('next', 0));
  await assert.rejects(hung, /did not finish within/);
  assert.equal(signal.aborted, true);
  assert.equal(await next, 'next');
  await assert.rejects(queues.run(1, 1_000, async () => { throw new Error('broken'); }), /broken/);
  assert.equal(await queues.run(1, 1_000, job('after', 0)), 'after');
});

test('an address to open is a web address, and never a file, a script or one of Chrome', () => {
  assert.equal(readUrl('example.org/a'), 'https://example.org/a');
  assert.equal(readUrl('localhost:3000/a'), 'http://localhost:3000/a');
  assert.equal(readUrl(' http://a/b '), 'http://a/b');
  assert.equal(readUrl('chrome://newtab'), 'chrome://newtab');
  assert.equal(readUrl('about:blank'), 'about:blank');
  for (const url of ['file:///etc/passwd', 'javascript:1', 'JavaScript:1', 'chrome://settings', 'chrome-extension://x/y', 'devtools://x', 'view-source:file:///x']) {
    assert.throws(() => readUrl(url), /are not opened/, url);
  }
  for (const url of [undefined, '', 1, {}]) assert.throws(() => readUrl(url), /url is required/);
});

test('the manifest and the package agree on the version, and the manifest stays within its limits', async () => {
  const read = async (name) => JSON.parse(await readFile(new URL(`../${name}`, import.meta.url), 'utf8'));
  const manifest = await read('public/manifest.json');
  assert.equal(manifest.version, (await read('package.json')).version);
  assert.equal(manifest.name, 'Sojourn Browser Control');
  assert.deepEqual(manifest.permissions, ['tabs', 'storage', 'activeTab', 'debugger', 'alarms', 'webNavigation', 'sidePanel']);
  assert.deepEqual(Object.keys(manifest).filter((key) => /connectable|security|content_scripts|accessible/.test(key)), []);
  assert.equal((await read('public/config.json')).server, 'http://localhost:5409');
});
