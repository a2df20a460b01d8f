// The server under a fault: the tests' own stage, without a test.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { mortal } from '../../tests/e2e/restart_stage.mjs';

// Gives `use` a life as the tests have it (its `server`, kill(), stop()), and ends what `use` left behind.
export async function withLife(options, use) {
  const ends = [];
  const t = { after: (end) => ends.push(end) };
  try {
    return await use(await mortal(t, { logLevel: 'warn', ready_ms: 60_000, ...options }), t);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

export function memory({ pid }) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) / 1024;
  return { rss_mib: mib('VmRSS'), peak_mib: mib('VmHWM') };
}

// What a process has used of the CPU so far; a tick is 10 ms.
export function cpu_ms({ pid }) {
  const [utime, stime] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13);
  return (Number(utime) + Number(stime)) * 10;
}

// Asks /healthz all the time, but not while `life.server` is dead: { slowest(), over() }.
export function watchHealth(life) {
  let [over, slowest_ms, count, failures] = [false, 0, 0, 0];
  const done = (async () => {
    while (!over) {
      const { server } = life;
      const began = performance.now();
      const status = await server.get('/healthz').then((answer) => answer.status, () => 0);
      if (status === 200) {
        slowest_ms = Math.max(slowest_ms, performance.now() - began);
        count += 1;
      }
      await sleep(50);
      if (status !== 200 && server === life.server && server.alive()) failures += 1;
    }
  })();
  return { async end() { over = true; await done; return { slowest_ms, count, failures }; } };
}
