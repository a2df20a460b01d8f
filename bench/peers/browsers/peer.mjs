// Where peers are: installed by bench/browsers.mjs in a throw-away place, never in this repository's own packages.

import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const peersFolder = process.env.SOJOURN_BENCH_PEERS;
export const load = (name) => createRequire(join(peersFolder, 'package.json'))(name);

const places = {
  shell: ['/usr/bin/chromium-headless-shell', '/usr/bin/chrome-headless-shell'],
  full: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
};
export const executableOf = (kind) => process.env[`CHROMIUM_${kind.toUpperCase()}`] ?? places[kind].find((place) => existsSync(place));
