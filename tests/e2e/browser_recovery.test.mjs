// Browser sessions over the end of their server and of their browser: what is there again, and what is said of the rest.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { binary, eventually, run, sleep } from './harness.mjs';
import { browserProcesses, callFunction, enter, isRunning, ofKind, profiles, sessionCount, startProxy, timed, toml, visit } from './browser_stage.mjs';
import { mortal } from './restart_stage.mjs';

const rounds = Number(process.env.RECOVERY_ROUNDS ?? 3);
const always = ['what the page held in memory', 'refs of earlier snapshots', 'the history'];

/** A site that says who is asking, and of which every page keeps what it is told to. */
async function startSite() {
  const seen = [];
  const page = (path) => `<!doctype html><title>${path}</title><body style="height:9000px"><button>Press</button><script>
const asked = (request) => new Promise((done, failed) => { request.onsuccess = () => done(request.result); request.onerror = () => failed(request.error); });
const keep = async (mark) => {
  document.cookie = 'session=' + mark;
  document.cookie = 'lasting=' + mark + '; max-age=10000';
  localStorage.setItem('mark', mark);
  sessionStorage.setItem('mark', mark);
  const request = indexedDB.open('notes', 3);
  request.onupgradeneeded = () => {
    const notes = request.result.createObjectStore('notes', { keyPath: 'id' });
    notes.createIndex('by day', 'day');
  };
  const db = await asked(request);
  await asked(db.transaction('notes', 'readwrite').objectStore('notes').put({ id: mark, day: new Date(5), big: 9007199254740993n, bytes: new Uint8Array([1, 255]), map: new Map([[1, new Set([undefined])]]), odd: [NaN, -0] }));
  db.close();
  return 'kept';
};
const look = async () => {
  const db = await asked(indexedDB.open('notes'));
  const [note] = await asked(db.transaction('notes').objectStore('notes').getAll());
  const told = [db.version, note.id, note.day.getTime(), typeof note.big, String(note.big), [...note.bytes], note.map.get(1) instanceof Set, Number.isNaN(note.odd[0]), Object.is(note.odd[1], -0)];
  db.close();
  return JSON.stringify([document.cookie.split('; ').sort(), localStorage.getItem('mark'), sessionStorage.getItem('mark'), ...told]);
};
</script>`;
  const server = http.createServer((incoming, response) => {
    const path = new URL(incoming.url, 'http://x').pathname;
    seen.push({ path, cookie: incoming.headers.cookie ?? '' });
    response.writeHead(200, { 'Content-Type': 'text/html', ...(path === '/login' && { 'Set-Cookie': ['hidden=h1; HttpOnly; Path=/', 'strict=s1; HttpOnly; SameSite=Strict; Max-Age=9999'] }) });
    response.end(page(path));
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address();
  return { seen, port, page: (path, host = '127.0.0.1') => `http://${host}:${port}${path}`, stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }) };
}

let site;
before(async () => { site = await startSite(); });
after(() => site?.stop());

const infoOf = async (server, id) => (await server.get(`/api/v1/sessions/${id}`)).json;

/** Waits until what was done so far is kept, and what followed it. */
async function untilKept(server, id, since) {
  await eventually(async () => (await infoOf(server, id)).browser.checkpoint_at > since, 'what was done is kept', 8000);
  await sleep(2500);
}
const checkpointOf = async (server, id) => (await infoOf(server, id)).browser.checkpoint_at ?? '';

/** A session that has logged in and keeps something of every kind; all of it is kept. */
async function settle(t, server, mark) {
  const visitor = await visit(t, server, site.page('/login'));
  await visitor.open(site.page('/work'));
  await eventually(async () => (await infoOf(server, visitor.id)).browser.checkpoint_at !== null, 'a first checkpoint');
  const since = await checkpointOf(server, visitor.id);
  assert.equal(await visitor.value(`keep('${mark}').then((kept) => { scrollTo(0, 777); return kept; })`), 'kept');
  await untilKept(server, visitor.id, since);
  return visitor;
}

const told = (mark) => JSON.stringify([[`lasting=${mark}`, `session=${mark}`], mark, mark, 3, mark, 5, 'bigint', '9007199254740993', [1, 255], true, true, true]);

/** What was there is there, and the site hears its cookies, those too that no script sees. */
async function assertWhole(visitor, mark) {
  assert.equal(await visitor.value('look()'), told(mark));
  assert.equal(await visitor.value('scrollY'), '777');
  const { cookie } = site.seen.findLast(({ path }) => path === '/work');
  for (const part of ['hidden=h1', 'strict=s1', `session=${mark}`, `lasting=${mark}`]) assert.ok(cookie.includes(part), cookie);
}

const killBrowsers = (server) => { for (const { pid } of ofKind(browserProcesses(server.pid))) process.kill(pid, 'SIGKILL'); };
const crashes = async (visitor) => (await visitor.events()).filter(({ type, name, data }) => type === 'session.browser' && (name ?? data?.name) === 'crashed').length;

test('a server that is killed: its sessions go on where they were, and say once what is lost', async (t) => {
  const life = await mortal(t);
  const first = await settle(t, life.server, 'm1');
  await first.snapshot();
  const ref = first.ref('Press');
  const server = await life.kill();
  assert.equal(browserProcesses(server.pid).length, 0, 'nothing is started for it');
  const info = await infoOf(server, first.id);
  assert.equal(info.browser.url, site.page('/work'));
  assert.equal(info.browser.calls >= 3, true);
  const visitor = enter(server, first.id);
  const [answer, ms] = await timed(() => visitor.snapshot());
  t.diagnostic(`rebuilt after a restart within ${Math.round(ms)} ms`);
  assert.deepEqual([answer.recovered, answer.lost], [true, [...always, 'files of earlier screenshots']]);
  assert.equal(answer.url, site.page('/work'));
  assert.deepEqual((await visitor.news("recovered")).data.lost, answer.lost);
  await assertWhole(visitor, 'm1');
  const stale = await visitor.act('click', { ref });
  assert.deepEqual([stale.success, stale.code], [false, 'stale_ref'], stale.message);
  const second = await visitor.snapshot();
  assert.ok(!('recovered' in second) && !('lost' in second));
  await visitor.click('Press');
});

test('a browser that is killed: an event, the calls that ran fail, and the session is made again', async (t) => {
  const { server } = await mortal(t);
  const visitor = await settle(t, server, 'm2');
  const waiting = visitor.ask('interact', { action: 'wait', wait_ms: 10_000, screenshot: false });
  await sleep(300);
  const killed = performance.now();
  killBrowsers(server);
  await visitor.news('crashed');
  t.diagnostic(`the event came after ${Math.round(performance.now() - killed)} ms`);
  const failed = await waiting;
  assert.equal(failed.status >= 400, true, failed.text);
  assert.match(failed.text, /crash/i);
  const [answer, ms] = await timed(() => visitor.call('screenshot'));
  t.diagnostic(`rebuilt after a crash of the browser within ${Math.round(ms)} ms`);
  assert.deepEqual([answer.recovered, answer.lost], [true, always]);
  await assertWhole(visitor, 'm2');
});

test('who opens an address after a restart goes there with its cookies and storage, and nowhere else', async (t) => {
  const life = await mortal(t);
  const { id } = await settle(t, life.server, 'm3');
  const server = await life.kill();
  site.seen.length = 0;
  const visitor = enter(server, id);
  const answer = await visitor.open(site.page('/elsewhere'));
  assert.equal(answer.recovered, true);
  assert.deepEqual(site.seen.filter(({ path }) => path !== '/favicon.ico').map(({ path }) => path), ['/elsewhere']);
  assert.ok(site.seen[0].cookie.includes('hidden=h1'), site.seen[0].cookie);
  assert.equal(await visitor.value('look()'), told('m3'));
  assert.match((await visitor.act('back')).message, /no page to go back to/, 'the way there is no part of its history');
});

test('an orderly end keeps what was done just before', async (t) => {
  const life = await mortal(t);
  const first = await settle(t, life.server, 'm4');
  await first.value('localStorage.setItem("late", "1")');
  const server = await life.stop();
  const visitor = enter(server, first.id);
  assert.equal(await visitor.value('localStorage.getItem("late")'), '1');
});

test('time without a server is neither idleness nor life, and an expired session does not come back', async (t) => {
  const life = await mortal(t, { config: toml({ browser: { idle_s: 3 } }) });
  const visitor = await visit(t, life.server, site.page('/work'));
  await eventually(async () => (await checkpointOf(life.server, visitor.id)) !== '', 'a checkpoint');
  const server = await life.kill(() => sleep(3500));
  assert.equal((await infoOf(server, visitor.id)).status, 'active');
  await eventually(async () => (await server.get(`/api/v1/sessions/${visitor.id}`)).status === 404, 'it expires', 8000);
  const after_that = await life.kill();
  assert.equal(await sessionCount(after_that), 0);
});

test('INF-10 with browser.recover = false a restart ends the session: session not found', async (t) => {
  const life = await mortal(t, { config: toml({ browser: { recover: false } }) });
  const { id } = await visit(t, life.server, site.page('/work'));
  const server = await life.kill();
  const answer = await callFunction(server, id, 'snapshot');
  assert.equal(answer.status, 404, answer.text);
  assert.match(answer.json.detail, /session not found/i);
  const cli = await run(binary, ['app', 'run', 'agent-browser', '--function', 'snapshot', '--session', id, '--data', server.data], { ms_max: 8000 });
  assert.match(cli.stderr, /session not found/);
});

test('INF-10 with browser.recover = false a crash of the browser ends the session', async (t) => {
  const { server } = await mortal(t, { config: toml({ browser: { recover: false } }) });
  const visitor = await visit(t, server, site.page('/work'));
  killBrowsers(server);
  await eventually(async () => (await visitor.ask('snapshot')).status === 404, 'it has ended', 3000);
  assert.match((await visitor.ask('snapshot')).text, /crash|ended|not found/i);
});

test('a key that is another one: the next call says so and the session ends; nothing is served of it', async (t) => {
  const life = await mortal(t);
  const { id } = await settle(t, life.server, 'm6');
  const server = await life.kill((data) => writeFileSync(`${data}/browser.key`, `${'0'.repeat(64)}\n`));
  const answer = await callFunction(server, id, 'snapshot');
  assert.equal(answer.status, 500, answer.text);
  assert.match(answer.text, /another key has sealed it/);
  assert.equal((await callFunction(server, id, 'snapshot')).status, 404);
  assert.equal((await server.get('/healthz')).status, 200);
  assert.equal((await visit(t, server, site.page('/work'))).page.title, '/work');
});

test('a session with a proxy is made again with it and its credentials, and nothing but its page goes there', async (t) => {
  const proxy = await startProxy('gate', 'ann:secret');
  t.after(() => proxy.stop());
  const { server } = await mortal(t);
  const visitor = await visit(t, server, 'http://site.test/a', { proxy_url: proxy.url, proxy_username: 'ann', proxy_password: 'secret' });
  const since = await checkpointOf(server, visitor.id);
  await visitor.value('localStorage.setItem("k", "kept")');
  await untilKept(server, visitor.id, since);
  killBrowsers(server);
  await visitor.news('crashed');
  proxy.seen.length = 0;
  const answer = await visitor.snapshot();
  assert.deepEqual([answer.title, answer.recovered, answer.lost], ['via gate', true, always]);
  assert.deepEqual([...new Set(proxy.seen.map(({ url }) => url))].filter((url) => !url.endsWith('/favicon.ico')), ['http://site.test/a']);
  assert.equal(await visitor.value('localStorage.getItem("k")'), 'kept');
});

test('nothing of what a page keeps stands open in the data folder', async (t) => {
  const life = await mortal(t);
  await settle(t, life.server, 'mark-that-is-looked-for');
  const { data } = life.server;
  for (const name of readdirSync(data).filter((one) => one.startsWith('sessions.db'))) {
    const bytes = readFileSync(`${data}/${name}`);
    assert.equal(bytes.includes('mark-that-is-looked-for'), false, name);
    assert.equal(bytes.includes('hidden'), false, name);
  }
});

test(`eight sessions whose browser is killed, ${rounds} times: each is told, each is made again, and nothing is left`, async (t) => {
  const { server } = await mortal(t);
  const visitors = await Promise.all(Array.from({ length: 8 }, () => visit(t, server, site.page('/work'))));
  await Promise.all(visitors.map(async (visitor, n) => {
    await visitor.value(`localStorage.setItem('n', ${n})`);
    await eventually(async () => (await checkpointOf(server, visitor.id)) !== '', 'a checkpoint');
  }));
  await sleep(4500);
  const [delays, times] = [[], []];
  for (let round = 1; round <= rounds; round += 1) {
    const processes = browserProcesses(server.pid);
    const folders = profiles(server.pid);
    const killed = performance.now();
    killBrowsers(server);
    await Promise.all(visitors.map((visitor) => eventually(async () => (await crashes(visitor)) === round, `crash ${round} is told`, 5000)));
    delays.push(performance.now() - killed);
    const answers = await Promise.all(visitors.map((visitor) => timed(() => visitor.call('execute', { code: 'localStorage.getItem("n") + location.pathname', screenshot: false }))));
    answers.forEach(([answer, ms], n) => {
      assert.deepEqual([answer.result, answer.recovered, answer.lost], [`${n}/work`, true, always]);
      times.push(ms);
    });
    await eventually(() => processes.every(({ pid }) => !isRunning(pid)), 'the browser of before has ended', 5000);
    await eventually(() => folders.every((folder) => !existsSync(folder)), `${folders} are gone`, 5000);
    const zombies = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((name) => {
      try { return new RegExp(`\\) Z ${server.pid} `).test(readFileSync(`/proc/${name}/stat`, 'latin1')); } catch { return false; }
    });
    assert.deepEqual(zombies, []);
    assert.equal(ofKind(browserProcesses(server.pid)).length, 1);
  }
  times.sort((a, b) => a - b);
  t.diagnostic(`events of eight sessions within ${Math.round(Math.max(...delays))} ms of the kill; rebuilt in ${Math.round(times[times.length >> 1])} ms (median), ${Math.round(times.at(-1))} ms (longest)`);
});
