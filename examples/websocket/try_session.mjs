// The socket's side of test_session.sh: tries a session step by step and prints every frame as it came, token excepted.
// Takes WS_URL, TOKEN and SESSION_ID (may be empty) from the environment. Exit code 0 when every step worked.
import { randomUUID } from 'node:crypto';

const frameMsMax = 5_000;
const Socket = await import('ws').then((module) => module.default, () => globalThis.WebSocket);

class StepFailed extends Error {}

/** One connection: what came is kept until somebody takes it. */
class Line {
  #frames = [];
  #readers = new Set();
  #end;

  constructor(url) {
    this.socket = new Socket(url);
    this.socket.onmessage = ({ data }) => {
      console.log(`      < ${data}`);
      this.#frames.push(JSON.parse(String(data)));
      this.#wake();
    };
    this.socket.onerror = () => {};
    this.socket.onclose = ({ code, reason }) => {
      this.#end = code === 1006 ? 'the server cannot be reached, or refused the connection; see WS_SERVER_URL, and that the server runs' : `the server closed the connection: ${code} ${reason}`;
      this.#wake();
    };
  }

  send(frame) {
    const sent = { ...frame, timestamp: Date.now(), requestId: randomUUID() };
    console.log(`      > ${JSON.stringify(sent)}`);
    this.socket.send(JSON.stringify(sent));
    return sent.requestId;
  }

  /** Takes the first frame that fits, of those that came or will come. */
  take(fits, what) {
    return new Promise((resolve, reject) => {
      const settle = (how, value) => { clearTimeout(timer); this.#readers.delete(read); how(value); };
      const read = () => {
        const at = this.#frames.findIndex(fits);
        if (at >= 0) settle(resolve, this.#frames.splice(at, 1)[0]);
        else if (this.#end) settle(reject, new StepFailed(this.#end));
      };
      const timer = setTimeout(() => settle(reject, new StepFailed(`${what} did not come within ${frameMsMax / 1000} s`)), frameMsMax);
      this.#readers.add(read);
      read();
    });
  }

  close() {
    return new Promise((resolve) => {
      const before = this.socket.onclose;
      if (this.#end || this.socket.readyState === 3) return resolve();
      this.socket.onclose = (event) => { before(event); resolve(); };
      setTimeout(resolve, 2_000).unref();
      return this.socket.close();
    });
  }

  #wake() {
    for (const read of [...this.#readers]) read();
  }
}

function addressOf(session) {
  const url = new URL(process.env.WS_URL.replace(/^http/, 'ws'));
  if (url.pathname === '/') url.pathname = '/ws';
  url.searchParams.set('token', process.env.TOKEN);
  url.searchParams.delete('session_id');
  if (session) url.searchParams.set('session_id', session);
  return url.href;
}

function require(holds, otherwise) {
  if (!holds) throw new StepFailed(otherwise);
}

let failures = 0;
async function step(name, body) {
  try {
    console.log(`ok    ${name}: ${await body()}`);
    return true;
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    failures += 1;
    console.log(`FAIL  ${name}: ${error.message}`);
    return false;
  }
}

const causes = {
  invalid: 'there is no session with this id',
  expired: 'the session was not used for too long and has ended',
  not_owner: 'the session belongs to another user',
};

const wanted = process.env.SESSION_ID;
const mark = randomUUID();
let line;
let hello;
let session;

async function connect() {
  line = new Line(addressOf(wanted));
  hello = await line.take((frame) => frame.type === 'connected', 'the first frame');
  require(hello.session_id, 'the first frame has no session_id');
  session = hello.session_id;
  return hello.message ?? 'connected';
}

async function join() {
  require(session === wanted, `${wanted} could not be joined, and a new session was made instead: ${causes[hello.reason] ?? 'no reason given'}`);
  return 'this is the session that was asked for';
}

async function ping() {
  const requestId = line.send({ type: 'ping' });
  const pong = await line.take((frame) => frame.requestId === requestId, 'a pong');
  require(pong.type === 'pong', `the answer is of type ${pong.type}`);
  require(pong.session_id === session, `the answer names session ${pong.session_id}`);
  return 'the server answers, in this session';
}

async function contextualUpdate() {
  const requestId = line.send({ type: 'contextual_update', text: 'test_session', data: { mark } });
  const receipt = await line.take((frame) => frame.type === 'contextual_update_received' && frame.requestId === requestId, 'the receipt');
  require(receipt.payload?.status === 'success', `its status is ${receipt.payload?.status}`);
  const update = await line.take((frame) => frame.type === 'contextual_update' && frame.data?.mark === mark, 'the update itself');
  require(update.session_id === session, `it went to session ${update.session_id}`);
  return 'received, and broadcast to the session';
}

async function state() {
  const set = line.send({ type: 'set_session_state', payload: { key: 'test_session', value: { mark } } });
  const stored = await line.take((frame) => frame.requestId === set && frame.type !== 'session_state_update', 'the receipt');
  require(stored.type === 'session_state_set', stored.payload?.message ?? `the answer is of type ${stored.type}`);
  const value = await readState();
  require(value?.mark === mark, 'another value came back');
  return 'what was set is what is read';
}

async function readState() {
  const get = line.send({ type: 'get_session_state', payload: {} });
  const answer = await line.take((frame) => frame.requestId === get, 'the state');
  return answer.state?.test_session;
}

async function comeBack() {
  await line.close();
  line = new Line(addressOf(session));
  hello = await line.take((frame) => frame.type === 'connected', 'the first frame');
  require(hello.session_id === session, `another session was joined: ${hello.session_id}`);
  require(hello.session_resumed === true, 'the server says that the session is new');
  require((await readState())?.mark === mark, 'the state of before is gone');
  return 'the same session, with its state';
}

async function main() {
  if (!Socket) {
    console.error('error: this Node has no WebSocket of its own; run npm ci in the folder of the project, or use Node 22');
    return 1;
  }
  if (await step('connect', connect)) {
    console.log(`\nSession ID: ${session}\nTo connect to this session again:\n  ./websocket/test_session.sh --session-id ${session}\n`);
    if (wanted) await step('join', join);
    await step('ping', ping);
    await step('contextual update', contextualUpdate);
    const kept = await step('state', state);
    if (kept) await step('reconnect', comeBack);
  }
  await line?.close();
  console.log(failures === 0 ? '\nAll steps worked.' : `\n${failures} ${failures === 1 ? 'step' : 'steps'} failed.`);
  return failures === 0 ? 0 : 1;
}

process.exitCode = await main();
