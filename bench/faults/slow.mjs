// F10: members that read nothing, among those that do. The load and its clock are bench_fanout's.

import { slow as slowCase } from '../cases.mjs';

export async function slow({ members, stalled, bursts }, tell) {
  tell(`bursts of 16 to ${members} members, without and with ${stalled} that read nothing`);
  const figures = await slowCase(members, stalled, bursts, { size: 1024 }, ['--log-level', 'error']).measure('stream');
  const ratio = figures.with.p99_us / figures.without.p99_us;
  const grown_mib = (figures.with.rss_most - figures.with.rss_before) / 2 ** 20;
  const fault = `${stalled} of ${members + stalled} members read nothing`;
  return [
    { fault, figure: 'p99 of the others, times that without them', value: `${ratio.toFixed(2)} (${Math.round(figures.with.p99_us)} us)`, goal: '1.2', met: ratio <= 1.2 },
    { fault: '', figure: 'of them cut off with 1008; growth of resident memory', value: `${figures.with.ended}; ${grown_mib.toFixed(1)} MiB`, goal: `${stalled}; 150 MiB`, met: figures.with.ended === stalled && grown_mib <= 150 },
  ];
}
