// Load for Socket.IO servers, a process of its own beside the server: runs one mode and prints its figures as one line of
// JSON. bench/socketio.mjs starts it:
//   node load.mjs echo|polling|idle|broadcast '{"port":1234,"pid":5678,...}'

import { measureBroadcast } from './broadcast.mjs';
import { measureEcho, measurePolling } from './echo.mjs';
import { measureIdle } from './idle.mjs';

const modes = { echo: measureEcho, polling: measurePolling, idle: measureIdle, broadcast: measureBroadcast };
const [, , mode, options] = process.argv;

// Whoever started it is gone: so goes what it holds.
process.stdin.resume().once('end', () => process.exit(1));
process.once('SIGTERM', () => process.exit(0));
const figures = await modes[mode](JSON.parse(options));
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
