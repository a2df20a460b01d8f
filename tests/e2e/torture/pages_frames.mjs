// Pages in pages and trees in trees. Bodies by name; {{here}}, {{cross}} and {{third}} are origins of three sites.
const frame = (src, more = '') => `<iframe src="${src}" style="width:400px;height:150px" ${more}></iframe>`;

export const framePages = {
  'frame-inner': '<button onclick="tell(\'inner\')">Inner</button><input aria-label="Inner field"><a href="/frame-second">Go on inside</a>',
  'frame-second': '<button onclick="tell(\'second\')">Second inside</button>',
  'frame-deep': `<p>middle</p><button onclick="tell('middle')">Middle</button>${frame('/frame-inner')}`,
  'frame-tall': `<div style="height:1500px"></div><button onclick="tell('tall')">Tall inside</button>`,
  'frames-same': `<button onclick="tell('outer')">Outer</button><div style="height:40px"></div>${frame('/frame-inner')}`,
  'frames-nested': `<button onclick="tell('outer')">Outer</button>${frame('/frame-deep', 'height=300')}`,
  'frames-cross': `<button onclick="tell('outer')">Outer</button><div style="padding:37px 0 0 53px">${frame('{{cross}}/frame-inner')}</div>`,
  'frames-two': `<div>${frame('{{cross}}/frame-inner')}</div><div>${frame('{{third}}/frame-inner')}</div><div>${frame('/frame-inner')}</div>`,
  'frames-cross-deep': `<div>${frame('{{cross}}/frames-middle', 'height=300')}</div>`,
  'frames-middle': `<button onclick="tell('middle')">Middle</button><div style="padding-left:21px">${frame('{{third}}/frame-inner')}</div>`,
  'frames-scrolled': `<div style="height:1400px"></div>${frame('/frame-tall')}${frame('{{cross}}/frame-tall')}<div style="height:1400px"></div>`,
  'frames-covered': `<div style="position:relative">${frame('{{cross}}/frame-inner')}<div style="position:absolute;inset:0" onclick="tell('wrong-cover')"></div></div>`,
  'frames-sandbox': frame('/frame-inner', 'sandbox="allow-scripts"'),
  'frames-mute': frame('/frame-inner', 'sandbox'),
  'frames-srcdoc': `<iframe srcdoc="&lt;button onclick=&quot;parent.tell('doc')&quot;&gt;In a string&lt;/button&gt;"></iframe>`,
  'frames-late': `<button onclick="tell('outer')">Outer</button><div id="place"></div><script>setTimeout(() => { place.innerHTML = '<iframe src="{{cross}}/frame-inner"></iframe>'; }, 100)</script>`,
  'frames-removed': `<div id="place">${frame('{{cross}}/frame-inner')}</div><div style="height:10px"></div><script>window.take = () => { place.innerHTML = ''; return 'gone'; };
    window.swap = () => { place.innerHTML = '<button style="width:400px;height:150px" onclick="tell(\\'wrong-new\\')">Elsewhere</button>'; return 'swapped'; };</script>`,
  'frames-bad': frame('http://127.0.0.1:1/', 'id="bad"'),
  'frames-hang': `<button onclick="tell('outer')">Outer</button>${frame('{{cross}}/spin-load')}`,
  'shadow-open': `<div id="host"></div><button onclick="tell('light')">Light</button><script>
    host.attachShadow({ mode: 'open' }).innerHTML = '<style>button{color:red}</style><button id="s">Open shadow</button><input aria-label="Shadow field">';
    host.shadowRoot.getElementById('s').onclick = () => tell('open-shadow');</script>`,
  'shadow-closed': `<div id="host"></div><script>
    { const root = host.attachShadow({ mode: 'closed' }); root.innerHTML = '<button>Closed shadow</button>'; root.firstChild.onclick = () => tell('closed-shadow'); }</script>`,
  'shadow-nested': `<outer-box></outer-box><script>
    customElements.define('inner-box', class extends HTMLElement { constructor() { super(); const r = this.attachShadow({ mode: 'closed' }); r.innerHTML = '<button>Innermost</button>'; r.firstChild.onclick = () => tell('innermost'); } });
    customElements.define('outer-box', class extends HTMLElement { constructor() { super(); this.attachShadow({ mode: 'open' }).innerHTML = '<p>outer</p><inner-box></inner-box>'; } });</script>`,
  'shadow-slots': `<slot-box><button onclick="tell('slotted')">Slotted</button><button slot="side" onclick="tell('side')">Side</button><button slot="none" onclick="tell('wrong-unslotted')">Unslotted</button></slot-box><script>
    customElements.define('slot-box', class extends HTMLElement { constructor() { super(); this.attachShadow({ mode: 'open' }).innerHTML = '<div><slot name="side"></slot></div><div><slot></slot></div>'; } });</script>`,
  'shadow-frame': `<div id="host"></div><script>host.attachShadow({ mode: 'closed' }).innerHTML = '<iframe src="{{cross}}/frame-inner" style="width:300px;height:120px"></iframe>';</script>`,
  'shadow-alike': `<a-box></a-box><a-box></a-box><a-box></a-box><script>let count = 0;
    customElements.define('a-box', class extends HTMLElement { constructor() { super(); const n = count; count += 1; const r = this.attachShadow({ mode: 'closed' }); r.innerHTML = '<button>Same</button>'; r.firstChild.onclick = () => tell('same-' + n); } });</script>`,
};
