// Rooms on socket.io, on its WebSocket transport and with its defaults: members of a room asked for it in the
// query, and what one of them emits as `m` goes to all of them.
// Prints `Listening on http://127.0.0.1:PORT`.

import { createServer } from 'node:http';
import { Server } from 'socket.io';

const server = createServer();
const io = new Server(server, { transports: ['websocket'], serveClient: false });

io.on('connection', (socket) => {
  const { room } = socket.handshake.query;
  socket.join(room);
  socket.on('m', (message) => io.to(room).emit('m', message));
});

process.on('SIGTERM', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}`);
});
