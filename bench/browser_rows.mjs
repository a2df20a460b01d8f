// The table of bench/browsers.mjs: which figure of which case each row shows, and its goal.

export const caseOrder = ['open', 'open_at_once', 'id', 'evaluate', 'click', 'snapshots', 'twenty', 'memory', 'cycles', 'recording'];

// /proc counts in KiB.
const mb = (value) => (value === undefined || value === null ? null : value * 1.024 / 1000);
const kb = (value) => (value === undefined || value === null ? null : value * 1.024);
const growth = (name) => (c) => (c ? c.after[name] - c.before[name] : null);

// `of` gives a number, an array of them or null from one case's figures; `most` is by kind or one number.
const metrics = [
  { name: 'open a new session with a small page, after a pause', unit: 'ms', case: 'open', of: (c) => c, most: { shell: 30, full: 50 } },
  { name: 'the same, one right after the other', unit: 'ms', case: 'open_at_once', of: (c) => c },
  { name: 'a new session: its id', unit: 'ms', case: 'id', of: (c) => c, most: 5 },
  { name: 'evaluate 1+1', unit: 'ms', case: 'evaluate', of: (c) => c, most: 0.5 },
  { name: 'click by reference', unit: 'ms', case: 'click', of: (c) => c, most: 8 },
  { name: 'snapshot of a form', unit: 'ms', case: 'snapshots', of: (c) => c?.form_ms, most: 5 },
  { name: 'the same: characters', unit: '', case: 'snapshots', of: (c) => c?.form_characters },
  { name: 'snapshot of 2,000 elements', unit: 'ms', case: 'snapshots', of: (c) => c?.big_ms, most: 80 },
  { name: 'the same: characters', unit: '', case: 'snapshots', of: (c) => c?.big_characters, most: 42_000 },
  { name: '20 sessions at once: wall time', unit: 's', case: 'twenty', of: (c) => (c ? c.wall_ms / 1000 : null), ratioTo: 'playwright', ratioMax: 0.85 },
  { name: 'the same: CPU of what drives', unit: 'ms', case: 'twenty', of: (c) => c?.controller_cpu_ms, most: 60 },
  { name: 'the same: errors', unit: '', case: 'twenty', of: (c) => c?.errors, most: 0 },
  { name: 'memory of what drives, before its first session', unit: 'MB', case: 'memory', of: (c) => mb(c?.empty_rss_kb), most: 20 },
  { name: 'the same for each blank session', unit: 'KB', case: 'memory', of: (c) => kb(c?.driver_each_pss_kb), most: 50 },
  { name: 'Chromium for each blank session', unit: 'MB', case: 'memory', of: (c) => mb(c?.browser_each_kb), most: { shell: 14, full: 25 } },
  { name: 'cycles: each', unit: 'ms', case: 'cycles', of: (c) => c?.each_ms },
  { name: 'cycles: memory of the server, growth', unit: 'KB', case: 'cycles', of: (c) => kb(growth('rss_kb')(c)), most: 2000 },
  { name: 'cycles: memory of Chromium, growth', unit: 'MB', case: 'cycles', of: (c) => mb(growth('browser_pss_kb')(c)) },
  { name: 'cycles: processes, growth', unit: '', case: 'cycles', of: growth('processes'), most: 1 },
  { name: 'cycles: open files, growth', unit: '', case: 'cycles', of: growth('files'), most: 2 },
  { name: 'cycles: temporary folders, growth', unit: '', case: 'cycles', of: growth('folders'), most: 0 },
  { name: 'recording an animated page, cores added', unit: '', case: 'recording', of: (c) => (c ? c.animation_recorded - c.animation_plain : null) },
  { name: 'recording a still page, cores added', unit: '', case: 'recording', of: (c) => (c ? c.still_recorded - c.still_plain : null), most: 0.02 },
];

// A failed case has no figures; an array counts as its median, its best is the smallest of all rounds.
function figureOf(metric, rounds, median) {
  const values = rounds.map((one) => one[metric.case]).filter((c) => c && !c.failed).map(metric.of)
    .filter((value) => value !== null && value !== undefined && !Number.isNaN(value));
  if (!values.length) return null;
  const medians = values.map((value) => (Array.isArray(value) ? median(value) : value));
  return { median: median(medians), best: Math.min(...values.flat()) };
}

/** One row for each metric that was measured: {name, unit, figures, ratio, goal, ...}. */
export function rowsOf(figures, kind, median) {
  return metrics.map((metric) => {
    const own = Object.fromEntries(Object.entries(figures).map(([name, rounds]) => [name, figureOf(metric, rounds, median)]));
    const peers = Object.entries(own).filter(([name, figure]) => name !== 'sojourn' && figure).map(([, figure]) => figure.median);
    const ratio = own.sojourn && peers.length ? own.sojourn.median / Math.min(...peers) : null;
    const most = typeof metric.most === 'object' ? metric.most[kind] : metric.most;
    const toPeer = metric.ratioTo && own[metric.ratioTo] && own.sojourn ? own.sojourn.median / own[metric.ratioTo].median : null;
    return { name: metric.name, unit: metric.unit, figures: own, ratio: Number.isFinite(ratio) ? ratio : null, most, ratioTo: metric.ratioTo, ratioMax: metric.ratioMax, toPeer };
  }).filter((row) => Object.values(row.figures).some(Boolean));
}

/** The goal of a row in words, and whether it is met. */
export function judge({ figures, unit, most, ratioTo, ratioMax, toPeer }) {
  if (!figures.sojourn) return '';
  if (ratioMax !== undefined && toPeer !== null) return `${toPeer.toFixed(2)} of ${ratioTo} <= ${ratioMax}: ${toPeer <= ratioMax ? 'met' : 'MISSED'}`;
  if (most === undefined) return '';
  return `<= ${most} ${unit}`.trim() + `: ${figures.sojourn.median <= most ? 'met' : 'MISSED'}`;
}
