// What sojourn-conformance answers at /echo to a client that follows RFC 6455 and RFC 7692, or does not: the cases of
// the well-known suite by their numbers, all of them strict. docs/CONFORMANCE.md says how to run more.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startConformance } from './conformance_server.mjs';
import { groups as closing } from './conformance_websocket/closing.mjs';
import { groups as compression } from './conformance_websocket/compression.mjs';
import { groups as fragmentation } from './conformance_websocket/fragmentation.mjs';
import { groups as framing } from './conformance_websocket/framing.mjs';
import { groups as limits } from './conformance_websocket/limits.mjs';
import { groups as texts, validity } from './conformance_websocket/text.mjs';
import { play } from './conformance_websocket/wire.mjs';

let plain;
let compressing;
before(async () => { [plain, compressing] = await Promise.all([startConformance(), startConformance('--compress')]); });
after(async () => { await Promise.all([plain.stop(), compressing.stop()]); });

// So many cases at a time; most of them wait for the other end.
const together = 8;

/** Every case is a test of its own; a case that is not played is a failure too. */
async function playAll(t, server, group) {
  const ids = group.cases.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, 'each number stands for one case');
  assert.equal(ids.length, group.count, 'no case is lost');
  let played = 0;
  const left = [...group.cases];
  const worker = async () => {
    for (let each = left.shift(); each; each = left.shift()) {
      const one = each;
      await t.test(`${one.id} ${one.name}`, async () => { await play(server.port, one, server); played += 1; });
    }
  };
  await Promise.all(Array.from({ length: group.together ?? together }, worker));
  assert.equal(played, group.count, 'every case was played to its end');
}

for (const group of [framing, fragmentation, texts, closing, limits].flat()) test(`WebSocket, group ${group.name}`, (t) => playAll(t, plain, group));
for (const group of compression) test(`WebSocket, group ${group.name}`, (t) => playAll(t, compressing, group));

test('the table of texts knows what is valid', () => {
  for (const [what, counted, valid] of validity) assert.equal(counted, valid, what);
});
