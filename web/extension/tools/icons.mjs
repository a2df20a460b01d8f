// Draws the icons of the extension: a ring with an opening where a guest arrives, on a rounded ground.
// Run `npm run icons` after a change; the pictures are kept in public/icons.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { deflateSync } from 'node:zlib';

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'public', 'icons');
const samples = 6;

const mix = (a, b, t) => a.map((value, index) => value + (b[index] - value) * t);

// Distance to a square with round corners around the middle; negative inside.
function roundedSquare(x, y, half, radius) {
  const dx = Math.max(Math.abs(x) - half + radius, 0);
  const dy = Math.max(Math.abs(y) - half + radius, 0);
  return Math.hypot(dx, dy) - radius;
}

// The colour and the opacity at a point of the unit square; bold is for small sizes.
function paint(u, v, bold) {
  const x = u - 0.5;
  const y = v - 0.5;
  if (roundedSquare(x, y, 0.5, 0.23) > 0) return [0, 0, 0, 0];
  const ground = mix([24, 166, 148], [14, 74, 104], Math.min(1, Math.max(0, (u + v) / 2)));
  const stroke = bold ? 0.068 : 0.054;
  const angle = Math.atan2(y, x);
  const opening = -Math.PI / 4;
  const gap = bold ? 0.62 : 0.55;
  const inRing = Math.abs(Math.hypot(x, y) - 0.27) < stroke && Math.abs(angle - opening) > gap;
  const ends = [opening - gap, opening + gap].some((a) => Math.hypot(x - 0.27 * Math.cos(a), y - 0.27 * Math.sin(a)) < stroke);
  const guest = Math.hypot(x - 0.27 * Math.cos(opening), y - 0.27 * Math.sin(opening)) < (bold ? 0.088 : 0.075);
  const host = Math.hypot(x, y) < (bold ? 0.1 : 0.085);
  if (guest) return [255, 209, 102, 255];
  if (inRing || ends || host) return [255, 255, 255, 255];
  return [...ground, 255];
}

function draw(size) {
  const rows = Buffer.alloc(size * (size * 4 + 1));
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      const sum = [0, 0, 0, 0];
      for (let sample = 0; sample < samples * samples; sample += 1) {
        const u = (column + (sample % samples + 0.5) / samples) / size;
        const v = (row + (Math.floor(sample / samples) + 0.5) / samples) / size;
        const [red, green, blue, alpha] = paint(u, v, size <= 32);
        sum[0] += red * alpha;
        sum[1] += green * alpha;
        sum[2] += blue * alpha;
        sum[3] += alpha;
      }
      const at = row * (size * 4 + 1) + 1 + column * 4;
      for (let channel = 0; channel < 3; channel += 1) rows[at + channel] = sum[3] === 0 ? 0 : Math.round(sum[channel] / sum[3]);
      rows[at + 3] = Math.round(sum[3] / (samples * samples));
    }
  }
  return rows;
}

const crcTable = Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = crcTable[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc(body), body.length + 4);
  return whole;
}

function png(size) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header), chunk('IDAT', deflateSync(draw(size), { level: 9 })), chunk('IEND', Buffer.alloc(0)),
  ]);
}

mkdirSync(folder, { recursive: true });
for (const size of [16, 32, 48, 128]) writeFileSync(path.join(folder, `${size}.png`), png(size));
