// Readers that read nothing, among others that do: each is cut off alone, with the documented code, and may come back for
// what it missed; nobody else loses a message or waits for them. The figures are those of bench/faults.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { eventually, start } from './harness.mjs';
import { connect } from './monitor_stage.mjs';
import { as, createSession, join, logged, openEvents, postEvent, tokenOf, watch } from './tracking_stage.mjs';

let server;
before(async () => { server = await start({ config: '[limits]\nqueue_bytes = 262144\nlog_bytes = 268435456\nmessages_per_s = 0\nclose_ms = 2000\n' }); });
after(() => server?.stop());

const quick = 12;
const slow = 4; // of each kind
const filler = 'x'.repeat(60_000);
const numbers = (events) => events.map(({ data }) => data.n);

/** The numbers of the notes that a reader has heard, kept while it runs. */
function ears(source) {
  const heard = [];
  source.on('message', (text) => { const { type, data } = JSON.parse(text); if (type === 'note') heard.push(data.n); });
  return heard;
}

test('who reads nothing is cut off with 1008, the others get everything in order, and nothing is missed by who comes back', async (t) => {
  const { session_id: id } = await createSession(server);
  const headers = await as(server);
  const healthy = await Promise.all(Array.from({ length: quick }, () => watch(t, server, id)));
  const heard = healthy.map(({ ws }) => ears(ws));
  const stalled = await Promise.all(Array.from({ length: slow }, () => watch(t, server, id)));
  const tracking = await Promise.all(Array.from({ length: slow }, () => join(t, server, { session: id })));
  const readers = await Promise.all(Array.from({ length: slow }, () => openEvents(t, server, id)));
  const clients = await Promise.all(Array.from({ length: slow }, async () => {
    const client = await connect(t, server, { transports: ['websocket'], reconnection: false, auth: { token: await tokenOf(server) } });
    await client.register(id);
    return client;
  }));
  for (const { ws } of [...stalled, ...tracking]) ws.pause();
  for (const { incoming } of readers) incoming.socket.pause();
  for (const { socket } of clients) socket.io.engine.transport.ws.pause();
  const rss = await server.rssKb();

  const cut = () => logged(server, 'peer.too_slow').length;
  let n = 0;
  for (; cut() < 4 * slow && n < 1500; n += 1) await postEvent(server, id, { type: 'note', data: { n, filler } }, headers);
  assert.equal(cut(), 4 * slow, `after ${n} messages of 60 kB`);
  t.diagnostic(`${4 * slow} were cut off after ${n} messages of 60 kB; resident memory grew by ${await server.rssKb() - rss} kB, of which ${Math.round(n * filler.length / 1024)} kB are the log`);

  const all = Array.from({ length: n }, (_, at) => at);
  for (const mine of heard) {
    await eventually(() => mine.length >= n, 'everything comes', 10_000);
    assert.deepEqual(mine, all);
  }
  assert.equal((await server.get(`/api/v1/sessions/${id}/connections`, headers)).json.count, quick, 'the slow ones are not present any more');

  const heardBefore = stalled.map(({ inbox }) => inbox.items.length); // what was there when it stopped reading
  for (const [at, one] of [...stalled, ...tracking].entries()) {
    one.ws.resume();
    const { code, reason } = await one.closed;
    assert.deepEqual([code, reason], [1008, 'too slow: messages were not read in time'], `connection ${at}, ${heardBefore[at]}`);
  }
  for (const { socket } of clients) {
    const over = once(socket, 'disconnect');
    socket.io.engine.transport.ws.resume();
    await over;
  }
  for (const { incoming } of readers) {
    const over = once(incoming, 'close');
    incoming.socket.resume();
    await over;
  }
  const [first] = stalled;
  const notes = first.unread().filter(({ type }) => type === 'note');
  assert.deepEqual(numbers(notes), all.slice(0, notes.length), 'what it got is the beginning, without a hole');
  const back = await watch(t, server, id, { since: notes.at(-1)?.cursor ?? first.hello.cursor });
  assert.equal(back.hello.type, 'session.resumed');
  const missed = ears(back.ws);
  missed.unshift(...numbers(back.unread().filter(({ type }) => type === 'note')));
  await eventually(() => missed.length >= n - notes.length, 'what it missed comes', 10_000);
  assert.deepEqual(missed, all.slice(notes.length));
  server.assertUnharmed();
});
