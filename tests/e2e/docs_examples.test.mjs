// Runs the examples of the documents against the real binary: what a reader would type is typed here, and what the
// document shows has to come back, but for ids, times and tokens, which are learnt. A page is run from top to bottom on
// a server of its own; "…" and "..." stand for anything.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { binary, eventually, projectRoot, run, start } from './harness.mjs';
import { join } from './tracking_stage.mjs';

// What is started otherwise in the tests: servers of their own, and scripts that have tests of their own.
const runElsewhere = /^(build\/release\/sojourn serve\b|\.\/start\b|cd examples\b|\.\/websocket\/|examples\/)/;
const isFollowing = (command) => /^build\/release\/sojourn watch\b|^curl -sN\b/.test(command);

const read = (name) => readFile(path.join(projectRoot, name), 'utf8');
const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const blocksOf = (text, language) => [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(([, block]) => block);

/** The commands of a page in their order, each with the output that the page shows. */
function commandsOf(text) {
  const commands = [];
  for (const block of blocksOf(text, 'console')) {
    for (const line of block.trimEnd().split('\n')) {
      const last = commands.at(-1);
      if (last?.command.endsWith('\\') && last.output.length === 0) last.command = `${last.command.slice(0, -1).trimEnd()} ${line.trim()}`;
      else if (line.startsWith('$ ')) commands.push({ command: line.slice(2), output: [] });
      else if (line !== '') last.output.push(line);
    }
  }
  return commands;
}

/** What a document calls by one name and the server by another: the pieces of an example that differ at every run. */
class Names {
  known = new Map();
  static kinds = [
    ['[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}', null],
    ['tok_[0-9a-f]{24}', null],
    ['\\b[0-9a-f]{8}(?=\\.\\d)', '[0-9a-f]{1,8}'],
    ['\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z'], ['\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z'],
    ['\\b\\d\\d:\\d\\d:\\d\\d\\.\\d{3}\\b'], ['\\b\\d{4}-\\d\\d-\\d\\d\\b'], ['\\b\\d{13}\\b'], ['"c\\d+"'],
  ];
  static pieces = new RegExp(`(eyJ…|…|\\.\\.\\.|${Names.kinds.map(([pattern]) => pattern).join('|')})`);

  fill(command) {
    let text = command;
    for (const [ours, theirs] of this.known) text = text.replaceAll(ours, theirs);
    return text;
  }

  /** Why `actual` is not what is shown, or nothing. Learns names only from what fits. */
  compare(actual, shown) {
    const learnt = [];
    const source = shown.split(Names.pieces).map((piece, at) => {
      if (at % 2 === 0) return escape(piece);
      if (piece === 'eyJ…') return 'eyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+';
      if (piece === '…' || piece === '...') return '.*?';
      const [pattern, inside] = Names.kinds.find(([kind]) => new RegExp(kind.replace(/\(\?=.*\)$/, '')).exec(piece)?.[0] === piece);
      if (inside === undefined) return pattern;
      if (this.known.has(piece)) return escape(this.known.get(piece));
      if (learnt.includes(piece)) return `\\k<n${learnt.indexOf(piece)}>`;
      learnt.push(piece);
      return `(?<n${learnt.length - 1}>${inside ?? pattern})`;
    }).join('');
    const match = new RegExp(`^${source}$`, 's').exec(actual);
    if (!match) return `shown:  ${shown}\nactual: ${actual}`;
    learnt.forEach((name, at) => this.known.set(name, match.groups[`n${at}`]));
    return undefined;
  }
}

/** A command that does not end by itself: what it has said so far, until it is killed. */
function follow(t, line, options) {
  const child = spawn('bash', ['-c', `exec ${line}`], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const following = { text: '', errors: '', alive: () => child.exitCode === null && child.signalCode === null };
  child.stdout.setEncoding('utf8').on('data', (text) => { following.text += text; });
  child.stderr.setEncoding('utf8').on('data', (text) => { following.errors += text; });
  const ended = new Promise((resolve) => { child.on('close', resolve); });
  t.after(async () => { child.kill('SIGKILL'); await ended; });
  return following;
}

async function runPage(t, text) {
  const server = await start();
  t.after(() => server.stop());
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-docs-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const env = { ...process.env, HOME: server.home, SOJOURN_DATA: server.data, SOJOURN_SERVER: '', SOJOURN_TOKEN: '', NO_PROXY: '*', no_proxy: '*' };
  const names = new Names();
  const variables = [];
  let count = 0;
  for (const { command, output } of commandsOf(text)) {
    if (runElsewhere.test(command)) continue;
    assert.match(command, /^(curl|build\/release\/sojourn|\w+=) ?/, 'an example that this test can run, or that it knows to leave out');
    const line = names.fill(command).replaceAll('localhost:5409', `127.0.0.1:${server.port}`).replaceAll('build/release/sojourn', binary);
    if (/^\w+=\S+$/.test(line)) { variables.push(line); continue; }
    count += 1;
    const shown = output.join('\n');
    if (isFollowing(command)) {
      const filled = variables.reduce((sum, variable) => sum.replaceAll(`$${variable.split('=')[0]}`, variable.slice(variable.indexOf('=') + 1)), line);
      const following = follow(t, filled, { cwd: folder, env });
      if (shown !== '') await eventually(() => following.text.trimEnd().split('\n').length >= output.length, `${command} says something`, 5000);
      else await eventually(() => /watching/.test(following.errors), `${command} has begun`, 5000);
      assert.equal(shown === '' ? undefined : names.compare(following.text.trimEnd(), shown), undefined, command);
      assert.ok(following.alive(), `${command} goes on`);
      continue;
    }
    const done = await run('bash', ['-c', [...variables, line].join('; ')], { cwd: folder, env });
    assert.equal(done.code, 0, `${command}\n${done.stderr}`);
    assert.equal(names.compare(done.stdout.trimEnd(), shown), undefined, command);
  }
  return { server, names, count };
}

test('every example of API.md is what the server answers', async (t) => {
  const { count } = await runPage(t, await read('docs/API.md'));
  assert.ok(count >= 15, `${count} examples`);
});

test('every example of SHARED_SESSIONS.md is what the server answers, and its welcome frame as well', async (t) => {
  const text = await read('docs/SHARED_SESSIONS.md');
  const { server, names, count } = await runPage(t, text);
  assert.ok(count >= 8, `${count} examples`);
  const [welcome] = blocksOf(text, 'json').filter((block) => block.includes('"connected"'));
  const { session_id: shown, user } = JSON.parse(welcome);
  const member = await join(t, server, { user, session: names.fill(shown) });
  assert.equal(names.compare(member.helloText, welcome.trim()), undefined);
});

test('FMV-33 every example of LIFECYCLE.md is what the server answers', async (t) => {
  const { count } = await runPage(t, await read('docs/LIFECYCLE.md'));
  assert.ok(count >= 6, `${count} examples`);
});

test('SHP-19 the two clients of the README see each other', async (t) => {
  const text = await read('README.md');
  const [section] = /^## Two clients[^]*?(?=^## )/m.exec(text);
  const { count } = await runPage(t, section);
  assert.ok(count >= 4, `${count} examples`);
});

test('a comparison notices another text, another order and another id, and learns from what fits', () => {
  const names = new Names();
  const [one, two] = ['1b0c7a52-4d1e-4b7f-9a63-0c5f1e2d3a44', '9d2f6c1e-6f0b-4c57-8f4e-2b9a54b7d310'];
  assert.equal(names.compare(`{"id":"${two}","at":"2026-01-01T00:00:00.000001Z","cursor":"a1.2"}`, `{"id":"${one}","at":"2026-02-24T19:22:16.015123Z","cursor":"f1790e6f.2"}`), undefined);
  assert.equal(names.fill(`/${one}/f1790e6f.7`), `/${two}/a1.7`);
  for (const [actual, shown] of [
    ['{"a":1}', '{"a":2}'], ['{"b":1,"a":1}', '{"a":1,"b":1}'], [`"${one}"`, `"${one}"`], ['"a1.3"', '"f1790e6f.2"'], ['{"a":1} ', '{"a":1}'],
    ['"2026-01-01T00:00:00.001Z"', '"2026-02-24T19:22:16.015123Z"'], ['', '…x'],
  ]) assert.ok(names.compare(actual, shown), `${actual} is not ${shown}`);
  assert.deepEqual(commandsOf('```console\n$ curl a \\\n    -d b\n{}\n\n$ x\n```\n'), [{ command: 'curl a -d b', output: ['{}'] }, { command: 'x', output: [] }]);
});

test('every configuration in the documents is a valid one', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sojourn-docs-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  let count = 0;
  for (const page of ['docs/OPERATING.md', 'docs/SHARED_SESSIONS.md']) {
    for (const block of blocksOf(await read(page), 'toml')) {
      await writeFile(path.join(folder, 'sojourn.toml'), block);
      const { code, stderr } = await run(binary, ['serve', '--check-config', '--config', 'sojourn.toml', '--data', folder], { cwd: folder });
      assert.equal(code, 0, `${page}: ${stderr}\n${block}`);
      count += 1;
    }
  }
  assert.ok(count >= 3, `${count} configurations`);
});

test('the table of limits in OPERATING.md is the server\'s', async () => {
  const { stdout } = await run(binary, ['serve', '--check-config', '--json', '--data', os.tmpdir()]);
  const { limits } = JSON.parse(stdout);
  const text = await read('docs/OPERATING.md');
  const rows = [...text.matchAll(/^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \| /gm)];
  assert.deepEqual(Object.fromEntries(rows.map(([, name, value]) => [name, Number(value)])), limits);
  for (const [, name, , least, most] of rows) {
    const check = (value) => run(binary, ['serve', '--check-config', `--limits.${name}`, String(value), '--data', os.tmpdir()]).then(({ code }) => code);
    assert.deepEqual([await check(least), await check(most), await check(Number(least) - 1), await check(Number(most) + 1)], [0, 0, 78, 78], name);
  }
});

test('the commands in OPERATING.md are those of the program', async () => {
  const { stdout } = await run(binary, ['--help']);
  const [, list] = /^Commands\n([^]*?)\n\n/m.exec(stdout);
  const text = await read('docs/OPERATING.md');
  for (const [, name] of list.matchAll(/^ {2}(\w+)/gm)) assert.ok(text.includes(`\`sojourn ${name}`) || text.includes(`$ sojourn ${name}`), `${name} is described`);
  for (const [, name] of text.matchAll(/`sojourn (\w+)/g)) assert.ok(new RegExp(`^ {2}${name}\\b`, 'm').test(list) || /^[A-Z]+$/.test(name), `${name} exists`);
});
