// agent-browser by its native program: one daemon and one browser for each session.

import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { arch } from 'node:os';
import { promisify } from 'node:util';
import { executableOf, peersFolder } from './peer.mjs';

const run = promisify(execFile);

export async function begin({ kind, folder }) {
  const program = join(peersFolder, `node_modules/agent-browser/bin/agent-browser-linux-${arch()}`);
  chmodSync(program, 0o755);
  const env = { ...process.env, HOME: folder, AGENT_BROWSER_EXECUTABLE_PATH: executableOf(kind), AGENT_BROWSER_ARGS: '--no-sandbox' };
  let last = 0;
  const call = async (session, ...words) => (await run(program, ['--session', session, ...words], { env, maxBuffer: 64 << 20, timeout: 60_000 })).stdout;
  return {
    pid: null,  // a daemon for each session, none of them ours
    async open(url) {
      const session = `bench${process.pid}-${++last}`;
      await call(session, 'open', url);
      return session;
    },
    goto: (session, url) => call(session, 'open', url),
    evaluate: async (session, code) => Number(await call(session, 'eval', code)),
    snapshot: (session) => call(session, 'snapshot', '-i'),
    find: async (session, text) => {
      const line = (await call(session, 'snapshot', '-i')).split('\n').find((one) => one.includes(`"${text}"`));
      return `@${/ref=(e\d+)/.exec(line)[1]}`;
    },
    click: (session, ref) => call(session, 'click', ref),
    screenshot: (session) => call(session, 'screenshot', join(folder, `${session}.png`)),
    close: (session) => call(session, 'close'),
    end: async () => { await run(program, ['close', '--all'], { env, timeout: 30_000 }).catch(() => {}); },
  };
}
