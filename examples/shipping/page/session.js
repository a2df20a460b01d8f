// One seat in a shared session: connects, comes back after a loss, and pairs replies with requests. Browser and Node alike.
// Invariant: at most one socket at a time; after `connected` the seat keeps the session's id and returns to that session.

const connectMsMax = 5_000;
const retryMs = 3_000;
const retryGrowth = 1.5;
const retriesMax = 5;
const pingMs = 20_000;
const replyMsMax = 15_000;

const asSocket = (address) => address.replace(/^http/, 'ws').replace(/\/+$/, '');

/**
 * Takes a seat. `server` is http://host:port; `token` and `session` (an id, may be empty) go into the address.
 * `onStatus({word, ...})`: connecting {retry}, live {frame: the `connected` frame}, waiting {ms, retry, of}, ended {code, reason, gaveUp}.
 * `onFrame(frame)` gets every frame after `connected`. Ended means that only retry() tries again.
 * `Socket` and `makeId` are for programs outside a browser.
 */
export class Seat {
  #options;
  #socket;
  #timer;
  #pinging;
  #retries = 0;
  #calls = new Map();
  session;

  constructor({ server, token, session, onStatus = () => {}, onFrame = () => {}, Socket = globalThis.WebSocket, makeId = () => globalThis.crypto.randomUUID() }) {
    this.#options = { server, token, onStatus, onFrame, Socket, makeId };
    this.session = session;
    this.#connect();
  }

  /** Sends a frame and gives its requestId. Throws when the seat is not live. */
  send(frame) {
    if (this.#socket?.readyState !== 1) throw new Error('not connected to the session server');
    const requestId = frame.requestId ?? this.#options.makeId();
    this.#socket.send(JSON.stringify({ ...frame, requestId, timestamp: Date.now() }));
    return requestId;
  }

  /** Sends a frame and resolves to the first frame with its requestId. Rejects on an error frame, a loss, or 15 s of silence. */
  ask(frame) {
    return new Promise((resolve, reject) => {
      const requestId = this.send(frame);
      const timer = setTimeout(() => this.#settle(requestId, 'reject', new Error('the session server did not answer')), replyMsMax);
      this.#calls.set(requestId, { resolve, reject, timer });
    });
  }

  /** Tries again at once, with all its attempts before it. */
  retry() {
    this.#retries = 0;
    this.#connect();
  }

  /** Leaves; the session stays. No status follows. */
  leave() {
    this.#options.onStatus = () => {};
    this.#options.onFrame = () => {};
    this.#drop(1000);
  }

  #address() {
    const query = new URLSearchParams({ token: this.#options.token });
    if (this.session) query.set('session_id', this.session);
    return `${asSocket(this.#options.server)}/ws?${query}`;
  }

  #connect() {
    this.#drop();
    this.#options.onStatus({ word: 'connecting', retry: this.#retries });
    const socket = new this.#options.Socket(this.#address());
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lost(1006, 'no answer within 5 s'), connectMsMax);
    socket.onmessage = ({ data }) => this.#receive(String(data));
    socket.onclose = ({ code, reason }) => this.#lost(code, String(reason));
    socket.onerror = () => {};
  }

  // A socket to a dead network takes long to close, so it is forgotten first.
  #drop(code) {
    clearTimeout(this.#timer);
    clearInterval(this.#pinging);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close(code);
    }
    for (const requestId of [...this.#calls.keys()]) this.#settle(requestId, 'reject', new Error('the connection was lost'));
  }

  #lost(code, reason) {
    this.#drop();
    // 1008 is a decision about this token and 1000 one about this session; only a rate limit passes by itself.
    const final = (code === 1008 && reason !== 'rate limit') || code === 1000;
    if (final || this.#retries >= retriesMax) {
      this.#options.onStatus({ word: 'ended', code, reason, gaveUp: !final });
      return;
    }
    const ms = retryMs * retryGrowth ** this.#retries;
    this.#retries += 1;
    this.#options.onStatus({ word: 'waiting', ms, retry: this.#retries, of: retriesMax });
    this.#timer = setTimeout(() => this.#connect(), ms);
  }

  #receive(text) {
    const frame = JSON.parse(text);
    if (frame.type === 'connected') {
      clearTimeout(this.#timer);
      this.#retries = 0;
      this.session = frame.session_id;
      this.#pinging = setInterval(() => this.#ping(), pingMs);
      this.#options.onStatus({ word: 'live', frame });
      return;
    }
    if (this.#calls.has(frame.requestId)) {
      if (frame.type === 'error') this.#settle(frame.requestId, 'reject', new Error(frame.payload?.message ?? 'refused'));
      else this.#settle(frame.requestId, 'resolve', frame);
    }
    this.#options.onFrame(frame);
  }

  #settle(requestId, how, value) {
    const call = this.#calls.get(requestId);
    this.#calls.delete(requestId);
    clearTimeout(call?.timer);
    call?.[how](value);
  }

  #ping() {
    const socket = this.#socket;
    this.ask({ type: 'ping' }).catch(() => {
      if (socket && socket === this.#socket) this.#lost(1006, 'silence');
    });
  }
}
