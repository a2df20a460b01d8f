// A Socket.IO client on a WebSocket: it connects to the namespace /, says what it has to, and answers each heartbeat.

import { Wire, fail, takeAnswer, takeFrames, textFrame, upgradeRequest } from './wire.mjs';

const connectFrame = textFrame('40');
const pongFrame = textFrame('3');
const joiningMax = 64;

// `hello` is said once connected; the packet that begins with `welcome` ends the joining.
export class Client {
  constructor(port, { target, hello, welcome }) {
    this.wire = new Wire(port);
    this.hello = hello;
    this.welcome = welcome;
    this.tail = null;
    this.pings = 0;
    this.take = null;   // bytes; if set, whoever sets it gives what it does not know to takeBytes()
    this.hear = null;   // packets that are no heartbeat
    this.wire.write(upgradeRequest(port, target));
  }

  join() {
    return new Promise((resolve) => {
      this.joined = resolve;
      this.wire.take = (bytes) => this.takeHandshake(bytes);
    });
  }

  say(frame) {
    this.wire.write(frame);
  }

  takeHandshake(bytes) {
    const all = this.tail ? Buffer.concat([this.tail, bytes]) : bytes;
    const answer = takeAnswer(all);
    if (!answer) {
      this.tail = Buffer.from(all);
      return;
    }
    if (answer.status !== 101) fail(`a handshake was refused: ${answer.status} ${answer.body}`);
    this.tail = null;
    this.hear = (packet) => this.hearWelcome(packet);
    this.wire.take = (more) => this.takeBytes(more);
    this.takeBytes(answer.left);
  }

  hearWelcome(packet) {
    if (packet.startsWith('0{')) this.say(connectFrame);
    if (packet.startsWith('44')) fail(`not connected: ${packet}`);
    if (packet.startsWith('40') && this.hello) this.say(textFrame(this.hello));
    if (!packet.startsWith(this.welcome)) return;
    this.hear = null;
    this.joined(this);
  }

  takeBytes(bytes) {
    const all = this.tail ? Buffer.concat([this.tail, bytes]) : bytes;
    const left = takeFrames(all, (packet) => {
      if (packet === '2') {
        ++this.pings;
        this.say(pongFrame);
      } else {
        this.hear?.(packet);
      }
    });
    this.tail = left.length ? Buffer.from(left) : null;  // the bytes were only lent
  }
}

// Joins one after the other, so many at a time.
export async function joinAll(port, count, script) {
  const clients = [];
  let begun = 0;
  const lane = async () => {
    while (begun < count) {
      ++begun;
      clients.push(await new Client(port, script).join());
    }
  };
  await Promise.all(Array.from({ length: Math.min(joiningMax, count) }, lane));
  return clients;
}
