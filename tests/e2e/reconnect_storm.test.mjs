// Everybody is cut off in one instant and comes back at once, without waiting for one another: 500 clients of three kinds in
// 100 sessions in which others go on to speak. The long form, with 10,000 of them, is bench/faults.
import assert from 'node:assert/strict';
import http from 'node:http';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { chaosProxy } from './chaos_proxy.mjs';
import { Crowd } from './followers.mjs';
import { eventually, sleep } from './harness.mjs';
import { mortal } from './restart_stage.mjs';

const counts = { sessions: 100, each: 5, rounds: 2 };

/** Says one number after the other in each session, and goes on when the server is there again. */
function speak(life, sessions) {
  const speaker = { over: false, said: 0 };
  speaker.done = (async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    for (let n = 0; !speaker.over; n += 1) {
      const session = sessions[n % sessions.length];
      const body = JSON.stringify({ type: 'note', data: { n } });
      const status = await new Promise((resolve) => {
        const outgoing = http.request({ port: life.server.port, host: '127.0.0.1', path: `/api/v1/sessions/${session}/events`, method: 'POST', agent, headers: { 'Content-Type': 'application/json' } },
          (incoming) => { incoming.resume(); incoming.on('close', () => resolve(incoming.statusCode)); });
        outgoing.on('error', () => resolve(0));
        outgoing.end(body);
      });
      if (status === 201) speaker.said += 1; else await sleep(5);
    }
    agent.destroy();
  })();
  return speaker;
}

/** Asks /healthz every 50 ms of a server that is up: the slowest answer. */
function probe(life) {
  const health = { over: false, ms_max: 0, count: 0 };
  health.done = (async () => {
    for (; !health.over; await sleep(50)) {
      const { server } = life;
      const began = performance.now();
      const status = await server.get('/healthz').then((answer) => answer.status, () => 0);
      if (status === 0) await sleep(100);
      if (life.server !== server || !server.alive()) continue; // it had been killed
      assert.equal(status, 200);
      health.count += 1;
      health.ms_max = Math.max(health.ms_max, performance.now() - began);
    }
  })();
  return health;
}

const peakKb = async ({ pid }) => Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))[1]);

async function logsOf(server, sessions) {
  const logs = {};
  for (const id of sessions) {
    const { events } = (await server.get(`/api/v1/sessions/${id}/events?limit=1000`)).json;
    logs[id] = events.filter(({ type }) => type === 'note').map(({ data }) => data.n);
  }
  return logs;
}

const storms = {
  'the server is killed and comes back': {
    way: async (t, life) => life.server.port,
    strike: async (life) => { await life.kill(); },
  },
  'the network resets every connection': {
    way: async (t, life) => { life.proxy = await chaosProxy(t, life.server); return life.proxy.port; },
    strike: async (life) => { life.proxy.cut(); },
  },
};

for (const [what, { way, strike }] of Object.entries(storms)) {
  test(`${what}: ${counts.sessions * counts.each} clients come back at once and hear each event once and in order`, async (t) => {
    const life = await mortal(t, { config: '[limits]\nmessages_per_s = 0\n' });
    const sessions = [];
    for (let n = 0; n < counts.sessions; n += 1) sessions.push((await life.server.post('/api/v1/sessions', {})).json.session_id);
    const crowd = new Crowd(await way(t, life));
    t.after(() => crowd.end());
    await crowd.join(sessions, counts.each);
    await eventually(() => crowd.all, 'all are in', 20_000);
    const [speaker, health] = [speak(life, sessions), probe(life)];
    t.after(() => { for (const each of [speaker, health]) each.over = true; });
    for (let round = 1; round <= counts.rounds; round += 1) {
      await sleep(500);
      const began = performance.timeOrigin + performance.now();
      await strike(life);
      await eventually(() => crowd.all && crowd.count('resumes') === crowd.followers.length * (round + 1), 'all have come back', 20_000);
      t.diagnostic(`round ${round}: all are back ${Math.round(crowd.last_in_ms - began)} ms after it`);
    }
    await sleep(200);
    for (const each of [speaker, health]) each.over = true;
    await Promise.all([speaker.done, health.done]);
    const logs = await logsOf(life.server, sessions);
    const total = counts.each * Object.values(logs).reduce((sum, said) => sum + said.length, 0);
    await eventually(() => crowd.heard >= total, 'everything is heard', 10_000).catch(() => {});
    assert.deepEqual(crowd.compare(logs), { missing: 0, twice: 0, disorder: 0, gaps: 0 });
    assert.equal(crowd.heard, total);
    assert.ok(health.count > 5 && speaker.said > 50);
    t.diagnostic(`${speaker.said} events acknowledged, ${total} heard; peak memory ${await peakKb(life.server)} kB; slowest of ${health.count} health checks ${Math.round(health.ms_max)} ms; ${crowd.count('refusals')} tries were turned away`);
  });
}
