// The one session of this browser at the server: made once, kept, checked when it is old, made anew when the server lost it.
// Invariant: jobs run one after another and equal ones share a run, so any number of callers make one session. What is kept
// changes only after the server agreed.
import type { BackgroundMessage, Cleared, Failure, SessionReady } from './lib/utils/messaging';
import { isSessionLost, reasonOf } from './lib/api';

/** For how long the server's word that it knows the session is good. */
export const freshMs = 30 * 60_000;
export const heartbeatAlarm = 'session-heartbeat';
export const heartbeatEveryMinutes = 30;

export interface SessionApi {
  /** The address of the server to use now. */
  url(): Promise<string>;
  createSession(url: string, clientId: string): Promise<{ session_id: string; session_resumed: boolean; message: string }>;
  validateSession(url: string, sessionId: string): Promise<boolean>;
  deleteSession(url: string, sessionId: string): Promise<void>;
}

/** What is in `chrome.storage.local`; the times are milliseconds since the epoch. */
interface Kept {
  clientId?: string;
  sessionId?: string;
  sessionCreatedAt?: number;
  sessionResumed?: boolean;
  /** When the server last said that it knows the session. */
  sessionCheckedAt?: number;
  /** The server that has the session. */
  sessionServer?: string;
}

type Job = 'start' | 'get' | 'check' | 'clear' | 'beat';

const sessionKeys = ['sessionId', 'sessionCreatedAt', 'sessionResumed', 'sessionCheckedAt', 'sessionServer'] as const;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export class SessionKeeper {
  #api: SessionApi;
  #last: { kind: Job; result: Promise<unknown> } | undefined;

  constructor(api: SessionApi) {
    this.#api = api;
  }

  /** Finds the session of the browser's former life again, or makes one. Nothing changes when the server is away. */
  start(): Promise<SessionReady | Failure> {
    return this.#inTurn('start', () => this.#answer(async () => this.#create(await this.#api.url(), (await recall()).clientId)));
  }

  /** The kept session while it is fresh; else it is checked, or one is made. */
  get(): Promise<SessionReady | Failure> {
    // Whoever waits for a check already gets all that a plain question would.
    return this.#inTurn(this.#last?.kind === 'check' ? 'check' : 'get', () => this.#answer(() => this.#obtain(freshMs)));
  }

  /** As `get`, and the server is asked in any case. */
  check(): Promise<SessionReady | Failure> {
    return this.#inTurn('check', () => this.#answer(() => this.#obtain(0)));
  }

  /** Ends the session at the server and forgets it here, also when the server can't be told. */
  clear(): Promise<Cleared> {
    return this.#inTurn('clear', () => this.#forget());
  }

  /** Keeps a session that there is from expiring, and replaces it if the server lost it. */
  beat(): Promise<void> {
    return this.#inTurn('beat', async () => {
      if ((await recall()).sessionId !== undefined) await this.#answer(() => this.#obtain(0));
    });
  }

  async #answer(job: () => Promise<SessionReady>): Promise<SessionReady | Failure> {
    try {
      return await job();
    } catch (error) {
      return { status: 'error', message: `Failed to create session: ${reasonOf(error)}` };
    }
  }

  async #obtain(freshFor: number): Promise<SessionReady> {
    const [kept, url] = await Promise.all([recall(), this.#api.url()]);
    const { sessionId, sessionResumed = false } = kept;
    if (sessionId === undefined || (kept.sessionServer ?? url) !== url) return this.#create(url, kept.clientId);
    const age = Date.now() - Math.max(kept.sessionCreatedAt ?? 0, kept.sessionCheckedAt ?? 0);
    if (age >= 0 && age < freshFor) return { status: 'success', sessionId, sessionResumed, message: 'Session in use' };
    if (!await this.#api.validateSession(url, sessionId)) return this.#createAnew(url);
    await chrome.storage.local.set({ sessionCheckedAt: Date.now() });
    return { status: 'success', sessionId, sessionResumed, message: 'Session confirmed by the server' };
  }

  async #create(url: string, known: string | undefined): Promise<SessionReady> {
    if (known === undefined || !uuid.test(known)) return this.#createAnew(url);
    try {
      return await this.#createFor(url, known);
    } catch (error) {
      if (!isSessionLost(error)) throw error;
      return this.#createAnew(url);
    }
  }

  // With another client id nothing is left that could lead back to a session that is gone.
  #createAnew(url: string): Promise<SessionReady> {
    return this.#createFor(url, crypto.randomUUID());
  }

  async #createFor(url: string, clientId: string): Promise<SessionReady> {
    const { session_id: sessionId, session_resumed: sessionResumed, message } = await this.#api.createSession(url, clientId);
    if (typeof sessionId !== 'string' || sessionId === '') throw new Error('the server answered without a session id');
    const kept: Kept = { clientId, sessionId, sessionResumed: sessionResumed === true, sessionCreatedAt: Date.now(), sessionServer: url };
    await chrome.storage.local.remove('sessionCheckedAt');
    await chrome.storage.local.set(kept);
    return { status: 'success', sessionId, sessionResumed: sessionResumed === true, message };
  }

  async #forget(): Promise<Cleared> {
    const kept = await recall();
    let problem: string | undefined;
    try {
      if (kept.sessionId !== undefined) await this.#api.deleteSession(kept.sessionServer ?? await this.#api.url(), kept.sessionId);
    } catch (error) {
      if (!isSessionLost(error)) problem = reasonOf(error);
    }
    // A session that could not be ended must not come back under the same client id.
    await chrome.storage.local.remove(problem === undefined ? [...sessionKeys] : [...sessionKeys, 'clientId']);
    return { status: 'success', message: problem === undefined ? 'Session cleared' : `Session cleared in this browser; the server could not be told: ${problem}` };
  }

  #inTurn<T>(kind: Job, job: () => Promise<T>): Promise<T> {
    if (this.#last?.kind === kind) return this.#last.result as Promise<T>;
    const before = this.#last?.result;
    const result = (async () => {
      await before?.catch(() => {});
      return job();
    })();
    const mine = { kind, result };
    this.#last = mine;
    const done = () => { if (this.#last === mine) this.#last = undefined; };
    result.then(done, done);
    return result;
  }
}

/**
 * Answers the pages' messages, keeps the session alive and makes it when the browser starts. To be called before the worker's
 * first wait. A failed attempt at the start is not reported: the panel asks again, and shows what comes of it.
 */
export function serveSession(keeper: SessionKeeper): void {
  const begin = () => { void keeper.start(); };
  chrome.runtime.onStartup.addListener(begin);
  chrome.runtime.onInstalled.addListener(begin);
  chrome.runtime.onMessage.addListener((message: unknown, _sender, respond) => {
    answer(keeper, message).catch((error: unknown) => ({ status: 'error', message: reasonOf(error) })).then(respond);
    return true;
  });
  chrome.alarms.onAlarm.addListener(({ name }) => {
    if (name === heartbeatAlarm) void keeper.beat().catch((error: unknown) => console.warn('Session:', error));
  });
  void beginHeartbeat();
}

async function answer(keeper: SessionKeeper, message: unknown): Promise<SessionReady | Cleared | Failure> {
  const { action, check } = (message ?? {}) as Partial<BackgroundMessage> & { check?: unknown };
  if (action === 'getSessionId') return check === true ? keeper.check() : keeper.get();
  if (action === 'clearSession') return keeper.clear();
  return { status: 'error', message: 'Unknown action' };
}

// An alarm that is made again at each start of the worker would never ring.
async function beginHeartbeat(): Promise<void> {
  if (await chrome.alarms.get(heartbeatAlarm)) return;
  await chrome.alarms.create(heartbeatAlarm, { periodInMinutes: heartbeatEveryMinutes });
}

async function recall(): Promise<Kept> {
  const stored = await chrome.storage.local.get(['clientId', ...sessionKeys]);
  const text = (key: string) => (typeof stored[key] === 'string' && stored[key] !== '' ? { [key]: stored[key] } : {});
  const time = (key: string) => (typeof stored[key] === 'number' ? { [key]: stored[key] } : {});
  return {
    ...text('clientId'), ...text('sessionId'), ...text('sessionServer'), ...time('sessionCreatedAt'), ...time('sessionCheckedAt'),
    sessionResumed: stored['sessionResumed'] === true,
  };
}
