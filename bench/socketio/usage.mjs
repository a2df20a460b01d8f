// What the kernel says that a server used: CPU time with what it moved to the softirq thread of CPU 0, where servers are
// pinned, and resident memory. Read CPU time while the server sleeps: only then is it up to date.

import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

function firstNumber(path) {
  try {
    return Number.parseInt(readFileSync(path, 'latin1'), 10);
  } catch {
    return 0;  // a thread that has ended
  }
}

function findSoftirq() {
  const isIt = (pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'latin1') === 'ksoftirqd/0\n';
    } catch {
      return false;
    }
  };
  return readdirSync('/proc').find((name) => /^\d+$/.test(name) && isIt(name));
}

const softirq = findSoftirq();

// Microseconds.
export function serverCpu(pid) {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => firstNumber(`/proc/${pid}/task/${thread}/schedstat`));
  return (threads.reduce((sum, ns) => sum + ns, 0) + (softirq ? firstNumber(`/proc/${softirq}/schedstat`) : 0)) / 1000;
}

export function residentBytes(pid) {
  const kibibytes = readFileSync(`/proc/${pid}/status`, 'latin1').match(/^VmRSS:\s+(\d+)/m)?.[1];
  return Number(kibibytes ?? 0) * 1024;
}

export function countFiles(pid) {
  return readdirSync(`/proc/${pid}/fd`).length;
}

// What the server and this process used while `work` ran: { cpu_us, seconds, server_share, load_share, result }.
export async function measureCpu(pid, work) {
  await sleep(150);
  const before = serverCpu(pid);
  const loadBefore = process.cpuUsage();
  const began = performance.now();
  const result = await work();
  const seconds = (performance.now() - began) / 1000;
  const load = process.cpuUsage(loadBefore);
  await sleep(150);
  const cpu_us = serverCpu(pid) - before;
  return { cpu_us, seconds, server_share: cpu_us / seconds / 1e6, load_share: (load.user + load.system) / seconds / 1e6, result };
}

// `share` of 0 is the least, of 1 the greatest; sorts.
export function percentile(values, share) {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
}
