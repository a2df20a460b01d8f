// Echoes: each client sends `message` and the next one once `message-back` is there with the same argument, over a
// WebSocket (some at a time in one write) or by polling (a POST, and a GET that always waits).

import { joinAll } from './client.mjs';
import { Wire, fail, getRequest, postRequest, serverFrame, takeAnswer, takeFrames, textFrame } from './wire.mjs';
import { measureCpu, percentile, serverCpu } from './usage.mjs';

const digits = 8;
const zeros = '0'.repeat(digits);
const silenceMs = 10_000;
const warmupTurns = 80;

// 32 bytes, of which eight say the number of the round.
const payload = (number, at) => `{"number":"${number}","at":"${String(at).padStart(3, '0')}"}`;
const numbered = (round) => String(round).padStart(digits, '0');

function numberPlaces(bytes) {
  const places = [];
  for (let at = bytes.indexOf(zeros); at >= 0; at = bytes.indexOf(zeros, at + digits)) places.push(at);
  return places;
}

// One client on a WebSocket. The bytes that are due are known, so they are compared and not read; only where they
// differ, as with a heartbeat among them, frames are looked at.
class SocketLane {
  constructor(client, burst) {
    this.client = client;
    const each = (frame) => Buffer.concat(Array.from({ length: burst }, (_, at) => frame(at)));
    this.out = each((at) => textFrame(`42["message",${payload(zeros, at)}]`));
    this.due = each((at) => serverFrame(`42["message-back",${payload(zeros, at)}]`));
    this.frame = this.due.length / burst;
    this.places = [this.out, this.due].map(numberPlaces);
    this.got = 0;
    this.waits = false;
    client.hear = (packet) => this.compare(serverFrame(packet));
    client.wire.take = (bytes) => this.take(bytes);
  }

  say(round) {
    const number = numbered(round);
    for (const at of this.places[0]) this.out.latin1Write(number, at, digits);
    for (const at of this.places[1]) this.due.latin1Write(number, at, digits);
    this.got = 0;
    this.waits = true;
    this.client.say(this.out);
  }

  isNext(bytes) {
    const end = this.got + bytes.length;
    return end <= this.due.length && this.due.compare(bytes, 0, bytes.length, this.got, end) === 0;
  }

  take(bytes) {
    if (!this.client.tail && this.isNext(bytes)) {
      this.got += bytes.length;
    } else {
      const begun = this.got % this.frame;
      this.got -= begun;
      this.client.takeBytes(begun ? Buffer.concat([this.due.subarray(this.got, this.got + begun), bytes]) : bytes);
    }
    if (this.waits && this.got === this.due.length) {
      this.waits = false;
      this.done();
    }
  }

  compare(frame) {
    if (!this.isNext(frame)) fail(`not the echo that was due: ${frame.subarray(2).latin1Slice()}`);
    this.got += frame.length;
  }
}

// One client that polls, over two connections that are kept.
class PollingLane {
  constructor(port) {
    this.port = port;
    this.target = '/socket.io/?EIO=4&transport=polling';
    this.get = this.open((body) => this.hearPoll(body));
    this.post = this.open((body) => this.hearPosted(body));
    this.pong = false;
    this.posted = true;
    this.due = null;  // the packet that is awaited
    this.waits = false;
  }

  open(hear) {
    const wire = new Wire(this.port);
    let tail = null;
    wire.take = (bytes) => {
      const answer = takeAnswer(tail ? Buffer.concat([tail, bytes]) : bytes);
      if (!answer) {
        tail = tail ? Buffer.concat([tail, bytes]) : Buffer.from(bytes);
        return;
      }
      if (answer.status !== 200 || answer.left.length) fail(`an answer: ${answer.status} ${answer.body} ${answer.left}`);
      tail = null;
      hear(answer.body);
    };
    return wire;
  }

  join() {
    this.poll();
    return new Promise((resolve) => { this.joined = resolve; });
  }

  poll() {
    this.get.write(this.request ?? getRequest(this.port, this.target));
  }

  send(packets) {
    this.posted = false;
    this.post.write(postRequest(this.port, this.target, this.pong ? `3\x1e${packets}` : packets));
    this.pong = false;
  }

  say(round) {
    const text = payload(numbered(round), 0);
    this.due = `42["message-back",${text}]`;
    this.waits = true;
    this.send(`42["message",${text}]`);
  }

  hearPosted(body) {
    if (body !== 'ok') fail(`a POST was answered ${body}`);
    this.posted = true;
    this.finish();
  }

  finish() {
    if (!this.waits || this.due || !this.posted) return;
    this.waits = false;
    this.done();
  }

  hearPoll(body) {
    const packets = body.split('\x1e');
    for (const packet of packets) this.hear(packet);
    this.poll();
    if (this.joined && packets.some((packet) => packet.startsWith('42["auth"'))) {
      this.joined(this);
      this.joined = null;
    }
    this.finish();
  }

  hear(packet) {
    if (packet === '2') {
      this.pong = true;
    } else if (packet.startsWith('0{')) {
      this.target += `&sid=${JSON.parse(packet.slice(1)).sid}`;
      this.request = getRequest(this.port, this.target);
      this.send('40');
    } else if (packet === this.due) {
      this.due = null;
    } else if (!this.joined) {
      fail(`not the echo that was due: ${packet}`);
    }
  }
}

// Lets all lanes echo for so long; answers the milliseconds of each round of a lane.
function runLanes(lanes, ms) {
  return new Promise((resolve) => {
    const times = [];
    const until = performance.now() + ms;
    let running = lanes.length;
    let seen = 0;
    const watch = setInterval(() => {
      if (times.length === seen) fail('no echo for 10 s');
      seen = times.length;
    }, silenceMs);
    for (const lane of lanes) {
      let sent = performance.now();
      lane.done = () => {
        const now = performance.now();
        times.push(now - sent);
        if (now < until) {
          sent = now;
          lane.say(++runLanes.rounds);
        } else if (--running === 0) {
          clearInterval(watch);
          resolve(times);
        }
      };
      lane.say(++runLanes.rounds);
    }
  });
}
runLanes.rounds = 0;

// By the server's CPU time, so that it is as warm on a machine with other things to do.
async function warmUp(pid, lanes, ms) {
  const began = serverCpu(pid);
  for (let turns = 0; serverCpu(pid) - began < ms * 1000 && turns < warmupTurns; ++turns) await runLanes(lanes, 250);
}

async function measure({ pid, ms, warmup }, lanes, burst) {
  await warmUp(pid, lanes, warmup);
  const { cpu_us, seconds, server_share, load_share, result: times } = await measureCpu(pid, () => runLanes(lanes, ms));
  const echoes = times.length * burst;
  return {
    echoes, per_cpu_s: echoes / cpu_us * 1e6, cpu_us: cpu_us / echoes, per_s: echoes / seconds, server_share, load_share,
    p50_us: percentile(times, 0.5) * 1000, p99_us: percentile(times, 0.99) * 1000,
  };
}

export async function measureEcho(options) {
  const clients = await joinAll(options.port, options.clients, options.script);
  return measure(options, clients.map((client) => new SocketLane(client, options.burst)), options.burst);
}

export async function measurePolling(options) {
  const lanes = Array.from({ length: options.clients }, () => new PollingLane(options.port));
  await Promise.all(lanes.map((lane) => lane.join()));
  while (!lanes.every((lane) => lane.posted)) await new Promise(setImmediate);
  return measure(options, lanes, 1);
}
