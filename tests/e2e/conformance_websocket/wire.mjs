// A WebSocket client down to the byte: frames are written as a case wants them, right or wrong, and what the server
// writes is read strictly. Nothing here is shared with the clients that the other tests use.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';

export const [continuation, text, binary, close, ping, pong] = [0, 1, 2, 8, 9, 10];
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const bytesOf = (...bytes) => Buffer.from(bytes);

function mask(payload, key) {
  const out = Buffer.allocUnsafe(payload.length);
  for (let at = 0; at < payload.length; at += 1) out[at] = payload[at] ^ key[at & 3];
  return out;
}

/** One frame of a client. `length` may be more than there is, for frames that are not finished. */
export function frame(opcode, payload = '', { fin = true, rsv = 0, length } = {}) {
  const body = Buffer.from(payload);
  const size = length ?? body.length;
  const head = Buffer.alloc(size < 126 ? 6 : size < 65536 ? 8 : 14);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = 0x80 | (size < 126 ? size : size < 65536 ? 126 : 127);
  if (head.length === 8) head.writeUInt16BE(size, 2);
  if (head.length === 14) head.writeBigUInt64BE(BigInt(size), 2);
  const key = randomBytes(4);
  key.copy(head, head.length - 4);
  return Buffer.concat([head, mask(body, key)]);
}

/** The payload of a Close frame. */
export function closing(code, reason = '') {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

/** A message as frames of `size` bytes each; `first` are the options of the first frame. */
export function fragments(opcode, payload, size, first = {}) {
  const body = Buffer.from(payload);
  const frames = [];
  for (let at = 0; at < body.length || at === 0; at += size) {
    const fin = at + size >= body.length;
    frames.push(frame(at === 0 ? opcode : continuation, body.subarray(at, at + size), { ...(at === 0 ? first : {}), fin }));
  }
  return frames;
}

/** Bytes in pieces of `size`. */
export function chop(bytes, size) {
  const pieces = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

/** What came, until there are enough bytes to look at. */
class Stream {
  chunks = [];

  size = 0;

  push(chunk) {
    this.chunks.push(chunk);
    this.size += chunk.length;
  }

  peek(count) {
    if (this.chunks[0].length < count) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0].subarray(0, count);
  }

  take(count) {
    if (count === 0) return Buffer.alloc(0);
    const bytes = this.peek(count);
    this.chunks[0] = this.chunks[0].subarray(count);
    if (this.chunks[0].length === 0) this.chunks.shift();
    this.size -= count;
    return bytes;
  }
}

export class Wire {
  frames = [];

  closed = false;

  ended = false;

  broken = '';

  #stream = new Stream();

  #waiting = new Set();

  constructor(socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#stream.push(chunk);
      try { this.#read(); } catch (fault) { this.broken ||= fault.message; }
      this.#wake();
    });
    socket.on('end', () => { this.ended = true; this.#wake(); });
    socket.on('error', (fault) => { this.broken ||= fault.message; this.#wake(); });
  }

  static async open(port, { offer } = {}) {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const key = randomBytes(16).toString('base64');
    const lines = ['GET /echo HTTP/1.1', `Host: 127.0.0.1:${port}`, 'Upgrade: websocket', 'Connection: Upgrade',
      'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${key}`];
    if (offer) lines.push(`Sec-WebSocket-Extensions: ${offer}`);
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    let head = Buffer.alloc(0);
    while (!head.includes('\r\n\r\n')) {
      const chunk = await new Promise((resolve, reject) => {
        socket.once('data', resolve);
        socket.once('error', reject);
        socket.once('end', () => reject(new Error('no answer to the handshake')));
      });
      head = Buffer.concat([head, chunk]);
    }
    socket.removeAllListeners();
    const answer = head.toString('latin1');
    assert.match(answer, /^HTTP\/1\.1 101 /);
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    assert.ok(answer.includes(`\r\nSec-WebSocket-Accept: ${accept}\r\n`));
    assert.ok(answer.endsWith('\r\n\r\n'), 'an echo says nothing by itself');
    const wire = new Wire(socket);
    wire.extension = /\r\nSec-WebSocket-Extensions: (.*)\r\n/.exec(answer)?.[1] ?? '';
    return wire;
  }

  /** A server's frames: not masked, lengths in the shortest form, whole messages, RSV1 only where it was agreed on. */
  #read() {
    while (this.#stream.size >= 2) {
      const [first, second] = this.#stream.peek(2);
      const extra = second === 126 ? 2 : second === 127 ? 8 : 0;
      if (this.#stream.size < 2 + extra) return;
      const head = this.#stream.peek(2 + extra);
      const size = extra === 0 ? second : extra === 2 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2));
      const [opcode, compressed] = [first & 15, (first & 0x40) !== 0];
      assert.ok(second < 128, 'the server masks nothing');
      assert.ok(extra === 0 || size > (extra === 2 ? 125 : 65535), 'the shortest form of the length');
      assert.equal(first & 0xb0, 0x80, 'no fragments, no reserved bits');
      assert.ok([text, binary, close, ping, pong].includes(opcode), `opcode ${opcode}`);
      assert.ok(!compressed || (this.extension !== '' && opcode <= binary), 'compression where it was agreed on');
      assert.ok(opcode < close || size <= 125, 'control frames are short');
      assert.ok(!this.closed, 'nothing after a close');
      if (this.#stream.size < head.length + size) return;
      this.#stream.take(head.length);
      this.frames.push({ opcode, compressed, payload: this.#stream.take(size) });
      this.closed = opcode === close;
    }
  }

  #wake() { for (const waiting of this.#waiting) waiting(); }

  /** Waits for `probe`; gives what it gave, or fails. */
  async until(probe, what, ms = 5000) {
    const end = Date.now() + ms;
    for (;;) {
      const value = probe();
      if (value) return value;
      assert.equal(this.broken, '', what);
      assert.ok(Date.now() < end, `not within ${ms} ms: ${what}; came: ${describe(this.frames)}${this.ended ? ', end' : ''}`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, end - Date.now() + 1);
        const done = () => { clearTimeout(timer); this.#waiting.delete(done); resolve(); };
        this.#waiting.add(done);
      });
    }
  }

  /** Writes pieces apart; a number is a pause in ms. */
  async send(...pieces) {
    for (const [n, piece] of pieces.flat().entries()) {
      if (typeof piece === 'number') await sleep(piece);
      else if (this.socket.writable && !this.socket.write(piece)) await this.#drained();
      if (n % 64 === 63) await new Promise(setImmediate);
    }
  }

  #drained() {
    return new Promise((resolve) => {
      const done = () => { for (const event of ['drain', 'close']) this.socket.off(event, done); resolve(); };
      for (const event of ['drain', 'close']) this.socket.on(event, done);
    });
  }

  async next(ms) {
    await this.until(() => this.frames.length > 0, 'a frame', ms);
    return this.frames.shift();
  }

  /** The next frames are exactly these: [opcode, payload]. */
  async expect(expected, ms) {
    for (const [opcode, payload] of expected) {
      const got = await this.next(ms);
      const body = Buffer.from(payload);
      assert.ok(got.opcode === opcode && got.payload.equals(body), `wanted ${describe([{ opcode, payload: body }])}, got ${describe([got])}`);
    }
  }

  /** The server closes with one of `codes`, without a word before, and ends the connection. */
  async expectClose(codes, ms) {
    const got = await this.next(ms);
    assert.equal(got.opcode, close, `wanted a close, got ${describe([got])}`);
    const code = got.payload.length === 0 ? 1005 : got.payload.readUInt16BE(0);
    assert.ok(codes.includes(code), `wanted a close with ${codes}, got ${code} ${got.payload.subarray(2)}`);
    this.socket.end();
    await this.until(() => this.ended, 'the end of the connection', ms);
    assert.deepEqual(this.frames, []);
  }

  /** Says goodbye properly and hears it. */
  async leave() {
    await this.send(frame(close, closing(1000)));
    await this.expectClose([1000]);
  }

  /** Nothing has come for a moment. */
  async expectQuiet(ms = 12) {
    await sleep(ms);
    assert.ok(this.frames.length === 0 && !this.ended, `nothing yet, but: ${describe(this.frames)}${this.ended ? ' end' : ''}`);
  }

  destroy() { this.socket.destroy(); }
}

function describe(frames) {
  return frames.map(({ opcode, payload }) => `${opcode}:${payload.length}:${payload.subarray(0, 24).toString('latin1')}`).join(' ') || 'nothing';
}

/**
 * Plays a case on a connection of its own: {id, name, send, expect, fails, play}. What `expect` names comes, in this
 * order and nothing else; then the server closes with one of the codes in `fails`, or if there are none, hears our close.
 */
export async function play(port, each, server) {
  const wire = await Wire.open(port, { offer: each.offer });
  try {
    if (each.play) await each.play(wire, port, server);
    else {
      await wire.send(each.send);
      await wire.expect(each.expect ?? []);
    }
    if (each.fails) await wire.expectClose([each.fails].flat());
    else if (!each.leaves) await wire.leave();
  } finally {
    wire.destroy();
  }
}
