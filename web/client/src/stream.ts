// The socket of a session's native stream: joins, resumes where it was, and comes back after a loss until the session has ended.
// Invariant: every durable event is passed on once and in order; `cursor` is that of the last one.
import { backoffDelay, endOf, hintOf } from './backoff';
import { SojournError } from './errors';
import { Line, startTimer, type Frame, type Later, type Socket } from './line';
import type { SessionEnd, SessionEvent, SessionStatus } from './types';

/** A connection that lived as long as that was a good one: the next loss is a first one. */
export const settledMs = 10_000;

export interface StreamOptions {
  /** Opens a socket at the session's stream with these parameters; may throw, and may wait for a token. */
  open(query: Record<string, string>): Promise<() => Socket>;
  /** Why a socket was refused, which a socket can't tell. */
  probe(): Promise<SojournError | undefined>;
  /** The next socket has a new token: the end of the last one is no end. */
  renewsToken?: boolean;
  /** Each time when joined: a snapshot, what was missed comes next, or a gap. Also in between, when the server leaves events out. */
  greeted(frame: Frame): void;
  event(event: SessionEvent): void;
  /** What is an answer or a question, and no event. */
  answered(frame: Frame): void;
  /** A line that was up is lost; the code of its close, if it had one. */
  lost(code: number): void;
  status(status: SessionStatus, delayMs?: number): void;
  ended(end: SessionEnd): void;
  later?: Later;
  random?(): number;
}

/** The server's reason for a close. */
const expiredToken = 'Invalid or expired token';
/** Answers that asking again does not change. */
const final = new Set([401, 403, 404]);
const greetings = new Set(['session.snapshot', 'session.resumed', 'session.gap']);

export class Stream {
  readonly #options: StreamOptions;
  readonly #line: Line;
  status: SessionStatus = 'connecting';
  connectionId = '';
  cursor = '';
  #attempt = 0;
  #attempts = 0;
  #joined: { resolve(): void; reject(reason: unknown): void } | undefined;
  #isGreeted = false;
  #saidEnd: string | undefined;
  #callOff: (() => void) | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#line = new Line({
      received: (frame) => this.#receive(frame),
      closed: ({ code, reason }) => this.#drop(code, reason),
      failed: (problem) => this.#drop(0, '', problem),
      later: options.later,
    });
  }

  /** Resolves at the first greeting; rejects when the first attempt fails, and then nothing more is tried. */
  join(since = ''): Promise<void> {
    this.cursor = since;
    return new Promise((resolve, reject) => {
      this.#joined = { resolve, reject };
      void this.#open();
    });
  }

  /** False when there is no connection at present. */
  send(text: string): boolean {
    return this.#line.send(text);
  }

  /** Tries at once if it waits for the next attempt. */
  wake(): void {
    if (this.status === 'waiting') void this.#open();
  }

  end(end: SessionEnd): void {
    if (this.status === 'ended') return;
    this.#cancel();
    this.#line.hangUp(end.reason);
    this.#become('ended');
    this.#joined?.reject(end.error ?? new SojournError('ended', `the session has ended: ${end.reason}`));
    this.#joined = undefined;
    this.#options.ended(end);
  }

  async #open(): Promise<void> {
    this.#cancel();
    this.#become('connecting');
    const attempt = this.#attempts += 1;
    const query: Record<string, string> = {};
    if (this.cursor !== '') query['since'] = this.cursor;
    if (this.connectionId !== '') query['takes_over'] = this.connectionId;
    let make: () => Socket;
    try {
      make = await this.#options.open(query);
    } catch (error) {
      make = () => { throw error; };
    }
    if (attempt === this.#attempts && this.status === 'connecting') this.#line.open(make);
  }

  #receive(frame: Frame): void {
    if (greetings.has(frame.type) && !('at' in frame)) return this.#greet(frame);
    if (!this.#isGreeted) return;
    if (!('at' in frame)) return this.#options.answered(frame);
    const event = frame as unknown as SessionEvent;
    if (event.cursor !== undefined) {
      if (isSeen(event.cursor, this.cursor)) return;
      this.cursor = event.cursor;
    }
    if (event.type === 'session.closed') this.#saidEnd = String(event.data?.reason ?? 'closed');
    this.#options.event(event);
  }

  #greet(frame: Frame): void {
    if (!this.#isGreeted) {
      this.#isGreeted = true;
      this.connectionId = String(frame['connection_id']);
      this.#line.greet();
      this.#callOff = this.#later(settledMs, () => { this.#attempt = 0; });
      this.#become('connected');
    }
    if (frame.type !== 'session.resumed') this.cursor = String(frame['cursor']);
    this.#options.greeted(frame);
    this.#joined?.resolve();
    this.#joined = undefined;
  }

  #drop(code: number, reason: string, problem?: string): void {
    const wasGreeted = this.#isGreeted;
    this.#isGreeted = false;
    this.#cancel();
    const end = endOf(code, reason, this.#saidEnd);
    if (end && !(this.#options.renewsToken && reason === expiredToken)) return this.end(end);
    if (wasGreeted) {
      this.#options.lost(code);
      this.#wait(hintOf(reason));
    } else {
      void this.#ask(problem ?? 'the WebSocket could not be opened');
    }
  }

  // A socket that was never greeted: another request can tell why.
  async #ask(problem: string): Promise<void> {
    const attempt = this.#attempts;
    const found = await this.#options.probe();
    if (attempt !== this.#attempts || this.status !== 'connecting') return;
    if (found && final.has(found.status)) this.end({ reason: found.code, error: found });
    else if (this.#joined) this.end({ reason: 'unreachable', error: found ?? new SojournError('unreachable', problem) });
    else this.#wait(found?.retryMs);
  }

  #wait(hintMs: number | undefined): void {
    const delayMs = backoffDelay(this.#attempt, hintMs, this.#options.random ?? Math.random);
    this.#attempt += 1;
    this.#callOff = this.#later(delayMs, () => void this.#open());
    this.#become('waiting', delayMs);
  }

  #later(delayMs: number, run: () => void): () => void {
    return (this.#options.later ?? startTimer)(delayMs, run);
  }

  #cancel(): void {
    this.#callOff?.();
    this.#callOff = undefined;
  }

  #become(status: SessionStatus, delayMs?: number): void {
    if (this.status === status && status !== 'waiting') return;
    this.status = status;
    this.#options.status(status, delayMs);
  }
}

/** The place of a cursor in its epoch. */
export function seqOf(cursor: string): number {
  return Number(cursor.slice(cursor.lastIndexOf('.') + 1));
}

function isSeen(cursor: string, last: string): boolean {
  const epochOf = (text: string) => text.slice(0, text.lastIndexOf('.') + 1);
  return epochOf(cursor) === epochOf(last) && seqOf(cursor) <= seqOf(last);
}
