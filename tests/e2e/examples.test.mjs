// The examples as a newcomer runs them: scrape.py against browsers that answer as the extension does, and the first
// drive with a real browser.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { findChromium } from './chromium.mjs';
import { eventually, extensionFor, projectRoot, run, sleep, start } from './harness.mjs';

let server;
before(async () => { server = await start(); });
after(() => server?.stop());

const scrape = (...args) => run('python3', [path.join(projectRoot, 'examples/scrape.py'), '--server', server.url, ...args]);
const empty = () => eventually(async () => (await server.list()).count === 0, 'earlier sessions are gone');

/** A browser that opens pages after `lag_ms` and dies when sent to `deadly`. */
async function browserFor(t, { lag_ms = 0, deadly } = {}) {
  const extension = await extensionFor(t, server);
  const browser = { ...extension, url: 'about:blank', visited: [] };
  extension.ws.on('message', async (payload) => {
    const { type, data, requestId } = JSON.parse(payload);
    const respond = (answer) => extension.send({ type: `${type}.response`, requestId, sessionId: extension.id, success: true, timestamp: Date.now(), ...answer });
    if (type === 'navigate') {
      if (data.url === deadly) return void extension.ws.terminate();
      browser.visited.push(data.url);
      await sleep(lag_ms);
      browser.url = data.url;
    }
    if (type === 'tabs.query') respond({ result: [{ id: 3, url: 'about:old', active: false }, { id: 7, url: browser.url, active: true }] });
    if (type === 'tabs.executeScript') respond({ result: { result: browser.url.includes('nowhere') ? 'chrome-error://chromewebdata/' : browser.url } });
    if (type !== 'tabs.scrape') return;
    if (browser.url.includes('broken')) respond({ success: false, error: 'No page' });
    else respond({ result: { scrapedData: [{ title: `Title of ${browser.url}`, asked: data.selector }] } });
  });
  return browser;
}

test('BTW-34 scrape.py gives site i to session i, navigates them together and reports in the order of sessions', async (t) => {
  const browsers = [await browserFor(t, { lag_ms: 600 }), await browserFor(t, { lag_ms: 600 }), await browserFor(t, { lag_ms: 600 })];
  const began = Date.now();
  const { code, stdout, stderr } = await scrape('--json', 'a.example', 'http://b.example/x', 'c.example');
  assert.equal(code, 0, stderr);
  const { results, left } = JSON.parse(stdout);
  assert.deepEqual(results.map(({ session, site }) => [session, site]),
    browsers.map(({ id }, n) => [id, ['a.example', 'http://b.example/x', 'c.example'][n]]));
  assert.deepEqual(results.map(({ data }) => data[0].title), ['https://a.example', 'http://b.example/x', 'https://c.example'].map((url) => `Title of ${url}`));
  assert.deepEqual(left, []);
  assert.ok(Date.now() - began < 1800, 'one after the other they take longer');
});

test('BTW-34 scrape.py stops when the sessions run out and says which sites are left', async (t) => {
  await empty();
  const browsers = [await browserFor(t), await browserFor(t)];
  const { code, stdout, stderr } = await scrape('--json', 'a.example', 'b.example', 'c.example');
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout).results.map(({ session }) => session), browsers.map(({ id }) => id));
  assert.deepEqual(JSON.parse(stdout).left, ['c.example']);
});

test('BTW-35 scrape.py --queue lets every session take the next site as soon as it is free', async (t) => {
  await empty();
  const [slow, quick] = [await browserFor(t, { lag_ms: 1200 }), await browserFor(t)];
  const sites = Array.from({ length: 7 }, (_, n) => `s${n}.example`);
  const { code, stdout, stderr } = await scrape('--queue', '--json', ...sites);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout).results.map(({ site }) => site), sites);
  assert.equal(slow.visited.length + quick.visited.length, 7);
  assert.ok(slow.visited.length >= 1 && quick.visited.length > slow.visited.length, `${slow.visited.length} and ${quick.visited.length}`);
});

test('BTW-35 scrape.py --queue gives the site of a browser that went away to another one', async (t) => {
  await empty();
  await browserFor(t, { deadly: 'https://one.example' });
  const other = await browserFor(t, { lag_ms: 200 });
  const { code, stdout, stderr } = await scrape('--queue', '--json', 'one.example', 'two.example');
  assert.equal(code, 0, stderr);
  const { results } = JSON.parse(stdout);
  assert.deepEqual(results.map(({ session, site }) => [session, site]), [[other.id, 'one.example'], [other.id, 'two.example']]);
});

test('scrape.py reports a page that cannot be read, beside those that can', async (t) => {
  await empty();
  await browserFor(t);
  const { code, stdout } = await scrape('--queue', 'fine.example', 'broken.example', 'nowhere.example');
  assert.equal(code, 1);
  assert.match(stdout, /fine\.example.*\n +title: Title of https:\/\/fine\.example/);
  assert.match(stdout, /broken\.example.*\n +failed: No page/);
  assert.match(stdout, /nowhere\.example.*\n +failed: https:\/\/nowhere\.example could not be opened/);
});

test('scrape.py without a browser, and without a server, says what to do', async () => {
  await empty();
  const alone = await scrape('a.example');
  assert.equal(alone.code, 1);
  assert.match(alone.stderr, /^error: no browser is connected to http:\S+; \.\/start .*\n$/);
  const nowhere = await run('python3', [path.join(projectRoot, 'examples/scrape.py'), '--server', 'http://127.0.0.1:9', 'a.example']);
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /^error: no Sojourn server answers at http:\/\/127\.0\.0\.1:9 .*--server\n$/);
});

const drive = path.join(projectRoot, 'examples/first_drive/drive.mjs');
const extensionBuilt = existsSync(path.join(projectRoot, 'web/extension/dist/manifest.json'));
const skip = !findChromium() ? 'Chromium is not installed' : !extensionBuilt && 'web/extension is not built';

/** Runs `use` with a throw-away HOME and TMPDIR, and requires that the temp folder ends as empty as it began. */
async function withHome(use) {
  const home = await mkdtemp(path.join(os.tmpdir(), 'sojourn-drive-'));
  const temporary = await mkdtemp(path.join(os.tmpdir(), 'sojourn-drive-'));
  try {
    // The account that the browser runs under has to pass through.
    await chmod(temporary, 0o755);
    const value = await use({ HOME: home, TMPDIR: temporary }, home);
    assert.deepEqual(await readdir(temporary), [], 'no temporary file is left');
    return value;
  } finally {
    await rm(home, { recursive: true, force: true });
    await rm(temporary, { recursive: true, force: true });
  }
}

const pidsIn = (stdout) => [...stdout.matchAll(/\(pid (\d+)/g)].map((match) => Number(match[1]));

test('BTW-36 the first drive does its job with a real browser, shows each command, and leaves nothing behind', { skip }, async () => {
  await withHome(async (env) => {
    const { code, stdout, stderr } = await run('node', [drive, '--once', '--headless', '--port', '0'], { env, ms_max: 60000 });
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /ext_[0-9a-f]{12}/);
    assert.match(stdout, /= "Six things for the crossing"/);
    assert.match(stdout, /Storm lantern +€ 48\.00/);
    assert.match(stdout, /curl -X POST http:\/\/localhost:\d+\/api\/websocket\/sessions\/ext_[0-9a-f]{12}\/message/);
    assert.doesNotMatch(stdout, /\x1b/, 'no colours in a pipe');
    const [, picture] = /= (\/\S+\.png)/.exec(stdout);
    assert.equal(readFileSync(picture).subarray(1, 4).toString(), 'PNG');
    assert.equal(pidsIn(stdout).length, 2);
    for (const pid of pidsIn(stdout)) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });
});

test('BTW-36 the first drive serves until it is interrupted, and then ends server and browser', { skip }, async () => {
  await withHome(async (env, home) => {
    const child = spawn('node', [drive, '--headless', '--port', '0', '--data', path.join(home, 'data')], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { said += text; });
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    try {
      await eventually(() => said.includes('Ctrl-C ends both'), `the job is done\n${said}`, 40000);
      const [, address] = /goes on at (http:\/\/localhost:\d+)/.exec(said);
      assert.equal((await (await fetch(`${address}/api/websocket/sessions`)).json()).count, 1);
      child.kill('SIGINT');
      assert.equal(await ended, 0, said);
      for (const pid of pidsIn(said)) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
  });
});

test('the first drive names a port that is taken and the option that helps', async () => {
  const taken = net.createServer();
  await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { code, stderr } = await run('node', [drive, '--once', '--port', String(taken.address().port)]);
  taken.close();
  assert.equal(code, 1);
  assert.match(stderr, /^error: port \d+ is taken by another program; .*--port 0.*\n$/);
});
