// docs/LIFECYCLE.md says what the server does: its numbers, its table, its picture.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { binary, eventually, projectRoot, run, sessionId, start } from './harness.mjs';
import { as, createSession, join, logged, uuid, watch } from './tracking_stage.mjs';

const root = '/api/v1/sessions';
const read = (name) => readFile(path.join(projectRoot, name), 'utf8');
let server;
let page;
before(async () => { [server, page] = await Promise.all([start({ config: '[sessions]\nidle_minutes = 0.02\n' }), read('docs/LIFECYCLE.md')]); });
after(() => server?.stop());

/** The row of the big table: what it says of extension, shared and browser sessions. */
function row(name) {
  const line = page.split('\n').find((text) => text.startsWith(`| ${name} |`));
  assert.ok(line, `a row "${name}"`);
  const [extension, shared, browser] = line.split('|').slice(2).map((cell) => cell.trim());
  return { extension, shared, browser };
}
const numbers = () => Object.fromEntries([...page.matchAll(/^\| `?([\w.]+)`? \| (\d+)(?: (?:to (\d+)|h))? \| /gm)].map(([, name, least, most]) => [name, most ? [Number(least), Number(most)] : Number(least)]));

test('FMV-33 the numbers of the life cycle page are the defaults of the program', async () => {
  const { stdout } = await run(binary, ['serve', '--check-config', '--json', '--data', os.tmpdir()]);
  const config = JSON.parse(stdout);
  const { timeout_minutes: timeout, timeout_s: seconds, max_life_s: life, client_id: client, tombstones, ...settings } = numbers();
  assert.ok(Object.keys(settings).length >= 16, Object.keys(settings).join());
  for (const [name, value] of Object.entries(settings)) {
    const [group, key] = name.split('.');
    assert.equal(config[group]?.[key], value, name);
  }
  assert.deepEqual([timeout, seconds, life, client, tombstones], [[1, 1440], [1, 3600], [1, 604_800], [1, 255], 24]);
  assert.ok(row('ends').browser.includes(`(${settings['browser.idle_s']} s unless said otherwise, \`timeout_s\` ${seconds.join(' to ')})`), row('ends').browser);
  assert.ok(row('ends').browser.includes(`(${settings['browser.life_s']} s, `), row('ends').browser);
  assert.ok(row('ends').shared.includes(`(${settings['sessions.idle_minutes']} unless said otherwise, ${timeout.join(' to ')})`));
  assert.ok(row('kept alive').extension.includes(`${settings['limits.ping_ms'] / 1000} s`));
  assert.ok(row('ends').extension.includes(`${settings['limits.pong_ms'] / 1000} s`));
  const mebibytes = (bytes) => (bytes % 1048576 === 0 ? `${bytes / 1048576} MiB` : `${bytes / 1024} KiB`);
  for (const [kind, name] of [['shared', 'log_bytes'], ['extension', 'memory_log_bytes']]) {
    const cell = row('kept of its log')[kind];
    assert.ok(cell.startsWith(`10,000 events, ${settings['limits.log_ms'] / 3_600_000} h, ${mebibytes(settings[`limits.${name}`])}`), cell);
    assert.equal(settings['limits.log_events'], 10_000);
  }
});

test('FMV-33 the bounds that the page names are those of the server', async () => {
  const { timeout_minutes: [least, most], timeout_s: [quickest, slowest], max_life_s: [, oldest], client_id: [shortest, longest] } = numbers();
  const status = async (body) => (await server.post(root, body)).status;
  assert.deepEqual([await status({ timeout_minutes: least }), await status({ timeout_minutes: most }), await status({ timeout_minutes: least - 1 }), await status({ timeout_minutes: most + 1 })], [201, 201, 422, 422]);
  const client = (length) => ({ client_id: 'x'.repeat(length) });
  assert.deepEqual([await status(client(shortest)), await status(client(longest)), await status(client(shortest - 1)), await status(client(longest + 1))], [201, 201, 422, 422]);
  const browser = (members) => status({ kind: 'browser', timeout_s: 1, ...members });
  assert.deepEqual([await browser({ timeout_s: quickest }), await browser({ timeout_s: quickest - 1 }), await browser({ timeout_s: slowest + 1 }), await browser({ max_life_s: 0 }), await browser({ max_life_s: oldest + 1 })], [201, 422, 422, 422, 422]);
  assert.deepEqual([await browser({ timeout_s: null, timeout_minutes: 61 })], [422]);
  const plain = await start();
  try {
    assert.equal((await plain.post(root, {})).json.timeout_minutes, numbers()['sessions.idle_minutes']);
  } finally {
    await plain.stop();
  }
});

test('FMV-33 an extension session is born, named and ended as the page says', async (t) => {
  const extension = await server.open();
  assert.match(extension.id, sessionId);
  const [example] = /ext_[0-9a-f]+/.exec(row('id').extension);
  assert.match(example, sessionId);
  assert.equal((await server.get(`${root}/${extension.id}`)).status, 200);
  await extension.close(1000);
  await eventually(async () => (await server.get(`${root}/${extension.id}`)).status === 404, 'its id is unknown');
  assert.equal((await server.get(`${root}/${extension.id}`)).json.detail, `Session not found: ${extension.id}`);
  assert.match(row('what is left').extension, /^nothing: 404 `Session not found`$/);
  const again = await server.open();
  t.after(() => again.vanish());
  assert.notEqual(again.id, extension.id, row('found again').extension);
});

test('FMV-33 a shared session is born, found again, kept and ended as the page says', async (t) => {
  const headers = await as(server);
  const client_id = randomUUID();
  const one = await createSession(server, { client_id, headers });
  assert.match(one.session_id, uuid, row('id').shared);
  assert.match((await join(t, server)).id, uuid, row('born').shared);
  assert.equal((await createSession(server, { client_id, headers })).session_resumed, true, row('found again').shared);
  const member = await watch(t, server, one.session_id);
  await new Promise((resolve) => { setTimeout(resolve, 1600); });
  assert.equal((await server.get(`${root}/${one.session_id}`, headers)).status, 200, row('kept alive').shared);
  await member.close(1000);
  await eventually(() => logged(server, 'session.expired').some(({ session }) => session === one.session_id), 'it expires', 5000);
  const [owner, admin, other] = await Promise.all([headers, await as(server, 'root', 'admin'), await as(server, 'bob')].map((who) => server.get(`${root}/${one.session_id}`, who)));
  assert.deepEqual([owner.json.detail, owner.json.code], [`Session expired: ${one.session_id}`, 'expired'], row('what is left').shared);
  assert.deepEqual(admin.json, owner.json);
  assert.equal(other.json.detail, `Session not found: ${one.session_id}`);
  const next = await createSession(server, { client_id, headers });
  assert.equal(next.session_resumed, false, row('its `client_id` then').shared);
  const last = await watch(t, server, next.session_id);
  await server.del(`${root}/${next.session_id}`, headers);
  assert.equal((await last.nextOf('session.closed')).data.reason, 'deleted', row('its members').shared);
  assert.deepEqual(await last.closed, { code: 1000, reason: 'Session closed' });
  assert.equal((await server.get(`${root}/${next.session_id}`, headers)).json.detail, `Session not found: ${next.session_id}`);
});

test('FMV-33 what the page says of a restart is so', async (t) => {
  const first = await start();
  const client_id = randomUUID();
  const { session_id: id } = (await first.post(root, { client_id })).json;
  const extension = await first.open();
  first.child.kill('SIGTERM');
  assert.deepEqual(await first.exited, { code: 0, signal: null });
  const second = await start({ data: first.data });
  t.after(() => second.stop());
  assert.match(row('over a restart').extension, /^gone: 404$/);
  assert.equal((await second.get(`${root}/${extension.id}`)).status, 404);
  assert.match(row('over a restart').shared, /^kept: state, log, names, tokens/);
  assert.equal((await second.get(`${root}/${id}`)).status, 200);
  const again = (await second.post(root, { client_id })).json;
  assert.deepEqual([again.session_resumed, again.session_id], [true, id]);
});

test('FMV-33 INF-08 INF-09 a browser session is born, found again, kept and ended as the page says', async (t) => {
  const [alice, bob] = await Promise.all([as(server), as(server, 'bob')]);
  const made = await server.post(root, { kind: 'browser', client_id: 'desk', timeout_s: 2, max_life_s: 60 }, alice);
  assert.equal(made.status, 201, row('born').browser);
  const { session_id: id } = made.json;
  const shape = /^sess_[0-9a-hjkmnp-tv-z]{26}$/;
  assert.match(id, shape);
  assert.match(/sess_[0-9a-z]+/.exec(row('id').browser)[0], shape);
  const again = (await server.post(root, { kind: 'browser', client_id: 'desk' }, alice)).json;
  assert.deepEqual([again.session_id, again.session_resumed], [id, true], row('found again').browser);
  const member = await watch(t, server, id);
  const { expires_at: before } = (await server.get(`${root}/${id}`, alice)).json;
  assert.equal((await server.get(`${root}/${id}`, alice)).json.expires_at, before, row('kept alive').browser);
  assert.notEqual((await server.post(`${root}/${id}/heartbeat`, undefined, alice)).json.expires_at, before);
  assert.equal((await member.nextOf('session.closed', 6000)).data.reason, 'expired', row('its members').browser);
  assert.deepEqual(await member.closed, { code: 1000, reason: 'Session closed' });
  const told = async (who, of = id) => { const { status, json } = await server.get(`${root}/${of}`, who); return [status, json.detail, json.code]; };
  assert.deepEqual(await told(alice), [404, `Session expired: ${id}`, 'expired'], row('what is left').browser);
  assert.deepEqual(await told(bob), [404, `Session not found: ${id}`, 'not_found']);
  const next = (await server.post(root, { kind: 'browser', client_id: 'desk' }, alice)).json;
  assert.equal(next.session_resumed, false, row('its `client_id` then').browser);
  const close = () => server.post(`${root}/${next.session_id}/functions/close`, {}, alice);
  assert.deepEqual([(await close()).status, (await close()).status], [200, 200], row('what is left').browser);
  assert.deepEqual(await told(alice, next.session_id), [404, `Session ended: ${next.session_id}`, 'ended']);
  assert.deepEqual(await told(bob, next.session_id), [404, `Session not found: ${next.session_id}`, 'not_found']);
});

test('FMV-33 the picture is there, can be read in the dark, and says the same as the text beside it', async () => {
  const [, alternative, file] = /^!\[([^\]]{100,})\]\((images\/\S+\.svg)\)$/m.exec(page);
  const picture = await read(`docs/${file}`);
  assert.match(picture, /@media \(prefers-color-scheme: dark\)/);
  assert.match(picture, /role="img" aria-labelledby="title description"/);
  for (const words of ['extension session', 'shared session', 'browser session', 'queue', 'longest life', 'expired', '24 h']) assert.ok(picture.toLowerCase().includes(words), words);
  assert.match(alternative, /expired/);
  assert.doesNotMatch(picture, /<script|href=|url\((?!#)/, 'it loads nothing');
  const [, text] = /^```mermaid\n([^]*?)^```/m.exec(page);
  for (const words of ['live', 'nobody connected', 'somebody connected', 'a page of a browser', 'longest', 'over', 'expired', '24 h', '45 s']) for (const [where, one] of [['picture', picture], ['text', text]]) assert.ok(one.includes(words), `${words} in the ${where}`);
  for (const index of ['docs/README.md', 'README.md']) assert.ok((await read(index)).includes('LIFECYCLE.md'), `${index} leads to it`);
});
