// Rooms on ws, the way its users write them: members of a room asked for the same path, a message goes to
// every one of them as the one buffer that came, and a heartbeat as in the package's own documentation.
// Prints `Listening on http://127.0.0.1:PORT`.

import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const pingMs = 25_000;
const rooms = new Map();
const server = createServer();
const sockets = new WebSocketServer({ server });

function leave(room, name, ws) {
  room.delete(ws);
  if (room.size === 0) rooms.delete(name);
}

sockets.on('connection', (ws, request) => {
  const name = request.url;
  if (!rooms.has(name)) rooms.set(name, new Set());
  const room = rooms.get(name);
  room.add(ws);
  ws.isAlive = true;
  ws.on('pong', () => { ws.isAlive = true; });
  ws.on('message', (data) => {
    for (const member of room) {
      if (member.readyState === member.OPEN) member.send(data, { binary: false });
    }
  });
  ws.on('close', () => leave(room, name, ws));
  ws.on('error', () => ws.terminate());
});

setInterval(() => {
  for (const ws of sockets.clients) {
    if (!ws.isAlive) {
      ws.terminate();
      continue;
    }
    ws.isAlive = false;
    ws.ping();
  }
}, pingMs);

process.on('SIGTERM', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}`);
});
