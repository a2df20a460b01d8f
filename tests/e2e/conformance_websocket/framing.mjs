// Groups 1 to 4: frames of every size, pings and pongs, reserved bits, reserved opcodes.
import { binary, bytesOf, chop, frame, ping, pong, text } from './wire.mjs';

const hello = 'Hello, world!';
const everyByte = bytesOf(0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff);
const fullPing = Buffer.alloc(125, 0xfe);

const sizes = [0, 125, 126, 127, 128, 65535, 65536];
const echoOf = (opcode, fill) => [...sizes, 'in pieces'].map((size, n) => {
  const payload = Buffer.alloc(size === 'in pieces' ? 65536 : size, fill);
  const bytes = frame(opcode, payload);
  return {
    id: `1.${opcode}.${n + 1}`,
    name: `a ${opcode === text ? 'text' : 'binary'} message of ${payload.length} bytes${size === 'in pieces' ? ' written in pieces of 997' : ''}`,
    send: size === 'in pieces' ? chop(bytes, 997) : [bytes],
    expect: [[opcode, payload]],
  };
});

const pings = Array.from({ length: 10 }, (_, n) => `payload-${n}`);
const tenPings = Buffer.concat(pings.map((payload) => frame(ping, payload)));
const tenPongs = pings.map((payload) => [pong, payload]);

const pingPong = [
  { id: '2.1', name: 'a ping without payload', send: [frame(ping)], expect: [[pong, '']] },
  { id: '2.2', name: 'a ping with text', send: [frame(ping, hello)], expect: [[pong, hello]] },
  { id: '2.3', name: 'a ping with bytes that are no text', send: [frame(ping, everyByte)], expect: [[pong, everyByte]] },
  { id: '2.4', name: 'a ping as long as it may be', send: [frame(ping, fullPing)], expect: [[pong, fullPing]] },
  { id: '2.5', name: 'a ping one byte longer', send: [frame(ping, Buffer.alloc(126, 0xfe))], fails: 1002 },
  { id: '2.6', name: 'the longest ping byte by byte', send: chop(frame(ping, fullPing), 1), expect: [[pong, fullPing]] },
  { id: '2.7', name: 'a pong that nobody asked for', send: [frame(pong)] },
  { id: '2.8', name: 'the same with a payload', send: [frame(pong, 'unsolicited')] },
  { id: '2.9', name: 'the same, then a ping', send: [frame(pong, 'unsolicited'), frame(ping, 'ping')], expect: [[pong, 'ping']] },
  { id: '2.10', name: 'ten pings at once', send: [tenPings], expect: tenPongs },
  { id: '2.11', name: 'ten pings byte by byte', send: chop(tenPings, 1), expect: tenPongs },
];

const [plain, echo] = [frame(text, hello), [text, hello]];
const reserved = (rsv, opcode = text, payload = hello) => frame(opcode, payload, { rsv });
const then = (bytes, ...others) => Buffer.concat([plain, bytes, ...others]);

const reservedBits = [
  { id: '3.1', name: 'RSV3 on text', send: [reserved(1)], fails: 1002 },
  { id: '3.2', name: 'text, then RSV2, then a ping, at once', send: [then(reserved(2), frame(ping))], expect: [echo], fails: 1002 },
  { id: '3.3', name: 'text, then RSV2 and RSV3, frame by frame', send: [plain, 2, reserved(3), 2, frame(ping)], expect: [echo], fails: 1002 },
  { id: '3.4', name: 'text, then RSV1, byte by byte', send: chop(then(reserved(4), frame(ping)), 1), expect: [echo], fails: 1002 },
  { id: '3.5', name: 'RSV1 and RSV3 on bytes', send: [reserved(5, binary, everyByte)], fails: 1002 },
  { id: '3.6', name: 'RSV1 and RSV2 on a ping', send: [reserved(6, ping)], fails: 1002 },
  { id: '3.7', name: 'all bits on a close', send: [reserved(7, 8, bytesOf(0x03, 0xe8))], fails: 1002 },
];

const opcodesOf = (group, first) => [
  { name: 'alone', send: [frame(first)] },
  { name: 'with a payload', send: [frame(first + 1, 'reserved')] },
  { name: 'after text, before a ping, at once', send: [then(frame(first + 2), frame(ping))], expect: [echo] },
  { name: 'the same with a payload, frame by frame', send: [plain, 2, frame(first + 3, 'reserved'), 2, frame(ping)], expect: [echo] },
  { name: 'the same byte by byte', send: chop(then(frame(first + 4, 'reserved'), frame(ping)), 1), expect: [echo] },
].map((each, n) => ({ ...each, id: `4.${group}.${n + 1}`, name: `the reserved opcode ${first + n} ${each.name}`, fails: 1002 }));

export const groups = [
  { name: '1: messages of every size', count: 16, cases: [...echoOf(text, '*'), ...echoOf(binary, 0xfe)] },
  { name: '2: pings and pongs', count: 11, cases: pingPong },
  { name: '3: reserved bits', count: 7, cases: reservedBits },
  { name: '4: reserved opcodes', count: 10, cases: [...opcodesOf(1, 3), ...opcodesOf(2, 11)] },
];
