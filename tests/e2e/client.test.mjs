// SojournClient against the real binary: what it promises over a network that fails.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, sleep, start } from './harness.mjs';
import { loadClient, relay, socketOfNode } from './client_stage.mjs';
import { nobody, startKeyed, tokenOf } from './tracking_stage.mjs';

let server;
let lib;
before(async () => { [server, lib] = await Promise.all([start(), loadClient()]); });
after(() => server.stop());

const clientFor = (more = {}) => new lib.SojournClient({ url: server.url, WebSocket: socketOfNode, ...more });

/** A client in a session that it leaves with the test. */
async function joined(t, id, { options, ...more } = {}) {
  const session = await clientFor(more).join(id, options);
  t.after(() => session.leave());
  return session;
}

/** Reads `count` events, or as many as fulfil `until`. */
async function collect(reader, done) {
  const events = [];
  for await (const event of reader) {
    events.push(event);
    if (done(event, events)) break;
  }
  return events;
}

/** Does not wait for the end of the delay. */
async function comeBack(session) {
  await eventually(() => session.status !== 'connected', 'the loss is noticed');
  session.reconnect();
}

test('sessions are created, resumed, read, listed, kept alive and ended', async () => {
  const { sessions } = clientFor({ clientId: 'kitchen-client' });
  const created = await sessions.create({ timeoutMinutes: 30, sessionType: 'support', metadata: { room: 'client-test' }, state: { color: 'blue' } });
  assert.deepEqual([created.session_resumed, created.client_id, created.timeout_minutes, created.session_type], [false, 'kitchen-client', 30, 'support']);
  const again = await sessions.create();
  assert.deepEqual([again.session_resumed, again.session_id], [true, created.session_id]);
  const other = await sessions.create({ clientId: 'another-client' });
  assert.notEqual(other.session_id, created.session_id);
  assert.equal((await sessions.get(created.session_id)).metadata.room, 'client-test');
  const list = await sessions.list({ label: 'room:client-test', limit: 5 });
  assert.deepEqual([list.total_count, list.limit, list.sessions.map((each) => each.session_id)], [1, 5, [created.session_id]]);
  assert.equal(await sessions.delete(created.session_id), undefined);
  await assert.rejects(sessions.get(created.session_id), { name: 'SojournError', code: 'not_found', status: 404, message: `Session not found: ${created.session_id}` });
  await assert.rejects(sessions.create({ timeoutMinutes: 0 }), { name: 'SojournError', status: 422, message: /timeout_minutes/ });
  await sessions.delete(other.session_id);
});

test('two members share events and state, and each sees who is there', async (t) => {
  const { session_id: id } = await clientFor().sessions.create({ state: { color: 'blue' } });
  const one = await joined(t, id);
  const events = one.events();
  const two = await joined(t, { session_id: id });
  assert.deepEqual([one.state.all, two.state.all, two.status], [{ color: 'blue' }, { color: 'blue' }, 'connected']);
  await eventually(() => one.connections.size === 2, 'one has heard of two');
  assert.deepEqual([...two.connections.keys()].sort(), [one.connectionId, two.connectionId].sort());
  const sent = await two.send('note', { n: 1 });
  assert.equal(sent.cursor.endsWith(`.${sent.seq}`), true);
  assert.deepEqual(await two.send('typing', undefined, { volatile: true }), {});
  const revision = await two.state.set('color', 'red');
  assert.deepEqual([two.state.get('color'), two.state.revisionOf('color')], ['red', revision]);
  two.leave();
  const heard = await collect(events, ({ type }) => type === 'session.left');
  assert.deepEqual(heard.map(({ type, data, volatile }) => [type, volatile ?? false, type === 'note' ? data : undefined]), [
    ['session.joined', true, undefined], ['note', false, { n: 1 }], ['typing', true, undefined], ['session.state', false, undefined], ['session.left', true, undefined],
  ]);
  assert.deepEqual([heard[1].seq, heard[1].from], [sent.seq, two.connectionId]);
  assert.deepEqual([one.state.get('color'), one.connections.size], ['red', 1]);
  assert.deepEqual(await two.ended, { reason: 'left' });
});

test('what is said while one is cut off comes once and in order, and what one says meanwhile is in the log once', async (t) => {
  const { session_id: id } = await clientFor().sessions.create();
  const line = await relay(t, server.port);
  const far = await joined(t, id, { WebSocket: line.Socket, messagesPerSecond: 0 });
  const near = await joined(t, id, { messagesPerSecond: 0 });
  const [heardFar, heardNear] = [far.events({ types: ['far', 'near'] }), near.events({ types: ['far', 'near'] })];
  const count = 120;
  const sending = [];
  const cutting = (async () => {
    for (let round = 0; round < 6; round += 1) { await sleep(40 + 37 * round); line.cut(); far.reconnect(); }
  })();
  for (let n = 0; n < count; n += 1) {
    sending.push(far.send('far', n), near.send('near', n));
    await sleep(9);
  }
  await cutting;
  await Promise.all(sending);
  const isLast = (_, events) => events.length === 2 * count;
  const [atFar, atNear] = await Promise.all([collect(heardFar, isLast), collect(heardNear, isLast)]);
  const numbers = Array.from({ length: count }, (_, n) => n);
  for (const type of ['far', 'near']) assert.deepEqual(atNear.filter((event) => event.type === type).map(({ data }) => data), numbers, type);
  assert.deepEqual(atFar.map(({ seq }) => seq), atNear.map(({ seq }) => seq));
  assert.ok(line.count >= 4, `${line.count} connections`);
  assert.equal(far.status, 'connected');
});

test('a change of the state over a cut is made once, or said to be unknown, and both agree in the end', async (t) => {
  const { session_id: id } = await clientFor().sessions.create({ state: { n: 0 } });
  const line = await relay(t, server.port);
  const far = await joined(t, id, { WebSocket: line.Socket });
  const near = await joined(t, id);
  let done = 0;
  for (let round = 0; round < 5; round += 1) {
    const update = far.state.update('n', (n) => n + 1).then(() => 1, (error) => { assert.equal(error.code, 'interrupted'); return 0; });
    line.cut();
    await comeBack(far);
    done += await update;
  }
  await far.state.set('end', true);
  await eventually(() => near.state.get('end') && far.status === 'connected', 'near has seen the end');
  assert.deepEqual(near.state.all, far.state.all);
  assert.ok(near.state.get('n') >= done && near.state.get('n') <= 5, `${near.state.get('n')} of ${done}`);
});

test('presence is right again after a resume', async (t) => {
  const { session_id: id } = await clientFor().sessions.create();
  const line = await relay(t, server.port);
  const far = await joined(t, id, { WebSocket: line.Socket });
  const gone = await joined(t, id);
  await eventually(() => far.connections.size === 2, 'far has heard of the other');
  const statuses = [];
  far.onStatus((status) => statuses.push(status));
  line.refuse(true);
  line.cut();
  await eventually(() => far.status !== 'connected', 'the cut is noticed');
  gone.leave();
  const come = await joined(t, id);
  line.refuse(false);
  far.reconnect();
  await eventually(() => far.connections.has(come.connectionId) && !far.connections.has(gone.connectionId) && far.connections.has(far.connectionId), 'far knows who is there');
  assert.equal(far.connections.size, 2);
  assert.deepEqual(statuses.slice(0, 2), ['waiting', 'connecting']);
  assert.equal(statuses.at(-1), 'connected');
});

test('of two that compare and set the same revision one wins, and the other learns the present one', async (t) => {
  const { session_id: id } = await clientFor().sessions.create();
  const [one, two] = [await joined(t, id), await joined(t, id)];
  const outcomes = await Promise.allSettled([one.state.compareAndSet('lock', 'one', 0), two.state.compareAndSet('lock', 'two', 0)]);
  const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
  const { reason } = outcomes[1 - winner];
  assert.deepEqual([reason.name, reason.code, reason.revision], ['SojournError', 'precondition_failed', outcomes[winner].value]);
  const loser = [one, two][1 - winner];
  assert.deepEqual([loser.state.get('lock'), loser.state.revisionOf('lock')], [['one', 'two'][winner], outcomes[winner].value]);
  await Promise.all([one, two].flatMap((each) => Array.from({ length: 10 }, () => each.state.update('n', (n = 0) => n + 1))));
  await eventually(() => one.state.get('n') === 20 && two.state.get('n') === 20, 'every one of 20 counted');
});

test('patch merges, delete removes, and a value that is too large is refused with the word of the server', async (t) => {
  const { session_id: id } = await clientFor().sessions.create({ state: { a: { x: 1 }, b: 1 } });
  const session = await joined(t, id);
  await session.state.patch({ a: { y: 2 }, b: null });
  assert.deepEqual(session.state.all, { a: { x: 1, y: 2 } });
  await session.state.delete('a');
  await session.state.delete('never there');
  assert.deepEqual(session.state.all, {});
  await assert.rejects(session.state.set('big', 'x'.repeat(70_000)), { name: 'SojournError', code: 'too_large' });
  await assert.rejects(session.send('session.mine', 1), { code: 'invalid' });
  await assert.rejects(session.send('ping', 1), { code: 'invalid' });
});

test('a tool that one member offers is called by another, also after a reconnect of the one who offers', async (t) => {
  const { session_id: id } = await clientFor().sessions.create();
  const line = await relay(t, server.port);
  const provider = await joined(t, id, { WebSocket: line.Socket, options: { tools: {
    add: async ({ a, b }) => a + b, fail: () => { throw new Error('not today'); },
  } } });
  const caller = await joined(t, id);
  assert.equal(await eventually(() => caller.call('add', { a: 1, b: 2 }).catch(() => false), 'the offer is known'), 3);
  await assert.rejects(caller.call('fail'), { name: 'SojournError', code: 'tool_failed', message: 'not today' });
  await assert.rejects(caller.call('unheard_of'), { code: 'tool_failed', message: 'Unsupported tool: unheard_of' });
  line.cut();
  await comeBack(provider);
  assert.equal(await eventually(() => caller.call('add', { a: 2, b: 2 }).catch(() => false), 'it is offered again'), 4);
  const takeBack = await provider.offer({ tools: { multiply: ({ a, b }) => a * b } });
  assert.equal(await caller.call('multiply', { a: 3, b: 4 }), 12);
  await assert.rejects(caller.call('add', { a: 1, b: 2 }), { message: 'Unsupported tool: add' });
  await takeBack();
  await assert.rejects(caller.call('multiply', { a: 3, b: 4 }), { message: 'Unsupported tool: multiply' });
});

test('a former life goes on at its cursor: what came since, and the state of now', async (t) => {
  const { session_id: id } = await clientFor().sessions.create({ state: { a: 1 } });
  const first = await joined(t, id);
  await first.send('note', 1);
  const { cursor } = first;
  first.leave();
  const writer = await joined(t, id);
  await writer.send('note', 2);
  await writer.state.set('a', 2);
  const second = await joined(t, id, { options: { since: cursor } });
  assert.deepEqual(second.state.all, { a: 2 });
  const events = await collect(second.events(), ({ type }) => type === 'session.state');
  assert.deepEqual(events.filter(({ seq }) => seq !== undefined).map(({ type, data }) => [type, data]), [['note', 2], ['session.state', { set: { a: 2 }, removed: [] }]]);
  const third = await joined(t, id, { options: { since: '1234.5' } });
  const [gap] = await collect(third.events({ types: [] }), () => true);
  assert.deepEqual([gap.type, gap.since, third.state.all], ['session.gap', '1234.5', { a: 2 }]);
});

test('when the session ends, readers end, what waits is refused, and the reason is known', async (t) => {
  const { sessions } = clientFor();
  const { session_id: id } = await sessions.create();
  const session = await joined(t, id);
  const reading = collect(session.events(), () => false);
  await sessions.delete(id);
  assert.deepEqual(await session.ended, { reason: 'deleted' });
  assert.deepEqual((await reading).map(({ type }) => type), ['session.closed']);
  assert.equal(session.status, 'ended');
  await assert.rejects(session.send('note'), { name: 'SojournError', code: 'ended' });
  await assert.rejects(session.query('anybody?'), { code: 'ended' });
});

test('a session that can not be joined says why', async () => {
  await assert.rejects(clientFor().join(nobody), { name: 'SojournError', code: 'not_found', status: 404, message: new RegExp(nobody) });
  await assert.rejects(clientFor({ token: 'nonsense' }).join(nobody), { code: 'unauthenticated', status: 401 });
  await assert.rejects(new lib.SojournClient({ url: 'http://127.0.0.1:9', WebSocket: socketOfNode }).join(nobody), { code: 'unreachable' });
  assert.throws(() => new lib.SojournClient({ url: 'ftp://x' }), TypeError);
});

test('a restarted server has forgotten its sessions: that is a typed error, and no endless retry', async (t) => {
  const mine = await start();
  t.after(() => mine.stop());
  const client = clientFor({ url: mine.url });
  const { session_id: id } = await client.sessions.create();
  const session = await client.join(id);
  const reading = assert.rejects(collect(session.events(), () => false), { code: 'not_found' });
  await mine.stop();
  await eventually(() => session.status === 'waiting', 'the end of the server is noticed');
  const other = await start({ listen: [`127.0.0.1:${mine.port}`] });
  t.after(() => other.stop());
  session.reconnect();
  const { reason, error } = await session.ended;
  assert.deepEqual([reason, error.name, error.status], ['not_found', 'SojournError', 404]);
  await reading;
});

test('a member that is sent away, or whose token is taken back, does not come back', async (t) => {
  const keyed = await startKeyed();
  t.after(() => keyed.stop());
  const token = await tokenOf(keyed, 'alice');
  const owner = new lib.SojournClient({ url: keyed.url, WebSocket: socketOfNode, token: async () => token });
  const { session_id: id, user_id: user } = await owner.sessions.create();
  assert.equal(user, 'alice');
  const headers = { Authorization: `Bearer ${token}` };
  const minted = (await keyed.post(`/api/v1/sessions/${id}/tokens`, { scope: 'read', user: 'guest' }, headers)).json;
  const guest = await new lib.SojournClient({ url: keyed.url, WebSocket: socketOfNode, token: minted.token }).join(id);
  await assert.rejects(guest.send('note', 1), { name: 'SojournError', code: 'forbidden' });
  await keyed.del(`/api/v1/sessions/${id}/tokens/${minted.id}`, headers);
  assert.equal((await guest.ended).error.code, 'unauthenticated');
  const member = await owner.join(id);
  await keyed.del(`/api/v1/sessions/${id}/connections/${member.connectionId}`, headers);
  assert.equal((await member.ended).reason, 'kicked');
});

test('a token that ends is renewed by who can, and nothing is missed', async (t) => {
  const { session_id: id } = await clientFor().sessions.create();
  const mintToken = async () => (await server.post(`/api/v1/sessions/${id}/tokens`, { scope: 'read', expires_in_s: 1 })).json.token;
  const guest = await joined(t, id, { token: mintToken });
  const [heard, first] = [guest.events({ types: ['note'] }), guest.connectionId];
  const owner = await joined(t, id);
  for (let n = 0; guest.connectionId === first; n += 1) { await owner.send('note', n); await sleep(100); assert.ok(n < 60, 'it came back'); }
  await owner.send('note', 'last');
  const numbers = (await collect(heard, ({ data }) => data === 'last')).map(({ data }) => data);
  assert.deepEqual(numbers, [...numbers.keys()].slice(0, -1).concat('last'));
});

test('a signal gives up joining, or leaves later', async () => {
  const { session_id: id } = await clientFor().sessions.create();
  const abort = new AbortController();
  const session = await clientFor().join(id, { signal: abort.signal });
  abort.abort();
  assert.deepEqual(await session.ended, { reason: 'left' });
  await assert.rejects(clientFor().join(id, { signal: abort.signal }), { name: 'AbortError' });
});

test('more messages than a server takes at once arrive all the same', async (t) => {
  const { session_id: id } = await clientFor().sessions.create();
  const session = await joined(t, id);
  const results = await Promise.all(Array.from({ length: 260 }, (_, n) => session.send('note', n)));
  assert.deepEqual(results.map(({ seq }) => seq), Array.from({ length: 260 }, (_, n) => results[0].seq + n));
});
