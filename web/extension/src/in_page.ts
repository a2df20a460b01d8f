// Functions that run inside a page, in a world of our own that the page cannot see or change.
// Invariant: each is sent as its source text, so it uses nothing but its arguments, `this` and the page.
import type { Field } from './fields';

export type Aim = { x: number; y: number } | { problem: string; wait: boolean };
export type Focus = { ok: true; takesText: boolean } | { problem: string; wait: boolean };

/** Throws a SyntaxError for what is no selector. */
export function findElement(selector: string): Element | null {
  return document.querySelector(selector);
}

/** Scrolls the element into view and gives a point of it that a click would reach, in CSS pixels of the viewport. */
export function aimAt(this: Element): Aim {
  const describe = (element: Element | null) => {
    if (!element) return 'nothing';
    const id = element.id ? `#${element.id}` : '';
    const classes = [...element.classList].slice(0, 2).map((name) => `.${name}`).join('');
    return `<${element.localName}${id}${classes}>`;
  };
  if (!this.isConnected) return { problem: 'The element left the page', wait: true };
  if (this.matches(':disabled')) return { problem: 'The element is disabled', wait: true };
  this.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
  const style = getComputedStyle(this);
  const boxes = [...this.getClientRects()].filter((box) => box.width * box.height > 1);
  if (boxes.length === 0 || style.visibility !== 'visible') return { problem: 'The element is not visible', wait: true };
  let cover: Element | null = null;
  for (const box of boxes) {
    const left = Math.max(box.left, 0), right = Math.min(box.right, innerWidth);
    const top = Math.max(box.top, 0), bottom = Math.min(box.bottom, innerHeight);
    if (right - left <= 0 || bottom - top <= 0) continue;
    const x = (left + right) / 2, y = (top + bottom) / 2;
    let hit = document.elementFromPoint(x, y);
    for (let inner = hit?.shadowRoot?.elementFromPoint(x, y); inner && inner !== hit; inner = hit?.shadowRoot?.elementFromPoint(x, y)) hit = inner;
    for (let node: Node | null = hit; node; node = node.parentNode ?? (node as ShadowRoot).host ?? null) {
      if (node === this) return { x, y };
    }
    if (hit?.closest('label')?.control === this) return { x, y };
    cover ??= hit;
  }
  if (!cover) return { problem: 'The element lies outside of the page', wait: true };
  return { problem: `The element is covered by ${describe(cover)}`, wait: true };
}

/** Waits for the next press of the mouse and stops it unless it reaches the element; `pressed` reads what came of it. */
export function guardPress(this: Element): void {
  const target = this;
  const world = globalThis as typeof globalThis & { sojournPress?: string };
  world.sojournPress = 'none';
  const guard = (event: Event) => {
    if (!event.isTrusted) return;
    const path = event.composedPath();
    const label = (path[0] as Element).closest?.('label');
    const reached = path.includes(target) || label?.control === target;
    if (event.type === 'pointerdown') world.sojournPress = reached ? 'reached' : 'missed';
    if (world.sojournPress === 'missed') {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
    if (event.type === 'click') stop();
  };
  const types = ['pointerdown', 'mousedown', 'pointerup', 'mouseup', 'click'];
  const stop = () => types.forEach((type) => removeEventListener(type, guard, true));
  types.forEach((type) => addEventListener(type, guard, true));
  setTimeout(stop, 2000);
}

export function pressed(): string {
  return (globalThis as typeof globalThis & { sojournPress?: string }).sojournPress ?? 'none';
}

/** Resolves when the page has run what was due before. */
export function afterDueTasks(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** Gives the element the focus, with the caret at its end; with `select` all its text is selected. */
export function focusOn(this: Element, select: boolean): Focus {
  if (!this.isConnected) return { problem: 'The element left the page', wait: true };
  if (this.matches(':disabled')) return { problem: 'The element is disabled', wait: true };
  if ((this as HTMLInputElement).readOnly) return { problem: 'The element is read-only', wait: false };
  const style = getComputedStyle(this);
  if (this.getClientRects().length === 0 || style.visibility !== 'visible') return { problem: 'The element is not visible', wait: true };
  const editable = (this as HTMLElement).isContentEditable;
  const field = this instanceof HTMLInputElement || this instanceof HTMLTextAreaElement;
  const had = (this.getRootNode() as Document | ShadowRoot).activeElement === this;
  (this as HTMLElement).focus({ preventScroll: false });
  const root = this.getRootNode() as Document | ShadowRoot;
  if (root.activeElement !== this && !(editable && root.activeElement?.contains(this))) return { problem: 'The element cannot take the focus', wait: false };
  if (field && select) this.select();
  else if (field && !had && this.selectionStart !== null) this.setSelectionRange(this.value.length, this.value.length);
  if (editable && (select || !had)) {
    const range = document.createRange();
    range.selectNodeContents(this);
    if (!select) range.collapse(false);
    getSelection()?.removeAllRanges();
    getSelection()?.addRange(range);
  }
  return { ok: true, takesText: editable || field };
}

/**
 * Sets fields that are not filled by keys (choices, dates, colours, ranges, boxes) and tells the page.
 * Gives 'keys' when the element is filled by keys instead, 'done', or what is wrong.
 */
export function setValue(this: Element, text: string): string {
  const tell = () => {
    this.dispatchEvent(new Event('input', { bubbles: true, composed: true }));
    this.dispatchEvent(new Event('change', { bubbles: true }));
  };
  if (this.matches(':disabled')) return 'The element is disabled';
  if (this instanceof HTMLSelectElement) {
    const option = [...this.options].find((one) => one.value === text) ?? [...this.options].find((one) => one.label.trim() === text.trim());
    if (!option) return `The list has no choice "${text}"`;
    option.selected = true;
    tell();
    return 'done';
  }
  if (this instanceof HTMLInputElement) {
    if (this.type === 'file') return 'Files cannot be chosen with fill';
    if (this.type === 'checkbox' || this.type === 'radio') return 'A box is changed with click, not with fill';
    if (['date', 'time', 'datetime-local', 'month', 'week', 'color', 'range'].includes(this.type)) {
      const before = this.value;
      this.value = text;
      if (this.value !== text && !(this.type === 'color' && this.value === text.toLowerCase())) {
        this.value = before;
        return `"${text}" is not a value of a ${this.type} field`;
      }
      tell();
      return 'done';
    }
    return 'keys';
  }
  if (this instanceof HTMLTextAreaElement || (this as HTMLElement).isContentEditable) return 'keys';
  return `<${this.localName}> cannot be filled`;
}

/** One object per element that matches; what is not there is null. */
export function scrapeAll(selector: string, fields: Field[]): Record<string, string | null>[] {
  return [...document.querySelectorAll(selector)].map((row) => {
    const taken: Record<string, string | null> = {};
    for (const { name, css, attribute } of fields) {
      const found = css === '' ? row : row.querySelector(css) ?? (row.matches(css) ? row : null);
      const value = attribute === undefined ? found?.textContent?.trim() : found?.getAttribute(attribute);
      Object.defineProperty(taken, name, { value: value ?? null, enumerable: true });
    }
    return taken;
  });
}

/** Scrolls the page or, where the page itself does not scroll, what lies in its middle. Gives where it is then. */
export function scrollPage(dx: number, dy: number, edge: string): { scrollX: number; scrollY: number } {
  const canMove = (element: Element) => {
    const style = getComputedStyle(element);
    const y = element.scrollHeight > element.clientHeight && /auto|scroll|overlay/.test(style.overflowY);
    const x = element.scrollWidth > element.clientWidth && /auto|scroll|overlay/.test(style.overflowX);
    return dx !== 0 ? x : y;
  };
  const page = document.scrollingElement ?? document.documentElement;
  const pageMoves = dx !== 0 ? page.scrollWidth > page.clientWidth : page.scrollHeight > page.clientHeight;
  let moved: Element = page;
  if (!pageMoves) {
    let middle = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
    while (middle && !canMove(middle)) middle = middle.parentElement;
    moved = middle ?? page;
  }
  const left = moved.scrollLeft + dx;
  const top = edge === 'top' ? 0 : edge === 'bottom' ? moved.scrollHeight : moved.scrollTop + dy;
  moved.scrollTo({ left, top, behavior: 'instant' });
  return { scrollX: Math.round(moved.scrollLeft), scrollY: Math.round(moved.scrollTop) };
}
