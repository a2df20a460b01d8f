// The native API and the tracking door: whose session it is, which tokens count, and who may ask from a browser.
import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile, readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { assertDressed, parseResponses, rawSocket, start, upgradeRequest } from './harness.mjs';
import { as, createSession, join, mint, nobody, secret, sign, startKeyed, tokenOf, upgrade, uuid } from './tracking_stage.mjs';

const allowed = 'https://app.example';
let server; // local mode
let keyed; // server mode
before(async () => {
  [server, keyed] = await Promise.all([start({ args: ['--allow-origin', allowed] }), startKeyed({ args: ['--allow-origin', allowed] })]);
});
after(() => Promise.all([server?.stop(), keyed?.stop()]));

const later = () => Math.floor(Date.now() / 1000) + 3600;
const bearer = (token) => ({ Authorization: `Bearer ${token}` });

// Every route that names a session, with a body where it takes one.
const routes = [
  ['GET', '/api/v1/sessions/:id'], ['GET', '/api/v1/sessions/:id/state'], ['PUT', '/api/v1/sessions/:id/state', {}], ['PATCH', '/api/v1/sessions/:id/state', {}], ['DELETE', '/api/v1/sessions/:id/state'],
  ['GET', '/api/v1/sessions/:id/state/k'], ['PUT', '/api/v1/sessions/:id/state/k', 1], ['PATCH', '/api/v1/sessions/:id/state/k', {}], ['DELETE', '/api/v1/sessions/:id/state/k'],
  ['GET', '/api/v1/sessions/:id/events'], ['POST', '/api/v1/sessions/:id/events', { type: 'x' }], ['GET', '/api/v1/sessions/:id/connections'], ['DELETE', '/api/v1/sessions/:id/connections/c1'],
  ['GET', '/api/v1/sessions/:id/tokens'], ['POST', '/api/v1/sessions/:id/tokens', {}], ['DELETE', '/api/v1/sessions/:id/tokens/t1'],
  ['GET', '/sessions/:id/state'], ['GET', '/sessions/:id/state/k'], ['PUT', '/sessions/:id/state/k', 1], ['DELETE', '/sessions/:id/state/k'], ['POST', '/sessions/:id/broadcast', { type: 'x', payload: {} }], ['DELETE', '/sessions/:id'],
  ['DELETE', '/api/v1/sessions/:id'],
];
const ask = (one, [method, target, body], id, headers) => one.send(method, target.replace(':id', id), body ?? '', headers);
const plain = ({ status, text, headers }, id) => {
  const { date, 'x-request-id': request, 'x-correlation-id': correlation, 'content-length': length, ...rest } = headers;
  assert.ok(request && correlation);
  return { status, text: text.replaceAll(id, ':id'), rest: JSON.stringify(rest) };
};

test('in every route another user\'s session answers exactly as an unknown one, but for the id', async () => {
  for (const one of [server, keyed]) {
    const { session_id: id } = await createSession(one, { state: { k: 1 }, client_id: 'c' });
    const bob = await as(one, 'bob');
    for (const route of routes) {
      const [theirs, unknown] = [await ask(one, route, id, bob), await ask(one, route, nobody, bob)];
      assert.deepEqual(plain(theirs, id), plain(unknown, nobody), route.join(' '));
      assert.equal(theirs.status, 404, route.join(' '));
    }
    for (const query of ['', '?since=0']) {
      const stream = (session) => upgrade(one, `/api/v1/sessions/${session}/stream${query}`, bob);
      assert.deepEqual(plain(await stream(id), id), plain(await stream(nobody), nobody));
      const events = (session) => one.get(`/api/v1/sessions/${session}/events${query}`, { ...bob, Accept: 'text/event-stream' });
      assert.deepEqual(plain(await events(id), id), plain(await events(nobody), nobody));
    }
    assert.equal((await one.get(`/api/v1/sessions/${id}/state/k`, await as(one))).json.value, 1, 'nothing was changed');
    for (const [, target] of routes.slice(-1)) assert.equal((await one.del(target.replace(':id', id), await as(one))).status, 204, 'its owner may');
  }
});

test('an admin may touch every session, an ordinary user only their own', async () => {
  for (const one of [server, keyed]) {
    const { session_id: id } = await createSession(one, { user: 'bob' });
    assert.equal((await one.get(`/api/v1/sessions/${id}`, await as(one))).status, 404);
    const admin = await as(one, 'root', 'admin');
    assert.equal((await one.get(`/api/v1/sessions/${id}`, admin)).json.user_id, 'bob');
    assert.equal((await one.send('PUT', `/api/v1/sessions/${id}/state/k`, '1', admin)).status, 200);
    assert.equal((await one.del(`/api/v1/sessions/${id}`, admin)).status, 204);
  }
});

test('an ordinary token of scope read reads and changes nothing', async () => {
  const { session_id: id } = await createSession(server, { state: { k: 1 } });
  const headers = await as(server, 'alice', 'read');
  for (const route of routes) {
    const { status } = await ask(server, route, id, headers);
    if (route[0] !== 'GET') assert.equal(status, 403, route.join(' '));
    else if (!route[1].endsWith('/tokens')) assert.equal(status, 200, route.join(' '));
  }
  assert.equal((await server.post('/api/v1/sessions', {}, headers)).status, 403);
  assert.deepEqual((await server.get(`/api/v1/sessions/${id}/state`, headers)).json.state, { k: 1 });
});

test('in server mode a request without a token is 401 on every route, health aside', async () => {
  const { session_id: id } = await createSession(keyed);
  const others = [['POST', '/api/v1/sessions', {}], ['GET', '/api/v1/sessions'], ['GET', '/sessions'], ['POST', '/send-message', { type: 'x', payload: {} }]];
  for (const route of [...routes, ...others]) {
    const answer = await ask(keyed, route, id, {});
    assert.deepEqual([answer.status, answer.json.detail], [401, 'Not authenticated'], route.join(' '));
    assert.equal(answer.headers['www-authenticate'], 'Bearer');
    assertDressed(answer);
  }
  for (const target of [`/api/v1/sessions/${id}/stream`, '/api/v1/sessions/x/stream']) assert.equal((await upgrade(keyed, target)).status, 401);
  for (const target of ['/api/websocket/sessions', '/api/websocket/sessions/ext_0123456789ab', '/api/browser/ext_0123456789ab/tabs']) {
    const answer = await keyed.get(target);
    assert.deepEqual([answer.status, answer.json], [401, { error: 'Not authenticated' }], target);
  }
  for (const target of ['/healthz', '/readyz']) assert.equal((await keyed.get(target)).status, 200, target);
});

const good = { sub: 'alice', scope: 'write', exp: later() };
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const badTokens = () => [
  ['no token at all', 'x'], ['three empty parts', '..'], ['two parts', sign(good).split('.').slice(0, 2).join('.')], ['four parts', `${sign(good)}.x`], ['another key', sign(good, { key: `${secret}!` })], ['an empty key', sign(good, { key: '' })],
  ['the algorithm none', `${part({ alg: 'none' })}.${part(good)}.`], ['the algorithm None with a signature', sign(good, { header: { alg: 'None' } })], ['the algorithm RS256 in the header', sign(good, { header: { alg: 'RS256', typ: 'JWT' } })],
  ['no algorithm', sign(good, { header: { typ: 'JWT' } })], ['a header that is no object', sign(good, { header: [] })], ['claims that are no object', sign('[]')], ['claims that are no JSON', sign('{')], ['an expiry of yesterday', sign({ ...good, exp: later() - 90000 })],
  ['an expiry of text', sign({ ...good, exp: 'never' })], ['an expiry below zero', sign({ ...good, exp: -1 })], ['a scope of nonsense', sign({ ...good, scope: 'root' })], ['a scope that is no text', sign({ ...good, scope: ['admin'] })],
  ['a session that is no text', sign({ ...good, sid: 7, jti: 'x' })], ['a changed signature', sign(good).replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))],
  ['blanks', `${sign(good)} x`], ['padding', `${sign(good)}=`],
];

test('a wrong token is 401 everywhere, also where none is needed', async (t) => {
  for (const [what, token] of badTokens()) {
    await t.test(what, async () => {
      for (const one of [server, keyed]) {
        for (const target of ['/api/v1/sessions', '/sessions', `/api/v1/sessions/${nobody}`, `/sessions/${nobody}/state`]) {
          const answer = await one.get(target, bearer(token));
          assert.equal(answer.status, 401, `${target}: ${answer.text}`);
          assert.match(answer.json.detail, /^Invalid (or expired token|token payload)$/);
          assert.equal(answer.headers['www-authenticate'], 'Bearer');
        }
        assert.match((await one.get('/api/websocket/sessions', bearer(token))).json.error, /^Invalid (or expired token|token payload)$/);
        assert.equal((await upgrade(one, `/api/v1/sessions/${nobody}/stream?token=${encodeURIComponent(token)}`)).status, 401);
      }
    });
  }
});

test('a token is taken from the header, and from the query only where no header can be set', async (t) => {
  const { session_id: id } = await createSession(keyed);
  const token = await tokenOf(keyed);
  assert.equal((await keyed.get(`/api/v1/sessions/${id}`, bearer(token))).status, 200);
  assert.equal((await keyed.get(`/api/v1/sessions/${id}`, { Authorization: `bearer ${token}` })).status, 200, 'the scheme has no case');
  assert.equal((await keyed.get(`/api/v1/sessions/${id}?token=${token}`)).status, 401, 'not in the query of an ordinary request');
  assert.equal((await keyed.send('DELETE', `/api/v1/sessions/${id}?token=${token}`, '')).status, 401);
  for (const scheme of ['Basic', 'Token', '']) assert.equal((await keyed.get(`/api/v1/sessions/${id}`, { Authorization: `${scheme} ${token}`.trim() })).status, 401, scheme);
  assert.equal((await upgrade(keyed, `/api/v1/sessions/${id}/stream?token=${token}`)).status, 101);
  assert.equal((await upgrade(keyed, `/api/v1/sessions/${id}/stream`, { 'Sec-WebSocket-Protocol': `bearer.${token}` })).headers['sec-websocket-protocol'], `bearer.${token}`);
  assert.equal((await upgrade(keyed, `/api/v1/sessions/${id}/stream`, { 'Sec-WebSocket-Protocol': `sojourn, bearer.${token}` })).headers['sec-websocket-protocol'], 'sojourn');
  assert.equal((await upgrade(keyed, `/api/v1/sessions/${id}/stream`, bearer(token))).status, 101);
  assert.ok((await join(t, keyed, { token })).id);
});

test('a configured public key admits tokens of its own algorithm only', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-keys-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const pairs = { RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }), ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
  const signed = (alg, claims, header = { alg, typ: 'JWT' }) => {
    const text = `${part(header)}.${part(claims)}`;
    return `${text}.${createSign('SHA256').update(text).sign({ key: pairs[alg].privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
  for (const alg of ['RS256', 'ES256']) {
    const file = path.join(folder, `${alg}.pem`);
    const pem = pairs[alg].publicKey.export({ type: 'spki', format: 'pem' });
    await writeFile(file, pem);
    const one = await start({ config: `key_file = ${JSON.stringify(file)}\n` });
    t.after(() => one.stop());
    const other = alg === 'RS256' ? 'ES256' : 'RS256';
    assert.equal((await one.get('/api/v1/sessions', bearer(signed(alg, good)))).status, 200, alg);
    for (const token of [
      signed(other, good), signed(other, good, { alg, typ: 'JWT' }), sign(good, { key: pem }), sign(good, { key: pem, header: { alg, typ: 'JWT' } }), signed(alg, good, { alg: 'HS256', typ: 'JWT' }),
      signed(alg, { ...good, exp: later() - 9000 }), `${signed(alg, good).slice(0, -8)}AAAAAAAA`,
    ]) {
      assert.equal((await one.get('/api/v1/sessions', bearer(token))).status, 401);
    }
    const { session_id: id } = (await one.post('/api/v1/sessions', {}, bearer(signed(alg, good)))).json;
    const guest = await one.post(`/api/v1/sessions/${id}/tokens`, {}, bearer(signed(alg, good)));
    assert.equal(guest.status, 201, 'its own session tokens have a key of the data folder');
    assert.equal((await one.get(`/api/v1/sessions/${id}`, bearer(guest.json.token))).status, 200);
  }
});

test('a key that is too short, both kinds of key, or a file that holds none is a configuration error that names it', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-keys-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'no.pem');
  await writeFile(file, 'no key\n');
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = path.join(folder, 'key.pem');
  await writeFile(pem, pair.publicKey.export({ type: 'spki', format: 'pem' }));
  for (const config of ['key = "short"\n', 'key = ""\n', `key_file = ${JSON.stringify(file)}\n`, 'key_file = "/nowhere/key.pem"\n', `key = "${secret}"\nkey_file = ${JSON.stringify(pem)}\n`]) {
    const failure = await start({ config }).then((one) => one.stop().then(() => undefined), (error) => error);
    assert.match(failure?.message ?? 'it started', /key/, config);
    assert.doesNotMatch(failure.message, new RegExp(secret), 'the secret is not printed');
  }
});

test('the program mints tokens without a server, with the key of the data folder, which only its owner reads', async (t) => {
  const one = await start();
  t.after(() => one.stop());
  const file = path.join(one.data, 'key');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.match((await readFile(file, 'utf8')).trim(), /^[0-9a-f]{64}$/);
  const token = await mint(one, ['--user', 'dora', '--scope', 'read', '--expires', '90s']);
  const { sub, scope, exp } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  assert.deepEqual([sub, scope], ['dora', 'read']);
  assert.ok(Math.abs(exp - Date.now() / 1000 - 90) < 5);
  assert.equal((await one.get('/api/v1/sessions', bearer(token))).status, 200);
  assert.equal((await server.get('/api/v1/sessions', bearer(token))).status, 401, 'another folder has another key');
  const { token: own, address } = JSON.parse(await readFile(path.join(one.data, 'server.json'), 'utf8'));
  assert.equal(address, one.url);
  assert.equal((await one.get('/sessions', bearer(own))).status, 200, 'the token of server.json is an admin\'s');
  assert.equal((await stat(path.join(one.data, 'server.json'))).mode & 0o777, 0o600);
});

/** Sends a request with exact header lines: the first answer. */
async function raw(text) {
  const socket = await rawSocket(server.port);
  socket.send(text);
  await socket.waitFor(() => socket.received().includes('\r\n\r\n'), 'an answer');
  const [answer] = parseResponses(socket.received());
  socket.destroy();
  return answer ?? { status: Number(socket.text().split(' ')[1]), headers: {}, body: '' };
}

test('origins and hosts that are not ours are refused on the new routes too, with or without a good token', async () => {
  const { session_id: id } = await createSession(server, { headers: {} });
  const token = await tokenOf(server, 'root', 'admin');
  const paths = ['/sessions', '/api/v1/sessions', `/api/v1/sessions/${id}`, `/api/v1/sessions/${id}/events`, `/sessions/${id}/state`, '/openapi.json', '/test-token'];
  for (const lines of [['Origin: http://evil.test'], ['Origin: null'], ['Origin: http://evil.test', `Authorization: Bearer ${token}`], ['Sec-Fetch-Site: cross-site'], ['Sec-Fetch-Site: same-site']]) {
    for (const target of paths) {
      const answer = await raw([`GET ${target} HTTP/1.1`, `Host: 127.0.0.1:${server.port}`, ...lines, '', ''].join('\r\n'));
      assert.equal(answer.status, 403, `${target} ${lines}`);
      assert.equal(answer.headers['access-control-allow-origin'], undefined);
    }
    for (const [target, body] of [['/api/v1/sessions', '{}'], [`/api/v1/sessions/${id}/events`, '{"type":"evil"}'], ['/send-message', '{"type":"evil","payload":{}}'], ['/token', 'username=user&password=password']]) {
      const answer = await raw([`POST ${target} HTTP/1.1`, `Host: 127.0.0.1:${server.port}`, ...lines, 'Content-Type: text/plain', `Content-Length: ${body.length}`, '', body].join('\r\n'));
      assert.equal(answer.status, 403, `POST ${target} ${lines}`);
    }
    for (const target of [`/ws?token=${token}`, `/ws/session?token=${token}`, `/api/v1/sessions/${id}/stream`]) {
      assert.equal((await raw(upgradeRequest(server.port, { target, headers: lines }))).status, 403, `${target} ${lines}`);
    }
  }
  for (const target of [...paths, `/ws/session?token=${token}`]) {
    const answer = await raw(upgradeRequest(server.port, { target }).replace(/Host: .*/, `Host: evil.test:${server.port}`));
    assert.equal(answer.status, 403, `Host: evil.test ${target}`);
  }
  const { events } = (await server.get(`/api/v1/sessions/${id}/events`)).json;
  assert.ok(!events.some(({ type }) => type === 'evil'));
});

test('an allowed origin is served and echoed, the methods and headers of the API are in its preflight', async () => {
  const { session_id: id } = await createSession(server);
  const answer = await server.get(`/api/v1/sessions/${id}/state`, { ...await as(server), Origin: allowed });
  assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [200, allowed]);
  assert.match(answer.headers.vary, /\bOrigin\b/i);
  const exposed = answer.headers['access-control-expose-headers'] ?? '';
  for (const name of ['ETag', 'Location', 'X-Request-ID']) assert.match(exposed, new RegExp(`\\b${name}\\b`, 'i'), name);
  const preflight = await server.send('OPTIONS', `/api/v1/sessions/${id}/state/k`, '', { Origin: allowed, 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'authorization, if-match, idempotency-key, content-type' });
  assert.equal(preflight.status, 204);
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) assert.match(preflight.headers['access-control-allow-methods'], new RegExp(`\\b${method}\\b`));
  for (const name of ['authorization', 'if-match', 'idempotency-key', 'content-type', 'last-event-id']) assert.match(preflight.headers['access-control-allow-headers'], new RegExp(`\\b${name}\\b`, 'i'), name);
  assert.equal((await upgrade(server, `/ws/session?token=${await tokenOf(server)}`, { Origin: allowed })).status, 101);
});

test('the request\'s ids come back', async () => {
  const given = 'request-of-the-test-0123456789';
  const answer = await server.get('/api/v1/sessions', { 'X-Request-ID': given });
  assert.equal(answer.headers['x-request-id'], given);
  assert.match((await server.get('/api/v1/sessions')).headers['x-request-id'], uuid);
});
