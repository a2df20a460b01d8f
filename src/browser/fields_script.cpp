#include "browser/fields_script.h"

namespace sojourn {
namespace {

constexpr std::string_view script = R"script(
// What is typed reaches the element that has the focus, or nobody.
const hasFocus = (el) => {
  const active = el.getRootNode().activeElement;
  return !!active && (active === el || el.contains(active) || (el.isContentEditable && active.contains(el)));
};
const armText = (el) => {
  disarm();
  const mine = { kinds: ['beforeinput'], verdict: null, by: '' };
  mine.listen = (event) => {
    if (!event.isTrusted || (mine.verdict = hasFocus(el))) return;
    mine.by = describe(event.target);
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  guard = mine;
  addEventListener('beforeinput', mine.listen, true);
};

const editable = (el) => (el.localName === 'label' && el.control ? el.control : el);
const tell = (el, ...names) => names.forEach((name) => el.dispatchEvent(new Event(name, { bubbles: true, composed: true })));
const setters = new Map();
const setValue = (el, value) => {
  const kind = Object.getPrototypeOf(el);
  if (!setters.has(kind)) setters.set(kind, Object.getOwnPropertyDescriptor(kind, 'value')?.set);
  setters.get(kind)?.call(el, value);
};
const isNumber = (text) => /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
const typed = new Set(['', 'text', 'email', 'number', 'password', 'search', 'tel', 'url']);
const settable = new Set(['color', 'date', 'time', 'datetime-local', 'month', 'range', 'week']);

const checkedOf = (el) => {
  if (el.localName === 'label' && el.control) el = el.control;
  if (el.localName === 'input' && ['checkbox', 'radio'].includes(el.type))
    return { on: el.checked, mixed: el.indeterminate, radio: el.type === 'radio' };
  const role = el.getAttribute('role') ?? '';
  if (!['checkbox', 'radio', 'switch', 'menuitemcheckbox', 'menuitemradio', 'option', 'treeitem'].includes(role)) return null;
  const state = el.getAttribute('aria-checked') ?? el.getAttribute('aria-selected');
  return { on: state === 'true', mixed: state === 'mixed', radio: role === 'radio' };
};

Object.assign(hands, {
  // Ready to be typed into, with all that is in it selected; or set already when nothing can be typed into it.
  fill(given, text) {
    if (!given.isConnected) return gone;
    const el = editable(given);
    const why = obstacle(el, { enabled: true, editable: true });
    if (why) return { why };
    changes = 0;
    observe();
    const type = el.localName === 'input' ? el.type : '';
    if (el.localName === 'input' && settable.has(type)) {
      el.focus();
      setValue(el, text.trim());
      const isClamped = type === 'range' && isNumber(text.trim());
      if (el.value !== text.trim() && !isClamped) return { never: `Malformed value: ${short(text, 100)} is not a ${type}` };
      tell(el, 'input', 'change');
      return { before: '', box: boxOf(el) };
    }
    const takesText = (el.localName === 'input' && typed.has(type)) || el.localName === 'textarea' || el.isContentEditable;
    if (!takesText)
      return { never: el.localName === 'input' ? `Input of type "${type}" cannot be filled`
                                               : 'Element is not an <input>, <textarea> or [contenteditable] element' };
    if (type === 'number' && text !== '' && !isNumber(text)) return { never: 'Cannot type text into input[type=number]' };
    if (!pointOf(el)) bringIntoView(el, 0);
    el.focus();
    if (!hasFocus(el)) return { why: 'the element does not take the focus' };
    if (el.isContentEditable) {
      const range = document.createRange();
      range.selectNodeContents(el);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
    } else {
      el.select();
    }
    const before = el.isContentEditable ? el.innerText : el.value;
    // Not by the browser's input, which goes to whatever has the focus: another frame may take it meanwhile.
    armText(el);
    document.execCommand(text === '' ? 'delete' : 'insertText', false, text);
    const was = disarm();
    if (was?.verdict === false) return { why: `${was.by} takes the focus away` };
    return { before, box: boxOf(el) };
  },
  // Did it keep what was filled in?
  async filled(given, text, before) {
    const done = await hands.finish();
    if (!given.isConnected) return done;
    const el = editable(given);
    const value = el.isContentEditable ? el.innerText : el.value;
    const plain = (s) => s.replace(/\s+/g, ' ').trim();
    if (plain(value) === plain(text)) return done;
    const now = el.type === 'password' ? 'another text' : JSON.stringify(short(value, 100));
    if (value === before) done.never = `the element did not keep the text; it has ${now}`;
    else done.note = `The element has ${now} now.`;
    return done;
  },
  select(given, wanted) {
    if (!given.isConnected) return gone;
    const el = editable(given);
    if (el.localName !== 'select') return { never: 'Element is not a <select> element' };
    const why = obstacle(el, { enabled: true });
    if (why) return { why };
    const plain = (s) => s.replace(/\s+/g, ' ').trim();
    const options = [...el.options];
    const label = (o) => plain(o.label || o.text);
    const option = options.find((o) => label(o) === plain(wanted)) ?? options.find((o) => o.value === wanted);
    if (!option) {
      const labels = options.slice(0, 50).map((o) => JSON.stringify(short(label(o), 60))).join(', ');
      return { never: `no option has the label ${JSON.stringify(short(wanted, 100))}; there are: ${labels || 'none'}` };
    }
    if (option.disabled || option.parentNode.disabled) return { why: `the option ${JSON.stringify(short(wanted, 100))} is not enabled` };
    changes = 0;
    observe();
    if (!pointOf(el)) bringIntoView(el, 0);
    el.focus();
    if (el.multiple) for (const o of options) o.selected = o === option;
    option.selected = true;
    tell(el, 'input', 'change');
    if (!option.selected) return { never: `the element did not keep the option ${JSON.stringify(short(wanted, 100))}` };
    return { box: boxOf(el) };
  },
  checked(el) {
    if (!el.isConnected) return gone;
    const state = checkedOf(el);
    return state ? { ...state, box: boxOf(el) } : { never: 'Not a checkbox or radio button' };
  },
  takesFiles(given) {
    if (!given.isConnected) return gone;
    const el = editable(given);
    if (el.localName !== 'input' || el.type !== 'file') return { never: 'Node is not an HTMLInputElement of type file' };
    if (isDisabled(el)) return { why: 'the element is not enabled' };
    changes = 0;
    observe();
    return { box: boxOf(el), multiple: el.multiple };
  },
});
)script";

}  // namespace

std::string_view fields_script() { return script; }

}  // namespace sojourn
