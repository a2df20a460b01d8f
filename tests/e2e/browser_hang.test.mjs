// Pages that never end, ask without end or come late: every call has its deadline, and nobody else notices.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBrowsers, timed, visit } from './browser_stage.mjs';
import { startSite } from './torture/site.mjs';

let server;
let site;
before(async () => { [server, site] = await Promise.all([startBrowsers(), startSite()]); });
after(async () => { await server?.stop(); await site?.stop(); });

const on = (t, name, input) => visit(t, server, site.page(name), input);
const fast = async (ms_max, what, body) => {
  const [value, ms] = await timed(body);
  assert.ok(ms < ms_max, `${what} took ${Math.round(ms)} ms`);
  return value;
};

test('a page that hangs on a click harms its own session only: calls of others stay fast', async (t) => {
  const other = await on(t, 'hello');
  const hung = await on(t, 'spin-click');
  const stuck = hung.ask('interact', { action: 'click', ref: hung.ref('Spin'), screenshot: false, timeout_ms: 3000 });
  for (let n = 0; n < 5; n += 1) {
    await fast(1000, 'a click elsewhere', () => other.click('Press'));
    await fast(1000, 'a snapshot elsewhere', () => other.snapshot());
  }
  const [, ms] = await timed(() => stuck);
  assert.ok(ms < 8000, `the call on the hung page took ${ms} ms`);
});

test('close, list and get never wait behind a hung page', async (t) => {
  const hung = await on(t, 'spin-click');
  const stuck = hung.ask('interact', { action: 'click', ref: hung.ref('Spin'), screenshot: false });
  await fast(300, 'the list', () => server.get('/api/v1/sessions?kind=browser'));
  await fast(300, 'get', () => server.get(`/api/v1/sessions/${hung.id}`));
  await fast(300, 'the log', () => hung.events());
  const closed = await fast(500, 'close', () => hung.close());
  assert.equal(closed.status, 200, closed.text);
  await fast(500, 'the hung call after close', () => stuck);
  await fast(3000, 'a new session', () => on(t, 'hello'));
});

test('every function on a hung page ends at its deadline, says so, and open revives the session', async (t) => {
  const visitor = await on(t, 'store');
  await visitor.value('put("a")');
  await visitor.open(site.page('spin-later'));
  const { success } = await visitor.act('wait', { wait_ms: 400, snapshot: 'none' });
  assert.equal(success, true);
  const ran = await fast(4000, 'execute', () => visitor.ask('execute', { code: '1 + 1', screenshot: false, timeout_ms: 700 }));
  assert.match(ran.text, /Timeout 700ms exceeded|timeout|deadline|hung/i);
  assert.equal(ran.status === 200 ? ran.json.result : null, null);
  const opened = await fast(8000, 'open', () => visitor.open(site.page('store')));
  assert.equal(opened.title, 'store');
  assert.equal(await visitor.value('look()'), 'mark=a|a|a|a', 'cookies and storage are still there');
  await visitor.news('hung');
});

test('a page that hangs while it loads fails to open within its time', async (t) => {
  const visitor = await on(t, 'hello');
  const answer = await fast(6000, 'open', () => visitor.ask('open', { url: site.page('spin-load'), screenshot: false, timeout_ms: 1000 }));
  if (answer.status !== 200) assert.match(answer.json.detail, /^Failed to open URL: .*1000ms/);
  assert.equal((await fast(6000, 'the next open', () => visitor.open(site.page('hello')))).title, 'hello');
});

test('a frame of another site that hangs does not keep its page from being used', async (t) => {
  const visitor = await on(t, 'hello');
  const opened = await fast(9000, 'open', () => visitor.ask('open', { url: site.page('frames-hang'), screenshot: false, timeout_ms: 3000 }));
  if (opened.status !== 200) { assert.match(opened.json.detail, /^Failed to open URL: /); return; }
  await fast(9000, 'snapshot', () => visitor.snapshot());
  await visitor.click('Outer');
  assert.deepEqual(await visitor.told(), ['outer']);
});

test('a script that is only busy is waited for', async (t) => {
  const visitor = await on(t, 'spin-once');
  await visitor.click('Busy');
  assert.deepEqual(await visitor.told(), ['busy']);
});

test('dialogs are dismissed and reported, with what they said', async (t) => {
  const visitor = await on(t, 'dialogs');
  const said = async (name) => (await visitor.click(name)).dialogs.map(({ type, message, action }) => [type, message, action]);
  assert.deepEqual((await said('Alert')).map(([type, message]) => [type, message]), [['alert', 'hello']]);
  assert.deepEqual((await said('Confirm')).map(([type, message]) => [type, message]), [['confirm', 'sure?']]);
  assert.deepEqual((await said('Prompt')).map(([type, message]) => [type, message]), [['prompt', 'name?']]);
  assert.deepEqual((await visitor.told()).slice(-2), ['confirm-false', 'prompt-null']);
  const ran = await visitor.call('execute', { code: 'alert("mine"), 5', screenshot: false });
  assert.deepEqual([ran.result, ran.dialogs.map(({ type, message }) => [type, message])], ['5', [['alert', 'mine']]]);
  await visitor.news('dialog');
});

test('a storm of dialogs passes, at load, on a click, and without end', async (t) => {
  const storm = await on(t, 'storm');
  const answer = await storm.click('Storm');
  assert.ok(answer.dialogs.length > 0 && answer.dialogs.length <= 20);
  assert.deepEqual(await storm.told(), ['through']);
  const load = await on(t, 'alert-load');
  assert.deepEqual([load.page.dialogs?.length, await load.told()], [1, ['loaded']]);
  const endless = await on(t, 'alert-timer');
  assert.equal((await fast(3000, 'a click', () => endless.click('Calm'))).success, true);
  assert.equal((await fast(500, 'close', () => endless.close())).status, 200);
});

test('a page that does not want to be left is left', async (t) => {
  const visitor = await on(t, 'leaves');
  await visitor.click('Touch');
  assert.equal((await fast(3000, 'open', () => visitor.open(site.page('hello')))).title, 'hello');
  await visitor.open(site.page('leaves'));
  await visitor.click('Touch');
  assert.equal((await fast(4000, 'a link', () => visitor.click('Leave'))).snapshot.title, 'hello');
  await visitor.open(site.page('leaves-storm'));
  assert.equal((await fast(6000, 'open', () => visitor.open(site.page('second')))).title, 'second');
  await visitor.open(site.page('leaves-storm'));
  assert.equal((await fast(500, 'close', () => visitor.close())).status, 200);
});

test('a document that comes late is waited for, one that never comes is given up in time', async (t) => {
  const visitor = await on(t, 'late?ms=600');
  assert.equal(visitor.page.title, 'late');
  const never = await fast(3000, 'open', () => visitor.ask('open', { url: site.page('never'), screenshot: false, timeout_ms: 700 }));
  assert.ok(never.status >= 500, `${never.status}`);
  assert.match(never.json.detail, /^Failed to open URL: .*Timeout 700ms exceeded/);
  const went = await fast(3000, 'goto', () => visitor.act('goto', { url: site.page('never'), timeout_ms: 700 }));
  assert.deepEqual([went.success, went.code], [false, 'timeout'], went.message);
  assert.match(went.message, /Timeout 700ms exceeded/);
  assert.equal((await fast(3000, 'the next open', () => visitor.open(site.page('hello')))).title, 'hello');
});

test('what never ends beside a page does not hold up a call: a picture, a request after a click, a stream', async (t) => {
  const picture = await fast(4000, 'open', () => on(t, 'image-never'));
  await fast(3000, 'a click', () => picture.click('Press'));
  const request = await on(t, 'request-never');
  await fast(4000, 'a click', () => request.click('Ask for ever'));
  assert.deepEqual(await request.told(), ['asked']);
});

test('pages that never rest are answered for: changes, requests, popups, history, reloads', async (t) => {
  for (const [name, text, word] of [['mutates', 'Calm', 'calm'], ['polls', 'Poll', 'polled']]) {
    const visitor = await fast(4000, `open ${name}`, () => on(t, name));
    await fast(4000, `a click on ${name}`, () => visitor.click(text));
    assert.deepEqual(await visitor.told(), [word]);
    await visitor.close();
  }
  for (const name of ['popups', 'history', 'refresh', 'bounces']) {
    const visitor = await on(t, 'hello');
    await fast(6000, `open ${name}`, () => visitor.ask('open', { url: site.page(name), screenshot: false, timeout_ms: 3000 }));
    assert.equal((await fast(6000, `open after ${name}`, () => visitor.open(site.page('hello')))).title, 'hello', name);
    await visitor.close();
  }
});

test('an error of the page\'s script is the page\'s own', async (t) => {
  const visitor = await on(t, 'throws');
  assert.equal((await visitor.click('Throw')).success, true);
  assert.deepEqual(await visitor.told(), ['thrown']);
});

test('execute without end is stopped at its deadline, and the session goes on', async (t) => {
  const visitor = await on(t, 'hello');
  const answer = await fast(5000, 'execute', () => visitor.ask('execute', { code: 'for (;;) {}', screenshot: false, timeout_ms: 500 }));
  assert.match(answer.text, /Timeout 500ms exceeded/);
  const pending = await fast(3000, 'a promise', () => visitor.ask('execute', { code: 'new Promise(() => {})', screenshot: false, timeout_ms: 500 }));
  assert.match(pending.text, /Timeout 500ms exceeded/);
  assert.equal((await fast(6000, 'open', () => visitor.open(site.page('second')))).title, 'second');
  assert.equal(await visitor.value('1 + 1'), '2');
});
