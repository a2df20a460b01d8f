// What HTTP says around Engine.IO: the exact answers to requests that are wrong, and the headers of those that are right.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { address, ask, eventually, openPolling, ours, rawAnswer, startConformance, upgraded } from './conformance_stage.mjs';
import { rawSocket, upgradeRequest } from './harness.mjs';

const body_bytes_max = 1_000_000;
const said = {
  transport: { code: 0, message: 'Transport unknown' },
  session: { code: 1, message: 'Session ID unknown' },
  method: { code: 2, message: 'Bad handshake method' },
  request: { code: 3, message: 'Bad request' },
  revision: { code: 5, message: 'Unsupported protocol version' },
};

let server;
let serverOfBoth; // revisions
before(async () => { [server, serverOfBoth] = [await startConformance(), await startConformance('--eio3')]; });
after(() => Promise.all([server?.stop(), serverOfBoth?.stop()]));

function assertRefused(answer, problem) {
  assert.deepEqual({ status: answer.status, body: answer.text }, { status: 400, body: JSON.stringify(problem) });
  assert.match(answer.headers['content-type'], /^application\/json/);
}

const wrong = [
  ['no revision', { transport: 'polling' }, said.revision],
  ['revision 3, which is not switched on', { EIO: 3, transport: 'polling' }, said.revision],
  ['revision 5', { EIO: 5, transport: 'polling' }, said.revision],
  ['a revision that is no number', { EIO: 'abc', transport: 'polling' }, said.revision],
  ['a revision with a zero in front', { EIO: '04', transport: 'polling' }, said.revision],
  ['no transport', { EIO: 4 }, said.transport],
  ['an unknown transport', { EIO: 4, transport: 'abc' }, said.transport],
  ['a transport that is a name of every object', { EIO: 4, transport: 'constructor' }, said.transport],
  ['a transport that is not offered', { EIO: 4, transport: 'webtransport' }, said.transport],
  ['an unknown sid', { EIO: 4, transport: 'polling', sid: 'abc' }, said.session],
  ['a sid that is a name of every object', { EIO: 4, transport: 'polling', sid: '__proto__' }, said.session],
  ['transport=websocket without an upgrade', { EIO: 4, transport: 'websocket' }, said.request],
];

for (const mount of ['/engine.io/', '/socket.io/']) {
  for (const [what, query, problem] of wrong) {
    test(`${mount} answers ${what} with code ${problem.code}`, async () => {
      assertRefused(await ask(server, address(mount, query)), problem);
    });
  }

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    test(`${mount} answers a handshake by ${method} with code 2`, async () => {
      assertRefused(await ask(server, address(mount, { EIO: 4, transport: 'polling' }), { method, body: '' }), said.method);
    });
  }

  test(`${mount} answers a POST to an unknown sid with code 1`, async () => {
    assertRefused(await ask(server, address(mount, { EIO: 4, transport: 'polling', sid: 'abc' }), { method: 'POST', body: '4x' }), said.session);
  });

  test(`${mount} answers another transport than the session's with code 3`, async (t) => {
    const { polling, wire } = await upgraded(t, server, { mount });
    wire.send(mount === '/engine.io/' ? '4x' : '40');
    await wire.next();
    assertRefused(await polling.get(), said.request);
    assertRefused(await polling.post('4x'), said.request);
  });

  test(`${mount} knows no session of its neighbour`, async () => {
    const polling = await openPolling(server, { mount: mount === '/engine.io/' ? '/socket.io/' : '/engine.io/' });
    assertRefused(await ask(server, address(mount, { EIO: 4, transport: 'polling', sid: polling.sid })), said.session);
  });
}

const mount = '/engine.io/';

const wrongUpgrades = [
  ['no revision', { transport: 'websocket' }, said.revision, ours],
  ['revision 3, which is not switched on', { EIO: 3, transport: 'websocket' }, said.revision, ours],
  ['revision 5', { EIO: 5, transport: 'websocket' }, said.revision, ours],
  ['no transport', { EIO: 4 }, said.transport],
  ['an unknown transport', { EIO: 4, transport: 'abc' }, said.transport],
  ['an unknown sid', { EIO: 4, transport: 'websocket', sid: 'abc' }, said.session],
];

/** The whole answer on a connection that the server then closes. */
async function answerTo(t, text, port = server.port) {
  const raw = await rawSocket(port);
  t.after(() => raw.destroy());
  raw.send(text);
  await raw.waitFor(() => rawAnswer(raw), 'an answer');
  return Object.assign(rawAnswer(raw), { raw });
}

for (const [what, query, problem, options = {}] of wrongUpgrades) {
  test(`an upgrade with ${what} is answered with 400 and its reason, and no 101`, options, async (t) => {
    const { status, head, body, raw } = await answerTo(t, upgradeRequest(server.port, { target: address(mount, query) }));
    assert.equal(status, 400);
    assert.match(body, new RegExp(problem.message));
    assert.match(head, /^connection: close$/im);
    await raw.readUntilClose();
    assert.doesNotMatch(raw.text(), /101 Switching/);
  });
}

test('an upgrade with polling for its transport is answered with 400', ours, async (t) => {
  const { status } = await answerTo(t, upgradeRequest(server.port, { target: address(mount, { EIO: 4, transport: 'polling' }) }));
  assert.equal(status, 400);
});

test('a request outside of the mounts is answered with 404, and an upgrade is refused', async (t) => {
  for (const target of ['/', '/nothing', '/engine.iox/?EIO=4&transport=polling', '/nothing/engine.io/?EIO=4&transport=polling']) {
    assert.equal((await ask(server, target)).status, 404, target);
  }
  const { status } = await answerTo(t, upgradeRequest(server.port, { target: '/nothing?EIO=4&transport=websocket' }));
  assert.ok(status === 400 || status === 404, `${status}`);
});

test('an Origin with bytes that no header may have is answered with 400', async (t) => {
  const { status } = await answerTo(t, `GET ${address(mount, { EIO: 4, transport: 'polling' })} HTTP/1.1\r\nHost: here\r\nOrigin: a\u0001b\r\n\r\n`);
  assert.equal(status, 400);
});

test('an open packet is text that nobody stores, and sets no cookie', async () => {
  const { answer } = await openPolling(server);
  assert.match(answer.headers['content-type'], /^text\/plain; *charset=utf-8$/i);
  assert.match(answer.headers['cache-control'], /\bno-store\b/);
  assert.equal(answer.headers['set-cookie'], undefined);
});

test('what is taken is answered with ok, as html, and what is given as text', async () => {
  const polling = await openPolling(server);
  const taken = await polling.post('4hello');
  assert.deepEqual({ status: taken.status, text: taken.text }, { status: 200, text: 'ok' });
  assert.match(taken.headers['content-type'], /^text\/html/);
  const given = await polling.get();
  assert.match(given.headers['content-type'], /^text\/plain; *charset=utf-8$/i);
  assert.match(given.headers['cache-control'], /\bno-store\b/);
});

test('a cache buster and other parameters change nothing', async () => {
  const polling = await openPolling(server, { query: { t: 'PqRs-12_', x: 'a&b=c', j: undefined } });
  await polling.send('4hello');
  assert.deepEqual(await polling.messages(1), ['4hello']);
});

test('one connection carries a whole session, and each request of one may have its own', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const first = await ask(server, address(mount, { EIO: 4, transport: 'polling' }), { agent });
  const { sid } = JSON.parse(first.text.slice(1));
  const target = address(mount, { EIO: 4, transport: 'polling', sid });
  for (let round = 0; round < 5; round += 1) {
    assert.equal((await ask(server, target, { agent, method: 'POST', body: `4${round}` })).text, 'ok');
    assert.equal((await ask(server, target, { agent })).text, `4${round}`);
  }
  assert.equal(Object.values(agent.sockets).length + Object.values(agent.freeSockets).length, 1);
  agent.destroy();
  assert.equal((await ask(server, target, { method: 'POST', body: '4other' })).text, 'ok');
  assert.match((await ask(server, target)).text, /^(2.)?4other$/);
});

test('a body of the largest size is taken', async () => {
  const polling = await openPolling(server);
  const body = `4${'x'.repeat(body_bytes_max - 1)}`;
  await polling.send(body);
  assert.deepEqual(await polling.messages(1), [body]);
});

test('a body above the largest size is answered with 413, and ends the session', ours, async () => {
  const polling = await openPolling(server);
  assert.equal((await polling.post(`4${'x'.repeat(body_bytes_max)}`)).status, 413);
  await polling.assertEnds();
});

test('a body in chunks above the largest size is answered with 413, and ends the session', ours, async (t) => {
  const polling = await openPolling(server);
  const raw = await rawSocket(server.port);
  t.after(() => raw.destroy());
  raw.send(`POST ${polling.target} HTTP/1.1\r\nHost: here\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`);
  const chunk = `${(50000).toString(16)}\r\n${'x'.repeat(50000)}\r\n`;
  for (let i = 0; i < 30 && !rawAnswer(raw); i += 1) raw.send(chunk);
  await raw.waitFor(() => raw.text().startsWith('HTTP/1.1 413 '), 'the refusal');
  await polling.assertEnds();
});

test('bytes in revision 4 are answered with 400, and end the session', async () => {
  const polling = await openPolling(server);
  const refused = await polling.post(Buffer.from([0, 1, 2]), { headers: { 'Content-Type': 'application/octet-stream' } });
  assert.equal(refused.status, 400);
  await polling.assertEnds();
});

test('an empty body is answered with 400', ours, async () => {
  const polling = await openPolling(server);
  assert.equal((await polling.post('')).status, 400);
});

test('text that is no UTF-8 is answered with 400, and ends the session', ours, async () => {
  const polling = await openPolling(server);
  assert.equal((await polling.post(Buffer.from([0x34, 0xc3, 0x28]))).status, 400);
  await polling.assertGone();
});

test('base64 that is none is answered with 400, and ends the session', ours, async () => {
  for (const body of ['b!!!!', 'bAQID=', 'bA']) {
    const polling = await openPolling(server);
    assert.equal((await polling.post(body)).status, 400, body);
    await polling.assertGone();
  }
});

test('a method that is none of polling is refused, and the session lives on', ours, async () => {
  const polling = await openPolling(server);
  for (const method of ['PUT', 'DELETE', 'PATCH']) {
    const { status } = await ask(server, polling.target, { method, body: '' });
    assert.ok([400, 404, 405].includes(status), `${method}: ${status}`);
  }
  await polling.send('4hello');
  assert.deepEqual(await polling.messages(1), ['4hello']);
});

test('an answer as a script, which any page could read, is refused', ours, async () => {
  for (const EIO of [3, 4]) {
    const answer = await ask(serverOfBoth, address(mount, { EIO, transport: 'polling', j: 0 }));
    assertRefused(answer, said.request);
  }
});

test('revision 3 is served where it is switched on, and revision 4 is so beside it', ours, async () => {
  assert.equal((await openPolling(serverOfBoth, { eio: 3 })).packets[0][0], '0');
  assert.equal((await openPolling(serverOfBoth)).packets[0][0], '0');
  assertRefused(await ask(serverOfBoth, address(mount, { EIO: 5, transport: 'polling' })), said.revision);
});

test('a waiting poll is answered when its session ends, whatever ends it', async () => {
  const polling = await openPolling(server);
  const poll = polling.get();
  await eventually(async () => (await polling.post('abc')).status === 400, 'a packet that is none');
  assert.equal((await poll).status < 500, true);
});
