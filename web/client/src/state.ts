// The session's state as the log tells it, and its changes.
// Invariant: `all` is what the snapshot and the events up to `#seq` come to; each change makes a new object.
import { SojournError } from './errors';
import { callEach } from './listeners';
import type { Requests } from './requests';
import { seqOf } from './stream';
import type { SessionEvent, SharedState, StateChange } from './types';

type Values = Readonly<Record<string, unknown>>;

export class StateView implements SharedState {
  readonly #requests: Requests;
  #all: Values = {};
  #revision = 0;
  /** The place in the log that it is the state of. */
  #seq = 0;
  /** Of keys whose revision is known. */
  #revisions = new Map<string, number>();
  #listeners = new Set<(change: StateChange) => void>();
  #waiting: { seq: number; done(): void }[] = [];

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  get all(): Values { return this.#all; }
  get revision(): number { return this.#revision; }

  get<T = any>(key: string): T | undefined {
    return Object.hasOwn(this.#all, key) ? (this.#all[key] as T) : undefined;
  }

  revisionOf(key: string): number | undefined {
    return Object.hasOwn(this.#all, key) ? this.#revisions.get(key) : 0;
  }

  subscribe(key: string, changed: (value: any, change: StateChange) => void): () => void;
  subscribe(changed: (change: StateChange) => void): () => void;
  subscribe(first: string | ((change: StateChange) => void), changed?: (value: any, change: StateChange) => void): () => void {
    const listener = typeof first === 'function' ? first : (change: StateChange) => {
      if (Object.hasOwn(change.set, first) || change.removed.includes(first)) changed!(this.get(first), change);
    };
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  set(key: string, value: unknown): Promise<number> {
    return this.#change('set_session_state', { key, value: value ?? null });
  }

  async compareAndSet(key: string, value: unknown, ifRevision: number): Promise<number> {
    try {
      return await this.#change('set_session_state', { key, value: value ?? null, if_revision: ifRevision });
    } catch (error) {
      if (error instanceof SojournError && error.revision !== undefined) await this.#learn(key, error.revision);
      throw error;
    }
  }

  async update<T = any>(key: string, change: (value: T | undefined) => T): Promise<number> {
    for (;;) {
      try {
        // Any revision will do for a key whose own is not known: the refusal names it.
        return await this.compareAndSet(key, change(this.get<T>(key)), this.revisionOf(key) ?? this.#revision);
      } catch (error) {
        if (!(error instanceof SojournError) || error.code !== 'precondition_failed') throw error;
      }
    }
  }

  patch(changes: Record<string, unknown>): Promise<number> {
    return this.#change('patch_session_state', changes);
  }

  delete(key: string): Promise<number> {
    return this.patch({ [key]: null });
  }

  /** Takes a snapshot, and tells of all that is in it. */
  reset({ state, revision, cursor }: { state: Values; revision: number; cursor: string }): void {
    const removed = Object.keys(this.#all).filter((key) => !Object.hasOwn(state, key));
    this.#all = state;
    this.#revision = revision;
    this.#seq = seqOf(cursor);
    this.#revisions.clear();
    this.#settle(Infinity);
    callEach(this.#listeners, { set: state, removed, revision });
  }

  apply(event: SessionEvent): void {
    if (event.seq === undefined || event.seq <= this.#seq) return;
    this.#seq = event.seq;
    if (event.type === 'session.state') this.#fold(event as SessionEvent & { seq: number });
    this.#settle(event.seq);
  }

  /** There will be no more changes. */
  end(): void {
    this.#settle(Infinity);
  }

  #fold({ seq, first_seq: first, data }: SessionEvent & { seq: number }): void {
    const { set = {}, removed = [] } = data as StateChange;
    const all = { ...this.#all, ...set };
    for (const key of removed) delete all[key];
    for (const key of [...Object.keys(set), ...removed]) {
      if (first === undefined || first === seq) this.#revisions.set(key, seq);
      else this.#revisions.delete(key);
    }
    this.#all = all;
    this.#revision = seq;
    callEach(this.#listeners, { set, removed, revision: seq });
  }

  async #change(type: string, payload: unknown): Promise<number> {
    const { seq } = await this.#requests.ask({ type, payload }, 'change');
    await this.#reach(seq);
    return seq;
  }

  // What a refusal says of a key whose own revision no event told. Too late if it changed again: the next refusal says so.
  async #learn(key: string, revision: number): Promise<void> {
    await this.#reach(revision);
    if ((this.#revisions.get(key) ?? 0) < revision) this.#revisions.set(key, revision);
  }

  #reach(seq: number): Promise<void> {
    return new Promise((done) => {
      if (this.#seq >= seq) done();
      else this.#waiting.push({ seq, done });
    });
  }

  #settle(seq: number): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) {
      if (each.seq <= seq) each.done();
      else this.#waiting.push(each);
    }
  }
}
