// Pages on which it is easy to touch the wrong thing: everything is alike, moves, is replaced, covered or not there.
// Bodies by name; `tell('x')` notes x, and a note that begins with "wrong" is never to be seen.
export const movingPages = {
  duplicates: `${Array.from({ length: 6 }, () => '<div><button class="b">Delete</button></div>').join('')}
    <script>document.querySelectorAll('.b').forEach((b, n) => b.addEventListener('click', () => tell('delete-' + n)))</script>`,
  'animated-css': `<style>@keyframes go { from { left: 0 } to { left: 600px } } #b { position: absolute; top: 50px; animation: go 400ms linear 1 forwards; }</style>
    <div style="position:absolute;inset:0" onclick="if (event.target === this) tell('wrong-ground')"></div><button id="b" onclick="tell('moving')">Catch</button>`,
  'animated-ever': `<style>@keyframes go { from { left: 0 } to { left: 600px } } #b { position: absolute; top: 50px; animation: go 300ms linear infinite alternate; }</style>
    <div style="position:absolute;inset:0" onclick="if (event.target === this) tell('wrong-ground')"></div><button id="b" onclick="tell('caught')">Never still</button>`,
  'moved-by-timer': `<div style="position:absolute;inset:0" onclick="if (event.target === this) tell('wrong-ground')"></div><button id="b" style="position:absolute;top:0" onclick="tell('stood')">Moves</button>
    <script>let y = 0; const t = setInterval(() => { y += 10; b.style.top = y + 'px'; if (y > 200) clearInterval(t); }, 20);</script>`,
  swapped: `<div id="row"><button onclick="tell('keep')">Keep</button><button onclick="tell('wrong-remove')">Remove</button></div>
    <script>window.swap = () => { const [a, b] = row.children; row.insertBefore(b, a); return 'swapped'; };</script>`,
  'same-place': `<div id="place"><button onclick="tell('first')">Archive</button></div>
    <script>window.change = () => { place.innerHTML = '<button onclick="tell(\\'wrong-second\\')">Destroy</button>'; return 'changed'; };</script>`,
  'same-name': `<div id="place"><button onclick="tell('old')">Save</button></div>
    <script>window.change = () => { place.innerHTML = '<button onclick="tell(\\'new\\')">Save</button>'; return 'changed'; };
    window.double = () => { place.innerHTML = '<button onclick="tell(\\'wrong-1\\')">Save</button><button onclick="tell(\\'wrong-2\\')">Save</button>'; return 'doubled'; };
    window.remove_it = () => { place.innerHTML = ''; return 'removed'; };
    window.move_it = () => { const b = place.firstElementChild; document.body.append(b); return 'moved'; };</script>`,
  'replaced-on-hover': `<div id="place"></div><script>
    const put = (n) => { place.innerHTML = ''; const b = document.createElement('button'); b.textContent = 'Swap'; b.onclick = () => tell('swap'); if (n < 3) b.onmouseenter = () => put(n + 1); place.append(b); };
    put(0);</script>`,
  'replaced-on-down': `<div id="place"><button id="b" onclick="tell('original')">Press</button></div>
    <script>b.onmousedown = () => { place.innerHTML = '<button onclick="tell(\\'wrong-other\\')" style="background:red">Format disk</button>'; };</script>`,
  resorted: `<ul id="list"></ul><script>
    const names = ['Ann', 'Bob', 'Cid', 'Dan'];
    const draw = () => { list.innerHTML = ''; for (const n of names) { const li = document.createElement('li'); const b = document.createElement('button'); b.textContent = 'Call ' + n; b.onclick = () => tell(n); li.append(b); list.append(li); } };
    draw(); window.resort = () => { names.reverse(); draw(); return names.join(); };
    window.reorder = () => { for (const li of [...list.children]) list.prepend(li); return 'reordered'; };
    window.every = () => { setInterval(window.reorder, 30); return 'on'; };</script>`,
  'renamed-rows': `<ul id="list"></ul><script>
    window.rows = (names) => { while (list.children.length < names.length) { const b = document.createElement('button'); b.onclick = () => tell(b.textContent); list.append(b); } names.forEach((n, i) => { list.children[i].textContent = n; }); return 'drawn'; };
    rows(['Pay Ann', 'Pay Bob']);</script>`,
  covered: `<button onclick="tell('wrong-under')">Under</button>
    <div id="banner" style="position:fixed;inset:0;background:#fff"><button style="margin:200px" onclick="banner.remove(); tell('accepted')">Accept cookies</button></div>`,
  glass: `<button onclick="tell('wrong-under')">Under</button><div id="glass" style="position:fixed;inset:0;opacity:0" onclick="tell('wrong-glass')"></div>`,
  'glass-open': `<button onclick="tell('through')">Through</button><div style="position:fixed;inset:0;pointer-events:none"></div>`,
  'glass-goes': `<button onclick="tell('after')">Wait for me</button><div id="g" style="position:fixed;inset:0;background:#eee" onclick="tell('wrong-veil')">Loading</div><script>setTimeout(() => g.remove(), 400)</script>`,
  'pointer-none': `<button style="pointer-events:none" onclick="tell('wrong')">No pointer</button>`,
  sticky: `<div style="position:sticky;top:0;height:300px;background:#ccc;z-index:5" onclick="tell('wrong-header')">Header</div>
    <div style="height:2000px"></div><button onclick="tell('below-header')">Below the header</button><div style="height:2000px"></div>`,
  label: `<label><span onclick="tell('span')">Words</span><input type="checkbox" style="opacity:0;position:absolute;pointer-events:none" onchange="tell('box-' + this.checked)"></label>
    <button><span>Inner</span></button><script>document.querySelector('button').onclick = () => tell('inner')</script>`,
  small: `<button style="width:0;height:0;padding:0;border:0;overflow:hidden" onclick="tell('wrong-zero')">Zero</button>
    <button style="width:2px;height:2px;padding:0;border:0;overflow:hidden" onclick="tell('tiny')" aria-label="Tiny"></button>`,
  states: `<button disabled onclick="tell('wrong-disabled')">Disabled</button><fieldset disabled><button onclick="tell('wrong-set')">In a set</button></fieldset>
    <button aria-disabled="true" onclick="tell('aria')">Aria</button><button style="display:none">None</button><button style="visibility:hidden">Hidden</button>
    <button style="opacity:0" onclick="tell('clear')">Clear</button><button hidden>Attr</button><details><summary>More</summary><button onclick="tell('detail')">Detail</button></details>`,
  later: `<div id="place"></div><script>setTimeout(() => { place.innerHTML = '<button onclick="tell(\\'shown\\')">Shown</button>'; }, 150)</script>`,
  'shown-later': `<button id="b" style="visibility:hidden" onclick="tell('shown')">Shown</button><button onclick="setTimeout(() => { b.style.visibility = 'visible'; }, 200); b2.disabled = true; setTimeout(() => { b2.disabled = false; }, 400)">Show</button><button id="b2" onclick="tell('enabled')">Enabled later</button>`,
  'removed-while': `<div id="place"><button id="b" onclick="tell('one')">Once</button></div><script>b.onmouseenter = () => b.remove()</script><div style="position:absolute;left:0;top:0;width:300px;height:300px;z-index:-1" onclick="tell('wrong-ground')"></div>`,
  'shifts-on-focus': `<div id="pad"></div><input aria-label="Shift" onfocus="pad.style.height='60px'"><div><button onclick="tell('shifted')">Shifted</button></div><button onclick="tell('wrong-next')">Next</button>
    <script>document.querySelector('button').onmouseenter = () => { pad.style.height = '30px'; };</script>`,
  'navigates-away': `<button onclick="location.href='/duplicates'">Away</button><a href="/duplicates">Link</a>`,
  churn: `<div id="place"></div><script>let n = 0; setInterval(() => { n += 1; place.innerHTML = '<button onclick="tell(\\'same\\')">Stay</button><button onclick="tell(\\'wrong-' + n + '\\')">Other ' + n + '</button>'; }, 15)</script>`,
};
