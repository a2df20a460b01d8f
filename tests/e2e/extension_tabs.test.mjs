// Every operation on tabs, from the REST call through the real server into a real Chromium and back.
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { test } from 'node:test';
import { errorOf, openPage, resultOf, startAll, soon, withBrowser } from './extension_stage.mjs';

/** Opens a page and gives its tab's id and short forms of the calls on it. */
async function openTab({ tabs, pages }, page) {
  const { tabId } = resultOf(await tabs('POST', '/create', { url: `${pages}${page}` }));
  const on = (operation, body) => tabs('POST', `/${tabId}/${operation}`, body);
  const run = async (code, args) => resultOf(await on('execute', { code, args })).result;
  return { tabId, on, run };
}

test('tabs.*: a browser is driven from opening a tab to closing it', withBrowser, async (t) => {
  const all = await startAll(t);
  const { tabs, pages } = all;

  await t.test('createTab opens the address, waits for the page and describes the tab', async () => {
    const created = resultOf(await tabs('POST', '/create', { url: `${pages}/slow?n=4` }));
    assert.deepEqual(Object.keys(created), ['tabId', 'url', 'title', 'windowId', 'index', 'active', 'status']);
    assert.equal(created.url, `${pages}/slow?n=4`);
    assert.equal(created.title, 'Site 4');
    assert.equal(created.active, true);
    assert.equal(created.status, 'complete');
    assert.ok(Number.isInteger(created.tabId) && Number.isInteger(created.windowId) && created.index >= 1);
  });

  await t.test('createTab without an address opens the new tab page', async () => {
    const { tabId } = resultOf(await tabs('POST', '/create', {}));
    assert.match(errorOf(await tabs('POST', `/${tabId}/execute`, { code: '1' })), /chrome:\/\//);
    resultOf(await tabs('DELETE', `/${tabId}`));
  });

  await t.test('createTab fails with the reason when nobody answers, and leaves no tab behind', async () => {
    const before = resultOf(await tabs('GET', '')).length;
    assert.match(errorOf(await tabs('POST', '/create', { url: 'http://127.0.0.1:9/' })), /net::ERR_/);
    assert.equal(resultOf(await tabs('GET', '')).length, before);
  });

  await t.test('createTab refuses files and scripts', async () => {
    for (const url of ['file:///etc/passwd', 'javascript:alert(1)', 'chrome://settings', 'view-source:file:///etc/passwd']) {
      assert.match(errorOf(await tabs('POST', '/create', { url })), /addresses are not opened/);
    }
  });

  await t.test('query lists each tab with id, url, title and active, and nothing else', async () => {
    const { tabId } = await openTab(all, '/site?n=5');
    const list = resultOf(await tabs('GET', ''));
    for (const tab of list) assert.deepEqual(Object.keys(tab), ['id', 'url', 'title', 'active']);
    assert.deepEqual(list.find(({ id }) => id === tabId), { id: tabId, url: `${pages}/site?n=5`, title: 'Site 5', active: true });
    assert.equal(list.filter(({ active }) => active).length, 1);
  });

  await t.test('update changes the address and waits for it', async () => {
    const { tabId, run } = await openTab(all, '/site?n=1');
    assert.deepEqual(resultOf(await tabs('PATCH', `/${tabId}`, { url: `${pages}/slow?n=2` })), { tabId, updated: true });
    assert.equal(await run('document.title'), 'Site 2');
    resultOf(await tabs('PATCH', `/${tabId}`, { url: `${pages}/slow?n=2#part` }));
    assert.equal(await run('location.hash'), '#part');
    assert.match(errorOf(await tabs('PATCH', `/${tabId}`, { url: 'http://127.0.0.1:9/' })), /net::ERR_/);
  });

  await t.test('update pins, mutes, activates and highlights', async () => {
    const first = await openTab(all, '/site?n=1');
    const second = await openTab(all, '/site?n=2');
    assert.deepEqual(resultOf(await tabs('PATCH', `/${first.tabId}`, { pinned: true, muted: true })), { tabId: first.tabId, updated: true });
    const active = async () => resultOf(await tabs('GET', '')).find((tab) => tab.active).id;
    assert.equal(await active(), second.tabId);
    resultOf(await tabs('PATCH', `/${first.tabId}`, { active: true }));
    assert.equal(await active(), first.tabId);
    assert.equal(resultOf(await tabs('GET', ''))[0].id, first.tabId, 'a pinned tab comes first');
    resultOf(await tabs('PATCH', `/${second.tabId}`, { highlighted: true }));
    assert.match(errorOf(await tabs('PATCH', `/${first.tabId}`, { pinned: 'yes' })), /pinned must be true or false/);
  });

  await t.test('back, forward and reload travel and wait', async () => {
    const { tabId, on, run } = await openTab(all, '/site?n=1');
    resultOf(await tabs('PATCH', `/${tabId}`, { url: `${pages}/site?n=2` }));
    assert.deepEqual(resultOf(await on('back')), { navigatedBack: true });
    assert.equal(await run('document.title'), 'Site 1');
    assert.deepEqual(resultOf(await on('forward')), { navigatedForward: true });
    assert.equal(await run('document.title'), 'Site 2');
    assert.match(errorOf(await on('forward')), /history/);
    await run('window.mark = 1');
    assert.deepEqual(resultOf(await on('reload')), { reloaded: true });
    assert.equal(await run('typeof window.mark'), 'undefined');
  });

  await t.test('back and forward pass through pages of Chrome', async () => {
    const { tabId } = resultOf(await tabs('POST', '/create', {}));
    resultOf(await tabs('PATCH', `/${tabId}`, { url: `${pages}/site?n=6` }));
    const title = async () => resultOf(await tabs('GET', '')).find(({ id }) => id === tabId).title;
    resultOf(await tabs('POST', `/${tabId}/back`));
    assert.equal(await title(), 'New Tab');
    resultOf(await tabs('POST', `/${tabId}/forward`));
    assert.equal(await title(), 'Site 6');
  });

  await t.test('the pages of the extension itself are not driven', async () => {
    const popup = await openPage(all.browser, 'popup.html');
    const { id: tabId } = resultOf(await tabs('GET', '')).find(({ url }) => url.endsWith('/popup.html'));
    for (const [operation, body] of [['execute', { code: 'chrome.storage' }], ['click', { selector: '#disconnect' }]]) {
      assert.match(errorOf(await tabs('POST', `/${tabId}/${operation}`, body)), /not driven/);
    }
    await popup.close();
  });

  await t.test('closeTab closes, and a second time says that there is no such tab', async () => {
    const { tabId, on } = await openTab(all, '/site');
    assert.deepEqual(resultOf(await tabs('DELETE', `/${tabId}`)), { closed: true });
    assert.match(errorOf(await tabs('DELETE', `/${tabId}`)), /No tab with id/);
    assert.match(errorOf(await on('execute', { code: '1' })), /No tab with id/);
    assert.match(errorOf(await on('reload')), /No tab with id/);
  });

  await t.test('a page that never loads does not stop its tab from being closed', async () => {
    const { tabId } = await openTab(all, '/site');
    const pending = tabs('PATCH', `/${tabId}`, { url: `${pages}/hang` });
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(resultOf(await tabs('DELETE', `/${tabId}`)), { closed: true });
    assert.match(errorOf(await pending), /closed/i);
  });
});

test('tabs.executeScript: code is an expression, statements or a function body', withBrowser, async (t) => {
  const { on, run } = await openTab(await startAll(t), '/shop.html');

  await t.test('gives the value of an expression, of a promise and of a function', async () => {
    assert.equal(await run('document.title'), 'Shop');
    assert.equal(await run('document.title;  // the title'), 'Shop');
    assert.deepEqual(await run('{ a: [1, null], b: "x" }'), { a: [1, null], b: 'x' });
    assert.equal(await run('fetch("/site").then((answer) => answer.status)'), 200);
    assert.equal(await run('(a, b) => a + b', [2, 3]), 5);
  });

  await t.test('gives what a body returns and what statements end with', async () => {
    assert.equal(await run('const n = await Promise.resolve(4); return n * 2;'), 8);
    assert.equal(await run('const n = 4; n * 2'), 8);
    assert.equal(await run('if (false) { 1 }'), null);
  });

  await t.test('has args in reach', async () => {
    assert.equal(await run('args[0] + args[1].length', ['x', [1, 2]]), 'x2');
    assert.equal(await run('return args.length', []), 0);
    assert.equal(await run('args.length'), 0);
  });

  await t.test('reports what was thrown, what cannot be read and what cannot be sent', async () => {
    assert.equal(errorOf(await on('execute', { code: 'throw new TypeError("boom")' })), 'TypeError: boom');
    assert.match(errorOf(await on('execute', { code: 'Promise.reject(new Error("late"))' })), /Error: late/);
    assert.match(errorOf(await on('execute', { code: 'missing.field' })), /ReferenceError: missing is not defined/);
    assert.match(errorOf(await on('execute', { code: 'foo(' })), /SyntaxError/);
    assert.match(errorOf(await on('execute', { code: 'window' })), /reference chain|serial/i);
    assert.match(errorOf(await on('execute', { code: '"x".repeat(1100000)' })), /1000000 of one frame/);
  });

  await t.test('is not stopped by the dialogs it opens', async () => {
    assert.deepEqual(await run('[alert("hello"), confirm("sure?"), prompt("name?")]'), [null, false, null]);
  });

  await t.test('answers ten calls at once, each with its own result', async () => {
    const results = await Promise.all(Array.from({ length: 10 }, (_, index) => run(`${index} * args[0]`, [10])));
    assert.deepEqual(results, Array.from({ length: 10 }, (_, index) => index * 10));
  });
});

test('tabs.click, type and fill: a page sees a real mouse and real keys', withBrowser, async (t) => {
  const all = await startAll(t);
  const { on, run, tabId } = await openTab(all, '/shop.html');
  const take = () => run('const seen = window.events; window.events = []; return seen;');

  await t.test('click presses what is in view and what has to be scrolled to', async () => {
    assert.deepEqual(resultOf(await on('click', { selector: '#buy' })), { clicked: true });
    resultOf(await on('click', { selector: '#below' }));
    assert.deepEqual(await take(), ['click buy true', 'click below true']);
  });

  await t.test('click reports what cannot be clicked, and clicks nothing', async () => {
    for (const [selector, error] of [
      ['#nowhere', /No element matches #nowhere/], ['#secret', /not visible/], ['#sold-out', /disabled/],
      ['#behind', /covered by <div#curtain/], ['##', /not a selector/],
    ]) assert.match(errorOf(await on('click', { selector })), error);
    assert.deepEqual(await take(), []);
  });

  await t.test('click waits for the page that a link leads to', async () => {
    for (let round = 0; round < 10; round += 1) {
      resultOf(await on('click', { selector: '#next' }));
      assert.equal(await run('document.title'), 'Site 7');
      resultOf(await on('back'));
    }
  });

  await t.test('click and Enter wait for the page that a form or a script leads to', async () => {
    const form = await openTab(all, '/form.html');
    resultOf(await form.on('fill', { selector: '#number', text: '11' }));
    resultOf(await form.on('click', { selector: '#send' }));
    assert.equal(await form.run('document.title'), 'Site 11');
    for (const [selector, title] of [['#script', 'Site 21'], ['#soon', 'Site 22']]) {
      resultOf(await form.on('back'));
      resultOf(await form.on('click', { selector }));
      assert.equal(await form.run('document.title'), title);
    }
    resultOf(await form.on('back'));
    resultOf(await form.on('fill', { selector: '#number', text: '' }));
    resultOf(await form.on('type', { selector: '#number', text: '12\n' }));
    assert.equal(await form.run('document.title'), 'Site 12');
  });

  await t.test('a page that asks whether to leave is left', async () => {
    const form = await openTab(all, '/form.html?guard');
    resultOf(await form.on('type', { selector: '#number', text: '1' }));
    resultOf(await all.tabs('PATCH', `/${form.tabId}`, { url: `${all.pages}/site?n=13` }));
    assert.equal(await form.run('document.title'), 'Site 13');
  });

  await t.test('type presses a key for each character at the end of the text, with the delay between', async () => {
    await take();
    assert.deepEqual(resultOf(await on('type', { selector: '#note', text: ' Ab1', delay: 60 })), { typed: true });
    const seen = await take();
    assert.deepEqual(seen.filter((line) => line.startsWith('input')), ['input old ', 'input old A', 'input old Ab', 'input old Ab1']);
    const keys = seen.filter((line) => line.startsWith('key')).map((line) => /^key (.+) (\d+)$/.exec(line));
    assert.deepEqual(keys.map(([, key]) => key), [' ', 'A', 'b', '1']);
    const gaps = keys.slice(1).map(([, , at], index) => at - keys[index][2]);
    assert.ok(gaps.every((gap) => gap >= 50), `the gaps are ${gaps} ms`);
  });

  await t.test('type writes what no keyboard has, and long texts within the deadline', async () => {
    resultOf(await on('type', { selector: '#story', text: 'Grüße\n日本 ☕', delay: 0 }));
    assert.equal(await run('story.value'), 'Grüße\n日本 ☕');
    const long = 'word '.repeat(800);
    resultOf(await on('fill', { selector: '#story', text: '' }));
    resultOf(await on('type', { selector: '#story', text: long }));
    assert.equal(await run('story.value.length'), long.length);
  });

  await t.test('fill replaces the text of fields, editable elements, lists and dates', async () => {
    assert.deepEqual(resultOf(await on('fill', { selector: '#note', text: 'new' })), { filled: true });
    resultOf(await on('fill', { selector: '#rich', text: 'second' }));
    resultOf(await on('fill', { selector: '#size', text: 'Large' }));
    resultOf(await on('fill', { selector: '#day', text: '2026-02-24' }));
    assert.deepEqual(await run('[note.value, rich.textContent, size.value, day.value]'), ['new', 'second', 'l', '2026-02-24']);
    resultOf(await on('fill', { selector: '#note', text: 'x'.repeat(5_000) }));
    assert.equal(await run('note.value.length'), 5_000);
    assert.ok((await take()).includes('size l'));
  });

  await t.test('fill and type report what takes no text', async () => {
    assert.match(errorOf(await on('fill', { selector: '#fixed', text: 'x' })), /read-only/);
    assert.match(errorOf(await on('type', { selector: '#fixed', text: 'x' })), /read-only/);
    assert.match(errorOf(await on('fill', { selector: 'h1', text: 'x' })), /<h1> cannot be filled/);
    assert.match(errorOf(await on('fill', { selector: '#size', text: 'huge' })), /no choice "huge"/);
    assert.match(errorOf(await on('fill', { selector: '#day', text: 'soon' })), /not a value of a date field/);
    assert.match(errorOf(await on('type', { selector: 'h1', text: 'x' })), /focus/);
  });

  await t.test('a tab in the background takes clicks and keys too', async () => {
    await openTab(all, '/site');
    assert.equal(resultOf(await all.tabs('GET', '')).find(({ id }) => id === tabId).active, false);
    await take();
    resultOf(await on('click', { selector: '#buy' }));
    resultOf(await on('fill', { selector: '#note', text: '' }));
    resultOf(await on('type', { selector: '#note', text: 'back', delay: 0 }));
    assert.ok((await take()).includes('click buy true'));
    assert.equal(await run('note.value'), 'back');
  });
});

test('tabs.scrape and scroll: a page is read and moved', withBrowser, async (t) => {
  const { on, run } = await openTab(await startAll(t), '/shop.html');

  await t.test('scrape gives one object per element, with null for what is not there', async () => {
    const fields = { name: '.name::text', link: 'a::href', price: '.price::text', kind: '::class' };
    assert.deepEqual(resultOf(await on('scrape', { selector: '.item', fields })), { scrapedData: [
      { name: 'Apple', link: '/item/1', price: '1.20', kind: 'item' },
      { name: 'Pear', link: '/item/2', price: '0.90', kind: 'item' },
      { name: 'Quince', link: '/item/3', price: null, kind: 'item' },
    ] });
  });

  await t.test('scrape takes the text without fields, and nothing where nothing matches', async () => {
    assert.deepEqual(resultOf(await on('scrape', { selector: 'h1' })).scrapedData, [{ text: 'Shop' }]);
    assert.deepEqual(resultOf(await on('scrape', { selector: '.nothing', fields: { a: 'b::text' } })).scrapedData, []);
    assert.match(errorOf(await on('scrape', { selector: '##' })), /selector/i);
    assert.match(errorOf(await on('scrape', { selector: 'li', fields: { a: 'b::?' } })), /fields\.a/);
  });

  await t.test('scroll goes down 500 unless told otherwise, and to the edges', async () => {
    resultOf(await on('scroll', {}));
    assert.equal(await run('scrollY'), 500);
    resultOf(await on('scroll', { direction: 'up', amount: 200 }));
    assert.equal(await run('scrollY'), 300);
    resultOf(await on('scroll', { direction: 'bottom' }));
    assert.equal(await run('Math.round(scrollY + innerHeight) >= document.documentElement.scrollHeight - 1'), true);
    assert.match(errorOf(await on('scroll', { direction: 'around' })), /direction must be one of/);
  });
});

test('tabs on guarded pages: a content security policy and Trusted Types do not stand in the way', withBrowser, async (t) => {
  const all = await startAll(t);
  for (const [page, title, fact] of [
    ['/strict.html', 'Strict', 'No inline script runs here.'], ['/trusted.html', 'Trusted', 'No text becomes script here.'],
  ]) {
    await t.test(page, async () => {
      const { on, run } = await openTab(all, page);
      assert.equal(await run('return document.title'), title);
      assert.equal(await run('policy'), 'EvalError', 'the policy holds for the page itself');
      resultOf(await on('click', { selector: '#go' }));
      resultOf(await on('type', { selector: '#note', text: 'typed', delay: 0 }));
      assert.deepEqual(await run('[clicks, note.value]'), [1, 'typed']);
      resultOf(await on('fill', { selector: '#note', text: 'filled' }));
      assert.equal(await run('note.value'), 'filled');
      assert.deepEqual(resultOf(await on('scrape', { selector: '.fact' })).scrapedData, [{ text: fact }]);
      resultOf(await on('scroll', { amount: 10 }));
    });
  }
});

test('tabs.captureVisibleTab: pictures of what is shown', withBrowser, async (t) => {
  const all = await startAll(t);
  const capture = async (body) => {
    const answer = await all.tabs('POST', '/capture', body);
    const result = resultOf(answer);
    t.after(() => rm(answer.json.filePath, { force: true }));
    const [, type, data] = /^data:image\/(\w+);base64,(.+)$/.exec(result.dataUrl);
    assert.equal(type, result.format);
    const bytes = Buffer.from(data, 'base64');
    assert.equal(bytes.subarray(0, 2).toString('hex'), type === 'png' ? '8950' : 'ffd8');
    assert.deepEqual(await readFile(answer.json.filePath), bytes);
    return result;
  };

  await t.test('gives PNG and JPEG, many in one second', async () => {
    await openTab(all, '/shop.html');
    const began = Date.now();
    const formats = [];
    for (const body of [{}, {}, { format: 'jpeg', quality: 40 }, { format: 'png' }]) formats.push((await capture(body)).format);
    assert.deepEqual(formats, ['png', 'png', 'jpeg', 'png']);
    assert.ok(Date.now() - began < 3_000);
    assert.match(errorOf(await all.tabs('POST', '/capture', { format: 'gif' })), /png or jpeg/);
    assert.match(errorOf(await all.tabs('POST', '/capture', { windowId: 987654 })), /987654/);
  });

  await t.test('gives a smaller JPEG, and says so, when a PNG would not fit into a frame', async () => {
    await openTab(all, '/noise.html');
    const { dataUrl, format } = await capture({ format: 'png' });
    assert.equal(format, 'jpeg');
    assert.ok(dataUrl.length <= 950_000);
  });
});

test('the debugger lets go of a tab when it was idle for some seconds', withBrowser, async (t) => {
  const all = await startAll(t);
  const { run } = await openTab(all, '/site');
  await run('1');
  const attached = async () => {
    const { targetInfos } = await all.browser.cdp.send('Target.getTargets');
    return targetInfos.find(({ url }) => url === `${all.pages}/site`).attached;
  };
  assert.equal(await attached(), true);
  await soon(async () => !(await attached()), 'the debugger lets go', 9_000);
  assert.equal(await run('2'), 2);
});
