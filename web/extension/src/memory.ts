// What outlives the worker: the log and the state of the connection.
// Invariant: writes happen one after another and only when something changed; a failed write is reported, never thrown.
import type { ConnectionState } from 'sojourn-client/connection';
import type { LogLine } from './log';
import { statusWords } from './popup_port';

export interface Remembered {
  state: Partial<ConnectionState>;
  log: LogLine[];
}

export class Memory {
  #tail: Promise<void> = Promise.resolve();
  #synced = '';

  /** The worker's former life. A person's Disconnect also outlives the browser; all else ends with it. */
  async recall(): Promise<Remembered> {
    const [session, local] = await Promise.all([
      chrome.storage.session.get(['state', 'log']), chrome.storage.local.get(['disconnected', 'lastConnectedAt']),
    ]);
    const state: Partial<ConnectionState> = { ...(session['state'] as Partial<ConnectionState> | undefined) };
    if (typeof local['lastConnectedAt'] === 'number') state.lastConnectedAt = local['lastConnectedAt'];
    if (local['disconnected'] === true) state.stopped = 'user';
    return { state, log: (session['log'] as LogLine[] | undefined) ?? [] };
  }

  keepState(state: ConnectionState): void {
    const { lastConnectedAt } = state;
    this.#write(() => chrome.storage.session.set({ state }));
    this.#write(() => chrome.storage.local.set({
      disconnected: state.stopped === 'user', ...(lastConnectedAt === undefined ? {} : { lastConnectedAt }),
    }));
    // The synchronised storage has a small quota of writes and goes to other devices, where it is news, not truth.
    const news = { sessionId: state.sessionId ?? null, connectionStatus: statusWords[state.status] };
    const text = JSON.stringify(news);
    if (text === this.#synced) return;
    this.#synced = text;
    this.#write(() => chrome.storage.sync.set(news));
  }

  keepLog(log: LogLine[]): void {
    this.#write(() => chrome.storage.session.set({ log }));
  }

  #write(write: () => Promise<void>): void {
    this.#tail = this.#tail.then(write).catch((error: unknown) => console.warn('Not kept:', error));
  }
}
