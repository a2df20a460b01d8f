// What the client is to those who use it. Options are written as JavaScript is, the server's own objects as the server does.
import type {
  CreatedSession, SessionInfo, SessionList, Heartbeat, SessionEvent, Member, QueryAnswer,
} from './records';

export type * from './records';

/** A constructor of sockets, such as a browser's WebSocket or that of `ws`. */
export type SocketConstructor = new (address: string, protocols?: string | string[]) => unknown;

export interface ClientOptions {
  /** The server, with a path if it stands behind a proxy. */
  url?: string;
  /** A user's token or a session token; a function is asked at each request and each connection. */
  token?: string | (() => string | Promise<string>);
  fetch?: typeof fetch;
  /** Needed where there is none: Node before 22. */
  WebSocket?: SocketConstructor;
  /** The `clientId` of sessions that are created without one of their own. */
  clientId?: string;
  /** How fast a connection sends; 80 unless told, which a server bears that allows 100. 0 is as fast as one can. */
  messagesPerSecond?: number;
}

export interface CreateOptions {
  /** The name under which the same user finds the session again. */
  clientId?: string;
  kind?: string;
  timeoutMinutes?: number;
  sessionType?: string;
  metadata?: Record<string, unknown>;
  state?: Record<string, unknown>;
  /** For whom; admins only. */
  userId?: string;
  signal?: AbortSignal;
}

export interface ListOptions {
  kind?: 'shared' | 'extension' | 'all';
  userId?: string;
  sessionType?: string;
  /** `NAME:VALUE`, a member of the metadata. */
  label?: string;
  connected?: boolean;
  limit?: number;
  offset?: number;
}

export interface Sessions {
  /** Opens a session, or finds the one that this user has under the client id. */
  create(options?: CreateOptions): Promise<CreatedSession>;
  get(id: string): Promise<SessionInfo>;
  list(options?: ListOptions): Promise<SessionList>;
  /** Ends it for everybody. */
  delete(id: string): Promise<void>;
  heartbeat(id: string): Promise<Heartbeat>;
}

export type SessionStatus =
  | 'connected'
  /** A socket is being opened. */
  | 'connecting'
  /** The connection was lost; the next attempt comes by itself. */
  | 'waiting'
  | 'ended';

export interface SessionEnd {
  /** `left`, `deleted`, `expired`, `taken_over`, `kicked`, or the code of the error. */
  reason: string;
  /** Set unless the end was a regular one. */
  error?: Error;
}

export interface StateChange {
  set: Record<string, unknown>;
  removed: string[];
  revision: number;
}

/** The session's state, as the events tell it. */
export interface SharedState {
  readonly all: Readonly<Record<string, unknown>>;
  /** Of the last change of any key. */
  readonly revision: number;
  get<T = any>(key: string): T | undefined;
  /** The revision that set this key: exactly, or where several changes came as one or before the join, undefined. */
  revisionOf(key: string): number | undefined;
  /** Calls back after each change, of one key or of any; returns how to stop. */
  subscribe(key: string, changed: (value: any, change: StateChange) => void): () => void;
  subscribe(changed: (change: StateChange) => void): () => void;
  /** All of these give the new revision, once it is stored and `get` shows it. */
  set(key: string, value: unknown): Promise<number>;
  /** Sets the key only if `ifRevision` set it last (0: if it is not there); otherwise a SojournError `precondition_failed` with the present revision. */
  compareAndSet(key: string, value: unknown, ifRevision: number): Promise<number>;
  /** Sets the key to what `change` makes of its value, again and again until nobody else was faster. */
  update<T = any>(key: string, change: (value: T | undefined) => T): Promise<number>;
  /** A JSON merge patch (RFC 7396): null removes. */
  patch(changes: Record<string, unknown>): Promise<number>;
  delete(key: string): Promise<number>;
}

export interface Sent {
  /** Absent when it was volatile. */
  seq?: number;
  cursor?: string;
  /** It was volatile, and there was no connection. */
  dropped?: true;
}

export interface EventsOptions {
  types?: string[];
  signal?: AbortSignal;
  /** Events that wait for a slow reader; the oldest go first and a gap says so. 1000 unless told. */
  buffer?: number;
  /** Throw a SojournError `gap` instead of yielding the gap. */
  throwOnGap?: boolean;
}

export interface ToolCall {
  tool_name: string;
  tool_call_id: string;
  parameters: any;
  user?: string;
}

export interface Question {
  query_id: string;
  query: string;
  session_id: string;
  priority: string;
  context?: any;
  case_id?: string;
  user?: string;
  history: { role: 'user' | 'assistant'; content: string }[];
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal;
}

/** An answer is its text, or the text with what else is known about it. */
export type Answer = string | ({ answer: string } & Record<string, unknown>);

export interface Offer {
  /** What each returns is the result of the call; what it throws is the error. */
  tools?: Record<string, (parameters: any, call: ToolCall) => unknown>;
  /** A generator's pieces are progress; what it returns is the answer, or without that all pieces together. */
  queries?: (question: Question) => Answer | Promise<Answer> | AsyncGenerator<string, Answer | void>;
}

export interface JoinOptions {
  /** Where to go on: the `cursor` of a former life. */
  since?: string;
  /** Offered from the beginning, as by `session.offer`. */
  tools?: Offer['tools'];
  queries?: Offer['queries'];
  /** Gives up joining; later it leaves the session. */
  signal?: AbortSignal;
}

export interface QueryOptions {
  context?: Record<string, unknown>;
  priority?: 'low' | 'normal' | 'medium' | 'high' | 'critical';
  /** Cancels the query for everybody. */
  signal?: AbortSignal;
  /** Called with each new piece of the text, and with all of it so far. */
  onProgress?: (piece: string, text: string) => void;
  /** Called as soon as the server has taken the query. */
  onAccepted?: (queryId: string) => void;
}

/** A session that one is in. It comes back by itself after a drop until it has ended. */
export interface Session {
  readonly id: string;
  /** One's own, as others see it in `from`; changes with each connection. */
  readonly connectionId: string;
  readonly status: SessionStatus;
  /** Of the last event seen: what `since` takes. */
  readonly cursor: string;
  readonly state: SharedState;
  /** Who is in it at present, by connection id. Empty above the server's number of members listed. */
  readonly connections: ReadonlyMap<string, Member>;
  /** Settles when it is over; never rejects. */
  readonly ended: Promise<SessionEnd>;
  /** Every event once and in order, from here on. Ends with the session; throws if that ends with an error. */
  events(options?: EventsOptions): AsyncIterableIterator<SessionEvent>;
  /** `*` is any type. Returns how to stop. */
  on(type: string, heard: (event: SessionEvent) => void): () => void;
  /** Calls back when `status` changes, with the milliseconds to the next attempt while waiting. */
  onStatus(changed: (status: SessionStatus, delayMs?: number) => void): () => void;
  /** Settles when it is stored, or with `volatile` when it went out. */
  send(type: string, data?: unknown, options?: { volatile?: boolean }): Promise<Sent>;
  /** Answers calls and queries of others, also after a reconnect. Replaces what was offered; returns how to take it back. */
  offer(offer: Offer): Promise<() => Promise<void>>;
  /** Has a tool run by whoever offers it. */
  call<T = any>(tool: string, parameters?: unknown): Promise<T>;
  query(text: string, options?: QueryOptions): Promise<QueryAnswer>;
  /** Tries at once instead of at the end of the delay. */
  reconnect(): void;
  /** Goes away; the session stays. */
  leave(): void;
}
