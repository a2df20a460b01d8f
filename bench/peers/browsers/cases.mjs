// The work that is measured, the same for every subject. A subject has
//   open(url) -> session      a new isolated session with this page loaded, no screenshot
//   goto, evaluate, snapshot (text), find(session, text) -> what click() takes, click, screenshot, close
//   pid                       of what does the driving (null: many processes), end()
// Times are milliseconds of wall time, one array for each figure, or single numbers.

import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { cpuMs, descendants, isBrowser, openFiles, pssKb, rssKb } from './trees.mjs';
import { sleep } from './wait.mjs';

async function time(work) {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

async function times(count, work) {
  const all = [];
  for (let i = 0; i < count; ++i) all.push(await time(work));
  return all;
}

async function withSession(subject, url, work) {
  const session = await subject.open(url);
  try {
    return await work(session);
  } finally {
    await subject.close(session);
  }
}

// A pause between two lets a pool fill again, and lets what closes be gone.
async function openSessions({ subject, url, plan, pause_ms = 250 }) {
  const all = [];
  for (let i = 0; i < plan.opens; ++i) {
    await sleep(pause_ms);
    let session;
    all.push(await time(async () => { session = await subject.open(`${url}/about`); }));
    await subject.close(session);
  }
  return all;
}

async function nameSessions({ subject, plan }) {
  if (!subject.name) return null;
  const all = [];
  for (let i = 0; i < plan.opens; ++i) {
    await sleep(250);
    let id;
    all.push(await time(async () => { id = await subject.name(); }));
    await subject.close(id);
  }
  return all;
}

function evaluate({ subject, url, plan }) {
  return withSession(subject, `${url}/about`, async (session) => {
    for (let i = 0; i < 10; ++i) await subject.evaluate(session, '1+1');
    if (Number(await subject.evaluate(session, '1+1')) !== 2) throw new Error('1+1 is not 2');
    return times(plan.evaluations, () => subject.evaluate(session, '1+1'));
  });
}

function click({ subject, url, plan }) {
  return withSession(subject, `${url}/form`, async (session) => {
    const target = await subject.find(session, 'Order now');
    await subject.click(session, target);
    const all = await times(plan.clicks, async () => { await subject.click(session, target); await sleep(0); });
    const clicks = Number(await subject.evaluate(session, 'window.clicks'));
    if (clicks !== plan.clicks + 1) throw new Error(`${plan.clicks + 1} clicks, ${clicks} arrived`);
    return all;
  });
}

async function snapshots({ subject, url, plan }) {
  const figures = {};
  for (const [page, count] of [['form', plan.snapshots], ['big', Math.ceil(plan.snapshots / 4)]]) {
    await withSession(subject, `${url}/${page}`, async (session) => {
      figures[`${page}_characters`] = (await subject.snapshot(session)).length;
      figures[`${page}_ms`] = await times(count, () => subject.snapshot(session));
    });
  }
  return figures;
}

// Twenty people at once, each with all of it.
async function twenty({ subject, url }) {
  const one = async () => {
    const session = await subject.open(`${url}/form`);
    await subject.click(session, await subject.find(session, 'Order now'));
    await subject.screenshot(session);
    await subject.close(session);
  };
  const cpu = () => (subject.pid === process.pid ? process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000 : cpuMs([subject.pid]));
  const cpuBefore = subject.pid ? cpu() : 0;
  let errors = 0;
  let complaint = '';
  const all = Array.from({ length: 20 }, () => one().catch((error) => { ++errors; complaint = error.message; }));
  const wall_ms = await time(() => Promise.all(all));
  return { wall_ms, errors, complaint, controller_cpu_ms: subject.pid ? cpu() - cpuBefore : null };
}

// Blank sessions that do nothing: what each costs in the browser and in what drives it.
async function memory({ subject, plan, fresh }) {
  if (!subject.pid) return null;
  const browserKb = () => pssKb(descendants(subject.pid).filter(isBrowser));
  const settle = () => sleep(1500);
  const sessions = [];
  const add = async (count) => {
    for (let i = 0; i < count; ++i) sessions.push(await subject.open('about:blank'));
    await settle();
    return { browser_kb: browserKb(), driver_pss_kb: pssKb([subject.pid]), driver_rss_kb: rssKb(subject.pid) };
  };
  const first = await add(8);  // what only the first ones cost is not counted
  const last = await add(plan.blanks);
  for (const session of sessions) await subject.close(session);
  const each = (name) => (last[name] - first[name]) / plan.blanks;
  return {
    empty_rss_kb: fresh.rss_kb, empty_pss_kb: fresh.pss_kb, driver_rss_kb: last.driver_rss_kb,
    browser_each_kb: each('browser_kb'), driver_each_pss_kb: each('driver_pss_kb'), driver_each_rss_kb: each('driver_rss_kb'),
  };
}

function countLeavings(pid) {
  const tree = descendants(pid);
  return {
    rss_kb: rssKb(pid), browser_pss_kb: pssKb(tree.filter(isBrowser)), processes: tree.length, files: openFiles(pid),
    folders: [tmpdir(), '/dev/shm'].filter((place) => existsSync(place)).flatMap((place) => readdirSync(place)).filter((name) => /chrom|sojourn-browser|playwright|puppeteer/i.test(name)).length,
  };
}

// Opening and closing again and again: what is left of it.
async function cycles({ subject, url, plan }) {
  if (!subject.pid) return null;
  const go = async (count) => { for (let i = 0; i < count; ++i) await withSession(subject, `${url}/about`, async () => {}); };
  await go(plan.warmups);
  await sleep(2000);
  const before = countLeavings(subject.pid);
  const wall_ms = await time(() => go(plan.cycles));
  await sleep(2000);
  return { before, after: countLeavings(subject.pid), count: plan.cycles, each_ms: wall_ms / plan.cycles };
}

// Cores in use by all that belongs to a session with this page, recorded or not.
async function recording({ subject, url, plan }) {
  if (!subject.name) return null;
  const cores = async (page, more) => {
    const session = await subject.open(`${url}/${page}`, more);
    await sleep(1500);
    const all = [subject.pid, ...descendants(subject.pid)];
    const before = cpuMs(all);
    const wall_ms = await time(() => sleep(plan.recording_ms));
    const used = cpuMs(all) - before;
    const closed = await subject.close(session);
    if (more.record_video && !closed.video) throw new Error('there is no video');
    return used / wall_ms;
  };
  const figures = {};
  for (const page of ['animation', 'still']) {
    figures[`${page}_plain`] = await cores(page, {});
    figures[`${page}_recorded`] = await cores(page, { record_video: true });
  }
  return figures;
}

export const cases = { open: openSessions, id: nameSessions, evaluate, click, snapshots, twenty, memory, cycles, recording };
cases.open_at_once = (world) => openSessions({ ...world, pause_ms: 0 });
