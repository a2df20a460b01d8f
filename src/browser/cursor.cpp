#include "browser/cursor.h"

#include "base/json.h"

namespace sojourn {
namespace {

// Styles are set through the object model, which no content security policy forbids. The element is made when there is
// something to hang it on, and again when the page threw it away. Its name is cursor_element.
constexpr std::string_view script = R"js((() => {
  if (window.top !== window || globalThis.sojournCursor) return;
  let host, dot, point;
  const set = (element, styles) => {
    for (const [name, value] of Object.entries(styles)) element.style.setProperty(name, value, 'important');
  };
  const make = () => {
    host = document.createElement('sojourn-cursor');
    host.setAttribute('aria-hidden', 'true');
    set(host, { all: 'initial', position: 'fixed', left: '0', top: '0', width: '0', height: '0',
      'z-index': '2147483647', 'pointer-events': 'none' });
    dot = document.createElement('div');
    set(dot, { position: 'absolute', left: '-10px', top: '-10px', width: '20px', height: '20px',
      'border-radius': '50%', 'pointer-events': 'none',
      background: 'radial-gradient(circle, rgba(255,0,0,.9) 0%, rgba(255,0,0,.55) 55%, rgba(255,0,0,0) 100%)' });
    host.attachShadow({ mode: 'closed' }).append(dot);
  };
  const show = () => {
    if (!point || !document.documentElement) return;
    if (!host) make();
    dot.style.setProperty('transform', `translate(${point[0]}px, ${point[1]}px)`, 'important');
    if (host.parentNode !== document.documentElement) document.documentElement.append(host);
  };
  globalThis.sojournCursor = (x, y) => { point = [x, y]; show(); };
  document.addEventListener('DOMContentLoaded', show);
  window.addEventListener('load', show);
})())js";

}  // namespace

std::string_view cursor_script() { return script; }

std::string cursor_move(double x, double y) {
  std::string text = "globalThis.sojournCursor?.(";
  json::append(text, x);
  text += ',';
  json::append(text, y);
  return text += ')';
}

}  // namespace sojourn
