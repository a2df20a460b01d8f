// The command line: every command with a person's and a program's answer, every way to find the server, every refusal in one clear line.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { binary, eventually, extensionFor, openExtension, rawWebSocket, run, sleep, start } from './harness.mjs';

const usage = 64;
const badData = 65;
const noSession = 66;
const unavailable = 69;
const failed = 76;
const wrongConfiguration = 78;
const cannotCreate = 73;

let server;
let folder;
before(async () => {
  server = await start();
  folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-cli-'));
});
after(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const cleanEnvironment = () => ({ HOME: folder, SOJOURN_SERVER: '', SOJOURN_DATA: '', SOJOURN_LISTEN: '' });
const sojourn = (args, options = {}) => run(binary, args, { ms_max: 8000, ...options, env: { ...cleanEnvironment(), ...options.env } });
const here = () => ['--data', server.data];

/** A refusal: its exit code, nothing on stdout, one line on stderr that matches every pattern, within a second. */
function assertRefused(result, code, ...patterns) {
  assert.equal(result.code, code, `${result.stdout}${result.stderr}`);
  assert.equal(result.stdout, '');
  const lines = result.stderr.trimEnd().split('\n').filter((line) => !line.startsWith('{'));
  assert.equal(lines.length, 1, result.stderr);
  for (const pattern of patterns) assert.match(lines[0], pattern);
  assert.ok(result.ms < 1000, `after ${result.ms} ms`);
}

const done = (result) => {
  assert.equal(result.code, 0, result.stderr);
  return result.stdout;
};

test('--help names every command, and each command has a help of its own with an example', async () => {
  const text = done(await sojourn(['--help']));
  for (const command of ['open', 'snapshot', 'interact', 'screenshot', 'execute', 'app', 'stop', 'serve', 'sessions', 'show', 'send', 'state', 'events', 'watch', 'tabs', 'close', 'token', 'doctor']) {
    assert.match(text, new RegExp(`^\\s+${command}\\b`, 'm'));
    const own = done(await sojourn([command, '--help']));
    assert.match(own, new RegExp(`sojourn ${command}`));
    assert.notEqual(own, text);
  }
  assert.match(text, /--json/);
  assert.match(text, /--server/);
});

test('--version prints one line', async () => {
  assert.match(done(await sojourn(['--version'])), /^sojourn \d+\.\d+\.\d+\n$/);
});

test('wrong usage is exit code 64 and says what was meant', async () => {
  assertRefused(await sojourn(['sesions']), usage, /sesions/, /sessions/);
  assertRefused(await sojourn(['serve', '--lisen', '127.0.0.1:0']), usage, /--lisen/, /--listen/);
  assertRefused(await sojourn(['show']), usage, /ID/);
  assertRefused(await sojourn(['show', '']), usage, /ID/);
  assertRefused(await sojourn(['send', 'ext_000000000000']), usage, /JSON/);
  assertRefused(await sojourn(['close', 'a', 'b']), usage, /b/);
  assertRefused(await sojourn(['sessions', '--server']), usage, /--server/);
});

test('serve announces its address, writes server.json for its owner only, and removes it at the end', async (t) => {
  const own = await start();
  t.after(() => own.stop());
  assert.match(own.stdout, /^Listening on http:\/\/127\.0\.0\.1:\d+\n$/);
  const record = path.join(own.data, 'server.json');
  assert.equal(statSync(record).mode & 0o777, 0o600);
  const { address, pid } = JSON.parse(readFileSync(record, 'utf8'));
  assert.deepEqual([address, pid], [own.url, own.pid]);
  own.child.kill('SIGTERM');
  assert.deepEqual(await own.exited, { code: 0, signal: null });
  assert.equal(existsSync(record), false);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} ends the server cleanly, also with an extension connected and a call pending`, async (t) => {
    const own = await start();
    t.after(() => own.stop());
    const extension = await own.open();
    const pending = own.get(`/api/browser/${extension.id}/tabs`).catch((error) => error);
    await extension.next();
    const since = Date.now();
    own.child.kill(signal);
    assert.deepEqual(await own.exited, { code: 0, signal: null });
    assert.ok(Date.now() - since < 3000, `after ${Date.now() - since} ms`);
    assert.ok([1001, 1012].includes((await extension.closed).code));
    await pending;
  });
}

test('every line of the log is JSON', async (t) => {
  const own = await start({ logLevel: 'debug' });
  t.after(() => own.stop());
  const extension = await own.open();
  await own.list();
  await extension.close();
  await own.get('/nothing');
  await own.stop();
  const lines = own.log().split('\n').filter((line) => line !== '');
  assert.ok(lines.length > 0, 'debug says something');
  for (const line of lines) assert.doesNotThrow(() => JSON.parse(line), line);
});

test('a port in use is exit code 69 and names the port', async () => {
  const { port } = server;
  const result = await sojourn(['serve', '--listen', `127.0.0.1:${port}`, '--data', folder]);
  assertRefused(result, unavailable, new RegExp(`${port}`), /in use|already/i, /--listen|listen/);
});

test('an address that is not loopback is refused until there is a server mode', async () => {
  for (const address of ['0.0.0.0:0', '[::]:0', '192.0.2.1:5409', '10.0.0.1:0']) {
    const result = await sojourn(['serve', '--listen', address, '--data', folder]);
    assertRefused(result, wrongConfiguration, /loopback/i);
  }
});

test('an address that makes no sense is refused with an example', async () => {
  for (const address of ['nonsense:port', '127.0.0.1:65536', '127.0.0.1:-1', '127.0.0.1:0=nothing', '[::1', '']) {
    const result = await sojourn(['serve', '--listen', address, '--data', folder]);
    assert.ok([usage, wrongConfiguration].includes(result.code), `${address}: ${result.code} ${result.stderr}`);
    assert.equal(result.stderr.trimEnd().split('\n').length, 1, result.stderr);
  }
});

test('a data folder that cannot be made is exit code 73 and is named', async () => {
  const file = path.join(folder, 'a-file');
  await writeFile(file, '');
  assertRefused(await sojourn(['serve', '--listen', '127.0.0.1:0', '--data', path.join(file, 'below')]), cannotCreate, /a-file/);
});

const configurations = [
  ['an unknown key', 'allow_origin = []\n', [/allow_origin\b/, /allow_origins/, /:1/]],
  ['an unknown limit', '[limits]\nheader_msec = 5\n', [/header_msec/, /header_ms\b/, /:2/]],
  ['an unknown section', '[limit]\nheader_ms = 500\n', [/limit/, /limits/]],
  ['a number out of bounds', '[limits]\nheader_ms = -1\n', [/header_ms/, /-1/, /\d+ to \d+/]],
  ['text instead of a number', '[limits]\nheader_ms = "soon"\n', [/header_ms/, /number/]],
  ['a fraction', '[limits]\nheader_ms = 1.5\n', [/header_ms/, /whole number/]],
  ['an unknown log level', '[log]\nlevel = "wran"\n', [/wran/, /warn/]],
  ['no TOML', 'listen = [\n', [/sojourn\.toml:\d+/]],
  ['an origin that is none', 'allow_origins = ["example.com/path"]\n', [/example\.com/]],
  ['a listener that is not loopback', 'listen = ["0.0.0.0:5409"]\n', [/0\.0\.0\.0/, /loopback/]],
];

for (const [what, text, patterns] of configurations) {
  test(`a configuration with ${what} is exit code 78, with file, line and remedy`, async () => {
    const file = path.join(folder, 'sojourn.toml');
    await writeFile(file, text);
    assertRefused(await sojourn(['serve', '--listen', '127.0.0.1:0', '--data', folder, '--config', file]), wrongConfiguration, /sojourn\.toml/, ...patterns);
  });
}

test('a configuration file that is not there is exit code 78 and is named', async () => {
  assertRefused(await sojourn(['serve', '--data', folder, '--config', path.join(folder, 'missing.toml')]), wrongConfiguration, /missing\.toml/);
});

test('a flag wins over a variable, and a variable over the file', async () => {
  const file = path.join(folder, 'order.toml');
  await writeFile(file, '[limits]\nheader_ms = 1111\nbody_ms = 1111\nping_ms = 1111\n');
  const env = { SOJOURN_LIMITS__HEADER_MS: '2222', SOJOURN_LIMITS__BODY_MS: '2222' };
  const { limits } = JSON.parse(done(await sojourn(['serve', '--check-config', '--json', '--config', file, '--limits.header_ms', '3333'], { env })));
  assert.deepEqual([limits.header_ms, limits.body_ms, limits.ping_ms], [3333, 2222, 1111]);
});

for (const [how, place] of [
  ['--data', () => [here(), {}]],
  ['--server', () => [['--server', server.url], {}]],
  ['SOJOURN_SERVER', () => [[], { SOJOURN_SERVER: server.url }]],
  ['SOJOURN_DATA', () => [[], { SOJOURN_DATA: server.data }]],
]) {
  test(`the server is found by ${how}`, async (t) => {
    const extension = await extensionFor(t, server);
    const [args, env] = place();
    const { sessions } = JSON.parse(done(await sojourn(['sessions', '--json', ...args], { env })));
    assert.ok(sessions.some((session) => session.session_id === extension.id));
  });
}

test('sessions says how to connect when there is none, and lists one line for each', async (t) => {
  await eventually(async () => (await server.list()).count === 0, 'earlier sessions are gone');
  assert.match(done(await sojourn(['sessions', ...here()])), /extension/i);
  assert.deepEqual(JSON.parse(done(await sojourn(['sessions', '--json', ...here()]))), { sessions: [], total_count: 0 });
  const [first, second] = [await extensionFor(t, server), await extensionFor(t, server)];
  const lines = done(await sojourn(['sessions', ...here()])).trimEnd().split('\n').filter((line) => line.includes('ext_'));
  assert.deepEqual(lines.map((line) => /ext_\w+/.exec(line)[0]), [first.id, second.id]);
});

test('show prints one session, as text and as JSON', async (t) => {
  const extension = await extensionFor(t, server, { userAgent: 'Mozilla/5.0 Chrome/131.0.0.0' });
  const text = done(await sojourn(['show', extension.id, ...here()]));
  assert.ok(text.includes(extension.id) && text.includes('Chrome'));
  const shown = JSON.parse(done(await sojourn(['show', extension.id, '--json', ...here()])));
  assert.deepEqual(shown, (await server.session(extension.id)).json);
});

test('what an extension says of itself cannot write control characters to the terminal', async (t) => {
  for (const bytes of ['\x9b31m', '\xc2\x9b31m', '\xe2\x80\xae reversed']) {
    const raw = await rawWebSocket(server.port, { headers: [`User-Agent: Chrome/1 ${bytes}`] }).catch((error) => error);
    if (raw instanceof Error) {
      assert.match(raw.message, / 400 /, 'refused, or taken and shown safely');
      continue;
    }
    t.after(() => raw.destroy());
    for (const args of [['sessions'], ['show', raw.id], ['sessions', '--json'], ['show', raw.id, '--json']]) {
      assert.doesNotMatch(done(await sojourn([...args, ...here()])), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }
  }
});

test('send delivers a message, also from standard input', async (t) => {
  const extension = await extensionFor(t, server);
  const message = { type: 'navigate', data: { url: 'https://example.com/ü' } };
  assert.match(done(await sojourn(['send', extension.id, JSON.stringify(message), ...here()])), new RegExp(extension.id));
  assert.deepEqual((await extension.next()).data, message.data);
  const answer = JSON.parse(done(await sojourn(['send', extension.id, '-', '--json', ...here()], { input: JSON.stringify(message) })));
  assert.equal(answer.success, true);
  assert.deepEqual((await extension.next()).data, message.data);
});

test('send refuses what is no message with exit code 65, and reaches nobody', async (t) => {
  const extension = await extensionFor(t, server);
  for (const text of ['{', 'ping', '[1]', '"ping"', 'null', '{"type":5}']) {
    assertRefused(await sojourn(['send', extension.id, text, ...here()]), badData, /JSON|type/, /for example/);
  }
  assert.deepEqual(await extension.settle(), []);
});

test('tabs lists the tabs that the extension reports', async (t) => {
  const extension = await extensionFor(t, server);
  extension.ws.on('message', (payload) => {
    const { type, requestId } = JSON.parse(payload);
    if (type !== 'tabs.query') return;
    extension.send({ type: 'tabs.query.response', requestId, success: true, result: [{ id: 7, url: 'https://example.com', title: 'Example', active: true }] });
  });
  const text = done(await sojourn(['tabs', extension.id, ...here()]));
  for (const part of ['7', 'Example', 'https://example.com']) assert.ok(text.includes(part), text);
  assert.equal(JSON.parse(done(await sojourn(['tabs', extension.id, '--json', ...here()]))).result[0].id, 7);
});

test('tabs passes on what the extension reports as an error', async (t) => {
  const extension = await extensionFor(t, server);
  extension.ws.on('message', (payload) => {
    const { type, requestId } = JSON.parse(payload);
    if (type === 'tabs.query') extension.send({ type: 'tabs.query.response', requestId, success: false, error: 'the browser is locked' });
  });
  assertRefused(await sojourn(['tabs', extension.id, ...here()]), failed, /the browser is locked/);
});

test('close closes the session', async (t) => {
  for (const json of [[], ['--json']]) {
    const extension = await extensionFor(t, server);
    assert.match(done(await sojourn(['close', extension.id, ...json, ...here()])), new RegExp(extension.id));
    assert.deepEqual(await extension.closed, { code: 1000, reason: 'Session closed' });
  }
});

test('an unknown session is exit code 66 in every command', async () => {
  for (const args of [['show'], ['tabs'], ['close'], ['send'], ['state'], ['events'], ['watch']]) {
    const message = args[0] === 'send' ? ['{"type":"ping"}'] : [];
    for (const id of ['ext_000000000000', '../sessions', 'a b', 'ü', '%2e%2e']) {
      assertRefused(await sojourn([...args, id, ...message, ...here()]), noSession, /Session not found/, /sojourn sessions/);
    }
  }
});

test('no server is exit code 69, says where was looked and how to start one', async () => {
  const nowhere = path.join(folder, 'nowhere');
  for (const args of [['sessions'], ['show', 'x'], ['tabs', 'x'], ['close', 'x'], ['send', 'x', '{"type":"a"}'], ['state', 'x'], ['events', 'x'], ['watch', 'x'], ['token', '--session', 'x']]) {
    assertRefused(await sojourn([...args, '--data', nowhere]), unavailable, /nowhere/, /sojourn serve/);
  }
});

test('a server.json that a dead server left behind is exit code 69, not a hang', async (t) => {
  const own = await start();
  t.after(() => own.stop());
  const { address } = JSON.parse(readFileSync(path.join(own.data, 'server.json'), 'utf8'));
  own.child.kill('SIGKILL');
  await own.exited;
  assertRefused(await sojourn(['sessions', '--data', own.data]), unavailable, new RegExp(address.split(':').pop()), /sojourn serve/);
  const next = await run('sh', ['-c', 'exec "$0" serve --listen 127.0.0.1:0 --data "$1" & pid=$!; sleep 1; kill $pid; wait $pid', binary, own.data], { env: cleanEnvironment() });
  assert.match(next.stdout, /^Listening on/m, `the next server starts on the same folder: ${next.stderr}`);
});

test('what answers but is no server of ours is refused, and one that never answers ends in time', async (t) => {
  for (const answer of ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'SSH-2.0-OpenSSH_9.2\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n']) {
    const other = net.createServer((socket) => { socket.on('error', () => {}); socket.end(answer); });
    await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
    t.after(() => other.close());
    const result = await sojourn(['sessions', '--server', `http://127.0.0.1:${other.address().port}`]);
    assert.ok([unavailable, failed].includes(result.code), `${result.code} ${result.stderr}`);
    assert.equal(result.stderr.trimEnd().split('\n').length, 1, result.stderr);
  }
});

test('--server takes no address that is none', async () => {
  for (const url of ['nonsense', 'ftp://127.0.0.1', 'https://', 'http://127.0.0.1:99999']) {
    const result = await sojourn(['sessions', '--server', url]);
    assert.ok([usage, wrongConfiguration, unavailable].includes(result.code), `${url}: ${result.code} ${result.stderr}`);
    assert.match(result.stderr, /--server/);
  }
});

test('doctor looks at the machine line by line, and as JSON', async () => {
  const text = await sojourn(['doctor', ...here()], { ms_max: 20000 });
  assert.ok([0, unavailable].includes(text.code), text.stderr);
  for (const line of text.stdout.trimEnd().split('\n')) assert.match(line, /^(ok|warn|fail) /);
  assert.match(text.stdout, new RegExp(`${server.port}`));
  const { ok, checks } = JSON.parse((await sojourn(['doctor', '--json', ...here()], { ms_max: 20000 })).stdout);
  assert.equal(ok, checks.every(({ verdict }) => verdict !== 'fail'));
  assert.ok(checks.length >= 5);
  for (const { name, verdict, message, remedy } of checks) {
    assert.ok(name && message, JSON.stringify(checks));
    if (verdict !== 'ok') assert.ok(remedy, `${name} says what to do`);
  }
});

test('two servers with folders of their own do not know each other', async (t) => {
  const other = await start();
  t.after(() => other.stop());
  const extension = await openExtension(other.url);
  t.after(() => extension.vanish());
  assert.equal((await sojourn(['show', extension.id, '--data', other.data])).code, 0);
  assert.equal((await sojourn(['show', extension.id, ...here()])).code, noSession);
});

test('a second server on the same data folder is refused, or takes over server.json and gives it back', async () => {
  const result = await sojourn(['serve', '--listen', '127.0.0.1:0', '--data', server.data], { ms_max: 1500 });
  if (result.signal === null) assertRefused(result, unavailable, /data|folder|running/i);
  await sleep(50);
  const { address, pid } = JSON.parse(readFileSync(path.join(server.data, 'server.json'), 'utf8'));
  if (result.signal === null) assert.deepEqual([address, pid], [server.url, server.pid]);
});
