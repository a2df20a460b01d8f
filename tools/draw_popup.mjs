// Draws docs/images/popup.png and popup-dark.png: the real popup in a real Chromium, connected to a real server.
// node tools/draw_popup.mjs
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openPage, sessionsOf, startBrowser, startServer } from '../tests/e2e/extension_stage.mjs';
import { projectRoot, sleep } from '../tests/e2e/harness.mjs';

const endings = [];
const stage = { after: (end) => endings.push(end) };
const width = 360;

try {
  const server = await startServer(stage);
  const browser = await startBrowser(stage, server);
  const [id] = await sessionsOf(server, 1);
  await fetch(`${server.url}/api/browser/${id}/tabs`);
  await mkdir(path.join(projectRoot, 'docs', 'images'), { recursive: true });
  for (const [scheme, name] of [['light', 'popup.png'], ['dark', 'popup-dark.png']]) {
    const popup = await openPage(browser, 'popup.html');
    await popup.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    await popup.send('Emulation.setDeviceMetricsOverride', { width, height: 533, deviceScaleFactor: 2, mobile: false });
    await sleep(500);
    const height = await popup.evaluate('document.documentElement.getBoundingClientRect().height');
    const clip = { x: 0, y: 0, width, height: Math.ceil(height), scale: 1 };
    const { data } = await popup.send('Page.captureScreenshot', { format: 'png', clip });
    await writeFile(path.join(projectRoot, 'docs', 'images', name), Buffer.from(data, 'base64'));
    console.log(`docs/images/${name}`);
  }
} finally {
  for (const end of endings.reverse()) await end();
}
