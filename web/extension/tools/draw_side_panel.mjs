// Draws docs/images/side-panel.png and side-panel-dark.png: the real side panel in a real Chromium, on a real server.
// node web/extension/tools/draw_side_panel.mjs
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { projectRoot, sleep } from '../../../tests/e2e/harness.mjs';
import { responder, startPanel } from '../../../tests/e2e/side_panel_stage.mjs';

const endings = [];
const stage = { after: (end) => endings.push(end) };
const [width, height] = [400, 700];
const answer = [
  'The disk of the runner is full: /var has no bytes left, so the linker cannot write its output.',
  '', 'Free some space and start it again:', '', '```', 'docker builder prune --force', 'df -h /var', '```',
].join('\n');

try {
  const { server, panel, id } = await startPanel(stage);
  await responder(stage, server, id, (_question, { done }) => done({
    answer, findings: ['/var: 0 bytes left', 'The last three builds left 41 GB behind'], confidence_score: 0.9,
  }));
  await panel.ask('Why does the build of main fail since this morning?');
  await panel.says(/The disk of the runner/);
  await mkdir(path.join(projectRoot, 'docs', 'images'), { recursive: true });
  await panel.send('Page.bringToFront');
  for (const [scheme, name] of [['light', 'side-panel.png'], ['dark', 'side-panel-dark.png']]) {
    await panel.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    await panel.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 2, mobile: false });
    await sleep(500);
    const { data } = await panel.send('Page.captureScreenshot', { format: 'png' });
    await writeFile(path.join(projectRoot, 'docs', 'images', name), Buffer.from(data, 'base64'));
    console.log(`docs/images/${name}`);
  }
} finally {
  for (const end of endings.reverse()) await end();
}
