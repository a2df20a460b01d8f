// What clients cost that say nothing: memory of each, server CPU of each and second, and what it took to join.

import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { joinAll } from './client.mjs';
import { measureCpu, residentBytes } from './usage.mjs';

const firstClients = 200;

// Resident memory, and once more after a garbage collection where the server knows how.
async function readMemory({ pid, settle, collect }) {
  await sleep(settle);
  const rss = residentBytes(pid);
  if (!collect) return { rss, collected: rss };
  for (let i = 0; i < 2; ++i) {
    spawnSync('kill', ['-USR2', String(pid)]);
    await sleep(settle);
  }
  return { rss, collected: residentBytes(pid) };
}

export async function measureIdle(options) {
  const { port, pid, clients: count, hold, script } = options;
  const clients = await joinAll(port, firstClients, script);
  const before = await readMemory(options);
  const joins = await measureCpu(pid, async () => { clients.push(...await joinAll(port, count, script)); });
  const held = await measureCpu(pid, () => sleep(hold));
  const after = await readMemory(options);
  return {
    rss: after.rss, rss_each: (after.rss - before.rss) / count, rss_each_collected: (after.collected - before.collected) / count,
    join_us: joins.cpu_us / count, load_share: joins.load_share, idle_us: held.cpu_us / clients.length / held.seconds,
    pings: clients.reduce((sum, client) => sum + client.pings, 0),
  };
}
