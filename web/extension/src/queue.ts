// One queue per tab: what is done to a page is done in the order in which it was asked for.
// Invariant: a job that passes its deadline gives up its turn, so that a hung page delays only its own callers.

export type Job<T> = (signal: AbortSignal) => Promise<T>;

export class TabQueues {
  #tails = new Map<number, Promise<void>>();

  /** Runs `job` after the tab's earlier ones. The deadline includes the wait; after it the signal is aborted and the promise rejects. */
  run<T>(tabId: number, msMax: number, job: Job<T>): Promise<T> {
    const abort = new AbortController();
    const late = rejectAfter(msMax, abort);
    const before = this.#tails.get(tabId) ?? Promise.resolve();
    const done = before.then(() => {
      abort.signal.throwIfAborted();
      return job(abort.signal);
    });
    const outcome = Promise.race([done, late.promise]).finally(late.callOff);
    const tail = outcome.then(() => {}, () => {});
    this.#tails.set(tabId, tail);
    void tail.then(() => {
      if (this.#tails.get(tabId) === tail) this.#tails.delete(tabId);
    });
    return outcome;
  }
}

function rejectAfter(ms: number, abort: AbortController): { promise: Promise<never>; callOff: () => void } {
  let callOff = () => {};
  const promise = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => {
      const error = new Error(`The page did not finish within ${Math.round(ms / 1000)} s`);
      abort.abort(error);
      reject(error);
    }, ms);
    callOff = () => clearTimeout(timer);
  });
  return { promise, callOff };
}
