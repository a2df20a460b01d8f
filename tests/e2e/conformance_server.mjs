// Starts sojourn-conformance, the server that protocol suites are run against, on a port of its own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { binary } from './harness.mjs';

const program = process.env.SOJOURN_CONFORMANCE_BINARY || path.join(path.dirname(binary), 'sojourn-conformance');
const children = new Set();
process.on('exit', () => { for (const child of children) child.kill('SIGKILL'); });

/** {url, port, peakKb(), stop()}; stop() asks it to end and fails when it does not end well. */
export async function startConformance(...flags) {
  const child = spawn(program, ['--listen', '127.0.0.1:0', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let [out, err] = ['', ''];
  child.stderr.setEncoding('utf8').on('data', (text) => { err += text; });
  const ended = once(child, 'exit').finally(() => children.delete(child));
  const url = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`${program} ended with ${code}: ${err}`)));
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
      const found = /^Listening on (http:\S+)$/m.exec(out);
      if (found) resolve(found[1]);
    });
  });
  return {
    url,
    port: Number(new URL(url).port),
    /** The most memory that it ever had. */
    peakKb: () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]),
    async stop() {
      child.kill('SIGTERM');
      const [code, signal] = await ended;
      assert.deepEqual({ code, signal }, { code: 0, signal: null }, err);
      assert.doesNotMatch(err, /Sanitizer|runtime error:|"peer\.bug"|terminate called/, err);
    },
  };
}
