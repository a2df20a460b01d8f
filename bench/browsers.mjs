// Measures browser sessions against other tools that drive a browser for an agent (peers/browsers), each in a process of
// its own, round after round in alternating order. All of them use the same Chromium.
//
//   node bench/browsers.mjs                      half an hour; writes bench/results/browsers.json
//   node bench/browsers.mjs --quick              a few minutes, one round; writes nothing
//     --case open,click        only these cases; --kind shell|full only that browser; both are said where needed
//     --peers playwright,...   only these peers; --peers none: Sojourn alone; --rounds N
//     --full                   1,000 open-close cycles instead of 100
//     --markdown               prints the tables as docs/BENCHMARKS.md has them
//
// Peers come from the npm registry at their first use, into build/bench/peers.
// Exit status: 0 all goals met, 1 a goal missed, 2 it could not be measured.

import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { binary, describeMachine, median, printTable, root, round, runMain, withFolder } from './processes.mjs';
import { caseOrder, judge, rowsOf } from './browser_rows.mjs';
import { executableOf } from './peers/browsers/peer.mjs';

const here = join(root, 'bench/peers/browsers');
const peersFolder = join(root, 'build/bench/peers');
const peerNames = ['playwright', 'puppeteer', 'playwright_mcp', 'agent_browser'];

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false }, full: { type: 'boolean', default: false }, markdown: { type: 'boolean', default: false },
    case: { type: 'string' }, kind: { type: 'string' }, peers: { type: 'string' }, rounds: { type: 'string' },
  },
});

const plan = options.quick
  ? { rounds: 1, opens: 6, evaluations: 100, clicks: 20, snapshots: 12, blanks: 10, cycles: 100, warmups: 20, recording_ms: 4000 }
  : { rounds: 3, opens: 12, evaluations: 300, clicks: 40, snapshots: 24, blanks: 40, cycles: 100, warmups: 50, recording_ms: 10_000 };
if (options.rounds) plan.rounds = Number(options.rounds);
if (options.full) plan.cycles = 1000;

function choose(text, all, what) {
  const chosen = text === undefined ? all : text === 'none' ? [] : text.split(',');
  const wrong = chosen.find((one) => !all.includes(one));
  if (wrong) throw new Error(`${wrong} is no ${what}; there are ${all.join(', ')}`);
  return chosen;
}

// Scripts of packages are not run: none of these needs one, and some would download a browser.
function installPeers() {
  mkdirSync(peersFolder, { recursive: true });
  const list = join(peersFolder, 'package.json');
  const wanted = join(here, 'package.json');
  if (existsSync(list) && readFileSync(list, 'utf8') === readFileSync(wanted, 'utf8') && existsSync(join(peersFolder, 'node_modules'))) return;
  copyFileSync(wanted, list);
  const done = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'], { cwd: peersFolder, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.status !== 0) throw new Error('the peers could not be installed; --peers none measures Sojourn alone');
}

// One subject, some cases, a process of its own.
function measure(subject, kind, cases) {
  return withFolder((folder) => new Promise((resolve, reject) => {
    const order = JSON.stringify({ cases, plan, folder: folder.data });
    const env = { ...process.env, NODE_ENV: 'production', SOJOURN_BINARY: binary, SOJOURN_BENCH_PEERS: peersFolder };
    const child = spawn(process.execPath, [join(here, 'run.mjs'), subject, kind, order], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (text) => { said += text; });
    child.once('close', (status) => {
      if (status === 0) resolve(JSON.parse(said));
      else reject(new Error(`${subject} (${kind}) could not be measured`));
    });
  }));
}

// Cycles and recordings say nothing about another subject, so they run once and for Sojourn alone.
function casesOf(subject, wanted, number) {
  const own = ['id', 'cycles', 'recording'];
  const isOnce = (name) => ['cycles', 'recording', 'memory'].includes(name);
  return wanted.filter((name) => (subject === 'sojourn' || !own.includes(name)) && (number === 0 || !isOnce(name)));
}

async function runRounds(subjects, kind, wanted) {
  const figures = Object.fromEntries(subjects.map((name) => [name, []]));
  for (let number = 0; number < plan.rounds; ++number) {
    for (const subject of number % 2 ? [...subjects].reverse() : subjects) {
      const cases = casesOf(subject, wanted, number);
      if (!cases.length) continue;
      console.error(`${kind}, round ${number + 1} of ${plan.rounds}: ${subject}`);
      figures[subject].push(await measure(subject, kind, cases));
    }
  }
  return figures;
}

function tabulate(rows, subjects) {
  const cell = (value) => (value === null || value === undefined ? '-' : round(value));
  return [
    ['medians (best)', ...subjects, 'ratio to the best peer', 'goal'],
    ...rows.map((row) => [
      `${row.name} [${row.unit}]`,
      ...subjects.map((name) => (row.figures[name] ? `${cell(row.figures[name].median)} (${cell(row.figures[name].best)})` : '-')),
      row.ratio ? `${row.ratio.toFixed(2)}` : '-', judge(row),
    ]),
  ];
}

function printMarkdown([head, ...lines]) {
  for (const line of [head, head.map(() => '---'), ...lines]) console.log(`| ${line.join(' | ')} |`);
}

async function main() {
  const wanted = choose(options.case, caseOrder, 'case');
  const kinds = choose(options.kind, ['shell', 'full'], 'kind of browser');
  const peers = choose(options.peers, peerNames, 'peer');
  if (!existsSync(binary)) throw new Error(`${binary} is missing: cmake --preset release && cmake --build build/release --target sojourn`);
  if (peers.length) installPeers();
  const result = { machine: describeMachine([]), plan, kinds: {} };
  let missed = 0;
  for (const kind of kinds) {
    if (!executableOf(kind)) { console.error(`no ${kind} browser here: left out`); continue; }
    const subjects = ['sojourn', ...peers];
    const figures = await runRounds(subjects, kind, wanted);
    const rows = rowsOf(figures, kind, median);
    const browser = spawnSync(executableOf(kind), ['--version'], { encoding: 'utf8' }).stdout.trim();
    result.kinds[kind] = { browser, rows, figures };
    console.log(`\n${kind}: ${browser}`);
    (options.markdown ? printMarkdown : printTable)(tabulate(rows, subjects));
    missed += rows.filter((row) => judge(row).includes('MISSED')).length;
  }
  if (!options.quick && !options.case) {
    mkdirSync(join(root, 'bench/results'), { recursive: true });
    writeFileSync(join(root, 'bench/results/browsers.json'), `${JSON.stringify(result, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value), 1)}\n`);
  }
  return missed ? 1 : 0;
}

runMain(main, options.quick ? 30 : 120);
