// The side panel: shows the session and its conversation, and passes on what a person asks.
// Invariant: what comes from elsewhere is only ever put in as text.
import { apiAddressKey } from './config';
import { showItems } from './conversation_view';
import { keepClientId } from './client_id';
import { PanelSession, type PanelStatus } from './panel_session';

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const conversation = element<HTMLOListElement>('conversation');
const question = element<HTMLTextAreaElement>('question');
const latest = element<HTMLButtonElement>('latest');
const words = { starting: 'Connecting', reconnecting: 'Connecting', connected: 'Connected', offline: 'Offline' } as const satisfies Record<PanelStatus, string>;

let drawing = false;
let followsEnd = true;
/** Where the list was scrolled to, and how large it was, when its end was last in view. */
let lastEnd = { top: 0, size: '' };
const session = new PanelSession(() => {
  // Many pieces of an answer come at once; one drawing shows them all.
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    drawing = false;
    show();
  }, 16);
});

function show(): void {
  const { status, sessionId, resumed, problem, url, asking } = session.state;
  element('status').dataset['status'] = status;
  setText('word', words[status]);
  setText('session', sessionId ? `${sessionId.slice(0, 8)}${resumed ? ', resumed' : ''}` : '');
  element('session').hidden = sessionId === undefined;
  element('session').title = sessionId ? `Session ${sessionId}` : '';
  setText('server', url);
  // A loss of a moment heals by itself; a banner for each would only flicker.
  element('trouble').hidden = status !== 'offline' || problem === undefined;
  setText('problem', problem ?? '');
  element('send').hidden = asking;
  element('stop').hidden = !asking;
  noticeScroll();
  showItems(conversation, session.conversation.items, (text) => void send(text));
  element('empty').hidden = session.conversation.items.length > 0;
  stayAtEnd();
}

// Whoever reads further up is not pulled away, also while the event that tells of it is on its way.
// A list of another size moves under a reader who stays, so that says nothing.
function noticeScroll(): void {
  if (isAtEnd()) rememberEnd();
  else if (conversation.scrollTop < lastEnd.top - 1 && listSize() === lastEnd.size) followsEnd = false;
}

function stayAtEnd(): void {
  if (followsEnd) {
    conversation.scrollTop = conversation.scrollHeight;
    rememberEnd();
  }
  latest.hidden = isAtEnd();
}

function rememberEnd(): void {
  followsEnd = true;
  lastEnd = { top: conversation.scrollTop, size: listSize() };
}

function listSize(): string {
  return `${conversation.clientWidth}x${conversation.clientHeight}`;
}

function followEnd(): void {
  followsEnd = true;
  stayAtEnd();
}

function isAtEnd(): boolean {
  return conversation.scrollHeight - conversation.scrollTop - conversation.clientHeight < 32;
}

function setText(id: string, text: string): void {
  if (element(id).textContent !== text) element(id).textContent = text;
}

async function submit(): Promise<void> {
  const text = question.value.trim();
  if (text === '' || session.state.asking) return;
  question.value = '';
  // What was not sent stays to be sent later.
  if (!await send(text) && question.value === '') question.value = text;
}

async function send(text: string): Promise<boolean> {
  if (session.state.asking) return true;
  followEnd();
  return session.ask(text);
}

function clear(): void {
  void session.clear();
  question.focus();
}

element('form').addEventListener('submit', (event) => {
  event.preventDefault();
  void submit();
});
question.addEventListener('keydown', (event) => {
  // Enter also ends the composing of a character, which is not to send anything.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  void submit();
});
element('stop').addEventListener('click', () => {
  session.stop();
  question.focus();
});
element('clear').addEventListener('click', () => {
  // There is nothing to lose in an empty conversation.
  if (session.conversation.items.length === 0) clear();
  else element<HTMLDialogElement>('confirm').showModal();
});
element('confirm-form').addEventListener('submit', (event) => {
  if ((event.submitter as HTMLButtonElement | null)?.value === 'clear') clear();
});
element('reconnect').addEventListener('click', () => session.reconnect());
latest.addEventListener('click', followEnd);
conversation.addEventListener('scroll', () => {
  noticeScroll();
  latest.hidden = followsEnd;
});
new ResizeObserver(stayAtEnd).observe(conversation);
addEventListener('online', () => { if (session.state.status === 'offline') session.reconnect(); });
chrome.storage.onChanged.addListener((changes, area) => {
  if (area === 'local' && (changes['server'] || changes[apiAddressKey])) session.move();
});

void keepClientId().finally(() => session.start());
question.focus();
