// Servers that die and come back: on the same data folder and the same port, so that clients find them again.
import assert from 'node:assert/strict';
import { start } from './harness.mjs';

/** A server that can be killed; `t` ends the last one. `kill()` gives the next, after doing something in between. */
export async function mortal(t, options = {}) {
  const life = { server: await start(options), kills: 0 };
  t.after(() => life.server.stop());
  const again = async (between) => {
    await life.server.exited;
    await between?.(life.server.data);
    life.server = await start({ ...options, data: life.server.data, listen: [`127.0.0.1:${life.server.port}`] });
    life.kills += 1;
    return life.server;
  };
  /** Without a word; and starts again. */
  life.kill = async (between) => {
    assert.ok(life.server.child.kill('SIGKILL'));
    return again(between);
  };
  /** In order. */
  life.stop = async (between) => {
    life.server.child.kill('SIGTERM');
    assert.deepEqual(await life.server.exited, { code: 0, signal: null }, life.server.stderr);
    return again(between);
  };
  return life;
}
