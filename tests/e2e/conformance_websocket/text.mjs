// Group 6: text is UTF-8. Every sequence goes whole, byte by byte and in fragments of a byte; where it is wrong the
// server has to say so at its first wrong byte, while the frame and the message are unfinished, and not before.
import { bytesOf, chop, fragments, frame, play, text } from './wire.mjs';

// RFC 3629: lead bytes, how many bytes follow, and the bounds of the first of them.
const leads = [[0x00, 0x7f, 0], [0xc2, 0xdf, 1, 0x80, 0xbf], [0xe0, 0xe0, 2, 0xa0, 0xbf], [0xe1, 0xec, 2, 0x80, 0xbf], [0xed, 0xed, 2, 0x80, 0x9f],
  [0xee, 0xef, 2, 0x80, 0xbf], [0xf0, 0xf0, 3, 0x90, 0xbf], [0xf1, 0xf3, 3, 0x80, 0xbf], [0xf4, 0xf4, 3, 0x80, 0x8f]];

/** Where the first wrong byte stands; the length when only the end is missing; -1 when nothing is wrong. */
export function firstWrong(bytes) {
  let [missing, low, high] = [0, 0x80, 0xbf];
  for (const [at, byte] of bytes.entries()) {
    if (missing > 0) {
      if (byte < low || byte > high) return at;
      [missing, low, high] = [missing - 1, 0x80, 0xbf];
    } else {
      const lead = leads.find(([least, most]) => byte >= least && byte <= most);
      if (!lead) return at;
      [, , missing, low = 0x80, high = 0xbf] = lead;
    }
  }
  return missing > 0 ? bytes.length : -1;
}

const filler = 100;

/** `bytes` up to the wrong one in a frame that is not finished: quiet before it, closed at it. */
async function failsAt(wire, bytes, wrong, whole) {
  await wire.send(whole.subarray(0, whole.length - (bytes.length + filler - wrong)));
  await wire.expectQuiet();
  await wire.send(whole.subarray(whole.length - (bytes.length + filler - wrong)).subarray(0, 1));
  await wire.expectClose([1007]);
}

function caseOf(id, what, bytes) {
  const wrong = firstWrong(bytes);
  const name = `${what}: ${bytes.toString('hex').slice(0, 48)}`;
  const parts = fragments(text, bytes, 1);
  if (wrong === -1) {
    return { id, name, valid: true, send: [frame(text, bytes), chop(frame(text, bytes), 1), parts].flat(), expect: Array(3).fill([text, bytes]) };
  }
  const ways = [{ send: [frame(text, bytes)], fails: 1007 }];
  if (wrong === bytes.length) ways.push({ send: parts, fails: 1007 }, { send: chop(frame(text, bytes), 1), fails: 1007 });
  else {
    const long = Buffer.concat([bytes, Buffer.alloc(filler, 'a')]);
    ways.push({ leaves: true, play: (wire) => failsAt(wire, bytes, wrong, frame(text, long)) });
    ways.push({ leaves: true, play: (wire) => failsAt(wire, bytes, wrong, frame(text, long, { fin: false })) });
    ways.push({
      send: [...parts.slice(0, wrong), frame(wrong === 0 ? text : 0, bytes.subarray(wrong, wrong + 1), { fin: false })],
      fails: 1007,
    });
  }
  return { id, name, valid: false, async play(_, port) { for (const way of ways) await play(port, way); } };
}

const greeting = Buffer.from('Hello-µ@ßöäüàá-UTF-8!!');
const word = Buffer.from('\u03ba\u1f79\u03c3\u03bc\u03b5');
const surrogate = Buffer.concat([word, bytesOf(0xed, 0xa0, 0x80), Buffer.from('edited')]);
const empty = [frame(text, '', { fin: false }), frame(0, '', { fin: false }), frame(0)];
const middle = [frame(text, '', { fin: false }), frame(0, 'middle frame payload', { fin: false }), frame(0)];

/** A wrong sequence in three steps, each seen to be taken before the next: the last of them ends it. */
const inSteps = (id, name, steps, split) => ({
  id,
  name,
  leaves: true,
  async play(wire) {
    const bytes = Buffer.concat(steps);
    const whole = frame(text, Buffer.concat([bytes, Buffer.from('edited')]));
    let at = whole.length - bytes.length - 6;
    for (const [n, step] of steps.entries()) {
      if (split) await wire.send(frame(n === 0 ? text : 0, step, { fin: false }));
      else await wire.send(whole.subarray(n === 0 ? 0 : at, at + step.length));
      at += step.length;
      if (n + 1 < steps.length) await wire.expectQuiet(50);
    }
    await wire.expectClose([1007]);
  },
});
const beyond = [[word, bytesOf(0xf4, 0x90)], [word, bytesOf(0xf4), bytesOf(0x90)]];

const few = [
  { id: '6.1.1', name: 'empty text', send: [frame(text)], expect: [[text, '']] },
  { id: '6.1.2', name: 'three empty fragments', send: empty, expect: [[text, '']] },
  { id: '6.1.3', name: 'an empty fragment before and behind', send: middle, expect: [[text, 'middle frame payload']] },
  { id: '6.2.1', name: 'text in one frame', send: [frame(text, greeting)], expect: [[text, greeting]] },
  { id: '6.2.2', name: 'text cut between characters', send: fragments(text, greeting, 13), expect: [[text, greeting]] },
  { id: '6.2.3', name: 'text cut after each byte', send: fragments(text, greeting, 1), expect: [[text, greeting]] },
  { id: '6.2.4', name: 'Greek cut after each byte', send: fragments(text, word, 1), expect: [[text, word]] },
  { id: '6.3.1', name: 'a surrogate in one frame', send: [frame(text, surrogate)], fails: 1007 },
  { id: '6.3.2', name: 'a surrogate cut after each byte', send: fragments(text, surrogate, 1), fails: 1007 },
  inSteps('6.4.1', 'beyond Unicode, in the second fragment', beyond[0], true),
  inSteps('6.4.2', 'beyond Unicode, at the first byte of the third fragment', beyond[1], true),
  inSteps('6.4.3', 'beyond Unicode, in the second piece of a frame', beyond[0], false),
  inSteps('6.4.4', 'beyond Unicode, at the first byte of the third piece of a frame', beyond[1], false),
];

const hex = (list) => list.trim().split(/\s*,\s*/).map((each) => Buffer.from(each.replaceAll(' ', ''), 'hex'));
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const lonely = (from, to) => Buffer.from(range(from, to).flatMap((byte) => [byte, 0x20]));
const missing = hex('c0, e080, f08080, f8808080, fc80808080, df, efbf, f7bfbf, fbbfbfbf, fdbfbfbfbf');
const surrogates = hex('eda080, edadbf, edae80, edafbf, edb080, edbe80, edbfbf');
const pairs = range(0, 7).map((n) => Buffer.concat([surrogates[n >> 1], [surrogates[4], surrogates[6]][n & 1]]));
const nonCharacters = range(0, 16).flatMap((plane) => [0xfffe, 0xffff].map((low) => Buffer.from(String.fromCodePoint(plane * 0x10000 + low))));

// [what it is, how many of them are valid, the sequences]
const table = [
  ['valid text', 5, ['hello$world', 'hello¢world', 'hello€world', 'hello𤭢world', word].map((each) => Buffer.from(each))],
  ['a beginning of Greek', 5, range(1, word.length).map((size) => word.subarray(0, size))],
  ['the first of its length', 4, hex('00, c280, e0a080, f0908080')],
  ['the first of a length that is none', 0, hex('f888808080, fc8480808080')],
  ['the last of its length', 4, hex('7f, dfbf, efbfbf, f48fbfbf')],
  ['the last of a length that is none', 0, hex('f7bfbfbf, fbbfbfbfbf, fdbfbfbfbfbf')],
  ['at a border', 4, hex('ed9fbf, ee8080, efbfbd, f48fbfbf, f4908080')],
  ['a continuation of nothing', 0, [...hex('80, bf, 80bf, 80bf80, 80bf80bf, 80bf80bf80, 80bf80bf80bf'), Buffer.from(range(0x80, 0xbf))]],
  ['lonely beginnings', 0, [[0xc0, 0xdf], [0xe0, 0xef], [0xf0, 0xf7], [0xf8, 0xfb], [0xfc, 0xfd]].map(([from, to]) => lonely(from, to))],
  ['the last byte is missing', 0, missing],
  ['all of those in a row', 0, [Buffer.concat(missing)]],
  ['impossible bytes', 0, hex('fe, ff, fefeffff')],
  ['an overlong slash', 0, hex('c0af, e080af, f08080af, f8808080af, fc80808080af')],
  ['the most overlong', 0, hex('c1bf, e09fbf, f08fbfbf, f887bfbfbf, fc83bfbfbfbf')],
  ['an overlong zero', 0, hex('c080, e08080, f0808080, f880808080, fc8080808080')],
  ['a surrogate', 0, surrogates],
  ['a pair of surrogates', 0, pairs],
  ['no character, and valid', 34, nonCharacters],
  ['a special, and valid', 7, range(0xfff9, 0xffff).map((code) => Buffer.from(String.fromCodePoint(code)))],
];
const many = table.flatMap(([what, , all], row) => all.map((bytes, n) => caseOf(`6.${row + 5}.${n + 1}`, what, bytes)));

export const groups = [{ name: '6: text is UTF-8', count: 145, cases: [...few, ...many] }];

/** For the table itself: [what, how many are valid, how many should be]. */
export const validity = table.map(([what, valid], row) => [what, many.filter((each) => each.id.startsWith(`6.${row + 5}.`) && each.valid).length, valid]);
