// Followers in a process of their own; see tests/e2e/followers.mjs.

import { setTimeout as sleep } from 'node:timers/promises';
import { Crowd } from '../../tests/e2e/followers.mjs';
import { serve } from './children.mjs';

let crowd;

serve({
  async join({ port, sessions, each, ...options }) {
    crowd = new Crowd(port, options);
    await crowd.join(sessions, each);
    for (let tries = 0; !crowd.all && tries < 6000; ++tries) await sleep(10);
    return crowd.present;
  },
  cut() { crowd.cut(); },
  look: () => ({
    present: crowd.present, last_in_ms: crowd.last_in_ms, heard: crowd.heard, refusals: crowd.count('refusals'),
    resumed: crowd.followers.map(({ resumes }) => resumes).reduce((least, count) => Math.min(least, count), Infinity),
  }),
  compare: (logs) => crowd.compare(logs),
  goodbyes: () => crowd.followers.map(({ goodbye }) => goodbye),
});
