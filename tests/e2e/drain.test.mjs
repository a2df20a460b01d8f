// The end of a server: ready no more at once, what is under way is finished, connections go one after another and are
// told when to come back, and it ends with 0.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep, start } from './harness.mjs';
import { as, createSession, openEvents, watch } from './tracking_stage.mjs';

test('connections go one after another with 1012 and a moment to come back, and the server ends with 0', async (t) => {
  const server = await start({ config: '[limits]\ndrain_ms = 2000\n' });
  const { session_id: id } = await createSession(server);
  const members = await Promise.all(Array.from({ length: 200 }, () => watch(t, server, id)));
  const reader = await openEvents(t, server, id);
  await reader.next();
  const began = Date.now();
  const closed = members.map(async (member) => ({ ...await member.closed, ms: Date.now() - began }));
  server.child.kill('SIGTERM');
  const ends = await Promise.all(closed);
  assert.deepEqual([...new Set(ends.map(({ code }) => code))], [1012]);
  const retries = new Set(ends.map(({ reason }) => Number(/^the server is shutting down; retry in (\d+) ms$/.exec(reason)?.[1])));
  assert.ok(retries.size > 10 && [...retries].every((ms) => ms >= 500 && ms <= 2500), `${[...retries]}`);
  const last = Math.max(...ends.map(({ ms }) => ms));
  const first = Math.min(...ends.map(({ ms }) => ms));
  assert.ok(last - first > 200, `all of them within ${last - first} ms`);
  const goodbye = await reader.next();
  assert.match(goodbye.retry, /^\d+$/);
  assert.equal(goodbye.event, 'session.close');
  assert.equal(goodbye.data.code, 1012);
  assert.deepEqual(await server.exited, { code: 0, signal: null });
  assert.ok(Date.now() - began < 5000, 'few connections do not take the whole window');
  await server.stop();
});

test('a request that is being answered is answered, and a new one finds nobody', async (t) => {
  const server = await start();
  const { session_id: id } = await createSession(server);
  const member = await watch(t, server, id);
  member.send({ type: 'offer', queries: true });
  const asked = server.post('/api/v1/query', { session_id: id, query: 'q' }, await as(server));
  const question = await member.nextOf('session.query');
  server.child.kill('SIGTERM');
  member.send({ type: 'query_result', query_id: question.query_id ?? question.request_id, answer: 'yes' });
  const answer = await asked;
  assert.ok([200, 409, 503].includes(answer.status), `${answer.status} ${answer.text}`);
  assert.deepEqual(await server.exited, { code: 0, signal: null });
  await assert.rejects(server.get('/healthz'));
  await server.stop();
});

test('asked a second time it ends at once', async (t) => {
  const server = await start({ config: '[limits]\ndrain_ms = 60000\n' });
  const { session_id: id } = await createSession(server);
  const member = await watch(t, server, id);
  member.ws.pause(); // never hears that it is to go
  server.child.kill('SIGTERM');
  await sleep(300);
  const began = Date.now();
  server.child.kill('SIGTERM');
  await server.exited;
  assert.ok(Date.now() - began < 2000);
  await server.stop();
});
