// The fifteen actions on pages of every kind of control, and the words with which one fails.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from './harness.mjs';
import { bytesOf, startBrowsers, timed, visit } from './browser_stage.mjs';
import { startSite } from './torture/site.mjs';

let server;
let site;
before(async () => { [server, site] = await Promise.all([startBrowsers(), startSite()]); });
after(async () => { await server?.stop(); await site?.stop(); });

const fails = async (visitor, action, rest, message, code) => {
  const answer = await visitor.act(action, rest);
  assert.deepEqual([answer.success, answer.action], [false, action], JSON.stringify(rest));
  if (typeof message === 'string') assert.equal(answer.message, message);
  else assert.match(answer.message, message);
  if (code) assert.equal(answer.code, code);
  assert.ok(Array.isArray(answer.snapshot.elements), 'the page is described all the same');
};

test('click, dblclick and hover are what a mouse does', async (t) => {
  const visitor = await visit(t, server, site.page('pointer'));
  await visitor.does('hover', 'Target');
  assert.deepEqual(await visitor.told(), ['enter']);
  await visitor.click('Target');
  await visitor.does('dblclick', 'Target');
  assert.deepEqual(await visitor.told(), ['enter', 'click', 'click', 'click', 'double']);
});

test('fill sets fields of every type as somebody who types, and what the page hears is input and change', async (t) => {
  const visitor = await visit(t, server, site.page('forms'));
  const values = {
    Plain: 'words "quoted" \u{1F600}', Email: 'a@b.test', Secret: 'pa ss', Number: '42', Search: 's', Phone: '+49 1', Address: 'http://a.test/', Date: '2026-02-03',
    Time: '13:45', Moment: '2026-02-03T13:45', Month: '2026-02', Week: '2026-W06', Colour: '#ff8800', Range: '70', Text: 'one\ntwo',
  };
  const refs = Object.fromEntries([...Object.keys(values), 'Rich'].map((name) => [name, visitor.ref(name)]));
  const fill = async (name, text) => { const answer = await visitor.act('fill', { ref: refs[name], text }); assert.equal(answer.success, true, `${name}: ${answer.message}`); };
  for (const [name, text] of Object.entries(values)) {
    await fill(name, text);
    assert.equal(await visitor.value(`document.activeElement.value ?? ""`), text, name);
  }
  await fill('Rich', 'rich text');
  assert.equal(await visitor.value('document.activeElement.innerText.trim()'), 'rich text');
  await fill('Plain', '');
  assert.equal(await visitor.value('document.querySelector("[name=plain]").value'), '');
  assert.ok((await visitor.told()).includes('in'));
  const { elements } = await visitor.snapshot();
  assert.equal(elements.find(({ ref }) => ref === refs.Email)?.value, 'a@b.test');
  assert.doesNotMatch(JSON.stringify(elements), /pa ss/, 'a password is not shown');
});

test('fill refuses what can\'t hold text, and says why', async (t) => {
  const visitor = await visit(t, server, site.page('forms'));
  await fails(visitor, 'fill', { ref: visitor.ref('Send'), text: 'x' }, /./, 'not_actionable');
  await fails(visitor, 'fill', { ref: visitor.ref('Number'), text: 'many' }, /./, 'not_actionable');
  await fails(visitor, 'fill', { ref: visitor.ref('Fixed'), text: 'x', timeout_ms: 300 }, /Timeout 300ms exceeded.*/, 'timeout');
  assert.equal(await visitor.value('document.querySelector("[readonly]").value'), 'kept');
});

test('type goes to the element with the focus, press is a key with what is held beside it', async (t) => {
  const visitor = await visit(t, server, site.page('keys'));
  await visitor.click('Field');
  await visitor.act('type', { text: 'Ab\u00fc\u{1F600}c' });
  assert.equal(await visitor.value('document.querySelector("input").value'), 'Ab\u00fc\u{1F600}c');
  await visitor.act('press', { text: 'Backspace' });
  await visitor.act('press', { text: 'Control+a' });
  await visitor.act('press', { text: 'Delete' });
  await visitor.act('press', { text: 'Shift+x' });
  await visitor.act('press', { text: 'Enter' });
  assert.equal(await visitor.value('document.querySelector("input").value.toLowerCase()'), 'x');
  const told = await visitor.told();
  for (const key of ['A', 'b', 'Backspace', 'C-a', 'Delete', 'S-X', 'Enter']) assert.ok(told.some((word) => word.toUpperCase() === key.toUpperCase() || word === `S-${key}`), `${key} in ${told}`);
  assert.equal((await visitor.act('press', { text: 'NoSuchKey' })).success, false);
});

test('select takes an option by its label, check and uncheck leave a box as they are told', async (t) => {
  const visitor = await visit(t, server, site.page('forms'));
  await visitor.does('select', 'Fruit', { text: 'Banana' });
  assert.ok((await visitor.told()).includes('fruit-b'));
  await fails(visitor, 'select', { ref: visitor.ref('Fruit'), text: 'Nothing', timeout_ms: 300 }, /./);
  await fails(visitor, 'select', { ref: visitor.ref('Plain'), text: 'Banana', timeout_ms: 300 }, /./, 'not_actionable');
  const box = 'document.querySelector("[name=agree]").checked';
  const agree = visitor.elements.find(({ input_type: type }) => type === 'checkbox');
  for (const [action, expected] of [['check', 'True'], ['check', 'True'], ['uncheck', 'False'], ['uncheck', 'False']]) {
    assert.equal((await visitor.act(action, { ref: agree.ref })).success, true);
    assert.equal(await visitor.value(box), expected);
  }
  const radio = visitor.elements.filter(({ input_type: type }) => type === 'radio')[1];
  assert.equal((await visitor.act('check', { ref: radio.ref })).success, true);
  assert.equal(await visitor.value('document.querySelector("[name=size]:checked").value'), 'l');
  await fails(visitor, 'uncheck', { ref: radio.ref }, /./);
  await fails(visitor, 'check', { ref: visitor.ref('Send') }, /./, 'not_actionable');
});

test('drag works for pages that use the mouse and for those that use drag and drop', async (t) => {
  const visitor = await visit(t, server, site.page('slide'));
  await visitor.does('drag', 'Knob', { target_ref: visitor.ref('Goal') });
  assert.deepEqual(await visitor.told(), ['at-300']);
  await visitor.open(site.page('drag'));
  await visitor.does('drag', 'Cargo', { target_ref: visitor.ref('Harbour') });
  assert.deepEqual(await visitor.hears('drop-cargo'), ['start', 'drop-cargo']);
});

test('upload gives files by content and by a path in the session\'s own folder, and never another', async (t) => {
  const visitor = await visit(t, server, site.page('upload'));
  const ref = visitor.ref('Files');
  const given = await visitor.act('upload', { ref, file_paths: [{ filename: 'a.txt', content: Buffer.from('abc').toString('base64') }, { uri: 'data:text/plain,hello' }] });
  assert.equal(given.success, true, given.message);
  assert.match((await visitor.told()).join(' '), /n2-a\.txt:3,.*:5/);
  const folder = path.join(server.data, 'files', visitor.id);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'own.txt'), 'own words');
  const own = await visitor.act('upload', { ref, file_paths: [path.join(folder, 'own.txt')] });
  assert.equal(own.success, true, own.message);
  assert.match((await visitor.told()).join(' '), /n1-own\.txt:9/);
  await visitor.click('Send');
  assert.match(await visitor.value('body.textContent'), /own words/);
  for (const file of ['/etc/passwd', path.join(server.data, 'server.json'), path.join(folder, '../../server.json'), '../../server.json', 'file:///etc/passwd']) {
    await visitor.open(site.page('upload'));
    const refused = await visitor.act('upload', { ref: visitor.ref('Files'), file_paths: [file] });
    assert.equal(refused.success, false, file);
    assert.deepEqual(await visitor.told(), []);
  }
});

test('scroll moves the page in four directions, or an element into view', async (t) => {
  const visitor = await visit(t, server, site.page('scrolls'));
  const at = () => visitor.value('scrollX + "," + scrollY');
  await visitor.act('scroll', { direction: 'down' });
  assert.equal(await at(), '0,400');
  await visitor.act('scroll', { direction: 'down', scroll_amount: 100 });
  await visitor.act('scroll', { direction: 'up', scroll_amount: 50 });
  await visitor.act('scroll', { direction: 'right', scroll_amount: 70 });
  assert.equal(await at(), '70,450');
  await visitor.act('scroll', { direction: 'left', scroll_amount: 30 });
  assert.equal(await at(), '40,450');
  await visitor.snapshot();
  await visitor.does('scroll', 'In the box');
  assert.equal(await visitor.value('box.scrollTop > 0'), 'True');
});

test('goto and back go through the history, and a failure is an answer', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  assert.equal((await visitor.act('goto', { url: site.page('second') })).snapshot.url, site.page('second'));
  assert.equal((await visitor.act('back')).snapshot.url, site.page('hello'));
  await visitor.open(site.page('pushes'));
  await visitor.click('Push');
  assert.equal((await visitor.act('back')).snapshot.url, site.page('pushes'));
  assert.ok((await visitor.hears('popped')).includes('pushed'));
  await fails(visitor, 'goto', { url: 'http://127.0.0.1:1/' }, /./);
  await fails(visitor, 'goto', { url: site.page('nothing') }, /./);
  await visitor.open(site.page('hello'));
  assert.equal((await visitor.act('goto', { url: site.page('loop') })).success, false);
  const missing = await visitor.act('goto', { url: site.page('no-such-page') });
  assert.deepEqual([missing.success, missing.snapshot.title], [true, '404'], 'a page that says 404 is a page');
});

test('wait waits as long as it is told', async (t) => {
  const visitor = await visit(t, server, site.page('blank'));
  const [, ms] = await timed(() => visitor.act('wait', { wait_ms: 300, snapshot: 'none' }));
  assert.ok(ms >= 300 && ms < 700, `${ms} ms`);
});

test('a failed action says what the documented app said', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  await fails(visitor, 'click', { ref: '@e99' }, "Unknown ref: @e99. Run 'snapshot' to get current elements.");
  await fails(visitor, 'click', { ref: 'button' }, 'Invalid ref format: button. Expected @e1, @e2, etc.');
  await fails(visitor, 'type', {}, "'text' required for type action");
  await fails(visitor, 'fill', { ref: '@e1' }, "'text' required for fill action");
  await fails(visitor, 'press', {}, "'text' required for press action (e.g., 'Enter')");
  await fails(visitor, 'select', { ref: '@e1' }, "'text' required for select action");
  await fails(visitor, 'drag', { ref: '@e1' }, "'target_ref' required for drag action");
  await fails(visitor, 'upload', { ref: '@e1' }, "'file_paths' required for upload action");
  await fails(visitor, 'goto', {}, "'url' required for goto action");
  const unknown = await visitor.ask('interact', { action: 'fly' });
  assert.equal(unknown.status, 422, unknown.text);
});

test('refs are taken as @e2, e2 and ref=e2', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  for (const ref of ['@e2', 'e2', 'ref=e2']) assert.equal((await visitor.act('click', { ref })).success, true);
  assert.deepEqual(await visitor.told(), ['press', 'press', 'press']);
});

test('the answer says which element was acted on', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  const { element } = await visitor.click('Press');
  assert.deepEqual([element.ref, element.tag, element.role, element.name], ['@e2', 'button', 'button', 'Press']);
  assert.ok(element.box.width > 10 && element.box.height > 10);
});

test('an action waits for what it began: a navigation, a request, a change of the page', async (t) => {
  const visitor = await visit(t, server, site.page('request'));
  assert.ok((await visitor.click('Ask')).snapshot.elements.some(({ text }) => text === 'Answer'));
  await visitor.open(site.page('client-side'));
  assert.ok((await visitor.click('Route')).snapshot.elements.some(({ text }) => text === 'After'));
  await visitor.open(`${site.page('login-form')}`);
  await visitor.does('fill', 'User', { text: 'ann' });
  await visitor.does('fill', 'Password', { text: 'secret' });
  assert.equal((await visitor.act('press', { text: 'Enter' })).snapshot.title, 'account');
});

test('screenshot: false and snapshot: "none" make an action cheap', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  const answer = await visitor.act('click', { ref: '@e2', snapshot: 'none' });
  assert.deepEqual([answer.success, answer.screenshot, answer.snapshot], [true, null, null]);
});

test('what a page opens in a new tab is seen, and a download is a file', async (t) => {
  const visitor = await visit(t, server, site.page('windows'));
  await visitor.click('Open');
  assert.deepEqual(await visitor.hears('opened'), ['opened']);
  assert.equal((await visitor.snapshot()).title, 'windows', 'the session stays on its page');
  await visitor.open(site.page('downloads'));
  assert.equal((await visitor.click('Fetch the report')).snapshot.title, 'downloads');
  const list = () => server.get(`/api/v1/sessions/${visitor.id}/downloads`);
  if ((await list()).status !== 404) {
    const [file] = await eventually(async () => { const { json } = await list(); return json.downloads?.length > 0 && json.downloads; }, 'the download is there');
    assert.equal((await bytesOf(server, file)).length, 1000);
  }
});

test('who must sign in by the browser\'s own window is told 401, and nothing hangs', async (t) => {
  const visitor = await visit(t, server, site.page('hello'));
  const [answer, ms] = await timed(() => visitor.act('goto', { url: site.page('secret') }));
  assert.ok(ms < 3000, `${ms} ms`);
  assert.notEqual(answer.snapshot.title, 'secret');
  const known = site.page('secret').replace('http://', 'http://ann:pass@');
  assert.equal((await visitor.act('goto', { url: known })).snapshot.title, 'secret');
});
