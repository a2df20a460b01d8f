// The command line on sessions that many share: listing, showing, state, events, watching, tokens, and who it says it is.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { chaosProxy } from './chaos_proxy.mjs';
import { binary, eventually, extensionFor, run, start } from './harness.mjs';
import { as, createSession, join, nobody, postEvent, secret, startKeyed, watch as joinStream } from './tracking_stage.mjs';

const [usage, badData, noSession, conflict, notAllowed] = [64, 65, 66, 75, 77];

let server;
let folder;
before(async () => {
  server = await start();
  folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-cli-shared-'));
});
after(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const clean = () => ({ HOME: folder, SOJOURN_SERVER: '', SOJOURN_DATA: '', SOJOURN_TOKEN: '', SOJOURN_KEY: '' });
const sojourn = (args, { on = server, env = {}, ...options } = {}) => run(binary, [...args, '--data', on.data], { ms_max: 8000, ...options, env: { ...clean(), ...env } });

const done = async (args, options) => {
  const result = await sojourn(args, options);
  assert.equal(result.code, 0, `sojourn ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
};
const json = async (args, options) => JSON.parse(await done([...args, '--json'], options));
const lines = (text) => text.split('\n').filter((line) => line !== '');

async function assertRefused(args, code, pattern, options) {
  const result = await sojourn(args, options);
  assert.equal(result.code, code, `${result.stdout}${result.stderr}`);
  assert.equal(result.stdout, '');
  assert.match(result.stderr, pattern);
  assert.equal(lines(result.stderr).length, 1, result.stderr);
}

/** Follows a session until the test ends: line(pattern), err(pattern), interrupt() -> exit code. */
function startWatch(t, args, { on = server, env = {} } = {}) {
  const child = spawn(binary, ['watch', ...args, '--data', on.data], { env: { ...process.env, ...clean(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const out = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => { out.stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text) => { out.stderr += text; });
  const exited = new Promise((resolve) => { child.on('close', (code, signal) => resolve({ code, signal })); });
  t.after(async () => { if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL'); await exited; });
  const line = (pattern, name) => eventually(() => lines(out[name]).find((text) => pattern.test(text)), `${pattern} in ${name} of watch`, 5000);
  return {
    out, exited, line: (pattern) => line(pattern, 'stdout'), err: (pattern) => line(pattern, 'stderr'),
    interrupt: (signal = 'SIGINT') => { child.kill(signal); return exited; },
  };
}

test('sessions lists every kind, filters by kind and owner, and knows where browsers come from', async (t) => {
  const extension = await extensionFor(t, server, { userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0' });
  const { session_id: id } = await createSession(server, { user: 'lister' });
  await createSession(server, { user: 'other' });
  const text = await done(['sessions']);
  assert.match(text, /^SESSION +KIND +OWNER +CONNECTIONS +LAST ACTIVE +ENDS +ADDRESS +BROWSER$/m);
  assert.match(text, new RegExp(`^${id} +shared +lister +0 +.*in \\d+ min$`, 'm'));
  assert.match(text, new RegExp(`^${extension.id} +extension .*127\\.0\\.0\\.1 +Chrome 131 on Linux$`, 'm'));
  const owned = await json(['sessions', '--owner', 'lister']);
  assert.deepEqual([owned.total_count, owned.sessions.map((session) => session.session_id)], [1, [id]]);
  const browsers = await json(['sessions', '--kind', 'extension']);
  assert.deepEqual(browsers.sessions.map((session) => [session.session_id, session.address]), [[extension.id, '127.0.0.1']]);
  assert.ok((await json(['sessions', '--kind', 'shared'])).sessions.every((session) => session.kind === 'shared'));
  await assertRefused(['sessions', '--kind', 'share'], usage, /did you mean "shared"/);
});

test('sessions reads more than one page', async (t) => {
  const many = await start();
  t.after(() => many.stop());
  const ids = [];
  for (let n = 0; n < 205; ++n) ids.push((await createSession(many, { user: 'crowd' })).session_id);
  const { sessions, total_count: count } = await json(['sessions', '--owner', 'crowd'], { on: many });
  assert.equal(count, 205);
  assert.deepEqual(sessions.map((session) => session.session_id).sort(), ids.sort());
  assert.equal(lines(await done(['sessions'], { on: many })).length, 206);
});

test('show tells everything about a shared session and who is in it; close ends it', async (t) => {
  const { session_id: id } = await createSession(server, { metadata: { note: '\u001b[31mred' } });
  const member = await joinStream(t, server, id);
  const text = await done(['show', id]);
  for (const pattern of [new RegExp(id), /^Owner +alice$/m, /^Kind +shared$/m, /^CONNECTION +USER/m, new RegExp(`^${member.hello.connection_id} +alice`, 'm')]) assert.match(text, pattern);
  assert.doesNotMatch(text, /\u001b/);
  assert.deepEqual(Object.keys(await json(['show', id])), Object.keys((await server.get(`/api/v1/sessions/${id}`, await as(server))).json));
  assert.equal(await done(['close', id]), `Closed ${id}\n`);
  await member.closed;
  for (const args of [['show', id], ['close', id], ['state', id], ['events', id], ['watch', id], ['send', id, '{"type":"a"}']]) {
    await assertRefused(args, noSession, /Session (not found|expired): .*sojourn sessions/);
  }
});

test('send appends an event that every member gets, whatever door it came in by', async (t) => {
  const tracker = await join(t, server);
  const native = await joinStream(t, server, tracker.id);
  assert.match(await done(['send', tracker.id, '{"type":"note","data":{"n":1}}']), new RegExp(`^Sent to ${tracker.id} \\(.+\\.\\d+\\)\n$`));
  const { seq, cursor } = await json(['send', tracker.id, '-'], { input: '{"type":"note","data":"zwölf"}' });
  assert.ok(Number.isInteger(seq) && cursor.endsWith(`.${seq}`));
  assert.deepEqual([(await native.nextOf('note')).data, (await native.nextOf('note')).data], [{ n: 1 }, 'zwölf']);
  assert.deepEqual((await tracker.nextOf('note')).payload, { n: 1 });
  await assertRefused(['send', tracker.id, '{"data":1}'], badData, /no "type"/);
  await assertRefused(['send', tracker.id, '{"type":"session.closed"}'], badData, /session\./);
});

test('state shows, sets, patches and deletes, and members are told', async (t) => {
  const { session_id: id } = await createSession(server, { state: { color: 'blue' } });
  const member = await joinStream(t, server, id);
  assert.equal(await done(['state', id]), '{\n  "color": "blue"\n}\n');
  const option = { carrier: 'UPS', service: 'ground', cost: 12.99 };
  assert.match(await done(['state', id, 'selected_shipping_option', JSON.stringify(option)]), /^Set selected_shipping_option of .* \(revision \d+\)\n$/);
  assert.deepEqual((await member.nextOf('session.state')).data?.set, { selected_shipping_option: option });
  assert.deepEqual((await json(['state', id, 'selected_shipping_option'])).value, option);
  assert.equal(await done(['state', id, 'a key/with ünusual?marks']).catch(() => 'none'), 'none');
  await done(['state', id, 'a key/with ünusual?marks', '-5']);
  assert.equal(await done(['state', id, 'a key/with ünusual?marks']), '-5\n');
  await done(['state', id, '--patch', '{"color":null,"size":[1]}']);
  assert.deepEqual((await json(['state', id])).state, { selected_shipping_option: option, 'a key/with ünusual?marks': -5, size: [1] });
  await done(['state', id, 'size', '--delete']);
  await assertRefused(['state', id, 'size'], noSession, /State key not found: size/);
  await done(['state', id, '--delete']);
  assert.deepEqual((await json(['state', id])).state, {});
});

test('state changes nothing when the revision is another, and takes no bare words', async () => {
  const { session_id: id } = await createSession(server, { state: { color: 'blue' } });
  const { revision } = await json(['state', id]);
  const next = await json(['state', id, 'color', '"red"', '--if-revision', `${revision}`]);
  assert.ok(next.revision > revision);
  await assertRefused(['state', id, 'color', '"green"', '--if-revision', `${revision}`], conflict, new RegExp(`${next.revision}`));
  await assertRefused(['state', id, 'color', 'green'], badData, /'"green"'/);
  await assertRefused(['state', id, 'color', '1', '--delete'], usage, /one of VALUE, --patch and --delete/);
  assert.equal(await done(['state', id, 'color']), '"red"\n');
});

test('events lists the log as a time-line and as lines of JSON, page by page', async () => {
  const { session_id: id } = await createSession(server);
  const cursors = [];
  for (let n = 1; n <= 5; ++n) cursors.push((await postEvent(server, id, { type: 'note', data: { n, text: '\u001b[2J' } })).cursor);
  const text = await done(['events', id]);
  assert.doesNotMatch(text, /\u001b/);
  assert.match(text, /^\d{4}-\d\d-\d\d \(UTC\)$/m);
  assert.equal(lines(text).filter((line) => /^\d\d:\d\d:\d\d\.\d{3} +\d+ {2}note +alice/.test(line)).length, 5);
  const events = lines(await done(['events', id, '--json', '--since', cursors[1]])).map((line) => JSON.parse(line));
  assert.deepEqual(events.map(({ type, data, cursor }) => [type, data.n, cursor]), [3, 4, 5].map((n) => ['note', n, cursors[n - 1]]));
  const two = await sojourn(['events', id, '--json', '--since', cursors[1], '--limit', '2']);
  assert.equal(lines(two.stdout).length, 2);
  assert.match(two.stderr, new RegExp(`--since ${cursors[3].replace('.', '\\.')}`));
});

test('watch shows what happens while it happens and ends on Ctrl-C with 0', async (t) => {
  const { session_id: id } = await createSession(server);
  const people = startWatch(t, [id]);
  const programs = startWatch(t, [id, '--json']);
  await people.err(new RegExp(`watching ${id} from`));
  await programs.line(/session\.snapshot/);
  const { seq } = await postEvent(server, id, { type: 'quote_ready', data: { cost: 12.99, evil: '\u001b]0;x\u0007' } });
  await people.line(new RegExp(`^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} +${seq} {2}quote_ready +alice .*12\\.99`));
  assert.deepEqual(JSON.parse(await programs.line(/quote_ready/)).data.cost, 12.99);
  assert.deepEqual(await people.interrupt(), { code: 0, signal: null });
  assert.deepEqual(await programs.interrupt('SIGTERM'), { code: 0, signal: null });
  for (const { out } of [people, programs]) assert.doesNotMatch(out.stdout + out.stderr, /[\u0000-\u0009\u000b-\u001f]/);
});

test('watch ends by itself when the session does, and says so', async (t) => {
  const { session_id: id } = await createSession(server);
  const watching = startWatch(t, [id]);
  await watching.err(/watching/);
  await done(['close', id]);
  assert.deepEqual(await watching.exited, { code: 0, signal: null });
  assert.match(watching.out.stdout, /session\.closed/);
  assert.match(watching.out.stderr, new RegExp(`the session ${id} has ended`));
});

test('watch goes on behind the last event after a broken connection', async (t) => {
  const { session_id: id } = await createSession(server);
  const { cursor } = await postEvent(server, id, { type: 'note', data: 0 });
  const way = await chaosProxy(t, server);
  const env = { SOJOURN_TOKEN: (await done(['token', '--user', 'alice'])).trim() };
  const watching = startWatch(t, [id, '--json', '--since', cursor, '--server', way.url], { env });
  await watching.line(/session\.resumed/);
  for (let n = 1; n <= 2; ++n) {
    await postEvent(server, id, { type: 'note', data: n });
    await watching.line(new RegExp(`"data":${n}[,}]`));
    way.cut();
    await postEvent(server, id, { type: 'note', data: n + 0.5 });
    await watching.line(new RegExp(`"data":${n}\\.5[,}]`));
  }
  const notes = lines(watching.out.stdout).map((line) => JSON.parse(line)).filter((event) => event.type === 'note');
  assert.deepEqual(notes.map((event) => event.data), [1, 1.5, 2, 2.5]);
  assert.match(watching.out.stderr, /trying again/);
  assert.deepEqual(await watching.interrupt(), { code: 0, signal: null });
});

test('watch does not come back after it was sent away, and its token was taken', async (t) => {
  const { session_id: id } = await createSession(server);
  const sent = startWatch(t, [id]);
  await sent.err(/watching/);
  const { connections } = (await server.get(`/api/v1/sessions/${id}/connections`, await as(server))).json;
  assert.equal((await server.del(`/api/v1/sessions/${id}/connections/${connections[0].connection_id}`, await as(server))).status, 204);
  assert.deepEqual(await sent.exited, { code: notAllowed, signal: null });
  assert.match(sent.out.stderr, /sent this command away: kicked/);
  const { token, id: tokenId } = await json(['token', '--session', id]);
  const guest = startWatch(t, [id, '--server', server.url], { env: { SOJOURN_TOKEN: token } });
  await guest.err(/watching/);
  assert.equal((await server.del(`/api/v1/sessions/${id}/tokens/${tokenId}`, await as(server))).status, 204);
  assert.deepEqual(await guest.exited, { code: notAllowed, signal: null });
  assert.match(guest.out.stderr, /token revoked/);
});

test('token --user mints what the server takes, with the scope that was asked for', async () => {
  const { session_id: id } = await createSession(server, { user: 'minted' });
  const get = (token) => server.get(`/api/v1/sessions/${id}`, { Authorization: `Bearer ${token}` });
  const mint = async (...args) => (await done(['token', ...args])).trim();
  assert.equal((await get(await mint('--user', 'minted', '--expires', '1h'))).status, 200);
  assert.equal((await get(await mint('--user', 'somebody'))).status, 404);
  assert.equal((await get(await mint('--user', 'somebody', '--scope', 'admin'))).status, 200);
  const reader = { Authorization: `Bearer ${await mint('--user', 'minted', '--scope', 'read')}` };
  assert.equal((await server.post(`/api/v1/sessions/${id}/events`, { type: 'a' }, reader)).status, 403);
  const short = await json(['token', '--user', 'minted', '--expires', '1s']);
  await eventually(async () => (await get(short.token)).status === 401, 'a token of one second ends');
  assert.equal('expires_at' in await json(['token', '--user', 'minted', '--expires', 'never']), false);
  assert.equal(statSync(path.join(server.data, 'key')).mode & 0o777, 0o600);
});

test('token works before there is a server, and the server that comes takes it', async (t) => {
  const data = await mkdtemp(path.join(os.tmpdir(), 'sojourn-cli-key-'));
  t.after(() => rm(data, { recursive: true, force: true }));
  const token = (await done(['token', '--user', 'early'], { on: { data } })).trim();
  const own = await start({ data });
  t.after(() => own.stop());
  const member = await join(t, own, { token });
  assert.equal(member.hello.user, 'early');
});

test('token --session makes one for that session alone', async (t) => {
  const { session_id: id } = await createSession(server);
  const { session_id: other } = await createSession(server);
  const made = await json(['token', '--session', id, '--scope', 'write', '--expires', '30m']);
  assert.deepEqual([made.scope, made.single_use], ['write', false]);
  const member = await join(t, server, { token: made.token });
  assert.equal(member.id, id);
  const headers = { Authorization: `Bearer ${made.token}` };
  assert.deepEqual([(await server.get(`/api/v1/sessions/${id}`, headers)).status, (await server.get(`/api/v1/sessions/${other}`, headers)).status], [200, 404]);
  assert.match(await done(['token', '--session', id, '--single-use']), /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  await assertRefused(['token', '--session', nobody], noSession, /Session not found/);
  await assertRefused(['token', '--session', id, '--expires', 'never'], usage, /--expires/);
});

test('token --hash-password makes a line with which that user gets a token', async (t) => {
  const line = (await done(['token', '--hash-password'], { input: 'correct horse\n' })).trim();
  assert.match(line, /^scrypt\$16384\$8\$1\$[\w+/]+={0,2}\$[\w+/]+=$/);
  const own = await start({ config: `[users]\nalice = "${line}"\n` });
  t.after(() => own.stop());
  const form = (password) => own.send('POST', '/token', `username=alice&password=${password}`, { 'Content-Type': 'application/x-www-form-urlencoded' });
  assert.equal((await form('correct+horse')).status, 200);
  assert.equal((await form('correct+hors')).status, 401);
});

test('in server mode the commands work by the token of server.json, and are refused without one', async (t) => {
  const keyed = await startKeyed();
  t.after(() => keyed.stop());
  const { session_id: id } = await createSession(keyed);
  assert.ok((await done(['sessions'], { on: keyed })).includes(id));
  assert.equal(JSON.parse((await run(binary, ['show', id, '--json', '--server', keyed.url, '--data', keyed.data], { env: clean() })).stdout).session_id, id);
  const stranger = await run(binary, ['sessions', '--server', keyed.url, '--data', folder], { env: clean() });
  assert.equal(stranger.code, notAllowed);
  assert.match(stranger.stderr, /SOJOURN_TOKEN/);
  const token = (await done(['token', '--user', 'alice'], { on: keyed, env: { SOJOURN_KEY: secret } })).trim();
  const known = await run(binary, ['show', id, '--json', '--server', keyed.url, '--data', folder], { env: { ...clean(), SOJOURN_TOKEN: token } });
  assert.equal(known.code, 0, known.stderr);
  await assertRefused(['sessions'], notAllowed, /SOJOURN_TOKEN/, { on: keyed, env: { SOJOURN_TOKEN: 'a.b.c' } });
});

test('a token that the configuration\'s own secret signs comes from --config', async () => {
  const file = path.join(folder, 'keyed.toml');
  await writeFile(file, `key = "${secret}"\n`);
  const token = (await done(['token', '--user', 'alice', '--config', file])).trim();
  const [head, body, signature] = token.split('.');
  assert.equal(createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url'), signature);
  assert.equal(JSON.parse(Buffer.from(body, 'base64url')).sub, 'alice');
});

test('the token of server.json is sent to no other server and shown nowhere', async (t) => {
  const seen = [];
  const other = http.createServer((incoming, response) => { seen.push(incoming.headers); response.writeHead(404).end('{"detail":"no"}'); });
  await new Promise((resolve) => { other.listen(0, '127.0.0.1', resolve); });
  t.after(() => other.close());
  const url = `http://127.0.0.1:${other.address().port}`;
  const { token } = JSON.parse(readFileSync(path.join(server.data, 'server.json'), 'utf8'));
  assert.ok(token.length > 20);
  let text = '';
  for (const args of [['sessions'], ['show', nobody], ['watch', nobody], ['state', nobody]]) {
    const result = await run(binary, [...args, '--server', url, '--data', server.data], { env: clean() });
    text += result.stdout + result.stderr;
  }
  assert.equal(seen.length, 4);
  assert.ok(seen.every((headers) => headers.authorization === undefined));
  await run(binary, ['sessions', '--server', url, '--data', server.data], { env: { ...clean(), SOJOURN_TOKEN: 'x.y.z' } });
  assert.equal(seen.at(-1).authorization, 'Bearer x.y.z');
  for (const args of [['sessions', '--json'], ['doctor', '--json'], ['show', nobody]]) text += Object.values(await sojourn(args, { ms_max: 20000 })).join('');
  assert.ok(!text.includes(token) && !server.log().includes(token));
});

test('serve --check-config shows users by name, tools and that there is a key, and no secret', async () => {
  const file = path.join(folder, 'all.toml');
  const line = (await done(['token', '--hash-password'], { input: 'pw\n' })).trim();
  await writeFile(file, `key = "${secret}"\n[users]\nalice = "${line}"\n[sessions]\nidle_minutes = 0.05\n[tools.rates]\nurl = "http://127.0.0.1:9000/rates?key=hidden"\nupdate = "ready"\n`);
  for (const args of [[], ['--json']]) {
    const text = await done(['serve', '--check-config', '--config', file, ...args]);
    for (const hidden of [secret, 'scrypt', 'hidden']) assert.ok(!text.includes(hidden), text);
    for (const shown of ['alice', '0.05', 'http://127.0.0.1:9000/rates', 'configured']) assert.ok(text.includes(shown), text);
  }
});
