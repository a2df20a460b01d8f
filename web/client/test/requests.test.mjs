import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';
import { clock, event, settle } from './stage.mjs';

const [{ Requests, messageBytesMax, messagesPerSecond, pendingMax }, { seqOf }] = await load('requests', 'stream');

/** Requests over a connection that the test lifts and drops. */
function stage({ up = true, perSecond } = {}) {
  const time = clock();
  const world = { sent: [], isUp: up, cursor: 'e.0' };
  const requests = new Requests({
    send: (text) => { if (world.isUp) world.sent.push(JSON.parse(text)); return world.isUp; },
    cursor: () => world.cursor, later: time.later, now: time.now, ...(perSecond !== undefined && { perSecond }),
  });
  if (up) requests.up(false);
  const drop = (code = 1006) => { world.isUp = false; requests.lost(code); };
  const lift = (isResumed = true) => { world.isUp = true; requests.up(isResumed); };
  const show = (seq, id, more = {}) => { world.cursor = `e.${seq}`; requests.seen(event(seq, 'note', { ...(id !== undefined && { request_id: id }), ...more })); };
  const say = (data) => requests.ask({ type: 'note', data }, 'message');
  const last = () => world.sent.at(-1).request_id;
  /** Answers the question how far the log goes. */
  const reach = (seq) => {
    const asked = world.sent.findLast(({ type }) => type === 'get_session_state');
    requests.settle({ type: 'session_state', request_id: asked.request_id, cursor: `e.${seq}` });
  };
  const notes = () => world.sent.filter(({ type }) => type === 'note').map(({ data }) => data);
  return { requests, world, time, drop, lift, show, say, last, reach, notes };
}

const outcome = (promise) => promise.then((value) => value, (error) => error.code);

test('an answer settles what it names, and an error says what the server said', async () => {
  const { requests, say, last } = stage();
  const good = say(1);
  requests.settle({ type: 'ack', request_id: last(), seq: 4, cursor: 'e.4' });
  assert.equal((await good).seq, 4);
  const bad = requests.ask({ type: 'set_session_state' }, 'change');
  requests.settle({ type: 'error', request_id: last(), code: 'precondition_failed', message: 'the present revision is 7' });
  await assert.rejects(bad, { name: 'SojournError', code: 'precondition_failed', revision: 7, message: 'the present revision is 7' });
  requests.settle({ type: 'error', code: 'invalid', message: 'to nobody' });
});

test('what is asked without a connection goes out in order when there is one', async () => {
  const { notes, lift, say, world } = stage({ up: false });
  for (const n of [1, 2, 3]) say(n);
  assert.deepEqual(world.sent, []);
  lift(false);
  assert.deepEqual(notes(), [1, 2, 3]);
});

test('what the log tells of after a loss is done, and is not sent again', async () => {
  const { drop, lift, last, notes, reach, say, show } = stage();
  const promise = say(1);
  const id = last();
  drop();
  lift();
  reach(5);
  show(4);
  show(5, id);
  assert.deepEqual(await promise, { seq: 5, cursor: 'e.5' });
  assert.deepEqual(notes(), [1]);
});

test('what the log does not tell of is sent again, once all that was missed is there, and before anything newer', async () => {
  const { drop, lift, notes, reach, say, show } = stage();
  say(1);
  say(2);
  drop();
  say(3);
  lift();
  show(4);
  reach(5);
  assert.deepEqual(notes(), [1, 2], 'not before the log has come to 5');
  show(5);
  assert.deepEqual(notes(), [1, 2, 1, 2, 3]);
});

test('it is also sent again when the log had come so far before the answer', () => {
  const { drop, lift, notes, reach, say, show } = stage();
  say(1);
  drop();
  lift();
  show(5);
  reach(5);
  assert.deepEqual(notes(), [1, 1]);
});

test('a loss in the middle of that changes nothing', async () => {
  const { drop, lift, last, notes, reach, say, show, world } = stage();
  const [one, two] = [say(1), say(2)];
  const id = last();
  drop();
  lift();
  drop();
  lift();
  assert.deepEqual(world.sent.map(({ type }) => type), ['note', 'note', 'get_session_state', 'get_session_state']);
  show(4, id);
  reach(4);
  assert.deepEqual(await two, { seq: 4, cursor: 'e.4' });
  assert.deepEqual(notes(), [1, 2, 1]);
  assert.equal(await Promise.race([one, settle().then(() => 'open')]), 'open');
});

test('a change of the state that may be inside a merged event is not repeated: nobody can know', async () => {
  const { requests, drop, lift, notes, reach, say, show } = stage();
  const change = outcome(requests.ask({ type: 'set_session_state' }, 'change'));
  const message = say(1);
  drop();
  lift();
  show(9, 'of-somebody', { type: 'session.state', first_seq: 4 });
  reach(9);
  assert.equal(await change, 'interrupted');
  assert.deepEqual(notes(), [1, 1], 'a message is never merged');
  assert.equal(await Promise.race([outcome(message), settle().then(() => 'open')]), 'open');
});

test('a gap leaves open what was sent, but not what waits to be sent', async () => {
  const { drop, lift, notes, say } = stage();
  const before = outcome(say(1));
  drop();
  const after = outcome(say(2));
  lift(false);
  assert.equal(await before, 'interrupted');
  assert.deepEqual(notes(), [1, 2]);
  assert.equal(await Promise.race([after, settle().then(() => 'open')]), 'open');
});

test('a call is never repeated; its result counts when the log tells of it', async () => {
  const { requests, drop, lift, show, world } = stage();
  const call = requests.ask({ type: 'client_tool_call' }, 'call', 'mine');
  drop();
  lift();
  assert.equal(world.sent.filter(({ type }) => type === 'client_tool_call').length, 1);
  show(4, 'mine', { type: 'session.call' });
  show(5, 'mine', { type: 'session.result', data: { result: 7, is_error: false } });
  assert.deepEqual(await call, { result: 7, is_error: false });
});

test('what is volatile is gone with the connection', async () => {
  const { requests, drop, lift, world } = stage();
  const promise = requests.ask({ type: 'typing', volatile: true }, 'volatile');
  drop();
  assert.deepEqual(await promise, { dropped: true });
  lift();
  assert.equal(world.sent.length, 1);
});

test('what may be repeated is, also without what was missed', () => {
  const { requests, drop, lift, world } = stage();
  requests.ask({ type: 'offer' }, 'again');
  drop();
  lift(false);
  drop();
  lift();
  assert.deepEqual(world.sent.map(({ type }) => type), ['offer', 'offer', 'offer']);
});

test('a close because of the size of a message is told to who sent it, and it is not sent again', async () => {
  const { drop, lift, notes, say } = stage();
  const promise = outcome(say(1));
  drop(1009);
  lift();
  assert.equal(await promise, 'too_large');
  assert.deepEqual(notes(), [1]);
});

test('a message is refused here when it is larger than a server takes, counted in bytes', async () => {
  const { say, notes } = stage();
  assert.equal(await outcome(say('é'.repeat(messageBytesMax / 2))), 'too_large');
  assert.deepEqual(notes(), []);
  say('x'.repeat(messageBytesMax - 200));
  assert.equal(notes().length, 1);
});

test('more is sent at once than in a second, and then at the pace that a server bears', () => {
  const { say, notes, time } = stage();
  for (let n = 0; n < 1000; n += 1) say(n);
  assert.equal(notes().length, 2 * messagesPerSecond);
  time.pass(1000);
  assert.ok(Math.abs(notes().length - 3 * messagesPerSecond) <= 1, `${notes().length}`);
  time.pass(60_000);
  assert.deepEqual(notes(), Array.from({ length: 1000 }, (_, n) => n));
  const fast = stage({ perSecond: 0 });
  for (let n = 0; n < 1000; n += 1) fast.say(n);
  assert.equal(fast.notes().length, 1000);
});

test('so many may wait and no more', async () => {
  const { say } = stage({ up: false });
  for (let n = 0; n < pendingMax; n += 1) say(n);
  assert.equal(await outcome(say('one more')), 'too_many');
});

test('the end is told to all that waits and to all that comes, and nobody has to catch it', async () => {
  const { requests, say } = stage();
  const before = outcome(say(1));
  say('nobody waits for this one');
  requests.end(Object.assign(new Error('over'), { code: 'ended' }));
  assert.deepEqual([await before, await outcome(say(2))], ['ended', 'ended']);
  await settle();
});

// A server that commits late, answers late, and drops whatever is on its way, against clients that only want it done once.
test('whatever the network does, each message is in the log exactly once and in its order', async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    let random = seed;
    const dice = (sides) => { random = (random * 48271) % 2147483647; return random % sides; };
    const log = [];
    const [toServer, toClient] = [[], []];
    const world = { isUp: false, cursor: 'e.0' };
    const requests = new Requests({ send: (text) => { if (world.isUp) toServer.push(JSON.parse(text)); return world.isUp; }, cursor: () => world.cursor, perSecond: 0 });
    const settled = [];
    const serve = (frame) => {
      if (frame.type === 'get_session_state') return toClient.push({ type: 'session_state', request_id: frame.request_id, cursor: `e.${log.length}` });
      log.push(frame);
      const seq = log.length;
      const [ack, shown] = [{ type: 'ack', request_id: frame.request_id, seq, cursor: `e.${seq}` }, event(seq, 'note', { request_id: frame.request_id })];
      toClient.push(...(dice(2) === 0 ? [ack, shown] : [shown, ack]));
    };
    const hear = (frame) => {
      if (!frame.at) return requests.settle(frame);
      world.cursor = frame.cursor;
      requests.seen(frame);
    };
    const drop = () => { world.isUp = false; toServer.length = dice(toServer.length + 1); toServer.splice(0).forEach(serve); toClient.length = 0; requests.lost(1006); };
    const lift = () => {
      world.isUp = true;
      for (let seq = seqOf(world.cursor) + 1; seq <= log.length; seq += 1) toClient.push(event(seq, 'note', { request_id: log[seq - 1].request_id }));
      requests.up(true);
    };
    let said = 0;
    for (let step = 0; step < 400; step += 1) {
      const choice = dice(10);
      if (choice < 3 && said < 60) { const n = said; said += 1; requests.ask({ type: 'note', data: n }, 'message').then(() => settled.push(n)); }
      else if (choice < 5 && toServer.length > 0) serve(toServer.shift());
      else if (choice < 8 && toClient.length > 0) hear(toClient.shift());
      else if (choice === 8 && !world.isUp) lift();
      else if (choice === 9 && world.isUp && dice(3) === 0) drop();
    }
    if (!world.isUp) lift();
    while (toServer.length + toClient.length > 0) {
      if (toServer.length > 0) serve(toServer.shift());
      while (toClient.length > 0) hear(toClient.shift());
    }
    await settle();
    assert.deepEqual(log.map(({ data }) => data), Array.from({ length: said }, (_, n) => n), `seed ${seed}`);
    assert.equal(settled.length, said, `seed ${seed}`);
  }
});
