// Waits until a navigation of a tab's main frame has ended, well or badly.
// Invariant: only what happens after the watch began counts; every listener is taken back by stop().

type Phase = 'started' | 'committed' | 'done' | 'aborted' | { failed: string };

// A navigation that is cut off is often followed by the one that replaced it.
const abortedGraceMs = 400;

export class LoadWatch {
  #phases = new Map<number, Phase>();
  #wake = () => {};
  #takeBack: (() => void)[] = [];

  constructor() {
    const nav = chrome.webNavigation;
    const main = (set: (tabId: number, details: { error?: string }) => void) =>
      (details: { tabId: number; frameId: number; error?: string }) => {
        if (details.frameId === 0) set(details.tabId, details);
      };
    const sameDocument = main((tabId) => { if (this.#phases.get(tabId) !== 'started') this.#set(tabId, 'done'); });
    const listen = <L extends (...args: never[]) => void>(
      event: { addListener(listener: L): void; removeListener(listener: L): void }, listener: L) => {
      event.addListener(listener);
      this.#takeBack.push(() => event.removeListener(listener));
    };
    listen(nav.onBeforeNavigate, main((tabId) => this.#set(tabId, 'started')));
    listen(nav.onCommitted, main((tabId) => this.#set(tabId, 'committed')));
    listen(nav.onCompleted, main((tabId) => { if (this.#phases.has(tabId)) this.#set(tabId, 'done'); }));
    listen(nav.onReferenceFragmentUpdated, sameDocument);
    listen(nav.onHistoryStateUpdated, sameDocument);
    listen(nav.onErrorOccurred, main((tabId, details) => this.#failed(tabId, details.error ?? 'net::ERR_FAILED')));
    listen(chrome.tabs.onUpdated, (tabId, change, tab) => {
      const phase = this.#phases.get(tabId);
      if (change.status === 'complete' && !tab.pendingUrl && (phase === undefined || phase === 'committed')) this.#set(tabId, 'done');
    });
    listen(chrome.tabs.onRemoved, (tabId) => this.#set(tabId, { failed: 'The tab was closed' }));
  }

  /** Resolves when the tab has loaded; rejects with what went wrong, or when the signal is aborted. */
  async loaded(tabId: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const phase = this.#phases.get(tabId);
      if (phase === 'done') return;
      if (typeof phase === 'object') throw new Error(phase.failed);
      await this.#next(signal);
    }
  }

  /** True while a navigation that began under the watch has not ended. */
  leaving(tabId: number): boolean {
    const phase = this.#phases.get(tabId);
    return phase === 'started' || phase === 'committed';
  }

  stop(): void {
    for (const takeBack of this.#takeBack) takeBack();
    this.#takeBack = [];
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      this.#wake = () => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
    });
  }

  #set(tabId: number, phase: Phase): void {
    this.#phases.set(tabId, phase);
    this.#wake();
  }

  #failed(tabId: number, error: string): void {
    if (error !== 'net::ERR_ABORTED') return this.#set(tabId, { failed: error });
    this.#set(tabId, 'aborted');
    setTimeout(() => {
      if (this.#phases.get(tabId) === 'aborted') this.#set(tabId, { failed: 'net::ERR_ABORTED (stopped, replaced or turned into a download)' });
    }, abortedGraceMs);
  }
}

/** Gives the tab once Chrome calls it complete, which it does a moment after the load; after a second as it stands. */
export async function settledTab(tabId: number): Promise<chrome.tabs.Tab> {
  for (const end = Date.now() + 1_000; ;) {
    const tab = await chrome.tabs.get(tabId);
    if (tab.status === 'complete' || Date.now() > end) return tab;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
