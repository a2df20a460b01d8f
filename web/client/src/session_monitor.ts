// Keeps a Socket.IO connection's place in a thread: registers it after each connect, pings, answers the server's pings,
// and tells in the console what the connection does.
// Invariant: one ping timer at most, and only while connected; after `stop` nothing of it is left on the socket.

const defaultPingMs = 30_000;
const pingMsMax = 2 ** 31 - 1;
const reconnectMs = 1000;
const reconnectMsMax = 30_000;

type Heard = (...heard: any[]) => void;

/** What can be listened to. Its events are of any type, since libraries have types of their own for them. */
export interface MonitoredEmitter {
  on(event: any, heard: any): unknown;
  off(event: any, heard: any): unknown;
}

/** The part of a socket of socket.io-client that is used; anything of that shape will do. */
export interface MonitoredSocket extends MonitoredEmitter {
  readonly connected: boolean;
  emit(event: any, ...args: any[]): unknown;
  connect?(): unknown;
  /** Its manager: from there come the transport and the attempts to reconnect. */
  readonly io?: MonitoredEmitter & { readonly engine?: MonitoredEmitter & { readonly transport?: { readonly name: string } } };
}

export interface SessionMonitorOptions {
  /** May be given to `start` instead, or assigned. */
  thread_id?: string | null;
  /** Milliseconds between pings: 30000. */
  pingInterval?: number;
  /** How often in a row it comes back when the server itself ended the connection, which the socket alone never does: 5. */
  reconnectAttempts?: number;
  /** Tells in the console what happens: connection, transport, registration, pings. */
  debug?: boolean;
}

export class SessionMonitor {
  thread_id: string | null;
  readonly pingInterval: number;
  readonly reconnectAttempts: number;
  debug: boolean;
  #socket: MonitoredSocket;
  #isActive = false;
  #session: string | null = null;
  #pinging: ReturnType<typeof setInterval> | undefined;
  #comingBack: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #listening: [MonitoredEmitter, string, Heard][] = [];
  #leaveEngine: (() => void) | undefined;

  constructor(socket: MonitoredSocket, { thread_id = null, pingInterval = defaultPingMs, reconnectAttempts = 5, debug = false }: SessionMonitorOptions = {}) {
    if (typeof socket?.on !== 'function') throw new TypeError('SessionMonitor needs a socket, such as io() gives');
    if (!(pingInterval > 0 && pingInterval <= pingMsMax)) throw new RangeError(`pingInterval is a number of milliseconds, not ${pingInterval}`);
    this.#socket = socket;
    this.thread_id = thread_id;
    this.pingInterval = pingInterval;
    this.reconnectAttempts = reconnectAttempts;
    this.debug = debug;
    this.#listen();
  }

  /** True between `start` and `stop`. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** The id that the server gave this connection; null while there is none. A reconnect may bring another. */
  get session_id(): string | null {
    return this.#session;
  }

  /** `polling`, `websocket`, or another one's name: the present one, also after an upgrade; null while not connected. */
  get transport(): string | null {
    return this.#socket.connected ? this.#carrier ?? null : null;
  }

  /**
   * Registers the socket for a thread, now or as soon as it is connected, and again after each reconnect.
   * Called again it goes on, or changes to another thread. Without any thread id it complains in the console, does
   * nothing and gives undefined.
   */
  start(thread_id: string): this;
  start(thread_id?: string | null): this | undefined;
  start(thread_id?: string | null): this | undefined {
    const thread = thread_id || this.thread_id;
    if (!thread) {
      console.error('[SessionMonitor] Not started: start() needs a thread id, or the constructor a thread_id');
      return undefined;
    }
    this.thread_id = thread;
    this.#isActive = true;
    this.#listen();
    if (this.#socket.connected) this.#register();
    else this.#log(`Started for thread ${thread}; waiting for the connection`);
    return this;
  }

  /** No more pings, no more registering; the socket stays as it is. `start` begins anew. */
  stop(): this {
    if (this.#isActive) this.#log(`Stopped for thread ${this.thread_id}`);
    this.#isActive = false;
    this.#session = null;
    this.#attempts = 0;
    this.#stopTimers();
    this.#leaveEngine?.();
    for (const [emitter, event, heard] of this.#listening.splice(0)) emitter.off(event, heard);
    return this;
  }

  #listen(): void {
    if (this.#listening.length > 0) return;
    const hear = (emitter: MonitoredEmitter, event: string, heard: Heard) => {
      emitter.on(event, heard);
      this.#listening.push([emitter, event, heard]);
    };
    const { io } = this.#socket;
    hear(this.#socket, 'connect', () => this.#connected());
    hear(this.#socket, 'disconnect', (reason) => this.#disconnected(String(reason)));
    hear(this.#socket, 'connect_error', (error) => this.#log(`Connection error: ${error?.message ?? error}`));
    hear(this.#socket, 'connected', (said) => { this.#session = said?.session_id ?? this.#session; });
    hear(this.#socket, 'session_registered', (said) => this.#registered(said));
    hear(this.#socket, 'system_ping', (said) => this.#answer(said));
    if (io) hear(io, 'open', () => this.#opened());
    if (io) hear(io, 'reconnect_attempt', (attempt) => this.#log(`Reconnecting, attempt ${attempt}`));
    if (io) hear(io, 'reconnect_failed', () => this.#log('Gave up reconnecting; socket.connect() tries again'));
    this.#watchEngine();
  }

  // An upgrade may be faster than the answer that makes the socket a connected one.
  #opened(): void {
    this.#watchEngine();
    this.#log(`Opened ${this.#over}`);
  }

  #connected(): void {
    clearTimeout(this.#comingBack);
    this.#watchEngine();
    this.#log(`Connected ${this.#over}`);
    if (this.#isActive) this.#register();
  }

  // Each connection has an engine of its own.
  #watchEngine(): void {
    this.#leaveEngine?.();
    const engine = this.#socket.io?.engine;
    if (!engine) return;
    const heard = () => this.#log(`Upgraded to ${this.#carrier}`);
    engine.on('upgrade', heard);
    this.#leaveEngine = () => {
      engine.off('upgrade', heard);
      this.#leaveEngine = undefined;
    };
  }

  #disconnected(reason: string): void {
    this.#stopTimers();
    this.#session = null;
    this.#log(`Disconnected: ${reason}`);
    if (this.#isActive && reason === 'io server disconnect') this.#comeBack();
  }

  // After a loss the socket comes back by itself, but not if it was the server that ended the connection.
  #comeBack(): void {
    if (this.#attempts >= this.reconnectAttempts) {
      this.#log(`Gave up after ${this.#attempts} attempts; socket.connect() tries again`);
      return;
    }
    const delayMs = Math.min(reconnectMsMax, reconnectMs * 2 ** this.#attempts) * (1 + Math.random()) / 2;
    this.#attempts += 1;
    this.#log(`Reconnecting in ${Math.round(delayMs)} ms, attempt ${this.#attempts}`);
    this.#comingBack = setTimeout(() => this.#socket.connect?.(), delayMs);
  }

  #register(): void {
    this.#log(`Registering thread ${this.thread_id}`);
    this.#socket.emit('register_session', { thread_id: this.thread_id });
  }

  #registered(said: { session_id?: string; thread_id?: string } | undefined): void {
    if (!this.#isActive) return;
    this.#session = said?.session_id ?? this.#session;
    this.#log(`Registered thread ${said?.thread_id ?? this.thread_id} as session ${this.#session} ${this.#over}`);
    clearInterval(this.#pinging);
    this.#pinging = setInterval(() => this.#ping(), this.pingInterval);
    // In Node a program lives as long as its connection, not as long as this.
    (this.#pinging as unknown as { unref?(): void }).unref?.();
  }

  #ping(): void {
    if (!this.#socket.connected) return this.#log('No ping: not connected');
    const sentAt = Date.now();
    this.#log(`Ping for thread ${this.thread_id} ${this.#over}`);
    this.#socket.emit('ping', { thread_id: this.thread_id, timestamp: new Date(sentAt).toISOString() }, (response?: { pong?: unknown }) => {
      this.#attempts = 0;
      this.#log(response?.pong ? `Pong after ${Date.now() - sentAt} ms` : 'A ping was answered without a pong');
    });
  }

  #answer(said: { timestamp?: unknown } | undefined): void {
    if (!this.#isActive) return;
    this.#log('The server asks whether anybody is there');
    this.#socket.emit('system_ping_response', { thread_id: this.thread_id, timestamp: said?.timestamp ?? null, received_at: new Date().toISOString() });
    this.#ping();
  }

  get #carrier(): string | undefined {
    return this.#socket.io?.engine?.transport?.name;
  }

  get #over(): string {
    return `over ${this.#carrier ?? 'an unknown transport'}`;
  }

  #stopTimers(): void {
    clearInterval(this.#pinging);
    clearTimeout(this.#comingBack);
    this.#pinging = this.#comingBack = undefined;
  }

  #log(line: string): void {
    if (this.debug) console.log(`[SessionMonitor] ${line}`);
  }
}

export default SessionMonitor;
