// An Idempotency-Key holds over a server that is killed: what was answered is answered again, what was carried out is
// not carried out a second time.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { sleep } from './harness.mjs';
import { mortal } from './restart_stage.mjs';
import { as, createSession } from './tracking_stage.mjs';

const root = '/api/v1/sessions';
const writers = 16;
const kills = 4;

test('a POST that was answered before the server was killed is answered again as it was', async (t) => {
  const life = await mortal(t);
  const headers = { ...await as(life.server), 'Idempotency-Key': randomUUID() };
  const one = await life.server.post(root, { session_type: 'a' }, headers);
  const minting = { ...headers, 'Idempotency-Key': randomUUID() };
  const token = await life.server.post(`${root}/${one.json.session_id}/tokens`, { scope: 'read' }, minting);
  assert.equal(token.status, 201, token.text);
  const server = await life.kill();
  const again = await server.post(root, { session_type: 'a' }, headers);
  assert.deepEqual([again.status, again.text, again.headers.location, again.headers['content-type'], again.headers['idempotent-replayed']], [201, one.text, one.headers.location, one.headers['content-type'], 'true']);
  assert.equal((await server.get(root, headers)).json.total_count, 1);
  assert.equal((await server.post(root, { session_type: 'b' }, headers)).status, 422, 'another body under the same key');
  const same = await server.post(`${root}/${one.json.session_id}/tokens`, { scope: 'read' }, minting);
  assert.deepEqual([same.status, same.text], [201, token.text], 'a token, too, which nobody mints a second time');
  assert.equal((await server.get(`${root}/${one.json.session_id}/tokens`, headers)).json.tokens.length, 1);
});

test(`${writers} clients that try again with the same key while the server is killed ${kills} times have one effect each`, async (t) => {
  const life = await mortal(t);
  const { session_id: id } = await createSession(life.server, {}, await as(life.server));
  let over = false;
  let lost = 0;
  /** Until it is answered, however often that takes. */
  const say = async (text) => {
    const key = randomUUID();
    for (;;) {
      const answer = await life.server.post(`${root}/${id}/events`, { type: 'note', data: text }, { 'Idempotency-Key': key }).catch(() => null);
      if (answer?.status === 201) return true;
      if (answer?.status === 409) return false;
      assert.ok(answer === null || answer.status >= 500, answer?.text);
      await sleep(20);
    }
  };
  const work = Array.from({ length: writers }, async (_, writer) => {
    const told = [];
    for (let n = 0; !over; n += 1) {
      const text = `${writer}.${n}`;
      const is_told = await say(text);
      told.push({ text, is_told });
      if (!is_told) lost += 1;
    }
    return told;
  });
  for (let kill = 0; kill < kills; kill += 1) {
    await sleep(150 + Math.random() * 200);
    await life.kill();
  }
  await sleep(200);
  over = true;
  const told = (await Promise.all(work)).flat();
  const count = new Map();
  for (let since = 0; ;) {
    const { json } = await life.server.get(`${root}/${id}/events?limit=1000&since=${since}`);
    for (const { type, data } of json.events) if (type === 'note') count.set(data, (count.get(data) ?? 0) + 1);
    if (json.events.length === 0) break;
    since = json.events.at(-1).seq;
  }
  for (const { text, is_told } of told) {
    if (is_told) assert.equal(count.get(text), 1, text);
    else assert.ok((count.get(text) ?? 0) <= 1, text);
  }
  t.diagnostic(`${told.length} events, of ${lost} the answer was lost`);
  assert.ok(told.length > writers * kills);
});
