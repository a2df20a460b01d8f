// Replays every transcript over sockets against the real binary; the grammar is in tests/transcripts/README.md.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { closePayload, eventually, frame, parseFrames, projectRoot, rawSocket, request, sleep, start, upgradeRequest } from './harness.mjs';
import { tokenOf } from './tracking_stage.mjs';

const root = path.join(projectRoot, 'tests/transcripts');

let server;
before(async () => { server = await start({ config: '[limits]\nmessages_per_s = 0\n' }); });
after(() => server?.stop());

const second = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d';
const patterns = { iso: `${second}\\.\\d{3}Z`, time: `${second}\\.\\d{6}Z`, 'time?': `(?:null|"${second}\\.\\d{6}Z")`, ms: '\\d{13}', number: '\\d+', any: '[^"]+' };
const placeholder = /<(?:(id|text):([a-z0-9]+)|(iso|time\??|ms|number|any))>/;
const named = { id: '[A-Za-z0-9_-]+', text: '[^"]+' };
const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** One run of one transcript: its connections, its open requests and the names it has learnt. */
class Replay {
  names = new Map();
  connections = new Map();
  headers = {};
  open = [];

  /** Compares `actual` with a line, learning the names that are new in it. */
  expect(actual, expected) {
    const learnt = [];
    const pieces = expected.split(new RegExp(placeholder, 'g'));
    let source = '';
    for (let n = 0; n < pieces.length; n += 4) {
      source += escape(pieces[n]);
      const [form, name, kind] = pieces.slice(n + 1, n + 4);
      if (kind) source += patterns[kind];
      else if (name === undefined) continue;
      else if (this.names.has(`${form}:${name}`)) source += escape(this.names.get(`${form}:${name}`));
      else if (learnt.includes(`${form}_${name}`)) source += `\\k<${form}_${name}>`;
      else {
        learnt.push(`${form}_${name}`);
        source += `(?<${form}_${name}>${named[form]})`;
      }
    }
    const match = new RegExp(`^${source}$`, 'su').exec(actual);
    if (!match) assert.equal(actual, expected);
    for (const name of learnt) this.names.set(name.replace('_', ':'), match.groups[name]);
  }

  async fill(text) {
    for (const [whole, user, scope] of text.matchAll(/<token:(\w+)(?::(\w+))?>/g)) text = text.replaceAll(whole, await tokenOf(server, user, scope));
    return text.replace(/<((?:id|text):[a-z0-9]+)>/g, (whole, name) => {
      assert.ok(this.names.has(name), `${whole} is known`);
      return this.names.get(name);
    });
  }

  async connect(letter, rest) {
    const [, target, header] = /^(\S+)(?: (.*))?$/.exec(await this.fill(rest));
    const raw = await rawSocket(server.port, { allowHalfOpen: true });
    raw.send(upgradeRequest(server.port, { target, headers: header ? [header] : [] }));
    await raw.waitFor(() => raw.received().includes('\r\n\r\n'), 'the upgrade');
    assert.match(raw.text(), /^HTTP\/1.1 101 /);
    const body = raw.received().indexOf('\r\n\r\n') + 4;
    this.connections.set(letter, { raw, read: 0, frames: () => parseFrames(raw.received().subarray(body)) });
  }

  async speak(letter, text) {
    if (text.startsWith('connect ')) return this.connect(letter, text.slice(8));
    const { raw } = this.connections.get(letter);
    if (text === 'drop') {
      raw.destroy();
      return sleep(50);
    }
    if (text.startsWith('close ')) raw.send(frame(8, closePayload(Number(text.slice(6)))));
    else if (text.startsWith('binary ')) raw.send(frame(2, await this.fill(text.slice(7))));
    else raw.send(frame(1, await this.fill(text)));
  }

  async hear(letter, expected) {
    const connection = this.connections.get(letter);
    await eventually(() => connection.frames().length > connection.read, `${letter} hears ${expected}`);
    const { opcode, payload } = connection.frames()[connection.read];
    connection.read += 1;
    if (opcode === 8) this.expect(`close ${payload.readUInt16BE()} ${payload.subarray(2).toString('utf8')}`.trim(), expected);
    else {
      assert.equal(opcode, 1);
      this.expect(payload.toString('utf8'), expected);
    }
  }

  async ask(text) {
    const [, method, target, body] = /^(\S+) (\S+)(?: (.*))?$/.exec(await this.fill(text));
    const headers = { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...this.headers };
    this.headers = {};
    this.open.push(request(server.url, target, { method, headers, body }));
  }

  async answer(expected) {
    assert.ok(this.open.length > 0, 'a request is open');
    const { status, text } = await this.open.shift();
    this.expect(`${status} ${text}`.trim(), expected);
  }

  async step(line) {
    const header = /^\+ ([^:]+): (.*)$/.exec(line);
    if (header) { this.headers[header[1]] = await this.fill(header[2]); return undefined; }
    const [, who, direction, text] = /^([A-Z]?)([<>]) (.*)$/.exec(line) ?? assert.fail(`no step: ${line}`);
    if (who) return direction === '>' ? this.speak(who, text) : this.hear(who, text);
    return direction === '>' ? this.ask(text) : this.answer(text);
  }

  async end() {
    assert.equal(this.open.length, 0, 'every request has its answer');
    await sleep(20);
    for (const [letter, { frames, read }] of this.connections) {
      assert.deepEqual(frames().slice(read).map(({ payload }) => payload.toString('utf8')), [], `${letter} hears no more`);
    }
  }

  drop() {
    for (const { raw } of this.connections.values()) raw.destroy();
    for (const answer of this.open) answer.catch(() => {});
  }
}

async function forgetAll() {
  await eventually(async () => (await server.list()).count === 0, 'no extension is connected');
  for (const { session_id: id } of (await server.get('/sessions')).json.sessions) await server.del(`/sessions/${id}`);
  for (const { id } of (await server.get('/apps/sessions')).json.sessions) await server.del(`/apps/sessions/${id}`);
}

for (const file of ['browser', 'extension', 'monitor', 'sessions', 'tracking'].flatMap((door) => readdirSync(path.join(root, door)).filter((name) => name.endsWith('.txt')).sort().map((name) => `${door}/${name}`))) {
  const lines = readFileSync(path.join(root, file), 'utf8').split('\n');
  const title = lines.find((line) => line.startsWith('# '))?.slice(2) ?? file;
  test(`${title} (${file})`, async () => {
    await forgetAll();
    const replay = new Replay();
    try {
      for (const [n, line] of lines.entries()) {
        if (line === '' || line.startsWith('#')) continue;
        await replay.step(line).catch((error) => { throw new Error(`${file}:${n + 1}: ${error.message}`, { cause: error }); });
      }
      await replay.end();
    } finally {
      replay.drop();
    }
  });
}

test('a replay notices a different text, a different order of keys and a second message', async () => {
  const replay = new Replay();
  replay.expect('200 {"a":"x1","b":1771960941234}', '200 {"a":"<id:x>","b":<ms>}');
  assert.equal(await replay.fill('/<id:x>'), '/x1');
  for (const [actual, expected] of [['{"a":"x2"}', '{"a":"<id:x>"}'], ['{"a": "x1"}', '{"a":"<id:x>"}'], ['{"b":1,"a":2}', '{"a":2,"b":1}'], ['{}', '{"t":<ms>}'], ['200 {}x', '200 {}'],
    ['{"a":"y1","b":"y2"}', '{"a":"<id:y>","b":"<id:y>"}'], ['2026-02-24', '<iso>'], ['""', '"<any>"']]) {
    assert.throws(() => replay.expect(actual, expected), `${actual} is not ${expected}`);
  }
});
