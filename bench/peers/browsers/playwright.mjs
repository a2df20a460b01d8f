// Playwright's library, in this process.

import { executableOf, load } from './peer.mjs';

export async function begin({ kind }) {
  const { chromium } = load('playwright-core');
  const browser = await chromium.launch({ executablePath: executableOf(kind), headless: true, args: kind === 'full' ? ['--headless=new'] : [] });
  return {
    pid: process.pid,
    async open(url) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
      const page = await context.newPage();
      await page.goto(url);
      return { context, page };
    },
    goto: (session, url) => session.page.goto(url),
    evaluate: (session, code) => session.page.evaluate(code),
    snapshot: (session) => session.page.ariaSnapshot({ mode: 'ai' }),
    find: async (session, text) => {
      const line = (await session.page.ariaSnapshot({ mode: 'ai' })).split('\n').find((one) => one.includes(`"${text}"`));
      return `aria-ref=${/\[ref=(\w+)\]/.exec(line)[1]}`;
    },
    click: (session, ref) => session.page.click(ref),
    screenshot: (session) => session.page.screenshot(),
    close: (session) => session.context.close(),
    end: () => browser.close(),
  };
}
