// A proxy for each session, with credentials where it wants them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { callFunction, makeSession, enter, startBrowsers, startProxy, visit } from './browser_stage.mjs';
import { startSite } from './torture/site.mjs';

let server;
let site;
const proxies = {};
before(async () => {
  [server, site, proxies.one, proxies.two, proxies.keyed, proxies.other] = await Promise.all([
    startBrowsers(), startSite(), startProxy('one'), startProxy('two'), startProxy('keyed', 'ann:p@ss:word'), startProxy('other', 'bob:other'),
  ]);
});
after(async () => { await server?.stop(); await site?.stop(); await Promise.all(Object.values(proxies).map((proxy) => proxy?.stop())); });

test('INF-06 sessions side by side go through different proxies, or through none', async (t) => {
  const [one, two, none] = await Promise.all([
    visit(t, server, 'http://shop.test/a', { proxy_url: proxies.one.url }),
    visit(t, server, 'http://shop.test/b', { proxy_url: proxies.two.url }),
    visit(t, server, site.page('hello')),
  ]);
  assert.deepEqual([one.page.title, two.page.title, none.page.title], ['via one', 'via two', 'hello']);
  assert.equal((await one.act('goto', { url: 'http://shop.test/c' })).snapshot.title, 'via one');
  assert.equal((await two.act('goto', { url: 'http://shop.test/c' })).snapshot.title, 'via two');
  assert.ok(proxies.one.seen.every(({ url }) => !url.endsWith('/b')));
  assert.ok(proxies.two.seen.every(({ url }) => !url.endsWith('/a')));
  assert.equal((await one.open(site.page('hello'))).title, 'via one', 'addresses of this machine go there too');
  const direct = await callFunction(server, none.id, 'open', { url: 'http://shop.test/d', screenshot: false });
  assert.ok(direct.status >= 400, 'without a proxy there is no such name');
});

test('INF-06 each session signs in to its proxy with its own name and password, which nobody is told', async (t) => {
  const [keyed, other] = await Promise.all([
    visit(t, server, 'http://shop.test/', { proxy_url: proxies.keyed.url, proxy_username: 'ann', proxy_password: 'p@ss:word' }),
    visit(t, server, 'http://shop.test/', { proxy_url: proxies.other.url, proxy_username: 'bob', proxy_password: 'other' }),
  ]);
  assert.deepEqual([keyed.page.title, other.page.title], ['via keyed', 'via other']);
  assert.equal((await keyed.act('goto', { url: 'http://shop.test/again' })).snapshot.title, 'via keyed');
  const told = JSON.stringify([await keyed.events(), (await server.get(`/api/v1/sessions/${keyed.id}`)).json]) + server.log();
  assert.doesNotMatch(told, /p@ss:word/);
  assert.equal(keyed.elements[0].text, 'By keyed');
});

test('INF-06 wrong credentials end in the proxy\'s own refusal, not in a loop', async (t) => {
  const before_all = proxies.keyed.seen.length;
  const answer = await callFunction(server, 'new', 'open', { url: 'http://shop.test/', screenshot: false, proxy_url: proxies.keyed.url, proxy_username: 'ann', proxy_password: 'wrong', timeout_ms: 5000 });
  if (answer.json.session_id) t.after(() => enter(server, answer.json.session_id).close());
  assert.notEqual(answer.json.title, 'via keyed');
  assert.ok(proxies.keyed.seen.length - before_all < 10, `${proxies.keyed.seen.length - before_all} tries`);
});

test('INF-06 a session made before its first page has its proxy too, and keeps it', async (t) => {
  const made = await makeSession(server, { proxy_url: proxies.one.url });
  assert.equal(made.status, 201, made.text);
  const visitor = enter(server, made.json.session_id);
  t.after(() => visitor.close());
  assert.equal((await visitor.open('http://shop.test/')).title, 'via one');
  assert.equal((await visitor.open('http://shop.test/', { proxy_url: proxies.one.url })).title, 'via one', 'the same may be said again');
  const other = await visitor.ask('open', { url: 'http://shop.test/', screenshot: false, proxy_url: proxies.two.url });
  assert.equal(other.status, 422, other.text);
  assert.match(other.text, /proxy_url: a session keeps what it was begun with/);
});

test('a proxy that is not there or makes no sense is said so', async (t) => {
  for (const proxy_url of ['http://127.0.0.1:1', 'nonsense://x', 'http://', 'http://a b']) {
    const answer = await callFunction(server, 'new', 'open', { url: 'http://shop.test/', screenshot: false, proxy_url, timeout_ms: 5000 });
    if (answer.json?.session_id) t.after(() => enter(server, answer.json.session_id).close());
    assert.ok(answer.status >= 400 && answer.status < 600, `${proxy_url}: ${answer.status} ${answer.text.slice(0, 200)}`);
  }
});
