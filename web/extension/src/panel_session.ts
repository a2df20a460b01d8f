// The panel's part in the session: gets its id from the background, joins it, asks in it, and comes back after a loss.
// Invariant: at most one joined session; what an abandoned one still says is never heard.
import type { Session, SessionEnd } from 'sojourn-client/source';
import { loadApiAddress } from './config';
import { Conversation } from './conversation';
import { joinSession, processQuery, reasonOf } from './lib/api';
import { sendMessageToBackground } from './lib/utils/messaging';

export const retryDelaysMs = [1_000, 2_000, 5_000, 10_000, 30_000];

export type PanelStatus = 'starting' | 'connected' | 'reconnecting' | 'offline';

export interface PanelState {
  status: PanelStatus;
  url: string;
  sessionId?: string;
  /** True if the server had the session already. */
  resumed?: boolean;
  /** Why there is no connection, for a person to read. */
  problem?: string;
  /** An own question waits for its answer. */
  asking: boolean;
}

export class PanelSession {
  readonly conversation = new Conversation();
  #changed: () => void;
  #state: PanelState = { status: 'starting', url: '', asking: false };
  #session: Session | undefined;
  #generation = 0;
  #attempts = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #beginning: Promise<void> = Promise.resolve();
  #question: { key: string; abort: AbortController } | undefined;
  /** The last event that was heard, and of which session. */
  #heardUpTo: { sessionId: string; cursor: string } | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get state(): Readonly<PanelState> {
    return this.#state;
  }

  start(): void {
    this.#begin();
  }

  /** Tries at once, and has the server asked whether it still knows the session. */
  reconnect(): void {
    this.#attempts = 0;
    this.#begin({ check: true });
  }

  /** Another server is to be used: nothing of the former one stays. */
  move(): void {
    this.conversation.clear();
    this.#forgetSession();
    this.reconnect();
  }

  /** Resolves when the answer is there or it is clear that there will be none; false if nothing was sent. */
  async ask(text: string): Promise<boolean> {
    this.#become({ asking: true });
    if (!this.#session) await this.#beginning;
    const isSent = this.#state.sessionId !== undefined;
    if (isSent) await this.#send(text);
    else this.conversation.remark('error', 'No session ID available');
    this.#become({ asking: false });
    return isSent;
  }

  /** Takes back the question that waits for its answer. */
  stop(): void {
    if (!this.#question) return;
    this.conversation.stop(this.#question.key);
    this.#question.abort.abort();
    this.#changed();
  }

  /** Ends the session for everybody in it and begins another. */
  async clear(): Promise<void> {
    this.stop();
    this.#abandon();
    const reply = await sendMessageToBackground({ action: 'clearSession' });
    this.conversation.clear();
    if (reply.status === 'error' || reply.message !== 'Session cleared') this.conversation.remark('note', reply.message);
    this.#forgetSession();
    this.#begin();
    await this.#beginning;
  }

  async #send(text: string): Promise<void> {
    const key = this.conversation.ask(text);
    const abort = new AbortController();
    this.#question = { key, abort };
    this.#changed();
    await this.#await(key, text, abort.signal);
    this.#question = undefined;
  }

  async #await(key: string, text: string, signal: AbortSignal): Promise<void> {
    try {
      if (!this.#session) throw new Error(this.#state.problem ?? 'there is no connection to the server');
      const answer = await processQuery(this.#session, text, { signal, onAccepted: (queryId) => this.#heard(() => this.conversation.accept(key, queryId)) });
      if (answer.query_id) this.conversation.accept(key, answer.query_id);
      this.conversation.answer(key, answer);
    } catch (error) {
      if (signal.aborted) return;
      this.conversation.fail(key, reasonOf(error));
    }
  }

  #begin({ check = false } = {}): void {
    this.#abandon();
    this.#become({ status: this.#attempts === 0 ? 'starting' : 'reconnecting' });
    this.#beginning = this.#join(this.#generation, check);
  }

  async #join(generation: number, check: boolean): Promise<void> {
    const isStale = () => generation !== this.#generation;
    const [{ url, problem }, reply] = await Promise.all([loadApiAddress(), sendMessageToBackground({ action: 'getSessionId', ...(check ? { check } : {}) })]);
    if (isStale()) return;
    this.#become({ url });
    if (reply.status === 'error') return this.#tryLater(problem ?? reply.message);
    this.#enter(reply.sessionId, reply.sessionResumed);
    try {
      const known = this.#heardUpTo?.sessionId === reply.sessionId ? this.#heardUpTo.cursor : undefined;
      const session = await joinSession(url, reply.sessionId, known);
      if (isStale()) session.leave();
      else this.#joined(session, generation);
    } catch (error) {
      if (!isStale()) this.#tryLater(reasonOf(error));
    }
  }

  #enter(sessionId: string, resumed: boolean): void {
    const before = this.#state.sessionId;
    if (before !== undefined && before !== sessionId) {
      this.conversation.interrupt('the server does not have that session any more');
      if (this.conversation.items.length > 0) this.conversation.remark('note', 'The server did not have that session any more. This is a new one, which knows nothing of the above.');
    }
    this.#become({ sessionId, resumed });
  }

  #joined(session: Session, generation: number): void {
    this.#session = session;
    this.#attempts = 0;
    session.on('*', (event) => { if (this.#session === session) this.#heard(() => this.conversation.hear(event)); });
    session.onStatus((status) => { if (this.#session === session) this.#moved(status); });
    void session.ended.then((end) => { if (generation === this.#generation) this.#ended(end); });
    this.#moved(session.status);
  }

  #moved(status: Session['status']): void {
    if (status === 'ended') return;
    if (status === 'connected') return this.#connected();
    if (status === 'waiting') {
      this.#attempts += 1;
      // A page is not told why a socket was refused, but the background can ask.
      if (this.#attempts > 1) void this.#askWhetherLost();
    }
    this.#become({ status: status === 'waiting' ? 'offline' : 'reconnecting', problem: 'The connection to the server was lost; trying again.' });
  }

  #connected(): void {
    this.#attempts = 0;
    const { problem: _gone, ...rest } = this.#state;
    this.#state = { ...rest, status: 'connected' };
    this.#changed();
  }

  async #askWhetherLost(): Promise<void> {
    const generation = this.#generation;
    const reply = await sendMessageToBackground({ action: 'getSessionId', check: true });
    if (generation !== this.#generation || reply.status === 'error' || reply.sessionId === this.#state.sessionId) return;
    this.#begin();
  }

  #ended({ reason, error }: SessionEnd): void {
    if (reason === 'left') return;
    if (reason === 'kicked' || reason === 'taken_over') {
      this.#abandon();
      return this.#become({ status: 'offline', problem: error?.message ?? 'This panel was sent away from the session.' });
    }
    if (reason === 'deleted') {
      this.conversation.clear();
      this.conversation.remark('note', 'The session was cleared.');
      this.#forgetSession();
    }
    // Most often there only is a new session to join.
    if (['deleted', 'expired', 'not_found'].includes(reason)) this.#begin({ check: true });
    else this.#tryLater(error?.message ?? 'The session has ended.');
  }

  #tryLater(problem: string): void {
    this.#abandon();
    const delayMs = retryDelaysMs[Math.min(this.#attempts, retryDelaysMs.length - 1)] ?? 0;
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.#begin({ check: true }), delayMs);
    this.#become({ status: 'offline', problem });
  }

  #abandon(): void {
    this.#generation += 1;
    clearTimeout(this.#timer);
    const session = this.#session;
    this.#session = undefined;
    if (!session) return;
    this.#heardUpTo = { sessionId: session.id, cursor: session.cursor };
    session.leave();
  }

  #forgetSession(): void {
    const { sessionId: _id, resumed: _resumed, ...rest } = this.#state;
    this.#state = rest;
  }

  #heard(run: () => void): void {
    run();
    this.#changed();
  }

  #become(news: Partial<PanelState>): void {
    this.#state = { ...this.#state, ...news };
    this.#changed();
  }
}
