// The pages of docs/browsers and the demonstrations of examples/browsers, as a reader runs them: every bash block of a
// page in its order, in one shell, on the demonstration site; what the page shows below a block has to come back, but for "…".
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { binary, projectRoot, run } from './harness.mjs';
import { sessionCount, startBrowsers } from './browser_stage.mjs';

const docs = path.join(projectRoot, 'docs/browsers');
const examples = path.join(projectRoot, 'examples/browsers');
const shownSite = 'http://127.0.0.1:40123';

let server;
let folder;
let site;
before(async () => {
  server = await startBrowsers();
  folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-docs-'));
  await mkdir(path.join(folder, 'bin'));
  for (const name of ['sojourn', 'infsh']) await symlink(path.resolve(binary), path.join(folder, 'bin', name));
  const process = spawn('python3', [path.join(examples, 'site.py')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const { value: url } = await createInterface({ input: process.stdout })[Symbol.asyncIterator]().next();
  site = { url, stop: () => { process.kill('SIGTERM'); } };
});
after(async () => {
  site?.stop();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const env = (more) => ({
  HOME: folder, PATH: `${path.join(folder, 'bin')}:${process.env.PATH}`, TMPDIR: folder, AGENT: path.join(folder, 'bin/sojourn'),
  SOJOURN_DATA: server.data, SOJOURN_SERVER: '', SOJOURN_TOKEN: '', SOJOURN_KEY: '', ...more,
});
const shell = (script) => run('bash', ['-euo', 'pipefail', '-c', script], { env: env(), cwd: folder, ms_max: 120_000 });
const example = (name, args = [], more = {}) => run(path.join(examples, name), args, { env: env(more), cwd: folder, ms_max: 120_000 });

/** The bash blocks of a page: [{script, shown}], `shown` being the text block right below, if there is one. */
function blocksOf(text) {
  return [...text.matchAll(/^```bash\n([^]*?)^```\n(?:\n```text\n([^]*?)^```)?/gm)].map(([, script, shown]) => ({ script, shown }));
}

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const patternOf = (shown) => new RegExp(`^${shown.trim().split('…').map(escape).join('.*?')}$`, 's');

async function runPage(name) {
  const blocks = blocksOf((await readFile(path.join(docs, name), 'utf8')).replaceAll(shownSite, site.url));
  assert.ok(blocks.some(({ shown }) => shown), `${name} shows nothing that could be checked`);
  const mark = '@@@@ next block';
  const { code, stdout, stderr } = await shell(blocks.map(({ script }) => script).join(`\nprintf '\\n%s\\n' '${mark}'\n`));
  const outputs = stdout.split(`\n${mark}\n`);
  for (const [at, { script, shown }] of blocks.entries()) {
    assert.ok(at < outputs.length, `${name} ended with ${code} before block ${at + 1}:\n${script}\n${stderr}`);
    if (shown !== undefined) assert.match(outputs[at].trim(), patternOf(shown), `${name}, block ${at + 1}:\n${script}\n${stderr}`);
  }
  assert.equal(code, 0, stderr);
}

const noneLeft = async () => assert.equal(await sessionCount(server), 0, 'a session was left open');

for (const name of ['README.md', 'authentication.md', 'recording.md', 'ab-comparison.md']) {
  test(`INF-14 what docs/browsers/${name} says works as it is written`, async (t) => {
    if (name === 'recording.md' && !existsSync('/usr/bin/ffmpeg')) return t.skip('there is no ffmpeg');
    await runPage(name);
    return noneLeft();
  });
}

// What a page shows of a demonstration: the lines below its command.
async function shownOf(page, command) {
  const text = await readFile(path.join(docs, page), 'utf8');
  const [, shown] = new RegExp(`^\`\`\`console\\n\\$ ${escape(command)}\\n([^]*?)^\`\`\``, 'm').exec(text);
  return patternOf(shown);
}

test('INF-14 the A/B comparison counts the steps of both versions and leaves a picture of each', async () => {
  const { code, stdout, stderr } = await example('ab');
  assert.equal(code, 0, stderr);
  assert.match(stdout.trim(), await shownOf('ab-comparison.md', 'examples/browsers/ab'));
  for (const name of ['A.png', 'B.png']) {
    const bytes = await readFile(path.join(folder, 'ab-pictures', name));
    assert.equal(bytes.subarray(1, 4).toString(), 'PNG');
  }
  await noneLeft();
});

test('INF-14 the A/B comparison says so when a version never comes to its end, and closes its sessions', async () => {
  const { code, stderr } = await example('ab', [`${site.url}/a`, `${site.url}/shop`]);
  assert.equal(code, 1);
  assert.match(stderr, /version B never says thanks/);
  await noneLeft();
});

test('INF-05 INF-14 several sites are read at once into one table', async () => {
  const { code, stdout, stderr } = await example('sites');
  assert.equal(code, 0, stderr);
  assert.match(stdout.trim(), await shownOf('multi-site.md', 'examples/browsers/sites'));
  await noneLeft();
});

test('INF-14 a site that cannot be read costs its own lines only', async () => {
  const { code, stdout, stderr } = await example('sites', [`${site.url}/catalog`, 'http://127.0.0.1:1/catalog']);
  assert.equal(code, 1);
  assert.match(stdout, /Fountain pen/);
  assert.match(stderr, /127\.0\.0\.1:1\/catalog could not be read/);
  await noneLeft();
});

test('INF-05 INF-14 the load test runs its users at the same time, and each finds their own basket', async () => {
  const { code, stdout, stderr } = await example('load', ['8']);
  assert.equal(code, 0, stderr);
  assert.match(stdout.trim(), await shownOf('load-test.md', 'examples/browsers/load 8'));
  await noneLeft();
});

test('INF-09 INF-12 INF-14 the sign-in is kept by the session id, and done again when the session is gone', async () => {
  const { code, stdout, stderr } = await example('login');
  assert.equal(code, 0, stderr);
  assert.match(stdout.trim(), await shownOf('authentication.md', 'examples/browsers/login'));
  await noneLeft();
});

test('INF-12 INF-14 the session of the sign-in lives on between two runs, and a wrong password is said', async () => {
  const more = { SESSION_FILE: path.join(folder, 'kept') };
  assert.match((await example('login', [site.url], more)).stdout, /a new session$/m);
  assert.match((await example('login', [site.url], more)).stdout, /the same session$/m);
  const id = (await readFile(more.SESSION_FILE, 'utf8')).trim();
  await shell(`sojourn app run agent-browser --function close --session ${id} --input '{}'`);
  const wrong = await example('login', [site.url], { ...more, LOGIN_PASSWORD: 'guess' });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /the name or the password is wrong/);
  await noneLeft();
});

test('the demonstrations leave no folder behind', async () => {
  assert.deepEqual((await readdir(folder)).filter((name) => name.startsWith('tmp.')), []);
});
