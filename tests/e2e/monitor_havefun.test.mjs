// The documented chat request over the wire: a question to the responder, its answer as an event stream, and its
// analysis to the sockets of the thread or into the stream. The responder is a small HTTP server of the test.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, projectRoot, request, run, sleep, start } from './harness.mjs';
import { as, startKeyed, tokenOf, toolService } from './tracking_stage.mjs';
import { connect, dataLines, havefun, logged, member, newThread, onThread, threadName, values } from './monitor_stage.mjs';

let server; // asks `responder`
let alone; // has nobody to ask
let keyed; // asks `responder`, and for tokens
let responder;
let reply; // what the responder says: a value, or nothing when it answers by itself

const ends = [];
const keep = { after: (end) => ends.push(end) };
before(async () => {
  responder = await toolService(keep, (call, response) => reply(call, response));
  const responds = `[responder]\nurl = "${responder.url}"\n`;
  [server, alone, keyed] = await Promise.all([
    start({ args: ['--allow-origin', 'http://localhost:3000'], config: `${responds}timeout_s = 60\n` }), start(), startKeyed({ config: responds }),
  ]);
});
after(async () => {
  await Promise.all([server?.stop(), alone?.stop(), keyed?.stop()]);
  for (const end of ends) await end();
});

/** Answers with an event stream of these data lines, some milliseconds apart. */
const streaming = (lines, ms = 0) => async (call, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
  for (const line of lines) {
    response.write(`data: ${JSON.stringify(line)}\n\n`);
    if (ms > 0) await sleep(ms);
  }
  response.end();
};
const analysis = (content, complete = false) => ({ type: 'analysis', content, complete });
const thinking = [analysis('Let me '), analysis('see: '), analysis('ducks.', true), { message: 'Ducks swim.' }, { message: '' }, { message: 'They also fly.' }];

/** Pieces of analysis may be put together on their way; what they come to, and that only the last is complete. */
function assertAnalysis(pieces, content) {
  assert.ok(pieces.length >= 1, 'there is analysis');
  for (const piece of pieces) assert.deepEqual(Object.keys(piece), ['type', 'content', 'complete']);
  assert.ok(pieces.every(({ type }) => type === 'analysis'));
  assert.equal(pieces.map((piece) => piece.content).join(''), content);
  assert.deepEqual(pieces.map(({ complete }) => complete), pieces.map((_, n) => n === pieces.length - 1));
}

test('AMI-13 the documented request answers as a stream, and its analysis reaches the sockets of the thread, once each', async (t) => {
  const thread = 'your_conversation_thread_id';
  const [one, two] = [await member(t, server, thread), await member(t, server, thread, { transports: ['websocket'] })];
  const foreign = await member(t, server, threadName());
  reply = streaming(thinking, 20);
  const answer = await havefun(server, { user_input: 'Your message', thread_id: thread, use_websocket: true });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.lines, [{ message: 'Ducks swim.' }, { message: 'They also fly.' }], 'the stream has the answer alone');
  for (const client of [one, two]) {
    await client.settle();
    assertAnalysis(values(client, 'analysis_update'), 'Let me see: ducks.');
    for (const args of client.all('analysis_update')) assert.equal(logged(args).length, 1);
  }
  await foreign.settle();
  assert.deepEqual(foreign.all('analysis_update'), []);
  assert.equal(responder.calls.at(-1).query, 'Your message');
});

test('AMI-14 without use_websocket the analysis comes first in the stream, and no socket gets it', async (t) => {
  const { client, thread } = await newThread(t, server);
  reply = streaming(thinking);
  for (const more of [{}, { use_websocket: false }]) {
    const { status, headers, lines } = await havefun(server, { user_input: 'ducks?', thread_id: thread, ...more });
    assert.equal(status, 200);
    assert.match(headers['content-type'], /^text\/event-stream\b/);
    assert.deepEqual([headers['cache-control'], headers['x-accel-buffering']], ['no-cache', 'no']);
    const first = lines.findIndex((line) => 'message' in line);
    assertAnalysis(lines.slice(0, first), 'Let me see: ducks.');
    assert.deepEqual(lines.slice(first), [{ message: 'Ducks swim.' }, { message: 'They also fly.' }]);
  }
  await client.settle();
  assert.deepEqual(client.all('analysis_update'), []);
});

test('AMI-14 each line of the answer that is not blank is one data line, however the responder says it', async () => {
  const lines = [{ message: 'one' }, { message: '  two  and ü 🌍' }, { message: '"three" \\ <b>' }];
  const text = 'one\n\n  two  and ü 🌍\n   \n"three" \\ <b>\n';
  const chunks = text.split(/(?<= )/).map((content) => ({ choices: [{ index: 0, delta: { content } }] }));
  for (const said of [() => ({ answer: text }), () => ({ message: text }), () => ({ choices: [{ message: { role: 'assistant', content: text } }] }), streaming(chunks), streaming([{ answer: text }])]) {
    reply = said;
    const answer = await havefun(server, { user_input: 'lines?', thread_id: threadName() });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.lines, lines);
  }
});

test('AMI-14 what is left out has its documented default', async (t) => {
  const client = await member(t, server, 'chat_thread');
  reply = streaming(thinking);
  assert.equal((await havefun(server, { user_input: 'hi', use_websocket: true })).status, 200);
  await client.settle();
  assertAnalysis(values(client, 'analysis_update'), 'Let me see: ducks.');
  reply = () => ({ answer: 'a' });
  const empty = await havefun(server, {});
  assert.deepEqual([empty.status, empty.lines], [200, [{ message: 'a' }]]);
  assert.equal(responder.calls.at(-1).query, '');
  const whole = await havefun(server, { user_input: 'hi', user_id: 'ana', thread_id: 'chat_thread', graph_version_id: 'v1', use_websocket: false, unknown: [1] });
  assert.equal(whole.status, 200);
});

test('AMI-14 the stream begins while the responder is still at work', async (t) => {
  let finish;
  reply = async (call, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(`data: ${JSON.stringify(analysis('so far', true))}\n\n`);
    await new Promise((resolve) => { finish = resolve; });
    response.end('data: {"message":"done"}\n\n');
  };
  const body = JSON.stringify({ user_input: 'slow?', thread_id: threadName() });
  const outgoing = http.request(`${server.url}/havefun`, { method: 'POST', agent: false, headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) } });
  t.after(() => outgoing.destroy());
  const incoming = await new Promise((resolve, reject) => { outgoing.on('response', resolve).on('error', reject).end(body); });
  assert.equal(incoming.headers['transfer-encoding'], 'chunked');
  let text = '';
  incoming.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
  const ended = new Promise((resolve) => { incoming.on('end', resolve); });
  await eventually(() => text.includes('so far'), 'the analysis comes at once');
  assert.ok(!text.includes('done'));
  finish();
  await ended;
  assert.deepEqual(dataLines(text), [analysis('so far', true), { message: 'done' }]);
});

test('AMI-14 what is no JSON object is 400, also what has the wrong kind', async () => {
  reply = () => assert.fail('nobody is asked');
  for (const body of ['', '{', 'text', '[1]', '"x"']) {
    assert.equal((await havefun(server, body)).status, 400, body);
  }
  for (const body of [{ user_input: 7 }, { thread_id: { a: 1 } }, { use_websocket: 'yes' }]) {
    const { status } = await havefun(server, { user_input: 'x', ...body });
    assert.ok([400, 422].includes(status), JSON.stringify(body));
  }
  assert.equal((await server.get('/havefun')).status, 405);
});

test('AMI-14 nobody to answer is 503 and says so; a responder that fails before it said anything is an error too', async () => {
  const nobody = await havefun(alone, { user_input: 'anyone?' });
  assert.equal(nobody.status, 503, nobody.text);
  assert.match(nobody.json.error, /^no responder is attached/);
  for (const fails of [(call, response) => void response.writeHead(500).end('{"error":"no model"}'), () => ({ error: 'no model' }), (call, response) => void response.destroy()]) {
    reply = fails;
    const { status, json } = await havefun(server, { user_input: 'anyone?', thread_id: threadName() });
    assert.ok([500, 502].includes(status), String(status));
    assert.equal(typeof json.error, 'string');
  }
});

test('AMI-13 a responder that fails midway tells the sockets, and the stream ends', async (t) => {
  const { client, thread } = await newThread(t, server);
  reply = streaming([analysis('so far'), { error: { message: 'context too long' } }], 20);
  const answer = await havefun(server, { user_input: 'x', thread_id: thread, use_websocket: true });
  await client.settle();
  assert.ok(values(client, 'analysis_update').some(({ error }) => error === true) || answer.status >= 500 || /"error"/.test(answer.text), 'somebody is told');
});

test('AMI-14 OPTIONS says what is allowed, to pages that are', async () => {
  const asks = { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' };
  const answer = await request(server.url, '/havefun', { method: 'OPTIONS', headers: { Origin: 'http://localhost:3000', ...asks } });
  assert.equal(answer.status, 200);
  assert.deepEqual(['origin', 'methods', 'headers'].map((name) => answer.headers[`access-control-allow-${name}`]), ['http://localhost:3000', 'GET, POST, OPTIONS', 'Content-Type, Authorization']);
  assert.equal(answer.headers['access-control-max-age'], '86400');
  assert.match(answer.headers.vary, /\bOrigin\b/i);
  const foreign = await request(server.url, '/havefun', { method: 'OPTIONS', headers: { Origin: 'http://evil.test', ...asks } });
  assert.equal(foreign.headers['access-control-allow-origin'], undefined);
  reply = () => ({ answer: 'a' });
  const posted = await havefun(server, { user_input: 'x' }, { Origin: 'http://localhost:3000' });
  assert.deepEqual([posted.status, posted.headers['access-control-allow-origin']], [200, 'http://localhost:3000']);
  assert.equal((await havefun(server, { user_input: 'x' }, { Origin: 'http://evil.test' })).status, 403);
});

test('AMI-23 analysis for a thread that nobody is there for waits for the next who registers', async (t) => {
  const thread = threadName();
  reply = streaming(thinking);
  const answer = await havefun(server, { user_input: 'ducks?', thread_id: thread, use_websocket: true });
  assert.deepEqual(answer.lines, [{ message: 'Ducks swim.' }, { message: 'They also fly.' }], 'the answer comes all the same');
  const undelivered = (await server.get('/debug/all-sessions')).json.undelivered_messages;
  assert.ok(undelivered.counts[thread] >= 1);
  const client = await connect(t, server);
  const told = await client.register(thread);
  const { args: [delivered] } = await client.next('missed_messages_delivered');
  assertAnalysis(values(client, 'analysis_update'), 'Let me see: ducks.');
  assert.deepEqual(delivered, { count: client.all('analysis_update').length, thread_id: thread });
  assert.deepEqual(told.missed_messages, { available: true, count: delivered.count });
  assert.equal((await server.get('/debug/all-sessions')).json.undelivered_messages.counts[thread], undefined);
  const late = await member(t, server, thread);
  await late.settle();
  assert.deepEqual(late.all('analysis_update'), []);
});

test('AMI-13 questions of several threads at once do not mix', async (t) => {
  reply = (call, response) => streaming([analysis(`about ${call.query}`, true), { message: `answer ${call.query}` }], 10)(call, response);
  const clients = await Promise.all(Array.from({ length: 8 }, () => member(t, server, threadName())));
  const answers = await Promise.all(clients.map((client, n) => havefun(server, { user_input: `q${n}`, thread_id: client.registered.thread_id, use_websocket: true })));
  for (const [n, client] of clients.entries()) {
    await client.settle();
    assert.deepEqual(answers[n].lines, [{ message: `answer q${n}` }]);
    assertAnalysis(values(client, 'analysis_update'), `about q${n}`);
  }
});

test('a client that offered to answer is asked before the endpoint', async (t) => {
  const { client, thread } = await newThread(t, server);
  client.socket.on('query', (question, answer) => answer({ answer: `${question.query}\nindeed` }));
  await client.ask('offer', { queries: true });
  reply = () => assert.fail('the endpoint is not asked');
  const answer = await havefun(server, { user_input: 'ducks', thread_id: thread });
  assert.deepEqual([answer.status, answer.lines], [200, [{ message: 'ducks' }, { message: 'indeed' }]]);
});

test('with a key the request needs a token, and reaches its user\'s thread', async (t) => {
  reply = streaming(thinking);
  assert.equal((await havefun(keyed, { user_input: 'x' })).status, 401);
  const thread = threadName();
  const [alice, bob] = [await member(t, keyed, thread, { auth: { token: await tokenOf(keyed, 'alice') } }), await member(t, keyed, thread, { auth: { token: await tokenOf(keyed, 'bob') } })];
  const answer = await havefun(keyed, { user_input: 'x', thread_id: thread, use_websocket: true }, await as(keyed, 'alice'));
  assert.equal(answer.status, 200, answer.text);
  await alice.settle();
  await bob.settle();
  assertAnalysis(values(alice, 'analysis_update'), 'Let me see: ducks.');
  assert.deepEqual(bob.all('analysis_update'), []);
  const other = await havefun(keyed, { user_input: 'x', user_id: 'bob', thread_id: thread }, await as(keyed, 'alice'));
  assert.equal(other.status, 403, 'nobody asks in the name of another');
});

test('AMI-15 while an answer is on its way the sockets of its thread stay, however long it takes', async (t) => {
  const config = `[responder]\nurl = "${responder.url}"\n[monitor]\nwarn_after_s = 11\ndrop_after_s = 12\nsweep_s = 1\n`;
  const brisk = await start({ config });
  t.after(() => brisk.stop());
  const asking = await member(t, brisk, threadName(), { reconnection: false });
  const silent = await member(t, brisk, threadName(), { reconnection: false });
  reply = async (call, response) => { await sleep(16_000); streaming(thinking)(call, response); };
  const answering = havefun(brisk, { user_input: 'long?', thread_id: asking.registered.thread_id, use_websocket: true });
  await eventually(async () => (await onThread(brisk, silent.registered.thread_id)).length === 0, 'the socket of another thread is dropped meanwhile', 15_500);
  assert.equal((await answering).status, 200);
  assert.equal((await onThread(brisk, asking.registered.thread_id)).length, 1, 'it is still there');
  await asking.settle();
  assertAnalysis(values(asking, 'analysis_update'), 'Let me see: ducks.');
  assert.deepEqual(asking.all('system_ping'), [], 'and was not even asked');
});

/** The example's responder on a free port: its address. */
async function exampleResponder(t) {
  const child = spawn('python3', [path.join(projectRoot, 'examples/responder/responder.py'), '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => { const ended = once(child, 'exit'); child.kill(); await ended; });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => { said += text; });
  return (await eventually(() => /^Answering at (http:\S+)\n$/.exec(said), 'the responder says where it answers', 10000))[1];
}

test('the examples of MONITOR.md do what they say', async (t) => {
  const text = await readFile(path.join(projectRoot, 'docs/MONITOR.md'), 'utf8');
  const on = await start({ listen: ['127.0.0.1:0=monitor'], args: ['--responder.url', await exampleResponder(t)] });
  t.after(() => on.stop());
  const here = (code) => code.replaceAll('localhost:5001', `127.0.0.1:${on.port}`);
  const shown = [...text.matchAll(/^```console\n([^]*?)^```/gm)].flatMap(([, block]) => block.split(/^(?=\$ )/m));
  assert.ok(shown.length >= 4, `${shown.length} examples`);
  for (const example of shown) {
    const [, command, output] = /^\$ (.*)\n([^]*)$/.exec(example);
    const { code, stdout } = await run('bash', ['-c', here(command)], { env: { NO_PROXY: '*', no_proxy: '*' } });
    assert.deepEqual([code, stdout.trim()], [0, output.trim()], command);
  }
  const [, program] = /^```js\n(import [^]*?)^```/m.exec(text);
  const { code, stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', here(program)], { cwd: projectRoot });
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trim().split('\n').sort(), ['heard hello', 'ready kitchen', 'stored ok']);
  for (const line of stdout.trim().split('\n')) assert.ok(text.includes(`\`${line}\``), line);
});
