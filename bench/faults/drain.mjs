// F13: a server with many connections is asked to end, while others write.

import { setTimeout as sleep } from 'node:timers/promises';
import { openEngine, poll } from '../../tests/e2e/monitor_stage.mjs';
import { withChildren } from './children.mjs';
import { askAll, makeSessions } from './pipeline.mjs';
import { withLife } from './server.mjs';

const config = '[limits]\nmessages_per_s = 0\n';

// Long polls until the server lets go: how many came to their end.
async function startPollers(server, count) {
  const pollers = [];
  for (let n = 0; n < count; ++n) {
    const { sid } = await openEngine(server);
    await poll(server, { sid }, { method: 'POST', body: '40' });
    pollers.push((async () => {
      for (;;) {
        const answer = await poll(server, { sid }).catch(() => undefined);
        if (answer?.status !== 200) return true;
      }
    })());
  }
  return pollers;
}

// A write after the other until nobody answers: the last that was acknowledged.
async function write(server, id) {
  for (let n = 1; ; ++n) {
    const done = await askAll(server.port, [{ method: 'PUT', path: `/api/v1/sessions/${id}/state/n`, body: `${n}` }]).then(() => true, () => false);
    if (!done) return n - 1;
  }
}

export function drain({ sockets, each, pollers, processes }, tell) {
  return withLife({ config }, (life) => withChildren('crowd.mjs', processes, async (children) => {
    const { server } = life;
    const sessions = await makeSessions(server.port, sockets / each);
    const part = sessions.length / processes;
    await Promise.all(children.map((child, at) => child.ask('join', { port: server.port, from: `127.0.0.${at + 2}`, sessions: sessions.slice(at * part, (at + 1) * part), each, mix: ['stream'], returns: false })));
    const polls = await startPollers(server, pollers);
    const own = await makeSessions(server.port, 16);
    const writes = own.map((id) => write(server, id));
    await sleep(1000);
    tell(`${sockets} WebSockets, ${pollers} pollers and ${own.length} writers`);
    const began = performance.now();
    server.child.kill('SIGTERM');
    const { code, signal } = await server.exited;
    const took_s = (performance.now() - began) / 1000;
    await Promise.all(polls);
    const acknowledged = await Promise.all(writes);
    await sleep(500);
    const goodbyes = (await Promise.all(children.map((child) => child.ask('goodbyes')))).flat();
    const told = goodbyes.filter((goodbye) => goodbye?.code === 1012).length;
    const hints = new Set(goodbyes.map((goodbye) => /retry in (\d+) ms$/.exec(goodbye?.reason)?.[1]));
    const next = await life.stop();
    const states = await askAll(next.port, own.map((id) => ({ path: `/api/v1/sessions/${id}/state/n` })));
    const lost = states.filter(({ value }, at) => value < acknowledged[at]).length;
    return [
      { fault: `\`SIGTERM\` with ${sockets} WebSockets, ${pollers} pollers, ${own.length} writers`, figure: 'ended with 0', value: signal ?? `${code}, after ${took_s.toFixed(1)} s`, goal: '15 s', met: code === 0 && took_s <= 15 },
      { fault: '', figure: 'closed with 1012; moments to come back; acknowledged writes lost', value: `${told}; ${hints.size}; ${lost} of ${acknowledged.reduce((sum, n) => sum + n, 0)}`, goal: `${sockets}; spread; 0`, met: told === sockets && hints.size > 16 && lost === 0 },
    ];
  }));
}
