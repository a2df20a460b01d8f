// Hostile HTTP over raw sockets: every row of bytes gets its refusal, and afterwards the server is as it was.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { eventually, hostileTest, parseResponses, rawSocket, sleep, start, upgradeRequest } from './harness.mjs';

let server;
let fds;
before(async () => {
  server = await start({ config: '[limits]\nheader_ms = 400\nbody_ms = 1500\n' });
  await server.list();
  await sleep(50);
  fds = server.fdCount();
});
after(() => server?.stop());
const hostile = (name, body) => hostileTest(name, () => ({ server, fds }), body);

const list = '/api/websocket/sessions';
const message = '/api/websocket/sessions/ext_000000000000/message';
const smuggled = 'GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

/** Bytes of a request: the Host of the server is added unless `lines` bring one. */
function bytes(lines, body = '') {
  const host = lines.some((line) => /^host/i.test(line)) ? [] : [`Host: 127.0.0.1:${server.port}`];
  return [lines[0], ...host, ...lines.slice(1), '', body].join('\r\n');
}

const post = (...rest) => [`POST ${message} HTTP/1.1`, 'Content-Type: application/json', ...rest];
const get = (...rest) => [`GET ${list} HTTP/1.1`, ...rest];

/** Sends raw bytes, waits for the end of the connection, gives the responses. */
async function exchange(raw, ms = 3000) {
  const socket = await rawSocket(server.port);
  socket.send(raw);
  try {
    return parseResponses(await socket.readUntilClose(ms));
  } finally {
    socket.destroy();
  }
}

/** [what, function that gives the bytes, allowed statuses]; one answer at most, then the end of the connection. */
const refused = [
  ['Content-Length together with Transfer-Encoding', () => bytes(post('Content-Length: 4', 'Transfer-Encoding: chunked'), `0\r\n\r\n${smuggled}`)],
  ['Transfer-Encoding before Content-Length', () => bytes(post('Transfer-Encoding: chunked', 'Content-Length: 4'), `0\r\n\r\n${smuggled}`)],
  ['two different Content-Lengths', () => bytes(post('Content-Length: 2', 'Content-Length: 5'), `{}${smuggled}`)],
  ['the same Content-Length twice', () => bytes(post('Content-Length: 2', 'Content-Length: 2'), `{}${smuggled}`)],
  ['a list as Content-Length', () => bytes(post('Content-Length: 2, 2'), `{}${smuggled}`)],
  ['a list of different Content-Lengths', () => bytes(post('Content-Length: 2, 5'), `{}${smuggled}`)],
  ['a negative Content-Length', () => bytes(post('Content-Length: -1'), smuggled)],
  ['a Content-Length with a plus', () => bytes(post('Content-Length: +2'), `{}${smuggled}`)],
  ['a hexadecimal Content-Length', () => bytes(post('Content-Length: 0x2'), `{}${smuggled}`)],
  ['a Content-Length with a fraction', () => bytes(post('Content-Length: 2.0'), `{}${smuggled}`)],
  ['a Content-Length with an exponent', () => bytes(post('Content-Length: 2e0'), `{}${smuggled}`)],
  ['a Content-Length with a space inside', () => bytes(post('Content-Length: 2 2'), `{}${smuggled}`)],
  ['an empty Content-Length', () => bytes(post('Content-Length:'), smuggled)],
  ['a Content-Length beyond 64 bits', () => bytes(post('Content-Length: 18446744073709551617'), '{}'), [400, 413]],
  ['a Content-Length of 2^63', () => bytes(post('Content-Length: 9223372036854775808'), '{}'), [400, 413]],
  ['a Content-Length of a thousand digits', () => bytes(post(`Content-Length: ${'9'.repeat(1000)}`), '{}'), [400, 413]],
  ['Transfer-Encoding xchunked', () => bytes(post('Transfer-Encoding: xchunked'), `0\r\n\r\n${smuggled}`), [400, 501]],
  ['Transfer-Encoding identity', () => bytes(post('Transfer-Encoding: identity'), `0\r\n\r\n${smuggled}`), [400, 501]],
  ['Transfer-Encoding chunked, identity', () => bytes(post('Transfer-Encoding: chunked, identity'), `0\r\n\r\n${smuggled}`), [400, 501]],
  ['Transfer-Encoding gzip, chunked', () => bytes(post('Transfer-Encoding: gzip, chunked'), `0\r\n\r\n${smuggled}`), [400, 501]],
  ['Transfer-Encoding twice', () => bytes(post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity'), `0\r\n\r\n${smuggled}`), [400, 501]],
  ['Transfer-Encoding chunked twice', () => bytes(post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), `0\r\n\r\n${smuggled}`), [400, 501]],
  ['Transfer-Encoding with a vertical tab', () => bytes(post('Transfer-Encoding: \x0bchunked'), `0\r\n\r\n${smuggled}`), [400, 501]],
  ['Transfer-Encoding in quotes', () => bytes(post('Transfer-Encoding: "chunked"'), `0\r\n\r\n${smuggled}`), [400, 501]],
  ['Transfer-Encoding with a space before the colon', () => bytes(post('Transfer-Encoding : chunked'), `0\r\n\r\n${smuggled}`)],
  ['an empty Transfer-Encoding', () => bytes(post('Transfer-Encoding:'), smuggled), [400, 501]],
  ['Transfer-Encoding in HTTP/1.0', () => bytes([`POST ${message} HTTP/1.0`, 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`)],
  ['a folded header', () => bytes(get('X-A: 1', ' folded'))],
  ['a folded header with a tab', () => bytes(get('X-A: 1', '\tfolded'))],
  ['a folded Transfer-Encoding', () => bytes(post('Transfer-Encoding:', ' chunked'), `0\r\n\r\n${smuggled}`)],
  ['a first header that begins with a space', () => `GET ${list} HTTP/1.1\r\n Host: 127.0.0.1:${server.port}\r\n\r\n`],
  ['lines that end with LF alone', () => bytes(get()).replace(/\r\n/g, '\n')],
  ['one header that ends with LF alone', () => `GET ${list} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\nX-A: 1\r\n\r\n`],
  ['a bare CR in a header', () => bytes(get('X-A: a\rb'))],
  ['a bare CR as line end', () => bytes(get()).replace(/\r\n/g, '\r')],
  ['a CR CR LF as line end', () => bytes(get()).replace(/\r\n/g, '\r\r\n')],
  ['a NUL in a header value', () => bytes(get('X-A: a\0b'))],
  ['a NUL in a header name', () => bytes(get('X\0A: a'))],
  ['a NUL in the target', () => bytes([`GET ${list}\0 HTTP/1.1`])],
  ['a space before the colon', () => bytes(get('X-A : 1'))],
  ['a space in a header name', () => bytes(get('X A: 1'))],
  ['a header without a colon', () => bytes(get('nonsense'))],
  ['a header without a name', () => bytes(get(': 1'))],
  ['a header name with a bracket', () => bytes(get('X[A]: 1'))],
  ['a control character in a header value', () => bytes(get('X-A: \x01'))],
  ['no Host', () => `GET ${list} HTTP/1.1\r\n\r\n`],
  ['an empty Host', () => bytes(get('Connection: close', 'Host:')), [400, 403]],
  ['two Hosts', () => bytes(get(`Host: 127.0.0.1:${server.port}`, `Host: 127.0.0.1:${server.port}`))],
  ['two different Hosts', () => bytes(get(`Host: 127.0.0.1:${server.port}`, 'Host: evil.test'))],
  ['a list as Host', () => bytes(get('Connection: close', `Host: 127.0.0.1:${server.port}, evil.test`)), [400, 403]],
  ['a Host with user information', () => bytes(get('Connection: close', `Host: evil.test@127.0.0.1:${server.port}`)), [400, 403]],
  ['a Host with a path', () => bytes(get('Connection: close', `Host: 127.0.0.1:${server.port}/x`)), [400, 403]],
  ['the absolute form of another host', () => bytes([`GET http://evil.test${list} HTTP/1.1`]), [400, 403]],
  ['the authority form', () => bytes(['CONNECT evil.test:443 HTTP/1.1']), [400, 403, 404, 405]],
  ['HTTP/0.9', () => `GET ${list}\r\n\r\n`],
  ['HTTP/1.2', () => bytes([`GET ${list} HTTP/1.2`]), [400, 505]],
  ['HTTP/2.0', () => bytes([`GET ${list} HTTP/2.0`]), [400, 505]],
  ['HTTP/1.10', () => bytes([`GET ${list} HTTP/1.10`]), [400, 505]],
  ['http/1.1 in lower case', () => bytes([`GET ${list} http/1.1`]), [400, 505]],
  ['the HTTP/2 preface', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 505]],
  ['two spaces in the request line', () => bytes([`GET  ${list} HTTP/1.1`])],
  ['a tab in the request line', () => bytes([`GET\t${list}\tHTTP/1.1`])],
  ['a space at the end of the request line', () => bytes([`GET ${list} HTTP/1.1 `]), [400, 505]],
  ['an empty target', () => bytes(['GET  HTTP/1.1'])],
  ['a target that does not begin with a slash', () => bytes(['GET api/health HTTP/1.1']), [400, 404]],
  ['a method with a bracket', () => bytes([`G(T ${list} HTTP/1.1`])],
  ['a method of 1,000 letters', () => bytes([`${'A'.repeat(1000)} ${list} HTTP/1.1`, 'Connection: close']), [400, 404, 405, 414, 431, 501]],
  ['a target of 20,000 characters', () => bytes([`GET /${'a'.repeat(20000)} HTTP/1.1`]), [400, 414, 431]],
  ['101 headers', () => bytes(get(...Array.from({ length: 101 }, (_, n) => `X-${n}: 1`))), [431]],
  ['a header of 17 KiB', () => bytes(get(`X-A: ${'a'.repeat(17 * 1024)}`)), [431]],
  ['17 KiB of header that never ends', () => `GET ${list} HTTP/1.1\r\nX-A: ${'a'.repeat(17 * 1024)}`, [431]],
  ['17 KiB of small headers', () => bytes(get(...Array.from({ length: 90 }, (_, n) => `X-${n}: ${'a'.repeat(190)}`))), [431]],
  ['a chunk size that is no number', () => bytes(post('Transfer-Encoding: chunked'), `xyz\r\n{}\r\n0\r\n\r\n${smuggled}`)],
  ['a chunk size with 0x', () => bytes(post('Transfer-Encoding: chunked'), `0x2\r\n{}\r\n0\r\n\r\n${smuggled}`)],
  ['a negative chunk size', () => bytes(post('Transfer-Encoding: chunked'), `-2\r\n{}\r\n0\r\n\r\n${smuggled}`)],
  ['a chunk size beyond 64 bits', () => bytes(post('Transfer-Encoding: chunked'), `10000000000000002\r\n{}\r\n0\r\n\r\n${smuggled}`), [400, 413]],
  ['a chunk size with a space before it', () => bytes(post('Transfer-Encoding: chunked'), ` 2\r\n{}\r\n0\r\n\r\n${smuggled}`)],
  ['a chunk that is longer than its size', () => bytes(post('Transfer-Encoding: chunked'), `2\r\n{}x\r\n0\r\n\r\n${smuggled}`)],
  ['a chunk whose size ends with LF alone', () => bytes(post('Transfer-Encoding: chunked'), `2\n{}\r\n0\r\n\r\n${smuggled}`)],
  ['a chunk that ends with LF alone', () => bytes(post('Transfer-Encoding: chunked'), `2\r\n{}\n0\r\n\r\n${smuggled}`)],
  ['a chunk extension of 20 KiB', () => bytes(post('Transfer-Encoding: chunked'), `2;a=${'b'.repeat(20480)}\r\n{}\r\n0\r\n\r\n${smuggled}`), [400, 413, 431]],
  ['200 trailers', () => bytes(post('Transfer-Encoding: chunked'), `2\r\n{}\r\n0\r\n${'X-T: 1\r\n'.repeat(200)}\r\n${smuggled}`), [400, 431]],
  ['a trailer of 17 KiB', () => bytes(post('Transfer-Encoding: chunked'), `2\r\n{}\r\n0\r\nX-T: ${'a'.repeat(17 * 1024)}\r\n\r\n${smuggled}`), [400, 431]],
  ['a TLS greeting', () => Buffer.from('160301020001000001fc0303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00', 'hex')],
  ['an SSH greeting', () => 'SSH-2.0-OpenSSH_9.2\r\n', [400, 408]],
  ['bytes of every value', () => Buffer.from(Array.from({ length: 256 }, (_, n) => n))],
  ['4,096 bytes of zero', () => Buffer.alloc(4096)],
  ['empty lines only', () => '\r\n'.repeat(10000), [400, 408, 431]],
];

hostile('every smuggling row is refused once and the connection is closed', async (t) => {
  for (const [what, make, statuses = [400]] of refused) {
    await t.test(what, async () => {
      const responses = await exchange(make());
      assert.ok(responses.length <= 1, `one answer at most, not ${responses.map((response) => response.status)}`);
      for (const { status, headers, body } of responses) {
        assert.ok(statuses.includes(status), `${status} ${body}`);
        assert.match(headers.connection ?? '', /close/i);
        assert.equal(typeof JSON.parse(body).error, 'string');
      }
      if (statuses.length === 1 && statuses[0] === 431) assert.equal(responses.length, 1, 'a refusal is sent');
    });
  }
});

hostile('a method in lower case is no method of ours', async () => {
  const [response] = await exchange(bytes([`get ${list} HTTP/1.1`, 'Connection: close']));
  assert.ok([400, 404, 405, 501].includes(response.status), `${response.status}`);
});

hostile('the absolute form of our own address is served as the path', async () => {
  const [response] = await exchange(bytes([`GET http://127.0.0.1:${server.port}${list} HTTP/1.1`, 'Connection: close']));
  assert.ok([200, 400].includes(response.status), `${response.status}`);
});

hostile('a Host that is not ours is 403 on every kind of request', async () => {
  for (const host of ['evil.test', `evil.test:${server.port}`, '127.0.0.1:1', '10.0.0.1', '169.254.169.254', `127.0.0.1.evil.test:${server.port}`, `localhost.evil.test:${server.port}`,
    `0.0.0.0:${server.port}`, `127.0.0.2:${server.port}`, `2130706433:${server.port}`, '[::ffff:10.0.0.1]', `xn--localhost-:${server.port}`]) {
    for (const line of [`GET ${list} HTTP/1.1`, `DELETE ${list}/ext_000000000000 HTTP/1.1`, 'GET /api/health HTTP/1.1', 'GET /nothing HTTP/1.1', 'OPTIONS /api/health HTTP/1.1']) {
      const [response] = await exchange(bytes([line, `Host: ${host}`, 'Connection: close']));
      assert.equal(response.status, 403, `${line} for ${host}`);
      if (!line.startsWith('OPTIONS')) assert.ok(JSON.parse(response.body).error.includes(host), response.body);
    }
    const [upgrade] = await exchange(upgradeRequest(server.port).replace(/Host: \S+/, `Host: ${host}`));
    assert.equal(upgrade.status, 403, `an upgrade for ${host}`);
  }
});

hostile('our own names as Host are served', async () => {
  for (const host of [`127.0.0.1:${server.port}`, `localhost:${server.port}`, `[::1]:${server.port}`, `LOCALHOST:${server.port}`]) {
    const [response] = await exchange(bytes([`GET ${list} HTTP/1.1`, `Host: ${host}`, 'Connection: close']));
    assert.equal(response.status, 200, host);
  }
});

hostile('a body over 1,000,000 bytes is 413, whether declared, sent or chunked', async () => {
  const declared = await exchange(bytes(post('Content-Length: 1000001')));
  assert.deepEqual(declared.map(({ status }) => status), [413]);
  const sent = await exchange(bytes(post('Content-Length: 1200000'), ' '.repeat(1200000)));
  assert.ok(sent.length === 0 || sent[0].status === 413, 'the sender sees 413 or a reset');
  const chunked = await exchange(bytes(post('Transfer-Encoding: chunked'), `${`8000\r\n${' '.repeat(0x8000)}\r\n`.repeat(31)}0\r\n\r\n`));
  assert.ok(chunked.length === 0 || chunked[0].status === 413, 'the sender sees 413 or a reset');
  const huge = await exchange(bytes(post('Transfer-Encoding: chunked'), 'fffffff\r\n{'));
  assert.deepEqual(huge.map(({ status }) => status), [413]);
});

hostile('a body of exactly 1,000,000 bytes is read', async () => {
  const body = `{"type":"${'x'.repeat(1000000 - 11)}"}`;
  assert.equal(body.length, 1000000);
  assert.equal((await server.post(message, body)).status, 404);
});

hostile('JSON nested 100,000 deep is 400 quickly', async () => {
  for (const [open, close] of [['[', ']'], ['{"a":', '}']]) {
    const since = Date.now();
    assert.equal((await server.post(message, open.repeat(100000) + close.repeat(100000))).status, 400);
    assert.equal((await server.post(message, open.repeat(100000))).status, 400);
    assert.ok(Date.now() - since < 1000, `${Date.now() - since} ms`);
  }
});

hostile('a header that comes slowly ends with 408 or a close once its time is over', async () => {
  const socket = await rawSocket(server.port);
  const since = Date.now();
  for (const byte of bytes(get()).slice(0, 25)) {
    if (socket.ended || socket.closed) break;
    socket.send(byte);
    await sleep(40);
  }
  await socket.readUntilClose(2000);
  socket.destroy();
  const [response] = parseResponses(socket.received());
  if (response) assert.equal(response.status, 408);
  assert.ok(Date.now() - since >= 350 && Date.now() - since < 2500, `${Date.now() - since} ms`);
});

hostile('a connection that says nothing is closed', async () => {
  const socket = await rawSocket(server.port);
  await socket.readUntilClose(3000);
  socket.destroy();
});

hostile('forty slow headers do not keep others waiting', async () => {
  const slow = await Promise.all(Array.from({ length: 40 }, () => rawSocket(server.port)));
  for (const socket of slow) socket.send(`GET ${list} HTTP/1.1\r\nX-`);
  const since = Date.now();
  for (let n = 0; n < 20; n += 1) assert.equal((await server.get(list)).status, 200);
  assert.ok(Date.now() - since < 1000, `${Date.now() - since} ms`);
  await Promise.all(slow.map((socket) => socket.readUntilClose(3000)));
  for (const socket of slow) socket.destroy();
});

hostile('a body that does not come does not keep others waiting, and its connection does not stay for ever', async () => {
  const socket = await rawSocket(server.port);
  socket.send(bytes(post('Content-Length: 1000'), '{"type":'));
  for (let n = 0; n < 5; n += 1) assert.equal((await server.get(list)).status, 200);
  await eventually(() => socket.ended || socket.closed, 'the server gives up on the body', 4000);
  const [response] = parseResponses(socket.received());
  if (response) assert.equal(response.status, 408);
  socket.destroy();
});

hostile('fifty pipelined requests are answered in order', async () => {
  const socket = await rawSocket(server.port);
  const one = (n) => (n % 2 === 0 ? bytes(get()) : bytes([`GET /nothing/${n} HTTP/1.1`]));
  socket.send(Array.from({ length: 50 }, (_, n) => one(n)).join(''));
  await socket.waitFor(() => parseResponses(socket.received()).length === 50, 'fifty answers');
  assert.deepEqual(parseResponses(socket.received()).map(({ status }) => status), Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? 200 : 404)));
  socket.destroy();
});

hostile('an answer that has to wait its turn comes though only old answers drain meanwhile', async () => {
  const cheap = bytes(['GET /healthz HTTP/1.1']);
  const ask = async (count) => {
    const socket = await rawSocket(server.port);
    socket.send(cheap.repeat(count) + bytes(get()));
    await socket.waitFor(() => parseResponses(socket.received()).length === count + 1, `${count + 1} answers`);
    socket.destroy();
    return socket.received().length;
  };
  // Just as many answers as may wait unread (256 KiB, with or without what each costs beside its bytes), then one of a later turn.
  const each = await ask(1) - await ask(0);
  for (const cost of [each, each + 64]) {
    const full = Math.ceil(262144 / cost);
    for (let count = full - 2; count <= full + 2; count += 1) await ask(count);
  }
});

hostile('a request pipelined behind a malformed one is not served', async () => {
  const responses = await exchange(bytes(get()) + bytes(get('X-A : 1')) + bytes(get()));
  assert.deepEqual(responses.map(({ status }) => status), [200, 400]);
});

hostile('a request pipelined behind Connection: close is not served', async () => {
  const responses = await exchange(bytes(get('Connection: close')) + bytes(get()));
  assert.deepEqual(responses.map(({ status }) => status), [200]);
});

hostile('a connection is kept for the next request, also after a 404 and a 400 of the application', async () => {
  const socket = await rawSocket(server.port);
  const expected = [];
  for (const [raw, status] of [[bytes(get()), 200], [bytes(['GET /nothing HTTP/1.1']), 404], [bytes(post('Content-Length: 2'), '{}'), 404], [bytes(get()), 200]]) {
    socket.send(raw);
    expected.push(status);
    await socket.waitFor(() => parseResponses(socket.received()).length === expected.length, 'an answer');
  }
  assert.deepEqual(parseResponses(socket.received()).map(({ status }) => status), expected);
  assert.equal(socket.ended, false);
  socket.destroy();
});

hostile('HTTP/1.0 is answered and closed', async () => {
  const responses = await exchange(bytes([`GET ${list} HTTP/1.0`]));
  assert.equal(responses.length, 1);
  assert.equal(responses[0].status, 200);
});

hostile('Expect: 100-continue gets its 100 before the body, another expectation does not', async () => {
  const socket = await rawSocket(server.port);
  socket.send(bytes(post('Content-Length: 2', 'Expect: 100-continue')));
  await socket.waitFor(() => socket.text().startsWith('HTTP/1.1 100'), '100 Continue');
  socket.send('{}');
  await socket.waitFor(() => parseResponses(socket.received()).length === 1, 'the answer');
  assert.equal(parseResponses(socket.received())[0].status, 404);
  socket.destroy();
  const tooLarge = await exchange(bytes(post('Content-Length: 2000000', 'Expect: 100-continue')));
  assert.deepEqual(tooLarge.map(({ status }) => status), [413]);
});

hostile('HEAD and OPTIONS have no body and do not disturb the next answer', async () => {
  const socket = await rawSocket(server.port);
  socket.send(bytes([`OPTIONS ${list} HTTP/1.1`, `Origin: http://127.0.0.1:${server.port}`]) + bytes(get()));
  await socket.waitFor(() => parseResponses(socket.received()).length === 2, 'two answers');
  assert.deepEqual(parseResponses(socket.received()).map(({ status }) => status), [204, 200]);
  socket.destroy();
});

hostile('chunked JSON in many small chunks, with extensions and trailers in bounds, is read', async () => {
  const chunks = [...'{"type":"ping"}'].map((letter) => `1;a=b\r\n${letter}\r\n`).join('');
  const responses = await exchange(bytes(post('Transfer-Encoding: chunked', 'Connection: close'), `${chunks}0\r\nX-T: 1\r\n\r\n`));
  assert.deepEqual(responses.map(({ status }) => status), [404]);
});

hostile('a flood of chunk extensions ends with an answer and keeps memory bounded', async () => {
  const before_kb = await server.rssKb();
  const [response] = await exchange(bytes(post('Transfer-Encoding: chunked', 'Connection: close'), `${`1;${'a'.repeat(100)}\r\n \r\n`.repeat(50000)}0\r\n\r\n`));
  assert.ok([400, 404, 413].includes(response.status), `${response.status}`);
  assert.ok((await server.rssKb()) - before_kb < 8 * 1024, 'memory stays bounded');
});

hostile('every answer is UTF-8, whatever bytes the headers of the caller hold', async () => {
  for (const headers of [['Origin: http://\xff\xfe'], ['Host: \xc3\x28.test'], ['Origin: \xed\xa0\x80']]) {
    const socket = await rawSocket(server.port);
    socket.send(bytes([`GET ${list} HTTP/1.1`, ...headers, 'Connection: close']));
    const answer = await socket.readUntilClose();
    assert.doesNotThrow(() => new TextDecoder('utf-8', { fatal: true }).decode(answer), JSON.stringify(headers));
  }
});

hostile('a caller that pipelines and never reads keeps memory bounded and nobody waiting', async (t) => {
  const crowded = await start();
  t.after(() => crowded.stop());
  const crowd = await Promise.all(Array.from({ length: 100 }, () => crowded.open({ userAgent: 'x'.repeat(500) })));
  const before_kb = await crowded.rssKb();
  const stuck = await rawSocket(crowded.port);
  stuck.socket.pause();
  for (let n = 0; n < 40; n += 1) stuck.send(`GET ${list} HTTP/1.1\r\nHost: 127.0.0.1:${crowded.port}\r\n\r\n`.repeat(100));
  let grown_kb = 0;
  for (let n = 0; n < 30; n += 1) {
    const since = Date.now();
    assert.equal((await crowded.get('/api/health')).status, 200);
    assert.ok(Date.now() - since < 500, `${Date.now() - since} ms`);
    await sleep(50);
    grown_kb = Math.max(grown_kb, (await crowded.rssKb()) - before_kb);
  }
  assert.ok(grown_kb < 16 * 1024, `grown by ${grown_kb} KiB`);
  for (const extension of crowd) extension.ws.terminate();
});

hostile('a request that comes byte by byte is answered', async () => {
  const socket = await rawSocket(server.port);
  for (const byte of bytes(post('Content-Length: 2', 'Connection: close'), '{}')) {
    socket.send(byte);
    await new Promise(setImmediate);
  }
  assert.deepEqual(parseResponses(await socket.readUntilClose()).map(({ status }) => status), [404]);
  socket.destroy();
});

for (const [how, cut] of [['closed', (socket) => socket.end()], ['reset', (socket) => socket.reset()]]) {
  hostile(`a connection ${how} at each byte of a request with a body leaves nothing behind`, async () => {
    const whole = bytes(post('Content-Length: 15'), '{"type":"ping"}');
    for (let at = 0; at < whole.length; at += 1) {
      const socket = await rawSocket(server.port);
      socket.send(whole.slice(0, at));
      cut(socket);
      if (at % 16 === 0) await socket.readUntilClose(3000);
    }
    assert.equal((await server.get(list)).status, 200);
  });

  hostile(`a WebSocket handshake ${how} at each byte leaves no session behind`, async () => {
    const whole = upgradeRequest(server.port);
    for (let at = 0; at <= whole.length; at += 1) {
      const socket = await rawSocket(server.port);
      socket.send(whole.slice(0, at));
      cut(socket);
      if (at % 16 === 0) await socket.readUntilClose(3000);
    }
    await eventually(async () => (await server.list()).count === 0, 'no session is left');
  });
}

hostile('a caller that leaves before its answer leaves nothing behind', async () => {
  for (let n = 0; n < 100; n += 1) {
    const socket = await rawSocket(server.port);
    socket.send(bytes(get()).repeat(5));
    if (n % 2 === 0) socket.reset(); else socket.end();
  }
});

hostile('what a caller sends never breaks a line of the log', async () => {
  await exchange(bytes([`GET /a%0a%1b[31m"{}\u2028 HTTP/1.1`, 'User-Agent: x"}\x1b[2J', 'X-Request-ID: a"b\\', 'Connection: close']));
  await server.get('/%0aINJECTED');
  for (const line of server.log().split('\n').filter((text) => text !== '')) assert.doesNotThrow(() => JSON.parse(line), line);
});
