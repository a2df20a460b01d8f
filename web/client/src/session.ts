// A session that one is in: what the stream brings goes to the state, the members, the listeners and whoever waits for it.
// Invariant: what an event changes is in place when its listeners hear of it.
import { SojournError } from './errors';
import { sessionPath, type Http } from './http';
import type { Frame, Socket } from './line';
import { callEach, Listeners } from './listeners';
import { Members } from './members';
import { Offers } from './offers';
import { Queries } from './queries';
import { Requests } from './requests';
import { StateView } from './state';
import { Stream } from './stream';
import type {
  ClientOptions, EventsOptions, JoinOptions, Member, Offer, QueryAnswer, QueryOptions, Sent, Session, SessionEnd, SessionEvent, SessionStatus, SharedState,
} from './types';

/** Longer than a server waits for a tool. */
export const callMsMax = 30_000;

// Of the protocol: an event of such a type would be taken for something else.
const orders = /^(ping|offer|(get|set|patch)_session_state|client_tool_(call|result)|query_(progress|result))$/;

export class JoinedSession implements Session {
  readonly id: string;
  readonly state: SharedState;
  readonly ended: Promise<SessionEnd>;
  readonly #http: Http;
  readonly #options: ClientOptions;
  readonly #stream: Stream;
  readonly #requests: Requests;
  readonly #state: StateView;
  readonly #members: Members;
  readonly #listeners = new Listeners();
  readonly #offers: Offers;
  readonly #queries: Queries;
  #statusListeners = new Set<(status: SessionStatus, delayMs?: number) => void>();
  /** What came before whoever joined could begin to listen. */
  #held: (() => void)[] | undefined = [];
  #hasState = false;
  #tellEnd!: (end: SessionEnd) => void;
  #stopListening = () => {};

  constructor(id: string, http: Http, options: ClientOptions) {
    this.id = id;
    this.#http = http;
    this.#options = options;
    this.ended = new Promise((resolve) => { this.#tellEnd = resolve; });
    this.#stream = new Stream({
      open: (query) => this.#open(query),
      probe: () => this.#probe(),
      renewsToken: typeof options.token === 'function',
      greeted: (frame) => this.#greet(frame),
      event: (event) => this.#hear(event),
      answered: (frame) => { this.#requests.settle(frame); this.#offers.hear(frame); },
      lost: (code) => this.#requests.lost(code),
      status: (status, delayMs) => callEach(this.#statusListeners, status, delayMs),
      ended: (end) => this.#ended(end),
    });
    this.#requests = new Requests({
      send: (text) => this.#stream.send(text), cursor: () => this.#stream.cursor, perSecond: options.messagesPerSecond,
    });
    this.state = this.#state = new StateView(this.#requests);
    this.#members = new Members(() => http.ask('GET', sessionPath(id, '/connections')).then(({ body }) => body.connections as Member[]));
    this.#offers = new Offers((frame) => void this.#requests.ask(frame, 'again'), (frame) => this.#stream.send(JSON.stringify(frame)));
    this.#queries = new Queries(http, id);
  }

  get connectionId(): string { return this.#stream.connectionId; }
  get status(): SessionStatus { return this.#stream.status; }
  get cursor(): string { return this.#stream.cursor; }
  get connections(): ReadonlyMap<string, Member> { return this.#members.all; }

  async join({ since, tools, queries, signal }: JoinOptions): Promise<void> {
    signal?.throwIfAborted();
    this.#offers.offer = { ...(tools && { tools }), ...(queries && { queries }) };
    const leave = () => this.leave();
    const wake = () => this.reconnect();
    signal?.addEventListener('abort', leave);
    globalThis.addEventListener?.('online', wake);
    this.#stopListening = () => {
      signal?.removeEventListener('abort', leave);
      globalThis.removeEventListener?.('online', wake);
    };
    await this.#stream.join(since);
    // Who goes on where a former life was has its events, but not the state.
    if (!this.#hasState) this.#state.reset(await this.#requests.ask({ type: 'get_session_state' }, 'again'));
    setTimeout(() => {
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const run of held) run();
    });
  }

  events(options?: EventsOptions): AsyncIterableIterator<SessionEvent> {
    return this.#listeners.events(options);
  }

  on(type: string, heard: (event: SessionEvent) => void): () => void {
    return this.#listeners.on(type, heard);
  }

  onStatus(changed: (status: SessionStatus, delayMs?: number) => void): () => void {
    this.#statusListeners.add(changed);
    return () => { this.#statusListeners.delete(changed); };
  }

  async send(type: string, data?: unknown, { volatile = false }: { volatile?: boolean } = {}): Promise<Sent> {
    if (orders.test(type)) throw new SojournError('invalid', `${type} is no type of an event`);
    if (volatile && this.status !== 'connected') return { dropped: true };
    const { seq, cursor, dropped } = await this.#requests.ask({ type, data, ...(volatile && { volatile }) }, volatile ? 'volatile' : 'message');
    return { ...(seq !== undefined && { seq, cursor }), ...(dropped && { dropped }) };
  }

  async offer(offer: Offer): Promise<() => Promise<void>> {
    this.#offers.offer = offer;
    await this.#requests.ask(this.#offers.message ?? { type: 'offer', tools: [], queries: false }, 'again');
    return async () => { if (this.#offers.offer === offer) await this.offer({}); };
  }

  async call<T = any>(tool: string, parameters: unknown = {}): Promise<T> {
    const id = this.#requests.newId();
    const timer = setTimeout(() => this.#requests.fail(id, new SojournError('timeout', `${tool} did not answer`)), callMsMax);
    try {
      const { result, is_error: isError } = await this.#requests.ask({ type: 'client_tool_call', tool_name: tool, tool_call_id: id, parameters }, 'call', id);
      if (isError) throw new SojournError('tool_failed', String(result?.error ?? `${tool} failed`), { body: result });
      return result;
    } finally {
      clearTimeout(timer);
    }
  }

  query(text: string, options?: QueryOptions): Promise<QueryAnswer> {
    return this.#queries.ask(text, options);
  }

  reconnect(): void {
    this.#stream.wake();
  }

  leave(): void {
    this.#stream.end({ reason: 'left' });
  }

  async #open(query: Record<string, string>): Promise<() => Socket> {
    const token = await this.#http.token();
    const Socket = (this.#options.WebSocket ?? globalThis.WebSocket) as unknown as new (address: string, protocols: string[]) => Socket;
    const address = `${this.#http.url.replace(/^http/, 'ws')}/api/v1${sessionPath(this.id, '/stream')}?${new URLSearchParams(query)}`;
    return () => new Socket(address, token === undefined ? [] : [`bearer.${token}`]);
  }

  // A heartbeat asks what the stream asks, also from where no GET is let through; who may only read has to read.
  async #probe(): Promise<SojournError | undefined> {
    const ask = (method: string, rest?: string) => this.#http.ask(method, sessionPath(this.id, rest)).then(() => undefined, (error) => error);
    const problem = await ask('POST', '/heartbeat');
    const isOpen = problem?.status === 403 || (problem?.status === 404 && !problem.body?.code);
    return isOpen ? ask('GET') : problem;
  }

  #greet(frame: Frame): void {
    const isResumed = frame.type === 'session.resumed';
    const offer = this.#offers.message;
    if (offer) this.#stream.send(JSON.stringify(offer));
    this.#requests.up(isResumed);
    if (isResumed || this.#hasState) this.#inTurn(() => this.#take(frame));
    else this.#take(frame);
    this.#hasState ||= !isResumed;
    if (frame.type === 'session.gap') this.#inTurn(() => this.#tellGap(frame));
  }

  #take(frame: Frame): void {
    if (frame.type !== 'session.resumed') this.#state.reset(frame as unknown as Parameters<StateView['reset']>[0]);
    this.#members.greet(frame);
  }

  #tellGap({ state: _state, connections: _connections, ...gap }: Frame): void {
    this.#queries.gap();
    this.#listeners.emit(gap as Frame);
  }

  #hear(event: SessionEvent): void {
    this.#requests.seen(event);
    this.#queries.hear(event);
    this.#inTurn(() => {
      this.#state.apply(event);
      this.#members.hear(event);
      this.#listeners.emit(event);
    });
  }

  #inTurn(run: () => void): void {
    if (this.#held) this.#held.push(run);
    else run();
  }

  #ended(end: SessionEnd): void {
    const problem = end.error instanceof SojournError ? end.error : new SojournError('ended', `the session has ended: ${end.reason}`);
    this.#stopListening();
    this.#requests.end(problem);
    this.#queries.end(problem);
    this.#offers.end();
    this.#inTurn(() => {
      this.#state.end();
      this.#listeners.end(end.error);
      this.#tellEnd(end);
    });
  }
}
