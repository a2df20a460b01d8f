// Browsers that end before their time, and the server too: what is told, who goes on, and that nothing is left behind.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { eventually } from './harness.mjs';
import { allEnd, browserProcesses, callFunction, hottestRenderer, isRunning, ofKind, profiles, sessionCount, startBrowsers, timed, visit } from './browser_stage.mjs';
import { startSite } from './torture/site.mjs';

let site;
before(async () => { site = await startSite(); });
after(() => site?.stop());

async function own(t, options) {
  const server = await startBrowsers(options);
  t.after(async () => { if (server.alive()) await server.stop(); });
  return server;
}

test('a server that is killed leaves no browser after 2 s, and its successor removes what was on disk', async (t) => {
  const server = await own(t);
  await visit(t, server, site.page('hello'));
  await visit(t, server, site.page('frames-cross'), { isolation: 'process' });
  await visit(t, server, site.page('spin-later'));
  const processes = browserProcesses(server.pid);
  const folders = profiles(server.pid);
  assert.ok(ofKind(processes).length >= 2, JSON.stringify(processes.map(({ line }) => line.slice(0, 80))));
  server.child.kill('SIGKILL');
  await server.exited;
  await allEnd(processes, 2000);
  const next = await own(t, { data: server.data });
  await eventually(() => folders.every((folder) => !existsSync(folder)), `${folders} are gone`, 3000);
  assert.equal(browserProcesses(next.pid).length, 0, 'its sessions are there, and cost nothing yet');
  await visit(t, next, site.page('hello'));
});

test('a server that is told to stop ends its browsers and removes their folders, whatever their pages do', async (t) => {
  const server = await own(t);
  await visit(t, server, site.page('spin-later'));
  await visit(t, server, site.page('leaves-storm'), { isolation: 'process' });
  const processes = browserProcesses(server.pid);
  const folders = profiles(server.pid);
  const [, ms] = await timed(() => server.stop());
  assert.ok(ms < 4000, `${ms} ms`);
  await allEnd(processes, 1000);
  for (const folder of folders) assert.equal(existsSync(folder), false, folder);
});

test('INF-10 without recovery a browser that is killed ends its sessions: a typed error, and the next session works', async (t) => {
  const server = await own(t, { browser: { recover: false } });
  const visitor = await visit(t, server, site.page('hello'));
  const waiting = visitor.ask('interact', { action: 'wait', wait_ms: 10_000, screenshot: false });
  await eventually(async () => (await server.get(`/api/v1/sessions/${visitor.id}`)).status === 200, 'the session is there');
  const before_kill = browserProcesses(server.pid);
  for (const { pid } of ofKind(before_kill)) process.kill(pid, 'SIGKILL');
  const [answer, ms] = await timed(() => waiting);
  assert.ok(ms < 1000, `the call that ran took ${ms} ms to fail`);
  assert.ok(answer.status >= 400, answer.text);
  assert.match(answer.json.code ?? answer.json.error_code, /crashed|ended|SESSION_ENDED/i, answer.text);
  const dead = await visitor.ask('snapshot');
  assert.ok(dead.status >= 400, dead.text);
  assert.match(dead.text, /crash|ended|not found/i);
  await allEnd(before_kill, 2000, 'the rest of the browser has ended');
  const [next, open_ms] = await timed(() => visit(t, server, site.page('hello')));
  assert.ok(open_ms < 5000, `${open_ms} ms`);
  await next.click('Press');
});

test('a page whose process is killed is an event, and open revives the session with its cookies', async (t) => {
  const server = await own(t);
  const other = await visit(t, server, site.page('hello'));
  const visitor = await visit(t, server, site.page('store'));
  await visitor.value('put("a")');
  await visitor.open(site.page('spin-later'));
  const { pid } = await hottestRenderer(server, 500);
  process.kill(pid, 'SIGKILL');
  const [, ms] = await timed(() => visitor.news('page_crashed', 1500));
  assert.ok(ms < 1000, `the event took ${ms} ms`);
  for (const [name, input] of [['snapshot', {}], ['execute', { code: '1', screenshot: false }], ['screenshot', {}]]) {
    const [answer, took] = await timed(() => visitor.ask(name, input));
    assert.ok(took < 2000, `${name} on a crashed page took ${took} ms`);
    assert.doesNotMatch(answer.text, /"internal"/, answer.text);
  }
  assert.equal((await visitor.open(site.page('store'))).title, 'store');
  assert.match(await visitor.value('look()'), /^mark=a\|a\|/);
  await other.click('Press');
});

test('a page that crashes during a call ends that call at once', async (t) => {
  const server = await own(t);
  const visitor = await visit(t, server, site.page('hello'));
  const running = visitor.ask('execute', { code: 'for (;;) {}', screenshot: false });
  const { pid } = await hottestRenderer(server, 600);
  process.kill(pid, 'SIGKILL');
  const [answer, ms] = await timed(() => running);
  assert.ok(ms < 1500, `${ms} ms`);
  assert.match(answer.text, /crash/i);
  assert.equal((await visitor.open(site.page('second'))).title, 'second');
});

test('a process of its own ends with its session, and its crash harms nobody else', async (t) => {
  const server = await own(t);
  const shared = await visit(t, server, site.page('hello'));
  const before_open = new Set(ofKind(browserProcesses(server.pid)).map(({ pid }) => pid));
  const alone = await visit(t, server, site.page('hello'), { isolation: 'process' });
  const [mine, ...more] = ofKind(browserProcesses(server.pid)).filter(({ pid }) => !before_open.has(pid));
  assert.ok(mine && more.length === 0, JSON.stringify([mine, more]));
  process.kill(mine.pid, 'SIGKILL');
  await alone.news('crashed', 1000);
  await shared.click('Press');
  assert.equal((await alone.snapshot()).recovered, true, 'with a process of its own again');
  assert.equal(ofKind(browserProcesses(server.pid)).filter(({ pid }) => !before_open.has(pid)).length, 1);
  await alone.close();
  const again = await visit(t, server, site.page('hello'), { isolation: 'process' });
  const now = ofKind(browserProcesses(server.pid)).filter(({ pid }) => !before_open.has(pid));
  await again.close();
  await allEnd(now, 2000, 'the process of the closed session has ended');
  await shared.click('Press');
});

test('the full browser serves where it is asked for', async (t) => {
  if (!existsSync('/usr/bin/chromium')) { t.skip('the full browser is not installed'); return; }
  const server = await own(t);
  const visitor = await visit(t, server, site.page('frames-cross'), { browser: 'full' });
  await visitor.click('Inner');
  assert.deepEqual(await visitor.hears('inner'), ['inner']);
  assert.equal((await visitor.call('screenshot')).width, 1280);
  await visitor.open(site.page('dialogs'));
  assert.equal((await visitor.click('Alert')).dialogs.length, 1);
  assert.ok(ofKind(browserProcesses(server.pid)).some(({ line }) => !line.includes('shell')));
});

test('where there is no browser, a session says so and what to do, and the server goes on', async (t) => {
  const server = await own(t, { browser: { executable: '/nowhere/chromium' } });
  const answer = await callFunction(server, 'new', 'open', { url: site.page('hello') });
  assert.equal(answer.status, 503, answer.text);
  assert.match(answer.json.detail, /chromium|browser/i);
  assert.equal((await server.get('/healthz')).status, 200);
  const broken = await own(t, { browser: { executable: '/bin/false' } });
  const failed = await callFunction(broken, 'new', 'open', { url: site.page('hello') });
  assert.ok(failed.status >= 500, failed.text);
  assert.ok((await broken.get('/healthz')).status === 200);
});

test('fifty sessions opened and closed leave no more processes, files and folders than ten did', async (t) => {
  const server = await own(t);
  const life = async () => {
    const visitor = await visit({ after() {} }, server, site.page('hello'), { snapshot: 'none' });
    assert.equal((await visitor.close()).status, 200);
  };
  const measure = async () => {
    await eventually(async () => (await sessionCount(server)) === 0, 'no session lives');
    return { processes: browserProcesses(server.pid).length, files: server.fdCount(), folders: profiles(server.pid).length };
  };
  for (let n = 0; n < 10; n += 1) await life();
  const ten = await measure();
  for (let n = 0; n < 20; n += 1) await Promise.all([life(), life()]);
  await eventually(async () => {
    const now = await measure();
    return now.processes <= ten.processes + 1 && now.files <= ten.files + 2 && now.folders <= ten.folders;
  }, `back at ${JSON.stringify(ten)}`, 5000).catch(async (error) => { throw new Error(`${error.message}; it is ${JSON.stringify(await measure())}`); });
  const processes = browserProcesses(server.pid);
  assert.ok(processes.every(({ pid }) => isRunning(pid)));
});
