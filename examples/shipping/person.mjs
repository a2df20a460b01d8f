// The person of the example, played by a program: opens the link in a real Chromium, looks, clicks, and takes pictures.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { findChromium, launchChromium } from '../../tests/e2e/chromium.mjs';

const patienceMs = 20_000;
const desktop = { width: 1120, height: 860, deviceScaleFactor: 1, mobile: false };
const phone = { width: 390, height: 844, deviceScaleFactor: 2, mobile: true };

/** A Chromium of its own, as launchChromium gives it. It wants an extension; this one does nothing. */
export async function openBrowser() {
  if (!findChromium()) throw new Error('Chromium is not installed: apt-get install chromium, or name one in CHROMIUM');
  const extension = await mkdtemp(path.join(os.tmpdir(), 'sojourn-nothing-'));
  try {
    await writeFile(path.join(extension, 'manifest.json'), '{"manifest_version": 3, "name": "Nothing", "version": "1"}\n');
    return await launchChromium({ extension });
  } finally {
    await rm(extension, { recursive: true, force: true });
  }
}

/** One tab: what is on it, what one can do with it. */
export class Tab {
  constructor(cdp, sessionId, pictures) {
    Object.assign(this, { cdp, sessionId, pictures });
  }

  static async open(cdp, url, pictures) {
    const { targetId } = await cdp.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await cdp.send('Target.attachToTarget', { targetId, flatten: true });
    const tab = new Tab(cdp, sessionId, pictures);
    await tab.send('Page.enable');
    await tab.look(desktop, 'light');
    await tab.send('Page.navigate', { url });
    return tab;
  }

  send(method, params) {
    return this.cdp.send(method, params, this.sessionId);
  }

  look(size, scheme) {
    const features = [{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }];
    return Promise.all([this.send('Emulation.setDeviceMetricsOverride', size), this.send('Emulation.setEmulatedMedia', { features })]);
  }

  async read(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until the expression is truthy and gives its value. */
  async until(expression, what) {
    const end = Date.now() + patienceMs;
    for (;;) {
      const value = await this.read(expression).catch(() => undefined);
      if (value) return value;
      if (Date.now() > end) throw new Error(`the page did not show ${what} within ${patienceMs / 1000} s; it shows: ${await this.read('document.body.innerText').catch(() => 'nothing')}`);
      await sleep(50);
    }
  }

  /** Clicks, with the mouse, in the middle of the element that the expression finds. */
  async click(expression) {
    const place = await this.read(`(() => {
      const found = ${expression};
      found.scrollIntoView({ block: 'center', behavior: 'instant' });
      const box = found.getBoundingClientRect();
      return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    })()`);
    for (const type of ['mousePressed', 'mouseReleased']) {
      await this.send('Input.dispatchMouseEvent', { type, ...place, button: 'left', clickCount: 1 });
    }
  }

  async picture(name) {
    await this.send('Page.bringToFront');
    const { data } = await this.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
    await writeFile(path.join(this.pictures, `${name}.png`), Buffer.from(data, 'base64'));
  }

  /** The same moment on a desk, at night and on a phone. */
  async picturesOf(name) {
    await this.picture(name);
    await this.look(desktop, 'dark');
    await this.picture(`${name}-dark`);
    await this.look(phone, 'light');
    await this.picture(`${name}-phone`);
    await this.look(desktop, 'light');
  }
}

const text = (id) => `document.getElementById('${id}').textContent.trim()`;
const offer = (name) => `[...document.querySelectorAll('#offers button')].find((button) => button.textContent.includes(${JSON.stringify(name)}))`;

async function play(tab, say) {
  await tab.until(`document.getElementById('status').dataset.word === 'live'`, 'that it is live');
  say('The page has joined', await tab.read(text('session-id')));
  const offers = await tab.until(`document.querySelectorAll('#offers button').length`, 'prices');
  await tab.until(`document.getElementById('join-qr').naturalWidth > 0`, 'the code to join with');
  await tab.until(text('said') + `.includes('Which one')`, 'what the agent asks');
  say(`The page shows ${offers} offers`, `the first is ${await tab.read(`document.querySelector('#offers .what').firstChild.textContent`)} for ${await tab.read(`document.querySelector('#offers .price').textContent`)}`);
  await tab.picturesOf('1-offers');
  const chosen = await tab.read(`${offer('Fastest')}.querySelector('.what').firstChild.textContent`);
  await tab.click(offer('Fastest'));
  say('The person clicks', chosen);
  await tab.until(`!document.getElementById('label').hidden && document.getElementById('label-qr').naturalWidth > 0`, 'the label');
  await tab.until(`${offer(chosen)}.getAttribute('aria-pressed') === 'true'`, 'the choice');
  await tab.until(text('said') + `.startsWith('Done')`, 'the last word of the agent');
  say('The page shows the label', `${await tab.read(text('label-carrier'))} ${await tab.read(text('label-number'))}`);
  await tab.picturesOf('2-label');
  return tab.read(`document.getElementById('label-link').href`);
}

/** Opens a browser for the link. play() goes through the whole visit; `say(what, outcome)` hears each step; close() ends it. */
export async function bePerson({ link, pictures, say }) {
  const browser = await openBrowser();
  const playAll = async () => {
    say('A person opens the link in Chromium', `(pid ${browser.pid})`);
    const label = await play(await Tab.open(browser.cdp, link, pictures), say);
    const paper = await Tab.open(browser.cdp, label, pictures);
    say('The label itself', await paper.until(`document.readyState === 'complete' && document.querySelector('.bars svg') && document.title`, 'its bars'));
    await paper.picture('3-paper');
  };
  return { play: playAll, close: browser.close };
}
