// The server's own objects, with the names that docs/API.md explains.

export interface CreatedSession {
  session_id: string;
  user_id: string;
  client_id: string | null;
  kind: string;
  created_at: string;
  expires_at: string | null;
  status: string;
  session_type: string;
  /** True if the session was there already under this `client_id`. */
  session_resumed: boolean;
  timeout_minutes: number;
  message: string;
}

export interface SessionInfo extends Omit<CreatedSession, 'message'> {
  last_activity: string;
  connections: number;
  cursor: string;
  revision: number;
  metadata: Record<string, unknown>;
}

export interface SessionList {
  sessions: (Pick<SessionInfo, 'session_id' | 'user_id' | 'client_id' | 'kind' | 'created_at' | 'last_activity' | 'status' | 'session_type' | 'connections'>)[];
  total_count: number;
  limit: number;
  offset: number;
}

export interface Heartbeat {
  session_id: string;
  status: string;
  last_activity: string;
  expires_at: string;
  message: string;
}

/** One entry of a session's log, or a volatile event, which has no `seq` and no `cursor`. */
export interface SessionEvent<Data = any> {
  type: string;
  seq?: number;
  /** The first of several that this one stands for. */
  first_seq?: number;
  cursor?: string;
  at?: string;
  /** The connection that caused it. */
  from?: string;
  user?: string;
  request_id?: string;
  /** The tool of a `session.call` or `session.result`. */
  name?: string;
  volatile?: boolean;
  data?: Data;
}

/** Events are missing here: `session.gap` as the server says it, or as the client says it of a reader that was too slow. */
export interface GapEvent extends SessionEvent {
  type: 'session.gap';
  /** Where the server could not go on. */
  since?: string;
  /** How many a reader's buffer could not keep; absent when the server does not have them any more. */
  dropped?: number;
}

export interface Member {
  connection_id: string;
  user: string;
  since?: string;
  transport?: string;
}

export interface QueryAnswer {
  query_id: string;
  session_id: string;
  query: string;
  answer: string;
  findings?: unknown[];
  root_cause?: unknown;
  recommendations?: unknown[];
  confidence_score?: number | null;
  next_steps?: unknown[];
  sources?: unknown[];
  [more: string]: unknown;
}
