// The popup: shows what the background says and passes on the two wishes a person has.
// Invariant: it holds no state of its own; when the worker was put to sleep it asks again.
import { formatDate, formatLine, type LogLine } from './log';
import { portName, statusWords, type View, type Wish } from './popup_port';

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const copy = element<HTMLButtonElement>('copy');
const logs = element<HTMLOListElement>('logs');
let port: chrome.runtime.Port | undefined;
let shownLog: LogLine[] = [];

function connect(): void {
  port = chrome.runtime.connect({ name: portName });
  port.onMessage.addListener(show);
  port.onDisconnect.addListener(() => setTimeout(connect, 250));
}

function ask(wish: Wish): void {
  port?.postMessage(wish);
}

function show({ state, log, address, problem }: View): void {
  const word = statusWords[state.status];
  element('status').dataset['status'] = state.status;
  setText('word', word);
  setText('info-status', word);
  setText('session-id', state.sessionId ?? 'None');
  setText('retry-count', `${state.retryCount}/1`);
  setText('last-connected', formatDate(state.lastConnectedAt));
  setText('server', address);
  copy.disabled = state.sessionId === undefined;
  element<HTMLButtonElement>('disconnect').disabled = state.stopped !== undefined;
  const trouble = problem ?? state.problem;
  element('problem').hidden = trouble === undefined;
  setText('problem', trouble ?? '');
  showLog(log);
}

// Only new lines are added, so that a screen reader reads those alone and a selection stays.
function showLog(log: LogLine[]): void {
  const same = (a: LogLine | undefined, b: LogLine | undefined) => a !== undefined && a.at === b?.at && a.text === b.text;
  const first = shownLog.findIndex((line) => same(line, log[0]));
  const kept = first < 0 ? [] : shownLog.slice(first);
  const follows = kept.length <= log.length && kept.every((line, index) => same(line, log[index]));
  const atEnd = logs.scrollHeight - logs.scrollTop - logs.clientHeight < 24;
  if (follows) while (logs.children.length > kept.length) logs.firstElementChild?.remove();
  else logs.replaceChildren();
  for (const line of log.slice(follows ? kept.length : 0)) {
    const item = document.createElement('li');
    item.textContent = formatLine(line);
    logs.append(item);
  }
  shownLog = log;
  if (atEnd) logs.scrollTop = logs.scrollHeight;
}

function setText(id: string, text: string): void {
  if (element(id).textContent !== text) element(id).textContent = text;
}

async function copyId(): Promise<void> {
  try {
    await navigator.clipboard.writeText(element('session-id').textContent ?? '');
    copy.textContent = 'Copied';
  } catch {
    getSelection()?.selectAllChildren(element('session-id'));
    copy.textContent = 'Selected';
  }
  setTimeout(() => { copy.textContent = 'Copy'; }, 1_500);
}

// The panel opens only while Chrome still sees the press that asks for it, so the window is known beforehand.
async function offerSidePanel(): Promise<void> {
  const { id: windowId } = await chrome.windows.getCurrent();
  if (windowId === undefined) return;
  element('side-panel').addEventListener('click', () => {
    chrome.sidePanel.open({ windowId }).then(() => close(), (error: unknown) => {
      element('problem').hidden = false;
      setText('problem', `The side panel cannot be opened: ${error instanceof Error ? error.message : String(error)}`);
    });
  });
}

element('reconnect').addEventListener('click', () => ask('reconnect'));
element('disconnect').addEventListener('click', () => ask('disconnect'));
copy.addEventListener('click', () => void copyId());
void offerSidePanel();
connect();
