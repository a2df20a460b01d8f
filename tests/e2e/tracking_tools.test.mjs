// Contract 2, tools: calls that an HTTP service or another member of the session answers, and what goes wrong.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sleep, start } from './harness.mjs';
import { as, assertFrame, join, toolService } from './tracking_stage.mjs';

const quotes = [
  { carrier: 'UPS', service: '2nd Day Air', price: 24.5, eta: '2 days' },
  { carrier: 'FedEx', service: 'Ground', price: 12.99, eta: '3 days' },
  { carrier: 'USPS', service: 'Priority', price: 15.25, eta: '2 days' },
];
const label = { tracking_number: '1Z999', label_url: 'http://127.0.0.1/label.pdf', qr_code: 'data:', carrier: 'UPS', estimated_delivery: '3 days' };
const parameters = { from_zip: '90210', to_zip: '10001', weight: 2.5 };

let server;
let service;
let dying;
let answer = () => quotes;
const last = [];
before(async () => {
  const t = { after: (end) => last.push(end) };
  service = await toolService(t, (call, response) => answer(call, response));
  dying = await toolService(t, () => quotes);
  const tools = ['get_shipping_quotes', 'create_label', 'other'].map((name) => `[tools.${name}]\nurl = "${service.url}"\n`).join('');
  server = await start({ config: `[limits]\nmessages_per_s = 0\n${tools}[tools.named]\nurl = "${service.url}"\nupdate = "named_ready"\n[tools.dying]\nurl = "${dying.url}"\n` });
});
after(() => Promise.all([server?.stop(), ...last.map((end) => end())]));

async function pair(t) {
  const agent = await join(t, server);
  return [agent, await join(t, server, { session: agent.id })];
}

const call = (tool_name, values = parameters, tool_call_id = randomUUID()) => ({ type: 'client_tool_call', client_tool_call: { tool_name, tool_call_id, parameters: values } });
const settled = async (member) => (await member.settle()).map(({ type, text }) => text ?? type);

test('SHP-16 the caller gets the result first and then the updates; the others get the updates', async (t) => {
  answer = () => quotes;
  const [agent, page] = await pair(t);
  const request = { ...call('get_shipping_quotes'), requestId: randomUUID() };
  agent.send(request);
  const { timestamp, ...result } = assertFrame(await agent.nextText());
  assert.ok(timestamp);
  assert.deepEqual(result, {
    type: 'client_tool_result', tool_call_id: request.client_tool_call.tool_call_id, tool_name: 'get_shipping_quotes', client_tool_call: { tool_name: 'get_shipping_quotes' },
    result: quotes, is_error: false, requestId: request.requestId, user: 'alice', session_id: agent.id,
  });
  for (const read of [() => agent.nextText(), () => page.nextText()]) {
    const [ready, done] = [assertFrame(await read()), assertFrame(await read())];
    assert.deepEqual([ready.type, ready.text], ['contextual_update', 'quote_ready']);
    assert.deepEqual([done.type, done.text], ['contextual_update', 'get_shipping_quotes_result']);
    assert.deepEqual([done.data.tool_name, done.data.is_error, typeof done.data.message], ['get_shipping_quotes', false, 'string']);
    for (const frame of [ready, done]) assert.deepEqual([frame.session_id, frame.user], [agent.id, 'alice']);
  }
  assert.deepEqual([await settled(agent), await settled(page)], [[], []]);
});

test('SHP-20 quote_ready tells the cheapest option with cost and price, and all options', async (t) => {
  const [agent, page] = await pair(t);
  const cost = quotes.map(({ price, ...rest }) => ({ ...rest, cost: price }));
  const cheapest = { carrier: 'FedEx', service: 'Ground', cost: 12.99, price: 12.99, eta: '3 days' };
  for (const [given, expected] of [[quotes, { ...cheapest, all_options: quotes }], [cost, { ...cheapest, all_options: cost }], [quotes[1], cheapest], [cost[1], cheapest]]) {
    answer = () => given;
    agent.send(call('get_shipping_quotes'));
    assert.deepEqual((await agent.nextOf('client_tool_result')).result, given, 'the result stays as it is');
    assert.deepEqual((await page.next()).data, expected);
    await page.next();
  }
  for (const odd of [[], [{ carrier: 'no price' }], ['text'], 'text', 7, null]) {
    answer = () => odd;
    agent.send(call('get_shipping_quotes'));
    const { result, is_error: failed } = await agent.nextOf('client_tool_result');
    assert.deepEqual([result, failed], [odd, false]);
    while ((await page.nextOf('contextual_update')).text !== 'get_shipping_quotes_result') continue;
  }
});

test('SHP-16 create_label is told as label_created, another tool under the name of its configuration or none', async (t) => {
  const [agent, page] = await pair(t);
  answer = () => label;
  agent.send(call('create_label', { carrier: 'UPS' }));
  assert.deepEqual((await agent.nextOf('client_tool_result')).result, label);
  const created = await page.next();
  assert.deepEqual([created.text, created.data], ['label_created', label]);
  assert.equal((await page.next()).text, 'create_label_result');
  for (const [name, told] of [['named', ['named_ready', 'named_result']], ['other', ['other_result']]]) {
    agent.send(call(name));
    await agent.nextOf('client_tool_result');
    for (const text of told) assert.equal((await page.next()).text, text);
  }
});

test('SHP-16 the three spellings of a call are one call', async (t) => {
  answer = () => label;
  const member = await join(t, server);
  const fields = () => ({ tool_name: 'other', tool_call_id: randomUUID(), parameters });
  for (const spell of [(it) => ({ client_tool_call: it }), (it) => ({ payload: it }), (it) => it, (it) => ({ client_tool_call: { ...it, metadata: { session_id: member.id } } })]) {
    const it = fields();
    member.send({ type: 'client_tool_call', ...spell(it) });
    const result = await member.nextOf('client_tool_result');
    assert.deepEqual([result.tool_call_id, result.tool_name, result.result, result.is_error], [it.tool_call_id, 'other', label, false]);
    const { tool_name: name, tool_call_id: id, parameters: given, session_id: session } = service.calls.at(-1);
    assert.deepEqual([name, id, given, session], ['other', it.tool_call_id, parameters, member.id]);
  }
});

test('SHP-16 an endpoint gets one POST of JSON', async (t) => {
  answer = () => label;
  const member = await join(t, server);
  const before_count = service.calls.length;
  await member.ask(call('other'));
  assert.equal(service.calls.length, before_count + 1);
  const { method, url, headers } = service.requests.at(-1);
  assert.deepEqual([method, url], ['POST', '/tool']);
  assert.match(headers['content-type'], /^application\/json/);
});

/** Calls and gives {result, updates}: what the caller got, and what another member was told. */
async function failedCall(t, value) {
  const [agent, page] = await pair(t);
  const result = await agent.ask(value, 15000);
  assert.equal(result.type, 'client_tool_result');
  assert.equal(result.is_error, true);
  assert.deepEqual(result.result.original_request, value);
  const told = [];
  if (result.tool_name) told.push(await page.next());
  told.push(...await page.settle());
  assert.ok(told.every((frame) => frame.data?.is_error === true), JSON.stringify(told));
  return { error: result.result.error, told: told.map(({ text }) => text) };
}

test('SHP-16 a tool that nobody offers and no endpoint answers is an error of the result, and no success is told', async (t) => {
  const value = call('levitate');
  const { error, told } = await failedCall(t, value);
  assert.equal(error, 'Unsupported tool: levitate');
  assert.ok(!told.includes('quote_ready'));
});

test('SHP-16 a call without a tool name says which parameter is missing', async (t) => {
  for (const value of [{ type: 'client_tool_call', client_tool_call: { tool_call_id: '1', parameters } }, { type: 'client_tool_call', payload: { tool_name: '', tool_call_id: '1' } }, { type: 'client_tool_call' }]) {
    assert.equal((await failedCall(t, value)).error, 'Missing required parameter: tool_name');
  }
});

test('SHP-16 an endpoint or a member that is silent for 10 seconds is a timeout, in the documented words', async (t) => {
  answer = () => undefined;
  const began = Date.now();
  const [agent, silent] = await pair(t);
  await silent.ask({ type: 'offer', queries: false, tools: ['dance'] });
  agent.send(call('dance'));
  const failures = await Promise.all([failedCall(t, call('get_shipping_quotes', { ...parameters, to_zip: '99999' })), failedCall(t, call('create_label'))]);
  assert.deepEqual(failures.map(({ error }) => error), ['timeout calling rates endpoint', 'timeout calling create_label endpoint']);
  assert.equal((await agent.next()).result.error, 'timeout calling dance endpoint');
  assert.ok(Date.now() - began >= 9500 && Date.now() - began < 14000, `${Date.now() - began} ms`);
  for (const { told } of failures) assert.ok(!told.includes('quote_ready') && !told.includes('label_created'));
});

test('SHP-16 an endpoint\'s own error becomes the result\'s', async (t) => {
  answer = (_, response) => { response.writeHead(422, { 'Content-Type': 'application/json' }).end('{"error":"weight must be positive"}'); };
  assert.equal((await failedCall(t, call('get_shipping_quotes'))).error, 'weight must be positive');
});

test('SHP-16 an endpoint that answers nonsense is an error, never a result', async (t) => {
  const wrong = [
    (_, response) => { response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>hello'); },
    (_, response) => { response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"half":'); },
    (_, response) => { response.writeHead(500).end(); },
    (_, response) => { response.writeHead(302, { Location: '/elsewhere' }).end(); },
    (_, response) => { response.socket.destroy(); },
    (_, response) => { response.writeHead(200, { 'Content-Length': 100 }); response.write('{"a":'); setTimeout(() => response.socket?.destroy(), 50); },
    (_, response) => { response.writeHead(200, { 'Content-Type': 'application/json' }).end(`"${'x'.repeat(1_100_000)}"`); },
  ];
  for (const [n, reply] of wrong.entries()) {
    answer = reply;
    const { error } = await failedCall(t, call('get_shipping_quotes'));
    assert.ok(typeof error === 'string' && error.length > 0, `answer ${n}`);
    assert.doesNotMatch(error, /^timeout/, `answer ${n}`);
  }
});

test('SHP-16 an endpoint that is gone is an error at once, and the server lives on', async (t) => {
  const member = await join(t, server);
  assert.equal((await member.ask(call('dying'))).is_error, false);
  await dying.end();
  const began = Date.now();
  const { error } = await failedCall(t, call('dying'));
  assert.ok(error.length > 0 && Date.now() - began < 3000, error);
});

test('SHP-16 many calls at once are each answered with their own result', async (t) => {
  answer = (it, response) => { setTimeout(() => response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ n: it.parameters.n })), Math.random() * 50); };
  const member = await join(t, server);
  for (let n = 0; n < 50; n += 1) member.send(call('other', { n }, `call${n}`));
  for (let n = 0; n < 50; n += 1) {
    const { tool_call_id: id, result } = await member.nextOf('client_tool_result', 8000);
    assert.equal(`call${result.n}`, id);
  }
});

test('SHP-16 a caller that leaves before the answer takes nobody with it, and the others are told', async (t) => {
  let release;
  answer = (_, response) => { release = () => response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(quotes)); };
  const headers = await as(server);
  const [agent, page] = await pair(t);
  agent.send(call('get_shipping_quotes'));
  while (!release) await sleep(10);
  await agent.vanish();
  release();
  assert.equal((await page.next()).text, 'quote_ready');
  assert.equal((await page.next()).text, 'get_shipping_quotes_result');
  const { events } = (await server.get(`/api/v1/sessions/${agent.id}/events`, headers)).json;
  assert.deepEqual(events.find(({ type }) => type === 'session.result').data, { result: quotes, is_error: false }, 'and the log has it');
  server.assertUnharmed();
});

const calledBack = (frame) => ({ type: 'client_tool_result', tool_call_id: frame.tool_call_id });

test('SHP-16 a member that offers a tool is called before the endpoint is, and its answer is the result', async (t) => {
  answer = () => assert.fail('the endpoint is not called');
  const [agent, page] = await pair(t);
  const offered = await page.ask({ type: 'offer', queries: false, tools: ['get_shipping_quotes', 'dance'] });
  assert.deepEqual([offered.type, offered.payload], ['offered', { tools: ['get_shipping_quotes', 'dance'], queries: false }]);
  const request = call('get_shipping_quotes');
  agent.send(request);
  const asked = assertFrame(await page.nextText());
  assert.deepEqual([asked.type, asked.tool_name, asked.parameters, asked.client_tool_call, asked.session_id],
    ['client_tool_call', 'get_shipping_quotes', parameters, { tool_name: 'get_shipping_quotes', tool_call_id: asked.tool_call_id, parameters }, agent.id]);
  page.send({ ...calledBack(asked), result: quotes, is_error: false });
  const result = await agent.next();
  assert.deepEqual([result.type, result.tool_call_id, result.result, result.is_error], ['client_tool_result', request.client_tool_call.tool_call_id, quotes, false]);
  for (const member of [agent, page]) assert.deepEqual([(await member.next()).text, (await member.next()).text], ['quote_ready', 'get_shipping_quotes_result']);
  assert.deepEqual([await settled(agent), await settled(page)], [[], []]);
});

test('SHP-16 a member\'s refusal is an error of the result, and an update of its choice names its success', async (t) => {
  const [agent, page] = await pair(t);
  await page.ask({ type: 'offer', queries: false, tools: ['dance'] });
  for (const [said, error] of [[{ is_error: true, result: { error: 'no music' } }, 'no music'], [{ error: 'no floor' }, 'no floor']]) {
    agent.send(call('dance'));
    page.send({ ...calledBack(await page.nextOf('client_tool_call')), ...said });
    const result = await agent.nextOf('client_tool_result');
    assert.deepEqual([result.is_error, result.result.error], [true, error]);
    assert.equal((await page.next()).text, 'dance_result');
  }
  agent.send(call('dance'));
  page.send({ ...calledBack(await page.nextOf('client_tool_call')), result: { steps: 3 }, update: 'danced' });
  await agent.nextOf('client_tool_result');
  assert.deepEqual([(await page.next()).text, (await page.next()).text], ['danced', 'dance_result']);
});

test('SHP-16 SHP-04 an offer counts in its own session only, not for its own calls, and ends with its connection', async (t) => {
  const [agent, page] = await pair(t);
  const stranger = await join(t, server);
  await page.ask({ type: 'offer', queries: false, tools: ['dance'] });
  for (const other of [stranger, page]) assert.equal((await other.ask(call('dance'))).result.error, 'Unsupported tool: dance');
  agent.send(call('dance'));
  await page.nextOf('client_tool_call');
  const began = Date.now();
  await page.vanish();
  const result = await agent.nextOf('client_tool_result', 12000);
  assert.equal(result.is_error, true);
  assert.ok(Date.now() - began < 5000, 'it is not waited for who is gone');
  agent.send(call('dance'));
  assert.equal((await agent.nextOf('client_tool_result')).result.error, 'Unsupported tool: dance');
});

test('SHP-16 an answer to no call, to another\'s call or a second answer is not a result', async (t) => {
  const [agent, page] = await pair(t);
  const third = await join(t, server, { session: agent.id });
  await page.ask({ type: 'offer', queries: false, tools: ['dance'] });
  agent.send(call('dance'));
  const asked = await page.nextOf('client_tool_call');
  third.send({ ...calledBack(asked), result: 'forged' });
  await third.settle();
  page.send({ ...calledBack(asked), result: 'first' });
  page.send({ ...calledBack(asked), result: 'second' });
  page.send({ ...calledBack({ tool_call_id: 'unknown' }), result: 'third' });
  await page.settle();
  assert.deepEqual([(await agent.next()).result, (await settled(agent)).filter((name) => name === 'client_tool_result')], ['first', []]);
});

const wants = { origin_zip: '90210', destination_zip: '10001', weight: 2.5 };

test('SHP-16 get_rates is answered with the cheapest, the fastest and all options, and told to the others when asked', async (t) => {
  answer = () => quotes;
  const [agent, page] = await pair(t);
  const { payload, type } = await agent.ask({ type: 'get_rates', payload: wants });
  assert.equal(type, 'quote_ready');
  assert.deepEqual([payload.cheapest_option.service, payload.fastest_option.eta, payload.all_options.length], ['Ground', '2 days', 3]);
  assert.deepEqual(await settled(page), []);
  agent.send({ type: 'get_rates', payload: wants, broadcast: true });
  await agent.nextOf('quote_ready');
  assert.deepEqual((await page.nextOf('quote_ready')).payload, payload);
});
