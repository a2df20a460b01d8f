// Groups 9 and 10: large messages, many fragments, many small writes, many messages.
import { randomBytes } from 'node:crypto';
import { binary, chop, fragments, frame, text } from './wire.mjs';

const [kib, mib] = [1024, 1024 * 1024];
const patience_ms = 30000;
const sizeWord = (size) => (size >= mib ? `${size / mib} MiB` : size >= kib ? `${size / kib} KiB` : `${size} bytes`);

// Made when its case comes: together they would be half a gigabyte.
const fill = (opcode, size) => (opcode === text ? Buffer.alloc(size, 'BAsd7&jh23') : randomBytes(size));

function row(first, name, numbers, make) {
  return [text, binary].flatMap((opcode, kind) => numbers.map((number, n) => ({
    id: `9.${first + kind}.${n + 1}`,
    name: `${opcode === text ? 'text' : 'bytes'}: ${name(number)}`,
    async play(wire) { await make(wire, opcode, number); },
  })));
}

async function echo(wire, opcode, payload, pieces) {
  await wire.send(pieces);
  await wire.expect([[opcode, payload]], patience_ms);
}

const messages = row(1, (size) => `a message of ${sizeWord(size)}`, [64 * kib, 256 * kib, mib, 4 * mib, 8 * mib, 16 * mib],
  (wire, opcode, size) => { const payload = fill(opcode, size); return echo(wire, opcode, payload, [frame(opcode, payload)]); });

const inFragments = row(3, (size) => `4 MiB in fragments of ${sizeWord(size)}`, [64, 256, kib, 4 * kib, 16 * kib, 64 * kib, 256 * kib, mib, 4 * mib],
  (wire, opcode, size) => {
    const payload = fill(opcode, 4 * mib);
    return echo(wire, opcode, payload, chop(Buffer.concat(fragments(opcode, payload, size)), 64 * kib));
  });

const inWrites = row(5, (size) => `1 MiB written ${sizeWord(size)} at a time`, [64, 128, 256, 512, kib, 2 * kib],
  (wire, opcode, size) => { const payload = fill(opcode, mib); return echo(wire, opcode, payload, chop(frame(opcode, payload), size)); });

const roundTrips = row(7, (size) => `1000 round trips of ${sizeWord(size)}`, [0, 16, 64, 256, kib, 4 * kib],
  async (wire, opcode, size) => {
    const payload = fill(opcode, size);
    for (let n = 0; n < 1000; n += 1) await echo(wire, opcode, payload, [frame(opcode, payload)]);
  });

const autoFragment = {
  id: '10.1.1',
  name: '64 KiB of text in fragments of 1300 bytes',
  play: (wire) => echo(wire, text, fill(text, 64 * kib), fragments(text, fill(text, 64 * kib), 1300)),
};

export const groups = [
  { name: '9: limits', count: 54, cases: [...messages, ...inFragments, ...inWrites, ...roundTrips], together: 1 },
  { name: '10: fragments of a usual size', count: 1, cases: [autoFragment] },
];
