// The film of a session: given by close, then gone where that is wanted, else kept for a while.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, run } from './harness.mjs';
import { bytesOf, isWebm, startBrowsers, timed, visit } from './browser_stage.mjs';
import { startSite } from './torture/site.mjs';

let site;
before(async () => { site = await startSite(); });
after(() => site?.stop());

async function own(t, options) {
  const server = await startBrowsers(options);
  t.after(async () => { if (server.alive()) await server.stop(); });
  return server;
}

async function film(t, server, input = {}) {
  const visitor = await visit(t, server, site.page('hello'), { record_video: true, width: 640, height: 360, ...input });
  await visitor.click('Press');
  await visitor.act('goto', { url: site.page('second') });
  await visitor.act('wait', { wait_ms: 400, snapshot: 'none' });
  const [closed, ms] = await timed(() => visitor.close());
  assert.equal(closed.status, 200, closed.text);
  assert.ok(ms < 5000, `close took ${ms} ms`);
  return { visitor, video: closed.json.video };
}

/** Width, height and duration of the film, as ffprobe sees them. */
async function measure(server, bytes) {
  const file = path.join(server.data, 'probe.webm');
  await writeFile(file, bytes);
  const { stdout, stderr } = await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_type,width,height:format=duration', '-of', 'json', file]);
  await rm(file);
  const { streams, format } = JSON.parse(stdout || `{"streams":[],"format":{},"why":${JSON.stringify(stderr)}}`);
  return { streams, seconds: Number(format.duration) };
}

const assertFilm = async (server, bytes) => {
  assert.ok(isWebm(bytes), bytes.subarray(0, 16).toString('hex'));
  const { streams, seconds } = await measure(server, bytes);
  assert.deepEqual(streams.map(({ codec_type: type, width, height }) => [type, width, height]), [['video', 640, 360]]);
  assert.ok(seconds > 0.3 && seconds < 30, `${seconds} s`);
};

test('INF-07 close gives the film of a session that was to be filmed, and with retention_s = 0 it is gone afterwards', async (t) => {
  const server = await own(t, { video: { retention_s: 0 } });
  const { visitor, video } = await film(t, server);
  assert.deepEqual([video.content_type, /\.webm$/.test(video.filename), video.size > 0], ['video/webm', true, true]);
  const bytes = video.uri?.startsWith('data:') || !existsSync(video.path ?? '') ? await bytesOf(server, video) : readFileSync(video.path);
  await assertFilm(server, bytes);
  await eventually(async () => (await server.get(`/api/v1/sessions/${visitor.id}/video`)).status === 404, 'the film is gone');
  const again = await visitor.close();
  assert.deepEqual([again.status, again.json.video], [200, null]);
});

test('INF-07 by default the film can be fetched after close, for as long as is configured', async (t) => {
  const server = await own(t, { video: { retention_s: 2 } });
  const { visitor, video } = await film(t, server);
  const bytes = await bytesOf(server, video);
  assert.equal(bytes.length, video.size);
  await assertFilm(server, bytes);
  const fetched = await server.get(`/api/v1/sessions/${visitor.id}/video`);
  assert.deepEqual([fetched.status, fetched.headers['content-type'], fetched.bytes.equals(bytes)], [200, 'video/webm', true]);
  assert.ok(readFileSync(video.path).equals(bytes));
  await eventually(async () => (await server.get(`/api/v1/sessions/${visitor.id}/video`)).status === 404, 'its time is over', 5000);
  await eventually(() => !existsSync(video.path), 'the file is removed', 2000);
});

test('INF-07 close frees what the session had: no encoder and no page of it goes on', async (t) => {
  const server = await own(t);
  await film(t, server, { show_cursor: true });
  const { stdout } = await run('ps', ['-o', 'comm=', '--ppid', String(server.pid)]);
  assert.doesNotMatch(stdout, /ffmpeg/);
});

test('without record_video there is no film', async (t) => {
  const server = await own(t);
  const visitor = await visit(t, server, site.page('hello'));
  assert.equal((await server.get(`/api/v1/sessions/${visitor.id}/video`)).status, 404);
  assert.equal((await visitor.close()).json.video, null);
});

test('the cursor is shown where it is asked for, is no element, and outlives a navigation', async (t) => {
  const server = await own(t);
  const visitor = await visit(t, server, site.page('covered'), { show_cursor: true });
  assert.deepEqual(visitor.elements.map(({ text }) => text).sort(), ['Accept cookies', 'Under']);
  await visitor.click('Accept cookies');
  await visitor.click('Under').catch(() => {});
  const seen = async () => (await visitor.call('screenshot')).screenshot;
  const [with_cursor] = [await bytesOf(server, await seen())];
  await visitor.act('goto', { url: site.page('hello') });
  await visitor.click('Press');
  assert.deepEqual(await visitor.told(), ['press'], 'the cursor does not cover what it points to');
  const plain = await visit(t, server, site.page('hello'));
  const bare = await bytesOf(server, (await plain.call('screenshot')).screenshot);
  assert.ok(!bare.equals(await bytesOf(server, await seen())), 'the dot is in the picture');
  assert.ok(with_cursor.length > 0);
});
