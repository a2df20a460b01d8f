// A disk that runs full under the server, and gets room again (a tmpfs, which takes root to make).
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { eventually, run, start } from './harness.mjs';
import { as, createSession, postEvent, watch } from './tracking_stage.mjs';

const isRoot = process.getuid() === 0;

async function smallDisk(t, mib) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-disk-'));
  const { code, stderr } = await run('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=0700`, 'tmpfs', folder]);
  assert.equal(code, 0, stderr);
  t.after(async () => {
    await run('umount', ['-l', folder]);
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
}

test('a full disk: 507 before anything is done, everything else goes on, and so does this when there is room', { skip: !isRoot && 'it takes root to make a small disk' }, async (t) => {
  const data = path.join(await smallDisk(t, 256), 'data');
  const server = await start({ data });
  t.after(() => server.stop());
  const { session_id: id } = await createSession(server);
  const member = await watch(t, server, id);
  const before = await postEvent(server, id, { type: 'note', data: 'before' });
  const filler = path.join(data, '..', 'filler');
  await writeFile(filler, Buffer.alloc(200 * 1024 * 1024));
  const put = async (value) => server.send('PUT', `/api/v1/sessions/${id}/state/k`, value, await as(server));
  const refused = await eventually(async () => { const answer = await put(1); return answer.status === 507 && answer; }, 'it is refused');
  assert.match(refused.text, /nearly full/);
  assert.match(refused.text, /storage_full/);
  for (const answer of [
    await server.post(`/api/v1/sessions/${id}/events`, { type: 'note', data: 1 }, await as(server)),
    await server.post('/api/v1/sessions', {}, await as(server)),
    await server.post(`/api/v1/sessions/${id}/tokens`, { scope: 'read' }, await as(server)),
  ]) assert.equal(answer.status, 507, answer.text);
  const ready = await server.get('/readyz');
  assert.deepEqual([ready.status, ready.json.storage], [503, 'full']);
  assert.equal((await server.get('/healthz')).status, 200);
  const log = (await server.get(`/api/v1/sessions/${id}/events?limit=1000`, await as(server))).json.events;
  assert.equal(log.filter(({ type }) => type === 'note').length, 1, 'what was refused was not done');
  await server.post(`/api/v1/sessions/${id}/events`, { type: 'wave', volatile: true }, await as(server));
  assert.equal((await member.nextOf('wave')).type, 'wave', 'connections live on');
  await rm(filler);
  await eventually(async () => (await server.get('/readyz')).status === 200, 'it is ready again', 2000);
  const after = await postEvent(server, id, { type: 'note', data: 'after' });
  assert.ok(after.seq > before.seq);
});
