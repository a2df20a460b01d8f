// A disk that answers a write or a sync with an error, under the real server (tests/faulty_disk): nothing more is
// acknowledged, it ends with 74, and what comes after finds all that was acknowledged.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { binary, eventually, projectRoot, run, start } from './harness.mjs';
import { mortal } from './restart_stage.mjs';

const library = process.env.SOJOURN_FAULTY_DISK || path.join(projectRoot, 'build/release/sojourn-faulty-disk.so');
const failing = (plan) => ({ LD_PRELOAD: library, FAULTY_DISK: plan });
const writers = 8;

/** Writes until it gets no answer any more; `over.at` is when the first write was refused. */
async function write(server, mine, over) {
  try {
    for (;;) {
      const version = mine.tried += 1;
      const sent_after_all = over.refused;
      const { status, json, text } = await server.send('PUT', `/api/v1/sessions/${mine.id}/state/v`, { version, text: 'x'.repeat(300) });
      if (status === 200) {
        assert.equal(sent_after_all, false, 'acknowledged after the disk had failed');
        mine.acknowledged = version;
      } else {
        over.refused = true;
        assert.ok([503, 507].includes(status), `${status} ${text}`);
        assert.equal(typeof json.code, 'string', 'and it says why');
        over.codes.add(json.code);
      }
    }
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
  }
}

// Both kinds again and again, early and late: among the first come those of the checkpoint that a start makes.
for (const plan of ['sync:2', 'sync:3:once', 'sync:20', 'sync:45:once', 'sync:120', 'write:9', 'write:25:once', 'write:100', 'write:301:once', 'write:800']) {
  test(`${plan} fails: no acknowledgement after it, exit code 74, and nothing acknowledged is lost`, async (t) => {
    const life = await mortal(t);
    const sessions = await Promise.all(Array.from({ length: writers }, async () => {
      const { json } = await life.server.post('/api/v1/sessions', {});
      return { id: json.session_id, tried: 0, acknowledged: 0 };
    }));
    const { port, data } = life.server;
    life.server.child.kill('SIGTERM');
    await life.server.exited;
    const weak = await start({ data, listen: [`127.0.0.1:${port}`], env: failing(plan) });
    life.server = weak;
    const over = { refused: false, codes: new Set() };
    await Promise.all(sessions.map((mine) => write(weak, mine, over)));
    const { code, signal } = await weak.exited;
    assert.deepEqual([code, signal], [74, null], weak.log().slice(-2000));
    assert.match(weak.log(), /faulty disk: \w+ \d+ failed/);
    assert.match(weak.log(), /"event":"storage\.failed"/);
    const acknowledged = sessions.reduce((sum, mine) => sum + mine.acknowledged, 0);
    t.diagnostic(`${acknowledged} acknowledged before it; refused with ${[...over.codes].join(', ') || 'no answer'}`);
    life.server = await start({ data, listen: [`127.0.0.1:${port}`] });
    for (const mine of sessions) {
      const { status, json } = await life.server.get(`/api/v1/sessions/${mine.id}/state/v`);
      const stands = status === 404 ? 0 : json.value.version;
      assert.ok(stands >= mine.acknowledged && stands <= mine.tried, `${stands} stands, ${mine.acknowledged} was acknowledged of ${mine.tried}`);
    }
    await eventually(async () => (await life.server.get('/readyz')).status === 200, 'it is ready');
  });
}

for (const plan of ['sync:1', 'write:1', 'write:4']) {
  test(`${plan} fails while the file is made: it does not start, says which file, and starts when the disk is whole`, async (t) => {
    const data = await mkdtemp(path.join(os.tmpdir(), 'sojourn-disk-'));
    t.after(() => rm(data, { recursive: true, force: true }));
    const refused = await run(binary, ['serve', '--data', data, '--listen', '127.0.0.1:0'], { ms_max: 10_000, env: { HOME: data, ...failing(plan) } });
    assert.ok([65, 73, 74].includes(refused.code), `${refused.code} ${refused.stderr}`);
    assert.match(refused.stderr, /^sojourn: .*sessions\.db/m);
    const server = await start({ data });
    assert.equal((await server.post('/api/v1/sessions', {})).status, 201);
    await server.stop();
  });
}
