// Never the wrong element: pages on which everything is alike, moves, is replaced, covered or gone. A ref acts on the
// element that it was given for, or on nothing, and says so.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from './harness.mjs';
import { startBrowsers, timed, visit } from './browser_stage.mjs';
import { startSite } from './torture/site.mjs';

let server;
let site;
before(async () => { [server, site] = await Promise.all([startBrowsers(), startSite()]); });
after(async () => { await server?.stop(); await site?.stop(); });

const on = (t, name) => visit(t, server, site.page(name));

/** Clicks what may not be clicked: it fails, and the page has heard nothing. */
async function assertUntouched(visitor, name, pattern = /^Timeout 400ms exceeded: ./, code = undefined) {
  const answer = await visitor.act('click', { ref: visitor.ref(name), timeout_ms: 400 });
  assert.equal(answer.success, false, `${name} was clicked`);
  assert.match(answer.message, pattern);
  if (code) assert.equal(answer.code, code);
  assert.deepEqual(await visitor.told(), []);
}

async function assertStale(visitor, ref, told = []) {
  const answer = await visitor.act('click', { ref, timeout_ms: 1000 });
  assert.deepEqual([answer.success, answer.code], [false, 'stale_ref'], answer.message);
  assert.deepEqual(await visitor.told(), told);
}

test('elements with equal HTML all have refs, and each ref is its own', async (t) => {
  const visitor = await on(t, 'duplicates');
  const refs = visitor.all('Delete').map(({ ref }) => ref);
  assert.equal(new Set(refs).size, 6);
  for (const n of [3, 0, 5]) assert.equal((await visitor.act('click', { ref: refs[n] })).success, true);
  assert.deepEqual(await visitor.told(), ['delete-3', 'delete-0', 'delete-5']);
});

test('an element that moves is clicked when it stands still', async (t) => {
  for (const [name, text, word] of [['animated-css', 'Catch', 'moving'], ['moved-by-timer', 'Moves', 'stood']]) {
    const visitor = await on(t, name);
    await visitor.click(text);
    assert.deepEqual(await visitor.told(), [word], name);
  }
});

test('one that never stands still is caught or said to move, but what is beside it is not clicked', async (t) => {
  const visitor = await on(t, 'animated-ever');
  const answer = await visitor.act('click', { ref: visitor.ref('Never still'), timeout_ms: 700 });
  assert.deepEqual(await visitor.told(), answer.success ? ['caught'] : []);
  if (!answer.success) assert.match(answer.message, /^Timeout 700ms exceeded: .*(mov|still|stable)/);
});

test('elements that changed places keep their refs', async (t) => {
  const visitor = await on(t, 'swapped');
  const keep = visitor.ref('Keep');
  await visitor.value('swap()');
  assert.equal((await visitor.act('click', { ref: keep })).success, true);
  assert.deepEqual(await visitor.told(), ['keep']);
});

test('another element in the same place is not the element: stale_ref, and nothing is clicked', async (t) => {
  const visitor = await on(t, 'same-place');
  const archive = visitor.ref('Archive');
  await visitor.value('change()');
  await assertStale(visitor, archive);
  await visitor.snapshot();
  assert.notEqual(visitor.ref('Destroy'), archive, 'a number is never used again');
});

test('one that was replaced by its only likeness is found again, by role and name', async (t) => {
  const visitor = await on(t, 'same-name');
  const save = visitor.ref('Save');
  await visitor.value('change()');
  const answer = await visitor.act('click', { ref: save });
  assert.equal(answer.success, true, answer.message);
  assert.deepEqual(await visitor.told(), ['new']);
});

test('one that was replaced by two likenesses is not guessed', async (t) => {
  const visitor = await on(t, 'same-name');
  const save = visitor.ref('Save');
  await visitor.value('double()');
  await assertStale(visitor, save);
});

test('one that is gone is stale, and one that was moved in the document is still itself', async (t) => {
  const visitor = await on(t, 'same-name');
  const save = visitor.ref('Save');
  await visitor.value('move_it()');
  assert.equal((await visitor.act('click', { ref: save })).success, true);
  await visitor.value('document.querySelector("button").remove()');
  await assertStale(visitor, save, ['old']);
});

test('a list that was drawn anew in another order: each ref calls whom it named', async (t) => {
  const visitor = await on(t, 'resorted');
  const refs = Object.fromEntries(['Ann', 'Bob', 'Cid', 'Dan'].map((name) => [name, visitor.ref(`Call ${name}`)]));
  await visitor.value('resort()');
  for (const name of ['Ann', 'Dan', 'Bob']) await visitor.act('click', { ref: refs[name] });
  assert.deepEqual(await visitor.told(), ['Ann', 'Dan', 'Bob']);
});

test('a list that is reordered all the time: whoever is called is the one that was meant', async (t) => {
  const visitor = await on(t, 'resorted');
  await visitor.value('every()');
  const answers = [];
  for (const name of ['Ann', 'Bob', 'Cid', 'Dan']) answers.push([name, (await visitor.act('click', { ref: visitor.ref(`Call ${name}`), timeout_ms: 600, snapshot: 'none' })).success]);
  assert.deepEqual(await visitor.told(), answers.filter(([, success]) => success).map(([name]) => name));
});

test('a row that is used for something else meanwhile is not clicked as what it was', async (t) => {
  const visitor = await on(t, 'renamed-rows');
  const ann = visitor.ref('Pay Ann');
  await visitor.value("rows(['Pay Zed', 'Pay Ann', 'Pay Bob'])");
  const answer = await visitor.act('click', { ref: ann, timeout_ms: 600 });
  const told = (await visitor.value('told')).trim();
  if (answer.success) assert.equal(told, answer.snapshot.elements.find(({ ref }) => ref === ann).text, 'it is the element that has this ref');
  else assert.deepEqual([answer.code, told], ['stale_ref', '']);
});

test('what is covered is not clicked, and the answer names what covers it', async (t) => {
  const visitor = await on(t, 'covered');
  await assertUntouched(visitor, 'Under', /^Timeout 400ms exceeded: .*covered.*banner/);
  await visitor.click('Accept cookies');
  assert.equal((await visitor.act('click', { ref: visitor.ref('Under') })).success, true);
});

test('a pane of glass is a cover too, one that lets clicks through is none', async (t) => {
  await assertUntouched(await on(t, 'glass'), 'Under', /^Timeout 400ms exceeded: .*glass/);
  const open = await on(t, 'glass-open');
  await open.click('Through');
  assert.deepEqual(await open.told(), ['through']);
});

test('a cover that goes away in time is waited for', async (t) => {
  const visitor = await on(t, 'glass-goes');
  await visitor.click('Wait for me');
  assert.deepEqual(await visitor.told(), ['after']);
});

test('without a word the timeout of a click is 5 s and says so as documented', async (t) => {
  const visitor = await on(t, 'covered');
  const [answer, ms] = await timed(() => visitor.act('click', { ref: visitor.ref('Under') }));
  assert.match(answer.message, /^Timeout 5000ms exceeded/);
  assert.deepEqual([answer.success, answer.code], [false, 'timeout']);
  assert.ok(ms >= 4900 && ms < 6500, `${ms} ms`);
});

test('what takes no clicks is not clicked: no pointer, disabled, of no size, hidden', async (t) => {
  const none = await on(t, 'pointer-none');
  await assertUntouched(none, 'No pointer');
  const states = await on(t, 'states');
  await assertUntouched(states, 'Disabled', /^Timeout 400ms exceeded: .*(disabled|not enabled)/);
  await assertUntouched(states, 'In a set', /^Timeout 400ms exceeded: .*(disabled|not enabled)/);
  for (const name of ['None', 'Hidden', 'Attr', 'Detail']) assert.deepEqual(states.all(name), [], `${name} can't be seen`);
  await states.click('Clear');
  assert.deepEqual(await states.told(), ['clear']);
  const small = await on(t, 'small');
  assert.deepEqual(small.all('Zero'), []);
  await small.click('Tiny');
  assert.deepEqual(await small.told(), ['tiny']);
});

test('hidden after the snapshot, shown again in time: it is waited for', async (t) => {
  const visitor = await on(t, 'shown-later');
  await visitor.click('Show');
  await visitor.click('Enabled later');
  await visitor.snapshot();
  await visitor.click('Shown');
  assert.deepEqual(await visitor.told(), ['enabled', 'shown']);
});

test('below the window, under a sticky header and in a box that scrolls, elements are brought into view first', async (t) => {
  const visitor = await on(t, 'scrolls');
  for (const name of ['Deep', 'In the box', 'Far right']) await visitor.click(name);
  assert.deepEqual(await visitor.told(), ['deep', 'in-box', 'far-right']);
  const sticky = await on(t, 'sticky');
  await sticky.value('scrollTo(0, document.querySelector("button").offsetTop - 100)');
  await sticky.click('Below the header');
  assert.deepEqual(await sticky.told(), ['below-header']);
});

test('an element inside the target is the target, and so is the label of a box', async (t) => {
  const visitor = await on(t, 'label');
  await visitor.click('Inner');
  assert.deepEqual(await visitor.told(), ['inner']);
});

test('one that is replaced under the pointer: its likeness is clicked or nothing', async (t) => {
  const visitor = await on(t, 'replaced-on-hover');
  const answer = await visitor.act('click', { ref: visitor.ref('Swap'), timeout_ms: 1000 });
  assert.deepEqual(await visitor.told(), answer.success ? ['swap'] : []);
});

test('one that becomes another while the button is down: the other is not clicked', async (t) => {
  const visitor = await on(t, 'replaced-on-down');
  await visitor.act('click', { ref: visitor.ref('Press'), timeout_ms: 1000 });
  await visitor.assertNoWrong();
});

test('one that goes away under the pointer is not clicked through', async (t) => {
  const visitor = await on(t, 'removed-while');
  const answer = await visitor.act('click', { ref: visitor.ref('Once'), timeout_ms: 600 });
  assert.equal(answer.success, false);
  assert.deepEqual(await visitor.told(), []);
});

test('a page that shifts when the pointer comes is not clicked beside the target', async (t) => {
  const visitor = await on(t, 'shifts-on-focus');
  await visitor.click('Shifted');
  assert.deepEqual(await visitor.told(), ['shifted']);
});

test('a page that is drawn anew without end: the one that was meant, or nothing', async (t) => {
  const visitor = await on(t, 'churn');
  await eventually(async () => { await visitor.snapshot(); return visitor.all('Stay').length === 1; }, 'it is drawn');
  const answer = await visitor.act('click', { ref: visitor.ref('Stay'), timeout_ms: 800 });
  const told = await visitor.told();
  assert.deepEqual(told.filter((word) => word !== 'same'), []);
  if (!answer.success) assert.deepEqual(told, []);
});

test('after a navigation the refs of the page before are stale, whatever stands there now', async (t) => {
  const visitor = await on(t, 'duplicates');
  const refs = visitor.all('Delete').map(({ ref }) => ref);
  await visitor.act('goto', { url: site.page('duplicates') });
  for (const ref of refs.slice(0, 2)) await assertStale(visitor, ref);
  assert.equal(visitor.elements.some(({ ref }) => refs.includes(ref)), false);
  await visitor.act('goto', { url: site.page('hello') });
  await assertStale(visitor, refs[0]);
});

test('a page that lies about itself is clicked where it is', async (t) => {
  const visitor = await on(t, 'liar');
  const answer = await visitor.act('click', { ref: visitor.ref('Real') });
  assert.equal(answer.success, true, answer.message);
  assert.equal((await visitor.value('told')).trim(), 'real');
  const deaf = await on(t, 'liar-events');
  await deaf.click('Heard');
  assert.deepEqual(await deaf.told(), ['heard']);
});
