// The shipping example as a newcomer runs it: one command with a real browser; and its parts, against the real server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import WebSocket from 'ws';
import { Tab, openBrowser } from '../../examples/shipping/person.mjs';
import { Seat } from '../../examples/shipping/page/session.js';
import { quotesFor } from '../../examples/shipping/rates.mjs';
import { configurationFor, openDesk } from '../../examples/shipping/shipping.mjs';
import { isTrackingNumber } from '../../examples/shipping/tracking.mjs';
import { zoneBetween } from '../../examples/shipping/zones.mjs';
import { findChromium } from './chromium.mjs';
import { eventually, projectRoot, request, run, sleep, start } from './harness.mjs';
import { form, join, uuid } from './tracking_stage.mjs';

const folder = path.join(projectRoot, 'examples/shipping');
const skip = !findChromium() && 'Chromium is not installed';
const parcel = { from_zip: '94105', to_zip: '10118', weight: 5.5 };
const address = {
  shipper_name: 'Harbour Lamps', shipper_street: '1 Ferry Building', shipper_city: 'San Francisco', shipper_state: 'CA', shipper_zip: '94105',
  recipient_name: 'Ida <b>Lindgren</b>', recipient_street: '350 5th Ave', recipient_city: 'New York', recipient_state: 'NY', recipient_zip: '10118', weight: 5.5,
};

/** A desk, and a server that knows its tools; `token` is the demo account's. */
async function openShop(t) {
  const desk = await openDesk();
  t.after(() => desk.close());
  const server = await start({ config: configurationFor(desk.address) });
  t.after(() => server.stop());
  desk.server = server.url;
  const { json } = await form(server, '/token', 'username=user&password=password');
  return { desk, server, token: json.access_token };
}

const post = (desk, target, value, headers = {}) => request(desk.address, target, {
  method: 'POST', body: JSON.stringify(value), headers: { 'Content-Type': 'application/json', ...headers },
});

const callOf = (tool_name, parameters, tool_call_id = 'call_1') => ({ type: 'client_tool_call', requestId: tool_call_id, client_tool_call: { tool_name, tool_call_id, parameters } });

/** Reads frames until one of that text comes, and gives all of them. */
async function until(member, text) {
  const frames = [];
  do frames.push(await member.next(5000)); while (frames.at(-1).text !== text);
  return frames;
}

/** Runs `use` with a throw-away TMPDIR and requires that it ends as empty as it began. */
async function withTemporary(use) {
  const temporary = await mkdtemp(path.join(os.tmpdir(), 'sojourn-shop-'));
  const pictures = await mkdtemp(path.join(os.tmpdir(), 'sojourn-shop-'));
  try {
    // The account that the browser runs under has to pass through.
    await chmod(temporary, 0o755);
    await use({ TMPDIR: temporary }, pictures);
    assert.deepEqual(await readdir(temporary), [], 'no temporary file is left');
  } finally {
    await rm(temporary, { recursive: true, force: true });
    await rm(pictures, { recursive: true, force: true });
  }
}

const gone = (said) => {
  const pids = [...said.matchAll(/\(pid (\d+)/g)].map((match) => Number(match[1]));
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  return pids.length;
};

test('SHP-03 SHP-19 SHP-26 the agent opens a session, a browser joins by its link, and a choice made on the page becomes a label', { skip }, async () => {
  await withTemporary(async (env, pictures) => {
    const { code, stdout, stderr } = await run(path.join(folder, 'start'), ['--headless', '--pictures', pictures], { env, ms_max: 90000 });
    assert.equal(code, 0, stdout + stderr);
    const [, session] = /The agent has opened a session {2}(\S+)/.exec(stdout);
    assert.match(session, uuid);
    const [, linked, claims] = /Join: http:\/\/127\.0\.0\.1:\d+\/\?session_id=(\S+)#token=[\w-]+\.([\w-]+)\./.exec(stdout);
    const { sid, exp } = JSON.parse(Buffer.from(claims, 'base64url'));
    assert.deepEqual([linked, sid], [session, session], 'the link is for this session alone');
    assert.ok(exp > Date.now() / 1000 && exp <= Date.now() / 1000 + 3600, 'and ends');
    assert.match(stdout, new RegExp(`The page has joined {2}${session}`));
    assert.match(stdout, /The page shows 9 offers {2}the first is USPS Ground Advantage for \$12\.68/);
    const [, clicked] = /The person clicks {2}(.+)/.exec(stdout);
    const [, heard] = /The person has chosen {2}(.+) for \$82\.46/.exec(stdout);
    assert.deepEqual([clicked, heard], ['UPS Next Day Air', 'UPS Next Day Air']);
    const [, made] = /= UPS (\S+), arrives/.exec(stdout);
    assert.ok(isTrackingNumber('UPS', made), made);
    assert.match(stdout, new RegExp(`The page shows the label {2}UPS ${made}`));
    assert.match(stdout, new RegExp(`The label itself {2}Label ${made}`));
    const names = (await readdir(pictures)).sort();
    assert.deepEqual(names, ['1-offers-dark.png', '1-offers-phone.png', '1-offers.png', '2-label-dark.png', '2-label-phone.png', '2-label.png', '3-paper.png']);
    for (const name of names) assert.equal((await readFile(path.join(pictures, name))).subarray(1, 4).toString(), 'PNG');
    assert.equal(gone(stdout), 3, 'server, agent and browser');
  });
});

test('SHP-26 without --headless the example serves its link until it is interrupted, and then ends all it started', async () => {
  await withTemporary(async (env) => {
    const child = spawn(path.join(folder, 'start'), [], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { said += text; });
    const ended = new Promise((resolve) => { child.once('exit', (code, signal) => resolve(signal ?? code)); });
    try {
      await eventually(() => said.includes('Ctrl-C ends everything'), 'the link is there', 20000);
      const [, link] = /Join: (\S+)/.exec(said);
      const page = await request(new URL(link).origin, '/');
      assert.equal(page.status, 200);
      assert.match(page.headers['content-security-policy'], /connect-src 'self' http:\/\/127\.0\.0\.1:\d+ ws:\/\/127\.0\.0\.1:\d+;/);
      child.kill('SIGINT');
      assert.equal(await ended, 0, said);
      assert.equal(gone(said), 2, 'server and agent');
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  });
});

const statusIs = (word) => `document.getElementById('status').dataset.word === '${word}'`;
const textOf = (id) => `document.getElementById('${id}').textContent`;

test('SHP-02 SHP-26 a page that is reloaded is back in its session, and says what to do when its link is no longer good', { skip }, async (t) => {
  const { desk, server, token } = await openShop(t);
  const agent = await join(t, server, { token });
  agent.send({ type: 'set_session_state', payload: { key: 'shipping_quotes', value: quotesFor(parcel) } });
  const minted = await server.post(`/api/v1/sessions/${agent.id}/tokens`, { scope: 'write' }, { Authorization: `Bearer ${token}` });
  const browser = await openBrowser();
  t.after(() => browser.close());
  const tab = await Tab.open(browser.cdp, `${desk.address}/?session_id=${agent.id}#token=${minted.json.token}`);
  await tab.until(statusIs('live'), 'that it is live');
  assert.equal(await tab.until(`document.querySelectorAll('#offers button').length`, 'the quotes of before it came'), 9);
  assert.equal(await tab.read('location.href'), `${desk.address}/?session_id=${agent.id}`, 'the token does not stay in the address');
  assert.equal(await tab.read(`localStorage.getItem('shipanion_session_id')`), agent.id);
  await tab.click(`document.querySelectorAll('#offers button')[1]`);
  const { payload } = await agent.nextOf('session_state_update', 5000).then((frame) => (frame.payload.set.shipping_quotes ? agent.nextOf('session_state_update', 5000) : frame));
  assert.deepEqual(payload.set, { selected_shipping_option: { carrier: 'UPS', service: 'Ground', cost: 15.93 } });
  await tab.send('Page.navigate', { url: desk.address });
  await tab.until(`document.querySelector('#offers [aria-pressed="true"]')?.textContent.includes('UPS Ground')`, 'the choice of before');
  assert.equal(await tab.read(textOf('session-id')), agent.id);
  await tab.until(statusIs('live'), 'that it is live again');
  await tab.click(`document.getElementById('new-session')`);
  assert.match(await tab.until(`!document.getElementById('sign-in').hidden && ${textOf('sign-in-why')}`, 'where to sign in'), /opens one session only/);
  await tab.read(`document.getElementById('user').value = 'user'; document.getElementById('password').value = 'password'`);
  await tab.click(`document.querySelector('#sign-in .primary')`);
  const own = await tab.until(`${statusIs('live')} && ${textOf('session-id')} !== '${agent.id}' && ${textOf('session-id')}`, 'a session of its own');
  assert.match(own, uuid);
  assert.equal(await tab.until(`document.querySelectorAll('#offers button').length === 0 && !document.getElementById('bring').hidden && ${textOf('bring-command')}`, 'how to bring the agent'),
    `examples/shipping/agent.mjs --server ${server.url} --page ${desk.address} --session-id ${own}`);
  await tab.send('Page.navigate', { url: `${desk.address}/?session_id=${agent.id}&again#token=no.good.token` });
  assert.match(await tab.until(`!document.getElementById('sign-in').hidden && ${textOf('sign-in-why')}`, 'that the link is no longer good'), /no longer good.*Ask the agent for a fresh one, or sign in/);
  assert.ok(await tab.read(statusIs('ended')));
});

test('SHP-01 SHP-16 SHP-20 quotes of the carriers reach every client of the session, the caller after its result, and nobody else', async (t) => {
  const { server, token } = await openShop(t);
  const agent = await join(t, server, { token });
  const page = await join(t, server, { token, session: agent.id });
  const stranger = await join(t, server, { token });
  assert.equal(page.id, agent.id);
  assert.notEqual(stranger.id, agent.id);
  agent.send(callOf('get_shipping_quotes', parcel));
  const frames = await until(agent, 'get_shipping_quotes_result');
  assert.deepEqual(frames.map(({ type, text }) => text ?? type), ['client_tool_result', 'quote_ready', 'get_shipping_quotes_result']);
  assert.equal(frames[0].is_error, false);
  assert.deepEqual(frames[0].result, quotesFor(parcel));
  const [update] = await until(page, 'quote_ready');
  const { carrier, service, price, eta } = frames[0].result[0];
  assert.deepEqual(update.data, { carrier, service, price, eta, cost: price, all_options: frames[0].result });
  assert.equal(update.session_id, agent.id);
  assert.deepEqual(await stranger.settle(), []);
});

test('SHP-18 the option chosen on the page stands in the state, for the agent and for whoever joins later', async (t) => {
  const { server, token } = await openShop(t);
  const agent = await join(t, server, { token });
  const page = await join(t, server, { token, session: agent.id });
  const value = { carrier: 'FedEx', service: 'Ground', cost: 12.99 };
  page.send({ type: 'set_session_state', payload: { key: 'selected_shipping_option', value } });
  assert.deepEqual((await agent.nextOf('session_state_update')).payload.set, { selected_shipping_option: value });
  await Promise.all([agent.vanish(), page.vanish()]);
  const later = await join(t, server, { token, session: agent.id });
  assert.equal(later.hello.session_resumed, true);
  later.send({ type: 'get_session_state', payload: {} });
  assert.deepEqual((await later.nextOf('session_state')).state.selected_shipping_option, value);
});

test('SHP-16 a label is made for the session, its page shows what was asked for, and text stays text there', async (t) => {
  const { desk, server, token } = await openShop(t);
  const agent = await join(t, server, { token });
  const { result, is_error } = await agent.ask(callOf('create_label', { ...address, carrier: 'usps', service_type: 'priority_mail' }), 5000);
  assert.equal(is_error, false, JSON.stringify(result));
  assert.deepEqual(Object.keys(result), ['tracking_number', 'label_url', 'qr_code', 'carrier', 'estimated_delivery']);
  assert.equal(result.carrier, 'USPS');
  assert.ok(isTrackingNumber('USPS', result.tracking_number), result.tracking_number);
  assert.match(result.estimated_delivery, /^\d{4}-\d\d-\d\d$/);
  const frames = await until(agent, 'create_label_result');
  assert.deepEqual(frames[0].data, result, 'label_created carries the label');
  const page = await request(desk.address, new URL(result.label_url).pathname);
  assert.match(page.text, new RegExp(`<title>Label ${result.tracking_number}</title>`));
  assert.match(page.text, /Ida &#60;b&#62;Lindgren/);
  assert.doesNotMatch(page.text, /<b>Lindgren/);
  const code = await request(desk.address, new URL(result.qr_code).pathname);
  assert.equal(code.headers['content-type'], 'image/svg+xml');
  assert.equal((await request(desk.address, '/labels/00000000-0000-4000-8000-000000000000')).status, 404);
});

test('SHP-16 a tool call without a needed parameter fails with the words of the desk, and with the request', async (t) => {
  const { server, token } = await openShop(t);
  const agent = await join(t, server, { token });
  const { is_error, result } = await agent.ask(callOf('get_shipping_quotes', { to_zip: '10118', weight: 1 }), 5000);
  assert.equal(is_error, true);
  assert.equal(result.error, 'Missing required parameter: from_zip');
  assert.ok('original_request' in result);
  const frames = await until(agent, 'get_shipping_quotes_result');
  assert.deepEqual(frames.map(({ text }) => text), ['get_shipping_quotes_result'], 'no quote_ready');
  assert.equal(frames[0].data.is_error, true);
});

test('SHP-16 the ZIP code 99999 shows what a timeout looks like to the agent', async (t) => {
  const { desk, server } = await openShop(t);
  const began = Date.now();
  const { code, stdout } = await run('node', [path.join(folder, 'agent.mjs'), '--server', server.url, '--page', desk.address, '--go', '--to-zip', '99999']);
  assert.equal(code, 1, stdout);
  assert.match(stdout, /That did not work {2}get_shipping_quotes: timeout calling rates endpoint/);
  assert.ok(Date.now() - began > 9000, 'the server waits 10 s');
});

test('SHP-02 a seat whose connection is cut says so and is back in its session after 3 s', async (t) => {
  const { server, token } = await openShop(t);
  const pipes = new Set();
  const between = net.createServer((near) => {
    const far = net.connect(server.port, '127.0.0.1');
    for (const [one, other] of [[near, far], [far, near]]) {
      pipes.add(one.on('error', () => {}).on('close', () => other.destroy()));
      one.pipe(other);
    }
  });
  await new Promise((resolve) => { between.listen(0, '127.0.0.1', resolve); });
  const said = [];
  // The door takes the Host of its own address only, so the way in between is taken below HTTP.
  class Bent extends WebSocket {
    constructor(url) {
      super(url, { createConnection: () => net.connect(between.address().port, '127.0.0.1') });
    }
  }
  const seat = new Seat({ server: server.url, token, session: '', onStatus: (status) => said.push({ ...status, at: Date.now() }), Socket: Bent, makeId: randomUUID });
  t.after(() => { seat.leave(); for (const pipe of pipes) pipe.destroy(); between.close(); });
  const live = (count) => eventually(() => said.filter(({ word }) => word === 'live').length === count, `live ${count} times: ${JSON.stringify(said)}`, 8000);
  await live(1);
  const { session } = seat;
  for (const pipe of pipes) pipe.destroy();
  await live(2);
  assert.deepEqual(said.map(({ word }) => word), ['connecting', 'live', 'waiting', 'connecting', 'live']);
  assert.deepEqual([said[2].ms, said[2].retry, said[2].of], [3000, 1, 5]);
  assert.ok(said[4].at - said[2].at >= 2900);
  assert.equal(seat.session, session);
  assert.equal(said[4].frame.session_resumed, true);
  assert.equal((await seat.ask({ type: 'ping' })).type, 'pong');
});

test('SHP-13 a seat with a token that is no good is told why, and does not try again', async (t) => {
  const { server } = await openShop(t);
  const said = [];
  const seat = new Seat({ server: server.url, token: 'no.good.token', session: '', onStatus: (status) => said.push(status), Socket: WebSocket });
  t.after(() => seat.leave());
  await eventually(() => said.some(({ word }) => word === 'ended'), 'the end');
  assert.deepEqual(said.at(-1), { word: 'ended', code: 1008, reason: 'Invalid or expired token', gaveUp: false });
  await sleep(100);
  assert.deepEqual(said.map(({ word }) => word), ['connecting', 'ended']);
});

test('the desk names the parameter that is missing or wrong', async (t) => {
  const desk = await openDesk();
  t.after(() => desk.close());
  const quotes = (parameters) => post(desk, '/quotes', { tool_name: 'get_shipping_quotes', tool_call_id: 'c', session_id: 's', parameters });
  const label = (parameters) => post(desk, '/labels', { tool_name: 'create_label', tool_call_id: 'c', session_id: 's', parameters });
  const whole = { ...address, carrier: 'UPS', service_type: 'Ground' };
  const cases = [
    [quotes({}), 'Missing required parameter: from_zip'], [quotes({ from_zip: '94105' }), 'Missing required parameter: to_zip'],
    [quotes({ ...parcel, weight: undefined }), 'Missing required parameter: weight'],
    [quotes({ ...parcel, weight: 0 }), 'Invalid parameter: weight must be a number of pounds above 0'],
    [quotes({ ...parcel, weight: -1 }), 'Invalid parameter: weight must be a number of pounds above 0'],
    [quotes({ ...parcel, to_zip: 'here' }), 'Invalid parameter: to_zip must be a ZIP code such as 94105'],
    [quotes({ ...parcel, weight: 151 }), 'No carrier takes 151 lb; 150 lb is the most'],
    ...Object.keys(whole).map((name) => [label({ ...whole, [name]: undefined }), `Missing required parameter: ${name}`]),
    [label({ ...whole, carrier: 'Pigeon' }), 'Unknown carrier: Pigeon; there are USPS, UPS, FedEx'],
    [label({ ...whole, service_type: 'Slow' }), 'Unknown service_type: Slow; UPS has Ground, 2nd Day Air, Next Day Air'],
    [post(desk, '/quotes', { tool_name: 'create_label', parameters: parcel }), 'Unsupported tool: create_label'],
  ];
  for (const [answer, error] of cases) {
    const { status, json } = await answer;
    assert.deepEqual([status, json], [400, { error }]);
  }
});

test('the desk prices by zone and weight, the cheapest first, and takes a ZIP code as a number too', async (t) => {
  const desk = await openDesk();
  t.after(() => desk.close());
  assert.deepEqual([['94105', '94110'], ['10001', '02139'], ['94105', '10118'], ['94105', '96813'], ['00901', '00926']].map(([from, to]) => zoneBetween(from, to)), [2, 3, 8, 9, 2]);
  const { status, json } = await post(desk, '/quotes', { parameters: { from_zip: 2139, to_zip: '10118-1234', weight: '5.5' } });
  assert.equal(status, 200);
  assert.deepEqual(json, quotesFor({ from_zip: '02139', to_zip: '10118', weight: 5.5 }));
  for (const quote of json) assert.match(quote.eta, /^(1 day|\d days)$/);
  const prices = json.map(({ price }) => price);
  assert.deepEqual(prices, [...prices].sort((a, b) => a - b));
  const far = quotesFor(parcel);
  const heavy = quotesFor({ ...parcel, weight: 80 });
  assert.ok(far[0].price > json[0].price, 'farther is dearer');
  assert.ok(!heavy.some(({ carrier }) => carrier === 'USPS'), 'USPS takes 70 lb at most');
  assert.ok(heavy[0].price > far[0].price, 'heavier is dearer');
});

test('the desk answers no page of another site and no foreign host', async (t) => {
  const desk = await openDesk();
  t.after(() => desk.close());
  const call = { parameters: parcel };
  assert.equal((await post(desk, '/quotes', call, { Origin: 'http://evil.example' })).status, 403);
  assert.equal((await post(desk, '/quotes', call, { Origin: 'null' })).status, 403);
  assert.equal((await post(desk, '/quotes', call, { Host: 'evil.example' })).status, 403);
  assert.equal((await post(desk, '/quotes', call, { Origin: desk.address })).status, 200);
  assert.equal((await request(desk.address, '/page/../../../package.json')).status, 404);
});

test('tracking numbers end in the check digit of their carrier', () => {
  const genuine = { UPS: ['1Z5R89390357567127', '1Z999AA10123456784'], FedEx: ['986578788855', '477179081230'], USPS: ['9361289878700317633795', '9400111202555842332669'] };
  for (const [carrier, numbers] of Object.entries(genuine)) {
    for (const number of numbers) {
      assert.ok(isTrackingNumber(carrier, number), number);
      for (let wrong = 1; wrong < 10; wrong += 1) {
        const other = number.slice(0, -1) + ((Number(number.at(-1)) + wrong) % 10);
        assert.ok(!isTrackingNumber(carrier, other), other);
      }
    }
  }
});
