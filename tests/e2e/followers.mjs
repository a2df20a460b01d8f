// Clients that follow sessions and come back whenever they are cut off, at once and all together: on the native stream,
// on server-sent events, on Socket.IO, each with the place where it was. They keep the numbers that they heard.
import http from 'node:http';
import net from 'node:net';
import WebSocket from 'ws';

export const kinds = ['stream', 'events', 'socketio'];

class Follower {
  heard = [];
  live = false; // it was let in, and told from where it goes on
  resumes = 0;
  gaps = 0;
  refusals = 0; // tries that found somebody who did not let it in
  ended = false;

  constructor(crowd, session, from) { Object.assign(this, { crowd, session, from }); }

  /** In, for the first time or again. `whole` says that nothing is missing. */
  welcome(whole) {
    if (this.live) return;
    this.live = true;
    this.resumes += 1;
    if (!whole && this.resumes > 1) this.gaps += 1;
    this.crowd.in(this);
  }

  hear(n) { this.heard.push(n); }

  lost(answered = false) {
    if (this.live) this.crowd.out(this);
    else if (answered) this.refusals += 1;
    this.live = false;
    if (this.crowd.returns) this.crowd.whenOpen(() => { if (!this.ended) this.open(); });
  }

  target(path) { return { host: '127.0.0.1', port: this.crowd.port, path, localAddress: this.from }; }

  webSocket(path, onText) {
    const ws = new WebSocket(`ws://127.0.0.1:${this.crowd.port}${path}`, { perMessageDeflate: false, localAddress: this.from, skipUTF8Validation: true });
    let answered = false;
    ws.on('upgrade', () => { answered = true; }).on('message', (bytes) => onText(bytes.toString('utf8'), ws));
    ws.on('error', () => {}).on('unexpected-response', (outgoing) => { answered = true; outgoing.destroy(); });
    ws.on('close', (code, reason) => { this.goodbye = { code, reason: reason.toString() }; this.lost(answered); });
    this.reset = () => ws._socket?.resetAndDestroy();
    this.leave = () => ws.terminate();
  }

  end() { this.ended = true; this.leave?.(); }
}

class StreamFollower extends Follower {
  open() {
    const since = this.cursor === undefined ? '' : `?since=${this.cursor}`;
    this.webSocket(`/api/v1/sessions/${this.session}/stream${since}`, (text) => {
      const event = JSON.parse(text);
      if (event.type === 'note') this.hear(event.data.n);
      if (event.cursor !== undefined) this.cursor = event.cursor;
      this.welcome(event.type === 'session.resumed');
    });
  }
}

class EventsFollower extends Follower {
  open() {
    const headers = { Accept: 'text/event-stream', ...(this.cursor !== undefined && { 'Last-Event-ID': this.cursor }) };
    const outgoing = http.get({ ...this.target(`/api/v1/sessions/${this.session}/events`), headers, agent: false }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
        for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) this.block(text.slice(0, end));
      });
      incoming.on('error', () => {}).on('close', () => this.lost(true));
    });
    let over = false;
    outgoing.on('error', () => { if (!outgoing.res && !over) { over = true; this.lost(); } });
    this.reset = () => outgoing.socket?.resetAndDestroy();
    this.leave = () => outgoing.destroy();
  }

  block(text) {
    const [, id] = /^id: (.*)$/m.exec(text) ?? [];
    const [, type] = /^event: (.*)$/m.exec(text) ?? [];
    if (type === 'note') this.hear(JSON.parse(/^data: (.*)$/m.exec(text)[1]).data.n);
    if (id !== undefined) this.cursor = id;
    if (type !== undefined) this.welcome(type === 'session.resumed');
  }
}

class SocketIoFollower extends Follower {
  open() {
    this.webSocket('/socket.io/?EIO=4&transport=websocket', (text, ws) => {
      if (text === '2') ws.send('3');
      else if (text[0] === '0') ws.send(`40${this.pid === undefined ? '' : JSON.stringify({ pid: this.pid, offset: this.cursor })}`);
      else if (text.startsWith('40')) this.connected(JSON.parse(text.slice(2)), ws);
      else if (text.startsWith('42')) this.event(JSON.parse(text.slice(2)));
    });
  }

  connected({ pid, sid }, ws) {
    const back = sid === this.sid;
    [this.pid, this.sid] = [pid, sid];
    if (back) this.welcome(true);
    else ws.send(`42${JSON.stringify(['register_session', { thread_id: this.session }])}`);
  }

  event([name, value, offset]) {
    if (name === 'note') this.hear(value.n);
    if (name === 'session.gap') this.gaps += 1;
    if (typeof offset === 'string') this.cursor = offset;
    if (name === 'session_registered') this.welcome(false);
  }
}

const classes = { stream: StreamFollower, events: EventsFollower, socketio: SocketIoFollower };

/** Many of them, of all kinds in turn, `each` in every session. */
export class Crowd {
  followers = [];
  present = 0;
  last_in_ms = 0; // the wall clock when the last one came in

  constructor(port, { from = '127.0.0.1', mix = kinds, returns = true } = {}) { Object.assign(this, { port, from, mix, returns }); }

  async join(sessions, each) {
    for (const session of sessions) {
      for (let n = 0; n < each; n += 1) {
        const follower = new classes[this.mix[this.followers.length % this.mix.length]](this, session, this.from);
        this.followers.push(follower);
        follower.open();
        // As many as a server takes in at a time; the storm comes later.
        while (this.followers.length - this.present > 100) await new Promise((resolve) => { setTimeout(resolve, 2); });
      }
    }
  }

  /** They do not knock at a closed door each for itself: one looks, and all come in the instant it opens. */
  whenOpen(enter) {
    this.waiting ??= [];
    if (this.waiting.push(enter) > 1) return;
    const look = () => {
      const probe = net.connect(this.port, '127.0.0.1');
      probe.on('error', () => { if (!this.over) setTimeout(look, 5); });
      probe.on('connect', () => {
        probe.destroy();
        const all = this.waiting;
        this.waiting = [];
        for (const one of all) one();
      });
    };
    look();
  }

  in() { this.present += 1; this.last_in_ms = performance.timeOrigin + performance.now(); }
  out() { this.present -= 1; }
  get all() { return this.present === this.followers.length; }

  /** Their lines are cut, all in one instant. */
  cut() { for (const follower of this.followers) follower.reset(); }
  end() { this.over = true; for (const follower of this.followers) follower.end(); }

  /** How many have not heard exactly what the logs say, in this order: {missing, twice, disorder, gaps}. */
  compare(logs) {
    const wrong = { missing: 0, twice: 0, disorder: 0, gaps: 0 };
    for (const { session, heard, gaps } of this.followers) {
      const said = logs[session];
      const once = new Set(heard);
      wrong.gaps += gaps;
      wrong.twice += heard.length - once.size;
      wrong.missing += said.filter((n) => !once.has(n)).length;
      if (heard.length === said.length && heard.some((n, at) => n !== said[at])) wrong.disorder += 1;
    }
    return wrong;
  }

  count(name) { return this.followers.reduce((sum, follower) => sum + follower[name], 0); }
  get heard() { return this.followers.reduce((sum, { heard }) => sum + heard.length, 0); }
}
