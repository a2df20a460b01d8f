// Group 7: the closing handshake, its codes and its reasons.
import { bytesOf, close, closing, frame, ping, text } from './wire.mjs';

const bye = frame(close, closing(1000));
const reason = (size) => frame(close, closing(1000, '*'.repeat(size)));

const handshake = [
  { id: '7.1.1', name: 'a message, then a close', send: [frame(text, 'Hello!'), bye], expect: [[text, 'Hello!']], fails: 1000 },
  { id: '7.1.2', name: 'two closes', send: [bye, bye], fails: 1000 },
  { id: '7.1.3', name: 'a ping behind a close', send: [bye, frame(ping, 'ping')], fails: 1000 },
  { id: '7.1.4', name: 'text behind a close', send: [bye, frame(text, 'Hello!')], fails: 1000 },
  { id: '7.1.5', name: 'a close inside of a message', send: [frame(text, 'fragment1', { fin: false }), bye, frame(0, 'fragment2')], fails: 1000 },
  { id: '7.1.6', name: 'a message of 256 KiB, a close, a ping', send: [frame(text, 'BAsd7&jh23'.repeat(26214)), bye, frame(ping)], expect: [[text, 'BAsd7&jh23'.repeat(26214)]], fails: 1000 },
];
const payloads = [
  { id: '7.3.1', name: 'a close without a code', send: [frame(close)], fails: [1005, 1000] },
  { id: '7.3.2', name: 'half a code', send: [frame(close, 'a')], fails: 1002 },
  { id: '7.3.3', name: 'a code alone', send: [bye], fails: 1000 },
  { id: '7.3.4', name: 'a code and a reason', send: [frame(close, closing(1000, 'Hello World!'))], fails: 1000 },
  { id: '7.3.5', name: 'the longest reason', send: [reason(123)], fails: 1000 },
  { id: '7.3.6', name: 'a reason one byte longer', send: [reason(124)], fails: 1002 },
  { id: '7.5.1', name: 'a reason that is not UTF-8', send: [frame(close, closing(1000, bytesOf(0xce, 0xba, 0xed, 0xa0, 0x80, 0x65)))], fails: 1007 },
];
const withCode = (group, code, n, fails) => ({ id: `${group}.${n + 1}`, name: `code ${code} is ${fails === code ? 'answered' : 'refused'}`, send: [frame(close, closing(code))], fails });
const accepted = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code, n) => withCode('7.7', code, n, code));
const refused = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].map((code, n) => withCode('7.9', code, n, 1002));
// Out of any range: the standard does not say what to do, and we refuse.
const beyond = [5000, 65535].map((code, n) => withCode('7.13', code, n, 1002));

export const groups = [
  { name: '7: closing', count: 37, cases: [...handshake, ...payloads, ...accepted, ...refused, ...beyond] },
];
