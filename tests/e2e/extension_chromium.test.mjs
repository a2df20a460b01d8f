// The launcher itself: who Chromium runs as, what it opens, and what is left of it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { test } from 'node:test';
import { sessionsOf, soon, startBrowser, startServer, withBrowser } from './extension_stage.mjs';

const alive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('Chromium never runs as root, keeps its sandbox, and opens a pipe instead of a port', withBrowser, async (t) => {
  const server = await startServer(t);
  const { pid, extensionId } = await startBrowser(t, server);
  assert.equal(extensionId, 'afhojlogdaahibfnhgbcocjbmdnggcfn');
  const uids = /^Uid:\s+(.+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1].split(/\s+/);
  assert.ok(uids.every((uid) => uid !== '0'), `uids ${uids}`);
  const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  assert.ok(line.includes('--remote-debugging-pipe'));
  assert.deepEqual(line.filter((part) => /no-sandbox|remote-debugging-port/.test(part)), []);
});

test('close ends every process and removes the profile, and may be called twice', withBrowser, async (t) => {
  const server = await startServer(t);
  const browser = await startBrowser(t, server);
  await sessionsOf(server, 1);
  const group = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1].split(' ')[2] === String(browser.pid)) group.push(Number(name));
    } catch { /* it has ended meanwhile */ }
  }
  assert.ok(group.length >= 3, `the group is ${group}`);
  await Promise.all([browser.close(), browser.close()]);
  await soon(() => !group.some(alive), 'every process to end');
  assert.equal(existsSync(browser.profile), false);
  await sessionsOf(server, 0);
  await assert.rejects(browser.cdp.send('Browser.getVersion'), /has ended/);
});

test('Chromium ends when the process that started it is killed', withBrowser, async (t) => {
  const server = await startServer(t);
  const script = `
    import { launchChromium } from ${JSON.stringify(new URL('./chromium.mjs', import.meta.url).href)};
    import { extension } from ${JSON.stringify(new URL('./extension_stage.mjs', import.meta.url).href)};
    const { pid, profile } = await launchChromium({ extension, server: process.argv[1] });
    console.log(JSON.stringify({ pid, profile }));
    setInterval(() => {}, 1000);`;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', script, server.url], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => starter.kill('SIGKILL'));
  let said = '';
  starter.stdout.on('data', (bytes) => { said += bytes; });
  const { pid, profile } = await soon(() => said.includes('\n') && JSON.parse(said), 'the start', 20_000);
  t.after(() => rm(profile, { recursive: true, force: true, maxRetries: 10 }));
  assert.equal(alive(pid), true);
  starter.kill('SIGKILL');
  await soon(() => !alive(pid), 'Chromium to end', 10_000);
});
