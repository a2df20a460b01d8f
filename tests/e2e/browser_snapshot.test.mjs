// What a snapshot says: refs that stay, frames and shadow trees, what changed, as much as is asked for, and the truth.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from './harness.mjs';
import { startBrowsers, timed, visit } from './browser_stage.mjs';
import { startSite } from './torture/site.mjs';

let server;
let site;
before(async () => { [server, site] = await Promise.all([startBrowsers(), startSite()]); });
after(async () => { await server?.stop(); await site?.stop(); });

const on = (t, name, input) => visit(t, server, site.page(name), input);
const lines = (snapshot) => snapshot.elements_text.split('\n');

test('elements_text has a line for each element, as the documented app prints it', async (t) => {
  const { page } = await on(t, 'described');
  const texts = lines(page).map((line) => line.replace(/^@e\d+ /, ''));
  assert.deepEqual(texts.filter((line) => !/textarea|select/.test(line)), [
    '[a] "Go on" href="/second"', '[a] "Far" href="https://example.test/a/very/long/path/that/is/long..."', '[input type=email] "Email"', '[input type=text] name="q"',
    '[button] "Two words"', '[div] "Role"', '[div] "Tab"', '[span] "On click"',
  ]);
  assert.ok(texts.includes('[textarea] name="t"'));
  assert.deepEqual(page.elements.map(({ desc }) => desc), lines(page));
  assert.deepEqual(page.elements.map(({ ref }) => ref), page.elements.map((_, n) => `@e${n + 1}`), 'in the order of the document');
});

test('a page without anything to act on says so', async (t) => {
  const { page } = await on(t, 'blank');
  assert.deepEqual([page.elements, page.elements_text, page.truncated], [[], '(no interactive elements found)', false]);
});

test('refs stay the same from snapshot to snapshot, and new elements get new numbers', async (t) => {
  const visitor = await on(t, 'duplicates');
  const first = visitor.elements.map(({ ref }) => ref);
  assert.deepEqual((await visitor.snapshot()).elements.map(({ ref }) => ref), first);
  await visitor.value('document.body.prepend(Object.assign(document.createElement("button"), { textContent: "New" }))');
  const { elements } = await visitor.snapshot();
  assert.deepEqual(elements.map(({ ref }) => ref), ['@e7', ...first]);
  await visitor.value('document.querySelectorAll("button")[1].remove()');
  await visitor.value('document.body.append(Object.assign(document.createElement("button"), { textContent: "Last" }))');
  assert.deepEqual((await visitor.snapshot()).elements.map(({ ref }) => ref), ['@e7', ...first.slice(1), '@e8']);
});

test('diff tells what was added, removed and changed since the last snapshot', async (t) => {
  const visitor = await on(t, 'same-name');
  const { diff: nothing } = await visitor.snapshot({ diff: true });
  assert.deepEqual(nothing, { added: [], removed: [], changed: [] });
  await visitor.value('document.querySelector("button").textContent = "Changed"');
  const changed = await visitor.snapshot({ diff: true });
  assert.deepEqual(changed.diff.changed.map(({ ref, text }) => [ref, text]), [['@e1', 'Changed']]);
  await visitor.value('document.querySelector("button").remove(), document.body.append(Object.assign(document.createElement("button"), { textContent: "Fresh" }))');
  const { diff, elements } = await visitor.snapshot({ diff: true });
  assert.deepEqual([diff.added.map(({ text }) => text), diff.removed], [['Fresh'], ['@e1']]);
  assert.deepEqual(elements.map(({ text }) => text), ['Fresh']);
  const acted = await visitor.act('click', { ref: diff.added[0].ref, snapshot: 'diff' });
  assert.deepEqual(acted.snapshot.diff, { added: [], removed: [], changed: [] });
});

test('scope looks into one element only, by ref or selector', async (t) => {
  const visitor = await on(t, 'scrolls');
  const scoped = await visitor.snapshot({ scope: '#box' });
  assert.deepEqual(scoped.elements.map(({ text }) => text), ['In the box']);
  const visible = await visitor.snapshot({ scope: scoped.elements[0].ref });
  assert.deepEqual(visible.elements.map(({ ref }) => ref), [scoped.elements[0].ref]);
  const wrong = await visitor.ask('snapshot', { scope: '#nowhere' });
  assert.ok(wrong.status === 200 ? wrong.json.elements.length === 0 : wrong.status >= 400 && wrong.status < 500, wrong.text);
  assert.equal((await visitor.ask('snapshot', { scope: '((' })).status < 500, true);
});

test('two thousand elements are all there; max_elements and max_chars cut, and truncated says so', async (t) => {
  const visitor = await on(t, 'many');
  assert.deepEqual([visitor.elements.length, visitor.page.truncated], [2000, false]);
  const [, ms] = await timed(() => visitor.snapshot());
  assert.ok(ms < 1500, `${ms} ms`);
  const few = await visitor.snapshot({ max_elements: 10 });
  assert.deepEqual([few.elements.length, few.truncated], [10, true]);
  const short = await visitor.snapshot({ max_chars: 500 });
  assert.ok(short.elements_text.length <= 500 && short.elements_text.length > 300, `${short.elements_text.length}`);
  assert.equal(short.truncated, true);
  assert.ok(lines(short).every((line) => /^@e\d+ \[|^\W/.test(line)), 'no line is cut in two');
  await visitor.snapshot();
  await visitor.click('Press 999');
  assert.deepEqual(await visitor.told(), ['b999']);
});

test('interactive_only: false adds headings, texts and pictures', async (t) => {
  const visitor = await on(t, 'described');
  const few = visitor.elements.length;
  const { elements } = await visitor.snapshot({ interactive_only: false });
  assert.ok(elements.some(({ tag, text }) => tag === 'h2' && text === 'Head'), JSON.stringify(elements.map(({ desc }) => desc)));
  assert.ok(elements.some(({ tag }) => tag === 'img'));
  assert.ok(elements.length > few);
});

test('titles, texts and addresses of any characters come through as they are', async (t) => {
  const { page } = await on(t, 'odd');
  assert.equal(page.title.replace(/\s+/g, ' '), '"quotes" <b> \u{1F600} \u202E txt \\ \'');
  assert.deepEqual(page.elements.map(({ text, href }) => [text, href ?? null]), [['"q" \u{1F600} \u05D0\u05D1', null], ['<i>', `${site.here}/x?a=1&b='%22`]]);
  assert.match(page.elements_text, /href="\/x\?a=1&b='%22"/);
  assert.equal(lines(page).length, 2);
});

test('long texts are cut to 80 characters, addresses to 50 in the line', async (t) => {
  const { page } = await on(t, 'long-text');
  for (const { text, desc } of page.elements) { assert.ok(text.length <= 81, `${text.length}`); assert.ok(desc.length < 250, `${desc.length}`); }
  assert.match(page.elements.at(-1).desc, /href="\/p{49}\.\.\."/);
});

test('a huge page is answered for, and its end can be reached', async (t) => {
  const visitor = await on(t, 'huge');
  assert.deepEqual(visitor.elements.map(({ text }) => text), ['Top', 'Bottom']);
  await visitor.click('Bottom');
  assert.deepEqual(await visitor.told(), ['bottom']);
});

test('elements in frames of the same origin, nested ones too, are in the snapshot and can be acted on', async (t) => {
  const visitor = await on(t, 'frames-nested');
  assert.deepEqual(visitor.elements.map(({ text, name }) => text || name), ['Outer', 'Middle', 'Inner', 'Inner field', 'Go on inside']);
  assert.deepEqual([visitor.find('Outer').frame ?? null, visitor.find('Middle').frame], [null, site.page('frame-deep')]);
  for (const [name, word] of [['Outer', 'outer'], ['Middle', 'middle'], ['Inner', 'inner']]) { await visitor.click(name); await visitor.hears(word); }
  assert.deepEqual(await visitor.told(), ['outer', 'middle', 'inner']);
  await visitor.does('fill', 'Inner field', { text: 'typed' });
  assert.equal(await visitor.value('frames[0].frames[0].document.querySelector("input").value'), 'typed');
});

test('elements in frames of other sites are in the snapshot and can be acted on, frames in them too', async (t) => {
  const visitor = await on(t, 'frames-cross');
  assert.equal(visitor.find('Inner').frame, `${site.cross}/frame-inner`);
  await visitor.click('Inner');
  assert.deepEqual(await visitor.hears('inner'), ['inner']);
  await visitor.does('fill', 'Inner field', { text: 'typed' });
  assert.equal((await visitor.snapshot()).elements.find(({ name, text }) => name === 'Inner field' || text === 'typed').value, 'typed');
  await visitor.act('press', { text: 'a' });
  const deep = await on(t, 'frames-cross-deep');
  await deep.click('Inner');
  assert.deepEqual(await deep.hears('inner'), ['inner']);
  await deep.click('Middle');
  assert.deepEqual(await deep.hears('middle'), ['inner', 'middle']);
});

test('frames alike on several sites have refs of their own', async (t) => {
  const visitor = await on(t, 'frames-two');
  const inner = visitor.all('Inner');
  assert.deepEqual(inner.map(({ frame }) => new URL(frame).origin), [site.cross, site.third, site.here]);
  assert.equal(new Set(inner.map(({ ref }) => ref)).size, 3);
  for (const { ref } of inner) assert.equal((await visitor.act('click', { ref })).success, true);
  await eventually(async () => (await visitor.told()).length === 3, 'all three heard it');
});

test('a frame that went on has new refs, the rest of the page keeps its own', async (t) => {
  const visitor = await on(t, 'frames-cross');
  const [outer, inner] = [visitor.ref('Outer'), visitor.ref('Inner')];
  await visitor.click('Go on inside');
  await eventually(async () => { await visitor.snapshot(); return visitor.all('Second inside').length === 1; }, 'the frame went on');
  assert.equal(visitor.ref('Outer'), outer);
  const stale = await visitor.act('click', { ref: inner, timeout_ms: 500 });
  assert.deepEqual([stale.success, stale.code], [false, 'stale_ref'], stale.message);
  await visitor.click('Second inside');
  assert.ok((await visitor.hears('second')).includes('second'));
});

test('in frames that have to be scrolled, and scrolled to, the click lands where it should', async (t) => {
  const visitor = await on(t, 'frames-scrolled');
  for (const { ref } of visitor.all('Tall inside')) assert.equal((await visitor.act('click', { ref })).success, true);
  await eventually(async () => (await visitor.told()).filter((word) => word === 'tall').length === 2, 'both heard it');
  await visitor.assertNoWrong();
});

test('a frame that is covered by the page around it is not clicked', async (t) => {
  const visitor = await on(t, 'frames-covered');
  const answer = await visitor.act('click', { ref: visitor.ref('Inner'), timeout_ms: 500 });
  assert.equal(answer.success, false);
  assert.match(answer.message, /^Timeout 500ms exceeded: .*cover/);
  assert.deepEqual(await visitor.told(), []);
});

test('a frame that goes away takes its refs along, and what stands there now is not clicked', async (t) => {
  const visitor = await on(t, 'frames-removed');
  const inner = visitor.ref('Inner');
  await visitor.value('swap()');
  const answer = await visitor.act('click', { ref: inner, timeout_ms: 500 });
  assert.deepEqual([answer.success, answer.code], [false, 'stale_ref'], answer.message);
  assert.deepEqual(await visitor.told(), []);
});

test('sandboxed frames, frames from a string, frames that come late and frames that fail', async (t) => {
  const boxed = await on(t, 'frames-sandbox');
  await boxed.click('Inner');
  assert.deepEqual(await boxed.hears('inner'), ['inner']);
  const mute = await on(t, 'frames-mute');
  assert.equal((await mute.act('click', { ref: mute.ref('Inner') })).success, true);
  const string = await on(t, 'frames-srcdoc');
  await string.click('In a string');
  assert.deepEqual(await string.told(), ['doc']);
  const late = await on(t, 'frames-late');
  await eventually(async () => { await late.snapshot(); return late.all('Inner').length === 1; }, 'the frame is in the snapshot');
  await late.click('Inner');
  await late.hears('inner');
  assert.equal((await on(t, 'frames-bad')).page.title, 'frames-bad');
});

test('elements in open, closed and nested shadow trees are in the snapshot and can be acted on', async (t) => {
  for (const [name, text, word] of [['shadow-open', 'Open shadow', 'open-shadow'], ['shadow-closed', 'Closed shadow', 'closed-shadow'], ['shadow-nested', 'Innermost', 'innermost']]) {
    const visitor = await on(t, name);
    await visitor.click(text);
    assert.deepEqual(await visitor.told(), [word]);
  }
  const slots = await on(t, 'shadow-slots');
  assert.deepEqual(slots.all('Unslotted'), [], 'what is in no slot is not on the page');
  await slots.click('Slotted');
  await slots.click('Side');
  assert.deepEqual(await slots.told(), ['slotted', 'side']);
});

test('a frame in a closed shadow tree, and shadow trees that are all alike', async (t) => {
  const visitor = await on(t, 'shadow-frame');
  await visitor.click('Inner');
  assert.deepEqual(await visitor.hears('inner'), ['inner']);
  const alike = await on(t, 'shadow-alike');
  const refs = alike.all('Same').map(({ ref }) => ref);
  assert.equal(refs.length, 3);
  for (const n of [2, 0, 1]) await alike.act('click', { ref: refs[n] });
  assert.deepEqual(await alike.told(), ['same-2', 'same-0', 'same-1']);
});

test('pages that take themselves apart leave a session that goes on', async (t) => {
  const visitor = await on(t, 'no-root');
  await visitor.value('wipe()');
  assert.deepEqual((await visitor.snapshot()).elements, []);
  await visitor.call('screenshot');
  assert.equal((await visitor.act('click', { ref: '@e1', timeout_ms: 400 })).success, false);
  assert.deepEqual((await visitor.open(site.page('no-root-at-once'))).elements, []);
  await visitor.open(site.page('rewritten'));
  await visitor.value('rewrite()');
  assert.deepEqual((await visitor.snapshot()).elements.map(({ text }) => text), ['New']);
  assert.equal((await visitor.open(site.page('hello'))).title, 'hello');
});

test('a page that lies about itself is described as it is', async (t) => {
  const visitor = await on(t, 'liar');
  assert.deepEqual(visitor.elements.map(({ text, box }) => [text, Math.round(box.x)]), [['Real', 300], ['Corner', 0]]);
  assert.equal((await visitor.call('screenshot')).width, 1280);
});
