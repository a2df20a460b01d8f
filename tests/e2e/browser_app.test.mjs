// The app as it is documented: /apps/run, its sessions, the command line under its three names, and the shape of every
// answer, member by member.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { binary, run } from './harness.mjs';
import { browserId, bytesOf, callFunction, enter, isPng, pngSize, runApp, sessionCount, startBrowsers, visit } from './browser_stage.mjs';
import { startSite } from './torture/site.mjs';

const noSession = 66;
const nobody = 'sess_00000000000000000000000000';

let server;
let site;
let folder;
before(async () => {
  [server, site] = await Promise.all([startBrowsers(), startSite()]);
  folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-app-'));
  for (const name of ['infsh', 'belt']) await symlink(path.resolve(binary), path.join(folder, name));
});
after(async () => { await server?.stop(); await site?.stop(); await rm(folder, { recursive: true, force: true }); });

const clean = () => ({ HOME: folder, SOJOURN_SERVER: '', SOJOURN_DATA: server.data, SOJOURN_TOKEN: '', SOJOURN_KEY: '' });
const command = (args, { program = binary, ...options } = {}) => run(program, args, { ms_max: 15000, cwd: folder, ...options, env: clean() });
const app = async (name, session, input, options = {}) => command(['app', 'run', 'agent-browser', '--function', name,
  ...(session ? ['--session', session] : []), '--input', typeof input === 'string' ? input : JSON.stringify(input)], options);
const said = async (...args) => {
  const result = await app(...args);
  assert.equal(result.code, 0, `${result.stdout}${result.stderr}`);
  return JSON.parse(result.stdout);
};

const snapshotMembers = ['url', 'title', 'elements', 'screenshot', 'elements_text'];
const has = (value, members) => { for (const name of members) assert.ok(Object.hasOwn(value, name), `${name} is not among ${Object.keys(value)}`); };
const assertFile = (file, type, name) => {
  has(file, ['uri', 'path', 'content_type', 'size', 'filename']);
  assert.equal(file.content_type, type);
  assert.match(file.filename, name);
  assert.ok(file.size > 0);
};

test('INF-03 the command of the document opens a session and prints JSON with its session_id', async (t) => {
  const opened = await said('open', 'new', { url: site.page('hello') });
  t.after(() => enter(server, opened.session_id).close());
  assert.match(opened.session_id, browserId);
  has(opened, [...snapshotMembers, 'output_meta']);
  assert.equal(opened.output_meta, null);
});

test('INF-04 INF-12 the commands of the document go on in it by its id, also under the names infsh and belt', async (t) => {
  const { session_id: id } = await said('open', 'new', { url: site.page('hello') }, { program: path.join(folder, 'infsh') });
  t.after(() => enter(server, id).close());
  const pressed = await said('interact', id, { action: 'click', ref: '@e2' }, { program: path.join(folder, 'belt') });
  assert.deepEqual([pressed.success, pressed.action, pressed.message, pressed.session_id], [true, 'click', null, id]);
  assert.equal((await said('execute', id, { code: 'told.trim()' })).result, 'press');
  has(await said('snapshot', id, {}), snapshotMembers);
  assert.equal((await said('screenshot', id, {})).height, 720);
  assert.equal((await said('open', id, { url: site.page('second') })).title, 'second');
  assert.equal((await said('close', id, {})).success, true);
});

test('INF-08 a trap may close again and again', async () => {
  const { session_id: id } = await said('open', 'new', { url: site.page('hello') });
  assert.equal((await said('close', id, {})).success, true);
  assert.equal((await said('close', id, {})).success, true);
});

test('INF-09 a dead id gives output with the words session not found, and a new session can be opened', async (t) => {
  const { session_id: dead } = await said('open', 'new', { url: site.page('hello') });
  await said('close', dead, {});
  for (const id of [dead, nobody, 'sess_x', 'whatever']) {
    for (const program of [binary, path.join(folder, 'infsh')]) {
      const result = await app('snapshot', id, {}, { program });
      assert.equal(result.code, noSession, result.stdout + result.stderr);
      assert.match(result.stderr, /session not found/);
    }
  }
  const { session_id: next } = await said('open', 'new', { url: site.page('hello') });
  t.after(() => enter(server, next).close());
  assert.notEqual(next, dead);
});

test('INF-09 over REST a dead id is a 404 that says so, and /apps/run says which kind of dead', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  await visitor.close();
  for (const id of [visitor.id, nobody]) {
    const answer = await callFunction(server, id, 'snapshot');
    assert.equal(answer.status, 404, answer.text);
    assert.match(answer.json.detail, /session (not found|.*ended)/i);
  }
  const never = await runApp(server, { function: 'snapshot', session: nobody, input: {} });
  assert.equal(never.status, 404);
  assert.deepEqual(never.error, { code: 'SESSION_NOT_FOUND', message: `Session not found: ${nobody}` });
  const ended = await runApp(server, { function: 'snapshot', session: visitor.id, input: {} });
  assert.deepEqual([ended.status, ended.error?.code], [410, 'SESSION_ENDED'], JSON.stringify(ended));
});

test('the input may come from a file and from the standard input', async (t) => {
  await writeFile(path.join(folder, 'input.json'), JSON.stringify({ url: site.page('hello') }));
  const opened = await said('open', 'new', '@input.json');
  t.after(() => enter(server, opened.session_id).close());
  const piped = await said('interact', opened.session_id, '-', { input: '{"action":"click","ref":"@e2"}' });
  assert.equal(piped.success, true);
  for (const bad of ['{', '[]', '@nowhere.json', '{"url":5}']) {
    const result = await app('open', opened.session_id, bad);
    assert.notEqual(result.code, 0, bad);
    assert.equal(result.stdout, '');
    assert.notEqual(result.stderr, '');
  }
});

test('the short commands do the same', async (t) => {
  const opened = await command(['open', site.page('hello'), '--json']);
  assert.equal(opened.code, 0, opened.stderr);
  const { session_id: id } = JSON.parse(opened.stdout);
  t.after(() => enter(server, id).close());
  const snapshot = await command(['snapshot', id]);
  assert.match(snapshot.stdout, /@e2 \[button\] "Press"/);
  assert.equal((await command(['interact', id, 'click', '@e2'])).code, 0);
  assert.match((await command(['execute', id, 'told.trim()'])).stdout, /press/);
  const file = path.join(folder, 'shot.png');
  assert.equal((await command(['screenshot', id, file])).code, 0);
  assert.ok(isPng(await readFile(file)));
  assert.equal((await command(['close', id])).code, 0);
  assert.equal((await command(['snapshot', id])).code, noSession);
});

test('a task has what is documented, whether it succeeds or fails', async (t) => {
  const task = await runApp(server, { function: 'open', session: 'new', input: { url: site.page('hello') } });
  t.after(() => enter(server, task.session_id).close());
  has(task, ['id', 'status', 'output', 'logs', 'session_id', 'created_at']);
  assert.deepEqual([task.status, task.state, task.output.title, task.error], [200, 'completed', 'hello', null]);
  const failed = await runApp(server, { function: 'open', session: task.session_id, input: { url: 'http://127.0.0.1:1/' } });
  assert.deepEqual([failed.status, failed.state, failed.output], [200, 'failed', null]);
  assert.match(JSON.stringify(failed.error), /Failed to open URL: /);
  for (const body of [{ app: 'other', function: 'open', input: {} }, { function: 'fly', input: {} }, { function: 'open', input: {} }, { function: 'interact', session: task.session_id, input: { action: 'fly' } }]) {
    const { status, error } = await runApp(server, body);
    assert.ok(status >= 400 && status < 500 && error.code && error.message, `${JSON.stringify(body)}: ${status} ${JSON.stringify(error)}`);
  }
  assert.equal(await sessionCount(server), 1, 'what is refused leaves no session');
});

test('the sessions of the app are listed, read, kept alive and deleted', async (t) => {
  const { session_id: id } = await runApp(server, { function: 'open', session: 'new', session_timeout: 100, input: { url: site.page('hello'), screenshot: false } });
  t.after(() => enter(server, id).close());
  const record = (await server.get(`/apps/sessions/${id}`)).json;
  has(record, ['id', 'status', 'expires_at', 'ended_at', 'call_count', 'last_call_at', 'idle_timeout']);
  assert.deepEqual([record.id, record.status, record.idle_timeout, record.call_count], [id, 'active', 100, 1]);
  assert.match((await server.get('/apps/sessions')).text, new RegExp(id));
  const kept = await server.post(`/apps/sessions/${id}/keepalive`, {});
  assert.equal(kept.status, 200, kept.text);
  assert.ok(Date.parse(kept.json.expires_at) >= Date.parse(record.expires_at));
  const gone = await server.del(`/apps/sessions/${id}`);
  assert.ok([200, 204].includes(gone.status), gone.text);
  for (const wrong of [0, 3601, -1, 'x']) {
    const answer = await server.post('/apps/run', { app: 'agent-browser', function: 'open', session: 'new', session_timeout: wrong, input: { url: site.page('hello') } });
    assert.ok([400, 422].includes(answer.status), `session_timeout ${wrong}: ${answer.status}`);
  }
  assert.equal((await server.get(`/apps/sessions/${nobody}`)).status, 404);
});

test('every answer has every documented member, null where there is nothing', async (t) => {
  const visitor = await visit(t, server, site.page('described'), { screenshot: true });
  has(visitor.page, [...snapshotMembers, 'output_meta']);
  for (const element of visitor.elements) has(element, ['ref', 'desc', 'tag', 'text', 'role', 'name', 'href', 'input_type']);
  assertFile(visitor.page.screenshot, 'image/png', /\.png$/);
  const acted = await visitor.call('interact', { action: 'hover', ref: '@e1' });
  has(acted, ['success', 'action', 'message', 'screenshot', 'snapshot', 'output_meta', 'code', 'element', 'dialogs']);
  assertFile(acted.screenshot, 'image/png', /\.png$/);
  assert.equal(acted.snapshot.screenshot, null);
  const shot = await visitor.call('screenshot');
  has(shot, ['screenshot', 'width', 'height', 'output_meta']);
  const ran = await visitor.call('execute', { code: '1' });
  has(ran, ['result', 'error', 'screenshot', 'output_meta', 'dialogs']);
  assertFile(ran.screenshot, 'image/png', /\.png$/);
  assert.equal((await visitor.snapshot()).screenshot, null);
  const closed = await visitor.close();
  has(closed.json, ['success', 'video', 'output_meta']);
});

test('a screenshot is a file that can be fetched and, on this machine, read; the whole page when asked', async (t) => {
  const visitor = await visit(t, server, site.page('scrolls'), { width: 400, height: 300 });
  const { screenshot, width, height } = await visitor.call('screenshot');
  assert.deepEqual([width, height], [400, 300]);
  const bytes = await bytesOf(server, screenshot);
  assert.ok(isPng(bytes));
  assert.deepEqual(pngSize(bytes), [400, 300]);
  assert.equal(bytes.length, screenshot.size);
  assert.ok(existsSync(screenshot.path));
  assert.deepEqual(await readFile(screenshot.path), bytes);
  const whole = await visitor.call('screenshot', { full_page: true });
  assert.deepEqual([whole.width, whole.height], [400, 300], 'the size is that of the window');
  assert.ok(pngSize(await bytesOf(server, whole.screenshot))[1] > 3000);
  const jpeg = await visitor.call('screenshot', { format: 'jpeg' });
  assertFile(jpeg.screenshot, 'image/jpeg', /\.jpe?g$/);
  const refused = await server.get(`/api/v1/sessions/${visitor.id}/files/..%2F..%2Fserver.json`);
  assert.equal(refused.status, 404);
});

test('execute gives what the value looks like as text of the documented runtime', async (t) => {
  const visitor = await visit(t, server, site.page('blank'));
  const cases = [['true', 'True'], ['false', 'False'], ['null', null], ['undefined', null], ['1', '1'], ['1.5', '1.5'], ["'text'", 'text'],
    ['[1, "a", null, true]', "[1, 'a', None, True]"], ['({a: 1, b: {c: "it\'s"}})', '{\'a\': 1, \'b\': {\'c\': "it\'s"}}'], ['Promise.resolve(7)', '7'], ["document.title", 'blank'], ["''", '']];
  for (const [code, expected] of cases) {
    const { result, error } = await visitor.call('execute', { code, screenshot: false });
    assert.deepEqual([code, result, error], [code, expected, null]);
  }
  for (const [code, pattern] of [['nothing.at.all', /ReferenceError: nothing is not defined/], ['throw new Error("mine")', /mine|SyntaxError/], ['Promise.reject(new Error("later"))', /later/], ['((', /SyntaxError/]]) {
    const { result, error } = await visitor.call('execute', { code, screenshot: false });
    assert.equal(result, null);
    assert.match(error, pattern);
  }
});
