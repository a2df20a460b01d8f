// Contract 2, sessions: opening, joining, coming back, and what closes the door.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { frame, openExtension, parseFrames, rawSocket, sessionId, sleep, start, upgradeRequest } from './harness.mjs';
import { as, assertFrame, createSession, join, mint, nobody, secret, sign, startKeyed, tokenOf, uuid } from './tracking_stage.mjs';

let server; // an extension listener, then a sessions listener
let quick; // its sessions are idle for 1.2 s at most
let keyed;
before(async () => {
  [server, quick, keyed] = await Promise.all([
    start({ listen: ['127.0.0.1:0', '127.0.0.1:0=sessions'] }),
    start({ config: '[sessions]\nidle_minutes = 0.02\n' }),
    startKeyed(),
  ]);
});
after(() => Promise.all([server?.stop(), quick?.stop(), keyed?.stop()]));

const doors = () => [
  ['/ws', server.urls[0]], ['/ws', server.urls[1]], ['/ws/session', server.urls[0]], ['/ws/session', server.urls[1]],
];

/** Connects with exactly this query; the first thing that comes, a frame or the end. */
async function first(t, target, options = {}) {
  const { url = server.url, ...rest } = options;
  const member = await openExtension(url, { path: target, greeting: false, ...rest });
  t.after(() => member.vanish());
  return Promise.race([member.next(), member.closed]);
}

test('SHP-06 SHP-05 a client that names no session gets a new one, with a UUID v4', async (t) => {
  const ids = new Set();
  for (const [path, url] of doors()) {
    const member = await join(t, server, { path, url });
    assert.match(member.id, uuid);
    assert.equal(member.hello.session_resumed, false);
    ids.add(member.id);
  }
  assert.equal(ids.size, 4, 'each is another session');
});

test('SHP-14 the welcome frame is exactly this, for a new session and for a resumed one', async (t) => {
  const one = await join(t, server);
  const expected = (hello, resumed) => JSON.stringify({
    type: 'connected', session_id: one.id, session_resumed: resumed, message: resumed ? 'Session resumed' : 'Session created', timestamp: hello.timestamp, user: 'alice',
  });
  assert.equal(one.helloText, expected(assertFrame(one.helloText), false));
  const two = await join(t, server, { session: one.id });
  assert.equal(two.helloText, expected(assertFrame(two.helloText), true));
});

test('SHP-14 the welcome frame has the session id without a blank, for those who search the text', async (t) => {
  assert.match((await join(t, server)).helloText, /"session_id":"[0-9a-f-]{36}"/);
});

test('SHP-14 the welcome frame comes first and once, even when the client speaks in the packet of its upgrade', async (t) => {
  const target = `/ws?token=${await tokenOf(server)}`;
  const raw = await rawSocket(server.port);
  t.after(() => raw.destroy());
  raw.send(Buffer.concat([Buffer.from(upgradeRequest(server.port, { target })), frame(1, '{"type":"ping"}'), frame(1, '{"type":"ping"}')]));
  const heard = () => parseFrames(raw.received().subarray(raw.received().indexOf('\r\n\r\n') + 4));
  await raw.waitFor(() => heard().length === 3, 'three frames');
  await sleep(50);
  assert.deepEqual(heard().map(({ opcode, fin, payload }) => [opcode, fin, JSON.parse(payload.toString()).type]), [[1, true, 'connected'], [1, true, 'pong'], [1, true, 'pong']]);
});

test('SHP-07 SHP-01 a client joins an existing session by its id, through every spelling of the door', async (t) => {
  const agent = await join(t, server);
  for (const [path, url] of doors()) {
    const page = await join(t, server, { path, url, session: agent.id });
    assert.equal(page.id, agent.id);
    assert.equal(page.hello.session_resumed, true);
    assert.equal(page.hello.reason, undefined);
    page.send({ type: 'contextual_update', text: 'from', data: path });
    await page.nextOf('contextual_update');
    assert.deepEqual((await agent.next()).data, path, 'they share the context');
  }
});

test('SHP-07 a session id is accepted in capital letters as the same session or as an unknown one, never as a third thing', async (t) => {
  const one = await join(t, server);
  const two = await join(t, server, { session: one.id.toUpperCase() });
  if (two.hello.session_resumed) assert.equal(two.id, one.id);
  else assert.equal(two.hello.reason, 'invalid');
});

test('SHP-07 a bare /ws is the tracking door when a token or session_id is given, or on a sessions listener', async (t) => {
  const token = await tokenOf(server);
  assert.equal((await first(t, `/ws?token=${token}`)).type, 'connected');
  assert.match((await first(t, `/ws?token=${token}`)).session_id, uuid);
  assert.deepEqual(await first(t, `/ws?session_id=${nobody}`), { code: 1008, reason: 'Missing authentication token' });
  assert.deepEqual(await first(t, '/ws', { url: server.urls[1] }), { code: 1008, reason: 'Missing authentication token' });
  assert.match((await first(t, '/ws')).sessionId, sessionId, 'the listener of extensions');
  assert.match((await first(t, '/ws?device=11111111-1111-4111-8111-111111111111&v=1.0')).sessionId, sessionId);
  assert.match((await first(t, '/ws/extension', { url: server.urls[1] })).sessionId, sessionId, 'named on every listener');
});

test('SHP-02 a session outlives its connections, and a client comes back to it with its state', async (t) => {
  const one = await join(t, server);
  await one.ask({ type: 'set_session_state', payload: { key: 'selected', value: 'Ground' } });
  await one.close(1000);
  await sleep(100);
  const two = await join(t, server, { session: one.id });
  assert.equal(two.id, one.id);
  assert.equal(two.hello.message, 'Session resumed');
  await two.vanish();
  const three = await join(t, server, { session: one.id });
  assert.equal(three.id, one.id);
  assert.deepEqual((await three.ask({ type: 'get_session_state', payload: {} })).state, { selected: 'Ground' });
});

test('SHP-02 SHP-15 a client that comes back hears what is said from then on, and nothing twice', async (t) => {
  const agent = await join(t, server);
  const gone = await join(t, server, { session: agent.id });
  await gone.vanish();
  agent.send({ type: 'contextual_update', text: 'missed', data: {} });
  await agent.nextOf('contextual_update');
  const back = await join(t, server, { session: agent.id });
  assert.deepEqual(await back.settle(), [], 'this door has no cursor');
  agent.send({ type: 'contextual_update', text: 'heard', data: {} });
  await agent.nextOf('contextual_update');
  assert.deepEqual((await back.settle()).map(({ text }) => text), ['heard']);
});

test('SHP-09 an id that never was gives a new session, and the welcome says why', async (t) => {
  for (const wanted of [nobody, randomUUID(), 'invalid-session-id', 'ext_0123456789ab', '../../etc/passwd', '550e8400', 'ü "}', 'x'.repeat(2000), '00000000-0000-0000-0000-000000000000']) {
    const member = await join(t, server, { session: wanted });
    assert.match(member.id, uuid);
    assert.notEqual(member.id, wanted);
    const { timestamp } = assertFrame(member.helloText);
    assert.equal(member.helloText, JSON.stringify({
      type: 'connected', session_id: member.id, session_resumed: false, message: 'Session created', requested_session_id: wanted, reason: 'invalid', timestamp, user: 'alice',
    }), wanted.slice(0, 40));
    await member.vanish();
  }
});

test('SHP-09 an extension\'s id is no shared session: it is neither joined nor touched', async (t) => {
  const extension = await server.open();
  t.after(() => extension.vanish());
  const member = await join(t, server, { session: extension.id });
  assert.match(member.id, uuid);
  assert.equal(member.hello.reason, 'invalid');
  assert.deepEqual(await extension.settle(), []);
});

test('SHP-08 SHP-10 another user\'s session is never joined: a new one is made, and the welcome says not_owner', async (t) => {
  const alice = await join(t, server);
  await alice.ask({ type: 'set_session_state', payload: { key: 'secret', value: 'of alice' } });
  await alice.nextOf('session_state_update');
  const bob = await join(t, server, { user: 'bob', session: alice.id });
  assert.notEqual(bob.id, alice.id);
  assert.deepEqual({ ...bob.hello, timestamp: 0 }, {
    type: 'connected', session_id: bob.id, session_resumed: false, message: 'Session created', timestamp: 0, user: 'bob', requested_session_id: alice.id, reason: 'not_owner',
  });
  assert.deepEqual((await bob.ask({ type: 'get_session_state', payload: {} })).state, {}, 'nothing of it is told');
  bob.send({ type: 'contextual_update', text: 'hello', data: {}, session_id: alice.id });
  await bob.nextOf('contextual_update');
  assert.deepEqual(await alice.settle(), [], 'its owner hears nothing of it');
});

test('SHP-11 unless configured otherwise a session may be idle for an hour', async (t) => {
  const { id } = await join(t, server);
  assert.equal((await server.get(`/api/v1/sessions/${id}`, await as(server))).json.timeout_minutes, 60);
  const { created_at: created, expires_at: expires } = (await server.get('/sessions')).json.sessions.find((each) => each.session_id === id);
  assert.ok(expires === null || Date.parse(expires) - Date.parse(created) >= 3_600_000, expires);
});

test('SHP-12 a deleted session is not joined any more', async (t) => {
  const one = await join(t, server);
  assert.equal((await server.del(`/sessions/${one.id}`, await as(server))).status, 204);
  await one.closed;
  const two = await join(t, server, { session: one.id });
  assert.notEqual(two.id, one.id);
  assert.ok(['invalid', 'expired'].includes(two.hello.reason), two.hello.reason);
  assert.equal(two.hello.requested_session_id, one.id);
});

const missing = { code: 1008, reason: 'Missing authentication token' };
const wrong = { code: 1008, reason: 'Invalid or expired token' };
const payload = { code: 1008, reason: 'Invalid token payload' };
const later = Math.floor(Date.now() / 1000) + 3600;
const good = { sub: 'alice', scope: 'write', exp: later };
const none = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${Buffer.from(JSON.stringify(good)).toString('base64url')}.`;
const tampered = sign(good).replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ ...good, sub: 'root' })).toString('base64url')}.`);

const refused = [
  ['without a token', null, missing],
  ['with a token that is no token', 'your-auth-token', wrong],
  ['with two dots and nothing else', '..', wrong],
  ['with a token of another key', sign(good, { key: `${secret}!` }), wrong],
  ['with a changed payload', tampered, wrong],
  ['with the algorithm none', none, wrong],
  ['with the algorithm HS512 in the header', sign(good, { header: { alg: 'HS512', typ: 'JWT' } }), wrong],
  ['with a token cut short', sign(good).slice(0, -2), wrong],
  ['with a token of an hour ago', sign({ ...good, exp: later - 7200 }), wrong],
  ['with a token of 12,000 characters', 'a'.repeat(12000), wrong],
  ['without sub', sign({ scope: 'write', exp: later }), payload],
  ['with an empty sub', sign({ ...good, sub: '' }), payload],
  ['with a sub that is no text', sign({ ...good, sub: 7 }), payload],
];

test('SHP-13 who has no good token is let in and then closed with 1008 and the reason, and no session is made', async (t) => {
  const admin = { Authorization: `Bearer ${sign({ ...good, scope: 'admin' })}` };
  const { count } = (await keyed.get('/sessions', admin)).json;
  for (const [what, token, end] of refused) {
    await t.test(what, async (row) => {
      for (const query of ['', `&session_id=${nobody}`]) {
        const given = token === null ? '' : `token=${encodeURIComponent(token)}`;
        assert.deepEqual(await first(row, `/ws/session?${given}${query}`, { url: keyed.url }), end);
      }
    });
  }
  assert.equal((await keyed.get('/sessions', admin)).json.count, count);
});

test('SHP-13 the same holds in local mode, and no frame comes before the close', async (t) => {
  const short = await mint(server, ['--user', 'alice', '--scope', 'write', '--expires', '1s']);
  const member = await join(t, server, { token: short });
  assert.match(member.id, uuid);
  await sleep(2100);
  assert.deepEqual(await first(t, `/ws?token=${short}`), wrong);
  assert.deepEqual(await first(t, '/ws/session'), missing);
  assert.deepEqual(await first(t, '/ws?token='), missing);
  assert.deepEqual(await first(t, `/ws?token=${sign(good)}`), wrong, 'a token of another key');
});

test('SHP-13 a token is also taken from Authorization and from the subprotocol', async (t) => {
  const token = await tokenOf(server);
  const header = await join(t, server, { token: null, headers: { Authorization: `Bearer ${token}` } });
  assert.equal(header.hello.user, 'alice');
  const alone = await join(t, server, { token: null, protocols: [`bearer.${token}`] });
  assert.equal(alone.hello.user, 'alice');
  assert.equal(alone.ws.protocol, `bearer.${token}`, 'a browser needs its only offer back');
  const both = await join(t, server, { token: null, protocols: ['sojourn', `bearer.${token}`] });
  assert.equal(both.hello.user, 'alice');
  assert.equal(both.ws.protocol, 'sojourn', 'the token does not travel back when it needn\'t');
  assert.deepEqual(await first(t, '/ws/session', { protocols: ['bearer.wrong'] }), wrong);
});

test('SHP-13 a wrong token beside a good one is not ignored', async (t) => {
  const token = await tokenOf(server);
  assert.deepEqual(await first(t, `/ws/session?token=${token}`, { headers: { Authorization: 'Bearer wrong' } }), wrong);
  assert.deepEqual(await first(t, '/ws/session?token=wrong', { headers: { Authorization: `Bearer ${token}` } }), wrong);
});

describe('SHP-11 SHP-12 SHP-22 sessions whose time is over', { concurrency: true }, () => {
  test('SHP-11 SHP-12 SHP-09 an idle session ends by itself, its id is then as good as none, and the welcome says expired', async (t) => {
    const one = await join(t, quick);
    await one.close(1000);
    await sleep(2500);
    const two = await join(t, quick, { session: one.id });
    assert.notEqual(two.id, one.id);
    assert.deepEqual({ ...two.hello, timestamp: 0 }, {
      type: 'connected', session_id: two.id, session_resumed: false, message: 'Session created', timestamp: 0, user: 'alice', requested_session_id: one.id, reason: 'expired',
    });
    assert.equal((await quick.get(`/sessions/${one.id}/state`, await as(quick))).status, 404);
  });

  test('SHP-11 SHP-10 who did not own the ended session is not told that it has expired', async (t) => {
    const one = await join(t, quick);
    await one.close(1000);
    await sleep(2500);
    const bob = await join(t, quick, { user: 'bob', session: one.id });
    assert.notEqual(bob.id, one.id);
    assert.ok(['invalid', 'not_owner'].includes(bob.hello.reason), bob.hello.reason);
  });

  test('SHP-11 a session with an open but silent connection does not end', async (t) => {
    const one = await join(t, quick);
    await sleep(3000);
    const two = await join(t, quick, { session: one.id });
    assert.equal(two.id, one.id);
    assert.equal(two.hello.session_resumed, true);
  });

  test('SHP-11 any access keeps a session without connections alive', async (t) => {
    const { session_id: id } = await createSession(quick);
    const headers = await as(quick);
    for (let n = 0; n < 12; n += 1) {
      await sleep(250);
      const { status } = n % 2 ? await quick.get(`/sessions/${id}/state`, headers) : await quick.send('PUT', `/sessions/${id}/state/n`, n, headers);
      assert.equal(status, 200, `after ${n + 1} quarters of a second`);
    }
    assert.equal((await join(t, quick, { session: id })).id, id);
  });

  test('SHP-11 a session of its own timeout is not ended by the common one', async (t) => {
    const { session_id: id } = await createSession(quick, { timeout_minutes: 1 });
    await sleep(2500);
    assert.equal((await join(t, quick, { session: id })).id, id);
  });

  test('SHP-22 the three causes of a failed join are told apart', async (t) => {
    const theirs = await join(t, quick, { user: 'bob' });
    const mine = await join(t, quick);
    await mine.close(1000);
    await sleep(2500);
    const reasons = [];
    for (const session of [nobody, theirs.id, mine.id]) reasons.push((await join(t, quick, { session })).hello.reason);
    assert.deepEqual(reasons, ['invalid', 'not_owner', 'expired']);
  });
});
