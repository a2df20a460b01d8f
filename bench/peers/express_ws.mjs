// The kind of server that the first door's document describes, to measure against: Express for the
// REST part, ws for the sockets, a Map of sessions. Same routes and JSON shapes, nothing else.
// Prints `Listening on http://127.0.0.1:PORT`; SIGUSR2 collects garbage when run with --expose-gc.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import express from 'express';
import { WebSocketServer } from 'ws';

const sessions = new Map();

const app = express();
app.use((request, response, next) => {
  response.setHeader('Access-Control-Allow-Origin', '*');
  next();
});
app.use(express.json());

function describe({ sessionId, connectedAt, lastSeen, userAgent }) {
  return { sessionId, connectedAt, lastSeen, userAgent };
}

function findSession(request, response, next) {
  request.session = sessions.get(request.params.sessionId);
  if (!request.session) return response.status(404).json({ error: 'Session not found' });
  next();
}

app.get('/api/websocket/sessions', (request, response) => {
  const list = Array.from(sessions.values(), (session) => ({ ...describe(session), ip: session.ip }));
  response.json({ count: list.length, sessions: list });
});

app.get('/api/websocket/sessions/:sessionId', findSession, (request, response) => {
  response.json(describe(request.session));
});

app.post('/api/websocket/sessions/:sessionId/message', findSession, (request, response) => {
  const { sessionId, ws } = request.session;
  if (ws.readyState !== ws.OPEN) return response.status(503).json({ error: 'Session is not connected' });
  const { type = 'message', data } = request.body;
  ws.send(JSON.stringify({ type, data, from: 'server', timestamp: Date.now() }));
  response.json({ success: true, sessionId, message: 'Message sent successfully', timestamp: Date.now() });
});

app.delete('/api/websocket/sessions/:sessionId', findSession, (request, response) => {
  const { sessionId, ws } = request.session;
  sessions.delete(sessionId);
  ws.close();
  response.json({ success: true, sessionId, message: 'Session closed successfully' });
});

app.use((request, response) => response.status(404).json({ error: 'Endpoint not found' }));
app.use((error, request, response, next) => response.status(400).json({ error: 'Invalid message format' }));

const server = createServer(app);
const sockets = new WebSocketServer({ server, path: '/ws' });

function receive(session, bytes) {
  const { sessionId, ws } = session;
  session.lastSeen = new Date().toISOString();
  const timestamp = Date.now();
  let message = null;
  try {
    message = JSON.parse(bytes);
  } catch {
    // Answered below, as JSON null is.
  }
  if (message === null) {
    ws.send(JSON.stringify({ type: 'error', sessionId, message: 'Invalid JSON', timestamp }));
  } else if (message.type === 'ping') {
    ws.send(JSON.stringify({ type: 'pong', sessionId, timestamp }));
  } else {
    ws.send(JSON.stringify({ type: 'echo', sessionId, data: message, timestamp }));
  }
}

sockets.on('connection', (ws, request) => {
  const sessionId = `ext_${randomUUID().replace(/-/g, '').substring(0, 12)}`;
  const connectedAt = new Date().toISOString();
  const session = {
    sessionId,
    connectedAt,
    lastSeen: connectedAt,
    userAgent: request.headers['user-agent'] ?? 'Unknown',
    ip: request.socket.remoteAddress ?? 'Unknown',
    ws,
  };
  sessions.set(sessionId, session);
  const message = 'WebSocket connection established successfully';
  ws.send(JSON.stringify({ type: 'connected', sessionId, message, timestamp: Date.now() }));
  ws.on('message', (bytes) => receive(session, bytes));
  ws.on('close', () => sessions.delete(sessionId));
  ws.on('error', () => ws.terminate());
});

process.on('SIGUSR2', () => globalThis.gc?.());
process.on('SIGTERM', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}`);
});
