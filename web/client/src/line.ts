// One live socket at a time, for every kind of connection: opens it, waits for the greeting, pings, notices silence.
// Invariant: what an abandoned socket still says is never heard. When to try again is its owner's business.

export const pingEveryMs = 20_000;
export const greetingMsMax = 10_000;

export type Frame = Record<string, unknown> & { type: string };

/** Runs something after a delay and returns how to call it off. */
export type Later = (delayMs: number, run: () => void) => () => void;

/** The part of WebSocket that a line uses. */
export interface Socket {
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  onerror?: ((event: Event) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export interface LineOptions {
  /** Called for each frame but `pong`. */
  received(frame: Frame): void;
  /** The server, or the network, closed the socket. */
  closed(event: CloseEvent): void;
  /** The line was given up: the socket could not be made, or the server said nothing for too long. */
  failed(problem: string): void;
  /** Called with a line about something odd that the server did. */
  noted?(line: string): void;
  later?: Later | undefined;
}

export class Line {
  #options: LineOptions;
  #socket: Socket | undefined;
  #greeted = false;
  #callOff: (() => void) | undefined;
  #answered = true;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  /** True from `open` on until the line is closed, failed or hung up. */
  get isUp(): boolean {
    return this.#callOff !== undefined;
  }

  /** Takes the place of whatever there was. */
  open(make: () => Socket): void {
    this.hangUp('Reconnect');
    let socket: Socket;
    try {
      socket = make();
    } catch (error) {
      this.#later(0, () => this.#fail(`The address cannot be used: ${error instanceof Error ? error.message : String(error)}`));
      return;
    }
    this.#socket = socket;
    socket.onmessage = (event) => { if (this.#socket === socket) this.#receive(event.data); };
    socket.onclose = (event) => {
      if (this.#socket !== socket) return;
      this.#forget();
      this.#options.closed(event);
    };
    // The close that follows says all there is; a socket of Node throws what nobody listens to.
    socket.onerror = () => {};
    this.#later(greetingMsMax, () => this.#fail('The server did not answer in time.'));
  }

  /** The owner understood the greeting: from here on the line is kept alive, and may be sent on. */
  greet(): void {
    this.#greeted = true;
    this.#answered = true;
    this.#later(pingEveryMs, () => this.#ping());
  }

  /** False when there is nothing to send on. */
  send(text: string): boolean {
    if (!this.#socket || !this.#greeted) return false;
    this.#socket.send(text);
    return true;
  }

  hangUp(reason: string): void {
    const socket = this.#socket;
    this.#forget();
    if (socket) socket.close(1000, reason);
  }

  #receive(data: unknown): void {
    this.#answered = true;
    const frame = typeof data === 'string' ? readFrame(data) : undefined;
    if (!frame) this.#options.noted?.('Ignored a frame that is not a JSON object with a type');
    else if (frame.type !== 'pong') this.#options.received(frame);
  }

  #ping(): void {
    if (!this.#answered) return this.#fail('The server stopped answering.');
    this.#answered = false;
    this.send('{"type":"ping"}');
    this.#later(pingEveryMs, () => this.#ping());
  }

  #fail(problem: string): void {
    this.hangUp('Lost');
    this.#options.failed(problem);
  }

  #forget(): void {
    this.#callOff?.();
    this.#callOff = this.#socket = undefined;
    this.#greeted = false;
  }

  #later(delayMs: number, run: () => void): void {
    this.#callOff?.();
    this.#callOff = (this.#options.later ?? startTimer)(delayMs, run);
  }
}

export function startTimer(delayMs: number, run: () => void): () => void {
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
  // Nothing but an object has a type.
  return typeof (value as Frame | null)?.type === 'string' ? (value as Frame) : undefined;
}
