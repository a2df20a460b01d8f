// The side panel by keyboard and screen reader, in light and dark, from 320 px on. SOJOURN_PICTURES names a folder for pictures.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, soon, withBrowser } from './extension_stage.mjs';
import { openPanel, responder, startPanel } from './side_panel_stage.mjs';

const answer = [
  'The build fails because the disk of the runner is full: /var has no bytes left, so the linker cannot write its output.',
  '', 'Free some space and start it again:', '', '```', 'docker builder prune --all --force --filter "until=24h"', 'df -h /var', '```', '',
  'If it happens again, give the cache a limit.',
].join('\n');

test('the side panel is usable by keyboard and screen reader, in light and dark, and on a narrow screen', withBrowser, async (t) => {
  const { server, browser, panel, id } = await startPanel(t);
  const look = async (name) => {
    for (const scheme of ['light', 'dark']) {
      await panel.send('Emulation.setEmulatedMedia', { features: [
        { name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' },
      ] });
      for (const [width, height] of [[360, 640], [480, 900], [320, 560], [1000, 700]]) {
        await panel.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 2, mobile: false });
        const where = `${name}, ${scheme}, ${width} px`;
        assert.equal(await panel.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, where);
        assert.equal(await panel.evaluate('document.documentElement.scrollHeight <= innerHeight'), true, where);
        assert.deepEqual(await panel.evaluate(overflowing), [], where);
        assert.ok((await panel.evaluate(faintest)) >= 4.5, `${where}: the faintest text has ${await panel.evaluate(faintest)}`);
        await panel.picture(`side-panel-${name}-${scheme}-${width}.png`);
      }
    }
  };

  await t.test('empty', () => look('empty'));

  let finish;
  await t.test('while an answer comes', async () => {
    const done = new Promise((resolve) => { finish = resolve; });
    await responder(t, server, id, async ({ query }, reply) => {
      if (query.startsWith('What')) return reply.done({ error: 'the model is overloaded; try again in a minute' });
      reply.piece(answer.slice(0, 90));
      await done;
      return reply.done({ answer, findings: ['/var: 0 bytes left', 'The last three builds left 41 GB behind'], confidence_score: 0.9, sources: [{ title: 'runner-7: df' }] });
    });
    await panel.ask('Why does the build of main fail since this morning?');
    await panel.says(/^The build fails/);
    await look('streaming');
  });

  await t.test('answered', async () => {
    finish();
    await panel.says(/give the cache a limit/);
    await look('answered');
  });

  await t.test('with an error', async () => {
    await panel.ask('What fills it?');
    await panel.says(/overloaded/);
    await look('error');
  });

  await t.test('asked whether to clear the session', async () => {
    await panel.press('clear');
    await look('confirm');
    await panel.send('Accessibility.enable');
    const { nodes } = await panel.send('Accessibility.getFullAXTree');
    const dialog = nodes.find((node) => node.role?.value === 'dialog');
    assert.equal(dialog?.name?.value, 'Clear this session?');
    assert.equal(await panel.evaluate('document.activeElement.value'), 'keep', 'Enter alone deletes nothing');
    await panel.evaluate('document.querySelector("#confirm button[value=keep]").click()');
  });

  await t.test('each control has a name, and what comes is announced', async () => {
    await panel.send('Accessibility.enable');
    const { nodes } = await panel.send('Accessibility.getFullAXTree');
    const named = (role) => nodes.filter((node) => node.role?.value === role && !node.ignored).map((node) => node.name?.value);
    assert.deepEqual(named('button').sort(), ['Clear session', 'Send', 'Try again']);
    assert.deepEqual(named('textbox'), ['Your question']);
    assert.deepEqual(named('log'), ['Conversation']);
    assert.deepEqual(named('heading').slice(0, 1), ['Sojourn']);
    assert.equal(named('status').length, 1);
    assert.equal(await panel.evaluate('document.getElementById("conversation").ariaLive'), 'polite');
  });

  await t.test('Tab reaches every control, with a visible ring', async () => {
    await panel.send('Page.bringToFront');
    await panel.evaluate('document.getElementById("clear").focus()');
    const reached = [];
    for (let step = 0; step < 6; step += 1) {
      await panel.key('Tab');
      reached.push(await panel.evaluate('document.activeElement.id || document.activeElement.textContent.replace(/ builder.*/s, "")'));
      assert.notEqual(await panel.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'none', reached.at(-1));
    }
    assert.deepEqual(reached, ['conversation', 'docker', 'Try again', 'question', 'send', 'options']);
  });

  await t.test('the panel stays with the last message, unless one reads further up', async () => {
    await panel.send('Emulation.setDeviceMetricsOverride', { width: 360, height: 480, deviceScaleFactor: 1, mobile: false });
    await panel.ask('What else?');
    const atEnd = 'Math.abs(conversation.scrollHeight - conversation.scrollTop - conversation.clientHeight) < 32';
    const list = `(() => { const conversation = document.getElementById('conversation'); return`;
    await soon(() => panel.evaluate(`${list} ${atEnd}; })()`), 'the end in view');
    await panel.evaluate('document.getElementById("conversation").scrollTop = 0');
    await soon(() => panel.evaluate('!document.getElementById("latest").hidden'), 'a way back down');
    await panel.ask('What about this?');
    await soon(() => panel.evaluate(`${list} ${atEnd}; })()`), 'an own question in view');
    const other = await openPanel(browser);
    await other.connected();
    await panel.evaluate('document.getElementById("conversation").scrollTop = 0');
    await other.ask('What does the other panel say?');
    await panel.says('What does the other panel say?');
    assert.equal(await panel.evaluate('document.getElementById("conversation").scrollTop'), 0, 'somebody else does not pull one away');
    await panel.press('latest');
    await soon(() => panel.evaluate(`${list} ${atEnd}; })()`), 'the end in view');
    await panel.evaluate(`${list} document.body.style.width = '240px', conversation.dispatchEvent(new Event('scroll')); })()`);
    await soon(() => panel.evaluate(`${list} ${atEnd} && document.getElementById('latest').hidden; })()`), 'the end in view of a narrower panel');
  });

  await t.test('offline', async () => {
    await server.stop();
    await soon(async () => (await panel.word()) === 'Offline', 'the panel to be offline');
    await look('offline');
  });
});

test('the options of the side panel are in view, in light and dark', withBrowser, async (t) => {
  const { browser } = await startPanel(t);
  const options = await openPage(browser, 'options.html');
  for (const scheme of ['light', 'dark']) {
    await options.send('Emulation.setEmulatedMedia', { features: [
      { name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' },
    ] });
    await options.send('Emulation.setDeviceMetricsOverride', { width: 640, height: 760, deviceScaleFactor: 1, mobile: false });
    assert.deepEqual(await options.evaluate(overflowing), [], scheme);
    assert.ok((await options.evaluate(faintest)) >= 4.5, scheme);
    await options.picture(`options-panel-${scheme}.png`);
  }
});

// What sticks out of the window or of the element it lies in, but for what scrolls by itself and what is only read out.
const overflowing = `[...document.querySelectorAll('header *, main *, form *, footer *')].filter((element) => {
  if (element.closest('pre, .unseen, dialog') || element.getClientRects().length === 0) return false;
  const [box, around] = [element, element.parentElement].map((one) => one.getBoundingClientRect());
  return box.right > Math.min(around.right, innerWidth) + 1 || box.left < Math.max(around.left, 0) - 1;
}).map((element) => element.id || element.className || element.localName)`;

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
  const texts = [...document.querySelectorAll('h1, h2, p, li, code, strong, button, a, span')]
    .filter((element) => element.textContent.trim() !== '' && element.getClientRects().length > 0 && !element.matches('.unseen, .caret'));
  return Math.min(...texts.map((element) => {
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  }));
})()`;
