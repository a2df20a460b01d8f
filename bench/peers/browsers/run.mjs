// Runs cases on one subject and prints their figures as one line of JSON. bench/browsers.mjs starts it:
//   node run.mjs SUBJECT shell|full '{"cases":["open"],"plan":{...},"folder":"..."}'

import { cases } from './cases.mjs';
import { servePages } from './pages.mjs';
import { pssKb, rssKb } from './trees.mjs';

const [, , name, kind, order] = process.argv;
const { cases: wanted, plan, folder } = JSON.parse(order);
const figures = {};
const pages = await servePages();
const { begin } = await import(`./${name}.mjs`);
const subject = await begin({ kind, folder });
// Whoever started it is gone: so goes what was started here.
process.stdin.resume().once('end', () => { subject.end().finally(() => process.exit(1)); });
try {
  const fresh = subject.pid ? { rss_kb: rssKb(subject.pid), pss_kb: pssKb([subject.pid]) } : {};
  for (let i = 0; i < 2; ++i) await subject.close(await subject.open(`${pages.url}/about`));  // the browser is up
  for (const one of wanted) {
    try {
      figures[one] = await cases[one]({ subject, url: pages.url, plan, fresh });
    } catch (error) {
      figures[one] = { failed: error.message };
      console.error(`${name} ${kind} ${one}: ${error.message}`);
    }
  }
} finally {
  await subject.end();
  pages.end();
}
console.log(JSON.stringify(figures));
process.exit(0);
