#!/usr/bin/env node
// The npm servers engine.io, socket.io and ws with the profile of sojourn-conformance and its command line, so that
// the conformance tests and the benchmarks run against both: SOJOURN_CONFORMANCE=tests/e2e/reference_socket_io.mjs.
import { createServer } from 'node:http';
import { Server as EngineServer } from 'engine.io';
import { Server as SocketServer } from 'socket.io';
import { WebSocketServer } from 'ws';

const args = process.argv.slice(2);
const option = (name, otherwise) => (args.includes(name) ? args[args.indexOf(name) + 1] : otherwise);
const address = option('--listen', '127.0.0.1:0');
const [pingInterval, pingTimeout] = option('--ping', '300/200').split('/').map(Number);
const deflate = args.includes('--compress');
const profile = {
  pingInterval,
  pingTimeout,
  maxHttpBufferSize: 1_000_000,
  allowEIO3: args.includes('--eio3'),
  perMessageDeflate: deflate,
  httpCompression: deflate,
  destroyUpgrade: false, // each path of an upgrade is somebody's, and the last handler takes the rest
};

const http = createServer((request, response) => {
  response.writeHead(404, { 'Content-Type': 'application/json' });
  response.end('{"error":"not found"}');
});

const engine = new EngineServer(profile);
engine.attach(http, { ...profile, path: '/engine.io/' });
engine.on('connection', (socket) => socket.on('message', (message) => socket.send(message)));

const io = new SocketServer(http, { ...profile, path: '/socket.io/', connectTimeout: 1000 });
for (const namespace of [io.of('/'), io.of('/custom')]) {
  namespace.on('connection', (socket) => {
    socket.emit('auth', socket.handshake.auth);
    socket.on('message', (...values) => socket.emit('message-back', ...values));
    socket.on('message-with-ack', (...values) => values.pop()(...values));
  });
}

const echo = new WebSocketServer({ noServer: true, maxPayload: 16 * 1024 * 1024, perMessageDeflate: deflate });
http.on('upgrade', (request, socket, head) => {
  const { pathname } = new URL(request.url, 'http://here');
  if (pathname === '/echo') {
    echo.handleUpgrade(request, socket, head, (ws) => {
      ws.on('error', () => {});
      ws.on('message', (message, isBinary) => ws.send(message, { binary: isBinary }));
    });
  } else if (!/^\/(engine|socket)\.io\//.test(pathname)) {
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  }
});

const colon = address.lastIndexOf(':');
http.listen(Number(address.slice(colon + 1)), address.slice(0, colon), () => {
  console.log(`Listening on http://${address.slice(0, colon)}:${http.address().port}`);
});
process.on('SIGTERM', () => process.exit(0));
