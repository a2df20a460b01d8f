// The side panel as a person meets it: asks, gets answers while they are written, and is told what went wrong.
// Everything against the real binary, in a real Chromium; what answers is a member of the session or an endpoint.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep, start } from './harness.mjs';
import { soon, startBrowser, withBrowser } from './extension_stage.mjs';
import { endpoint, keptSession, openPanel, responder, sessionAt, startPanel } from './side_panel_stage.mjs';

test('FMV-25, FMV-29, FMV-32: a question goes to the server, and its real answer is shown while it comes', withBrowser, async (t) => {
  const { server, browser, panel, id } = await startPanel(t);
  const other = await openPanel(browser);
  await other.connected();
  let proceed;
  const middle = new Promise((resolve) => { proceed = resolve; });
  const member = await responder(t, server, id, async ({ query }, { piece, done }) => {
    piece('The disk ');
    piece('is ');
    await middle;
    done({ answer: `The disk is full (${query})`, findings: ['/var has 0 bytes left'], confidence_score: 0.9 });
  });

  await t.test('pieces are shown as they come, here and in the other panel', async () => {
    await panel.ask('Why does the build fail?');
    for (const each of [panel, other]) await each.says('The disk is');
    assert.equal(await panel.evaluate('document.querySelector("#conversation > li").getAttribute("aria-busy")'), 'true');
    assert.equal(await panel.evaluate('document.getElementById("send").hidden'), true, 'Stop stands in its place');
    assert.equal(await panel.evaluate('document.getElementById("question").value'), '');
  });

  await t.test('the whole answer takes their place', async () => {
    proceed();
    for (const each of [panel, other]) {
      await each.says(/^The disk is full \(Why does the build fail\?\)/);
      await soon(() => each.evaluate('document.querySelector("#conversation > li").getAttribute("aria-busy") === "false"'), 'the end');
      const [[question, answer], ...more] = await each.entries();
      assert.equal(question, 'Why does the build fail?');
      assert.match(answer, /Findings.*\/var has 0 bytes left.*Confidence.*90 %/);
      assert.deepEqual(more, []);
    }
    await soon(() => panel.evaluate('document.getElementById("stop").hidden'), 'Send to be back');
  });

  await t.test('the server got the session id and the question, and nothing else', async () => {
    const [{ query, session_id: asked }] = member.questions;
    assert.deepEqual([query, asked, member.questions.length], ['Why does the build fail?', id, 1]);
    const { events } = (await server.get(`/api/v1/sessions/${id}/events`)).json;
    const [logged] = events.filter(({ type }) => type === 'session.query');
    assert.deepEqual(logged.data, { query: 'Why does the build fail?', priority: 'normal' });
  });

  await t.test('FMV-16: a panel that is opened later shows what was said before', async () => {
    const later = await openPanel(browser);
    await later.says(/^The disk is full/);
    assert.deepEqual((await later.entries()).map(([question]) => question), ['Why does the build fail?']);
    await later.close();
  });
});

test('FMV-25: an endpoint of the configuration answers as well, piece by piece', withBrowser, async (t) => {
  const service = await endpoint(t, async (question, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (const content of ['Turn it ', 'off ', 'and on.']) {
      response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
      await sleep(50);
    }
    response.end('data: [DONE]\n\n');
  });
  const { panel, id } = await startPanel(t, { config: `[responder]\nurl = "${service.url}"\n` });
  await panel.ask('What now?');
  await panel.says('Turn it off and on.');
  await soon(() => panel.evaluate('document.querySelector("#conversation > li").getAttribute("aria-busy") === "false"'), 'the end');
  assert.deepEqual([service.questions[0].query, service.questions[0].session_id], ['What now?', id]);
});

test('FMV-24, FMV-29: without a session nothing is sent and the panel says so; with one it never says that', withBrowser, async (t) => {
  const away = await start();
  const { port, url } = away;
  await away.stop();
  const browser = await startBrowser(t, { url });
  const panel = await openPanel(browser);
  await soon(async () => (await panel.word()) === 'Offline', 'the panel to be offline');
  assert.match(await panel.text('problem'), /^Failed to create session: .*cannot be reached/);
  await panel.picture('side-panel-offline.png');

  await panel.ask('Anybody there?');
  await panel.says('Error: No session ID available');
  assert.equal(await panel.evaluate('document.getElementById("question").value'), 'Anybody there?', 'the question is still there to be sent');

  const server = await start({ listen: [`127.0.0.1:${port}`] });
  t.after(() => server.stop());
  await panel.press('reconnect');
  await panel.connected();
  assert.equal(await panel.evaluate('document.getElementById("trouble").hidden'), true);
  const { sessionId } = await keptSession(browser);
  const { events } = (await server.get(`/api/v1/sessions/${sessionId}/events`)).json;
  assert.deepEqual(events.filter(({ type }) => type.startsWith('session.query')), [], 'nothing had been sent');
  const member = await responder(t, server, sessionId, (_question, { done }) => done({ answer: 'Now yes.' }));
  await panel.evaluate('document.getElementById("form").requestSubmit()');
  await panel.says('Now yes.');
  assert.equal(member.questions[0].query, 'Anybody there?');
  assert.equal((await panel.entries()).flat().filter((text) => /No session ID available/.test(text)).length, 1);
});

test('FMV-29: what goes wrong is shown with its reason', withBrowser, async (t) => {
  const { server, panel, id } = await startPanel(t);

  await t.test('nobody answers questions: what the server says can be done about it', async () => {
    await panel.ask('Hello?');
    const text = await panel.says(/^Error: Failed to process query: /);
    assert.match(text, /no responder is attached; .+/);
    const { status, json } = await server.post('/api/v1/query', { session_id: id, query: 'Hello?' });
    assert.equal(status, 503);
    assert.ok(text.includes(json.detail), `${text} has ${json.detail}`);
  });

  await t.test('the responder gives an error, and the question can be asked once more', async () => {
    let failing = true;
    await responder(t, server, id, (_question, { done }) => done(failing ? { error: 'the model is overloaded' } : { answer: 'Here I am.' }));
    await panel.ask('And now?');
    await panel.says('Error: Failed to process query: the model is overloaded');
    failing = false;
    await panel.evaluate('[...document.querySelectorAll(".error button")].at(-1).click()');
    await panel.says('Here I am.');
    const all = (await panel.entries()).flat();
    assert.equal(all.filter((text) => text === 'And now?').length, 2);
    assert.equal(all.filter((text) => /overloaded/.test(text)).length, 1, 'an error is told once');
  });
});

test('an answer is text, whatever it looks like', withBrowser, async (t) => {
  const { server, panel, id } = await startPanel(t);
  const answer = '<img src=x onerror="document.title=\'broken\'"><b>bold</b>\n```\n<script>document.title=\'broken\'</script>\n```';
  await responder(t, server, id, (_question, { piece, done }) => { piece(answer); done({ answer, findings: ['<i>x</i>'], sources: [{ title: '<a href="javascript:0">y</a>' }] }); });
  await panel.ask('<u>Can you?</u>');
  await panel.says(/<b>bold<\/b>/);
  assert.equal((await panel.entries())[0][0], '<u>Can you?</u>');
  assert.equal(await panel.evaluate('document.querySelectorAll("#conversation :is(img, b, i, u, a, script)").length'), 0);
  assert.equal(await panel.evaluate('document.querySelector("#conversation pre").textContent'), '<script>document.title=\'broken\'</script>');
  assert.equal(await panel.evaluate('document.title'), 'Sojourn');
});

test('a question can be taken back while its answer is written', withBrowser, async (t) => {
  const { server, panel, id } = await startPanel(t);
  const member = await responder(t, server, id, (_question, { piece }) => piece('Well, '));
  await panel.ask('Tell me a long story');
  await panel.says('Well,');
  const cancelled = new Promise((resolve) => {
    member.ws.on('message', (bytes) => {
      const frame = JSON.parse(bytes);
      if (frame.type === 'query_cancelled') resolve(frame);
    });
  });
  await panel.press('stop');
  assert.equal((await cancelled).query_id, member.questions[0].query_id);
  await panel.says(/Stopped\./);
  await soon(() => panel.evaluate('document.getElementById("stop").hidden && !document.getElementById("send").hidden'), 'Send to be back');
  assert.equal((await panel.entries()).length, 1);
});

test('a server that goes and comes back takes the panel along', withBrowser, async (t) => {
  const { server, browser, panel, id } = await startPanel(t);
  await responder(t, server, id, (_question, { done }) => done({ answer: 'Yes.' }));
  await panel.ask('Are you there?');
  await panel.says('Yes.');
  const { port } = server;
  await server.stop();
  await soon(async () => (await panel.word()) === 'Offline', 'the panel to be offline');
  assert.equal(await panel.evaluate('document.getElementById("trouble").hidden'), false);
  await panel.ask('And now?');
  await panel.says(/^Error: Failed to process query: .*(cannot be reached|lost)/);
  const back = await start({ listen: [`127.0.0.1:${port}`] });
  t.after(() => back.stop());
  await panel.press('reconnect');
  await panel.connected();
  const stored = await keptSession(browser, ({ sessionId }) => sessionId !== id);
  assert.equal((await sessionAt(back, stored.sessionId)).status, 200);
  await panel.says(/This is a new one/);
  await responder(t, back, stored.sessionId, (_question, { done }) => done({ answer: 'Here again.' }));
  await panel.ask('And now?');
  await panel.says('Here again.');
  assert.equal((await panel.entries()).flat().filter((text) => text === 'Yes.').length, 1, 'what was said stays to be read');
});

test('FMV-27: Clear session asks first, ends the session and begins a new one, in every panel', withBrowser, async (t) => {
  const { server, browser, panel, id } = await startPanel(t);
  const other = await openPanel(browser);
  await other.connected();
  await responder(t, server, id, (_question, { done }) => done({ answer: 'Noted.' }));
  await panel.ask('Remember this');
  for (const each of [panel, other]) await each.says('Noted.');
  const choose = (value) => panel.evaluate(`document.querySelector('#confirm button[value=${value}]').click()`);
  await panel.press('clear');
  assert.equal(await panel.evaluate('document.getElementById("confirm").open'), true);
  await choose('keep');
  await panel.says('Noted.');
  assert.equal((await sessionAt(server, id)).status, 200);
  await panel.press('clear');
  await choose('clear');
  const { sessionId } = await keptSession(browser, (stored) => stored.sessionId !== id);
  assert.equal((await sessionAt(server, id)).status, 404);
  await panel.connected();
  await soon(async () => (await panel.entries()).length === 0, 'an empty conversation');
  await soon(async () => !(await other.entries()).flat().includes('Noted.'), 'the other panel to be empty too');
  await other.connected();
  await soon(async () => (await server.get(`/api/v1/sessions/${sessionId}/connections`)).json.count === 2, 'both in the new session');
});

test('Enter sends, Shift+Enter begins a line, and Enter in the middle of a composed character does neither', withBrowser, async (t) => {
  const { server, panel, id } = await startPanel(t);
  const member = await responder(t, server, id, (_question, { done }) => done({ answer: 'Two lines.' }));
  await panel.send('Page.bringToFront');
  assert.equal(await panel.evaluate('document.activeElement.id'), 'question', 'one can type at once');
  await panel.send('Input.insertText', { text: 'one' });
  await panel.key('Enter', { shift: true, text: '\r' });
  await panel.send('Input.insertText', { text: 'two' });
  assert.equal(await panel.evaluate('document.getElementById("question").value'), 'one\ntwo');
  await panel.evaluate('document.getElementById("question").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true }))');
  assert.equal(member.questions.length, 0);
  await panel.key('Enter', { text: '\r' });
  await panel.says('Two lines.');
  assert.equal(member.questions[0].query, 'one\ntwo');
  await panel.key('Enter', { text: '\r' });
  await panel.send('Input.insertText', { text: '   ' });
  await panel.key('Enter', { text: '\r' });
  await sleep(200);
  assert.equal(member.questions.length, 1, 'nothing is no question');
});
