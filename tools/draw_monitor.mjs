// Draws docs/images/monitor.png and monitor-dark.png: the page of examples/monitor in a real Chromium, on a real server, while
// another client of Socket.IO speaks in its thread.
// node tools/draw_monitor.mjs
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { Tab, openBrowser } from '../examples/shipping/person.mjs';
import { projectRoot, run } from '../tests/e2e/harness.mjs';
import { clientOf, listen, openStage } from '../tests/e2e/session_monitor_stage.mjs';

const images = path.join(projectRoot, 'docs/images');
const size = { width: 960, height: 660, deviceScaleFactor: 1, mobile: false };
const coloursMax = 64;
const endings = [];
const stage = { after: (end) => endings.push(end) };
const rows = (name) => `document.querySelectorAll('#events [data-name="${name}"]').length`;

async function talk(server, tab) {
  const other = clientOf(stage, server);
  const { next } = listen(other);
  other.emit('register_session', { thread_id: 'demo' });
  await next('session_registered');
  await other.emitWithAck('chat', { text: 'The kettle is on.' });
  await other.emitWithAck('set_session_state', { key: 'tea', value: 'Assam' });
  await other.emitWithAck('order', { cups: 2, milk: false });
  await tab.until(`${rows('order')} === 1`, 'what was said');
}

// Few colours make a small file.
async function shrink(name) {
  const file = path.join(images, `${name}.png`);
  const { code, stderr } = await run('ffmpeg', ['-v', 'error', '-y', '-i', file, '-vf', `split[a][b];[a]palettegen=max_colors=${coloursMax}:reserve_transparent=0[p];[b][p]paletteuse=dither=none`, file + '.tmp.png']);
  if (code !== 0) throw new Error(stderr);
  await rename(file + '.tmp.png', file);
}

try {
  const { site, server } = await openStage(stage);
  const browser = await openBrowser();
  endings.push(browser.close);
  const tab = await Tab.open(browser.cdp, site.address, images);
  await tab.until(`${rows('session_registered')} === 1 && ${rows('upgraded')} === 1`, 'that it is live');
  await talk(server, tab);
  for (const [scheme, name] of [['light', 'monitor'], ['dark', 'monitor-dark']]) {
    await tab.look(size, scheme);
    await tab.picture(name);
    await shrink(name);
    console.log(`docs/images/${name}.png`);
  }
} finally {
  for (const end of endings.reverse()) await end();
}
