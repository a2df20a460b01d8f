// Groups 12 and 13: messages compressed with permessage-deflate, in every size and with every offer, and what may not be
// compressed. A sample of sizes is always played; SOJOURN_CONFORMANCE=full plays all, with as many messages as the
// well-known suite, up to 16 MiB of them.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { projectRoot } from '../harness.mjs';
import { binary, bytesOf, close, closing, continuation, fragments, frame, ping, play, pong, text } from './wire.mjs';

const isFull = process.env.SOJOURN_CONFORMANCE === 'full';
const [kib, mib] = [1024, 1024 * 1024];
const patience_ms = 30000;

// [size of a message, of its fragments; 0 = one frame]
const sizes = [...[16, 64, 256, kib, 4 * kib, 8 * kib, 16 * kib, 32 * kib, 64 * kib, 128 * kib].map((size) => [size, 0]),
  ...[8, 16, 32, 64, 128].map((size) => [size * kib, 256]), ...[1, 4, 32].map((part) => [128 * kib, part * kib])];
const sampled = [1, 15];
const messageCount = (size) => (isFull ? Math.min(1000, (16 * mib) / size) : 20);

const repeat = (source) => Buffer.alloc(mib, source);
const kinds = [
  [text, 'JSON', () => repeat(JSON.stringify(Array.from({ length: 2000 }, (_, id) => ({ id, name: `user ${(id * 7919) % 1000}`, score: Math.sin(id), tags: ['a', 'b'] }))).replace(/[^ -~]/g, '?'))],
  [binary, 'a picture', () => Buffer.from(Array.from({ length: mib }, (_, at) => ((at % 512) >> 1) ^ ((at >> 9) & 0xff) ^ (Math.imul(at, 2654435761) >>> 30)))],
  [text, 'prose', () => repeat(readFileSync(`${projectRoot}docs/API.md`, 'latin1').replace(/[^\n -~]/g, ''))],
  [text, 'HTML', () => repeat(`<ul>${Array.from({ length: 4000 }, (_, n) => `<li class="row row-${n % 7}"><a href="/items/${n}">Item ${n}</a></li>\n`).join('')}</ul>`)],
  [binary, 'bytes that are compressed already', () => randomBytes(mib)],
];
const data = new Map();
function dataOf(kind) {
  if (!data.has(kind)) data.set(kind, kinds[kind][2]());
  return data.get(kind);
}

const deflated = (payload) => deflateRawSync(payload, { level: payload.length > mib ? 1 : 6, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

/** What the server means, read with no larger window than was agreed on and without any context. */
function inflated(got, windowBits) {
  if (!got.compressed) return got.payload;
  assert.notEqual(got.payload.subarray(-4).toString('hex'), '0000ffff', 'what ends a flush is left out');
  return inflateRawSync(Buffer.concat([got.payload, bytesOf(0, 0, 0xff, 0xff)]), { windowBits, finishFlush: constants.Z_SYNC_FLUSH });
}

async function echo(wire, opcode, payload, { windowBits, size = 0 }) {
  const packed = deflated(payload);
  await wire.send(size === 0 ? frame(opcode, packed, { rsv: 4 }) : Buffer.concat(fragments(opcode, packed, size, { rsv: 4 })));
  const got = await wire.next(patience_ms);
  assert.equal(got.opcode, opcode);
  assert.ok(inflated(got, windowBits).equals(payload), 'the echo is what was said');
  return got;
}

const plainAnswer = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

function caseOf(id, kind, [size, part], [offer, windowBits, answer]) {
  const [opcode, what] = kinds[kind];
  return {
    id,
    offer,
    name: `${what}, messages of ${size} bytes${part ? ` in fragments of ${part}` : ''}, ${offer}`,
    async play(wire) {
      assert.equal(wire.extension, answer);
      const source = dataOf(kind);
      let compressed = 0;
      for (let n = 0; n < messageCount(size); n += 1) {
        const from = (n * size) % (source.length - size);
        const got = await echo(wire, opcode, source.subarray(from, from + size), { windowBits, size: part });
        compressed += got.compressed ? 1 : 0;
      }
      const pays = size >= kib && what !== 'bytes that are compressed already';
      assert.equal(compressed, pays ? messageCount(size) : 0, 'compressed where it pays');
    },
  };
}

const usual = ['permessage-deflate', 15, plainAnswer];
const offers = [
  usual,
  ['permessage-deflate; server_no_context_takeover', 15, plainAnswer],
  ...[9, 15].map((bits) => [`permessage-deflate; server_max_window_bits=${bits}`, bits, `${plainAnswer}; server_max_window_bits=${bits}`]),
  ...[9, 15].map((bits) => [`permessage-deflate; server_no_context_takeover; server_max_window_bits=${bits}`, bits, `${plainAnswer}; server_max_window_bits=${bits}`]),
  ['permessage-deflate; server_no_context_takeover; server_max_window_bits=9, permessage-deflate; server_no_context_takeover, permessage-deflate', 9, `${plainAnswer}; server_max_window_bits=9`],
];
const chosen = sizes.map((size, n) => [size, n]).filter(([, n]) => isFull || sampled.includes(n + 1));
const byKind = kinds.flatMap((_, kind) => chosen.map(([size, n]) => caseOf(`12.${kind + 1}.${n + 1}`, kind, size, usual)));
const byOffer = offers.flatMap((offer, row) => chosen.map(([size, n]) => caseOf(`13.${row + 1}.${n + 1}`, 0, size, offer)));

// What is compressed, and what may not be.
const hello = deflated('Hello');
const rsv = { rsv: 4 };
const one = (opcode, payload, options = rsv) => frame(opcode, payload, options);
const bits = [
  ['an empty message', { send: [one(text, bytesOf(0))], expect: [[text, '']] }],
  ['a message without a byte', { send: [one(binary, '')], expect: [[binary, '']] }],
  ['messages that are not compressed', { send: [frame(text, 'plain'), one(text, hello), frame(text, 'plain')], expect: [[text, 'plain'], [text, 'Hello'], [text, 'plain']] }],
  ['fragments of a byte with pings between', { send: fragments(text, hello, 1, rsv).flatMap((each) => [frame(ping, 'p'), each]), expect: [...Array(hello.length).fill([pong, 'p']), [text, 'Hello']] }],
  ['an empty last fragment', { send: [one(text, hello, { ...rsv, fin: false }), frame(continuation)], expect: [[text, 'Hello']] }],
  ['a stored block', { send: [one(text, bytesOf(0, 5, 0, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0))], expect: [[text, 'Hello']] }],
  ['a block that says it is the last', { send: [one(text, bytesOf(0xf3, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0))], expect: [[text, 'Hello']] }],
  ['two blocks', { send: [one(text, bytesOf(0xf2, 0x48, 5, 0, 0, 0, 0xff, 0xff, 0xca, 0xc9, 0xc9, 7, 0))], expect: [[text, 'Hello']] }],
  ['the context of the message before', { send: [one(text, hello), one(text, bytesOf(0xf2, 0, 0x11, 0, 0))], expect: [[text, 'Hello']], fails: 1007 }],
  ['no deflate at all', { send: [one(binary, bytesOf(0xff, 0xff, 0xff))], fails: 1007 }],
  ['a message that is cut', { send: [one(text, hello.subarray(0, 4))], fails: 1007 }],
  ['text that is not UTF-8', { send: [one(text, deflated(bytesOf(0x61, 0xff)))], fails: 1007 }],
  ['the same as bytes', { send: [one(binary, deflated(bytesOf(0x61, 0xff)))], expect: [[binary, bytesOf(0x61, 0xff)]] }],
  ['RSV1 on a ping', { send: [one(ping, 'p')], fails: 1002 }],
  ['RSV1 on a pong', { send: [one(pong, 'p')], fails: 1002 }],
  ['RSV1 on a close', { send: [one(close, closing(1000))], fails: 1002 }],
  ['RSV1 on a continuation', { send: [one(text, hello.subarray(0, 2), { ...rsv, fin: false }), one(continuation, hello.subarray(2))], fails: 1002 }],
  ['RSV1 on a continuation of a plain message', { send: [frame(text, 'a', { fin: false }), one(continuation, hello)], fails: 1002 }],
  ['RSV2 beside RSV1', { send: [one(text, hello, { rsv: 6 })], fails: 1002 }],
  ['RSV3 beside RSV1', { send: [one(text, hello, { rsv: 5 })], fails: 1002 }],
].map(([name, rest], n) => ({ id: `bits.${n + 1}`, name, offer: 'permessage-deflate', ...rest }));

const declined = ['permessage-deflate; unknown', 'permessage-deflate; server_max_window_bits=8', 'permessage-deflate; server_max_window_bits=16',
  'permessage-deflate; server_max_window_bits', 'permessage-deflate; server_max_window_bits=010', 'permessage-deflate; client_max_window_bits=7',
  'permessage-deflate; server_no_context_takeover=true', 'permessage-deflate; server_max_window_bits=10; server_max_window_bits=10',
  'x-webkit-deflate-frame', ''].map((offer, n) => ({
  id: `offer.${n + 1}`,
  name: `${offer || 'nothing'} is declined, and nothing may be compressed`,
  offer,
  async play(wire) { assert.equal(wire.extension, ''); await wire.send(one(text, hello)); },
  fails: 1002,
}));
const taken = [['permessage-deflate; client_max_window_bits'], ['permessage-deflate; client_max_window_bits=8'],
  ['permessage-deflate; client_no_context_takeover; client_max_window_bits="10"'], ['permessage-deflate; unknown, permessage-deflate'],
  ['x-other; a="b, permessage-deflate; x", permessage-deflate'],
  ...[9, 10, 11, 12, 13, 14, 15].map((window) => [`permessage-deflate; server_max_window_bits=${window}`, window]),
].map(([offer, window], n) => ({
  id: `taken.${n + 1}`,
  name: offer,
  offer,
  async play(wire) {
    assert.equal(wire.extension, plainAnswer + (window ? `; server_max_window_bits=${window}` : ''));
    const source = dataOf(2);
    const far = Buffer.concat([source.subarray(0, 40 * kib), source.subarray(0, 40 * kib)]);
    assert.ok((await echo(wire, text, far, { windowBits: window ?? 15 })).compressed);
  },
}));

const zeros = deflateRawSync(Buffer.alloc(mib), { level: 9, finishFlush: constants.Z_FULL_FLUSH });
const bomb = Buffer.concat(Array(1024).fill(zeros));
const limits = [
  ['a message of 16 MiB', async (wire) => { await echo(wire, binary, Buffer.alloc(16 * mib, 'abc'), { windowBits: 15 }); }],
  ['16 MiB that can not be compressed', async (wire) => { await echo(wire, binary, randomBytes(16 * mib), { windowBits: 15 }); }],
  ['a byte more', async (wire) => { await wire.send(one(binary, deflated(Buffer.alloc(16 * mib + 1)))); }, 1009],
  ['1 GiB in a frame of 1 MB', async (wire) => { await wire.send(one(binary, bomb)); }, 1009],
  ['1 GiB in fragments of 1 KiB', async (wire) => { await wire.send(Buffer.concat(fragments(binary, bomb, kib, rsv))); }, 1009],
].map(([name, make, fails], n) => ({ id: `limit.${n + 1}`, name, offer: 'permessage-deflate', play: make, fails }));

const memory = {
  id: 'limit.6',
  name: 'three bombs of 1 GiB each take no memory',
  async play(_, port, server) {
    const before_kb = server.peakKb();
    for (let n = 0; n < 3; n += 1) await play(port, limits[3]);
    const grown_kb = server.peakKb() - before_kb;
    assert.ok(grown_kb < 64 * kib, `grown by ${grown_kb} KiB`);
  },
};

export const groups = [
  { name: '12: compressed messages', count: 5 * chosen.length, cases: byKind },
  { name: '13: offers of compression', count: 7 * chosen.length, cases: byOffer },
  { name: '12 and 13, beyond the suite: bits and blocks', count: 20, cases: bits },
  { name: '12 and 13, beyond the suite: offers', count: 22, cases: [...declined, ...taken] },
  { name: '12 and 13, beyond the suite: limits', count: 6, cases: [...limits, memory], together: 1 },
];
