// The native API: a session's log. Appending to it, reading it from a cursor, and following it as server-sent events.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, test } from 'node:test';
import { assertDressed, sleep, start } from './harness.mjs';
import { as, createSession, isoMicros, join, openEvents, postEvent, watch } from './tracking_stage.mjs';

let server;
let tight; // its logs hold 20 events
let headers;
before(async () => {
  [server, tight] = await Promise.all([start({ config: '[limits]\nmessages_per_s = 0\n' }), start({ config: '[limits]\nlog_events = 20\n' })]);
  headers = await as(server);
});
after(() => Promise.all([server?.stop(), tight?.stop()]));

const at = (id, query = '') => `/api/v1/sessions/${id}/events${query}`;
const read = async (id, query = '', one = server) => (await one.get(at(id, query), await as(one))).json;
const fresh = async (one = server) => (await createSession(one)).session_id;
/** A session whose log has `count` events of type n after its opening. */
async function filled(count, one = server) {
  const id = await fresh(one);
  const posted = [];
  for (let n = 0; n < count; n += 1) posted.push(await postEvent(one, id, { type: 'n', data: n }, await as(one)));
  return { id, posted };
}

test('an event is appended with the next number, and its cursor names the epoch', async () => {
  const { id, posted } = await filled(5);
  for (const [n, { seq, cursor }] of posted.entries()) {
    assert.equal(seq, posted[0].seq + n);
    assert.match(cursor, new RegExp(`^[^.]+\\.${seq}$`));
  }
  const answer = await server.post(at(id), { type: 'x' }, headers);
  assert.equal(answer.status, 201);
  assertDressed(answer);
  assert.deepEqual(Object.keys(answer.json), ['seq', 'cursor']);
});

test('the log is read back whole: numbers without gaps from the opening on, with time, user and data', async () => {
  const id = await fresh();
  const values = [undefined, null, 0, 12.99, '', 'ünï 𝄞 \u0000', [], [1, { a: null }], { deep: { er: [{}] } }];
  for (const data of values) await postEvent(server, id, { type: 'any', ...(data !== undefined && { data }) }, headers);
  const { events, cursor, last_seq: last, gap } = await read(id);
  assert.equal(gap, false);
  assert.deepEqual(events.map(({ seq }) => seq), events.map((_, n) => events[0].seq + n));
  assert.equal(events[0].seq, 1);
  assert.equal(events[0].type, 'session.opened');
  const mine = events.filter(({ type }) => type === 'any');
  assert.deepEqual(mine.map(({ data }) => data ?? null), values.map((value) => value ?? null));
  for (const event of mine) {
    assert.match(event.at, isoMicros);
    assert.equal(event.user, 'alice');
    assert.match(event.cursor, new RegExp(`\\.${event.seq}$`));
  }
  assert.deepEqual([last, cursor], [events.at(-1).seq, events.at(-1).cursor]);
});

test('since takes a cursor or a bare number, and gives what comes after it', async () => {
  const { id, posted } = await filled(10);
  for (const since of [posted[3].cursor, String(posted[3].seq)]) {
    const { events, gap } = await read(id, `?since=${since}`);
    assert.deepEqual([events.map(({ data }) => data), gap], [[4, 5, 6, 7, 8, 9], false]);
  }
  assert.deepEqual((await read(id, `?since=${posted[9].cursor}`)).events, []);
  assert.equal((await read(id, '?since=0')).events[0].seq, 1);
});

test('limit cuts the answer, and its cursor leads on until the end', async () => {
  const { id, posted } = await filled(25);
  const seen = [];
  let since = '0';
  for (let page = 0; page < 20; page += 1) {
    const { events, cursor, last_seq: last } = await read(id, `?since=${since}&limit=4`);
    assert.ok(events.length <= 4);
    assert.equal(last, posted.at(-1).seq);
    if (events.length === 0) break;
    seen.push(...events);
    since = cursor;
  }
  assert.deepEqual(seen.filter(({ type }) => type === 'n').map(({ data }) => data), Array.from({ length: 25 }, (_, n) => n));
  for (const query of ['?limit=0', '?limit=1001', '?limit=x', '?limit=-1']) assert.equal((await server.get(at(id, query), headers)).status, 422, query);
});

test('a cursor of another epoch, of the future or of nonsense is a gap, said once', async () => {
  const { id, posted } = await filled(3);
  const { seq, cursor } = posted[2];
  const epoch = cursor.slice(0, cursor.lastIndexOf('.'));
  const other = epoch.replace(/.$/, (last) => (last === '1' ? '2' : '1'));
  for (const since of [`${other}.${seq}`, `${other}.1`, `${epoch}.${seq + 100}`]) {
    const answer = await read(id, `?since=${since}`);
    assert.equal(answer.gap, true, since);
    assert.equal(answer.last_seq, seq);
    assert.equal((await read(id, `?since=${answer.cursor}`)).gap, false, 'the cursor of the answer is good');
  }
  for (const since of ['x', '.', `${cursor}.1`, `${epoch}9.1`, '-1', '1e3', '99999999999999999999999']) {
    const answer = await server.get(at(id, `?since=${encodeURIComponent(since)}`), headers);
    assert.ok(answer.status === 400 || answer.json.gap === true, `${since}: ${answer.text}`);
  }
});

test('what fell off the log is a gap, and the present is not', async () => {
  const { id, posted } = await filled(50, tight);
  const answer = await read(id, `?since=${posted[0].cursor}`, tight);
  assert.equal(answer.gap, true);
  const near = await read(id, `?since=${posted[44].cursor}`, tight);
  assert.deepEqual([near.gap, near.events.map(({ data }) => data)], [false, [45, 46, 47, 48, 49]]);
  const all = await read(id, '?limit=1000', tight);
  assert.ok(all.events.length <= 20 && all.events.at(-1).data === 49, `${all.events.length} are kept`);
});

test('a volatile event is heard by who is there, and never stands in the log', async (t) => {
  const { id, posted } = await filled(1);
  const member = await watch(t, server, id);
  const reader = await openEvents(t, server, id);
  await reader.next();
  const answer = await server.post(at(id), { type: 'typing', data: { on: true }, volatile: true }, headers);
  assert.deepEqual([answer.status, answer.json], [202, { volatile: true }]);
  const { seq, cursor, ...event } = await member.nextOf('typing');
  assert.deepEqual([seq, cursor, event.volatile, event.data], [undefined, undefined, true, { on: true }]);
  for (;;) {
    const block = await reader.next();
    if (block.event !== 'typing') continue;
    assert.deepEqual([block.id, block.data.data], [undefined, { on: true }]);
    break;
  }
  const { events, last_seq: last } = await read(id);
  assert.ok(!events.some(({ type }) => type === 'typing'));
  assert.equal(last, posted[0].seq);
});

test('a type of the server\'s own, and what is no event, is 400 and stands nowhere', async () => {
  const { id, posted } = await filled(1);
  for (const body of [{ type: 'session.closed' }, { type: 'session.' }, { type: 'session.mine', volatile: true }, {}, { type: 7 }, { type: '' }, { type: null }, [], 'x', '', '7', { type: 'x', volatile: 'yes' }, { type: 'x'.repeat(2000) }]) {
    const answer = await server.post(at(id), body, headers);
    assert.equal(answer.status, 400, `${JSON.stringify(body).slice(0, 60)}: ${answer.text}`);
    assert.deepEqual([typeof answer.json.detail, typeof answer.json.code], ['string', 'string']);
  }
  assert.equal((await read(id)).last_seq, posted[0].seq);
  assert.equal((await server.post(at(id), { type: 'sessions', data: 1 }, headers)).status, 201, 'only session. is taken');
});

test('an event is readable by the time its writer has the answer', async () => {
  const id = await fresh();
  for (let n = 0; n < 100; n += 1) {
    const { seq } = await postEvent(server, id, { type: 'n', data: n }, headers);
    assert.equal((await read(id, `?since=${seq - 1}`)).events[0].data, n);
  }
});

test('server-sent events begin with a snapshot, and each has id, event and data', async (t) => {
  const { id } = await filled(2);
  await server.send('PUT', `/api/v1/sessions/${id}/state/k`, '{"n":1}', headers);
  const reader = await openEvents(t, server, id);
  assert.equal(reader.status, 200);
  assert.match(reader.headers['content-type'], /^text\/event-stream\b/);
  assert.match(reader.headers['cache-control'], /no-(store|cache)/);
  const snapshot = await reader.next();
  assert.equal(snapshot.event, 'session.snapshot');
  assert.deepEqual([snapshot.data.session_id, snapshot.data.state], [id, { k: { n: 1 } }]);
  const { cursor } = snapshot.data;
  const { seq } = await postEvent(server, id, { type: 'quote_ready', data: { text: 'a\nb\r\nc\u2028' } }, headers);
  let block = await reader.next();
  while (block.event?.startsWith('session.')) block = await reader.next();
  assert.deepEqual([block.event, block.id, block.data.seq, block.data.type, block.data.data], ['quote_ready', block.data.cursor, seq, 'quote_ready', { text: 'a\nb\r\nc\u2028' }]);
  assert.equal(block.text.split('\n').length, 3, 'one line of data');
  assert.equal(block.id, `${cursor.slice(0, cursor.lastIndexOf('.'))}.${seq}`);
});

test('Last-Event-ID and since go on after that event, a useless one is a gap with a snapshot', async (t) => {
  const { id, posted } = await filled(6);
  for (const options of [{ lastEventId: posted[2].cursor }, { since: posted[2].cursor }, { since: '0', lastEventId: posted[2].cursor }]) {
    const reader = await openEvents(t, server, id, options);
    assert.equal((await reader.next()).event, 'session.resumed', JSON.stringify(options));
    for (const n of [3, 4, 5]) assert.equal((await reader.next()).data.data, n);
  }
  await server.send('PUT', `/api/v1/sessions/${id}/state/k`, '1', headers);
  for (const lastEventId of ['nonsense', '999999.1']) {
    const reader = await openEvents(t, server, id, { lastEventId });
    const gap = await reader.next();
    assert.deepEqual([gap.event, gap.data.state], ['session.gap', { k: 1 }], lastEventId);
    await postEvent(server, id, { type: 'after', data: 1 }, headers);
    for (;;) {
      const block = await reader.next();
      if (block.event === 'after') break;
      assert.ok(!['n', 'session.gap'].includes(block.event), 'one gap, and nothing of before');
    }
  }
});

test('an event stream ends with its session, and is refused for an unknown one', async (t) => {
  const id = await fresh();
  const reader = await openEvents(t, server, id);
  await server.del(`/api/v1/sessions/${id}`, headers);
  let block = await reader.next();
  while (block.event !== 'session.closed') block = await reader.next();
  await sleep(300);
  assert.ok(reader.ended);
  assert.equal((await openEvents(t, server, id)).status, 404);
});

test('a reader with since 0 hears everything from the opening on, also what other doors write', async (t) => {
  const member = await join(t, server);
  member.send({ type: 'contextual_update', text: 'quote_ready', data: { cost: 1 } });
  await member.nextOf('contextual_update');
  const reader = await openEvents(t, server, member.id, { since: '0' });
  const types = [];
  while (types.at(-1) !== 'contextual_update') {
    const block = await reader.next();
    types.push(block.event);
    if (block.event === 'contextual_update') assert.deepEqual([block.data.data.text, block.data.data.data], ['quote_ready', { cost: 1 }]);
  }
  assert.deepEqual(types.slice(0, 2), ['session.resumed', 'session.opened']);
});

/** A small generator, so that a failure can be repeated by its seed. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

/** Reads over one transport until `count` more events have come or it ends; gives the cursor of the last. */
async function readSome(t, id, transport, cursor, count, note) {
  if (transport === 'get') {
    const { events, gap } = await read(id, `?since=${cursor}&limit=${count}`);
    assert.equal(gap, false);
    for (const event of events) { note(event); cursor = event.cursor; }
    return cursor;
  }
  const reader = transport === 'sse' ? await openEvents(t, server, id, { lastEventId: cursor }) : await watch(t, server, id, { since: cursor });
  if (transport === 'sse') assert.equal((await reader.next()).event, 'session.resumed');
  else assert.equal(reader.hello.type, 'session.resumed');
  for (let heard = 0; heard < count;) {
    const item = await reader.next(300).catch(() => undefined);
    if (!item) break;
    const event = transport === 'sse' ? item.data : item;
    if (event?.seq === undefined) continue;
    heard += 1;
    note(event);
    cursor = event.cursor;
  }
  if (transport === 'sse') reader.close(); else reader.ws.terminate();
  return cursor;
}

test('each event is read exactly once and in order, over whichever transport, however often the reader is cut off', async (t) => {
  const seeds = process.env.SOJOURN_SEED ? [Number(process.env.SOJOURN_SEED)] : [1, 2, randomInt(2 ** 32), randomInt(2 ** 32)];
  for (const seed of seeds) {
    await t.test(`seed ${seed}`, async (row) => {
      const roll = random(seed);
      const pick = (max) => Math.floor(roll() * max);
      const id = await fresh();
      const total = 151;
      const ends = [];
      const scope = { after: (end) => ends.push(end) };
      row.after(() => Promise.all(ends.map((end) => end())));
      const pauses = Array.from({ length: total }, () => pick(4));
      const writing = (async () => {
        for (let n = 0; n < total; n += 1) {
          const isState = n % 10 === 9;
          if (isState) await server.send('PUT', `/api/v1/sessions/${id}/state/n`, String(n), headers);
          else await postEvent(server, id, { type: 'n', data: n, ...(n % 13 === 5 && { volatile: true }) }, headers);
          await sleep(pauses[n]);
        }
      })();
      const readers = Array.from({ length: 3 }, async () => {
        const numbers = [];
        let covered = 0;
        let cursor = (await read(id, '?limit=1')).cursor;
        const start_seq = Number(cursor.slice(cursor.lastIndexOf('.') + 1));
        covered = start_seq;
        const note = (event) => {
          const from = event.first_seq ?? event.seq;
          assert.equal(from, covered + 1, `seed ${seed}: after ${covered} comes ${from}; repeat with SOJOURN_SEED=${seed}`);
          covered = event.seq;
          if (event.type === 'n') numbers.push(event.data);
        };
        for (let idle = 0; idle < 3;) {
          const had = covered;
          cursor = await readSome(scope, id, ['sse', 'stream', 'get'][pick(3)], cursor, 1 + pick(25), note);
          idle = covered === had && (await read(id, `?since=${cursor}`)).events.length === 0 && numbers.includes(total - 1) ? idle + 1 : 0;
        }
        return { numbers, covered };
      });
      await writing;
      const { last_seq: last } = await read(id);
      const expected = Array.from({ length: total }, (_, n) => n).filter((n) => n % 10 !== 9 && n % 13 !== 5);
      for (const { numbers, covered } of await Promise.all(readers)) {
        assert.deepEqual(numbers, expected, `seed ${seed}`);
        assert.equal(covered, last, `seed ${seed}`);
      }
    });
  }
});
