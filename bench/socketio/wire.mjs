// A client's end of connections to a server on this machine: bytes out, bytes in, frames and answers made and taken
// apart by hand, so that one CPU of load can occupy one CPU of server. A surprise ends the program: a figure
// never stands for work that was not done.

import { connect } from 'node:net';

export function fail(what) {
  console.error(what);
  process.exit(1);
}

// All connections read into it: what they are given lives until they return.
const inbox = Buffer.allocUnsafe(256 * 1024);

// One connection. `take` gets the bytes that came; who uses it sets it.
export class Wire {
  constructor(port) {
    this.take = null;
    const onread = { buffer: inbox, callback: (size, bytes) => { this.take(bytes.subarray(0, size)); return true; } };
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
    this.socket.once('error', (error) => fail(`a connection failed: ${error.message}`));
    this.socket.once('close', () => fail('the server ended a connection'));
  }

  write(bytes) {
    this.socket.write(bytes);
  }
}

// A text frame of a client, masked with the key 0.
export function textFrame(text) {
  const payload = Buffer.from(text);
  const { length } = payload;
  if (length > 0xffff) throw new Error('a text longer than this program sends');
  const head = length < 126 ? [0x81, 0x80 | length] : [0x81, 0xfe, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}

// The same text as a server sends it.
export function serverFrame(text) {
  const payload = Buffer.from(text);
  if (payload.length > 125) throw new Error('a text longer than this program awaits');
  return Buffer.concat([Buffer.from([0x81, payload.length]), payload]);
}

// Gives each whole frame's payload to `each` and returns the bytes that are left.
export function takeFrames(bytes, each) {
  let at = 0;
  while (bytes.length - at >= 2) {
    if (bytes[at] !== 0x81) fail(`not a whole plain text frame: ${bytes.subarray(at, at + 20).toString('hex')}`);
    let size = bytes[at + 1];
    let head = 2;
    if (size >= 126) {
      head = size === 126 ? 4 : 10;
      if (bytes.length - at < head) break;
      size = size === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    }
    if (bytes.length - at - head < size) break;
    each(bytes.latin1Slice(at + head, at + head + size));
    at += head + size;
  }
  return bytes.subarray(at);
}

// The first whole answer: { status, body, left }; null when there is none yet.
export function takeAnswer(bytes) {
  const text = bytes.latin1Slice();
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const status = Number(text.slice(9, 12));
  const found = /content-length: *(\d+)/i.exec(text);
  if (status !== 101 && (!found || found.index > end)) fail(`an answer without its length: ${text.slice(0, end)}`);
  const size = status === 101 ? 0 : Number(found[1]);
  if (text.length < end + 4 + size) return null;
  return { status, body: text.slice(end + 4, end + 4 + size), left: bytes.subarray(end + 4 + size) };
}

const agent = 'Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

export function getRequest(port, target) {
  return `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: */*\r\nUser-Agent: ${agent}\r\n\r\n`;
}

export function postRequest(port, target, body) {
  return `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: */*\r\nUser-Agent: ${agent}\r\n`
    + `Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

export function upgradeRequest(port, target) {
  return `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
    + `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nUser-Agent: ${agent}\r\n\r\n`;
}
