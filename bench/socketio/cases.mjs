// What bench/socketio.mjs measures: each case says which server of a subject it is for, what the load does with it, and
// which figures stand in the table with which goals.

const socket = '/socket.io/?EIO=4&transport=websocket';
const mib = 2 ** 20;

// The app of the echoes tells each client its auth once it is connected.
const greeted = { target: socket, welcome: '42["auth"' };

// `quick` takes two to three minutes, the rest about twenty.
export function makePlan(quick) {
  return quick
    ? {
      echo: { rounds: 2, ms: 2000, warmup: 1500 },
      idle: { rounds: 1, settle: 1000, hold: 1000 },
      broadcast: { rounds: 1, fill: 3000, ms: 8000 },
    }
    : {
      echo: { rounds: 5, ms: 5000, warmup: 3000 },
      idle: { rounds: 3, settle: 1500, hold: 27_000 },
      broadcast: { rounds: 3, fill: 3000, ms: 17_000 },
    };
}

function echoRows(ratioMin) {
  return [
    { name: 'echoes for each second of server CPU', unit: '/s', of: (f) => f.per_cpu_s, more: true, ratioMin },
    { name: 'the same: server CPU of each', unit: 'us', of: (f) => f.cpu_us },
    { name: 'the same: p50', unit: 'us', of: (f) => f.p50_us },
    { name: 'the same: p99', unit: 'us', of: (f) => f.p99_us },
    { name: 'the same: each second', unit: '/s', of: (f) => f.per_s, more: true },
    { name: 'the same: the server was busy', unit: '%', of: (f) => f.server_share * 100 },
    { name: 'the same: the load was busy', unit: '%', of: (f) => f.load_share * 100 },
  ];
}

function idleRows(clients) {
  return [
    { name: `resident for each of ${clients} idle clients`, unit: 'B', of: (f) => f.rss_each, ratioMax: 0.1 },
    { name: 'the same after a full garbage collection', unit: 'B', of: (f) => f.rss_each_collected },
    { name: 'the same: resident in all', unit: 'MiB', of: (f) => f.rss / mib },
    { name: 'the same: server CPU to join', unit: 'us', of: (f) => f.join_us },
    { name: 'the same: server CPU each and second', unit: 'us', of: (f) => f.idle_us },
  ];
}

const broadcastRows = [
  { name: 'p99 to 50 that read', unit: 'ms', of: (f) => f.without.p99_us / 1000 },
  { name: 'the same beside 1,000 that do not', unit: 'ms', of: (f) => f.beside.p99_us / 1000 },
  { name: 'the same: times that without them', unit: '', of: (f) => f.beside.p99_us / f.without.p99_us, most: 1.2 },
  { name: 'p50 to 50 that read', unit: 'ms', of: (f) => f.without.p50_us / 1000 },
  { name: 'the same beside 1,000 that do not', unit: 'ms', of: (f) => f.beside.p50_us / 1000 },
  { name: 'resident: growth at most', unit: 'MiB', of: (f) => (f.beside.rss_most - f.beside.rss_before) / mib, most: 256 },
  { name: 'resident at most', unit: 'MiB', of: (f) => f.beside.rss_most / mib },
  { name: 'clients that the server gave up', unit: '', of: (f) => f.ended },
  { name: 'the server was busy', unit: '%', of: (f) => f.without.server_share * 100 },
  { name: 'the same beside them', unit: '%', of: (f) => f.beside.server_share * 100 },
  { name: 'messages that never came', unit: '', of: (f) => f.without.missing + f.beside.missing, most: 0 },
  { name: 'written late, at most', unit: 'ms', of: (f) => Math.max(f.without.late_us, f.beside.late_us) / 1000 },
];

function idle(plan, clients) {
  return {
    title: `${clients} idle clients on WebSockets, pinged each 25 s`,
    server: 'echo', mode: 'idle', rounds: plan.idle.rounds, options: { ...plan.idle, clients, script: greeted }, rows: idleRows(clients),
  };
}

export function makeCases(plan) {
  const echoes = { ...plan.echo, clients: 50, script: greeted };
  return {
    echo: {
      title: '50 clients on WebSockets, the next message when the last is back',
      server: 'echo', mode: 'echo', rounds: plan.echo.rounds, options: { ...echoes, burst: 1 }, rows: echoRows(2.5),
    },
    burst: {
      title: '50 clients on WebSockets, 16 messages in one write',
      server: 'echo', mode: 'echo', rounds: plan.echo.rounds, options: { ...echoes, burst: 16 }, rows: echoRows(10),
    },
    polling: {
      title: '50 clients that poll, the next message when the last is back',
      server: 'echo', mode: 'polling', rounds: plan.echo.rounds, options: echoes, rows: echoRows(3),
    },
    idle_2000: idle(plan, 2000),
    idle_10000: idle(plan, 10_000),
    broadcast: {
      title: '100 messages/s of 2,000 B to 50 clients that read (10 MB/s), beside 1,000 that do not',
      server: 'rooms', mode: 'broadcast', rounds: plan.broadcast.rounds, rows: broadcastRows,
      options: { ...plan.broadcast, warmup: 1000, clients: 50, stalled: 1000, size: 2000, rate: 100 },
    },
  };
}
