// The pages that every subject opens, from a server of their own on a free port of loopback.

import { createServer } from 'node:http';

const about = '<!doctype html><title>About</title><h1>About</h1><p>A small page with <a href="/form">one link</a>.</p>';

// Thirteen controls; what was clicked is counted, so that a click that hit nothing is seen.
const form = `<!doctype html><title>Form</title><h1>Order</h1><form onsubmit="return false">
<label>Name <input name="name"></label><label>E-mail <input type="email" name="email"></label>
<label>Phone <input type="tel" name="phone"></label><label>Street <input name="street"></label>
<label>City <input name="city"></label><label>Country <select name="country"><option>Austria<option>Chile<option>Japan</select></label>
<label><input type="radio" name="pay" checked> Card</label><label><input type="radio" name="pay"> Invoice</label>
<label><input type="checkbox" name="news"> News</label><label>Note <textarea name="note"></textarea></label>
<a href="/about">About</a> <button type="button" id="help">Help</button>
<button type="button" id="go" onclick="window.clicks = (window.clicks ?? 0) + 1">Order now</button></form>`;

// 2,000 elements below body.
const big = `<!doctype html><title>Big</title>${Array.from({ length: 400 }, (_, i) =>
  `<article><h3>Item ${i}</h3><p>What item ${i} is good for, in one line.</p><a href="/item/${i}">Details of ${i}</a><button>Buy ${i}</button></article>`).join('')}`;

const animation = `<!doctype html><title>Animation</title><body style="margin:0;font:16px sans-serif">
<div id="box" style="position:absolute;width:160px;height:160px;background:linear-gradient(#c33,#33c)"></div>
<p style="margin:220px 20px">Something moves on this page, sixty times a second.</p>
<script>let x = 0; (function move() { x = (x + 4) % 1000; box.style.left = x + 'px'; requestAnimationFrame(move); })();</script>`;

const pages = { '/about': about, '/form': form, '/big': big, '/animation': animation, '/still': about };

/** {url, end}; `url` has no slash at its end. */
export async function servePages() {
  const server = createServer((request, response) => {
    const page = pages[request.url];
    response.writeHead(page ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' });
    response.end(page ?? '');
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const end = () => { server.closeAllConnections(); server.close(); };
  return { url: `http://127.0.0.1:${server.address().port}`, end };
}
