// F11: everybody is cut off in one instant and comes back at once, while others go on to speak.

import { setTimeout as sleep } from 'node:timers/promises';
import { withChildren } from './children.mjs';
import { askAll, makeSessions, readLog } from './pipeline.mjs';
import { cpu_ms, memory, watchHealth, withLife } from './server.mjs';

const config = '[limits]\nmessages_per_s = 0\n';
const wall_ms = () => performance.timeOrigin + performance.now();

// Says one thing in each session, in one pass after the other, whatever becomes of the server.
function speak(life, sessions) {
  let [over, n] = [false, 0];
  const done = (async () => {
    while (!over) {
      const requests = Array.from({ length: 50 }, () => ({ method: 'POST', path: `/api/v1/sessions/${sessions[n % sessions.length]}/events`, body: JSON.stringify({ type: 'note', data: { n: (n += 1) } }) }));
      await askAll(life.server.port, requests, { connections: 2 }).catch(() => {});
      await sleep(50);
    }
  })();
  return { async end() { over = true; await done; return n; } };
}

async function look(children) {
  const all = await Promise.all(children.map((child) => child.ask('look')));
  const sum = (name) => all.reduce((total, each) => total + each[name], 0);
  return { present: sum('present'), heard: sum('heard'), refusals: sum('refusals'), last_in_ms: Math.max(...all.map((each) => each.last_in_ms)), resumed: Math.min(...all.map((each) => each.resumed)) };
}

async function allBack(children, count, resumed) {
  for (let tries = 0; tries < 12_000; ++tries) {
    const seen = await look(children);
    if (seen.present === count && seen.resumed >= resumed) return seen;
    await sleep(50);
  }
  throw new Error(`not all came back: ${JSON.stringify(await look(children))} of ${count}`);
}

async function compare(life, children, parts) {
  const total = { missing: 0, twice: 0, disorder: 0, gaps: 0, said: 0 };
  for (const [at, sessions] of parts.entries()) {
    const logs = {};
    for (const id of sessions) {
      const { events } = await readLog(life.server.port, id);
      logs[id] = events.filter(({ type }) => type === 'note').map(({ data }) => data.n);
      total.said += logs[id].length;
    }
    for (const [name, count] of Object.entries(await children[at].ask('compare', logs))) total[name] += count;
  }
  return total;
}

export function storm({ clients, each, processes, rounds }, tell) {
  return withLife({ config }, (life) => withChildren('crowd.mjs', processes, async (children) => {
    const sessions = await makeSessions(life.server.port, clients / each);
    const part = sessions.length / processes;
    const parts = children.map((_, at) => sessions.slice(at * part, (at + 1) * part));
    await Promise.all(children.map((child, at) => child.ask('join', { port: life.server.port, from: `127.0.0.${at + 2}`, sessions: parts[at], each })));
    await allBack(children, clients, 1);
    tell(`${clients} clients are in ${sessions.length} sessions; ${JSON.stringify(memory(life.server))}`);
    const rows = [];
    let resumed = 1;
    const speaker = speak(life, sessions);
    for (const [what, strike] of [
      ['killed and started again', async () => { await life.kill(); return wall_ms(); }],
      ['every connection reset by its client', async () => { const at_ms = wall_ms(); await Promise.all(children.map((child) => child.ask('cut'))); return at_ms; }],
    ]) {
      const [took_ms, used_ms] = [[], []];
      const health = watchHealth(life);
      for (let number = 1; number <= rounds; ++number) {
        await sleep(1000);
        const before_ms = cpu_ms(life.server);
        const at_ms = await strike();
        const { last_in_ms } = await allBack(children, clients, resumed += 1);
        took_ms.push(last_in_ms - at_ms);
        used_ms.push(cpu_ms(life.server) - (what.startsWith('killed') ? 0 : before_ms));
        tell(`${what}: all back after ${Math.round(took_ms.at(-1))} ms, ${used_ms.at(-1)} ms of the server's CPU`);
      }
      const { slowest_ms, count, failures } = await health.end();
      const { peak_mib } = memory(life.server);
      rows.push(
        { fault: `${clients} clients, ${what}`, figure: `all are back, worst of ${rounds} rounds; the server's CPU`, value: `${(Math.max(...took_ms) / 1000).toFixed(1)} s; ${(Math.max(...used_ms) / 1000).toFixed(1)} s`, goal: '10 s', met: Math.max(...took_ms) <= 10_000 },
        { fault: '', figure: 'slowest `/healthz`; most resident memory', value: `${Math.round(slowest_ms)} ms of ${count}, ${failures} failed; ${Math.round(peak_mib)} MiB`, goal: '200 ms; 600 MiB', met: slowest_ms <= 200 && failures === 0 && peak_mib <= 600 },
      );
    }
    const said = await speaker.end();
    await sleep(1000);
    const { refusals } = await look(children);
    const wrong = await compare(life, children, parts);
    const { missing, twice, disorder, gaps } = wrong;
    const heard = (await look(children)).heard;
    tell(JSON.stringify({ ...wrong, tried: said, heard, refusals }));
    rows.push({ fault: '', figure: 'events missing, twice, out of order; gaps', value: `${missing}, ${twice}, ${disorder}; ${gaps}, of ${heard} heard`, goal: '0', met: missing + twice + disorder + gaps === 0 && heard > 0 });
    return rows;
  }));
}
