import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import vm from 'node:vm';
import { io } from 'socket.io-client';
import { root } from './load.mjs';
import { buildMonitor, openServer, quietSocket, temporary, until } from './monitor_stage.mjs';

const run = promisify(execFile);
const modules = path.join(root, '../../node_modules');
const require = createRequire(import.meta.url);

/** The built folder as a package installed beside others: {folder, monitor}. */
async function install(t, ...packages) {
  const folder = await temporary(t);
  const installed = path.join(folder, 'node_modules/sojourn-client');
  await mkdir(installed, { recursive: true });
  await copyFile(path.join(root, 'package.json'), path.join(installed, 'package.json'));
  for (const name of packages) await symlink(path.join(modules, name), path.join(folder, 'node_modules', name));
  return { folder, monitor: await buildMonitor(t, path.join(installed, 'dist/monitor')) };
}

test('the folder has the script, the module, the types of the module, the example and what it says about itself', async (t) => {
  assert.deepEqual((await readdir(await buildMonitor(t))).sort(),
    ['README.md', 'example-usage.js', 'package.json', 'session_monitor.d.mts', 'session_monitor.js', 'session_monitor.mjs']);
});

test('as a classic script it leaves one global behind, which monitors', async (t) => {
  const script = await readFile(path.join(await buildMonitor(t), 'session_monitor.js'), 'utf8');
  const page = vm.createContext({ socket: quietSocket(), console, setTimeout, clearTimeout, setInterval, clearInterval });
  const before = Object.keys(page);
  vm.runInContext(script, page);
  assert.deepEqual(Object.keys(page).filter((name) => !before.includes(name)), ['SessionMonitor']);
  vm.runInContext('var monitor = new SessionMonitor(socket, { pingInterval: 15000 }).start("t1")', page);
  assert.deepEqual(JSON.parse(JSON.stringify(page.socket.emitted)), [['register_session', { thread_id: 't1' }]]);
  assert.equal(vm.runInContext('monitor.stop() === monitor && monitor.constructor.name', page), 'SessionMonitor');
});

test('CommonJS takes it both ways, with or without the package around it, and modules do too', async (t) => {
  const folder = await buildMonitor(t);
  await mkdir(path.join(folder, 'alone'));
  await copyFile(path.join(folder, 'session_monitor.js'), path.join(folder, 'alone/session_monitor.cjs'));
  for (const file of ['session_monitor.js', 'alone/session_monitor.cjs']) {
    const SessionMonitor = require(path.join(folder, file));
    const { SessionMonitor: named } = require(path.join(folder, file));
    assert.equal(named, SessionMonitor, file);
    assert.equal(new SessionMonitor(quietSocket()).start('t1').thread_id, 't1', file);
    const imported = await import(pathToFileURL(path.join(folder, file)));
    assert.deepEqual([imported.default, imported.SessionMonitor], [SessionMonitor, SessionMonitor], file);
  }
  const module = await import(pathToFileURL(path.join(folder, 'session_monitor.mjs')));
  assert.deepEqual([Object.keys(module).sort(), module.default], [['SessionMonitor', 'default'], module.SessionMonitor]);
});

test('it depends on nothing, and none of it is in the package\'s other entry', async (t) => {
  const folder = await buildMonitor(t);
  for (const name of ['session_monitor.js', 'session_monitor.mjs']) {
    assert.doesNotMatch(await readFile(path.join(folder, name), 'utf8'), /\brequire\(|\bimport\b/, name);
  }
  assert.doesNotMatch(await readFile(path.join(root, 'src/index.ts'), 'utf8'), /monitor/);
});

test('its types take the sockets of socket.io-client, in a module as in CommonJS', async (t) => {
  const tsc = path.join(modules, 'typescript/bin/tsc');
  const { folder, monitor } = await install(t, 'socket.io-client', '@socket.io', 'engine.io-client', 'engine.io-parser', 'socket.io-parser');
  await run(process.execPath, [tsc, '-p', path.join(root, 'tsconfig.monitor.json'), '--outDir', monitor]);
  const use = `
    interface Heard { session_registered: (said: { session_id: string }) => void }
    interface Said { chat: (text: string) => void }
    const typed: Socket<Heard, Said> = io('http://localhost:5001');
    const monitor: SessionMonitor = new SessionMonitor(typed, { thread_id: 'a', pingInterval: 15000, debug: true });
    const started: SessionMonitor | undefined = new SessionMonitor(io()).start();
    const transport: string | null = monitor.start('b').stop().transport;
    new Default(io(), { reconnectAttempts: 2 });
    // @ts-expect-error not a socket
    new SessionMonitor({ connected: true });
    // @ts-expect-error not an option
    new SessionMonitor(typed, { pingIntervall: 1 });
    export { started, transport };`;
  const imports = "import { io, type Socket } from 'socket.io-client';\nimport Default, { SessionMonitor } from 'sojourn-client/session-monitor';";
  for (const name of ['use.mts', 'use.cts']) await writeFile(path.join(folder, name), imports + use);
  const strict = ['--strict', '--noEmit', '--module', 'node16', '--target', 'es2022', '--skipLibCheck', '--exactOptionalPropertyTypes', '--lib', 'es2022,dom'];
  const { stdout } = await run(process.execPath, [tsc, ...strict, 'use.mts', 'use.cts'], { cwd: folder }).catch((error) => error);
  assert.equal(stdout, '');
});

test('its ping timer keeps no program of Node running', async (t) => {
  const folder = await buildMonitor(t);
  const program = `
    const SessionMonitor = require('./session_monitor.js');
    const heard = {};
    const socket = { connected: true, on: (event, run) => { heard[event] = run; }, off() {}, emit: (event) => console.log(event) };
    new SessionMonitor(socket, { pingInterval: 60000 }).start('t1');
    heard.session_registered({ session_id: 's' });`;
  const { stdout } = await run(process.execPath, ['-e', program], { cwd: folder, timeout: 10_000 });
  assert.equal(stdout, 'register_session\n');
});

test('the example does its work in Node, prints what comes, and ends', async (t) => {
  const [server, { monitor }] = await Promise.all([openServer(t), install(t, 'socket.io-client')]);
  const { stdout } = await run(process.execPath, ['example-usage.js', server.url, 't9', 'How are you'], { cwd: monitor, timeout: 10_000 });
  assert.deepEqual(server.asked, [{ user_input: 'How are you', thread_id: 't9', use_websocket: true }]);
  assert.deepEqual(server.registered.map(({ thread_id }) => thread_id), ['t9']);
  const lines = stdout.split('\n');
  assert.ok(lines.includes('analysis_update {"type":"analysis","content":"How are you?","complete":true}'), stdout);
  assert.deepEqual(lines.filter((line) => line.startsWith('message ')), ['message one', 'message two']);
  assert.ok(lines.includes('[SessionMonitor] Stopped for thread t9'), stdout);
});

test('the example says what is wrong, and fails', async (t) => {
  const [server, { monitor }] = await Promise.all([openServer(t), install(t, 'socket.io-client')]);
  server.io.use((_, next) => next(new Error('no entry')));
  await assert.rejects(run(process.execPath, ['example-usage.js', server.url], { cwd: monitor, timeout: 10_000 }), { code: 1, stderr: 'error: no entry\n' });
});

test('the example does its work as a script of a page', async (t) => {
  const [server, folder] = await Promise.all([openServer(t), buildMonitor(t)]);
  const printed = [];
  const page = vm.createContext({
    io, fetch, TextDecoder, setTimeout, clearTimeout, setInterval, clearInterval, console: { log: (...words) => printed.push(words.join(' ')) },
    document: { currentScript: { dataset: { server: server.url, thread: 't3', say: 'Hello' } } },
  });
  page.window = page;
  let leave;
  page.addEventListener = (event, run) => { if (event === 'pagehide') leave = run; };
  for (const name of ['session_monitor.js', 'example-usage.js']) vm.runInContext(await readFile(path.join(folder, name), 'utf8'), page);
  assert.equal(typeof page.startConversation, 'function');
  await until(() => printed.includes('message two'), 'the answer');
  assert.ok(printed.includes('analysis_update {"type":"analysis","content":"Hello?","complete":true}'), printed.join('\n'));
  assert.equal(server.io.sockets.sockets.size, 1, 'it goes on');
  leave();
  await until(() => server.io.sockets.sockets.size === 0, 'it leaves with the page');
});
