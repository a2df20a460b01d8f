// How long a session lives, and how many there may be: idle and maximum time, keeping alive, restarts, the queue.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, run, binary, sleep, start } from './harness.mjs';
import { browserProcesses, callFunction, enter, makeSession, runApp, sessionCount, startBrowsers, timed, toml, visit } from './browser_stage.mjs';
import { startSite } from './torture/site.mjs';
import { as } from './tracking_stage.mjs';

let site;
before(async () => { site = await startSite(); });
after(() => site?.stop());

async function own(t, options) {
  const server = await startBrowsers(options);
  t.after(async () => { if (server.alive()) await server.stop(); });
  return server;
}

const goneWithin = (server, id, ms) => eventually(async () => (await server.get(`/api/v1/sessions/${id}`)).status === 404, `${id} is gone`, ms);
const input = () => ({ url: site.page('hello'), screenshot: false });

test('INF-09 a session that nobody uses expires, its id is then session not found, and a new one can be opened', async (t) => {
  const server = await own(t, { browser: { idle_s: 1 } });
  const visitor = await visit(t, server, site.page('hello'));
  await goneWithin(server, visitor.id, 3000);
  const answer = await visitor.ask('snapshot');
  assert.equal(answer.status, 404, answer.text);
  const task = await runApp(server, { function: 'snapshot', session: visitor.id, input: {} });
  assert.deepEqual([task.status, task.error?.code], [410, 'SESSION_EXPIRED'], JSON.stringify(task));
  const cli = await run(binary, ['app', 'run', 'agent-browser', '--function', 'snapshot', '--session', visitor.id, '--input', '{}', '--data', server.data], { ms_max: 8000 });
  assert.equal(cli.code, 66);
  assert.match(cli.stdout + cli.stderr, /session not found/);
  assert.equal((await visit(t, server, site.page('hello'))).page.title, 'hello');
});

test('a session lives on while it is used, while a call runs, and by keepalive', async (t) => {
  const server = await own(t, { browser: { idle_s: 1 } });
  const [used, busy, kept] = await Promise.all(['hello', 'hello', 'hello'].map((name) => visit(t, server, site.page(name))));
  const waiting = busy.act('wait', { wait_ms: 1900 });
  for (let n = 0; n < 4; n += 1) {
    await sleep(450);
    await used.snapshot();
    assert.equal((await server.post(`/apps/sessions/${kept.id}/keepalive`, {})).status, 200);
  }
  assert.equal((await waiting).success, true);
  for (const { id } of [used, busy, kept]) assert.equal((await server.get(`/api/v1/sessions/${id}`)).status, 200);
  await goneWithin(server, kept.id, 3000);
});

test('session_timeout and timeout_s are the session\'s own, and a maximum life ends it in the middle of its use', async (t) => {
  const server = await own(t);
  const { session_id: short } = await runApp(server, { function: 'open', session: 'new', session_timeout: 1, input: input() });
  const long = (await makeSession(server, {}, { timeout_s: 60, max_life_s: 1 })).json.session_id;
  const visitor = enter(server, long);
  await visitor.open(site.page('hello'));
  await goneWithin(server, short, 3000);
  await eventually(async () => (await visitor.ask('snapshot')).status === 404, 'its life is over', 3000);
  assert.equal(await sessionCount(server), 0);
});

test('sessions that expire free what they had', async (t) => {
  const server = await own(t, { browser: { idle_s: 1, keep_s: 1, warm: 0 } });
  await visit(t, server, site.page('hello'));
  await visit(t, server, site.page('hello'), { isolation: 'process' });
  assert.ok(browserProcesses(server.pid).length > 0);
  await eventually(() => browserProcesses(server.pid).length === 0, 'no browser runs any more', 6000);
  assert.equal((await visit(t, server, site.page('hello'))).page.title, 'hello');
});

test('INF-10 sessions do not outlive the server: with browser.recover = false the id is session not found', async (t) => {
  const config = toml({ browser: { recover: false } });
  const first = await start({ config });
  const { session_id: id } = await runApp(first, { function: 'open', session: 'new', input: input() });
  assert.match(id, /^sess_/);
  first.child.kill('SIGTERM');
  await first.exited;
  const server = await start({ config, data: first.data });
  t.after(() => server.stop());
  const answer = await callFunction(server, id, 'snapshot');
  assert.equal(answer.status, 404, answer.text);
  assert.match(answer.json.detail, /session not found/i);
  const cli = await run(binary, ['app', 'run', 'agent-browser', '--function', 'snapshot', '--session', id, '--data', server.data], { ms_max: 8000 });
  assert.match(cli.stderr, /session not found/);
  assert.equal(await sessionCount(server), 0, 'nothing is rebuilt by itself');
  assert.equal((await runApp(server, { function: 'open', session: 'new', input: input() })).output.title, 'hello');
});

test('INF-11 above the cap a session waits for its turn, then is refused clearly and told when to try again', async (t) => {
  const server = await own(t, { browser: { max_contexts: 2, wait_s: 1 } });
  const [one] = [await visit(t, server, site.page('hello')), await visit(t, server, site.page('hello'))];
  const [refused, ms] = await timed(() => callFunction(server, 'new', 'open', input()));
  assert.equal(refused.status, 429, refused.text);
  assert.ok(ms >= 900 && ms < 2500, `${ms} ms`);
  assert.match(refused.json.detail, /2.*sessions|sessions.*2/);
  assert.match(refused.headers['retry-after'], /^[1-9]\d*$/);
  const task = await runApp(server, { function: 'open', session: 'new', input: input() });
  assert.equal(task.status, 429, JSON.stringify(task));
  const cli = await run(binary, ['app', 'run', 'agent-browser', '--function', 'open', '--session', 'new', '--input', JSON.stringify(input()), '--data', server.data], { ms_max: 8000 });
  assert.notEqual(cli.code, 0);
  assert.match(cli.stderr, /sessions/);
  const waiting = callFunction(server, 'new', 'open', input());
  await sleep(200);
  await one.close();
  const opened = await waiting;
  assert.equal(opened.status, 200, opened.text);
  t.after(() => server.alive() && enter(server, opened.json.session_id).close());
  assert.equal((await one.ask('snapshot')).status, 404);
});

test('INF-11 a queue that is full refuses at once, and who went away does not hold a place', async (t) => {
  const server = await own(t, { browser: { max_contexts: 1, wait_s: 20, queue_max: 1 } });
  const holder = await visit(t, server, site.page('hello'));
  const waiting = callFunction(server, 'new', 'open', input());
  await sleep(150);
  const [refused, ms] = await timed(() => callFunction(server, 'new', 'open', input()));
  assert.equal(refused.status, 429, refused.text);
  assert.ok(ms < 500, `${ms} ms`);
  await holder.close();
  const opened = await waiting;
  assert.equal(opened.status, 200, opened.text);
  await enter(server, opened.json.session_id).close();
  await eventually(async () => (await sessionCount(server)) === 0, 'none is left');
});

test('INF-11 those who wait take turns by owner: one with many does not keep out one with few', async (t) => {
  const server = await own(t, { browser: { max_contexts: 1, wait_s: 20 } });
  const [ann, bob] = [await as(server, 'ann'), await as(server, 'bob')];
  const holder = await visit(t, server, site.page('hello'), { headers: ann });
  const order = [];
  const turn = async (name, headers) => {
    const answer = await callFunction(server, 'new', 'open', input(), headers);
    assert.equal(answer.status, 200, answer.text);
    order.push(name);
    await enter(server, answer.json.session_id, headers).close();
  };
  const waiting = [];
  for (let n = 0; n < 4; n += 1) { waiting.push(turn('ann', ann)); await sleep(30); }
  waiting.push(turn('bob', bob));
  await sleep(150);
  await holder.close();
  await Promise.all(waiting);
  assert.ok(order.indexOf('bob') <= 1, `${order}`);
});

test('another user\'s session is unknown: its functions, files, log and end', async (t) => {
  const server = await own(t);
  const [ann, bob] = [await as(server, 'ann'), await as(server, 'bob')];
  const visitor = await visit(t, server, site.page('hello'), { headers: ann });
  const { screenshot } = await visitor.call('screenshot');
  const foreign = enter(server, visitor.id, bob);
  for (const name of ['snapshot', 'screenshot', 'close']) assert.equal((await foreign.ask(name)).status, 404, name);
  assert.equal((await server.del(`/api/v1/sessions/${visitor.id}`, bob)).status, 404);
  assert.equal((await server.get(`/apps/sessions/${visitor.id}`, bob)).status, 404);
  assert.equal((await server.get(new URL(screenshot.uri, server.url).pathname, bob)).status, 404);
  assert.equal((await server.get(new URL(screenshot.uri, server.url).pathname, ann)).status, 200);
  await visitor.click('Press').catch(async () => { await visitor.snapshot(); await visitor.click('Press'); });
});
