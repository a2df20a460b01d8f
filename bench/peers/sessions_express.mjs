// The kind of server that the sessions API's document describes, to measure against: Express and two Maps, no log, no
// events, no expiry but a time. Same routes, the same members in its answers.
// Prints `Listening on http://127.0.0.1:PORT`.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import express from 'express';

const sessions = new Map();
const clients = new Map();

const app = express();
app.use((request, response, next) => {
  const id = request.get('x-request-id') ?? randomUUID();
  response.setHeader('X-Request-ID', id);
  response.setHeader('X-Correlation-ID', request.get('x-correlation-id') ?? id);
  next();
});
app.use(express.json());

function isWrong({ client_id: clientId, timeout_minutes: minutes, metadata }) {
  return (clientId !== undefined && (typeof clientId !== 'string' || clientId.length < 1 || clientId.length > 255))
    || (minutes !== undefined && (!Number.isInteger(minutes) || minutes < 1 || minutes > 1440))
    || (metadata !== undefined && (typeof metadata !== 'object' || metadata === null));
}

function touch(session) {
  session.last_activity = new Date();
  session.expires_at = new Date(session.last_activity.getTime() + session.timeout_minutes * 60_000);
}

function findSession(request, response, next) {
  request.session = sessions.get(request.params.id);
  if (!request.session) return response.status(404).json({ detail: `Session not found: ${request.params.id}` });
  touch(request.session);
  next();
}

app.post('/api/v1/sessions', (request, response) => {
  const wish = request.body ?? {};
  if (isWrong(wish)) return response.status(422).json({ detail: [{ msg: 'wrong' }] });
  const owner = request.query.user_id ?? 'local';
  const alias = wish.client_id === undefined ? undefined : `${owner}\0${wish.client_id}`;
  let session = alias && clients.get(alias);
  const resumed = Boolean(session);
  if (!session) {
    session = {
      session_id: randomUUID(), user_id: owner, client_id: wish.client_id ?? null, created_at: new Date(),
      session_type: wish.session_type ?? 'troubleshooting', timeout_minutes: wish.timeout_minutes ?? 60,
      metadata: wish.metadata ?? {}, alias,
    };
    sessions.set(session.session_id, session);
    if (alias) clients.set(alias, session);
  }
  touch(session);
  response.status(201).location(`/api/v1/sessions/${session.session_id}`).json({
    session_id: session.session_id, user_id: session.user_id, client_id: session.client_id, kind: 'shared',
    created_at: session.created_at, expires_at: session.expires_at, status: 'active', session_type: session.session_type,
    session_resumed: resumed, timeout_minutes: session.timeout_minutes,
    message: `Session ${resumed ? 'resumed' : 'created'} successfully`,
  });
});

app.get('/api/v1/sessions/:id', findSession, (request, response) => {
  const { session } = request;
  response.json({
    schema_version: '3.1.0', session_id: session.session_id, user_id: session.user_id, client_id: session.client_id,
    kind: 'shared', created_at: session.created_at, expires_at: session.expires_at, status: 'active',
    session_type: session.session_type, last_activity: session.last_activity, timeout_minutes: session.timeout_minutes,
    connections: 0, metadata: { ...session.metadata, last_activity: session.last_activity, data_uploads_count: 0, case_history_count: 0 },
    session_resumed: false,
  });
});

app.delete('/api/v1/sessions/:id', findSession, (request, response) => {
  sessions.delete(request.session.session_id);
  if (request.session.alias) clients.delete(request.session.alias);
  response.status(204).end();
});

app.use((request, response) => response.status(404).json({ detail: 'Not Found' }));
app.use((error, request, response, next) => response.status(400).json({ detail: 'malformed' }));

const server = createServer(app).listen(0, '127.0.0.1', () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}`);
});
process.on('SIGTERM', () => process.exit(0));
