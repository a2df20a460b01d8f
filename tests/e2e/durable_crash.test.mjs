// Writers whose server is killed under them: what was acknowledged is there, whole and in its place, and what anybody
// saw is still there. The long form is bench/faults.
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { eventually, sleep } from './harness.mjs';
import { mortal } from './restart_stage.mjs';

const writers = 64;
const rounds = 5;

/** One connection that is kept: ask(method, target, body) gives {status, json}, or throws when it breaks. */
function connection(port) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (method, target, value) => new Promise((resolve, reject) => {
    const body = value === undefined ? undefined : JSON.stringify(value);
    const outgoing = http.request({ port, host: '127.0.0.1', path: target, method, agent, headers: { ...(body && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }) } }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
      incoming.on('error', reject);
      incoming.on('close', () => (incoming.complete ? resolve({ status: incoming.statusCode, json: JSON.parse(text || 'null') }) : reject(new Error('cut off'))));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
  return { ask, end: () => agent.destroy() };
}

test(`kill -9 under ${writers} writers, ${rounds} times: nothing acknowledged is lost, nothing seen is gone, no cursor is used again`, async (t) => {
  const life = await mortal(t, { config: '[limits]\nconnections = 1000\n' });
  const told = Array.from({ length: writers }, () => ({ version: 0, tried: 0, cursors: new Map(), seen: 0 }));
  const sessions = await Promise.all(told.map(async (mine) => {
    const one = connection(life.server.port);
    const { json } = await one.ask('POST', '/api/v1/sessions', {});
    one.end();
    return Object.assign(mine, { id: json.session_id });
  }));
  let acknowledged = 0;
  for (let round = 0; round < rounds; round += 1) {
    let over = false;
    const work = sessions.map(async (mine, at) => {
      const one = connection(life.server.port);
      try {
        while (!over) {
          const version = mine.tried += 1;
          const { status, json } = await one.ask('PUT', `/api/v1/sessions/${mine.id}/state/v`, { version, text: 'x'.repeat(250) });
          assert.equal(status, 200);
          assert.ok(!mine.cursors.has(json.cursor), 'a cursor came twice');
          mine.cursors.set(json.cursor, version);
          mine.version = version;
          acknowledged += 1;
          if (version % 8 === at % 8) { // what somebody reads is there for good
            const { json: read } = await one.ask('GET', `/api/v1/sessions/${mine.id}/state/v`);
            mine.seen = Math.max(mine.seen, read.value.version);
          }
        }
      } catch (error) {
        if (!over) throw error;
      } finally {
        one.end();
      }
    });
    const broken = Promise.all(work);
    broken.catch(() => {});
    await sleep(200 + Math.floor(Math.random() * 400));
    over = true;
    await life.kill();
    await broken;
    const look = connection(life.server.port);
    for (const mine of sessions) {
      const { status, json } = await look.ask('GET', `/api/v1/sessions/${mine.id}/state/v`);
      if (status === 404) { assert.equal(mine.version, 0); continue; }
      assert.equal(json.value.text.length, 250, 'nothing is torn');
      assert.ok(json.value.version >= Math.max(mine.version, mine.seen), `${json.value.version} came back of ${mine.version} acknowledged, ${mine.seen} seen`);
      assert.ok(json.value.version <= mine.tried, 'nobody wrote that');
      const { json: log } = await look.ask('GET', `/api/v1/sessions/${mine.id}/events?limit=1000`);
      for (const event of log.events) {
        const version = mine.cursors.get(event.cursor);
        const stands = event.data?.set?.v?.version;
        if (version !== undefined) assert.equal(stands, version, 'another event stands at its cursor');
        if (stands !== undefined) mine.cursors.set(event.cursor, stands);
      }
      mine.tried = Math.max(mine.tried, json.value.version);
    }
    look.end();
  }
  assert.ok(acknowledged > 500, `${acknowledged} writes were acknowledged`);
  t.diagnostic(`${acknowledged} acknowledged writes in ${rounds} rounds`);
  await eventually(async () => (await life.server.get('/readyz')).status === 200, 'it is ready');
});
