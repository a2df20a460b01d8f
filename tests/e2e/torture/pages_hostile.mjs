// Pages that hang, lie, ask without end or take themselves apart. Bodies by name; `tell('x')` notes x.
export const hostilePages = {
  'spin-click': `<button onclick="tell('spun'); for (;;) {}">Spin</button><button onclick="tell('other')">Other</button>`,
  'spin-load': '<p>before</p><script>for (;;) {}</script>',
  'spin-later': '<button>Before</button><script>setTimeout(() => { for (;;) {} }, 300)</script>',
  'spin-once': `<button onclick="const end = Date.now() + 700; while (Date.now() < end); tell('busy')">Busy</button>`,
  storm: '<button onclick="for (let n = 0; n < 20; n += 1) alert(\'alert \' + n); tell(\'through\')">Storm</button>',
  dialogs: `<button onclick="alert('hello'); tell('alerted')">Alert</button><button onclick="tell('confirm-' + confirm('sure?'))">Confirm</button>
    <button onclick="tell('prompt-' + prompt('name?', 'none'))">Prompt</button>`,
  'alert-load': `<script>alert('on load'); tell('loaded')</script><button>After</button>`,
  'alert-timer': `<button>Calm</button><script>setInterval(() => alert('again'), 50)</script>`,
  leaves: `<button onclick="tell('touched')">Touch</button><a href="/hello">Leave</a><script>onbeforeunload = (e) => { e.preventDefault(); e.returnValue = 'stay'; return 'stay'; }</script>`,
  'leaves-storm': `<script>onbeforeunload = (e) => { for (let n = 0; n < 50; n += 1) alert(n); e.preventDefault(); return 'x'; }; onunload = () => { for (;;) {} };</script><button>Here</button>`,
  print: '<button onclick="print(); tell(\'printed\')">Print</button>',
  liar: `<button id="real" style="position:absolute;left:300px;top:300px" onclick="tell('real')">Real</button>
    <button style="position:absolute;left:0;top:0" onclick="tell('wrong-corner')">Corner</button><script>
    const lie = () => { throw new Error('no'); };
    Element.prototype.getBoundingClientRect = () => ({ x: 0, y: 0, left: 0, top: 0, right: 20, bottom: 20, width: 20, height: 20 });
    Element.prototype.getClientRects = () => []; Element.prototype.scrollIntoView = lie; Element.prototype.matches = () => true; Element.prototype.closest = lie;
    Document.prototype.elementFromPoint = function () { return this.body; }; Document.prototype.querySelector = lie; Document.prototype.querySelectorAll = lie;
    for (const name of ['map', 'filter', 'forEach', 'push', 'join', 'indexOf', 'includes', 'slice', 'some', 'find']) Array.prototype[name] = lie;
    JSON.stringify = () => '"lie"'; JSON.parse = lie; Object.keys = lie; Object.entries = lie; Object.defineProperty = lie;
    window.Promise = function () { throw new Error('no promises'); }; window.MutationObserver = lie; window.requestAnimationFrame = () => 0; window.setTimeout = () => 0;
    for (const name of Object.getOwnPropertyNames(console)) console[name] = lie;
    Function.prototype.call = lie; Function.prototype.apply = lie; Function.prototype.toString = () => 'native'; HTMLElement.prototype.focus = lie; HTMLElement.prototype.click = () => tell('wrong-click');
    Object.defineProperty = lie; window.performance = undefined; window.getComputedStyle = lie; window.toString = lie; Node.prototype.contains = () => true; Node.prototype.getRootNode = lie;
    Array.prototype[Symbol.iterator] = lie;</script>`,
  'liar-events': `<button onclick="tell('heard')">Heard</button><script>
    for (const type of ['mousemove', 'mousedown', 'mouseup', 'pointerdown', 'pointerup', 'pointermove']) addEventListener(type, (e) => { e.stopImmediatePropagation(); }, true);
    EventTarget.prototype.addEventListener = () => {}; EventTarget.prototype.dispatchEvent = () => false; window.Event = undefined;</script>`,
  'no-root': '<button>Goes</button><script>window.wipe = () => { document.documentElement.remove(); return "wiped"; }</script>',
  'no-root-at-once': '<script>document.documentElement.remove()</script>',
  rewritten: '<button>Old</button><script>window.rewrite = () => { document.open(); document.write("<title>new</title><button>New</button>"); document.close(); return "done"; }</script>',
  refresh: '<meta http-equiv="refresh" content="0;url=/refresh"><button>Again</button>',
  'refresh-slow': '<meta http-equiv="refresh" content="1;url=/hello"><button>Soon</button>',
  bounces: '<script>setTimeout(() => { location.href = "/bounces-back"; }, 20)</script><button>Ping</button>',
  'bounces-back': '<script>setTimeout(() => { location.href = "/bounces"; }, 20)</script><button>Pong</button>',
  'to-file': '<a href="file:///etc/passwd">File</a><a href="chrome://version">Chrome</a><a href="/redirect?to=file%3A%2F%2F%2Fetc%2Fpasswd">Redirect</a>',
  'file-frame': '<iframe id="f" src="file:///etc/passwd"></iframe><iframe src="chrome://version"></iframe><button>Still here</button>',
  popups: '<button>Here</button><script>setInterval(() => window.open("/popups"), 30)</script>',
  mutates: '<button onclick="tell(\'calm\')">Calm</button><p id="p"></p><script>setInterval(() => { p.textContent = Math.random(); p.setAttribute("x", Math.random()); }, 1)</script>',
  polls: '<button onclick="tell(\'polled\')">Poll</button><script>setInterval(() => fetch("/xhr?ms=30"), 20)</script>',
  'long-text': `<button>${'very long '.repeat(2000)}</button><input value="${'x'.repeat(5000)}"><a href="/${'p'.repeat(3000)}">${'l'.repeat(500)}</a>`,
  throws: '<button onclick="tell(\'thrown\'); throw new Error(\'from the page\')">Throw</button><script>throw new Error("at load")</script>',
  history: '<script>for (let n = 0; n < 100; n += 1) history.pushState({}, "", "/history?" + n)</script><button>Here</button>',
  'grows-memory': '<p>calm</p>',
  fullscreen: '<button onclick="document.documentElement.requestFullscreen().catch(() => tell(\'no\'))">Full</button>',
  permissions: '<button onclick="Notification.requestPermission().then((p) => tell(p)); navigator.geolocation.getCurrentPosition(() => tell(\'here\'), () => tell(\'nowhere\'))">Ask</button>',
};
