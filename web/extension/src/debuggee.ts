// Tabs that the debugger is attached to: attached on demand, let go after a short idle time, because Chrome shows a bar meanwhile.
// Invariant: a tab is attached at most once; nothing here outlives the tab.

const idleMs = 5_000;

interface Attachment {
  ready: Promise<void>;
  users: number;
  timer?: ReturnType<typeof setTimeout>;
}

export interface RemoteObject {
  type: string;
  subtype?: string;
  value?: unknown;
  unserializableValue?: string;
  description?: string;
  objectId?: string;
}

export interface ExceptionDetails {
  text: string;
  exception?: RemoteObject;
}

export interface Evaluated {
  result: RemoteObject;
  exceptionDetails?: ExceptionDetails;
}

/** Chrome keeps extensions out of this page, as it does of its own. */
export class PageRefused extends Error {}

/** Sends DevTools commands to one attached tab. Rejects with an Error whose message a person can read. */
export class Page {
  constructor(readonly tabId: number) {}

  async send<T = unknown>(method: string, params: Record<string, unknown> = {}): Promise<T> {
    try {
      return (await chrome.debugger.sendCommand({ tabId: this.tabId }, method, params)) as T;
    } catch (error) {
      throw new Error(readDebuggerError(error));
    }
  }
}

export class Debuggees {
  #attachments = new Map<number, Attachment>();
  #noted: (line: string) => void;

  /** `noted` gets a line about what was done on its own account, such as a dialog that was closed. */
  constructor(noted: (line: string) => void) {
    this.#noted = noted;
    chrome.debugger.onDetach.addListener((source) => this.#forget(source.tabId));
    chrome.debugger.onEvent.addListener((source, method, params) => this.#event(source.tabId, method, params));
  }

  /** Runs `work` with the tab attached. Rejects with PageRefused when Chrome refuses. */
  async use<T>(tabId: number, work: (page: Page) => Promise<T>): Promise<T> {
    const attachment = this.#attachments.get(tabId) ?? this.#attach(tabId);
    clearTimeout(attachment.timer);
    attachment.users += 1;
    try {
      await attachment.ready;
      return await work(new Page(tabId));
    } finally {
      attachment.users -= 1;
      if (attachment.users === 0) attachment.timer = setTimeout(() => this.#release(tabId, attachment), idleMs);
    }
  }

  /** Runs `work`, which needs no debugger, so that a tab that is attached anyway stays so and its dialogs are answered. */
  async hold<T>(tabId: number, work: () => Promise<T>): Promise<T> {
    return this.#attachments.has(tabId) ? this.use(tabId, work) : work();
  }

  #attach(tabId: number): Attachment {
    const attachment: Attachment = { ready: attach(tabId), users: 0 };
    this.#attachments.set(tabId, attachment);
    attachment.ready.catch(() => {
      if (this.#attachments.get(tabId) === attachment) this.#attachments.delete(tabId);
    });
    return attachment;
  }

  #release(tabId: number, attachment: Attachment): void {
    if (this.#attachments.get(tabId) !== attachment || attachment.users > 0) return;
    this.#attachments.delete(tabId);
    chrome.debugger.detach({ tabId }).catch(() => {});
  }

  #forget(tabId: number | undefined): void {
    const attachment = tabId === undefined ? undefined : this.#attachments.get(tabId);
    if (!attachment) return;
    clearTimeout(attachment.timer);
    this.#attachments.delete(tabId as number);
  }

  // A dialog stops the page and with it the command that opened it, so a command's own dialog is answered at once.
  #event(tabId: number | undefined, method: string, params: unknown): void {
    if (method !== 'Page.javascriptDialogOpening' || tabId === undefined) return;
    if (!this.#attachments.get(tabId)?.users) return;
    const { type, message } = params as { type: string; message: string };
    const accept = type === 'alert' || type === 'beforeunload';
    this.#noted(`${accept ? 'Accepted' : 'Dismissed'} a dialog (${type}): ${message}`);
    new Page(tabId).send('Page.handleJavaScriptDialog', { accept }).catch(() => {});
  }
}

async function attach(tabId: number): Promise<void> {
  const page = new Page(tabId);
  try {
    await chrome.debugger.attach({ tabId }, '1.3');
  } catch (error) {
    const message = readDebuggerError(error);
    // A worker that was put to sleep wakes without its list, while Chrome still holds what it had attached.
    if (!/already attached/i.test(message)) throw new PageRefused(`Chrome does not let an extension into this page: ${message}`);
  }
  await page.send('Page.enable');
  // Tabs in the background take input like the one in front.
  await page.send('Emulation.setFocusEmulationEnabled', { enabled: true });
}

function readDebuggerError(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text;
  }
}
