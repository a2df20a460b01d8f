// The operations on whole tabs: open, list, change, close and travel through history.
// Each takes the data of a frame and gives the result of the contract, or rejects with an Error for the caller to read.
import type { Page } from './debuggee';
import { LoadWatch, settledTab } from './loading';

export type Data = Record<string, unknown>;

const openWithoutScheme = /^(about|data|blob):/i;
const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i;
const thisMachine = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/i;

/** Reads an address to open; one without a scheme is a web address. Throws for what a server must not open in a person's browser. */
export function readUrl(value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '') throw new Error('url is required');
  const text = value.trim();
  if (/^chrome:\/\/newtab\/?$/i.test(text) || openWithoutScheme.test(text)) return text;
  if (/^(javascript|file|chrome|devtools|chrome-extension|view-source|filesystem):/i.test(text)) {
    throw new Error(`${text.slice(0, text.indexOf(':') + 1)} addresses are not opened`);
  }
  if (withScheme.test(text)) return text;
  return `${thisMachine.test(text) ? 'http' : 'https'}://${text}`;
}

/** Reads the id of a tab; throws when there is none. */
export function readTabId(data: Data): number {
  const tabId = Number(data['tabId']);
  if (!Number.isInteger(tabId) || tabId < 0) throw new Error(`tabId must be the number of a tab, not ${JSON.stringify(data['tabId'])}`);
  return tabId;
}

/** The active tab of a window; -2 means the one that was used last. */
export async function activeTab(windowId: number = chrome.windows.WINDOW_ID_CURRENT): Promise<chrome.tabs.Tab & { id: number }> {
  const window = windowId === chrome.windows.WINDOW_ID_CURRENT ? await lastWindow() : await chrome.windows.get(windowId);
  const [tab] = window?.id === undefined ? [] : await chrome.tabs.query({ active: true, windowId: window.id });
  if (tab?.id === undefined) throw new Error('There is no open tab');
  return tab as chrome.tabs.Tab & { id: number };
}

async function lastWindow(): Promise<chrome.windows.Window | undefined> {
  try {
    return await chrome.windows.getLastFocused({ windowTypes: ['normal'] });
  } catch {
    return (await chrome.windows.getAll({ windowTypes: ['normal'] }))[0];
  }
}

export async function createTab(data: Data, signal: AbortSignal): Promise<Data> {
  const url = readUrl(data['url'] ?? 'chrome://newtab');
  const watch = new LoadWatch();
  try {
    const created = await openTab(url);
    try {
      await watch.loaded(created.id, signal);
    } catch (error) {
      // A slow page stays open and says so; one that failed leaves no tab behind.
      if (!signal.aborted) {
        await chrome.tabs.remove(created.id).catch(() => {});
        throw new Error(`${url}: ${messageOf(error)}`);
      }
    }
    const tab = signal.aborted ? await chrome.tabs.get(created.id) : await settledTab(created.id);
    return {
      tabId: created.id, url: tab.url || tab.pendingUrl || url, title: tab.title ?? '',
      windowId: tab.windowId, index: tab.index, active: tab.active, status: tab.status ?? 'loading',
    };
  } finally {
    watch.stop();
  }
}

async function openTab(url: string): Promise<{ id: number }> {
  const window = await lastWindow();
  const tab = window?.id === undefined
    ? (await chrome.windows.create({ url }))?.tabs?.[0]
    : await chrome.tabs.create({ url, windowId: window.id });
  if (tab?.id === undefined) throw new Error('Chrome opened no tab');
  return { id: tab.id };
}

export async function queryTabs(): Promise<Data[]> {
  const tabs = await chrome.tabs.query({});
  return tabs.map((tab) => ({ id: tab.id, url: tab.url || tab.pendingUrl || '', title: tab.title ?? '', active: tab.active }));
}

export async function updateTab(data: Data, signal: AbortSignal): Promise<Data> {
  const tabId = readTabId(data);
  const change: chrome.tabs.UpdateProperties = {};
  for (const key of ['active', 'pinned', 'muted', 'highlighted'] as const) {
    if (data[key] === undefined) continue;
    if (typeof data[key] !== 'boolean') throw new Error(`${key} must be true or false`);
    change[key] = data[key];
  }
  if (data['url'] === undefined) {
    if (Object.keys(change).length === 0) throw new Error('Nothing to change: give url, active, pinned, muted or highlighted');
    await chrome.tabs.update(tabId, change);
  } else {
    const url = readUrl(data['url']);
    await travel(tabId, () => chrome.tabs.update(tabId, { ...change, url }), signal, url);
  }
  return { tabId, updated: true };
}

export async function closeTab(data: Data): Promise<Data> {
  await chrome.tabs.remove(readTabId(data));
  return { closed: true };
}

export async function reloadTab(data: Data, signal: AbortSignal): Promise<Data> {
  const tabId = readTabId(data);
  await travel(tabId, () => chrome.tabs.reload(tabId), signal);
  return { reloaded: true };
}

/**
 * Goes to the entry of the tab's history that lies `step` away and waits for it. Chrome's own functions leave out pages that no
 * person has touched, and pages that a server opened are of that kind.
 */
export async function goThroughHistory(page: Page, step: -1 | 1, signal: AbortSignal): Promise<void> {
  const { currentIndex, entries } = await page.send<{ currentIndex: number; entries: { id: number }[] }>('Page.getNavigationHistory');
  const entry = entries[currentIndex + step];
  if (!entry) throw new Error(`There is no ${step < 0 ? 'earlier' : 'later'} page in the history of this tab`);
  // On the way to one of Chrome's own pages the debugger is put out, but the tab goes on.
  const go = () => page.send('Page.navigateToHistoryEntry', { entryId: entry.id }).catch((error: unknown) => {
    if (!/^Detached/.test(messageOf(error))) throw error;
  });
  await travel(page.tabId, go, signal);
}

/** The same by Chrome's own functions, for pages that the debugger is kept out of. */
export async function goThroughShownHistory(tabId: number, step: -1 | 1, signal: AbortSignal): Promise<void> {
  await travel(tabId, () => (step < 0 ? chrome.tabs.goBack(tabId) : chrome.tabs.goForward(tabId)), signal);
}

/** Opens an address in a tab and gives where it ended up. */
export async function navigateTab(tabId: number, url: string, signal: AbortSignal): Promise<Data> {
  await travel(tabId, () => chrome.tabs.update(tabId, { url }), signal, url);
  const tab = await settledTab(tabId);
  return { tabId, url: tab.url ?? url, title: tab.title ?? '' };
}

async function travel(tabId: number, start: () => Promise<unknown>, signal: AbortSignal, url?: string): Promise<void> {
  const watch = new LoadWatch();
  try {
    await start();
    await watch.loaded(tabId, signal);
  } catch (error) {
    throw url === undefined ? error : new Error(`${url}: ${messageOf(error)}`);
  } finally {
    watch.stop();
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
