// One connection to a server's door: opens the socket, greets, keeps it alive and tries again as the retry policy says.
// Invariant: at most one socket; what an abandoned socket still says is never heard. The live greeting alone sets the session id.
// Runs on the thread of its owner (a page or an extension's worker).
import { advance, initialState, type RetryEvent, type RetryState } from './retry';

export const pingEveryMs = 20_000;
export const greetingMsMax = 10_000;

export type Frame = Record<string, unknown> & { type: string };

export interface ConnectionState extends RetryState {
  /** Set exactly while connected. */
  sessionId?: string;
  /** Milliseconds since the epoch of the last greeting. */
  lastConnectedAt?: number;
  /** Why the last attempt or connection ended, for a person to read. */
  problem?: string;
}

/** The part of WebSocket that a connection uses. */
export interface Socket {
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
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
  /** Runs something after a delay and returns how to call it off; by default a timer. */
  later?(delayMs: number, run: () => void): () => void;
  open?(address: string): Socket;
}

export class Connection {
  #options: ConnectionOptions;
  #state: ConnectionState;
  #socket: Socket | undefined;
  #callOff: (() => void)[] = [];
  #pingAnswered = true;

  /** `remembered` is the state of a former life, such as a worker that was put to sleep. */
  constructor(options: ConnectionOptions, remembered: Partial<ConnectionState> = {}) {
    this.#options = options;
    const { sessionId: _gone, ...rest } = remembered;
    this.#state = { ...initialState, ...rest };
    if (this.#state.status === 'connected' || this.#state.stopped) this.#state.status = 'disconnected';
  }

  get state(): Readonly<ConnectionState> {
    return this.#state;
  }

  /** Opens a socket if one is wanted and there is none under way. */
  wake(): void {
    if (this.#socket || (this.#callOff.length > 0 && this.#state.status !== 'waiting')) return;
    this.#cancelTimers();
    this.#move('start');
  }

  /** Replaces whatever there is by a new connection. */
  reconnect(): void {
    this.#abandon('Reconnect');
    this.#move('restart');
  }

  /** Closes and stays closed until `reconnect`. */
  disconnect(): void {
    this.#abandon('Disconnect');
    this.#move('stop');
  }

  /** False when there is no connection to send on. */
  send(frame: Frame): boolean {
    if (!this.#socket || this.#state.status !== 'connected') return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #move(event: RetryEvent, problem?: string): void {
    const { state, step } = advance({ ...this.#state }, event);
    this.#become(state, problem ?? (event === 'start' ? this.#state.problem : undefined));
    if (step.do === 'open') this.#open();
    if (step.do === 'open-later') this.#later(step.delayMs, () => this.#move('start'));
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
    let socket: Socket;
    try {
      const address = this.#options.address();
      socket = this.#options.open ? this.#options.open(address) : new WebSocket(address);
    } catch (error) {
      this.#later(0, () => this.#lost(`The address cannot be used: ${error instanceof Error ? error.message : String(error)}`));
      return;
    }
    this.#socket = socket;
    socket.onmessage = (event) => { if (this.#socket === socket) this.#receive(event.data); };
    socket.onclose = (event) => { if (this.#socket === socket) this.#closed(event); };
    this.#later(greetingMsMax, () => this.#lost('The server did not answer in time.'));
  }

  #receive(data: unknown): void {
    this.#pingAnswered = true;
    const frame = typeof data === 'string' ? readFrame(data) : undefined;
    if (!frame) return this.#options.noted('Ignored a frame that is not a JSON object with a type');
    if (frame.type === 'connected' && typeof frame['sessionId'] === 'string') return this.#greeted(frame['sessionId']);
    if (frame.type !== 'pong') this.#options.received(frame);
  }

  #greeted(sessionId: string): void {
    this.#cancelTimers();
    this.#pingAnswered = true;
    this.#become(advance(this.#state, 'opened').state, undefined);
    this.#state.sessionId = sessionId;
    this.#state.lastConnectedAt = Date.now();
    this.#later(pingEveryMs, () => this.#ping());
    this.#options.changed(this.#state);
  }

  #ping(): void {
    if (!this.#pingAnswered) return this.#lost('The server stopped answering.');
    this.#pingAnswered = false;
    this.send({ type: 'ping' });
    this.#later(pingEveryMs, () => this.#ping());
  }

  #closed(event: CloseEvent): void {
    this.#cancelTimers();
    this.#socket = undefined;
    const wasConnected = this.#state.status === 'connected';
    // 1005 is a close without a code: servers that end a session on request send either.
    if (wasConnected && event.wasClean && (event.code === 1000 || event.code === 1005)) {
      this.#move('ended-by-server', 'The server closed this session.');
    } else {
      this.#move('lost', describeLoss(wasConnected, event));
    }
  }

  #lost(problem: string): void {
    this.#abandon('Lost');
    this.#move('lost', problem);
  }

  #abandon(reason: string): void {
    this.#cancelTimers();
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) socket.close(1000, reason);
  }

  #later(delayMs: number, run: () => void): void {
    const once = () => {
      this.#callOff = this.#callOff.filter((entry) => entry !== callOff);
      run();
    };
    const start = this.#options.later ?? startTimer;
    const callOff = start(delayMs, once);
    this.#callOff.push(callOff);
  }

  #cancelTimers(): void {
    for (const callOff of this.#callOff) callOff();
    this.#callOff = [];
  }
}

function startTimer(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}

function readFrame(text: string): Frame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return typeof (value as Frame).type === 'string' ? (value as Frame) : undefined;
}

function describeLoss(wasConnected: boolean, event: CloseEvent): string {
  if (!wasConnected) return 'The server cannot be reached. Is it running at this address?';
  if (event.reason !== '') return `The connection was closed: ${event.reason} (${event.code}).`;
  return event.code === 1001 ? 'The server is going away.' : `The connection was lost (${event.code}).`;
}
