// Draws a conversation into a list, as text and nothing else.
// Invariant: an item that did not change is not touched, so that a selection stays and a screen reader reads only what is new.
import { blocksOf, type Exchange, type Item } from './conversation';

const drawn = new WeakMap<HTMLElement, string>();

/** Makes the list show the items. `again` is asked to send a question that failed once more. */
export function showItems(list: HTMLOListElement, items: readonly Item[], again: (question: string) => void): void {
  const kept = new Map([...list.children].map((row) => [(row as HTMLElement).dataset['key'], row as HTMLLIElement]));
  let next: Element | null = list.firstElementChild;
  for (const item of items) {
    const row = kept.get(item.key) ?? newRow(item.key);
    kept.delete(item.key);
    const text = JSON.stringify(item);
    if (drawn.get(row) !== text) {
      drawn.set(row, text);
      draw(row, item, again);
    }
    if (row === next) next = next.nextElementSibling;
    else list.insertBefore(row, next);
  }
  for (const row of kept.values()) row.remove();
}

function newRow(key: string): HTMLLIElement {
  const row = document.createElement('li');
  row.dataset['key'] = key;
  return row;
}

function draw(row: HTMLLIElement, item: Item, again: (question: string) => void): void {
  if (item.kind !== 'exchange') {
    row.dataset['role'] = item.kind;
    return row.replaceChildren(element('p', item.kind, ...(item.kind === 'error' ? [errorMark(), item.text] : [item.text])));
  }
  const isOpen = item.state === 'waiting' || item.state === 'streaming';
  row.dataset['role'] = 'exchange';
  row.dataset['state'] = item.state;
  // A reader is told when the answer is whole, not at each piece.
  row.setAttribute('aria-busy', String(isOpen));
  const parts: HTMLElement[] = [];
  if (item.question !== undefined) parts.push(questionOf(row, item.question));
  if (item.state !== 'failed' || item.answer !== '') parts.push(answerOf(item));
  if (item.problem !== undefined) parts.push(problemOf(item, again));
  row.replaceChildren(...parts);
}

// The question is drawn once, so that a selection in it outlives the pieces of the answer.
function questionOf(row: HTMLLIElement, text: string): HTMLElement {
  const old = row.firstElementChild;
  if (old instanceof HTMLElement && old.className === 'question') return old;
  // For those who don't see on which side it stands.
  return element('p', 'question', unseen('You: '), text);
}

function answerOf({ answer, state, sections }: Exchange): HTMLElement {
  const box = element('div', state === 'waiting' ? 'answer waiting' : 'answer', unseen('Answer: '));
  if (state === 'waiting') box.append(element('p', '', 'Waiting for an answer', caret()));
  for (const { kind, text } of blocksOf(answer)) box.append(kind === 'code' ? codeOf(text) : element('p', '', text));
  if (state === 'streaming') (box.querySelector(':scope > p:last-child') ?? box).append(caret());
  if (state === 'stopped') box.append(element('p', 'note', 'Stopped.'));
  for (const { title, items } of sections) {
    box.append(element('h2', '', title), items.length === 1 ? element('p', '', items[0] ?? '') : element('ul', '', ...items.map((item) => element('li', '', item))));
  }
  return box;
}

// What scrolls has to be within reach of a keyboard.
function codeOf(text: string): HTMLElement {
  const code = element('pre', '', element('code', '', text));
  code.tabIndex = 0;
  return code;
}

function problemOf({ problem, question }: Exchange, again: (question: string) => void): HTMLElement {
  const box = element('div', 'error', errorMark(), problem ?? '');
  if (question === undefined) return box;
  const button = element('button', 'small', 'Try again') as HTMLButtonElement;
  button.type = 'button';
  button.addEventListener('click', () => again(question));
  box.append(button);
  return box;
}

function errorMark(): HTMLElement {
  return element('strong', '', 'Error: ');
}

function unseen(text: string): HTMLElement {
  return element('span', 'unseen', text);
}

function caret(): HTMLElement {
  const mark = element('span', 'caret');
  mark.setAttribute('aria-hidden', 'true');
  return mark;
}

function element(name: string, className: string, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(name);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}
