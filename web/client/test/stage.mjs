// A clock that the test moves, and sockets whose other end is the test.
import assert from 'node:assert/strict';

/** Timers run when `fire` names their delay, or when `pass` lets the time go by. */
export function clock() {
  const timers = [];
  let now = 0;
  const later = (delayMs, run) => {
    const timer = { at: now + delayMs, delayMs, run };
    timers.push(timer);
    return () => { if (timers.includes(timer)) timers.splice(timers.indexOf(timer), 1); };
  };
  const fire = (delayMs) => {
    const index = timers.findIndex((timer) => timer.delayMs === delayMs);
    assert.ok(index >= 0, `no timer of ${delayMs} ms among ${timers.map((timer) => timer.delayMs)}`);
    timers.splice(index, 1)[0].run();
  };
  const pass = (ms) => {
    for (const end = now + ms; ;) {
      const next = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      now = next ? Math.max(now, next.at) : end;
      if (!next) return;
      timers.splice(timers.indexOf(next), 1);
      next.run();
    }
  };
  return { later, fire, pass, timers, now: () => now };
}

/** A socket that keeps what it was sent. */
export function makeSocket() {
  const socket = { sent: [], closed: undefined };
  socket.send = (text) => socket.sent.push(JSON.parse(text));
  socket.close = (code, reason) => { socket.closed = { code, reason }; };
  socket.say = (frame) => socket.onmessage({ data: JSON.stringify(frame) });
  socket.drop = (code = 1006, reason = '') => socket.onclose({ code, reason, wasClean: code !== 1006 });
  return socket;
}

/** Lets what was promised go on. */
export const settle = () => new Promise((resolve) => { setImmediate(resolve); });

/** An event of the log as the server shows it. */
export const event = (seq, type = 'note', more = {}) => ({ type, seq, cursor: `e.${seq}`, at: '2026-02-24T19:22:16.015123Z', ...more });
