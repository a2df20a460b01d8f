// Draws docs/images/browser-refs.png (a page with the references of its snapshot) and browser-recording.png (a frame of
// a video with the cursor): real sessions of a real server, on the demonstration site.
// node tools/draw_browsers.mjs
import { spawn } from 'node:child_process';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { callFunction, startBrowsers } from '../tests/e2e/browser_stage.mjs';
import { projectRoot, run } from '../tests/e2e/harness.mjs';

const images = path.join(projectRoot, 'docs/images');
const escape = (text) => text.replace(/[&<>]/g, (one) => `&#${one.charCodeAt(0)};`);
const endings = [];

async function serve(html) {
  const server = http.createServer((_, response) => response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(html));
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  endings.push(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${server.address().port}/`;
}

async function startSite() {
  const site = spawn('python3', [path.join(projectRoot, 'examples/browsers/site.py')], { stdio: ['ignore', 'pipe', 'inherit'] });
  endings.push(() => { site.kill('SIGTERM'); });
  return (await createInterface({ input: site.stdout })[Symbol.asyncIterator]().next()).value;
}

async function call(server, id, name, input) {
  const answer = await callFunction(server, id, name, input);
  if (answer.status !== 200 || answer.json.success === false) throw new Error(`${name}: ${answer.status} ${answer.text.slice(0, 300)}`);
  return answer.json;
}

// The page as it was, a label at the corner of each element, and beside it what a model reads.
function withLabels(picture, width, { elements, elements_text: text }) {
  const labels = elements.map(({ ref, box }) => `<b style="left:${box.x}px;top:${box.y}px;width:${box.width}px;height:${box.height}px"><i>${ref}</i></b>`);
  return `<!doctype html><style>body{margin:0;display:flex;background:#101827}.page{position:relative;width:${width}px}img{display:block}
b{position:absolute;box-sizing:border-box;border:2px solid #db2777;border-radius:6px}i{position:absolute;left:-2px;bottom:100%;font:600 14px/20px ui-monospace,monospace;
background:#db2777;color:#fff;padding:0 6px;border-radius:5px 5px 0 0}pre{margin:0;padding:28px;color:#e5e9f0;font:15px/1.9 ui-monospace,monospace}</style>
<div class="page"><img src="data:image/png;base64,${picture}">${labels.join('')}</div><pre>${escape(text)}</pre>`;
}

async function drawRefs(server, site) {
  const [width, height] = [640, 400];
  const page = await call(server, 'new', 'open', { url: `${site}/login`, width, height });
  const picture = (await readFile(page.screenshot.path)).toString('base64');
  await call(server, page.session_id, 'close', {});
  const drawn = await call(server, 'new', 'open', { url: await serve(withLabels(picture, width, page)), width: 1080, height, snapshot: 'none' });
  await copyFile(drawn.screenshot.path, path.join(images, 'browser-refs.png'));
  await call(server, drawn.session_id, 'close', {});
}

async function drawRecording(server, site) {
  const { session_id: id, elements } = await call(server, 'new', 'open', { url: `${site}/a`, width: 640, height: 360, record_video: true, show_cursor: true });
  await call(server, id, 'interact', { action: 'hover', ref: elements.find(({ tag }) => tag === 'button').ref });
  await call(server, id, 'interact', { action: 'wait', wait_ms: 700 });
  const { video } = await call(server, id, 'close', {});
  const frames = path.join(server.data, 'frame.png');
  const { code, stderr } = await run('ffmpeg', ['-v', 'error', '-y', '-i', video.path, '-update', '1', frames]);
  if (code !== 0) throw new Error(stderr);
  await writeFile(path.join(images, 'browser-recording.png'), await readFile(frames));
  await rm(frames);
}

try {
  const server = await startBrowsers();
  endings.push(() => server.stop());
  const site = await startSite();
  await drawRefs(server, site);
  await drawRecording(server, site);
  console.log('docs/images/browser-refs.png\ndocs/images/browser-recording.png');
} finally {
  for (const end of endings.reverse()) await end();
}
