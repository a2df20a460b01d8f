// Writers that keep a journal of what was acknowledged to them and of what they saw, and look for it when the server has
// come back. Each has a session and a WebSocket of its own, and many writes under way: messages and state in turn.

import WebSocket from 'ws';
import { askAll, readLog } from './pipeline.mjs';
import { serve } from './children.mjs';

const window = 32;
const filler = 'x'.repeat(260);
const textOf = (n) => `${n}:${filler}`;

class Writer {
  tried = 0;
  checked = { cursor: undefined, seq: 0, n: 0, state: 0 }; // how far its log was looked through
  acknowledged = new Map(); // seq -> number, since then
  seen = new Map(); // the same of what it was shown
  wrong = [];
  counts = { acknowledged: 0, seen: 0 };

  constructor(id) { this.id = id; }

  start(port) {
    this.under_way = 0;
    this.ended = new Promise((resolve) => {
      const ws = new WebSocket(`ws://127.0.0.1:${port}/api/v1/sessions/${this.id}/stream${this.checked.cursor ? `?since=${this.checked.cursor}` : ''}`, { perMessageDeflate: false, skipUTF8Validation: true });
      ws.on('open', () => this.fill(ws)).on('error', () => {}).on('close', resolve);
      ws.on('message', (bytes) => this.take(JSON.parse(bytes.toString('latin1')), ws));
      this.stop = () => ws.terminate();
    });
  }

  fill(ws) {
    ws._socket.cork();
    while (this.under_way < window) {
      const n = this.tried += 1;
      const value = { n, text: textOf(n) };
      ws.send(JSON.stringify(n % 2 ? { type: 'note', data: value, request_id: `${n}` } : { type: 'set_session_state', payload: { key: 'v', value }, request_id: `${n}` }));
      this.under_way += 1;
    }
    ws._socket.uncork();
  }

  take(frame, ws) {
    if (frame.type === 'ack') {
      this.note(this.acknowledged, frame.seq, Number(frame.request_id));
      this.counts.acknowledged += 1;
      this.under_way -= 1;
      if (this.under_way * 2 <= window) this.fill(ws);
    } else if (frame.type === 'error') {
      this.wrong.push(`refused: ${JSON.stringify(frame)}`);
    } else if (numberIn(frame) !== undefined) {
      this.note(this.seen, frame.seq, numberIn(frame));
      this.counts.seen += 1;
    }
  }

  note(journal, seq, n) {
    if (seq <= this.checked.seq || (journal.get(seq) ?? n) !== n) this.wrong.push(`place ${seq} was used again, for ${n}`);
    journal.set(seq, n);
  }

  // Looks through what the log says since the last time: every place in order, every value whole, nothing of the journal gone.
  async check(port) {
    const { events, gap } = await readLog(port, this.id, this.checked.cursor);
    if (gap) this.wrong.push('a gap');
    for (const event of events) {
      if (event.seq !== this.checked.seq + 1) this.wrong.push(`place ${event.seq} behind ${this.checked.seq}`);
      this.checked.seq = event.seq;
      this.checked.cursor = event.cursor;
      const n = numberIn(event);
      for (const [what, journal] of [['acknowledged', this.acknowledged], ['seen', this.seen]]) {
        if (journal.has(event.seq) && journal.get(event.seq) !== n) this.wrong.push(`${what} ${journal.get(event.seq)} at ${event.seq}, where ${n} stands`);
        journal.delete(event.seq);
      }
      if (n === undefined) continue;
      const { text } = event.type === 'note' ? event.data : event.data.set.v;
      if (text !== textOf(n)) this.wrong.push(`${n} is torn`);
      if (n <= this.checked.n || n > this.tried) this.wrong.push(`${n} behind ${this.checked.n} of ${this.tried}`);
      this.checked.n = n;
      if (event.type !== 'note') this.checked.state = n;
    }
    for (const [seq, n] of this.acknowledged) this.wrong.push(`lost: ${n} at ${seq}`);
    for (const [seq, n] of this.seen) this.wrong.push(`seen and gone: ${n} at ${seq}`);
    const [{ state }] = await askAll(port, [{ path: `/api/v1/sessions/${this.id}/state` }]);
    if ((state.v?.n ?? 0) !== this.checked.state) this.wrong.push(`the state is ${state.v?.n}, the log's ${this.checked.state}`);
    this.acknowledged.clear();
    this.seen.clear();
  }
}

function numberIn(frame) {
  if (frame.type === 'note') return frame.data.n;
  return frame.type === 'session.state' ? frame.data?.set?.v?.n : undefined;
}

let writers = [];

serve({
  take(ids) { writers = ids.map((id) => new Writer(id)); },
  start(port) { for (const writer of writers) writer.start(port); },
  async stopped() { await Promise.all(writers.map(({ ended }) => ended)); },
  async check(port) {
    for (const writer of writers) await writer.check(port);
    const wrong = writers.flatMap((writer) => writer.wrong.splice(0).map((text) => `${writer.id}: ${text}`));
    const sum = (name) => writers.reduce((total, { counts }) => total + counts[name], 0);
    return { wrong, acknowledged: sum('acknowledged'), seen: sum('seen') };
  },
});
