// What processes cost, from /proc: a process with all that descends from it.

import { readFileSync, readdirSync } from 'node:fs';

const tick_ms = 10;  // of the kernel's clock for user space, on every Linux of today

function readStat(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), cpu_ms: (Number(fields[11]) + Number(fields[12])) * tick_ms };
}

function tryTo(read, otherwise) {
  try {
    return read();
  } catch {
    return otherwise;  // it ended meanwhile
  }
}

/** The ids of what descends from a process, without itself. */
export function descendants(pid) {
  const children = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = tryTo(() => readStat(name).parent, 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [];
  for (let todo = [pid]; todo.length;) {
    todo = todo.flatMap((one) => children.get(one) ?? []);
    found.push(...todo);
  }
  return found;
}

export const isBrowser = (pid) => /chrom/.test(tryTo(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1'), '').split('\0')[0]);

export const cpuMs = (pids) => pids.reduce((sum, pid) => sum + tryTo(() => readStat(pid).cpu_ms, 0), 0);

function readKb(file, name) {
  const text = tryTo(() => readFileSync(file, 'utf8'), '');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
}

export const rssKb = (pid) => readKb(`/proc/${pid}/status`, 'VmRSS');

/** Memory in proportion to how many share it: what a process really costs, and what may be summed. */
export const pssKb = (pids) => pids.reduce((sum, pid) => sum + readKb(`/proc/${pid}/smaps_rollup`, 'Pss'), 0);

export const openFiles = (pid) => tryTo(() => readdirSync(`/proc/${pid}/fd`).length, 0);
