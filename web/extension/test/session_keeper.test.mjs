import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const [{ SessionKeeper, freshMs, heartbeatAlarm, heartbeatEveryMinutes, serveSession }, api] =
  await load('/src/session_keeper.ts', '/src/lib/api.ts');

const url = 'http://127.0.0.1:8000';
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function listeners() {
  const all = [];
  return { addListener: (listener) => all.push(listener), fire: (...args) => all.map((listener) => listener(...args)) };
}

/** A keeper over a store in memory, and a server that is a script: (method, path, body) gives {status, body} or throws. */
function stage(t, script, stored = {}) {
  const asked = [];
  const alarms = new Map();
  const before = { chrome: globalThis.chrome, fetch: globalThis.fetch };
  t.after(() => Object.assign(globalThis, before));
  globalThis.chrome = {
    storage: { local: {
      get: async (keys) => Object.fromEntries([keys].flat().filter((key) => key in stored).map((key) => [key, stored[key]])),
      set: async (values) => { Object.assign(stored, values); },
      remove: async (keys) => { for (const key of [keys].flat()) delete stored[key]; },
    } },
    runtime: { onMessage: listeners(), onStartup: listeners(), onInstalled: listeners() },
    alarms: { onAlarm: listeners(), get: async (name) => alarms.get(name), create: async (name, info) => { alarms.set(name, info); } },
  };
  globalThis.fetch = async (address, { method, body }) => {
    const { origin, pathname } = new URL(address);
    const request = { method, path: pathname, ...(body === undefined ? {} : { body: JSON.parse(body) }) };
    asked.push(request);
    const { status, body: answer } = await script(request, origin);
    return new Response(answer === undefined ? null : JSON.stringify(answer), { status });
  };
  const { createSession, validateSession, deleteSession } = api;
  const keeper = new SessionKeeper({ url: async () => url, createSession, validateSession, deleteSession });
  return { keeper, stored, asked, alarms };
}

const created = (id, resumed = false) => ({ status: 201, body: {
  session_id: id, session_resumed: resumed, message: `Session ${resumed ? 'resumed' : 'created'} successfully`,
} });
const missing = (id) => ({ status: 404, body: { detail: `Session not found or expired: ${id}`, code: 'not_found', error_code: 'SESSION_NOT_FOUND' } });
const alive = (id) => ({ status: 200, body: { session_id: id, status: 'active', message: 'Session heartbeat updated' } });
const creations = (asked) => asked.filter(({ method, path }) => method === 'POST' && path === '/api/v1/sessions');

test('FMV-23: getSessionId makes a session at the server and keeps its id with the time', async (t) => {
  const { keeper, stored, asked } = stage(t, () => created('s1'));
  const began = Date.now();
  assert.deepEqual(await keeper.get(), { status: 'success', sessionId: 's1', sessionResumed: false, message: 'Session created successfully' });
  assert.deepEqual(asked, [{ method: 'POST', path: '/api/v1/sessions', body: { client_id: stored.clientId, timeout_minutes: 60, session_type: 'troubleshooting' } }]);
  assert.match(stored.clientId, uuid);
  assert.deepEqual([stored.sessionId, stored.sessionResumed], ['s1', false]);
  assert.ok(stored.sessionCreatedAt >= began && stored.sessionCreatedAt <= Date.now());
});

test('FMV-23: what goes wrong is an error with the reason, and nothing is kept', async (t) => {
  const refusal = { status: 503, body: { detail: 'the store is away', code: 'unavailable' } };
  const { keeper, stored } = stage(t, () => refusal);
  assert.deepEqual(await keeper.get(), { status: 'error', message: 'Failed to create session: the store is away' });
  assert.deepEqual(stored, {});
  const unreachable = stage(t, () => { throw new TypeError('fetch failed'); });
  const { status, message } = await unreachable.keeper.get();
  assert.equal(status, 'error');
  assert.match(message, /^Failed to create session: .*cannot be reached/);
  const odd = stage(t, () => ({ status: 201, body: {} }));
  assert.deepEqual(await odd.keeper.get(), { status: 'error', message: 'Failed to create session: the server answered without a session id' });
  assert.deepEqual(odd.stored, {});
});

test('FMV-16: the same client id goes out again, and a resumed session says so', async (t) => {
  const clientId = '4f3b6f0e-9a55-4a6e-8a86-0e34c31d7d10';
  const { keeper, stored, asked } = stage(t, () => created('s1', true), { clientId });
  assert.deepEqual(await keeper.get(), { status: 'success', sessionId: 's1', sessionResumed: true, message: 'Session resumed successfully' });
  assert.equal(asked[0].body.client_id, clientId);
  assert.deepEqual([stored.clientId, stored.sessionResumed], [clientId, true]);
});

test('FMV-16: at the start of the browser the server is asked for the session by the client id, however fresh the kept one is', async (t) => {
  const kept = { sessionId: 's1', sessionCreatedAt: Date.now() - 5_000, sessionResumed: false, clientId: crypto.randomUUID() };
  const { keeper, stored, asked } = stage(t, () => created('s1', true), { ...kept });
  const [first, second] = await Promise.all([keeper.start(), keeper.get()]);
  assert.deepEqual([first.sessionId, first.sessionResumed, second.sessionId], ['s1', true, 's1']);
  assert.deepEqual(asked.map(({ body }) => body.client_id), [kept.clientId]);
  assert.equal(stored.sessionResumed, true);
  const away = stage(t, () => { throw new TypeError('fetch failed'); }, { ...kept });
  assert.equal((await away.keeper.start()).status, 'error');
  assert.deepEqual(away.stored, kept);
});

test('FMV-26: a client id that is no UUID is replaced by one', async (t) => {
  const { keeper, stored } = stage(t, () => created('s1'), { clientId: 'me' });
  await keeper.get();
  assert.match(stored.clientId, uuid);
});

test('FMV-18: any number of callers at once make one session', async (t) => {
  let open;
  const gate = new Promise((resolve) => { open = resolve; });
  const { keeper, asked } = stage(t, async () => { await gate; return created('s1'); });
  const calls = Array.from({ length: 20 }, () => keeper.get());
  open();
  const replies = await Promise.all(calls);
  assert.deepEqual(new Set(replies.map(({ sessionId }) => sessionId)), new Set(['s1']));
  assert.equal(asked.length, 1);
  await keeper.get();
  assert.equal(asked.length, 1, 'and later ones use it');
});

test('an id is used for 30 minutes, then the server is asked whether it still knows it', async (t) => {
  const kept = { sessionId: 's1', sessionResumed: true, clientId: crypto.randomUUID() };
  const fresh = stage(t, () => assert.fail('nobody is asked'), { ...kept, sessionCreatedAt: Date.now() - freshMs + 5_000 });
  assert.deepEqual(await fresh.keeper.get(), { status: 'success', sessionId: 's1', sessionResumed: true, message: 'Session in use' });

  const old = stage(t, () => alive('s1'), { ...kept, sessionCreatedAt: Date.now() - freshMs - 1 });
  assert.equal((await old.keeper.get()).sessionId, 's1');
  assert.equal((await old.keeper.get()).sessionId, 's1');
  assert.deepEqual(old.asked, [{ method: 'POST', path: '/api/v1/sessions/s1/heartbeat' }], 'once, and its word is good for another while');

  const future = stage(t, () => alive('s1'), { ...kept, sessionCreatedAt: Date.now() + 3_600_000 });
  await future.keeper.get();
  assert.equal(future.asked.length, 1, 'a clock that was set back proves nothing');
});

test('a session that the server lost is made anew, once and under another client id', async (t) => {
  const answers = [
    (id) => missing(id), () => ({ status: 410, body: { detail: 'gone' } }),
    () => ({ status: 400, body: { detail: 'Invalid session' } }), () => ({ status: 401, body: { detail: 'SESSION EXPIRED' } }),
  ];
  for (const answer of answers) {
    const clientId = crypto.randomUUID();
    const { keeper, stored, asked } = stage(t, ({ path }) => (path.endsWith('/heartbeat') ? answer('s1') : created('s2')),
      { sessionId: 's1', sessionCreatedAt: 0, clientId });
    assert.deepEqual(await keeper.get(), { status: 'success', sessionId: 's2', sessionResumed: false, message: 'Session created successfully' });
    assert.equal(stored.sessionId, 's2');
    assert.match(stored.clientId, uuid);
    assert.notEqual(stored.clientId, clientId);
    assert.equal(creations(asked).length, 1);
  }
});

test('a create that is answered with "session expired" is tried once more with another client id', async (t) => {
  const clientId = crypto.randomUUID();
  const gone = stage(t, ({ body }) => (body.client_id === clientId ? { status: 410, body: { detail: 'Session expired' } } : created('s2')), { clientId });
  assert.equal((await gone.keeper.get()).sessionId, 's2');
  assert.equal(creations(gone.asked).length, 2);
  const always = stage(t, () => ({ status: 404, body: { detail: 'Not Found' } }), { clientId });
  assert.deepEqual(await always.keeper.get(), { status: 'error', message: 'Failed to create session: Not Found' });
  assert.equal(creations(always.asked).length, 2);
  assert.deepEqual(always.stored, { clientId }, 'and nothing was given up for nothing');
});

test('a server that cannot be asked costs neither the session nor the client id', async (t) => {
  const kept = { sessionId: 's1', sessionCreatedAt: 1, clientId: crypto.randomUUID() };
  for (const script of [() => { throw new TypeError('fetch failed'); }, () => ({ status: 500, body: { detail: 'oh' } })]) {
    const { keeper, stored } = stage(t, script, { ...kept });
    assert.equal((await keeper.get()).status, 'error');
    await keeper.beat();
    assert.deepEqual(stored, kept);
  }
});

test('check asks the server about a fresh session too, and a plain question shares it', async (t) => {
  const { keeper, asked } = stage(t, ({ path }) => (path.endsWith('/heartbeat') ? missing('s1') : created('s2')),
    { sessionId: 's1', sessionCreatedAt: Date.now(), clientId: crypto.randomUUID() });
  const replies = await Promise.all([keeper.check(), keeper.check(), keeper.get()]);
  assert.deepEqual(replies.map(({ sessionId }) => sessionId), ['s2', 's2', 's2']);
  assert.equal(asked.length, 2);
});

test('a session of another server is not used', async (t) => {
  const { keeper, stored, asked } = stage(t, () => created('s2'),
    { sessionId: 's1', sessionCreatedAt: Date.now(), sessionServer: 'http://elsewhere:1', clientId: crypto.randomUUID() });
  assert.equal((await keeper.get()).sessionId, 's2');
  assert.equal(asked.length, 1);
  assert.equal(stored.sessionServer, url);
});

test('FMV-27: clear ends the session at the server, then forgets it here, and the next one is a new one', async (t) => {
  let next = 0;
  const { keeper, stored, asked } = stage(t, ({ method }) => (method === 'DELETE' ? { status: 204 } : created(`s${next += 1}`)));
  await keeper.get();
  const { clientId } = stored;
  const [cleared, after] = await Promise.all([keeper.clear(), keeper.get()]);
  assert.deepEqual(cleared, { status: 'success', message: 'Session cleared' });
  assert.deepEqual(asked.map(({ method, path }) => `${method} ${path}`),
    ['POST /api/v1/sessions', 'DELETE /api/v1/sessions/s1', 'POST /api/v1/sessions']);
  assert.equal(after.sessionId, 's2');
  assert.equal(stored.clientId, clientId);
});

test('FMV-27: clear succeeds also when the server does not, and then nothing leads back to that session', async (t) => {
  const kept = { sessionId: 's1', sessionCreatedAt: Date.now(), sessionResumed: true, sessionServer: url, clientId: crypto.randomUUID() };
  const lost = stage(t, () => missing('s1'), { ...kept });
  assert.deepEqual(await lost.keeper.clear(), { status: 'success', message: 'Session cleared' });
  assert.deepEqual(lost.stored, { clientId: kept.clientId });
  const away = stage(t, () => { throw new TypeError('fetch failed'); }, { ...kept });
  const reply = await away.keeper.clear();
  assert.equal(reply.status, 'success');
  assert.match(reply.message, /could not be told/);
  assert.deepEqual(away.stored, {});
  const none = stage(t, () => assert.fail('there is nothing to delete'));
  assert.equal((await none.keeper.clear()).status, 'success');
});

test('FMV-23, FMV-27: the background answers its two messages, and says of others that it does not know them', async (t) => {
  const { keeper, asked } = stage(t, ({ method }) => (method === 'DELETE' ? { status: 204 } : created('s1')));
  serveSession(keeper);
  const ask = (message) => new Promise((resolve) => {
    assert.deepEqual(chrome.runtime.onMessage.fire(message, {}, resolve), [true], 'the answer comes later');
  });
  assert.deepEqual(await ask({ action: 'getSessionId' }), { sessionId: 's1', status: 'success', sessionResumed: false, message: 'Session created successfully' });
  assert.deepEqual(await ask({ action: 'clearSession' }), { status: 'success', message: 'Session cleared' });
  for (const odd of [{ action: 'dance' }, {}, null, undefined, 'getSessionId', 7]) {
    assert.deepEqual(await ask(odd), { status: 'error', message: 'Unknown action' });
  }
  assert.deepEqual(asked.map(({ method }) => method), ['POST', 'DELETE']);
});

test('FMV-27: the session is made when the browser starts, and a heartbeat each 30 minutes keeps it', async (t) => {
  const { keeper, stored, asked, alarms } = stage(t, ({ path }) => (path.endsWith('/heartbeat') ? alive('s1') : created('s1')));
  serveSession(keeper);
  chrome.alarms.onAlarm.fire({ name: heartbeatAlarm });
  await keeper.beat();
  assert.equal(asked.length, 0, 'without a session there is nothing to keep');
  chrome.runtime.onStartup.fire();
  chrome.runtime.onInstalled.fire();
  await keeper.get();
  assert.equal(creations(asked).length, 1);
  assert.deepEqual([...alarms], [[heartbeatAlarm, { periodInMinutes: heartbeatEveryMinutes }]]);
  assert.equal(heartbeatEveryMinutes, 30);
  alarms.set(heartbeatAlarm, 'under way');
  serveSession(keeper);
  chrome.alarms.onAlarm.fire({ name: 'wake' });
  await new Promise(setImmediate);
  assert.equal(alarms.get(heartbeatAlarm), 'under way', 'a worker that starts again does not set it back');
  assert.equal(asked.length, 1, 'another alarm is none of its business');
  chrome.alarms.onAlarm.fire({ name: heartbeatAlarm });
  await keeper.beat();
  assert.equal(asked.at(-1).path, '/api/v1/sessions/s1/heartbeat');
  assert.ok(stored.sessionCheckedAt > 0);
});
