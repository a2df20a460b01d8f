// Contract 1, workflows and qualities: the document's Python and curl commands, the use cases, and the documents themselves.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, extensionFor, projectRoot, run, sleep, start } from './harness.mjs';

let server;
before(async () => { server = await start(); });
after(() => server?.stop());

const empty = () => eventually(async () => (await server.list()).count === 0, 'earlier sessions are gone');

/** Behaves as the extension does: navigates, pongs, and answers the command channel from its present page. */
async function browserFor(t, userAgent) {
  const extension = await extensionFor(t, server, { userAgent });
  const browser = { ...extension, url: 'about:blank', commands: [] };
  extension.ws.on('message', (payload) => {
    const { type, data, requestId } = JSON.parse(payload);
    browser.commands.push(type);
    const respond = (result) => extension.send({ type: `${type}.response`, requestId, sessionId: extension.id, success: true, result, timestamp: Date.now() });
    if (type === 'ping') extension.send({ type: 'pong' });
    if (type === 'navigate') {
      browser.url = data.url;
      respond({ tabId: 1, url: data.url, title: '' });
    }
    if (type === 'tabs.query') respond([{ id: 1, url: browser.url, title: '', active: true }]);
    if (type === 'tabs.scrape') respond({ scrapedData: [{ title: `Title of ${browser.url}` }] });
    if (type === 'tabs.executeScript') respond({ result: browser.url });
  });
  return browser;
}

const curl = async (...args) => {
  const { code, stdout, stderr } = await run('curl', ['-sS', '--noproxy', '*', ...args]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
};

test('BTW-33 navigate and ping reach an extension, and its replies are taken in silence', async (t) => {
  const extension = await extensionFor(t, server);
  await server.message(extension.id, { type: 'navigate', data: { url: 'https://example.com' } });
  const navigate = await extension.next();
  assert.deepEqual([navigate.type, navigate.data], ['navigate', { url: 'https://example.com' }]);
  extension.send({ type: 'navigate.response', success: true, result: { tabId: 1, url: navigate.data.url, title: 'Example' } });
  await server.message(extension.id, { type: 'ping', data: {} });
  assert.equal((await extension.next()).type, 'ping');
  extension.send({ type: 'pong' });
  assert.deepEqual(await extension.settle(), []);
});

const workflow = `
import asyncio, json, sys, urllib.request
base, sites = sys.argv[1], sys.argv[2:]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data=data, method=method, headers={'Content-Type': 'application/json'})
    with opener.open(request, timeout=20) as answer:
        return json.load(answer)

async def scrape(sites):
    sessions = (await asyncio.to_thread(call, 'GET', '/api/websocket/sessions'))['sessions']
    pairs = list(zip(sites, sessions))
    sent = await asyncio.gather(*[
        asyncio.to_thread(call, 'POST', f"/api/websocket/sessions/{s['sessionId']}/message",
                          {'type': 'navigate', 'data': {'url': f'https://{site}'}})
        for site, s in pairs])
    assert all(answer['success'] for answer in sent)
    results = []
    for site, s in pairs:
        scraped = await asyncio.to_thread(call, 'POST', f"/api/browser/{s['sessionId']}/tabs/1/scrape",
                                          {'selector': 'title', 'fields': {'title': 'title::text'}})
        results.append([s['sessionId'], scraped['result']['scrapedData'][0]['title']])
    return results

print(json.dumps(asyncio.run(scrape(sites))))
`;

test('BTW-34 the Python workflow lists, assigns, navigates together and extracts in the order of sessions', async (t) => {
  await empty();
  const browsers = [await browserFor(t, 'one'), await browserFor(t, 'two'), await browserFor(t, 'three')];
  const { code, stdout, stderr } = await run('python3', ['-c', workflow, server.url, 'a.example', 'b.example', 'c.example']);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), browsers.map(({ id }, n) => [id, `Title of https://${'abc'[n]}.example`]));
});

test('BTW-34 with more sites than sessions the workflow stops when the sessions run out', async (t) => {
  await empty();
  const browsers = [await browserFor(t), await browserFor(t)];
  const { code, stdout, stderr } = await run('python3', ['-c', workflow, server.url, 'a.example', 'b.example', 'c.example', 'd.example']);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout).map(([id]) => id), browsers.map(({ id }) => id));
  for (const { commands } of browsers) assert.deepEqual(commands, ['navigate', 'tabs.scrape']);
});

test('BTW-35 multi-tab scraping: three browsers scrape three sites at the same time', async (t) => {
  const browsers = [await browserFor(t), await browserFor(t), await browserFor(t)];
  const pages = await Promise.all(browsers.map(async ({ id }, n) => {
    await server.message(id, { type: 'navigate', data: { url: `https://site${n}.example` } });
    return (await server.post(`/api/browser/${id}/tabs/1/scrape`, { selector: 'h1' })).json.result.scrapedData[0].title;
  }));
  assert.deepEqual(pages, [0, 1, 2].map((n) => `Title of https://site${n}.example`));
});

test('BTW-35 BTW-35a parallel testing: the user agent tells versions and systems apart before a command is sent', async (t) => {
  const agents = ['Chrome/130 (Windows NT 10.0)', 'Chrome/131 (X11; Linux x86_64)', 'Chrome/131 (Macintosh)'];
  const browsers = [];
  for (const agent of agents) browsers.push(await browserFor(t, agent));
  const linux = (await server.list()).sessions.filter((session) => session.userAgent.includes('Linux'));
  assert.deepEqual(linux.map((session) => session.sessionId), [browsers[1].id]);
  const one = (await server.session(linux[0].sessionId)).json;
  assert.equal(one.userAgent, agents[1]);
  assert.ok(Math.abs(Date.now() - Date.parse(one.connectedAt)) < 10000);
  await server.message(one.sessionId, { type: 'navigate', data: { url: 'https://test.example' } });
  await eventually(() => browsers[1].url === 'https://test.example', 'the right browser navigates');
  assert.deepEqual([browsers[0].url, browsers[2].url], ['about:blank', 'about:blank']);
});

test('BTW-35 task queue: twelve tasks are worked off by whichever of three browsers is free', async (t) => {
  const browsers = [await browserFor(t), await browserFor(t), await browserFor(t)];
  const tasks = Array.from({ length: 12 }, (_, n) => n);
  const done = [];
  await Promise.all(browsers.map(async ({ id }) => {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
      const answer = await server.post(`/api/browser/${id}/tabs/1/execute`, { code: `${task}` });
      assert.equal(answer.status, 200);
      done.push(task);
    }
  }));
  assert.deepEqual(done.sort((a, b) => a - b), Array.from({ length: 12 }, (_, n) => n));
  for (const { commands } of browsers) assert.ok(commands.length > 0, 'every browser had work');
});

test('BTW-35 routing by context: the browser that already shows a page gets the command for it', async (t) => {
  const browsers = [await browserFor(t), await browserFor(t)];
  await server.message(browsers[1].id, { type: 'navigate', data: { url: 'https://shop.example/cart' } });
  await eventually(() => browsers[1].url !== 'about:blank', 'the page is shown');
  const shown = await Promise.all(browsers.map(async ({ id }) => [id, (await server.get(`/api/browser/${id}/tabs`)).json.result[0].url]));
  assert.deepEqual(shown.find(([, url]) => url.includes('shop.example')), [browsers[1].id, 'https://shop.example/cart']);
});

test('BTW-35 health monitoring: a silent session shows an older lastSeen than one that pings, and a lost one leaves the list', async (t) => {
  await empty();
  const [silent, lively, lost] = [await extensionFor(t, server), await extensionFor(t, server), await extensionFor(t, server)];
  await sleep(30);
  lively.send({ type: 'ping' });
  await lively.next();
  await lost.vanish();
  await eventually(async () => (await server.list()).count === 2, 'the lost session is gone', 1000);
  const [first, second] = (await server.list()).sessions;
  assert.deepEqual([first.sessionId, second.sessionId], [silent.id, lively.id]);
  assert.ok(Date.parse(second.lastSeen) - Date.parse(first.lastSeen) >= 25);
});

test('BTW-36 the four curl commands of the document work as they stand', async (t) => {
  const extension = await extensionFor(t, server);
  const base = `http://localhost:${server.port}/api/websocket/sessions`;
  assert.ok((await curl(base)).sessions.some((session) => session.sessionId === extension.id));
  assert.equal((await curl(`${base}/${extension.id}`)).sessionId, extension.id);
  const sent = await curl('-X', 'POST', `${base}/${extension.id}/message`, '-H', 'Content-Type: application/json', '-d', '{"type":"ping","data":{}}');
  assert.equal(sent.message, 'Message sent successfully');
  assert.equal((await extension.next()).type, 'ping');
  assert.equal((await curl('-X', 'DELETE', `${base}/${extension.id}`)).message, 'Session closed successfully');
  assert.equal((await extension.closed).code, 1000);
});

test('BTW-36 the multi-instance loop of the document delivers one command to each browser', async (t) => {
  await empty();
  const browsers = [await extensionFor(t, server), await extensionFor(t, server), await extensionFor(t, server)];
  const script = `
    ids=$(curl -sS --noproxy '*' "$BASE" | python3 -c 'import json,sys; print(*[s["sessionId"] for s in json.load(sys.stdin)["sessions"]])')
    for session_id in $ids; do
      curl -sS --noproxy '*' -X POST "$BASE/$session_id/message" \\
        -H "Content-Type: application/json" \\
        -d '{"type":"ping","data":{}}'
      echo
    done`;
  const { code, stdout, stderr } = await run('bash', ['-ec', script], { env: { BASE: `http://localhost:${server.port}/api/websocket/sessions` } });
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trim().split('\n').map((line) => JSON.parse(line).sessionId), browsers.map(({ id }) => id));
  for (const browser of browsers) assert.deepEqual((await browser.settle()).map((item) => [item.type, item.data]), [['ping', {}]]);
});

test('BTW-36 a lookup costs the same with 2 and with 500 sessions', async (t) => {
  const crowd = await start({ config: '[limits]\nmessages_per_s = 0\n' });
  t.after(() => crowd.stop());
  const timed = async (id) => {
    const laps = [];
    for (let n = 0; n < 60; n += 1) {
      const since = process.hrtime.bigint();
      assert.equal((await crowd.session(id)).status, 200);
      laps.push(Number(process.hrtime.bigint() - since) / 1e6);
    }
    return laps.sort((a, b) => a - b)[30];
  };
  const first = await crowd.open();
  const few_ms = await timed(first.id);
  const others = [];
  for (let n = 0; n < 500; n += 50) others.push(...await Promise.all(Array.from({ length: 50 }, () => crowd.open())));
  const many_ms = await timed(first.id);
  for (const other of others) other.ws.terminate();
  assert.ok(many_ms < few_ms * 3 + 2, `${few_ms} ms with few sessions, ${many_ms} ms with many`);
});

test('BTW-36 npm run start:old and the default port are written down', () => {
  const { scripts } = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8'));
  assert.ok(scripts['start:old'], 'package.json has the command of the document');
  assert.match(readFileSync(path.join(projectRoot, 'README.md'), 'utf8'), /localhost:5409/);
});

const documents = ['SESSION_MANAGEMENT.md', 'SESSION_IDS.md', 'SESSION_SUMMARY.md'];
const readDocument = (name) => readFileSync(path.join(projectRoot, name), 'utf8');
const pages = () => readdirSync(path.join(projectRoot, 'docs')).filter((name) => name.endsWith('.md'));

for (const name of documents) {
  test(`BTW-37 docs/${name} exists, says what a session id is, and is linked`, () => {
    const text = readDocument(`docs/${name}`);
    assert.match(text, /ext_[0-9a-f]{12}/);
    assert.ok(text.length > 1000, 'it is a page, not a stub');
    assert.ok(['README.md', ...pages().map((page) => `docs/${page}`)].some((page) => !page.endsWith(name) && readDocument(page).includes(name)), 'a reader can find it');
  });
}

test('BTW-37 a complete guide leads to the three documents', () => {
  const guides = pages().filter((name) => !documents.includes(name) && documents.every((document) => readDocument(`docs/${name}`).includes(document)));
  assert.ok(guides.length > 0, 'one page links to all three');
  assert.ok(guides.some((name) => readDocument('README.md').includes(name)), 'the README leads to it');
});

test('BTW-37 the README has a section on session ids that leads to the documents', () => {
  const text = readDocument('README.md');
  assert.match(text, /^#+ .*session id/im);
  assert.match(text, /docs\/SESSION_/);
});

test('BTW-37 no link from these documents leads nowhere', () => {
  for (const name of ['README.md', ...pages().map((page) => `docs/${page}`)]) {
    const folder = path.dirname(path.join(projectRoot, name));
    for (const [, target] of readDocument(name).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)) {
      assert.ok(existsSync(path.join(folder, target)), `${name} leads to ${target}`);
    }
  }
});

test('BTW-38 the documents say that a session lives as long as its connection', () => {
  const text = documents.map((name) => readDocument(`docs/${name}`)).join('\n');
  assert.match(text, /restart/i);
  assert.match(text, /connect/i);
});

test('BTW-39 the benchmarks state connections, latency and memory with the command that measures them', () => {
  const text = readDocument('docs/BENCHMARKS.md');
  assert.match(text, /\d[\d,. ]*\s*(connections|sessions)/i);
  assert.match(text, /\d[\d.]*\s*(ms|us|µs)\b/);
  assert.match(text, /\d[\d.]*\s*(B|bytes|KB|KiB|kB)\b/);
  const blocks = [...text.matchAll(/```[a-z]*\n([^]*?)```/g)].map(([, block]) => block);
  assert.ok(blocks.some((block) => /^\s*(\$ )?\S*.*\bbench/m.test(block)), 'the command stands in a block of its own');
});
