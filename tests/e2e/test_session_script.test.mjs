// examples/websocket/test_session.sh as the document runs it, from examples/, against the real server.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { projectRoot, run, start } from './harness.mjs';
import { form, nobody, uuid } from './tracking_stage.mjs';

let server;
before(async () => { server = await start(); });
after(() => server?.stop());

const unset = { WS_SERVER_URL: '', API_SERVER_URL: '', SESSION_ID: '', TOKEN: '', SESSION_USER: '', SESSION_PASSWORD: '' };
const script = (args = [], env = { API_SERVER_URL: server.url, WS_SERVER_URL: `${server.url.replace('http', 'ws')}/ws` }) => (
  run('./websocket/test_session.sh', args, { cwd: path.join(projectRoot, 'examples'), env: { ...unset, ...env } }));

/** The id as scripts find it: the first "session_id":"..." of the output. */
const idIn = ({ stdout, stderr }) => /"session_id":"([^"]*)"/.exec(stdout)?.[1] ?? assert.fail(stdout + stderr);
const stepsIn = ({ stdout }) => [...stdout.matchAll(/^(ok|FAIL) +([a-z ]+):/gm)].map(([, word, step]) => `${word} ${step}`);
const steps = ['connect', 'ping', 'contextual update', 'state', 'reconnect'];

test('SHP-21 without arguments the script makes a session, tries it step by step and says how to use it again', async () => {
  const done = await script();
  assert.equal(done.code, 0, done.stdout + done.stderr);
  const id = idIn(done);
  assert.match(id, uuid);
  assert.match(done.stdout, new RegExp(`^Session ID: ${id}$`, 'm'));
  assert.match(done.stdout, new RegExp(`^ +\\./websocket/test_session\\.sh --session-id ${id}$`, 'm'));
  assert.deepEqual(stepsIn(done), ['token', ...steps].map((step) => `ok ${step}`));
  assert.match(done.stdout, /^All steps worked\.$/m);
});

test('SHP-21 --session-id connects to the session of before, in both spellings and from SESSION_ID', async () => {
  const id = idIn(await script());
  const address = { API_SERVER_URL: server.url };
  for (const [args, env] of [[['--session-id', id], {}], [[`--session-id=${id}`], {}], [[], { SESSION_ID: id }]]) {
    const done = await script(args, { ...address, ...env });
    assert.equal(done.code, 0, done.stdout + done.stderr);
    assert.equal(idIn(done), id);
    assert.match(done.stdout, /"session_resumed":true/);
    assert.deepEqual(stepsIn(done), ['ok token', 'ok connect', 'ok join', 'ok ping', 'ok contextual update', 'ok state', 'ok reconnect']);
  }
});

test('SHP-21 SHP-22 a session that does not exist is named as the step that failed, and the new one is shown', async () => {
  const done = await script(['--session-id', nobody]);
  assert.equal(done.code, 1);
  assert.match(done.stdout, new RegExp(`^FAIL +join: ${nobody} could not be joined, .*: there is no session with this id$`, 'm'));
  assert.notEqual(idIn(done), nobody);
  assert.deepEqual(stepsIn(done).filter((step) => step.startsWith('FAIL')), ['FAIL join']);
  assert.match(done.stdout, /^1 step failed\.$/m);
});

test('SHP-21 the socket address may come with or without /ws and with a query, and either address is enough', async () => {
  const ws = server.url.replace('http', 'ws');
  for (const env of [{ WS_SERVER_URL: ws }, { WS_SERVER_URL: `${ws}/` }, { WS_SERVER_URL: `${ws}/ws?client=script` }, { WS_SERVER_URL: `${ws}/ws/session` }, { API_SERVER_URL: server.url }]) {
    const done = await script([], env);
    assert.equal(done.code, 0, `${JSON.stringify(env)}\n${done.stdout}${done.stderr}`);
  }
});

test('SHP-21 an unknown option is told on standard error, with exit code 1', async () => {
  for (const args of [['--sesion-id', nobody], ['more'], ['--session-id'], ['--session-id=']]) {
    const { code, stdout, stderr } = await script(args);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^error: (unknown option: (--sesion-id|more); --help lists the options|--session-id needs an id; --help shows how)\n$/);
  }
  const help = await script(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^Usage: \.\/websocket\/test_session\.sh \[--session-id ID\]\n/);
});

test('SHP-13 SHP-21 the script takes TOKEN, never prints it, and tells when it is no good', async () => {
  const { json } = await form(server, '/token', 'username=user&password=password');
  const good = await script([], { WS_SERVER_URL: server.url, TOKEN: json.access_token });
  assert.equal(good.code, 0, good.stdout + good.stderr);
  assert.ok(!(good.stdout + good.stderr).includes(json.access_token));
  const bad = await script([], { WS_SERVER_URL: server.url, TOKEN: 'no.good.token' });
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /^FAIL +connect: the server closed the connection: 1008 Invalid or expired token$/m);
});

test('SHP-21 a wrong password and a server that is not there are told with what to do', async () => {
  const wrong = await script([], { API_SERVER_URL: server.url, SESSION_PASSWORD: 'guess' });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /^error: \S+ gave no token to user \(HTTP 401\): .*Incorrect username or password.*; set TOKEN, or SESSION_USER and SESSION_PASSWORD\n$/);
  const nowhere = await script([], { API_SERVER_URL: 'http://127.0.0.1:9' });
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /^error: no session server answers at http:\/\/127\.0\.0\.1:9; start one .*\n$/);
});
