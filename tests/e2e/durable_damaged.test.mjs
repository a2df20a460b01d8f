// A file that was changed while nobody looked: the server does not start, and says which file, where, and what to do. The
// store's own tests change 500 places; these are the kinds.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { binary, run, start } from './harness.mjs';
import { createSession, postEvent } from './tracking_stage.mjs';

let folder;
let whole; // the files of a server that ended in order, and those of one that was killed
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-damage-'));
  const server = await start();
  const { session_id: id } = await createSession(server);
  for (let n = 0; n < 200; n += 1) await postEvent(server, id, { type: 'note', data: 'x'.repeat(500) });
  whole = { killed: await filesOf(server.data) };
  server.child.kill('SIGTERM');
  await server.exited;
  whole.ended = await filesOf(server.data);
  await server.stop();
});
after(() => rm(folder, { recursive: true, force: true }));

/** What stands in a data folder, by name. A server that runs writes nothing while nobody asks it. */
async function filesOf(data) {
  const files = {};
  for (const name of ['sessions.db', 'sessions.db-wal', 'sessions.db.lock']) {
    const bytes = await readFile(path.join(data, name)).catch(() => undefined);
    if (bytes) files[name] = bytes;
  }
  return files;
}

let count = 0;
async function startOn(files) {
  const data = path.join(folder, `data-${count += 1}`);
  await mkdir(data, { mode: 0o700 });
  for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(data, name), bytes, { mode: 0o600 });
  const serve = await run(binary, ['serve', '--data', data, '--listen', '127.0.0.1:0'], { ms_max: 10_000, env: { HOME: data } });
  return { ...serve, file: path.join(data, 'sessions.db'), data };
}

const changed = (bytes, at, value) => { const copy = Buffer.from(bytes); copy[at] = value ?? copy[at] ^ 0x55; return copy; };
const zeroed = (bytes, from, length) => Buffer.from(bytes).fill(0, from, from + length);
const page = 4096;

const damages = {
  'an empty file': () => ({ 'sessions.db': Buffer.alloc(0) }),
  'a text': () => ({ 'sessions.db': Buffer.from('no database at all\n') }),
  'another kind of file': ({ ended }) => ({ ...ended, 'sessions.db': changed(ended['sessions.db'], 0, 0x73) }),
  'a database of something else': ({ ended }) => ({ ...ended, 'sessions.db': changed(ended['sessions.db'], 68) }),
  'a file of a newer version': ({ ended }) => ({ ...ended, 'sessions.db': changed(ended['sessions.db'], 63, 99) }),
  'half of it': ({ ended }) => ({ ...ended, 'sessions.db': ended['sessions.db'].subarray(0, ended['sessions.db'].length >> 1) }),
  'a page of zeros': ({ ended }) => ({ ...ended, 'sessions.db': zeroed(ended['sessions.db'], page, page) }),
  'every 512th byte': ({ ended }) => {
    const bytes = Buffer.from(ended['sessions.db']);
    for (let at = page + 100; at < bytes.length; at += 512) bytes[at] ^= 0x55;
    return { ...ended, 'sessions.db': bytes };
  },
  'a byte in the middle of the log beside it': ({ killed }) => ({ ...killed, 'sessions.db-wal': changed(killed['sessions.db-wal'], killed['sessions.db-wal'].length >> 1) }),
  'the log beside it is gone': ({ killed }) => ({ 'sessions.db': killed['sessions.db'], ...(killed['sessions.db.lock'] && { 'sessions.db.lock': killed['sessions.db.lock'] }) }),
};

for (const [what, harm] of Object.entries(damages)) {
  test(`${what}: exit code 65, and one line with the file, the place and what to do`, async (t) => {
    const { code, stderr, file, data } = await startOn(harm(whole));
    assert.equal(code, 65, stderr);
    const said = stderr.trim().split('\n').filter((line) => line.startsWith('sojourn: '));
    assert.equal(said.length, 1, stderr);
    t.diagnostic(said[0].replaceAll(folder, ''));
    assert.ok(said[0].includes(file), said[0]);
    assert.match(said[0], /sojourn restore|newer|upgrade/);
    const checked = await run(binary, ['verify', '--data', data]);
    assert.equal(checked.code, 65, `${checked.stdout}${checked.stderr}`);
    assert.ok(checked.stderr.includes(file), checked.stderr);
  });
}

test('the same files unharmed are served', async () => {
  for (const files of Object.values(whole)) {
    const data = path.join(folder, `data-${count += 1}`);
    await mkdir(data, { mode: 0o700 });
    for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(data, name), bytes, { mode: 0o600 });
    const server = await start({ data });
    assert.equal((await server.get('/readyz')).json.sessions, 1);
    await server.stop();
  }
});
