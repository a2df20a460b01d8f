// What can go wrong, as one type: the words are those of the server's error table, and a few of the client's own.

/** Words of the client; the rest are the server's. */
export type ClientCode =
  /** The server can't be reached. */
  | 'unreachable'
  /** The connection was lost, and nothing tells whether the server did it. */
  | 'interrupted'
  /** The session was left, or has ended, before there was an answer. */
  | 'ended'
  /** A newer connection took over, or somebody sent this one away. */
  | 'taken_over' | 'kicked'
  /** Events are missing. */
  | 'gap'
  /** The tool answered with an error: its own object is the `body`. */
  | 'tool_failed';

export interface ErrorFacts {
  status?: number;
  body?: any;
  /** How long the server asks to wait. */
  retryMs?: number | undefined;
  cause?: unknown;
}

export class SojournError extends Error {
  override name = 'SojournError';
  /** A word of the error table, or a ClientCode. */
  readonly code: string;
  /** Of the HTTP answer, 0 where there was none. */
  readonly status: number;
  /** With `precondition_failed`, the present one. */
  readonly revision?: number;
  /** The server's own object. */
  readonly body?: any;
  readonly retryMs?: number;

  constructor(code: ClientCode | (string & {}), message: string, { status = 0, body, retryMs, cause }: ErrorFacts = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = status;
    if (body !== undefined) this.body = body;
    if (retryMs !== undefined) this.retryMs = retryMs;
    const revision = body?.revision ?? (code === 'precondition_failed' ? /revision is (\d+)/.exec(message)?.[1] : undefined);
    if (revision !== undefined) this.revision = Number(revision);
  }
}
