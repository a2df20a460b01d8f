// F1: the server is killed under its writers, again and again, with many sessions stored beside theirs.

import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../../tests/e2e/chaos_proxy.mjs';
import { median, round } from '../processes.mjs';
import { withChildren } from './children.mjs';
import { makeSessions } from './pipeline.mjs';
import { cpu_ms, memory, withLife } from './server.mjs';

const config = '[limits]\nmessages_per_s = 0\n';

async function restart(life) {
  let began;
  await life.kill(() => { began = performance.now(); });
  while ((await life.server.get('/readyz')).status !== 200) await sleep(5);
  return { took_ms: performance.now() - began, cpu_ms: cpu_ms(life.server) };
}

export function kill({ rounds, sessions, writers, load_ms: [least_ms, most_ms] }, tell) {
  return withLife({ config }, (life) => withChildren('writer.mjs', 2, async (children) => {
    const began = performance.now();
    await makeSessions(life.server.port, sessions);
    tell(`${sessions} sessions made within ${round((performance.now() - began) / 1000)} s`);
    const own = await makeSessions(life.server.port, writers);
    const half = writers / children.length;
    await Promise.all(children.map((child, at) => child.ask('take', own.slice(at * half, (at + 1) * half))));
    const random = seeded(1);
    const restarts = [];
    const wrong = [];
    const rates = []; // acknowledged in a second of each round's load
    let [acknowledged, seen] = [0, 0];
    for (let number = 1; number <= rounds; ++number) {
      const { port } = life.server;
      await Promise.all(children.map((child) => child.ask('start', port)));
      const wait = least_ms + random() * (most_ms - least_ms);
      await sleep(wait);
      restarts.push(await restart(life));
      await Promise.all(children.map((child) => child.ask('stopped')));
      const found = await Promise.all(children.map((child) => child.ask('check', port)));
      const before = acknowledged;
      acknowledged = found.reduce((sum, each) => sum + each.acknowledged, 0);
      rates.push((acknowledged - before) / wait * 1000);
      seen = found.reduce((sum, each) => sum + each.seen, 0);
      wrong.push(...found.flatMap((each) => each.wrong));
      for (const text of found.flatMap((each) => each.wrong).slice(0, 3)) tell(`WRONG: ${text}`);
      tell(`round ${number} of ${rounds}: ${acknowledged} acknowledged, ready after ${Math.round(restarts.at(-1).took_ms)} ms, ${restarts.at(-1).cpu_ms} ms of CPU`);
    }
    const { rss_mib } = memory(life.server);
    const [took_ms, used_ms] = ['took_ms', 'cpu_ms'].map((name) => restarts.map((each) => each[name]));
    return [
      { fault: `\`kill -9\` under ${writers} writers, ${rounds} times`, figure: 'lost, torn, seen and gone, or a place used again', value: `${wrong.length} of ${acknowledged} acknowledged and ${seen} seen`, goal: '0', met: wrong.length === 0 },
      { fault: `restart with ${sessions} sessions stored`, figure: 'killed to `/readyz` 200, median (most); CPU of it', value: `${Math.round(median(took_ms))} ms (${Math.round(Math.max(...took_ms))} ms); ${Math.round(median(used_ms))} ms (${Math.max(...used_ms)} ms)`, goal: '1 s', met: median(took_ms) <= 1000 },
      { fault: '', figure: 'durable writes acknowledged each second of load, median (most); resident memory', value: `${Math.round(median(rates))} (${Math.round(Math.max(...rates))}); ${Math.round(rss_mib)} MiB`, met: true },
    ];
  }));
}
