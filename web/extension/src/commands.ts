// What a server may ask for: one table from the type of a frame to what is done, and the frame that answers it.
// Invariant: each command gets exactly one answer, within its deadline and the limit on the size of a frame.
import type { Frame } from 'sojourn-client/connection';
import { captureShown, readShot } from './capture';
import { Debuggees, PageRefused, type Page } from './debuggee';
import * as inPage from './page';
import { TabQueues } from './queue';
import {
  activeTab, closeTab, createTab, goThroughHistory, goThroughShownHistory, messageOf, navigateTab, queryTabs, readTabId, readUrl, reloadTab,
  updateTab, type Data,
} from './tabs';

export const frameBytesMax = 1_000_000;

// Shorter than the server's own patience (30 s and 10 s), so that the caller hears what went wrong.
const longMs = 28_000;
const loadMs = 25_000;
const shortMs = 9_000;

type Command = (data: Data) => Promise<unknown>;

export class Commands {
  #queues = new TabQueues();
  #debuggees: Debuggees;
  #table: ReadonlyMap<string, Command>;

  constructor(noted: (line: string) => void) {
    this.#debuggees = new Debuggees(noted);
    this.#table = new Map<string, Command>([
      ['navigate', (data) => this.#navigate(data)],
      ['tabs.createTab', (data) => createTab(data, AbortSignal.timeout(loadMs))],
      ['tabs.query', () => queryTabs()],
      ['tabs.update', (data) => this.#update(data)],
      ['tabs.closeTab', (data) => closeTab(data)],
      ['tabs.reload', this.#onTab(shortMs, reloadTab)],
      ['tabs.goBack', async (data) => { await this.#goThroughHistory(data, -1); return { navigatedBack: true }; }],
      ['tabs.goForward', async (data) => { await this.#goThroughHistory(data, 1); return { navigatedForward: true }; }],
      ['tabs.executeScript', this.#onPage(longMs, inPage.executeScript)],
      ['tabs.click', this.#onPage(shortMs, inPage.click)],
      ['tabs.type', this.#onPage(shortMs, inPage.type)],
      ['tabs.fill', this.#onPage(shortMs, inPage.fill)],
      ['tabs.scrape', this.#onPage(longMs, inPage.scrape)],
      ['tabs.scroll', this.#onPage(shortMs, inPage.scroll)],
      ['tabs.captureVisibleTab', (data) => this.#capture(data)],
    ]);
  }

  knows(type: string): boolean {
    return this.#table.has(type);
  }

  /** Does what the frame asks for and gives the frame that answers it; never rejects. */
  async answer(frame: Frame, sessionId: string): Promise<Frame> {
    const command = this.#table.get(frame.type);
    const head = {
      type: `${frame.type}.response`,
      ...(frame['requestId'] === undefined ? {} : { requestId: frame['requestId'] }),
      sessionId,
    };
    try {
      if (!command) throw new Error(`There is no command ${frame.type}`);
      const data = (frame['data'] ?? {}) as Data;
      if (typeof data !== 'object' || Array.isArray(data)) throw new Error('data must be an object');
      const result = await command(data);
      return withinLimit({ ...head, success: true, result, timestamp: Date.now() });
    } catch (error) {
      return { ...head, success: false, error: messageOf(error).slice(0, 2_000), timestamp: Date.now() };
    }
  }

  async #navigate(data: Data): Promise<unknown> {
    const url = readUrl(data['url']);
    const tab = await activeTab();
    return this.#queues.run(tab.id, loadMs, (signal) => this.#debuggees.hold(tab.id, () => navigateTab(tab.id, url, signal)));
  }

  // A change without an address does not concern the page and does not wait for it.
  async #update(data: Data): Promise<unknown> {
    if (data['url'] === undefined) return updateTab(data, AbortSignal.timeout(shortMs));
    return this.#onTab(loadMs, updateTab)(data);
  }

  async #capture(data: Data): Promise<unknown> {
    const shot = readShot(data);
    const windowId = data['windowId'] === undefined ? undefined : Number(data['windowId']);
    const tab = await activeTab(windowId);
    return this.#queues.run(tab.id, shortMs, () => this.#debuggees.use(tab.id, (page) => captureShown(page, shot)));
  }

  async #goThroughHistory(data: Data, step: -1 | 1): Promise<void> {
    const tabId = readTabId(data);
    await chrome.tabs.get(tabId);
    await this.#queues.run(tabId, shortMs, async (signal) => {
      try {
        await this.#debuggees.use(tabId, (page) => goThroughHistory(page, step, signal));
      } catch (error) {
        if (!(error instanceof PageRefused)) throw error;
        await goThroughShownHistory(tabId, step, signal);
      }
    });
  }

  #onTab(msMax: number, run: (data: Data, signal: AbortSignal) => Promise<unknown>): Command {
    return async (data) => {
      const tabId = readTabId(data);
      return this.#queues.run(tabId, msMax, (signal) => this.#debuggees.hold(tabId, () => run(data, signal)));
    };
  }

  #onPage(msMax: number, run: (page: Page, data: Data, signal: AbortSignal) => Promise<unknown>): Command {
    return async (data) => {
      const tabId = readTabId(data);
      const { url } = await chrome.tabs.get(tabId);
      // In its own pages the extension has rights that no server is to borrow.
      if (url?.startsWith(chrome.runtime.getURL(''))) throw new PageRefused('The pages of the extension itself are not driven');
      return this.#queues.run(tabId, msMax, (signal) => this.#debuggees.use(tabId, (page) => run(page, data, signal)));
    };
  }
}

/** The command as a line for a person: what and where, never what is typed. */
export function describeCommand(frame: Frame): string {
  const data = (typeof frame['data'] === 'object' && frame['data'] !== null ? frame['data'] : {}) as Data;
  const parts = [frame.type];
  for (const key of ['url', 'selector', 'direction'] as const) if (typeof data[key] === 'string') parts.push(data[key]);
  if (data['tabId'] !== undefined) parts.push(`in tab ${String(data['tabId'])}`);
  return parts.join(' ');
}

function withinLimit(frame: Frame): Frame {
  const bytes = new TextEncoder().encode(JSON.stringify(frame)).length;
  if (bytes > frameBytesMax) throw new Error(`The result has ${bytes} bytes, more than the ${frameBytesMax} of one frame`);
  return frame;
}
