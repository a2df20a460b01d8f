// The network that fails, between an echo and whoever speaks to it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { chaosProxy, seeded } from './chaos_proxy.mjs';
import { eventually, rawSocket, sleep } from './harness.mjs';

let echo;
const served = new Set();
before(async () => {
  echo = net.createServer({ allowHalfOpen: true }, (socket) => {
    served.add(socket);
    socket.on('data', (bytes) => { socket.chunks = (socket.chunks ?? 0) + 1; socket.write(bytes); });
    socket.on('end', () => { socket.heardEnd = true; socket.end(); }).on('error', () => {}).on('close', () => served.delete(socket));
  }).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  echo.port = echo.address().port;
});
after(() => { for (const socket of served) socket.destroy(); echo.close(); });

async function through(t, options) {
  const before = new Set(served);
  const proxy = await chaosProxy(t, echo, options);
  const client = await rawSocket(proxy.port, { allowHalfOpen: true });
  t.after(() => client.destroy());
  const server = await eventually(() => [...served].find((socket) => !before.has(socket)), 'it came through');
  return { proxy, client, server };
}
const comesBack = (client, text) => client.waitFor(() => client.text().endsWith(text), `${text} comes back`);

test('without a fault everything goes through, in order, and the end as well', async (t) => {
  const { client } = await through(t);
  const all = Array.from({ length: 20_000 }, (_, n) => `${n};`).join('');
  for (let at = 0; at < all.length; at += 977) client.send(all.slice(at, at + 977));
  client.end();
  assert.equal((await client.readUntilClose()).toString(), all);
});

test('a slow line and a narrow one lose nothing and change no order', async (t) => {
  const { proxy, client } = await through(t, { up: { delay_ms: 20, jitter_ms: 20 }, down: { bytes_per_s: 100_000 } });
  const began = performance.now();
  for (let n = 0; n < 50; n += 1) { client.send(`${n};`.repeat(100)); await sleep(1); }
  client.send('last');
  await comesBack(client, 'last');
  assert.ok(performance.now() - began > 100, 'it took its time');
  assert.equal(client.text(), `${Array.from({ length: 50 }, (_, n) => `${n};`.repeat(100)).join('')}last`);
  proxy.set({ up: { delay_ms: 0, jitter_ms: 0 } });
  client.send('quick');
  await comesBack(client, 'quick');
});

test('pieces of one byte are pieces for whoever reads them', async (t) => {
  const { client, server } = await through(t, { up: { single_bytes: true } });
  client.send('x'.repeat(200));
  await client.waitFor(() => client.received().length === 200, 'all of it comes back');
  assert.ok(server.chunks > 20, `${server.chunks} pieces`);
});

test('a black hole swallows what goes that way, and tells neither end', async (t) => {
  const { proxy, client, server } = await through(t);
  client.send('a');
  await comesBack(client, 'a');
  proxy.blackHole('down');
  client.send('b');
  await eventually(() => server.bytesRead === 2, 'the server hears');
  proxy.blackHole('up');
  client.send('c');
  client.end();
  await sleep(100);
  assert.deepEqual([client.text(), client.ended, server.bytesRead, server.heardEnd], ['a', false, 2, undefined]);
  const next = await rawSocket(proxy.port);
  next.send('d');
  await comesBack(next, 'd');
  next.destroy();
});

test('a line that is stuck after so many bytes goes on when it is let', async (t) => {
  const { proxy, client } = await through(t, { down: { stall_after: 3 } });
  client.send('abcdef');
  await comesBack(client, 'abc');
  await sleep(50);
  assert.equal(client.text(), 'abc');
  proxy.set({ down: { stall_after: Infinity } });
  await comesBack(client, 'abcdef');
});

test('half a close leaves the other direction, a cut leaves none, a refusal lets nobody in', async (t) => {
  const { proxy, client, server } = await through(t);
  proxy.halfClose('down');
  await client.waitFor(() => client.ended, 'the client hears the end');
  client.send('still');
  await eventually(() => server.bytesRead === 5, 'and is heard');
  const whole = await rawSocket(proxy.port);
  whole.send('whole');
  await comesBack(whole, 'whole');
  proxy.cut();
  await whole.waitFor(() => whole.closed, 'cut');
  assert.equal(whole.error?.code, 'ECONNRESET');
  await eventually(() => !served.has(server), 'at both ends');
  proxy.refuse(true);
  const refused = await rawSocket(proxy.port).catch(() => undefined);
  if (refused) await refused.waitFor(() => refused.closed, 'it is turned away');
  assert.equal(proxy.count, 2);
});

test('the same seed gives the same faults', () => {
  const of = (seed) => { const random = seeded(seed); return Array.from({ length: 100 }, () => random()); };
  assert.deepEqual(of(7), of(7));
  assert.notDeepEqual(of(7), of(8));
  assert.ok(of(7).every((n) => n >= 0 && n < 1) && new Set(of(7)).size === 100);
});
