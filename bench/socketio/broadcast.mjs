// A broadcast at a steady rate to clients that read, without and then with many that never do: when each message is
// there, and how far the server's memory grows.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { joinAll } from './client.mjs';
import { countFiles, measureCpu, percentile, residentBytes } from './usage.mjs';
import { fail, textFrame } from './wire.mjs';

const head = '{"number":"';
const digits = 8;

function messageFrame(number, size) {
  const start = `${head}${String(number).padStart(digits, '0')}","text":"`;
  return textFrame(`42["m",${start}${'a'.repeat(size - start.length - 2)}"}]`);
}

class Broadcast {
  constructor(clients, { size, rate }) {
    Object.assign(this, { clients, size, rate, sentAt: [], from: 0, times: null, lateMs: 0 });
    const mark = `42["m",${head}`;
    for (const client of clients) {
      let next = 0;
      client.hear = (packet) => {
        if (!packet.startsWith(mark)) {
          if (packet.startsWith('42["error"') || packet.startsWith('41')) fail(`not a message: ${packet}`);
          return;  // who came and went
        }
        const number = Number(packet.slice(mark.length, mark.length + digits));
        if (number !== next) fail(`message ${number} came where ${next} was due`);
        ++next;
        if (this.times && number >= this.from) this.times.push(performance.now() - this.sentAt[number]);
      };
    }
  }

  // Latencies count from the next message on.
  begin() {
    this.from = this.sentAt.length;
    this.times = [];
    this.lateMs = 0;
  }

  // Answers what was measured since begin(), once all is there or nothing more comes; in milliseconds.
  async end() {
    const expected = (this.sentAt.length - this.from) * this.clients.length;
    for (let waits = 0; this.times.length < expected && waits < 20; ++waits) {
      const seen = this.times.length;
      await sleep(500);
      if (this.times.length > seen) waits = 0;
    }
    const { times } = this;
    this.times = null;
    return { times, missing: expected - times.length };
  }

  // The first client says so many each second, whether or not the last ones have come.
  async run(ms) {
    const began = performance.now();
    const step = 1000 / this.rate;
    for (let due = began; due < began + ms; due += step) {
      const wait = due - performance.now();
      if (wait > 0) await sleep(wait);
      const now = performance.now();
      this.lateMs = Math.max(this.lateMs, now - due);
      const frame = messageFrame(this.sentAt.length, this.size);
      this.sentAt.push(now);
      this.clients[0].say(frame);
    }
  }
}

// The first part fills the kernel's buffers of those that do not read; its latencies are not counted.
async function measurePart(broadcast, { pid, fill, ms }) {
  const rss_before = residentBytes(pid);
  let rss_most = rss_before;
  const look = () => { rss_most = Math.max(rss_most, residentBytes(pid)); };
  const watch = setInterval(look, 100);
  await broadcast.run(fill);
  broadcast.begin();
  const cpu = await measureCpu(pid, () => broadcast.run(ms));
  const { times, missing } = await broadcast.end();
  look();
  clearInterval(watch);
  return {
    p50_us: percentile(times, 0.5) * 1000, p99_us: percentile(times, 0.99) * 1000, rss_before, rss_most, missing,
    late_us: broadcast.lateMs * 1000, server_share: cpu.server_share, load_share: cpu.load_share,
  };
}

// Answers what ends them again.
async function joinStalled({ port, stalled, script }) {
  const words = [fileURLToPath(new URL('stalled.py', import.meta.url)), port, stalled, JSON.stringify(script)];
  const child = spawn('python3', words.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
  const early = () => fail('those that do not read have ended');
  child.once('close', early);
  await once(child.stdout, 'data');
  return async () => {
    child.off('close', early);
    child.stdin.end();
    await once(child, 'close');
  };
}

export async function measureBroadcast(options) {
  const broadcast = new Broadcast(await joinAll(options.port, options.clients, options.script), options);
  await broadcast.run(options.warmup);
  const without = await measurePart(broadcast, { ...options, fill: 500 });
  const end = await joinStalled(options);
  await sleep(500);
  const files = countFiles(options.pid);
  const beside = await measurePart(broadcast, options);
  const ended = files - countFiles(options.pid);
  await end();
  return { without, beside, ended };
}
