import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const event = { addListener() {}, removeListener() {} };
globalThis.chrome = {
  debugger: { onDetach: event, onEvent: event },
  tabs: {
    get: async (tabId) => { throw new Error(`No tab with id: ${tabId}.`); },
    query: async () => [{ id: 1, url: 'http://a/', title: 'A', active: true, windowId: 3 }],
    remove: async (tabId) => { if (tabId !== 1) throw new Error(`No tab with id: ${tabId}.`); },
  },
};
const [{ Commands, describeCommand, frameBytesMax }] = await load('/src/commands.ts');
const commands = new Commands(() => {});
const answer = async (frame) => {
  const { timestamp, ...rest } = await commands.answer(frame, 'ext_0123456789ab');
  assert.ok(Number.isInteger(timestamp));
  return rest;
};

test('a command is answered with its own type, request and session', async () => {
  assert.deepEqual(await answer({ type: 'tabs.query', requestId: 'abcd1234' }), {
    type: 'tabs.query.response', requestId: 'abcd1234', sessionId: 'ext_0123456789ab', success: true,
    result: [{ id: 1, url: 'http://a/', title: 'A', active: true }],
  });
  assert.deepEqual((await answer({ type: 'tabs.closeTab', requestId: 'r', data: { tabId: '1' } })).result, { closed: true });
});

test('a command without a request is answered without one', async () => {
  const given = await answer({ type: 'tabs.closeTab', data: { tabId: 1 } });
  assert.equal('requestId' in given, false);
  assert.equal((await answer({ type: 'navigate', data: {} })).type, 'navigate.response');
});

test('what fails is answered as a failure with its reason', async () => {
  for (const [frame, error] of [
    [{ type: 'tabs.click', data: { tabId: 7, selector: 'a' } }, 'No tab with id: 7.'],
    [{ type: 'tabs.closeTab', data: { tabId: 'x' } }, 'tabId must be the number of a tab, not "x"'],
    [{ type: 'tabs.closeTab' }, 'tabId must be the number of a tab, not undefined'],
    [{ type: 'tabs.update', data: { tabId: 1 } }, 'Nothing to change: give url, active, pinned, muted or highlighted'],
    [{ type: 'navigate', data: {} }, 'url is required'],
    [{ type: 'tabs.query', data: [] }, 'data must be an object'],
  ]) assert.deepEqual(await answer(frame), { type: `${frame.type}.response`, sessionId: 'ext_0123456789ab', success: false, error });
});

test('a result too large for a frame is a failure', async () => {
  const query = chrome.tabs.query;
  chrome.tabs.query = async () => [{ id: 1, url: 'ä'.repeat(frameBytesMax / 2), title: '', active: true }];
  const given = await answer({ type: 'tabs.query' });
  chrome.tabs.query = query;
  assert.equal(given.success, false);
  assert.match(given.error, /more than the 1000000 of one frame/);
});

test('the line about a command names it and its place, and never what is typed', () => {
  assert.equal(
    describeCommand({ type: 'tabs.fill', data: { tabId: 4, selector: '#password', text: 'secret' } }), 'tabs.fill #password in tab 4');
  assert.equal(describeCommand({ type: 'navigate', data: { url: 'http://a/' } }), 'navigate http://a/');
  assert.equal(describeCommand({ type: 'tabs.query', data: null }), 'tabs.query');
});

test('exactly the operations of the contract are known', () => {
  for (const name of [
    'createTab', 'query', 'update', 'closeTab', 'reload', 'goBack', 'goForward', 'executeScript', 'click', 'type', 'fill', 'scrape', 'scroll',
    'captureVisibleTab',
  ]) assert.equal(commands.knows(`tabs.${name}`), true, name);
  for (const type of ['tabs.explode', 'message', 'pong', 'toString']) assert.equal(commands.knows(type), false);
});
