// A connection to the door of the extension: greets, and tries again as the retry policy says. The line below does the rest.
// Invariant: at most one socket. The live greeting alone sets the session id.
// Runs on the thread of its owner (a page or an extension's worker).
import { Line, startTimer, type Frame, type Later, type Socket } from './line';
import { advance, initialState, type RetryEvent, type RetryState } from './retry';

export { greetingMsMax, pingEveryMs, type Frame, type Socket } from './line';

export interface ConnectionState extends RetryState {
  /** Set exactly while connected. */
  sessionId?: string;
  /** Milliseconds since the epoch of the last greeting. */
  lastConnectedAt?: number;
  /** Why the last attempt or connection ended, for a person to read. */
  problem?: string;
}

export interface ConnectionOptions {
  /** The socket's address, asked for at each attempt. */
  address(): string;
  /** Called after each change of the state. */
  changed(state: ConnectionState): void;
  /** Called for each frame but the greeting and `pong`. */
  received(frame: Frame): void;
  /** Called with a line about something odd that the server did. */
  noted(line: string): void;
  /** By default a timer. */
  later?: Later;
  open?(address: string): Socket;
}

export class Connection {
  #options: ConnectionOptions;
  #state: ConnectionState;
  #line: Line;
  #callOff: (() => void) | undefined;

  /** `remembered` is the state of a former life, such as a worker that was put to sleep. */
  constructor(options: ConnectionOptions, remembered: Partial<ConnectionState> = {}) {
    this.#options = options;
    const { sessionId: _gone, ...rest } = remembered;
    this.#state = { ...initialState, ...rest };
    if (this.#state.status === 'connected' || this.#state.stopped) this.#state.status = 'disconnected';
    this.#line = new Line({
      received: (frame) => this.#receive(frame),
      closed: (event) => this.#closed(event),
      failed: (problem) => this.#move('lost', problem),
      noted: (line) => options.noted(line),
      later: options.later,
    });
  }

  get state(): Readonly<ConnectionState> {
    return this.#state;
  }

  /** Opens a socket if one is wanted and there is none under way. */
  wake(): void {
    if (this.#line.isUp || (this.#callOff && this.#state.status !== 'waiting')) return;
    this.#move('start');
  }

  /** Replaces whatever there is by a new connection. */
  reconnect(): void {
    this.#line.hangUp('Reconnect');
    this.#move('restart');
  }

  /** Closes and stays closed until `reconnect`. */
  disconnect(): void {
    this.#line.hangUp('Disconnect');
    this.#move('stop');
  }

  /** False when there is no connection to send on. */
  send(frame: Frame): boolean {
    return this.#line.send(JSON.stringify(frame));
  }

  #move(event: RetryEvent, problem?: string): void {
    this.#callOff?.();
    this.#callOff = undefined;
    const { state, step } = advance({ ...this.#state }, event);
    this.#become(state, problem ?? (event === 'start' ? this.#state.problem : undefined));
    if (step.do === 'open') this.#open();
    if (step.do === 'open-later') this.#callOff = (this.#options.later ?? startTimer)(step.delayMs, () => this.#move('start'));
    this.#options.changed(this.#state);
  }

  // The session id is left behind on purpose: it belongs to the connection that ended.
  #become({ status, retryCount, stopped }: RetryState, problem: string | undefined): void {
    const { lastConnectedAt } = this.#state;
    this.#state = { status, retryCount };
    if (stopped) this.#state.stopped = stopped;
    if (lastConnectedAt !== undefined) this.#state.lastConnectedAt = lastConnectedAt;
    if (problem !== undefined) this.#state.problem = problem;
  }

  #open(): void {
    this.#line.open(() => {
      const address = this.#options.address();
      return this.#options.open ? this.#options.open(address) : new WebSocket(address);
    });
  }

  #receive(frame: Frame): void {
    if (frame.type === 'connected' && typeof frame['sessionId'] === 'string') this.#greeted(frame['sessionId']);
    else this.#options.received(frame);
  }

  #greeted(sessionId: string): void {
    this.#line.greet();
    this.#become(advance(this.#state, 'opened').state, undefined);
    this.#state.sessionId = sessionId;
    this.#state.lastConnectedAt = Date.now();
    this.#options.changed(this.#state);
  }

  #closed(event: CloseEvent): void {
    const wasConnected = this.#state.status === 'connected';
    // 1005 is a close without a code: servers that end a session on request send either.
    if (wasConnected && event.wasClean && (event.code === 1000 || event.code === 1005)) {
      this.#move('ended-by-server', 'The server closed this session.');
    } else {
      this.#move('lost', describeLoss(wasConnected, event));
    }
  }
}

function describeLoss(wasConnected: boolean, event: CloseEvent): string {
  if (!wasConnected) return 'The server cannot be reached. Is it running at this address?';
  if (event.reason !== '') return `The connection was closed: ${event.reason} (${event.code}).`;
  return event.code === 1001 ? 'The server is going away.' : `The connection was lost (${event.code}).`;
}
