// The sessions API as the extension uses it; the words are the API's, the work is the client library's.
import { SojournClient, SojournError, type CreatedSession, type QueryAnswer, type QueryOptions, type Session } from 'sojourn-client/source';

export const timeoutMinutes = 60;
export const sessionType = 'troubleshooting';

/** Opens the session of this client, or finds it again. */
export function createSession(url: string, clientId: string): Promise<CreatedSession> {
  return new SojournClient({ url }).sessions.create({ clientId, timeoutMinutes, sessionType });
}

/** Tells whether the server knows the session, and starts its idle time anew. Throws when the server can't be asked. */
export async function validateSession(url: string, sessionId: string): Promise<boolean> {
  try {
    // A heartbeat and not a GET: what an extension's page reads carries no origin, and a server refuses that.
    await new SojournClient({ url }).sessions.heartbeat(sessionId);
    return true;
  } catch (error) {
    if (isSessionLost(error)) return false;
    throw error;
  }
}

export function deleteSession(url: string, sessionId: string): Promise<void> {
  return new SojournClient({ url }).sessions.delete(sessionId);
}

/** Follows the session from its beginning on, or from the cursor `since`. */
export function joinSession(url: string, sessionId: string, since = '0'): Promise<Session> {
  return new SojournClient({ url }).join(sessionId, { since });
}

/** Asks in the session and waits for the answer, however long that takes. */
export function processQuery(session: Session, query: string, options?: QueryOptions): Promise<QueryAnswer> {
  return session.query(query, options);
}

/** True for the ways in which a server says that it has no such session, or none any more. */
export function isSessionLost(error: unknown): boolean {
  const status = error instanceof SojournError ? error.status : 0;
  return status === 404 || status === 410 || /session not found|session expired|invalid session/i.test(reasonOf(error));
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
