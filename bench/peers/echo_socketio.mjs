// The app that Socket.IO servers are tested with, on socket.io and with its defaults: what comes as `message` goes back
// as `message-back`, `message-with-ack` is acknowledged with its arguments, and whoever connects is told its auth.
// Prints `Listening on http://127.0.0.1:PORT`; SIGUSR2 collects garbage when run with --expose-gc.

import { createServer } from 'node:http';
import { Server } from 'socket.io';

const server = createServer();
const io = new Server(server, { pingInterval: 25_000, pingTimeout: 20_000, maxHttpBufferSize: 1_000_000, serveClient: false });

function greet(socket) {
  socket.emit('auth', socket.handshake.auth);
  socket.on('message', (...values) => socket.emit('message-back', ...values));
  socket.on('message-with-ack', (...values) => {
    const acknowledge = values.pop();
    acknowledge(...values);
  });
}

io.on('connection', greet);
io.of('/custom').on('connection', greet);

process.on('SIGUSR2', () => globalThis.gc?.());
process.on('SIGTERM', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}`);
});
