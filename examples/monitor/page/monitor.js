// The page: a Socket.IO connection with a session monitor on it, and all that goes over it, both ways.
// `io` is of the session server's own bundle, SessionMonitor of session_monitor.js.

import { sentenceOf } from './sentences.js';

const pingEveryMs = 15_000;
const shownEvents = 200;
const at = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });

let server = '';
let socket;
let monitor;
let pings = 0;

function tell(problem) {
  at('problem').hidden = !problem;
  at('problem').textContent = problem ?? '';
}

// --- what comes and goes

const ways = { in: ['←', 'Received'], out: ['→', 'Sent'], here: ['•', 'Here'] };

function note(way, name, ...args) {
  const part = (tag, className, text) => Object.assign(document.createElement(tag), { className, textContent: text });
  const row = document.createElement('li');
  row.dataset.way = way;
  row.dataset.name = name;
  const arrow = part('span', 'way', ways[way][0]);
  arrow.setAttribute('aria-label', ways[way][1]);
  arrow.setAttribute('role', 'img');
  const what = document.createElement('div');
  what.append(part('p', 'what', sentenceOf(way, name, args)));
  if (way !== 'here') {
    const raw = document.createElement('details');
    raw.append(part('summary', '', name), part('code', '', args.map((each) => JSON.stringify(each, undefined, 2)).join('\n')));
    what.append(raw);
  }
  row.append(part('time', '', clock.format(new Date())), arrow, what);
  at('empty').hidden = true;
  at('events').prepend(row);
  while (at('events').children.length > shownEvents) at('events').lastChild.remove();
}

function showFacts() {
  const word = !monitor?.isActive ? 'off' : socket.connected ? 'live' : 'waiting';
  at('status').dataset.word = word;
  at('status-text').textContent = { off: 'Not started', live: 'Live', waiting: 'Connecting' }[word];
  at('transport').textContent = monitor?.transport ?? '—';
  at('session').textContent = monitor?.session_id ?? '—';
  at('thread').textContent = monitor?.isActive ? monitor.thread_id : '—';
  at('pings').textContent = String(pings);
  at('stop').disabled = word === 'off';
  at('start').textContent = word === 'off' ? 'Start' : 'Restart';
  at('send').disabled = word !== 'live';
}

// --- the connection

function stop() {
  monitor?.stop();
  if (socket) {
    socket.disconnect();
    note('here', 'stopped');
  }
  socket = monitor = undefined;
  showFacts();
}

function start() {
  stop();
  tell();
  pings = 0;
  socket = io(server, { transports: at('transports').value.split(','), reconnectionDelay: 1000, timeout: 10000, forceNew: true, path: '/socket.io' });
  socket.onAny((name, ...args) => note('in', name, ...args));
  socket.onAnyOutgoing((name, ...args) => note('out', name, ...args));
  socket.on('connect', () => { tell(); note('here', 'connected', socket.io.engine.transport.name); });
  socket.on('disconnect', (reason) => note('here', 'disconnected', reason));
  socket.on('connect_error', (error) => tell(`${server} cannot be reached (${error.message}). This page goes on trying.`));
  socket.io.on('open', () => {
    const { engine } = socket.io;
    engine.on('upgrade', () => note('here', 'upgraded', engine.transport.name));
  });
  monitor = new SessionMonitor(countingPings(socket), { pingInterval: pingEveryMs, debug: true });
  monitor.start(at('thread-id').value.trim());
  showFacts();
}

// The monitor takes anything of a socket's shape: this one also counts the pings that are answered.
function countingPings(real) {
  return {
    get connected() { return real.connected; },
    get io() { return real.io; },
    on: (event, heard) => real.on(event, heard),
    off: (event, heard) => real.off(event, heard),
    connect: () => real.connect(),
    emit: (event, data, ack) => real.emit(event, data, ...(ack ? [(answer) => { pings += 1; ack(answer); }] : [])),
  };
}

// --- what one says

async function say(text) {
  const response = await fetch(`${server}/havefun`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user_input: text, thread_id: monitor.thread_id, use_websocket: true }),
  });
  if (!response.ok) throw new Error(`the server answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines.filter((each) => each.startsWith('data: '))) {
      const { message, error } = JSON.parse(line.slice(6));
      if (error) throw new Error(error);
      note('in', 'answer', message);
    }
  }
}

async function send() {
  const text = at('text').value;
  at('text').value = '';
  note('out', 'POST /havefun', text);
  tell();
  await say(text).catch((error) => tell(`This could not be said: ${error.message}`));
}

// --- begin

function load(source) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement('script'), { src: source, crossOrigin: 'anonymous', onload: resolve });
    script.onerror = () => reject(new Error(`${source} could not be loaded. Is the session server running, and does it allow ${location.origin}?`));
    document.head.append(script);
  });
}

async function begin() {
  at('settings').open = matchMedia('(min-width: 46rem)').matches;
  at('controls').addEventListener('submit', (event) => { event.preventDefault(); start(); });
  at('stop').addEventListener('click', stop);
  at('say').addEventListener('submit', (event) => { event.preventDefault(); void send(); });
  ({ server } = await (await fetch('/config.json')).json());
  await load(`${server}/socket.io/socket.io.js`);
  window.addEventListener('pagehide', stop);
  setInterval(showFacts, 200);
  start();
}

begin().catch((error) => tell(error.message));
