// What was asked of the server over the stream and waits for its answer: sent in order and at a pace that the server bears,
// and, after a loss, settled by what the log says, or sent once more if the log says nothing of it.
// Invariant: a message or a change of the state is in the log at most once, and its promise settles once.
import { SojournError } from './errors';
import { startTimer, type Frame, type Later } from './line';
import { seqOf } from './stream';
import type { SessionEvent } from './types';

export const messageBytesMax = 1_000_000;
export const pendingMax = 10_000;
/** Below the server's own 100 messages a second and 200 at once, since not all that is sent is counted here. */
export const messagesPerSecond = 80;
const burstSeconds = 2;

/** What a loss means for it: a `message` or `change` is in the log or never happened, a `call` may have happened, `again` may be repeated, and what is `volatile` is gone. */
export type RequestKind = 'message' | 'change' | 'call' | 'again' | 'volatile';

interface Pending {
  id: string;
  text: string;
  kind: RequestKind;
  /** Went out on a connection that is lost. */
  isDoubtful: boolean;
  /** Since it went out, changes of the state came as one: it may be in there without its id. */
  isHidden: boolean;
  resolve(answer: any): void;
  reject(reason: unknown): void;
}

export interface RequestsOptions {
  /** False when there is no connection. */
  send(text: string): boolean;
  /** Of the last event seen. */
  cursor(): string;
  perSecond?: number | undefined;
  later?: Later | undefined;
  now?(): number;
}

export class Requests {
  readonly #options: RequestsOptions;
  readonly #rate: number;
  readonly #prefix = randomText();
  #count = 0;
  #pending = new Map<string, Pending>();
  /** Those of `#pending` that are not sent on this connection. */
  #queue: Pending[] = [];
  #isUp = false;
  /** Set while a resumed connection has not yet told of everything that was missed: the request that asks how far that goes. */
  #catchUpId: string | undefined;
  #catchUpTo = Infinity;
  #budget: { messages: number; at: number };
  #callOff: (() => void) | undefined;
  #end: SojournError | undefined;

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#rate = options.perSecond ?? messagesPerSecond;
    this.#budget = { messages: this.#rate * burstSeconds, at: this.#now() };
  }

  /** The answer, or what the log has of it. An id is given where others have to know it. */
  ask(frame: Record<string, unknown>, kind: RequestKind, id = this.newId()): Promise<any> {
    const text = JSON.stringify({ ...frame, request_id: id });
    const promise = new Promise<any>((resolve, reject) => {
      const problem = this.#end ?? this.#refuse(text);
      if (problem) return reject(problem);
      const request = { id, text, kind, isDoubtful: false, isHidden: false, resolve, reject };
      this.#pending.set(id, request);
      this.#queue.push(request);
      this.#pump();
    });
    // Who does not wait for it does not have to catch it either.
    promise.catch(() => {});
    return promise;
  }

  newId(): string {
    return `${this.#prefix}-${(this.#count += 1)}`;
  }

  /** An answer came, if it is one to something that was asked. */
  settle(frame: Frame): void {
    const request = this.#take(frame['request_id']);
    if (frame.type === 'error') request?.reject(new SojournError(String(frame['code']), String(frame['message']), { body: frame }));
    else request?.resolve(frame);
  }

  /** Gives one up whose answer does not come. */
  fail(id: string, problem: SojournError): void {
    const request = this.#pending.get(id);
    if (request) this.#forget(request).reject(problem);
  }

  /** An event of the log was shown, after the stream's cursor went there. */
  seen(event: SessionEvent): void {
    if (event.seq === undefined) return;
    const kind = this.#pending.get(event.request_id ?? '')?.kind;
    if (kind === 'call' && event.type === 'session.result') this.#take(event.request_id)?.resolve(event.data);
    if (kind === 'message' || kind === 'change') this.#take(event.request_id)?.resolve({ seq: event.seq, cursor: event.cursor });
    if (event.first_seq !== undefined && event.first_seq < event.seq) {
      for (const request of this.#pending.values()) request.isHidden = request.kind === 'change';
    }
    if (event.seq >= this.#catchUpTo) this.#caughtUp();
  }

  /** Joined: with everything that was missed to come, or without. Without also when the server leaves out events later. */
  up(isResumed: boolean): void {
    this.#isUp = true;
    const doubtful = [...this.#pending.values()].filter(({ isDoubtful }) => isDoubtful).reverse();
    for (const request of doubtful) {
      if (request.kind === 'again') this.#sendAgain(request);
      else if (!isResumed) this.fail(request.id, interrupted());
    }
    if (!isResumed) this.#caughtUp();
    else if (doubtful.some(({ kind }) => kind === 'message' || kind === 'change')) this.#catchUp();
    this.#pump();
  }

  /** The connection is lost; 1009 says that something was too large. */
  lost(code: number): void {
    this.#isUp = false;
    this.#callOff?.();
    this.#callOff = undefined;
    this.#take(this.#catchUpId);
    this.#catchUpId = undefined;
    this.#catchUpTo = Infinity;
    const waiting = new Set(this.#queue);
    for (const request of this.#pending.values()) {
      if (request.kind === 'volatile') this.#forget(request).resolve({ dropped: true });
      if (waiting.has(request)) continue;
      request.isDoubtful = true;
      if (code === 1009) this.fail(request.id, tooLarge());
    }
  }

  end(problem: SojournError): void {
    this.lost(0);
    this.#end = problem;
    for (const request of this.#pending.values()) request.reject(problem);
    this.#pending.clear();
    this.#queue = [];
  }

  // The server's answer names a place in the log: when the events have come that far, what they did not tell of did not happen.
  #catchUp(): void {
    const id = this.newId();
    const resolve = ({ cursor }: { cursor: string }) => {
      this.#catchUpTo = seqOf(cursor);
      if (seqOf(this.#options.cursor()) >= this.#catchUpTo) this.#caughtUp();
    };
    const text = JSON.stringify({ type: 'get_session_state', request_id: id });
    this.#pending.set(id, { id, text, kind: 'again', isDoubtful: false, isHidden: false, resolve, reject: () => {} });
    this.#catchUpId = id;
    this.#options.send(text);
  }

  #caughtUp(): void {
    this.#take(this.#catchUpId);
    this.#catchUpId = undefined;
    this.#catchUpTo = Infinity;
    for (const request of [...this.#pending.values()].reverse()) {
      if (!request.isDoubtful || request.kind === 'call') continue;
      if (request.isHidden) this.fail(request.id, interrupted());
      else this.#sendAgain(request);
    }
    this.#pump();
  }

  #sendAgain(request: Pending): void {
    request.isDoubtful = false;
    this.#queue.unshift(request);
  }

  #pump(): void {
    while (this.#isUp && this.#catchUpId === undefined && this.#queue.length > 0) {
      const waitMs = this.#spend();
      if (waitMs > 0) {
        this.#callOff ??= (this.#options.later ?? startTimer)(waitMs, () => { this.#callOff = undefined; this.#pump(); });
        return;
      }
      const [request] = this.#queue;
      if (!this.#options.send(request!.text)) return;
      request!.isHidden = false;
      this.#queue.shift();
    }
  }

  // Takes one message from the budget, or tells how long it takes until there is one.
  #spend(): number {
    if (this.#rate === 0) return 0;
    const now = this.#now();
    this.#budget.messages = Math.min(this.#rate * burstSeconds, this.#budget.messages + ((now - this.#budget.at) * this.#rate) / 1000);
    this.#budget.at = now;
    if (this.#budget.messages < 1) return Math.ceil(((1 - this.#budget.messages) * 1000) / this.#rate);
    this.#budget.messages -= 1;
    return 0;
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #refuse(text: string): SojournError | undefined {
    if (this.#pending.size >= pendingMax) return new SojournError('too_many', `${pendingMax} messages wait for an answer`);
    const isLarge = text.length * 3 > messageBytesMax && new TextEncoder().encode(text).length > messageBytesMax;
    return isLarge ? tooLarge() : undefined;
  }

  #forget(request: Pending): Pending {
    this.#pending.delete(request.id);
    this.#queue = this.#queue.filter((each) => each !== request);
    return request;
  }

  #take(id: unknown): Pending | undefined {
    const request = this.#pending.get(id as string);
    this.#pending.delete(id as string);
    return request;
  }
}

function interrupted(): SojournError {
  return new SojournError('interrupted', 'the connection was lost before the answer');
}

function tooLarge(): SojournError {
  return new SojournError('too_large', 'the message is too large for the server');
}

/** Unique, not secret. */
export function randomText(): string {
  return Math.random().toString(36).slice(2, 10).padEnd(8, '0');
}
