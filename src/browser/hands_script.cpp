#include "browser/hands_script.h"

#include <string>

#include "browser/fields_script.h"

namespace sojourn {
namespace {

// Runs in a world of its own, so what a page's scripts change of the language is not there; the document is the same.
// Each function that is called from outside answers with a plain object.
constexpr std::string_view script = R"script((() => {
if (globalThis.hands) return;
const short = (text, max) => (text.length > max ? text.slice(0, max) + '...' : text);
const describe = (el) => {
  if (!el || el.nodeType !== 1) return 'nothing';
  let text = '<' + el.localName;
  for (const name of ['id', 'class', 'name', 'role', 'type']) {
    const value = el.getAttribute(name);
    if (value) text += ` ${name}="${short(value, 40)}"`;
  }
  return text + '>';
};
// Flat tree: what an element is drawn inside of. Closed roots do not tell of their slots, unless we came from there.
const above = (node, roots) => {
  if (node.assignedSlot) return node.assignedSlot;
  const parent = node.parentNode;
  for (const root of roots)
    if (root.host === parent)
      for (const slot of root.querySelectorAll('slot'))
        if (slot.assignedNodes().includes(node)) return slot;
  return parent instanceof ShadowRoot ? parent.host : parent;
};
const rootsOf = (el) => {
  const roots = [];
  for (let root = el.getRootNode(); root; root = root.host ? root.host.getRootNode() : null) roots.unshift(root);
  return roots;
};
// Text that stands in a slot of it belongs to the host, as far as hit tests go.
const hasSlottedText = (el, x, y) => [...el.querySelectorAll('slot')].some((slot) =>
  slot.assignedNodes({ flatten: true }).some((node) => {
    const range = document.createRange();
    range.selectNode(node);
    return node.nodeType === 3 &&
      [...range.getClientRects()].some((r) => x >= r.left - 2 && x <= r.right + 2 && y >= r.top - 2 && y <= r.bottom + 2);
  }));
// What receives a pointer at this point is the element or inside of it; otherwise what does.
const hitTest = (el, x, y) => {
  const roots = rootsOf(el);
  let hit = null;
  for (let i = 0; i < roots.length; ++i) {
    const next = roots[i].elementFromPoint(x, y);
    if (!next) break;
    hit = next;
    if (roots[i + 1] && next !== roots[i + 1].host) break;
  }
  for (let node = hit; node; node = above(node, roots)) {
    if (node === el) return { ok: true };
    if (node.localName === 'label' && node.control === el) return { ok: true };
  }
  const isText = hit && hit === roots.at(-1).host && hasSlottedText(el, x, y);
  return { ok: !!isText, by: hit };
};
// What is drawn in a button is clicked with it, unless it acts by itself.
const targetOf = (el) => {
  const clickable = el.closest('button, a, [role=button], [role=link]');
  return clickable && !el.matches('input, select, textarea, label, [tabindex], [onclick]') ? clickable : el;
};
const rects = (el) => {
  if (getComputedStyle(el).display !== 'contents') return [...el.getClientRects()];
  const range = document.createRange();
  range.selectNodeContents(el);
  return [...range.getClientRects()];
};
const isVisible = (el) => el.checkVisibility({ checkVisibilityCSS: true }) ||
  (getComputedStyle(el).display === 'contents' && getComputedStyle(el).visibility === 'visible');
// A point of it that is in the viewport, or null.
const pointOf = (el) => {
  for (const rect of rects(el)) {
    const left = Math.max(rect.left, 0), right = Math.min(rect.right, innerWidth);
    const top = Math.max(rect.top, 0), bottom = Math.min(rect.bottom, innerHeight);
    if (right - left >= 1 && bottom - top >= 1) return { x: (left + right) / 2, y: (top + bottom) / 2 };
  }
  return null;
};
const boxOf = (el) => {
  const r = el.getBoundingClientRect();
  return { x: r.x, y: r.y, width: r.width, height: r.height };
};
const isDisabled = (el) => el.matches(':disabled') || !!el.closest('[aria-disabled="true"], [inert]');
const isMoving = (el) => {
  for (let node = el; node; node = above(node, []))
    if (node.getAnimations?.().some((animation) => animation.playState === 'running')) return true;
  return false;
};
const frame = () => new Promise((done) => {
  const timer = setTimeout(done, 100);
  requestAnimationFrame(() => { clearTimeout(timer); done(); });
});
// Until it was at the same place in two frames one after the other.
const steady = async (el, max) => {
  let last = '';
  for (const end = performance.now() + max; performance.now() < end;) {
    await frame();
    const now = JSON.stringify(boxOf(el));
    if (now === last) return true;
    last = now;
  }
  return false;
};
const places = ['center', 'end', 'start', 'nearest'];
const bringIntoView = (el, attempt) => {
  const block = places[attempt % places.length];
  const target = getComputedStyle(el).display === 'contents' ? el.firstElementChild ?? el : el;
  target.scrollIntoView({ block, inline: block === 'nearest' ? 'nearest' : 'center', behavior: 'instant' });
};
// Why it can't be acted on now, or ''.
const obstacle = (el, wants) => {
  if (!rects(el).some((r) => r.width > 0 && r.height > 0) || !isVisible(el)) return 'the element is not visible';
  if (wants.enabled && isDisabled(el)) return 'the element is not enabled';
  if (wants.editable && (el.readOnly || el.getAttribute('aria-readonly') === 'true')) return 'the element is not editable';
  return '';
};
const gone = { gone: true };

const kinds = {
  click: ['pointerdown', 'mousedown', 'pointerup', 'mouseup', 'click', 'dblclick', 'auxclick', 'contextmenu'],
  hover: ['mousemove', 'pointermove', 'mouseover', 'pointerover', 'mouseenter', 'pointerenter'],
};
let guard = null;
const disarm = () => {
  if (!guard) return null;
  for (const kind of guard.kinds) removeEventListener(kind, guard.listen, true);
  const was = guard;
  guard = null;
  return was;
};
// The first event of each press decides: when it does not lead to the element, it and all that follow reach nobody.
const arm = (el, kind) => {
  disarm();
  const mine = { kinds: kinds[kind], verdict: null, by: '', presses: 0 };
  mine.listen = (event) => {
    if (!event.isTrusted) return;
    const isAgain = event.type === 'pointerdown' && mine.presses > 0;
    if (mine.verdict === null || (mine.verdict && isAgain)) {
      mine.verdict = false;  // also when the element went away
      const test = el?.isConnected ? hitTest(targetOf(el), event.clientX, event.clientY) : { ok: false, by: event.target };
      mine.verdict = test.ok;
      if (!test.ok) mine.by = describe(test.by);
    }
    if (mine.verdict && event.type === 'pointerdown') ++mine.presses;
    if (mine.verdict) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  guard = mine;
  for (const kind of mine.kinds) addEventListener(kind, mine.listen, { capture: true, passive: false });
};

let changes = 0;
const observer = new MutationObserver((list) => { changes += list.length; });
const observe = () => observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
const changed = () => (changes += observer.takeRecords().length);
// After everything that was ready to run before it.
const idle = () => new Promise((done) => {
  const timer = setTimeout(done, 50);
  scheduler.postTask(() => { clearTimeout(timer); done(); }, { priority: 'background' });
});
globalThis.hands = {
  // Is it there, to be seen, still, enabled, and does it get what the pointer does? Then it is guarded from now on, and
  // changes are counted.
  async ready(el, wants) {
    if (!el.isConnected) return gone;
    let why = obstacle(el, wants);
    if (why) return { why };
    if (isMoving(el) && !(await steady(el, wants.steadyMs))) return { why: 'the element is not stable' };
    let point = pointOf(el), test = point && hitTest(targetOf(el), point.x, point.y);
    if (!test?.ok || wants.bring) {
      bringIntoView(el, wants.attempt);
      point = pointOf(el);
      test = point && hitTest(targetOf(el), point.x, point.y);
    }
    if (!el.isConnected) return gone;
    if (!point) return { why: 'the element is outside of the viewport' };
    if (!test.ok) return { why: `the element is covered by ${describe(test.by)}` };
    changes = 0;
    observe();
    if (wants.guard) arm(el, wants.guard);
    return { point, box: boxOf(el) };
  },
  // A frame element: does the point of its document get what the pointer does there? Then nothing else here does.
  through(el, point, guardKind) {
    if (!el.isConnected) return gone;
    const rect = el.getBoundingClientRect();
    const scaleX = el.offsetWidth ? rect.width / el.offsetWidth : 1, scaleY = el.offsetHeight ? rect.height / el.offsetHeight : 1;
    const style = getComputedStyle(el);
    const offset = { x: rect.left + (el.clientLeft + parseFloat(style.paddingLeft)) * scaleX,
                     y: rect.top + (el.clientTop + parseFloat(style.paddingTop)) * scaleY };
    const at = { x: offset.x + point.x * scaleX, y: offset.y + point.y * scaleY };
    const test = hitTest(el, at.x, at.y);
    if (!test.ok && guardKind)
      return { why: test.by ? `the element's frame is covered by ${describe(test.by)}` : 'the element is outside of the viewport' };
    if (guardKind) arm(null, guardKind);
    return { point: at, offset, scale: { x: scaleX, y: scaleY } };
  },
  // Who got it: true, false, or null when no event came. `changes` of what ran until now, `more` of what came after that.
  async finish(...given) {  // its last: whether somebody looks at the page now
    const was = disarm();
    changed();
    const first = changes;
    if (given.at(-1) !== false) await idle();
    changed();
    return { hit: was?.verdict ?? null, by: was?.by ?? '', presses: was?.presses ?? 0, changes, more: changes - first };
  },
  disarm() { disarm(); return {}; },
  // What comes from now on reaches nobody.
  refuse() {
    arm(null, 'click');
    guard.verdict = false;
    return {};
  },
  observe() { changes = 0; observe(); return {}; },
  // Until nothing changed for that long.
  async quiet(ms, max) {
    const end = performance.now() + max;
    observe();
    for (let last = -1; performance.now() < end;) {
      changed();
      if (changes === last) break;
      last = changes;
      await new Promise((done) => setTimeout(done, ms));
    }
    observer.disconnect();
    return { changes };
  },
  rest() { observer.disconnect(); observer.takeRecords(); return {}; },

  // What it is called now, if nothing but its aria-label or its text says so.
  words(el) {
    if (!el.isConnected) return gone;
    if (el.hasAttribute('aria-labelledby')) return {};
    const label = el.getAttribute('aria-label');
    const isField = el.matches('input, select, textarea') || el.querySelector('input, select, textarea');
    return { words: short(label || (!isField && el.innerText) || '', 400) };
  },

  watchDrag() {
    hands.drag = { started: false };
    const mine = hands.drag;
    addEventListener('dragstart', (event) => setTimeout(() => { mine.started = !event.defaultPrevented; }), { capture: true, once: true });
    return {};
  },
  async dragged() { await idle(); return hands.drag ?? {}; },

  async show(el) {
    if (!el.isConnected) return gone;
    if (!rects(el).length) return { why: 'the element is not visible' };
    changes = 0;
    observe();
    bringIntoView(el, 0);
    await frame();
    return { box: boxOf(el) };
  },
  // What moves is the page, or what can be scrolled in the middle of it.
  async scroll(dx, dy) {
    changes = 0;
    observe();
    const can = (el) => {
      const style = getComputedStyle(el);
      const along = (size, client, overflow) => size > client + 1 && overflow !== 'visible' && overflow !== 'hidden' && overflow !== 'clip';
      return dy ? along(el.scrollHeight, el.clientHeight, style.overflowY) : along(el.scrollWidth, el.clientWidth, style.overflowX);
    };
    const page = document.scrollingElement ?? document.documentElement;
    const from = [scrollX, scrollY];
    window.scrollBy({ left: dx, top: dy, behavior: 'instant' });
    let moved = scrollX !== from[0] || scrollY !== from[1];
    if (!moved) {
      const inside = (root) => root?.elementFromPoint(innerWidth / 2, innerHeight / 2);
      let el = inside(document);
      for (let inner = el; (inner = inside(inner?.shadowRoot)) && inner !== el;) el = inner;
      for (; el && el !== page && !moved; el = above(el, []))
        if (el.nodeType === 1 && can(el)) {
          const at = [el.scrollLeft, el.scrollTop];
          el.scrollBy({ left: dx, top: dy, behavior: 'instant' });
          moved = el.scrollLeft !== at[0] || el.scrollTop !== at[1];
        }
    }
    if (moved) await frame();
    return { moved };
  },
};
)script";

constexpr std::string_view end = "})()";

}  // namespace

std::string_view hands_script() {
  static std::string const whole = std::string(script) + std::string(fields_script()) + std::string(end);
  return whole;
}

}  // namespace sojourn
