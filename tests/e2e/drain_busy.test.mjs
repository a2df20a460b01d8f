// The end of a server that is in the middle of something: many connections of every kind, polls that wait, and writes
// under way. Each is told, each write is answered or was never begun, and what was acknowledged is there afterwards.
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { eventually, sleep } from './harness.mjs';
import { openEngine, poll } from './monitor_stage.mjs';
import { mortal } from './restart_stage.mjs';
import { createSession, join, openEvents, watch } from './tracking_stage.mjs';

const counts = { streams: 300, members: 100, readers: 60, pollers: 40, writers: 32 };

/** A write on a connection that is kept: {status, json}, or {error, sent}: `sent` tells whether the connection had taken it. */
function put(agent, port, target, value) {
  return new Promise((resolve) => {
    const body = JSON.stringify(value);
    const outgoing = http.request({ port, host: '127.0.0.1', path: target, method: 'PUT', agent, headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) } }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
      incoming.on('close', () => resolve(incoming.complete ? { status: incoming.statusCode, json: JSON.parse(text) } : { error: 'cut off in the answer' }));
    });
    outgoing.on('error', (error) => resolve({ error: error.code, reused: outgoing.reusedSocket }));
    outgoing.end(body);
  });
}

/** Writes until the server takes no more: counts of what became of each. */
async function write(port, mine) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (let error; error !== 'ECONNREFUSED';) {
    const version = mine.tried += 1;
    const answer = await put(agent, port, `/api/v1/sessions/${mine.id}/state/v`, { version });
    error = answer.error;
    if (answer.status === 200) mine.acknowledged = version;
    else if (answer.status !== undefined) mine.refused.push(answer);
    else mine.unanswered.push(error);
  }
  agent.destroy();
}

test('500 connections, readers, polls and writes: 1012 with a moment of its own, writes answered, nothing acknowledged lost, exit code 0', async (t) => {
  const life = await mortal(t, { config: '[limits]\ndrain_ms = 3000\nmessages_per_s = 0\n' });
  const { server } = life;
  const { session_id: id } = await createSession(server);
  const many = (count, make) => Promise.all(Array.from({ length: count }, make));
  const members = [...await many(counts.streams, () => watch(t, server, id)), ...await many(counts.members, () => join(t, server, { session: id }))];
  const readers = await many(counts.readers, () => openEvents(t, server, id));
  const polls = (await many(counts.pollers, () => openEngine(server))).map(async ({ sid }) => {
    assert.equal((await poll(server, { sid }, { method: 'POST', body: '40' })).text, 'ok');
    for (let answers = 0; ; answers += 1) { // a client asks again whenever it is answered
      const answer = await poll(server, { sid }).catch((error) => ({ error: error.code }));
      if (answer.error || answer.status !== 200) return { ...answer, answers };
    }
  });
  const writers = await many(counts.writers, async () => ({ id: (await createSession(server)).session_id, tried: 0, acknowledged: 0, refused: [], unanswered: [] }));
  const writing = writers.map((mine) => write(server.port, mine));
  await eventually(() => writers.every(({ acknowledged }) => acknowledged > 3), 'all of them write');

  const began = performance.now();
  const ends = members.map(async ({ closed }) => ({ ...await closed, ms: performance.now() - began }));
  server.child.kill('SIGTERM');
  const closed = await Promise.all(ends);
  assert.deepEqual([...new Set(closed.map(({ code }) => code))], [1012]);
  const hints = closed.map(({ reason }) => Number(/retry in (\d+) ms$/.exec(reason)?.[1]));
  assert.ok(hints.every((ms) => ms >= 500 && ms <= 3500), `${Math.min(...hints)} to ${Math.max(...hints)}`);
  assert.ok(new Set(hints).size > 16, 'they are spread');
  for (const reader of readers) {
    await eventually(() => reader.ended, 'the reader is let go', 5000);
    assert.equal(reader.inbox.items.at(-1).data.code, 1012);
  }
  for (const { error, status } of await Promise.all(polls)) assert.ok(error || [400, 503].includes(status), `a poll ended with ${status}`);
  await Promise.all(writing);
  assert.deepEqual(await server.exited, { code: 0, signal: null });
  const ms = Math.max(...closed.map((end) => end.ms));
  for (const { refused, unanswered } of writers) {
    for (const { status, json } of refused) assert.ok(status === 503 && typeof json.code === 'string', `${status} ${JSON.stringify(json)}`);
    assert.ok(!unanswered.includes('cut off in the answer'), 'no answer is torn');
  }
  const unanswered = writers.flatMap((mine) => mine.unanswered.filter((error) => error !== 'ECONNREFUSED'));
  t.diagnostic(`${members.length} WebSockets within ${Math.round(ms)} ms; ${writers.reduce((sum, { acknowledged }) => sum + acknowledged, 0)} writes acknowledged, ${writers.flatMap(({ refused }) => refused).length} refused, ${unanswered.length} on connections that were let go: ${[...new Set(unanswered)]}`);

  const next = await life.stop();
  for (const mine of writers) {
    const { json } = await next.get(`/api/v1/sessions/${mine.id}/state/v`);
    assert.ok(json.value.version >= mine.acknowledged && json.value.version <= mine.tried, `${json.value.version} of ${mine.acknowledged}`);
  }
});

test('asked a second time in the middle of it, the server ends at once, and what it acknowledged is there', async (t) => {
  const life = await mortal(t, { config: '[limits]\ndrain_ms = 60000\n' });
  const { server } = life;
  const mine = { id: (await createSession(server)).session_id, tried: 0, acknowledged: 0, refused: [], unanswered: [] };
  const members = await Promise.all(Array.from({ length: 200 }, () => watch(t, server, mine.id)));
  for (const { ws } of members.slice(100)) ws.pause(); // these never hear that they are to go
  const writing = write(server.port, mine);
  await eventually(() => mine.acknowledged > 3, 'it writes');
  server.child.kill('SIGTERM');
  await sleep(200);
  const began = performance.now();
  server.child.kill('SIGTERM');
  const { code, signal } = await server.exited;
  assert.ok(performance.now() - began < 2000);
  assert.deepEqual([code, signal], [0, null]);
  await writing;
  const next = await life.stop();
  const { json } = await next.get(`/api/v1/sessions/${mine.id}/state/v`);
  assert.ok(json.value.version >= mine.acknowledged && json.value.version <= mine.tried);
});
