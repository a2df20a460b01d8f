// Contract 2, messages: the envelope, who hears what, and in which order.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { start } from './harness.mjs';
import { as, assertFrame, join, nobody, postEvent, uuid } from './tracking_stage.mjs';

let server;
before(async () => { server = await start({ config: '[limits]\nmessages_per_s = 0\n' }); });
after(() => server?.stop());

/** Two members of one session. */
async function pair(t) {
  const agent = await join(t, server);
  return [agent, await join(t, server, { session: agent.id })];
}

const quote = { carrier: 'FedEx', service: 'Ground', cost: 12.99 };

/** Sends `value`, and checks the reply's envelope and the rest of it. */
async function expectReply(member, value, expected) {
  for (const requestId of [randomUUID(), 'any text', undefined]) {
    member.send({ ...value, ...(requestId && { requestId }) });
    const text = await member.nextText();
    const { timestamp, requestId: echoed, ...rest } = assertFrame(text);
    if (requestId) assert.equal(echoed, requestId); else assert.match(echoed, uuid);
    assert.ok(timestamp);
    assert.deepEqual(rest, { ...expected, session_id: member.id, user: 'alice' });
    await member.settle();
  }
}

test('SHP-15 ping is answered with pong in the envelope of every reply', async (t) => {
  const member = await join(t, server);
  await expectReply(member, { type: 'ping' }, { type: 'pong', payload: { message: 'pong' } });
  await expectReply(member, { type: 'ping', payload: { any: 1 }, timestamp: 1650000000000 }, { type: 'pong', payload: { message: 'pong' } });
  await expectReply(member, { type: 'ping', user: 'root', session_id: nobody }, { type: 'pong', payload: { message: 'pong' } });
});

test('SHP-16 a contextual update is confirmed to its sender, and then told to all of the session, the sender too', async (t) => {
  const [agent, page] = await pair(t);
  const requestId = randomUUID();
  agent.send({ type: 'contextual_update', text: 'quote_ready', data: quote, requestId });
  const { timestamp, ...reply } = await agent.next();
  assert.ok(timestamp);
  assert.deepEqual(reply, {
    type: 'contextual_update_received', payload: { message: 'Contextual update received', update_type: 'quote_ready', status: 'success' }, requestId, session_id: agent.id, user: 'alice',
  });
  const [own, others] = [await agent.nextText(), await page.nextText()];
  assert.equal(own, others, 'one frame for all');
  assert.equal(JSON.parse(own).type, 'contextual_update');
  assert.deepEqual([await agent.settle(), await page.settle()], [[], []], 'once');
});

test('SHP-20 the broadcast frame is exactly the documented one, and tells the user as well', async (t) => {
  const [agent, page] = await pair(t);
  const requestId = randomUUID();
  agent.send({ type: 'contextual_update', text: 'quote_ready', data: quote, timestamp: 1650000000000, requestId });
  const text = await page.nextText();
  const { timestamp, requestId: told } = assertFrame(text);
  assert.equal(text, JSON.stringify({
    type: 'contextual_update', text: 'quote_ready', data: quote, timestamp, requestId: told, session_id: agent.id, user: 'alice',
  }));
  assert.match(told, uuid);
  assert.match(text, /"cost":12\.99[,}]/);
  assert.match(text, /"timestamp":\d{13},/);
});

test('SHP-20 text and data may also stand under payload', async (t) => {
  const [agent, page] = await pair(t);
  agent.send({ type: 'contextual_update', payload: { text: 'label_created', data: { tracking_number: '1Z' } } });
  assert.equal((await agent.next()).payload.update_type, 'label_created');
  const { text, data, payload } = await page.next();
  assert.deepEqual([text, data, payload], ['label_created', { tracking_number: '1Z' }, undefined]);
});

test('SHP-20 data may be any JSON and arrives unchanged', async (t) => {
  const [agent, page] = await pair(t);
  for (const data of [{}, [], [1, 'two', null], 'text', '', 0, -0.5, 1e21, 0.1, 123456789012345, true, false, null, { a: { b: [{ c: 'ünï 𝄞 \u2028 \u0000 "' }] } }, 'x'.repeat(60000)]) {
    agent.send({ type: 'contextual_update', text: 'any', data });
    assert.deepEqual((await page.next()).data, data);
  }
});

test('SHP-16 navigate is confirmed and told to all', async (t) => {
  const [agent, page] = await pair(t);
  agent.send({ type: 'navigate', payload: { target: '/labels', tab: 2 }, requestId: randomUUID() });
  const reply = await agent.next();
  assert.equal(reply.type, 'navigation_processed');
  assert.equal(reply.session_id, agent.id);
  const [own, others] = [await agent.nextText(), await page.nextText()];
  assert.equal(own, others);
  const told = assertFrame(own);
  assert.equal(told.type, 'navigation_update');
  assert.deepEqual([told.payload.target, told.payload.tab], ['/labels', 2]);
  assert.deepEqual([told.session_id, told.user], [agent.id, 'alice']);
});

test('SHP-16 a notification is confirmed and told to all', async (t) => {
  const [agent, page] = await pair(t);
  const payload = { type: 'success', title: 'Label', message: 'It is printed' };
  agent.send({ type: 'notification', payload });
  assert.equal((await agent.next()).type, 'notification_sent');
  const [own, others] = [await agent.nextText(), await page.nextText()];
  assert.equal(own, others);
  const told = assertFrame(own);
  assert.equal(told.type, 'notification');
  assert.deepEqual(told.payload, payload);
  assert.match(told.requestId, /./);
});

test('SHP-15 what is not known is answered with an error that brings the request back', async (t) => {
  const [agent, page] = await pair(t);
  const request = { type: 'dance', payload: { step: [1, 2] }, requestId: randomUUID(), timestamp: 1 };
  agent.send(request);
  const reply = assertFrame(await agent.nextText());
  assert.equal(reply.type, 'error');
  assert.equal(reply.payload.message, 'Unsupported message type: dance');
  assert.deepEqual(reply.payload.original_request, request);
  assert.equal(reply.requestId, request.requestId);
  assert.deepEqual(await page.settle(), []);
});

test('SHP-15 what the server says itself can\'t be said by a client', async (t) => {
  const [agent, page] = await pair(t);
  for (const type of ['connected', 'pong', 'session.closed', 'session_state_update', 'quote_ready', 'error']) {
    const reply = await agent.ask({ type, payload: {}, text: 'x', data: {} });
    assert.equal(reply.type, 'error', type);
    assert.equal(reply.payload.message, `Unsupported message type: ${type}`);
  }
  assert.deepEqual(await page.settle(), []);
});

test('SHP-15 what is no JSON object is answered with Invalid JSON, and the connection stays', async (t) => {
  const member = await join(t, server);
  for (const [text, isBinary] of [
    ['not json'], [''], ['{'], ['null'], ['[]'], ['7'], ['"ping"'], ["{'type':'ping'}"], ['{"type":"ping"}x'], ['[{"type":"ping"}]'], ['not json', true],
    ['['.repeat(1000)], [`${'{"a":'.repeat(70)}1${'}'.repeat(70)}`],
  ]) {
    member.sendRaw(text, isBinary);
    const reply = assertFrame(await member.nextText());
    assert.equal(reply.type, 'error', text);
    assert.equal(reply.payload.message, 'Invalid JSON', text);
    assert.equal(reply.session_id, member.id);
  }
  assert.equal((await member.ask({ type: 'ping' })).type, 'pong');
});

test('SHP-15 a frame without a type, or with one that is no text, is an error and harms nobody', async (t) => {
  const [agent, page] = await pair(t);
  for (const value of [{}, { type: null }, { type: 7 }, { type: '' }, { type: {} }, { payload: { type: 'ping' } }]) {
    const reply = await agent.ask(value);
    assert.equal(reply.type, 'error', JSON.stringify(value));
    assert.equal(reply.session_id, agent.id);
  }
  for (const value of [
    { type: 'contextual_update' }, { type: 'navigate' }, { type: 'navigate', payload: 'x' }, { type: 'notification' }, { type: 'set_session_state' }, { type: 'offer', tools: 'all' },
    { type: 'set_session_state', payload: { key: 5, value: 1 } }, { type: 'client_tool_call', payload: [] }, { type: 'client_tool_call', client_tool_call: 'x' },
  ]) {
    agent.send(value);
    await agent.settle();
  }
  await page.settle();
  server.assertUnharmed();
});

test('SHP-15 a binary frame with JSON is read as its text', async (t) => {
  const member = await join(t, server);
  member.sendRaw('{"type":"ping","requestId":"b"}', true);
  const { text, isBinary } = await member.inbox.next('pong', 3000);
  assert.equal(JSON.parse(text).requestId, 'b');
  assert.equal(isBinary, false);
});

test('SHP-15 every frame to a client of a session says which session, whatever it is about', async (t) => {
  const [agent, page] = await pair(t);
  const types = new Set();
  for (const value of [
    { type: 'ping' }, { type: 'contextual_update', text: 'x', data: {} }, { type: 'navigate', payload: { target: '/' } }, { type: 'notification', payload: { type: 'a', title: 'b', message: 'c' } },
    { type: 'get_session_state' }, { type: 'set_session_state', payload: { key: 'k', value: 1 } }, { type: 'offer', queries: false, tools: ['create_label'] }, { type: 'nothing' },
    { type: 'client_tool_call', client_tool_call: { tool_name: 'nobody', tool_call_id: '1', parameters: {} } }, { type: 'get_rates', payload: { origin_zip: '1', destination_zip: '2', weight: 3 } },
  ]) {
    agent.send(value);
    for (const frame of await agent.settle()) { types.add(frame.type); assert.equal(frame.session_id, agent.id, JSON.stringify(frame)); }
  }
  page.send({ type: 'client_tool_call', client_tool_call: { tool_name: 'create_label', tool_call_id: '2', parameters: {} } });
  const call = await agent.nextOf('client_tool_call');
  assert.equal(call.session_id, agent.id);
  agent.send({ type: 'client_tool_result', tool_call_id: call.tool_call_id, result: {}, is_error: false });
  await page.nextOf('client_tool_result');
  await postEvent(server, agent.id, { type: 'of_rest', data: 1 });
  for (const frame of [...await page.settle(), ...await agent.settle()]) { types.add(frame.type); assert.equal(frame.session_id, agent.id, JSON.stringify(frame)); }
  assert.ok(types.size >= 12, [...types].join());
});

test('SHP-03 SHP-16 replies come in the order of the requests, and everybody hears the updates in one order', async (t) => {
  const [agent, page] = await pair(t);
  const rounds = 100;
  for (let n = 0; n < rounds; n += 1) {
    agent.send({ type: 'contextual_update', text: `a${n}`, data: n, requestId: `a${n}` });
    page.send({ type: 'contextual_update', text: `p${n}`, data: n, requestId: `p${n}` });
  }
  const heard = async (member) => {
    const all = [];
    while (all.filter(({ type }) => type === 'contextual_update').length < 2 * rounds) all.push(await member.next());
    return all;
  };
  const [first, second] = [await heard(agent), await heard(page)];
  const updates = (all) => all.filter(({ type }) => type === 'contextual_update').map(({ text }) => text);
  assert.deepEqual(updates(first), updates(second));
  assert.deepEqual(updates(first).filter((text) => text.startsWith('a')), Array.from({ length: rounds }, (_, n) => `a${n}`));
  for (const [all, letter] of [[first, 'a'], [second, 'p']]) {
    const replies = all.filter(({ type }) => type === 'contextual_update_received');
    assert.deepEqual(replies.map(({ requestId }) => requestId), Array.from({ length: rounds }, (_, n) => `${letter}${n}`));
    for (const { requestId } of replies) {
      const [reply, update] = [all.findIndex((frame) => frame.type === 'contextual_update_received' && frame.requestId === requestId), all.findIndex((frame) => frame.text === requestId)];
      assert.ok(reply < update, `${requestId}: the reply comes before the update`);
    }
  }
});

test('SHP-17 POST /sessions/{id}/broadcast sends one message to the whole session', async (t) => {
  const [agent, page] = await pair(t);
  const answer = await server.post(`/sessions/${agent.id}/broadcast`, { type: 'contextual_update', text: 'quote_ready', data: quote }, await as(server));
  assert.deepEqual([answer.status, answer.json], [200, { status: 'sent', session_id: agent.id, connections: 2 }]);
  const [own, others] = [await agent.nextText(), await page.nextText()];
  assert.equal(own, others);
  const told = assertFrame(own);
  assert.deepEqual([told.type, told.text, told.data, told.session_id, told.user], ['contextual_update', 'quote_ready', quote, agent.id, 'alice']);
  assert.match(told.requestId, uuid);
  const other = await server.post(`/sessions/${agent.id}/broadcast`, { type: 'maintenance', payload: { at: 5 } }, await as(server, 'root', 'admin'));
  assert.equal(other.status, 200);
  const { type, payload, session_id: session } = await page.next();
  assert.deepEqual([type, payload, session], ['maintenance', { at: 5 }, agent.id]);
});

test('SHP-17 a broadcast to an unknown or a foreign session is 404, and to nobody it is sent to none', async (t) => {
  const agent = await join(t, server);
  const message = { type: 'x', payload: {} };
  assert.deepEqual((({ status, json }) => [status, json.detail])(await server.post(`/sessions/${nobody}/broadcast`, message, await as(server))), [404, `Session not found: ${nobody}`]);
  const foreign = await server.post(`/sessions/${agent.id}/broadcast`, message, await as(server, 'bob'));
  assert.deepEqual([foreign.status, foreign.json.detail], [404, `Session not found: ${agent.id}`]);
  assert.deepEqual(await agent.settle(), []);
  await agent.close(1000);
  const answer = await server.post(`/sessions/${agent.id}/broadcast`, message, await as(server));
  assert.deepEqual([answer.status, answer.json], [200, { status: 'sent', session_id: agent.id, connections: 0 }]);
  for (const [bad, status] of [['not json', 400], ['[]', 400], ['{}', 422], ['{"type":7}', 422], ['{"type":"session.closed"}', 422]]) {
    const refused = await server.post(`/sessions/${agent.id}/broadcast`, bad, await as(server));
    assert.equal(refused.status, status, bad);
    assert.equal(typeof refused.json.detail, 'string');
  }
});

test('SHP-03 what others write into the session over REST comes as a frame of its type', async (t) => {
  const [agent, page] = await pair(t);
  await postEvent(server, agent.id, { type: 'progress', data: { percent: 40 } });
  await postEvent(server, agent.id, { type: 'contextual_update', data: { text: 'quote_ready', data: quote } });
  for (const member of [agent, page]) {
    const one = assertFrame(await member.nextText());
    assert.deepEqual([one.type, one.payload, one.session_id], ['progress', { percent: 40 }, agent.id]);
    assert.match(one.requestId, /./);
    const two = assertFrame(await member.nextText());
    assert.deepEqual([two.type, two.text, two.data, two.payload], ['contextual_update', 'quote_ready', quote, undefined]);
  }
});
