// The popup and the options as a person meets them, in a real Chromium on the real server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionId, sleep } from './harness.mjs';
import { inWorker, openPage, sessionsOf, startAll, soon, startServer, stopWorker, withBrowser } from './extension_stage.mjs';

const linesOf = (popup) => popup.evaluate('[...document.querySelectorAll("#logs li")].map((line) => line.textContent)');
const shows = (popup, id, text, ms) => soon(async () => (await popup.text(id)) === text, `${id} shows ${text}`, ms);

test('BTW-26..31: the popup shows the connection and changes it', withBrowser, async (t) => {
  const all = await startAll(t);
  const { server, browser } = all;
  const popup = await openPage(browser, 'popup.html');
  await shows(popup, 'word', 'Connected');

  await t.test('BTW-26: the extension connects by itself, and the heading, the dot and the word say so', async () => {
    assert.equal(await popup.evaluate('document.title'), 'BTW Browser Control');
    assert.equal(await popup.evaluate('document.querySelector("h1").textContent'), 'BTW Browser Control');
    const dot = 'getComputedStyle(document.querySelector("#status .dot")).backgroundColor';
    assert.equal(await popup.evaluate(dot), 'rgb(18, 161, 80)');
    assert.equal((await server.list()).count, 1);
  });

  await t.test('BTW-27: Connection Info has the status, the id, the retries and the day', async () => {
    const day = await popup.evaluate('new Intl.DateTimeFormat("en-US", { month: "short", day: "numeric", year: "numeric" }).format(Date.now())');
    assert.match(day, /^[A-Z][a-z]{2} \d{1,2}, \d{4}$/);
    const rows = await popup.evaluate(`[...document.querySelectorAll('dl > div')].map((row) => row.textContent.replace(/\\s+/g, ' ').trim())`);
    assert.deepEqual(rows, ['Status: Connected', `Session ID: ${all.id} Copy`, 'Retry Count: 0/1', `Last Connected: ${day}`]);
    assert.match(all.id, sessionId);
    assert.equal(await popup.evaluate('document.getElementById("info-title").textContent'), 'Connection Info');
  });

  await t.test('BTW-29: the log has Connected and then the id, with the local time before each', async () => {
    const lines = await soon(async () => {
      const found = await linesOf(popup);
      return found.some((line) => line.endsWith(all.id)) && found;
    }, 'the lines');
    const at = lines.findIndex((line) => /^\[\d\d:\d\d:\d\d\] Connected$/.test(line));
    assert.ok(at >= 0, lines.join('\n'));
    assert.match(lines[at + 1], new RegExp(`^\\[\\d\\d:\\d\\d:\\d\\d\\] Session ID: ${all.id}$`));
    const hour = await popup.evaluate('String(new Date().getHours()).padStart(2, "0")');
    assert.ok([hour, String((Number(hour) + 23) % 24).padStart(2, '0')].includes(lines[at].slice(1, 3)));
  });

  await t.test('BTW-30: the id can be selected and copied', async () => {
    assert.equal(await popup.evaluate('getComputedStyle(document.getElementById("session-id")).userSelect'), 'all');
    await browser.cdp.send('Browser.grantPermissions', { permissions: ['clipboardReadWrite', 'clipboardSanitizedWrite'] });
    await popup.send('Page.bringToFront');
    await popup.press('copy');
    await shows(popup, 'copy', 'Copied');
    assert.equal(await popup.evaluate('navigator.clipboard.readText()'), all.id);
  });

  await t.test('BTW-31: the state is in the synchronised storage', async () => {
    const stored = await soon(async () => {
      const found = await inWorker(browser, 'chrome.storage.sync.get()');
      return found.sessionId === all.id && found;
    }, 'the stored state');
    assert.equal(stored.connectionStatus, 'Connected');
  });

  let id = all.id;
  await t.test('BTW-28: Reconnect opens a new connection with a new id', async () => {
    await popup.press('reconnect');
    const [next] = await soon(async () => {
      const { sessions } = await server.list();
      return sessions.length === 1 && sessions[0].sessionId !== id && sessions.map((session) => session.sessionId);
    }, 'a new session');
    await shows(popup, 'session-id', next);
    await shows(popup, 'word', 'Connected');
    assert.equal((await server.session(id)).status, 404);
    id = next;
    const lines = await soon(async () => {
      const found = await linesOf(popup);
      return found.at(-1).endsWith(`Session ID: ${id}`) && found;
    }, 'the new lines');
    assert.match(lines.at(-2), /\] Connected$/);
  });

  await t.test('BTW-28: Disconnect closes and stays closed, also when the worker starts again', async () => {
    await popup.press('disconnect');
    await shows(popup, 'word', 'Disconnected');
    await sessionsOf(server, 0);
    assert.equal(await popup.text('session-id'), 'None');
    assert.equal(await popup.evaluate('document.getElementById("copy").disabled'), true);
    await popup.close();
    await stopWorker(browser);
    const again = await openPage(browser, 'popup.html');
    await shows(again, 'word', 'Disconnected');
    await inWorker(browser, 'chrome.alarms.create("wake", { when: Date.now() + 100 })');
    await sleep(1_500);
    assert.equal((await server.list()).count, 0);
    assert.equal(await again.text('word'), 'Disconnected');
    assert.ok((await linesOf(again)).some((line) => line.endsWith('] Disconnected')), 'the log outlives the worker');
    await again.press('reconnect');
    await shows(again, 'word', 'Connected');
    await sessionsOf(server, 1);
  });
});

test('the worker connects again after Chrome has put it to sleep', withBrowser, async (t) => {
  const { server, browser, id } = await startAll(t);
  await stopWorker(browser);
  await soon(async () => (await server.session(id)).status === 404, 'the session to end');
  const popup = await openPage(browser, 'popup.html');
  await shows(popup, 'word', 'Connected');
  const [next] = await sessionsOf(server, 1);
  assert.notEqual(next, id);
  await shows(popup, 'session-id', next);
});

test('the popup is usable by keyboard and screen reader, in light and dark, and on a narrow screen', withBrowser, async (t) => {
  const { browser } = await startAll(t);
  const popup = await openPage(browser, 'popup.html');
  await shows(popup, 'word', 'Connected');
  await popup.send('Page.bringToFront');

  await t.test('each control has a name, and changes are announced', async () => {
    await popup.send('Accessibility.enable');
    const { nodes } = await popup.send('Accessibility.getFullAXTree');
    const named = (role) => nodes.filter((node) => node.role?.value === role && !node.ignored).map((node) => node.name?.value);
    assert.deepEqual(named('button').sort(), ['Copy session ID', 'Disconnect', 'Open side panel', 'Reconnect']);
    assert.deepEqual(named('heading'), ['BTW Browser Control', 'Connection Info', 'Logs']);
    assert.deepEqual(named('log'), ['Logs']);
    assert.equal(named('status').length, 1);
  });

  await t.test('Tab reaches every control, with a visible ring', async () => {
    const reached = [];
    for (let step = 0; step < 6; step += 1) {
      await popup.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 });
      await popup.send('Input.dispatchKeyEvent', { type: 'keyUp', key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 });
      reached.push(await popup.evaluate('document.activeElement.id'));
      assert.notEqual(await popup.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'none');
    }
    assert.deepEqual(reached, ['copy', 'reconnect', 'disconnect', 'side-panel', 'logs', 'options']);
  });

  for (const scheme of ['light', 'dark']) {
    await t.test(`nothing is cut off or faint, ${scheme}`, async () => {
      await popup.send('Emulation.setEmulatedMedia', { features: [
        { name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' },
      ] });
      for (const width of [360, 320]) {
        await popup.send('Emulation.setDeviceMetricsOverride', { width, height: 560, deviceScaleFactor: 2, mobile: false });
        assert.equal(await popup.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, `${width} px`);
        assert.deepEqual(await popup.evaluate(overflowing), [], `${width} px`);
        await popup.picture(`popup-${scheme}-${width}.png`);
      }
      assert.equal(await popup.evaluate('document.body.getBoundingClientRect().width'), 320);
      assert.ok((await popup.evaluate(faintest)) >= 4.5, `the faintest text has ${await popup.evaluate(faintest)}`);
    });
  }
});

// What sticks out of the element it lies in.
const overflowing = `[...document.querySelectorAll('main *, header *, footer *')].filter((element) => {
  const [box, around] = [element, element.parentElement].map((one) => one.getBoundingClientRect());
  return box.right > around.right + 1 || box.left < around.left - 1;
}).map((element) => element.id || element.localName)`;

// The lowest contrast of a text with its ground, by the formula of WCAG 2.
const faintest = `(() => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return /, 0\\)$|transparent/.test(color) && element.parentElement ? ground(element.parentElement) : color;
  };
  const texts = [...document.querySelectorAll('h1, h2, dt, dd, p, li, code, button:not(:disabled), a, footer span')]
    .filter((element) => element.textContent.trim() !== '' && element.getClientRects().length > 0);
  return Math.min(...texts.map((element) => {
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  }));
})()`;

test('the options say what is wrong with an address and move the connection to a good one', withBrowser, async (t) => {
  const { server, browser } = await startAll(t);
  const other = await startServer(t);
  const options = await openPage(browser, 'options.html');
  const enter = async (text) => {
    await options.evaluate(`document.getElementById('server').value = ${JSON.stringify(text)}`);
    await options.evaluate('document.getElementById("form").requestSubmit()');
  };
  await soon(() => options.evaluate(`document.getElementById('hint').textContent.includes(${JSON.stringify(server.url)})`), 'the address in use');

  for (const [text, message] of [['', /Enter the address/], ['ftp://x', /http:\/\/ or https:\/\//], ['http://a b', /spaces/], ['http://me:pw@host', /password/]]) {
    await enter(text);
    await soon(async () => message.test(await options.text('message')), `a message about "${text}"`);
    assert.equal(await options.evaluate('document.getElementById("server").getAttribute("aria-invalid")'), 'true');
  }
  assert.equal((await server.list()).count, 1, 'a bad address changes nothing');

  await enter(other.url.replace('http://', ''));
  await sessionsOf(other, 1);
  await sessionsOf(server, 0);
  await options.picture('options-light.png');
  await options.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'dark' }] });
  await options.picture('options-dark.png');

  await options.press('reset');
  await sessionsOf(server, 1);
  await sessionsOf(other, 0);
});
