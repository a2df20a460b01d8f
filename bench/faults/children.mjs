// Programs of this folder that run beside the script and are told what to do: one process has one core, and so many files.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

// `ask` gives what the program's function of that name returns, or throws what it threw.
export function startChild(program) {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' });
  const waiting = new Map();
  let number = 0;
  running.add(child);
  child.on('message', ({ id, value, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(error)); else resolve(value);
  });
  child.on('exit', (code, signal) => {
    running.delete(child);
    for (const { reject } of waiting.values()) reject(new Error(`${program} ended with ${signal ?? code}`));
  });
  return {
    ask: (name, ...args) => new Promise((resolve, reject) => {
      waiting.set(number += 1, { resolve, reject });
      child.send({ id: number, name, args });
    }),
    async end() {
      if (!running.has(child)) return;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

export async function withChildren(program, count, use) {
  const children = Array.from({ length: count }, () => startChild(program));
  try {
    return await use(children);
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
}

// The other side: what a program does when it is asked.
export function serve(functions) {
  process.on('message', async ({ id, name, args }) => {
    try {
      process.send({ id, value: await functions[name](...args) });
    } catch (error) {
      process.send({ id, error: error.stack });
    }
  });
  process.on('disconnect', () => process.exit(0));
}
