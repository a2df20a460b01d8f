// Puppeteer's library, in this process. It has no references: a selector is what it clicks by.

import { executableOf, load } from './peer.mjs';

export async function begin({ kind }) {
  const puppeteer = load('puppeteer-core');
  const browser = await (puppeteer.default ?? puppeteer).launch({
    executablePath: executableOf(kind), headless: kind === 'shell' ? 'shell' : true, pipe: true, args: process.getuid() === 0 ? ['--no-sandbox'] : [],
  });
  return {
    pid: process.pid,
    async open(url) {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      await page.setViewport({ width: 1280, height: 720 });
      await page.goto(url);
      return { context, page };
    },
    goto: (session, url) => session.page.goto(url),
    evaluate: (session, code) => session.page.evaluate(code),
    snapshot: async (session) => JSON.stringify(await session.page.accessibility.snapshot()),
    find: async () => '#go',
    click: (session, selector) => session.page.click(selector),
    screenshot: (session) => session.page.screenshot(),
    close: (session) => session.context.close(),
    end: () => browser.close(),
  };
}
