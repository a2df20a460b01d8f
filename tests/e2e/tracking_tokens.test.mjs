// Contract 2 and the native API: session tokens, which open one session and nothing else.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, sleep, start } from './harness.mjs';
import { as, createSession, isoMicros, join, nobody, openEvents, postEvent, startKeyed, upgrade, watch } from './tracking_stage.mjs';

let server;
let keyed;
before(async () => { [server, keyed] = await Promise.all([start(), startKeyed()]); });
after(() => Promise.all([server?.stop(), keyed?.stop()]));

async function mintFor(id, wishes = {}, one = server, headers = undefined) {
  const answer = await one.post(`/api/v1/sessions/${id}/tokens`, wishes, headers ?? await as(one));
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
}

const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const wrong = { code: 1008, reason: 'Invalid or expired token' };

/** The first frame, or the end, of a tracking connection. */
async function knock(t, one, options) {
  const member = await join(t, one, { ...options, greeting: false });
  return Promise.race([member.next(), member.closed]);
}

test('SHP-28 the owner mints a token for one session, which is read-only, for an hour and many uses unless said otherwise', async () => {
  const { session_id: id } = await createSession(server);
  const { token, id: name, scope, expires_at: expires, single_use: single } = await mintFor(id);
  assert.deepEqual([scope, single], ['read', false]);
  assert.match(expires, isoMicros);
  assert.ok(Math.abs(Date.parse(expires) - Date.now() - 3600_000) < 5000, expires);
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  assert.deepEqual([claims.sid, claims.jti, claims.scope], [id, name, 'read']);
  const list = (await server.get(`/api/v1/sessions/${id}/tokens`, await as(server))).json;
  assert.deepEqual(list, { tokens: [{ id: name, scope: 'read', expires_at: expires, single_use: false, used: list.tokens[0].used }] });
  assert.ok(!JSON.stringify(list).includes(token), 'shown once');
});

test('SHP-28 a session token joins its session without naming it, and by naming it', async (t) => {
  const owner = await join(t, server);
  const { token } = await mintFor(owner.id, { scope: 'write' });
  for (const session of [undefined, owner.id]) {
    const guest = await join(t, server, { token, session });
    assert.deepEqual([guest.id, guest.hello.session_resumed], [owner.id, true]);
    guest.send({ type: 'contextual_update', text: 'from the guest', data: 1 });
    assert.equal((await owner.next()).text, 'from the guest');
    await guest.nextOf('contextual_update');
    await guest.vanish();
  }
});

test('SHP-28 a session token opens no other session, and makes none', async (t) => {
  const [mine, other] = [await join(t, server), await join(t, server)];
  const { token } = await mintFor(mine.id, { scope: 'write' });
  const { count } = (await server.get('/sessions')).json;
  for (const session of [other.id, nobody]) {
    const end = await knock(t, server, { token, session });
    if (end.type === 'connected') assert.equal(end.session_id, mine.id, 'never another, never a new one');
    else assert.equal(end.code, 1008);
  }
  assert.equal((await server.get('/sessions')).json.count, count);
  for (const [method, target, body] of [
    ['GET', `/api/v1/sessions/${other.id}`], ['DELETE', `/api/v1/sessions/${other.id}`], ['GET', `/api/v1/sessions/${other.id}/state`], ['PUT', `/api/v1/sessions/${other.id}/state/k`, 1],
    ['GET', `/api/v1/sessions/${other.id}/events`], ['POST', `/api/v1/sessions/${other.id}/events`, { type: 'x' }], ['GET', `/api/v1/sessions/${other.id}/connections`], ['GET', `/sessions/${other.id}/state`],
  ]) {
    const answer = await server.send(method, target, body ?? '', bearer(token));
    assert.equal(answer.status, 404, `${method} ${target}: ${answer.text}`);
    assert.equal(answer.json.detail, `Session not found: ${other.id}`);
  }
  assert.equal((await upgrade(server, `/api/v1/sessions/${other.id}/stream?token=${token}`)).status, 404);
});

test('SHP-28 a session token is worth nothing outside of sessions', async () => {
  const { session_id: id } = await createSession(keyed);
  const { token } = await mintFor(id, { scope: 'control' }, keyed, await as(keyed, 'root', 'admin'));
  for (const [method, target, body] of [
    ['POST', '/api/v1/sessions', {}], ['GET', '/sessions'], ['POST', '/send-message', { type: 'x', payload: {} }], 
    ['POST', `/api/v1/sessions/${id}/tokens`, {}], ['GET', `/api/v1/sessions/${id}/tokens`],
  ]) {
    const { status } = await keyed.send(method, target, body ?? '', bearer(token));
    assert.ok(status === 404 || status === 403, `${method} ${target}: ${status}`);
  }
  assert.equal((await keyed.get(`/api/v1/sessions/${id}`, bearer(token))).status, 200);
});

test('SHP-28 scope read listens and reads, and writes nothing on any way', async (t) => {
  const owner = await join(t, server);
  const { token } = await mintFor(owner.id);
  const headers = bearer(token);
  for (const rest of ['', '/state', '/events']) assert.equal((await server.get(`/api/v1/sessions/${owner.id}${rest}`, headers)).status, 200, rest);
  for (const [method, rest, body] of [['PUT', '/state/k', 1], ['PUT', '/state', {}], ['PATCH', '/state', {}], ['DELETE', '/state/k'], ['POST', '/events', { type: 'x' }], ['DELETE', ''], ['POST', '/tokens', {}]]) {
    const answer = await server.send(method, `/api/v1/sessions/${owner.id}${rest}`, body ?? '', headers);
    assert.equal(answer.status, 403, `${method} ${rest}: ${answer.text}`);
    if (rest.startsWith('/state') || rest === '/events') assert.equal(answer.json.detail, 'this token may only read');
  }
  const guest = await join(t, server, { token });
  const stream = await watch(t, server, owner.id, { token });
  for (const value of [
    { type: 'contextual_update', text: 'x', data: 1 }, { type: 'set_session_state', payload: { key: 'k', value: 1 } }, { type: 'navigate', payload: { target: '/' } },
    { type: 'offer', tools: ['x'], queries: false }, { type: 'client_tool_call', client_tool_call: { tool_name: 'x', tool_call_id: '1', parameters: {} } },
  ]) {
    const reply = await guest.ask(value);
    assert.ok(reply.type === 'error' || reply.is_error === true, `${value.type}: ${JSON.stringify(reply)}`);
  }
  assert.equal((await stream.ask({ type: 'x', data: 1, request_id: 'r' })).type, 'error');
  assert.deepEqual((await owner.ask({ type: 'get_session_state' })).state, {});
  owner.send({ type: 'contextual_update', text: 'heard', data: 1 });
  assert.equal((await guest.nextOf('contextual_update')).text, 'heard');
  await stream.nextOf('contextual_update');
  assert.deepEqual((await guest.ask({ type: 'get_session_state' })).state, {});
});

test('SHP-28 a single-use token opens one connection', async (t) => {
  const owner = await join(t, server);
  const { token, id } = await mintFor(owner.id, { single_use: true, scope: 'write' });
  const guest = await join(t, server, { token });
  assert.equal(guest.id, owner.id);
  assert.deepEqual(await knock(t, server, { token }), wrong);
  assert.equal((await server.get(`/api/v1/sessions/${owner.id}`, bearer(token))).status, 401);
  const { tokens } = (await server.get(`/api/v1/sessions/${owner.id}/tokens`, await as(server))).json;
  const seen = tokens.find((each) => each.id === id);
  if (seen) assert.ok(seen.used);
  assert.equal((await guest.ask({ type: 'ping' })).type, 'pong', 'the one stays');
});

test('SHP-28 of many that try a single-use token at once exactly one comes in', async (t) => {
  const owner = await join(t, server);
  for (let round = 0; round < 5; round += 1) {
    const { token } = await mintFor(owner.id, { single_use: true });
    const ends = await Promise.all(Array.from({ length: 8 }, () => knock(t, server, { token })));
    assert.equal(ends.filter(({ type }) => type === 'connected').length, 1, JSON.stringify(ends));
  }
});

test('SHP-28 an expired token is refused, and its live sockets end', async (t) => {
  const owner = await join(t, server);
  const { token } = await mintFor(owner.id, { expires_in_s: 1 });
  const [guest, stream] = [await join(t, server, { token }), await watch(t, server, owner.id, { token })];
  await sleep(1100);
  assert.deepEqual(await knock(t, server, { token }), wrong);
  assert.equal((await server.get(`/api/v1/sessions/${owner.id}`, bearer(token))).status, 401);
  for (const one of [guest, stream]) {
    const end = await Promise.race([one.closed, sleep(4000)]);
    assert.equal(end?.code, 1008, 'within seconds of its expiry');
  }
});

test('SHP-28 a revoked token is refused, and its live sockets are closed within a second, the others not', async (t) => {
  const owner = await join(t, server);
  const { token, id } = await mintFor(owner.id, { scope: 'write' });
  const { token: kept } = await mintFor(owner.id, { scope: 'write' });
  const [guest, stream, other] = [await join(t, server, { token }), await watch(t, server, owner.id, { token }), await join(t, server, { token: kept })];
  const events = await openEvents(t, server, owner.id, { headers: bearer(token) });
  assert.equal((await events.next()).event, 'session.snapshot');
  const began = Date.now();
  assert.equal((await server.del(`/api/v1/sessions/${owner.id}/tokens/${id}`, await as(server))).status, 204);
  assert.deepEqual(await guest.closed, { code: 1008, reason: 'token revoked' });
  assert.deepEqual(await stream.closed, { code: 1008, reason: 'token revoked' });
  await eventually(() => events.ended, 'the event stream ends', 1000);
  assert.ok(Date.now() - began < 1000, `${Date.now() - began} ms`);
  assert.deepEqual(await knock(t, server, { token }), wrong);
  assert.equal((await server.get(`/api/v1/sessions/${owner.id}`, bearer(token))).status, 401);
  assert.equal((await upgrade(server, `/api/v1/sessions/${owner.id}/stream?token=${token}`)).status, 401);
  for (const one of [other, owner]) assert.equal((await one.ask({ type: 'ping' })).type, 'pong');
  assert.equal((await server.del(`/api/v1/sessions/${owner.id}/tokens/${id}`, await as(server))).status, 404);
});

test('SHP-28 only the owner or an admin mints, lists and revokes; for others the session is not there', async () => {
  const { session_id: id } = await createSession(keyed);
  const { id: name } = await mintFor(id, {}, keyed, await as(keyed, 'root', 'admin'));
  const [bob, reader] = [await as(keyed, 'bob'), await as(keyed, 'alice', 'read')];
  for (const [method, rest, body] of [['POST', '', {}], ['GET', ''], ['DELETE', `/${name}`]]) {
    assert.equal((await keyed.send(method, `/api/v1/sessions/${id}/tokens${rest}`, body ?? '', bob)).status, 404, `${method} by bob`);
    if (method !== 'GET') assert.equal((await keyed.send(method, `/api/v1/sessions/${id}/tokens${rest}`, body ?? '', reader)).status, 403, `${method} by a reader`);
  }
  assert.equal((await keyed.get(`/api/v1/sessions/${id}/tokens`, await as(keyed))).json.tokens.length, 1);
});

test('SHP-28 nonsense in the wish for a token is refused and mints nothing', async () => {
  const { session_id: id } = await createSession(server);
  const headers = await as(server);
  for (const wish of ['x', [], { scope: 'root' }, { scope: 'admin' }, { scope: 7 }, { expires_in_s: 0 }, { expires_in_s: -1 }, { expires_in_s: 2592001 }, { expires_in_s: 'soon' }, { expires_in_s: 1.5 }, { single_use: 'yes' }, { user: 7 }]) {
    const answer = await server.post(`/api/v1/sessions/${id}/tokens`, wish, headers);
    assert.equal(answer.status, typeof wish === 'string' || Array.isArray(wish) ? 400 : 422, `${JSON.stringify(wish)}: ${answer.text}`);
  }
  assert.deepEqual((await server.get(`/api/v1/sessions/${id}/tokens`, headers)).json, { tokens: [] });
  assert.equal((await mintFor(id, { expires_in_s: 2592000, scope: 'write', single_use: true })).scope, 'write');
});

test('SHP-28 nobody mints more than they have', async () => {
  const { session_id: id } = await createSession(server);
  for (const scope of ['write', 'control']) assert.equal((await mintFor(id, { scope }, server, await as(server, 'alice', 'control'))).scope, scope);
  const answer = await server.post(`/api/v1/sessions/${id}/tokens`, { scope: 'control' }, await as(server));
  assert.deepEqual([answer.status, answer.json.code], [403, 'forbidden']);
});

test('SHP-28 a token dies with its session', async (t) => {
  const { session_id: id } = await createSession(server);
  const { token } = await mintFor(id, { scope: 'write' });
  await server.del(`/api/v1/sessions/${id}`, await as(server));
  const end = await knock(t, server, { token });
  assert.equal(end.code, 1008, JSON.stringify(end));
  assert.ok([401, 404].includes((await server.get(`/api/v1/sessions/${id}`, bearer(token))).status));
});

test('SHP-28 minting, using and revoking stand in the session\'s log without the token', async (t) => {
  const { session_id: id } = await createSession(server);
  const { token, id: name } = await mintFor(id, { scope: 'write' });
  const guest = await join(t, server, { token });
  await postEvent(server, id, { type: 'mark' }, bearer(token));
  await server.del(`/api/v1/sessions/${id}/tokens/${name}`, await as(server));
  await guest.closed;
  const { events } = (await server.get(`/api/v1/sessions/${id}/events`, await as(server))).json;
  const types = events.map(({ type }) => type);
  for (const type of ['session.token_minted', 'session.token_revoked']) {
    const event = events.find((each) => each.type === type);
    assert.ok(event, types.join());
    assert.equal(event.data.id, name);
  }
  assert.ok(!JSON.stringify(events).includes(token.split('.').at(-1)));
});
