// Group 5: messages in fragments, with control frames in between, and what is no proper fragment.
import { chop, continuation, frame, ping, pong, text } from './wire.mjs';

const start = frame(text, 'fragment1', { fin: false });
const end = frame(continuation, 'fragment2');
const whole = [text, 'fragment1fragment2'];
const stray = (fin) => frame(continuation, 'non-continuation payload', { fin });
const message = frame(text, 'Hello, world!');

/** The same frames at once, one after the other, and byte by byte. */
const ways = (first, name, frames, rest) => [
  ['at once', [Buffer.concat(frames)]],
  ['frame by frame', frames.flatMap((each) => [each, 2])],
  ['byte by byte', chop(Buffer.concat(frames), 1)],
].map(([how, send], n) => ({ id: `5.${first + n}`, name: `${name}, ${how}`, send, ...rest }));

const interleaved = {
  name: 'pings between five fragments are answered at once',
  async play(wire) {
    const part = (n, opcode = continuation, fin = false) => frame(opcode, `fragment${n}`, { fin });
    await wire.send(part(1, text), part(2), frame(ping, 'first'));
    await wire.expect([[pong, 'first']]);
    await wire.expectQuiet(50);
    await wire.send(part(3), part(4), frame(ping, 'second'));
    await wire.expect([[pong, 'second']]);
    await wire.send(part(5, continuation, true));
    await wire.expect([[text, [1, 2, 3, 4, 5].map((n) => `fragment${n}`).join('')]]);
  },
};

const cases = [
  { id: '5.1', name: 'a ping in two fragments', send: [frame(ping, 'fragment1', { fin: false }), end], fails: 1002 },
  { id: '5.2', name: 'a pong in two fragments', send: [frame(pong, 'fragment1', { fin: false }), end], fails: 1002 },
  ...ways(3, 'text in two fragments', [start, end], { expect: [whole] }),
  ...ways(6, 'a ping between two fragments', [start, frame(ping, 'ping'), end], { expect: [[pong, 'ping'], whole] }),
  ...ways(9, 'a last fragment of nothing, then text', [stray(true), message], { fails: 1002 }),
  ...ways(12, 'a fragment of nothing, then text', [stray(false), message], { fails: 1002 }),
  { id: '5.15', name: 'a message, then a fragment of nothing, then text', send: [Buffer.concat([start, end, stray(false), message])], expect: [whole], fails: 1002 },
  { id: '5.16', name: 'twice a fragment of nothing, then a message', send: [stray(false), start, end, stray(false), start, end], fails: 1002 },
  { id: '5.17', name: 'twice a last fragment of nothing, then a message', send: [stray(true), start, end, stray(true), start, end], fails: 1002 },
  { id: '5.18', name: 'two fragments that both say they are the first', send: [start, frame(text, 'fragment2')], fails: 1002 },
  { id: '5.19', ...interleaved },
  {
    id: '5.20',
    name: 'the same written frame by frame, and a silence in between',
    async play(wire) {
      for (const [n, opcode] of [text, continuation].entries()) await wire.send(frame(opcode, `fragment${n + 1}`, { fin: false }), 2);
      await wire.send(frame(ping, 'first'));
      await wire.expect([[pong, 'first']]);
      await wire.expectQuiet(200);
      for (const n of [3, 4]) await wire.send(frame(continuation, `fragment${n}`, { fin: false }), 2);
      await wire.send(frame(ping, 'second'), 2, frame(continuation, 'fragment5'));
      await wire.expect([[pong, 'second'], [text, 'fragment1fragment2fragment3fragment4fragment5']]);
    },
  },
];

export const groups = [{ name: '5: fragments', count: 20, cases }];
