// What is measured of shared sessions: each case says who takes part, what a load program does with one of them,
// which figures stand in its table, and which goals it is for.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, readLine, start, stop, withFolder } from './processes.mjs';
import { askSojourn, startNginxLike, subjects } from './subjects.mjs';

const everybody = ['floor', 'floor_uring', 'sojourn', 'stream', 'memory', 'ws', 'socketio', 'nchan'];
const documented = '{"client_id":"client-*","timeout_minutes":60,"session_type":"troubleshooting"}';

// Runs the load on CPU 1 and answers each line that it prints.
async function load(server, folder, mode, options) {
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const program = findProgram('bench_fanout');
  const child = start(1, program, [mode, '--port', String(server.port), '--pid', String(server.pid), ...words], folder);
  const lines = [];
  for await (const line of { [Symbol.asyncIterator]: () => child.lines }) lines.push(JSON.parse(line));
  await stop(child);
  if (child.exitCode !== 0 || lines.length === 0) throw new Error(`bench_fanout ${mode}: ${child.complaints()}`);
  return lines;
}

async function withServer(begin, use) {
  return withFolder(async (folder) => {
    const server = await begin(folder);
    try {
      return await use(server, folder);
    } finally {
      await stop(server.child);
    }
  });
}

function writeTargets(folder, targets) {
  const path = join(folder.data, 'targets');
  writeFileSync(path, `${targets.join('\n')}\n`);
  return path;
}

// A fresh process of a subject, and the load on its sessions.
function loadSessions(name, sessions, mode, options, more = []) {
  const subject = subjects[name];
  return withServer((folder) => subject.start(folder, more), async (server, folder) => {
    const targets = writeTargets(folder, await subject.targets(server, sessions));
    return load(server, folder, mode, { targets, dialect: subject.dialect, ...options });
  });
}

const deliveryColumns = {
  'CPU us': (figures) => figures.cpu_us,
  'p50 us': (figures) => figures.p50_us,
  'p99 us': (figures) => figures.p99_us,
  'delivered/s': (figures) => figures.per_s,
};

function fanoutGoals(burst) {
  const most = burst === 1 ? { floor: 1.05, ws: { io_uring: 0.65, send: 0.75 }, socketio: 0.45 } : { floor: 1.3, ws: 0.07 };
  return Object.entries(most).flatMap(([peer, ratioMax]) => ['sojourn', 'stream'].map((subject) => ({ subject, column: 'CPU us', peer, ratioMax })));
}

// One broadcast session: messages one by one, then bursts of 16, over the same connections.
function fanout(members, singles, bursts) {
  return {
    takesPart: everybody,
    async measure(name) {
      const [single, burst] = await loadSessions(name, 1, 'fanout', { members, runs: `1x${singles},16x${bursts}` });
      return { single, burst };
    },
    tables: [
      { title: `one message to ${members} members, one at a time`, of: (figures) => figures.single, columns: deliveryColumns, goals: fanoutGoals(1) },
      { title: `bursts of 16 messages to ${members} members`, of: (figures) => figures.burst, columns: deliveryColumns, goals: fanoutGoals(16) },
    ],
  };
}

function small(seconds) {
  return {
    takesPart: everybody,
    measure: async (name) => (await loadSessions(name, 2000, 'small', { from: 2, to: 5, rate: 6000, seconds }))[0],
    tables: [{
      title: '2,000 sessions of 2 to 5 members, 6,000 messages/s in',
      columns: { ...deliveryColumns, 'written late us': (figures) => figures.written_late_us },
      goals: ['sojourn', 'stream'].map((subject) => ({ subject, column: 'p99 us', most: 1000 })),
    }],
  };
}

export function slow(members, stalled, bursts, options = {}, more = []) {
  return {
    takesPart: ['sojourn', 'stream'],
    measure: async (name) => (await loadSessions(name, 1, 'slow', { members, stalled, fill: 50, bursts, ...options }, more))[0],
    tables: [{
      title: `bursts of 16 to ${members} members beside ${stalled} stalled ones`,
      columns: {
        'p99 us without': (figures) => figures.without.p99_us,
        'p99 us with': (figures) => figures.with.p99_us,
        'p99 ratio': (figures) => figures.with.p99_us / figures.without.p99_us,
        'RSS growth MiB': (figures) => (figures.with.rss_most - figures.with.rss_before) / 2 ** 20,
        'ended by the server': (figures) => figures.with.ended,
      },
      goals: ['sojourn', 'stream'].flatMap((subject) => [
        { subject, column: 'p99 ratio', most: 1.2 },
        { subject, column: 'RSS growth MiB', most: 256 },
      ]),
    }],
  };
}

function idle(members, seconds) {
  return {
    takesPart: ['sojourn', 'stream', 'memory', 'ws', 'socketio'],
    measure: async (name) => (await loadSessions(name, 1, 'idle', { members, seconds }))[0],
    tables: [{
      title: `${members} idle members of one session, pinged each 25 s`,
      columns: {
        'resident B each': (figures) => figures.rss_each,
        'CPU us each and second': (figures) => figures.cpu_us,
        'pings seen': (figures) => figures.pings,
        'join CPU us': (figures) => figures.join_us,
        'resident MiB': (figures) => figures.rss / 2 ** 20,
      },
      goals: ['sojourn', 'stream'].flatMap((subject) => [
        { subject, column: 'resident B each', most: 1536 },
        { subject, column: 'CPU us each and second', most: 1 },
      ]),
    }],
  };
}

async function makeDocumented(server) {
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: documented.replace('*', '0') };
  return (await (await askSojourn(server, '/api/v1/sessions', request)).json()).session_id;
}

function rest(requests) {
  return {
    takesPart: ['sojourn', 'nginx'],
    measure: (name) => withServer(subjects.sojourn.start, async (sojourn, folder) => {
      const path = `/api/v1/sessions/${await makeDocumented(sojourn)}`;
      const targets = writeTargets(folder, [path]);
      const ask = async (server) => (await load(server, folder, 'get', { targets, lanes: 64, count: requests }))[0];
      if (name === 'sojourn') return ask(sojourn);
      const answer = await askSojourn(sojourn, path);
      return withServer((own) => startNginxLike(answer, own), ask);
    }),
    tables: [{
      title: 'GET of one session over 64 keep-alive connections',
      columns: {
        'CPU us': (figures) => figures.cpu_us,
        'p50 us': (figures) => figures.p50_us,
        'p99 us': (figures) => figures.p99_us,
        'requests/s': (figures) => figures.per_s,
        'body B': (figures) => figures.body_bytes,
      },
      goals: [{ subject: 'sojourn', column: 'CPU us', peer: 'nginx', ratioMax: 1 }],
    }],
  };
}

function many(few, sessions) {
  return {
    takesPart: ['sojourn', 'memory'],
    measure: (name) => withServer(subjects[name].start, async (server, folder) => {
      const options = { lanes: 8, few, sessions, body: documented };
      return (await load(server, folder, 'many', options))[0];
    }),
    tables: [{
      title: `${sessions} sessions made over REST; a list page of 50 and a get among them and among ${few}`,
      columns: {
        'B each': (figures) => figures.bytes_each,
        'create CPU us': (figures) => figures.cpu_us,
        'list us': (figures) => figures.list_many.p50_us,
        'list ratio': (figures) => figures.list_many.p50_us / figures.list_few.p50_us,
        'list CPU ratio': (figures) => figures.list_many.cpu_us / figures.list_few.cpu_us,
        'get us': (figures) => figures.get_many.p50_us,
        'get ratio': (figures) => figures.get_many.p50_us / figures.get_few.p50_us,
        'get CPU ratio': (figures) => figures.get_many.cpu_us / figures.get_few.cpu_us,
        'resume us': (figures) => figures.resume_many.p50_us,
        'resume p99 us': (figures) => figures.resume_many.p99_us,
        'resume CPU us': (figures) => figures.resume_many.cpu_us,
      },
      goals: [
        ...['list ratio', 'get ratio'].map((column) => ({ subject: 'sojourn', column, most: 1.5 })),
        { subject: 'sojourn', column: 'resume us', most: 1000 },
      ],
    }],
  };
}

function cycle(cycles) {
  return {
    takesPart: ['sojourn', 'memory', 'express'],
    measure: (name) => withServer(subjects[name].start, async (server, folder) =>
      (await load(server, folder, 'cycle', { lanes: 32, rounds: cycles, body: documented }))[0]),
    tables: [{
      title: 'a session made, read and ended over REST, 32 keep-alive connections',
      columns: {
        'CPU us': (figures) => figures.cpu_us,
        'cycles/s': (figures) => figures.per_s,
      },
      goals: [{ subject: 'sojourn', column: 'CPU us', peer: 'express', ratioMax: 0.25 }],
    }],
  };
}

function expiry(sessions, idleMinutes) {
  const idleMs = idleMinutes * 60_000;
  return {
    takesPart: ['sojourn'],
    measure: async (name) => (await loadSessions(name, 100, 'expiry',
      { sessions, idle: idleMs, hold: 4000, rate: 2000, body: '{"session_type":"brief"}' },
      ['--sessions.idle_minutes', String(idleMinutes)]))[0],
    tables: [{
      title: `${sessions} sessions expire beside 2,000 messages/s; a client that pings`,
      columns: {
        'longest pause ms': (figures) => figures.max_us / 1000,
        'ping p99 us': (figures) => figures.p99_us,
        'delivery p99 us': (figures) => figures.deliveries.p99_us,
        'written late us': (figures) => figures.written_late_us,
        'made within s': (figures) => figures.create_s,
      },
      goals: [{ subject: 'sojourn', column: 'longest pause ms', most: 20 }],
    }],
  };
}

export function makeCases(quick) {
  return quick
    ? {
      fanout_1000: fanout(1000, 30, 4),
      fanout_10000: fanout(2000, 10, 1),
      small: small(1),
      slow: slow(300, 300, 200),
      idle: idle(1500, 2),
      rest: rest(10_000),
      many: many(1000, 20_000),
      cycle: cycle(5),
      expiry: expiry(10_000, 0.05),
    }
    : {
      fanout_1000: fanout(1000, 200, 20),
      fanout_10000: fanout(10_000, 25, 2),
      small: small(5),
      slow: slow(1000, 1000, 500),
      idle: idle(10_000, 25),
      rest: rest(150_000),
      many: many(2000, 200_000),
      cycle: cycle(40),
      expiry: expiry(100_000, 0.2),
    };
}
