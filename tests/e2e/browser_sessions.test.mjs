// Browser sessions as worlds of their own: what one keeps, what another never sees, and how they come and go.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from './harness.mjs';
import { browserId, callFunction, enter, makeSession, runApp, sessionCount, startBrowsers, timed, visit } from './browser_stage.mjs';
import { startSite } from './torture/site.mjs';

let server;
let site;
before(async () => { [server, site] = await Promise.all([startBrowsers(), startSite()]); });
after(async () => { await server?.stop(); await site?.stop(); });

const everything = ['mark=a', 'a', 'a', 'a'].join('|');

test('INF-01 cookies, local and session storage, IndexedDB and history of a session are not seen by another', async (t) => {
  const [one, two] = [await visit(t, server, site.page('store')), await visit(t, server, site.page('store'))];
  assert.equal(await one.value('put("a")'), 'put');
  assert.equal(await one.value('look()'), everything);
  assert.equal(await two.value('look()'), '|||');
  assert.equal(await two.value('put("b")'), 'put');
  assert.equal(await one.value('look()'), everything);
  const length = await two.value('history.length');
  await one.act('goto', { url: site.page('hello') });
  assert.equal((await two.call('snapshot')).url, site.page('store'));
  assert.equal(await two.value('history.length'), length);
  const three = await visit(t, server, site.page('store'));
  assert.equal(await three.value('look()'), '|||', 'also not by one that begins later');
});

test('INF-01 a later session does not get the world of one that was closed, its service worker neither', async (t) => {
  const first = await visit(t, server, site.page('worker'));
  await first.hears('ready');
  await first.act('goto', { url: site.page('worker') });
  await eventually(async () => (await first.value('fetch("/from-worker").then((r) => r.text())')) === 'by the worker', 'the worker answers');
  await first.value('document.cookie = "left=over; max-age=1000"');
  await first.close();
  const next = await visit(t, server, site.page('worker'));
  assert.equal(await next.value('document.cookie'), '');
  assert.notEqual(await next.value('fetch("/from-worker").then((r) => r.text())'), 'by the worker');
});

test('INF-01 window size, user agent, locale and time zone are a session\'s own', async (t) => {
  const plain = await visit(t, server, site.page('agent'));
  const dressed = await visit(t, server, site.page('agent'), { width: 500, height: 400, user_agent: 'Ours/1.0', locale: 'de-DE', time_zone: 'Asia/Tokyo' });
  const look = '[innerWidth, innerHeight, navigator.userAgent, agent.textContent, navigator.language, Intl.DateTimeFormat().resolvedOptions().timeZone].join("|")';
  assert.equal(await dressed.value(look), '500|400|Ours/1.0|Ours/1.0|de-DE|Asia/Tokyo');
  assert.match(await dressed.value('languages.textContent'), /^de-DE/);
  assert.equal(await dressed.value('(1234.5).toLocaleString()'), '1.234,5');
  const [width, height, agent, sent] = (await plain.value(look)).split('|');
  assert.deepEqual([width, height], ['1280', '720']);
  assert.equal(agent, sent);
});

test('INF-02 cookies, storage, IndexedDB, history, page and document persist over calls on connections of their own', async (t) => {
  const visitor = await visit(t, server, site.page('store'));
  assert.equal(await visitor.value('put("a")'), 'put');
  await visitor.value('document.body.append("added"), window.kept = 42, 0');
  assert.equal(await visitor.value('look()'), everything);
  assert.equal(await visitor.value('kept'), '42');
  assert.match(await visitor.value('document.body.textContent'), /added$/);
  const length = Number(await visitor.value('history.length'));
  await visitor.act('goto', { url: site.page('hello') });
  await visitor.act('goto', { url: site.page('store') });
  assert.equal(await visitor.value('look()'), everything);
  assert.equal(await visitor.value('history.length'), String(length + 2));
  assert.equal((await visitor.act('back')).snapshot.url, site.page('hello'));
  assert.equal((await visitor.act('back')).snapshot.url, site.page('store'));
});

test('INF-02 a later open goes on in the same world, also with another size', async (t) => {
  const visitor = await visit(t, server, site.page('store'));
  await visitor.value('put("a")');
  const again = await visitor.open(site.page('store'), { width: 640, height: 480 });
  assert.equal(again.session_id, visitor.id);
  assert.equal(await visitor.value('look()'), everything);
  assert.equal(await visitor.value('innerWidth + "x" + innerHeight'), '640x480');
});

test('INF-03 open in a new session answers its id beside the page', async (t) => {
  const answer = await callFunction(server, 'new', 'open', { url: site.page('hello') });
  assert.equal(answer.status, 200, answer.text);
  t.after(() => enter(server, answer.json.session_id).close());
  assert.match(answer.json.session_id, browserId);
  assert.deepEqual([answer.json.url, answer.json.title], [site.page('hello'), 'hello']);
  assert.deepEqual(answer.json.elements.map(({ tag, text }) => `${tag} ${text}`), ['a Second', 'button Press']);
  const read = await server.get(`/api/v1/sessions/${answer.json.session_id}`);
  assert.equal(read.status, 200, read.text);
  assert.equal(read.json.session_id, answer.json.session_id);
});

test('INF-04 open, interact, snapshot, screenshot, execute and close act on the session that is named', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  assert.equal((await visitor.act('click', { ref: '@e2' })).success, true);
  assert.deepEqual(await visitor.told(), ['press']);
  assert.equal((await visitor.call('screenshot')).width, 1280);
  assert.equal((await visitor.snapshot()).title, 'hello');
  assert.equal((await visitor.open(site.page('second'))).title, 'second');
  const closed = await visitor.close();
  assert.deepEqual([closed.status, closed.json.success, closed.json.video], [200, true, null]);
  assert.equal((await visitor.ask('snapshot')).status, 404);
});

test('INF-04 before open every function says what to do first', async (t) => {
  const made = await makeSession(server);
  assert.equal(made.status, 201, made.text);
  const visitor = enter(server, made.json.session_id);
  t.after(() => visitor.close());
  for (const [name, input] of [['snapshot', {}], ['interact', { action: 'click', ref: '@e1' }], ['screenshot', {}], ['execute', { code: '1' }]]) {
    const answer = await visitor.ask(name, input);
    assert.equal(answer.status, 409, answer.text);
    assert.equal(answer.json.detail, "Browser not started. Call 'open' first.");
  }
  assert.equal((await visitor.open(site.page('hello'))).title, 'hello');
});

test('INF-05 calls of different sessions overlap, those of one follow each other', async (t) => {
  const four = await Promise.all([1, 2, 3, 4].map(() => visit(t, server, site.page('blank'))));
  const wait = (visitor) => visitor.act('wait', { wait_ms: 600, snapshot: 'none' });
  const [, together] = await timed(() => Promise.all(four.map(wait)));
  assert.ok(together < 1500, `four waits of 600 ms took ${together} ms`);
  const [, after_another] = await timed(() => Promise.all([wait(four[0]), wait(four[0])]));
  assert.ok(after_another >= 1190, `two waits in one session took ${after_another} ms`);
});

test('INF-05 twenty sessions at once each open, look, press and close', async (t) => {
  const began = await sessionCount(server);
  const life = async (n) => {
    const visitor = await visit(t, server, `${site.page('hello')}?n=${n}`);
    await visitor.click('Press');
    assert.deepEqual(await visitor.told(), ['press']);
    const { url } = await visitor.snapshot();
    assert.equal(url, `${site.page('hello')}?n=${n}`);
    assert.equal((await visitor.close()).status, 200);
    return visitor.id;
  };
  const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => life(n)));
  assert.equal(new Set(ids).size, 20);
  assert.equal(await sessionCount(server), began);
});

test('INF-08 close is harmless: repeated, at once, and of what never was', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  const together = await Promise.all([visitor.close(), visitor.close(), visitor.close()]);
  for (const { status, json, text } of together) assert.deepEqual([status, json.success], [200, true], text);
  const again = await visitor.close();
  assert.deepEqual([again.status, again.json.success, again.json.video], [200, true, null], again.text);
  const unknown = await callFunction(server, 'sess_00000000000000000000000000', 'close');
  assert.equal(unknown.status, 404);
  assert.match(unknown.json.detail, /session not found/i);
});

test('INF-08 close ends a session in which something runs, at once, and that is told to whoever waits', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  const running = visitor.ask('interact', { action: 'wait', wait_ms: 20_000, screenshot: false });
  const queued = visitor.ask('snapshot');
  await eventually(async () => (await server.get(`/api/v1/sessions/${visitor.id}`)).status === 200, 'the session is there');
  const [closed, ms] = await timed(() => visitor.close());
  assert.equal(closed.status, 200, closed.text);
  assert.ok(ms < 500, `close took ${ms} ms`);
  for (const answer of await Promise.all([running, queued])) {
    assert.equal(answer.status, 404, answer.text);
    assert.match(answer.json.detail, /ended|closed|not found/i);
  }
});

test('INF-12 one session serves a whole workflow: sign in, go on, extract, close', async (t) => {
  const { id } = await visit(t, server, site.page('login-form'));
  const visitor = enter(server, id);
  await visitor.snapshot();
  await visitor.does('fill', 'User', { text: 'ann' });
  await visitor.does('fill', 'Password', { text: 'secret' });
  const inside = await visitor.click('Sign in');
  assert.equal(inside.snapshot.url, site.page('account'));
  assert.equal(await visitor.value('document.querySelector("h1").textContent'), 'Hello ann');
  assert.equal(await visitor.value('document.cookie'), 'seen=yes', 'the other cookie is for the server only');
  const later = enter(server, id);
  await later.snapshot();
  assert.equal((await later.click('Orders')).snapshot.title, 'orders');
  assert.equal(await later.value('[...document.querySelectorAll("li")].map((li) => li.textContent)'), "['Lamp 12.50', 'Chair 80.00']");
  assert.equal((await later.close()).status, 200);
});

test('INF-13 new twice gives two sessions, and no session gives one that is closed after the call', async (t) => {
  const before_all = await sessionCount(server);
  const input = { url: site.page('hello'), screenshot: false };
  const [one, two] = [await runApp(server, { function: 'open', session: 'new', input }), await runApp(server, { function: 'open', session: 'new', input })];
  for (const task of [one, two]) t.after(() => enter(server, task.session_id).close());
  assert.notEqual(one.session_id, two.session_id);
  assert.equal(await sessionCount(server), before_all + 2);
  const shot = await runApp(server, { function: 'open', input });
  assert.deepEqual([shot.status, shot.output?.title], [200, 'hello'], JSON.stringify(shot));
  await eventually(async () => (await sessionCount(server)) === before_all + 2, 'the session of the single call is gone');
  const { output } = await runApp(server, { function: 'open', input: { url: site.page('hello') } });
  assert.match(output.screenshot.uri, /^data:image\/png;base64,iVBOR/, 'its files are gone with it, so its picture comes whole');
  assert.equal(output.screenshot.path, null);
});

test('a session of the API is one of its list, with its kind and page, and DELETE ends it like close', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  const list = (await server.get('/api/v1/sessions?kind=browser&limit=100')).json;
  assert.equal(list.sessions.filter(({ session_id: id }) => id === visitor.id).length, 1);
  const shared = (await server.get('/api/v1/sessions?limit=100')).json;
  assert.equal(shared.sessions.filter(({ session_id: id }) => id === visitor.id).length, 0, 'others see it only when they ask for it');
  assert.equal((await server.del(`/api/v1/sessions/${visitor.id}`)).status, 204);
  assert.equal((await visitor.ask('snapshot')).status, 404);
});

test('the log of a session tells of its calls, and never of what was typed into a password field', async (t) => {
  const visitor = await visit(t, server, site.page('login-form'));
  await visitor.does('fill', 'Password', { text: 'tell-nobody' });
  await visitor.act('click', { ref: '@e99' });
  const calls = await eventually(async () => {
    const found = (await visitor.events()).filter(({ type }) => type === 'session.function');
    return found.length >= 3 && found;
  }, 'three calls are in the log');
  assert.deepEqual(calls.map((event) => [event.name ?? event.data.function, event.data.success]), [['open', true], ['interact', true], ['interact', false]]);
  assert.ok(calls.every(({ data }) => Number.isFinite(data.ms)));
  assert.doesNotMatch(JSON.stringify(await visitor.events()), /tell-nobody/);
  assert.doesNotMatch(server.log(), /tell-nobody/);
});
