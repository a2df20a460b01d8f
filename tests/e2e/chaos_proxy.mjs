// A network in front of a server that can fail: slow, narrow, silent in one direction or both, cut, half closed, in
// pieces of one byte, stuck after so many bytes. Up is to the server, down is from it. It ends with the test `t`.
import net from 'node:net';

/** Numbers from 0 to 1, the same ones for the same seed. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One direction of one connection. Faults: delay_ms, jitter_ms, bytes_per_s, single_bytes, silent, stall_after. */
class Line {
  carried = 0;
  waiting = [];
  free_at = 0;

  constructor(from, to, faults, { random, edit }) {
    Object.assign(this, { from, to, faults: { ...faults }, random, edit });
    from.on('data', (bytes) => this.take(bytes));
    from.on('end', () => this.take(null));
    to.on('drain', () => this.move());
    to.on('close', () => { this.waiting = []; this.move(); });
  }

  change(faults) {
    Object.assign(this.faults, faults);
    if (this.faults.silent) this.waiting = [];
    this.move();
  }

  /** What came in is due after its delay, and never before what came earlier; `null` is the end. */
  take(bytes) {
    const { delay_ms = 0, jitter_ms = 0, silent } = this.faults;
    if (silent) return;
    const at = delay_ms + jitter_ms === 0 ? 0 : performance.now() + delay_ms + jitter_ms * this.random();
    this.waiting.push({ bytes: bytes && this.edit(bytes), at: Math.max(at, this.waiting.at(-1)?.at ?? 0) });
    this.move();
  }

  /** Passes on what is due; whoever sends more than that has to wait, as the peer itself would let it. */
  move() {
    clearTimeout(this.timer);
    clearImmediate(this.next);
    while (this.waiting.length > 0 && !this.to.writableNeedDrain) {
      const wait = Math.max(this.waiting[0].at, this.free_at) - performance.now();
      if (wait > 0) { this.timer = setTimeout(() => this.move(), wait); break; }
      const room = this.room();
      if (room === 0) break;
      this.pass(room);
      if (this.faults.single_bytes) { this.next = setImmediate(() => this.move()); break; } // a send of its own
    }
    if (this.waiting.length > 16) this.from.pause(); else if (this.from.isPaused()) this.from.resume();
  }

  room() {
    const { single_bytes, bytes_per_s, stall_after = Infinity } = this.faults;
    const slice = bytes_per_s ? Math.ceil(bytes_per_s / 100) : Infinity;
    return Math.min(single_bytes ? 1 : Infinity, slice, Math.max(stall_after - this.carried, 0));
  }

  pass(room) {
    const [first] = this.waiting;
    if (this.to.destroyed || this.to.writableEnded) { this.waiting = []; return; }
    if (first.bytes === null) { this.waiting.shift(); this.to.end(); return; }
    const bytes = first.bytes.subarray(0, room);
    this.to.write(bytes);
    this.carried += bytes.length;
    const { bytes_per_s } = this.faults;
    if (bytes_per_s) this.free_at = Math.max(this.free_at, performance.now()) + (bytes.length / bytes_per_s) * 1000;
    if (bytes.length < first.bytes.length) first.bytes = first.bytes.subarray(bytes.length); else this.waiting.shift();
  }
}

class ChaosProxy {
  links = new Set();
  refuses = false;
  count = 0; // connections so far
  faults = { up: {}, down: {} };

  constructor(server, seed) {
    this.random = seeded(seed);
    this.listener = net.createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.meet(near, server.port));
  }

  get port() { return this.listener.address().port; }
  get url() { return `http://127.0.0.1:${this.port}`; }

  meet(near, port) {
    if (this.refuses) { near.resetAndDestroy(); return; }
    this.count += 1;
    const far = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    // The server answers under its own name only.
    const names = [`Host: 127.0.0.1:${this.port}`, `Host: 127.0.0.1:${port}`];
    const rename = (bytes) => (bytes.includes(names[0]) ? Buffer.from(bytes.toString('latin1').replaceAll(...names), 'latin1') : bytes);
    const link = {
      near, far,
      up: new Line(near, far, this.faults.up, { random: this.random, edit: rename }),
      down: new Line(far, near, this.faults.down, { random: this.random, edit: (bytes) => bytes }),
    };
    this.links.add(link);
    near.on('error', () => {}).on('close', () => { if (!link.up.faults.silent) far.destroy(); this.forget(link); });
    far.on('error', () => {}).on('close', () => { if (!link.down.faults.silent) near.destroy(); this.forget(link); });
  }

  forget(link) { if (link.near.destroyed && link.far.destroyed) this.links.delete(link); }

  /** Faults of the connections that there are and that come: `set({ down: { delay_ms: 20, jitter_ms: 10 } })`. */
  set(faults) {
    for (const direction of Object.keys(faults)) {
      Object.assign(this.faults[direction], faults[direction]);
      for (const link of this.links) link[direction].change(faults[direction]);
    }
  }

  /** Swallows what goes through the present connections and tells neither end; gives them, `far` is the server's end. */
  blackHole(...directions) {
    const links = [...this.links];
    for (const link of links) for (const direction of directions.length > 0 ? directions : ['up', 'down']) link[direction].change({ silent: true });
    return links;
  }

  /** Resets both ends of every connection; an end that was told that nothing more comes can't be. */
  cut() {
    for (const socket of [...this.links].flatMap(({ near, far }) => [near, far])) {
      if (socket.writableEnded) socket.destroy(); else socket.resetAndDestroy();
    }
  }

  /** Tells one end that nothing more comes: 'up' the server, 'down' the client. The other direction lives on. */
  halfClose(direction) { for (const { near, far } of this.links) (direction === 'up' ? far : near).end(); }

  /** Lets nothing new in. */
  refuse(refuses) { this.refuses = refuses; }

  async end() {
    this.cut();
    await new Promise((resolve) => { this.listener.close(resolve); });
  }
}

/** A proxy in front of `server`, which is whatever has a `port`, also of a server that is started again there. */
export async function chaosProxy(t, server, { seed = 1, ...faults } = {}) {
  const proxy = new ChaosProxy(server, seed);
  proxy.set(faults);
  await new Promise((resolve) => { proxy.listener.listen(0, '127.0.0.1', resolve); });
  t.after(() => proxy.end());
  return proxy;
}
