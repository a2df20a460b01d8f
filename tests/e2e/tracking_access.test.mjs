// Contract 2, who may what: isolation, the admin's list, log lines, passwords and the documented side endpoints.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertDressed, binary, eventually, isoTime, request, run, sleep, start } from './harness.mjs';
import { as, assertFrame, form, join, logged, nobody, secret, sign, startKeyed, tokenOf, uuid } from './tracking_stage.mjs';

const password = 'correct horse battery staple';
let server; // local mode, an extension listener and a sessions listener
let keyed;
let named; // with a user of its own and the test token
before(async () => {
  const { stdout, code, stderr } = await run(binary, ['token', '--hash-password'], { input: `${password}\n` });
  assert.equal(code, 0, stderr);
  [server, keyed, named] = await Promise.all([
    start({ listen: ['127.0.0.1:0', '127.0.0.1:0=sessions'] }),
    startKeyed(),
    start({ config: `[sessions]\ntest_token = true\n[users]\ncarol = ${JSON.stringify(stdout.trim())}\n` }),
  ]);
});
after(() => Promise.all([server?.stop(), keyed?.stop(), named?.stop()]));

const later = () => Math.floor(Date.now() / 1000) + 3600;

test('SHP-04 what is said in a session reaches its members only, whoever they are', async (t) => {
  const [mine, same, other] = [await join(t, server), await join(t, server), await join(t, server, { user: 'bob' })];
  const page = await join(t, server, { session: mine.id });
  const told = [
    { type: 'contextual_update', text: 'x', data: {} }, { type: 'contextual_update', text: 'x', data: {}, session_id: same.id }, { type: 'navigate', payload: { target: '/' }, session_id: other.id },
    { type: 'notification', payload: { type: 'a', title: 'b', message: 'c' }, broadcast: true }, { type: 'set_session_state', payload: { key: 'k', value: 1, session_id: same.id } },
    { type: 'client_tool_call', client_tool_call: { tool_name: 'none', tool_call_id: '1', parameters: {}, metadata: { session_id: same.id } } },
  ];
  for (const value of told) mine.send(value);
  await mine.settle();
  await server.post(`/sessions/${mine.id}/broadcast`, { type: 'x', payload: {} }, await as(server));
  assert.ok((await page.settle()).length >= 6);
  for (const member of [same, other]) {
    assert.deepEqual(await member.settle(), []);
    assert.deepEqual((await member.ask({ type: 'get_session_state' })).state, {});
  }
});

test('SHP-08 SHP-10 to another user every route of a session answers as for an unknown one', async (t) => {
  const { id } = await join(t, server);
  const bob = await as(server, 'bob');
  for (const [method, rest, body] of [
    ['GET', '/state'], ['GET', '/state/k'], ['PUT', '/state/k', '1'], ['DELETE', '/state/k'], ['POST', '/broadcast', '{"type":"x","payload":{}}'], ['DELETE', ''],
  ]) {
    const [theirs, unknown] = [await server.send(method, `/sessions/${id}${rest}`, body ?? '', bob), await server.send(method, `/sessions/${nobody}${rest}`, body ?? '', bob)];
    assert.equal(theirs.status, 404, `${method} ${rest}`);
    assert.deepEqual([theirs.status, theirs.text], [unknown.status, unknown.text.replaceAll(nobody, id)]);
  }
  assert.equal((await server.get(`/sessions/${id}/state`, await as(server))).status, 200);
});

test('SHP-23 the log tells of every turn in a session\'s life, with who and why', async (t) => {
  const quick = await start({ config: '[sessions]\nidle_minutes = 0.02\n' });
  t.after(() => quick.stop());
  const one = await join(t, quick);
  const two = await join(t, quick, { session: one.id });
  await join(t, quick, { user: 'bob', session: one.id });
  await join(t, quick, { session: nobody });
  const doomed = await join(t, quick);
  assert.equal((await quick.del(`/sessions/${doomed.id}`, await as(quick))).status, 204);
  await Promise.all([one.close(1000), two.vanish()]);
  await sleep(2500);
  await join(t, quick, { session: one.id });
  for (const [event, fields] of [
    ['session.created', { session: one.id, user: 'alice' }], ['session.joined', { session: one.id, user: 'alice' }], ['session.not_owner', { session: one.id, user: 'bob' }],
    ['session.invalid', { session: nobody, user: 'alice' }], ['session.deleted', { session: doomed.id }], ['session.disconnected', { session: one.id }], ['session.expired', { session: one.id }],
  ]) {
    await eventually(() => logged(quick, event).some((line) => Object.entries(fields).every(([name, value]) => line[name] === value)), `${event} with ${JSON.stringify(fields)}\n${quick.log().slice(-3000)}`);
  }
  assert.ok(logged(quick, 'session.joined').every((line) => line.connection !== undefined), 'which connection');
  assert.ok(logged(quick, 'session.invalid').every((line) => /127\.0\.0\.1/.test(line.address)), 'from where');
  assert.equal(logged(quick, 'session.disconnected').filter((line) => line.session === one.id).length, 2);
});

test('SHP-23 no token is ever in the log, wherever it was given, good or not', async (t) => {
  const loud = await start({ logLevel: 'debug' });
  t.after(() => loud.stop());
  const token = await tokenOf(loud);
  const bad = sign({ sub: 'mallory', exp: later() });
  await join(t, loud, { token });
  await join(t, loud, { token: null, headers: { Authorization: `Bearer ${token}` } });
  await join(t, loud, { token: null, protocols: [`bearer.${token}`] });
  await join(t, loud, { token: bad, greeting: false });
  await join(t, loud, { token: null, protocols: [`bearer.${bad}`], greeting: false });
  for (const given of [token, bad]) {
    await loud.get(`/sessions?token=${given}`);
    await loud.get(`/nothing?token=${given}&x=1`);
    await loud.get(`/api/v1/sessions?token=${given}`);
    await loud.get('/sessions', { Authorization: `Bearer ${given}` });
  }
  await form(loud, '/token', 'username=user&password=not%20this%20one');
  const answer = await form(loud, '/token', 'username=user&password=password');
  const { session_id: id } = (await loud.post('/api/v1/sessions', {}, { Authorization: `Bearer ${token}` })).json;
  const session = (await loud.post(`/api/v1/sessions/${id}/tokens`, {}, { Authorization: `Bearer ${token}` })).json.token;
  await loud.get(`/api/v1/sessions/${id}`, { Authorization: `Bearer ${session}` });
  await sleep(100);
  assert.match(loud.log(), /"event"/);
  for (const [what, value] of [['a good token', token], ['a bad token', bad], ['an answer of /token', answer.json.access_token], ['a session token', session], ['a wrong password', 'not this one'], ['the same, encoded', 'not%20this']]) {
    assert.ok(!loud.log().includes(value), what);
    assert.ok(!loud.log().includes(value.split('.').at(-1)), `${what}: its signature`);
  }
});

test('SHP-05 SHP-24 GET /sessions lists every shared session with its user, times, connections and state, to an admin', async (t) => {
  const [alice, bob] = [await join(t, server), await join(t, server, { user: 'bob' })];
  await join(t, server, { session: alice.id });
  alice.send({ type: 'set_session_state', payload: { key: 'k', value: { n: 1 } } });
  await alice.nextOf('session_state_set');
  const admin = await tokenOf(server, 'root', 'admin');
  for (const answer of [await server.get('/sessions', { Authorization: `Bearer ${admin}` }), await server.get(`/sessions?token=${admin}`), await request(server.urls[1], `/sessions?token=${admin}`), await server.get('/sessions')]) {
    assert.equal(answer.status, 200);
    assertDressed(answer);
    const { count, sessions } = answer.json;
    assert.equal(count, sessions.length);
    const found = sessions.find(({ session_id: id }) => id === alice.id);
    assert.deepEqual(Object.keys(found), ['session_id', 'user', 'created_at', 'last_active', 'expires_at', 'connections', 'state']);
    assert.deepEqual([found.user, found.connections, found.state], [{ username: 'alice' }, 2, { k: { n: 1 } }]);
    for (const time of [found.created_at, found.last_active]) assert.match(time, isoTime);
    assert.ok(found.created_at <= found.last_active);
    assert.deepEqual(sessions.find(({ session_id: id }) => id === bob.id).user, { username: 'bob' });
  }
});

test('SHP-24 an extension\'s session is not in the list, and a shared one is not in the extension\'s', async (t) => {
  const extension = await server.open();
  t.after(() => extension.vanish());
  const alice = await join(t, server);
  const { sessions } = (await server.get('/sessions')).json;
  assert.ok(sessions.some(({ session_id: id }) => id === alice.id));
  assert.ok(!JSON.stringify(sessions).includes(extension.id));
  assert.deepEqual((await server.list()).sessions.map(({ sessionId: id }) => id), [extension.id]);
  assert.equal((await server.session(alice.id)).status, 404);
  assert.equal((await server.del(`/sessions/${extension.id}`)).status, 404);
});

test('SHP-24 without a token in server mode it is 401, with a wrong one too, and 403 to who is no admin', async () => {
  const bare = await keyed.get('/sessions');
  assert.deepEqual([bare.status, bare.json.detail], [401, 'Not authenticated']);
  assert.equal(bare.headers['www-authenticate'], 'Bearer');
  for (const one of [keyed, server]) {
    for (const scope of ['read', 'write', 'control']) {
      const user = await one.get('/sessions', await as(one, 'alice', scope));
      assert.deepEqual([user.status, user.json.detail], [403, 'Admin privileges required'], scope);
    }
    for (const wrong of ['wrong', sign({ sub: 'root', scope: 'admin', exp: later() - 9000 }), sign({ sub: 'root', scope: 'admin', exp: later() }, { key: `${secret}!` })]) {
      for (const answer of [await one.get('/sessions', { Authorization: `Bearer ${wrong}` }), await one.get(`/sessions?token=${wrong}`)]) {
        assert.deepEqual([answer.status, answer.json.detail], [401, 'Invalid or expired token']);
        assert.equal(answer.headers['www-authenticate'], 'Bearer');
      }
    }
  }
  assert.equal((await keyed.get('/sessions', await as(keyed, 'root', 'admin'))).status, 200);
});

test('SHP-12 SHP-24 DELETE /sessions/{id} ends a session for everybody in it, and the list forgets it', async (t) => {
  const alice = await join(t, server);
  const page = await join(t, server, { session: alice.id });
  const answer = await server.del(`/sessions/${alice.id}`, await as(server));
  assert.deepEqual([answer.status, answer.text], [204, '']);
  const [one, two] = [await alice.closed, await page.closed];
  assert.ok(one.code >= 1000 && one.code === two.code && one.code !== 1006, `${one.code}`);
  assert.ok(!JSON.stringify((await server.get('/sessions')).json).includes(alice.id));
  assert.equal((await server.del(`/sessions/${alice.id}`, await as(server))).json.detail, `Session not found: ${alice.id}`);
});

test('SHP-29 POST /token gives a bearer token that opens the door, for the documented account of local mode', async (t) => {
  const answer = await form(server, '/token', 'username=user&password=password');
  assert.equal(answer.status, 200);
  assertDressed(answer);
  const { access_token: token, ...rest } = answer.json;
  assert.deepEqual(rest, { token_type: 'bearer', expires_in: 1800 });
  assert.equal((await join(t, server, { token })).hello.user, 'user');
  const { sub, exp } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  assert.equal(sub, 'user');
  assert.ok(Math.abs(exp - Date.now() / 1000 - 1800) < 5);
  assert.equal((await server.get('/sessions', { Authorization: `Bearer ${token}` })).status, 403, 'no admin');
  const multi = await form(server, '/token', 'grant_type=password&password=password&scope=&username=user&client_id=');
  assert.equal(multi.status, 200, 'as an OAuth2 client sends it');
});

test('SHP-29 a wrong password and an unknown user are the same 401', async () => {
  for (const text of ['username=user&password=wrong', 'username=nobody&password=password', 'username=user&password=password%00', 'username=User&password=password']) {
    const answer = await form(server, '/token', text);
    assert.deepEqual([answer.status, answer.json], [401, { detail: 'Incorrect username or password' }], text);
    assert.equal(answer.headers['www-authenticate'], 'Bearer');
  }
  for (const text of ['', 'username=user', 'username=user&password=', 'username=&password=password', 'nonsense', '%%%=&&&']) assert.equal((await form(server, '/token', text)).status, 422, text);
});

test('SHP-29 configured users replace the demo account, and server mode has none', async (t) => {
  const answer = await form(named, '/token', `username=carol&password=${encodeURIComponent(password).replaceAll('%20', '+')}`);
  assert.equal(answer.status, 200, answer.text);
  assert.equal((await join(t, named, { token: answer.json.access_token })).hello.user, 'carol');
  assert.equal((await form(named, '/token', 'username=carol&password=password')).status, 401);
  for (const one of [named, keyed]) assert.equal((await form(one, '/token', 'username=user&password=password')).status, 401);
  assert.ok(!named.log().includes('correct horse'));
});

test('SHP-29 GET /test-token is not there unless it is switched on, and its token does not expire', async (t) => {
  for (const one of [server, keyed]) assert.equal((await one.get('/test-token')).status, 404);
  const { status, json } = await named.get('/test-token');
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(json), ['test_token', 'note']);
  assert.equal((await join(t, named, { token: json.test_token })).hello.user, 'user');
  assert.equal(JSON.parse(Buffer.from(json.test_token.split('.')[1], 'base64url')).exp, undefined);
  const attempt = await start({ config: `key = "${secret}"\n[sessions]\ntest_token = true\n` }).catch((error) => error);
  if (attempt instanceof Error) return;
  t.after(() => attempt.stop());
  assert.equal((await attempt.get('/test-token')).status, 404, 'in server mode never');
});

test('SHP-29 POST /send-message reaches every shared session from an admin, and only their own from a user', async (t) => {
  const [alice, bob] = [await join(t, server), await join(t, server, { user: 'bob' })];
  const second = await join(t, server, { session: alice.id });
  const extension = await server.open();
  t.after(() => extension.vanish());
  const message = { type: 'maintenance', payload: { at: '18:00' } };
  const answer = await server.post('/send-message', message, await as(server, 'root', 'admin'));
  assert.equal(answer.status, 200);
  assert.equal(answer.json.status, 'sent');
  assert.deepEqual([answer.json.broadcast.type, answer.json.broadcast.payload], ['maintenance', message.payload]);
  for (const member of [alice, second, bob]) {
    const told = assertFrame(await member.nextText());
    assert.deepEqual([told.type, told.payload, told.session_id], ['maintenance', message.payload, member.id]);
    assert.deepEqual(await member.settle(), [], 'once');
  }
  assert.deepEqual(await extension.settle(), [], 'an extension is no shared session');
  await server.post('/send-message', message, await as(server, 'bob'));
  assert.deepEqual([(await bob.settle()).length, (await alice.settle()).length], [1, 0]);
  assert.equal((await keyed.post('/send-message', message)).status, 401);
  for (const [bad, status] of [['x', 400], ['[]', 400], ['{}', 422], ['{"type":7}', 422]]) assert.equal((await server.post('/send-message', bad)).status, status, bad);
});

test('who floods the tracking door is closed with 1008 rate limit, and who sends too much at once with 1009', async (t) => {
  const [flood, large, other] = [await join(t, server), await join(t, server), await join(t, server)];
  for (let n = 0; n < 400; n += 1) flood.send({ type: 'ping' });
  assert.deepEqual(await flood.closed, { code: 1008, reason: 'rate limit' });
  large.send({ type: 'contextual_update', text: 'x', data: 'x'.repeat(1_000_001) });
  assert.equal((await large.closed).code, 1009);
  assert.equal((await other.ask({ type: 'ping' })).type, 'pong');
});

test('SHP-29 a sessions listener answers what it does not know in its own words', async () => {
  const [, url] = server.urls;
  const unknown = await request(url, '/nothing');
  assert.deepEqual([unknown.status, unknown.json], [404, { detail: 'Not Found' }]);
  for (const [method, path, allow] of [['POST', '/sessions', /GET/], ['GET', '/token', /POST/], ['GET', '/send-message', /POST/]]) {
    for (const base of server.urls) {
      const wrong = await request(base, path, { method });
      assert.deepEqual([wrong.status, wrong.json], [405, { detail: 'Method Not Allowed' }], `${method} ${path}`);
      assert.match(wrong.headers.allow, allow);
    }
  }
  const root = await request(url, '/');
  assert.equal(root.status, 200);
  assert.equal(root.json.name, 'sojourn');
  assert.match(root.json.version, /^\d+\.\d+/);
  assert.match((await server.post('/api/v1/sessions', {}, {})).json.session_id, uuid);
});
