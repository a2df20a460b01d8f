// The document's scripts for browser sessions, word for word, run by bash with the program under its documented name:
// https://example.com and the others are a server of the test's own, to which the browser's resolver leads.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { browserId, sessionCount, startBrowsers } from './browser_stage.mjs';
import { binary, eventually, run } from './harness.mjs';

const noSession = 66;
const chromium = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((place) => existsSync(place));

let folder;
let site;
let server;
let wrapper;

const page = (title, body) => `<!doctype html><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${body}`;
const pages = {
  // Nothing to act on: a number is never used twice in a session, and the document's script means the second page's @e1.
  '/': () => page('Front', '<p>Nothing to see.</p>'),
  '/start': () => page('Start', '<a href="/page2">Go on</a>'),
  '/page2': ({ headers }) => page('Second', `<button onclick="document.title = 'Pressed'">Press</button><p>${headers.cookie ?? 'no cookie'}</p>`),
  '/login': () => page('Sign in', '<form action="/welcome" method="post"><input name="user" placeholder="User"><button>Sign in</button></form>'),
  '/welcome': () => page('Welcome', '<p id="secret">forty-two</p>'),
};

async function startSite() {
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'certificate.pem')];
  const made = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=example.com']);
  assert.equal(made.code, 0, made.stderr);
  const seen = [];
  const listener = https.createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    seen.push(`${request.headers.host}${request.url}`);
    const body = pages[new URL(request.url, 'https://a').pathname];
    response.setHeader('Set-Cookie', 'visitor=yes; Path=/');
    response.writeHead(body ? 200 : 404, { 'Content-Type': 'text/html' }).end(body ? body(request) : 'Not found');
  });
  await new Promise((resolve) => { listener.listen(0, '127.0.0.1', resolve); });
  return { port: listener.address().port, seen, stop: () => new Promise((resolve) => { listener.close(resolve); listener.closeAllConnections(); }) };
}

// A browser of which the resolver knows the document's hosts, besides what the server itself tells it.
async function writeBrowser() {
  const rules = ['example.com', 'site1.com', 'site2.com'].map((host) => `MAP ${host}:443 127.0.0.1:${site.port}`).join(',');
  const file = path.join(folder, 'browser');
  await writeFile(file, `#!/bin/bash
arguments=()
for argument in "$@"; do
  case $argument in --host-resolver-rules=*) argument="$argument,${rules}" ;; esac
  arguments+=("$argument")
done
exec ${chromium} "\${arguments[@]}" --ignore-certificate-errors
`);
  await chmod(file, 0o755);
  return file;
}

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-scripts-'));
  await chmod(folder, 0o755); // the browser's account has to find its program there
  await mkdir(path.join(folder, 'bin'));
  for (const name of ['sojourn', 'infsh', 'belt']) await symlink(path.resolve(binary), path.join(folder, 'bin', name));
  site = await startSite();
  wrapper = await writeBrowser();
  server = await startBrowsers({ browser: { executable: wrapper } });
});
after(async () => {
  await server?.stop();
  await site?.stop();
  await rm(folder, { recursive: true, force: true });
});

// A server that is named: no command starts another one, should it end amid a test.
const at = (one) => ({ SOJOURN_SERVER: one.url, SOJOURN_DATA: one.data });
const environment = (more) => ({
  HOME: folder, PATH: `${path.join(folder, 'bin')}:${process.env.PATH}`, SOJOURN_TOKEN: '', SOJOURN_LISTEN: '', ...at(server), ...more,
});

/** Runs a script in bash: as it stands, not even told to stop at errors. */
const bash = (script, more = {}) => run('bash', ['-c', script], { env: environment(more), cwd: folder, ms_max: 60_000 });

/** The same; it must end well and say nothing on standard error. Gives its standard output. */
async function done(script, more) {
  const result = await bash(script, more);
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.equal(result.stderr, '');
  return result.stdout;
}

/** The JSON objects of an output, one after the other. */
const objects = (text) => text.trim().split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));

const starting = `RESULT=$(infsh app run agent-browser --function open --session new --input '{
  "url": "https://example.com"
}')
SESSION_ID=$(echo $RESULT | jq -r '.session_id')
echo "Session: $SESSION_ID"
`;

const usingIds = `# Navigate
infsh app run agent-browser --function open --session $SESSION_ID --input '{
  "url": "https://example.com/page2"
}'

# Interact
infsh app run agent-browser --function interact --session $SESSION_ID --input '{
  "action": "click", "ref": "@e1"
}'

# Screenshot
infsh app run agent-browser --function screenshot --session $SESSION_ID --input '{}'

# Close
infsh app run agent-browser --function close --session $SESSION_ID --input '{}'
`;

const inParallel = `#!/bin/bash
# Scrape multiple sites in parallel

# Start sessions
RESULT1=$(infsh app run agent-browser --function open --session new --input '{
  "url": "https://site1.com"
}')
SESSION1=$(echo $RESULT1 | jq -r '.session_id')

RESULT2=$(infsh app run agent-browser --function open --session new --input '{
  "url": "https://site2.com"
}')
SESSION2=$(echo $RESULT2 | jq -r '.session_id')

# Work with each session independently
infsh app run agent-browser --function screenshot --session $SESSION1 --input '{}' &
infsh app run agent-browser --function screenshot --session $SESSION2 --input '{}' &
wait

# Clean up both
infsh app run agent-browser --function close --session $SESSION1 --input '{}'
infsh app run agent-browser --function close --session $SESSION2 --input '{}'
`;

const withTrap = `#!/bin/bash
set -e

cleanup() {
  infsh app run agent-browser --function close --session $SESSION_ID --input '{}' 2>/dev/null || true
}
trap cleanup EXIT

SESSION_ID=$(infsh app run agent-browser --function open --session new --input '{
  "url": "https://example.com"
}' | jq -r '.session_id')

`;

const expiry = `# Check if session is still valid
RESULT=$(infsh app run agent-browser --function snapshot --session $SESSION_ID --input '{}' 2>&1)
if echo "$RESULT" | grep -q "session not found"; then
  echo "Session expired, starting new one"
  SESSION_ID=$(infsh app run agent-browser --function open --session new --input '{
    "url": "https://example.com"
  }' | jq -r '.session_id')
fi
`;

const closing = `infsh app run agent-browser --function close --session $SESSION_ID --input '{}'\n`;

test('INF-03 INF-04 the script of the document starts a session and goes on in it by its id', async () => {
  const output = await done(starting + usingIds);
  const id = /^Session: (\S+)$/m.exec(output)[1];
  assert.match(id, browserId);
  const [opened, acted, screenshot, closed] = objects(output);
  for (const answer of [opened, acted, screenshot, closed]) assert.equal(answer.session_id, id);
  assert.equal(opened.url, 'https://example.com/page2');
  assert.equal(acted.success, true, acted.message);
  assert.equal(acted.action, 'click');
  assert.equal(screenshot.width, 1280);
  assert.ok(screenshot.screenshot.size > 0);
  assert.deepEqual([closed.success, closed.video], [true, null]);
  assert.equal(await sessionCount(server), 0);
});

test('INF-05 INF-13 the script of the document works in two sessions at the same time', async () => {
  const output = await done(inParallel);
  const [one, other, ...closed] = objects(output);
  assert.notEqual(one.session_id, other.session_id);
  assert.ok(one.screenshot.size > 0 && other.screenshot.size > 0);
  assert.deepEqual(closed.map(({ success }) => success), [true, true]);
  assert.ok(site.seen.includes('site1.com/') && site.seen.includes('site2.com/'));
  assert.equal(await sessionCount(server), 0);
});

test('INF-08 the trap of the document closes the session, however the script ends', async () => {
  const before = await sessionCount(server);
  assert.equal(objects(await done(withTrap))[0].success, true);
  const failed = await bash(`${withTrap}false\n`);
  assert.equal(failed.code, 1);
  assert.equal(objects(failed.stdout)[0].success, true);
  assert.equal(await sessionCount(server), before);
});

test('INF-08 to close again, or what was never opened, harms nothing', async () => {
  const again = objects(await done(`${withTrap}${closing}${closing}`));
  assert.deepEqual(again.map(({ success }) => success), [true, true, true]);
  const unset = await bash(withTrap.replace('"https://example.com"', '"file:///etc/passwd"'));
  assert.equal(unset.code, 0, 'what failed stands before a pipe');
  assert.equal(objects(unset.stdout).length, 0);
  assert.match(unset.stderr, /file: addresses are not allowed/);
});

async function begin(own = {}) {
  return /Session: (\S+)/.exec(await done(starting, own))[1];
}

const dead = [
  ['that never was', () => 'sess_00000000000000000000000000'],
  ['that was closed', async () => {
    const id = await begin();
    await done(`SESSION_ID=${id}\n${closing}`);
    return id;
  }],
];

for (const [what, find] of dead) {
  test(`INF-09 a session ${what} is not found, in lower case, and the script of the document starts a new one`, async () => {
    const id = await find();
    const alone = await bash(`infsh app run agent-browser --function snapshot --session ${id} --input '{}'`);
    assert.equal(alone.code, noSession);
    assert.equal(alone.stdout, '');
    assert.match(alone.stderr, new RegExp(`^infsh: session not found: ${id}.*\\n$`));
    const output = await done(`SESSION_ID=${id}\n${expiry}echo "$SESSION_ID"\n${closing}`);
    const [said, next] = output.split('\n');
    assert.equal(said, 'Session expired, starting new one');
    assert.match(next, browserId);
    assert.notEqual(next, id);
  });
}

test('INF-09 a session that nobody called for its time is not found, and the script of the document starts a new one', async (t) => {
  const own = await startBrowsers({ browser: { executable: wrapper, idle_s: 1 } });
  t.after(() => own.stop());
  const id = await begin(at(own));
  await eventually(async () => (await sessionCount(own)) === 0, 'the session expires', 5000);
  const alone = await bash(`infsh app run agent-browser --function snapshot --session ${id}`, at(own));
  assert.equal(alone.code, noSession);
  assert.match(alone.stderr, /session not found: \S+ \(expired\)/);
  assert.match(await done(`SESSION_ID=${id}\n${expiry}`, at(own)), /Session expired, starting new one/);
});

test('INF-09 a session that lives is left alone by the script of the document', async () => {
  const id = await begin();
  assert.equal(await done(`SESSION_ID=${id}\n${expiry}echo $SESSION_ID`), `${id}\n`);
  await done(`SESSION_ID=${id}\n${closing}`);
});

test('INF-12 an id in a file serves a whole workflow: sign in, go on, take out, close', async () => {
  const steps = [
    `infsh app run agent-browser --function open --session new --input '{"url": "https://example.com/login"}' | jq -r '.session_id' > id`,
    `infsh app run agent-browser --function interact --session $(cat id) --input '{"action": "fill", "ref": "@e1", "text": "ada"}'`,
    `infsh app run agent-browser --function interact --session $(cat id) --input '{"action": "click", "ref": "@e2"}'`,
    `infsh app run agent-browser --function execute --session $(cat id) --input '{"code": "document.querySelector(\\"#secret\\").textContent"}'`,
    `infsh app run agent-browser --function open --session $(cat id) --input '{"url": "https://example.com/page2"}' | jq -r .title`,
    `infsh app run agent-browser --function execute --session $(cat id) --input '{"code": "document.body.innerText"}'`,
    `infsh app run agent-browser --function close --session $(cat id) --input '{}'`,
  ];
  const outputs = [];
  for (const step of steps) outputs.push(await done(step));
  assert.match(await readFile(path.join(folder, 'id'), 'utf8'), /^sess_\w+\n$/);
  assert.equal(objects(outputs[2])[0].snapshot.title, 'Welcome');
  assert.equal(objects(outputs[3])[0].result, 'forty-two');
  assert.equal(outputs[4], 'Second\n');
  assert.match(objects(outputs[5])[0].result, /visitor=yes/, 'the cookie of the first page is there');
  assert.equal(objects(outputs[6])[0].success, true);
});

test('INF-13 new is a session each time; without one there is none left', async () => {
  const before = await sessionCount(server);
  const ids = [await begin(), await begin()];
  assert.notEqual(ids[0], ids[1]);
  assert.equal(await sessionCount(server), before + 2);
  const [{ title, session_id: gone }] = objects(await done(`belt app run agent-browser --input '{"url": "https://example.com"}'`));
  assert.deepEqual([title, gone], ['Front', null]);
  assert.equal(await sessionCount(server), before + 2);
  for (const id of ids) await done(`SESSION_ID=${id}\n${closing}`);
});

test('the short commands tell people what programs are told, and a picture is kept where it is wanted', async () => {
  const text = await done('sojourn open example.com/start');
  const id = /^Session +(\S+)$/m.exec(text)[1];
  for (const part of [/^Page +Start$/m, /^@e1 \[a\] "Go on" href="\/page2"$/m, new RegExp(`sojourn interact ${id} click @e1`)]) assert.match(text, part);
  assert.match(await done(`sojourn interact ${id} click @e1 --no-screenshot`), /^Done +click @e1 <a> "Go on"\nPage +Second$/m);
  assert.match(await done('sojourn sessions --kind browser'), new RegExp(`${id} .*Second`));
  assert.equal(await done(`sojourn screenshot ${id} here.jpg`), 'here.jpg\n');
  assert.deepEqual([...readFileSync(path.join(folder, 'here.jpg')).subarray(0, 2)], [0xff, 0xd8]);
  assert.equal(await done(`echo 'document.title' | sojourn execute ${id} -`), 'Second\n');
  const missed = await bash(`sojourn interact ${id} click @e99`);
  assert.equal(missed.code, 65);
  assert.match(missed.stderr, /^sojourn: click: Unknown ref: @e99/);
  assert.equal(await done(`sojourn close ${id}`), `Closed ${id}\n`);
});

test('commands that need a server start one, once however many they are, and stop ends it', async (t) => {
  const data = path.join(folder, 'data');
  const own = { SOJOURN_SERVER: '', SOJOURN_DATA: data, SOJOURN_LISTEN: '127.0.0.1:0', SOJOURN_BROWSER__EXECUTABLE: wrapper };
  t.after(() => bash('sojourn stop', own));
  const unserved = await bash(`SESSION_ID=sess_1\n${expiry.replace('if echo', 'echo "$RESULT"; exit\nif echo')}`, own);
  assert.match(unserved.stdout, /session not found: sess_1 \(no server is running\)/);
  const began = await Promise.all([1, 2, 3].map(() => bash(starting, own)));
  for (const { code, stdout } of began) assert.match(stdout, /^Session: sess_/, `${code}`);
  const said = began.map(({ stderr }) => stderr).join('');
  assert.match(said, /^infsh: started a server \(http:\/\/127\.0\.0\.1:\d+, log: \S+\/server\.log\); stop it with: sojourn stop\n$/);
  assert.equal(JSON.parse(await done('sojourn sessions --json', own)).total_count, 3);
  const { pid } = JSON.parse(await readFile(path.join(data, 'server.json'), 'utf8'));
  assert.equal(await done('sojourn stop', own), `Stopped the server (pid ${pid}).\n`);
  assert.equal(await done('sojourn stop', own), 'No server is running.\n');
  assert.equal(existsSync(path.join(data, 'server.json')), false);
});

test('a server that cannot start is a refusal with its reason', async () => {
  const result = await bash('sojourn open example.com', { SOJOURN_SERVER: '', SOJOURN_DATA: path.join(folder, 'other'), SOJOURN_LISTEN: `127.0.0.1:${site.port}` });
  assert.equal(result.code, 69);
  assert.match(result.stderr, new RegExp(`^sojourn: a server was started and ended at once: port ${site.port} is in use`));
  assert.match(result.stderr, /SOJOURN_LISTEN=127\.0\.0\.1:PORT/);
  assert.ok(result.ms < 5000);
});

test('under its other name the program speaks of itself by it', async () => {
  assert.match(await done('infsh --help'), /^Usage: infsh app run agent-browser/m);
  const wrong = await bash('infsh app run agent-brwser');
  assert.equal(wrong.code, 64);
  assert.match(wrong.stderr, /^infsh: there is no app "agent-brwser"; the only one is agent-browser\n$/);
});
