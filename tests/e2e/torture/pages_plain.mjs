// Pages that mean no harm: forms of every kind, storage, history, uploads, downloads, drag, new tabs. Bodies by name;
// `tell('x')` notes x.
const note = (name) => `onclick="tell('${name}')"`;

export const plainPages = {
  blank: '',
  hello: `<h1>Hello</h1><a href="/second" ${note('link')}>Second</a> <button ${note('press')}>Press</button>`,
  second: '<h1>Second</h1><a href="/hello">First</a>',
  'login-form': `<form method="post" action="/login"><label>User <input name="user"></label>
    <label>Password <input type="password" name="password"></label><button>Sign in</button></form>`,
  store: `<p id="out"></p><script>
    const show = () => { out.textContent = [document.cookie, localStorage.mark, sessionStorage.mark].join('|'); };
    window.put = (value) => new Promise((done) => {
      document.cookie = 'mark=' + value; localStorage.mark = value; sessionStorage.mark = value;
      const request = indexedDB.open('marks', 1);
      request.onupgradeneeded = () => request.result.createObjectStore('marks');
      request.onsuccess = () => { const t = request.result.transaction('marks', 'readwrite'); t.objectStore('marks').put(value, 'mark'); t.oncomplete = () => { request.result.close(); show(); done('put'); }; };
    });
    window.look = () => new Promise((done) => {
      const request = indexedDB.open('marks', 1);
      request.onupgradeneeded = () => request.result.createObjectStore('marks');
      request.onsuccess = () => { const get = request.result.transaction('marks').objectStore('marks').get('mark');
        get.onsuccess = () => { const found = get.result; request.result.close(); done([document.cookie, localStorage.mark, sessionStorage.mark, found].map((v) => v ?? '').join('|')); }; };
    });
    show();</script>`,
  forms: `<form onsubmit="tell('sent'); return false">
    <input name="plain" placeholder="Plain"><input type="email" placeholder="Email"><input type="password" placeholder="Secret">
    <input type="number" placeholder="Number"><input type="search" placeholder="Search"><input type="tel" placeholder="Phone"><input type="url" placeholder="Address">
    <input type="date" aria-label="Date"><input type="time" aria-label="Time"><input type="datetime-local" aria-label="Moment"><input type="month" aria-label="Month"><input type="week" aria-label="Week">
    <input type="color" aria-label="Colour"><input type="range" aria-label="Range" min="0" max="100" value="50">
    <label><input type="checkbox" name="agree" onchange="tell('agree-' + this.checked)"> Agree</label>
    <label><input type="radio" name="size" value="s"> Small</label><label><input type="radio" name="size" value="l"> Large</label>
    <textarea placeholder="Text"></textarea>
    <select aria-label="Fruit" onchange="tell('fruit-' + this.value)"><option value="a">Apple</option><option value="b">Banana</option><option value="c" disabled>Cherry</option></select>
    <select multiple aria-label="Colours"><option>Red</option><option>Green</option></select>
    <input type="file" aria-label="File" multiple><input type="hidden" name="hidden" value="h">
    <input value="kept" readonly aria-label="Fixed"><input disabled placeholder="Dead">
    <div contenteditable="true" role="textbox" aria-label="Rich"></div>
    <button>Send</button><input type="submit" value="Submit too"><input type="reset" value="Reset"><input type="button" value="Plain button" ${note('plain')}>
    <input type="image" alt="Picture" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" width="20" height="20">
    </form><script>for (const e of document.querySelectorAll('input, textarea, [contenteditable]')) { e.addEventListener('input', () => tell('in')); e.addEventListener('change', () => tell('ch')); }</script>`,
  described: `<a href="/second">Go on</a><a href="https://example.test/a/very/long/path/that/is/longer/than/fifty/characters">Far</a>
    <input type="email" placeholder="Email"><input name="q"><button>  Two
    words </button><textarea name="t"></textarea><div role="button">Role</div><div tabindex="0">Tab</div><div tabindex="-1">Not me</div>
    <span onclick="1">On click</span><p>Text</p><img alt="Picture" width="20" height="20" src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>"><h2>Head</h2>`,
  keys: '<input aria-label="Field"><script>document.addEventListener("keydown", (e) => tell((e.ctrlKey ? "C-" : "") + (e.shiftKey ? "S-" : "") + e.key))</script>',
  pointer: `<button onclick="tell('click')" ondblclick="tell('double')" onmouseenter="tell('enter')" oncontextmenu="tell('menu')">Target</button>
    <div style="height:200px"></div>`,
  drag: `<div id="from" role="button" draggable="true" ondragstart="event.dataTransfer.setData('text/plain', 'cargo'); tell('start')" style="width:80px;height:40px;background:red">Cargo</div>
    <div id="to" role="button" ondragover="event.preventDefault()" ondrop="event.preventDefault(); tell('drop-' + event.dataTransfer.getData('text/plain'))" style="width:80px;height:80px;margin-top:50px;background:blue">Harbour</div>`,
  slide: `<div id="knob" role="slider" tabindex="0" aria-label="Knob" style="width:40px;height:40px;background:red;position:absolute;left:0;top:0"></div>
    <div role="button" aria-label="Goal" style="position:absolute;left:300px;top:0;width:40px;height:40px;background:green"></div>
    <script>let held = false; knob.onmousedown = (e) => { held = true; e.preventDefault(); };
    document.onmousemove = (e) => { if (held) knob.style.left = e.clientX - 20 + 'px'; };
    document.onmouseup = () => { held = false; tell('at-' + Math.round(parseInt(knob.style.left) / 10) * 10); };</script>`,
  upload: `<form method="post" action="/posted" enctype="multipart/form-data"><input type="file" name="file" multiple aria-label="Files" onchange="tell('n' + this.files.length + '-' + [...this.files].map((f) => f.name + ':' + f.size).join(','))"><button>Send</button></form>`,
  downloads: '<a href="/download">Fetch the report</a> <a href="data:text/plain,abc" download="abc.txt">Fetch abc</a>',
  windows: `<button onclick="const w = window.open('/second'); tell(w ? 'opened' : 'none')">Open</button><a href="/second" target="_blank">Blank</a>`,
  worker: `<p id="out">none</p><script>navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready).then(() => tell('ready'))</script>`,
  pushes: '<button onclick="history.pushState({}, \'\', \'/pushed\'); tell(\'pushed\')">Push</button><script>onpopstate = () => tell("popped")</script>',
  'client-side': `<div id="app"><a href="/x" onclick="event.preventDefault(); setTimeout(() => { app.innerHTML = '<h1>Done</h1><button>After</button>'; }, 0)">Route</a></div>`,
  request: `<button onclick="out.textContent='...'; fetch('/xhr?ms=400').then((r) => r.text()).then((t) => { out.textContent = t; const b = document.createElement('button'); b.textContent = 'Answer'; document.body.append(b); })">Ask</button><p id="out"></p>`,
  'request-never': '<button onclick="fetch(\'/never\'); tell(\'asked\')">Ask for ever</button>',
  'image-never': '<img src="/never" alt="never"><button onclick="tell(\'pressed\')">Press</button>',
  scrolls: `<div style="height:3000px">tall</div><button onclick="tell('deep')">Deep</button>
    <div id="box" style="height:100px;width:200px;overflow:auto"><div style="height:900px"></div><button onclick="tell('in-box')">In the box</button></div>
    <div style="width:3000px;white-space:nowrap"><span style="display:inline-block;width:2500px"></span><button onclick="tell('far-right')">Far right</button></div>`,
  odd: `<!doctype html><html><head><meta charset="utf-8"><title>"quotes" &lt;b&gt; \u{1F600} \u202E txt \\ \u2028 '</title></head><body><button>&quot;q&quot; \u{1F600} \u05D0\u05D1</button><a href="/x?a=1&amp;b='%22">&lt;i&gt;</a></body></html>`,
};
