#!/usr/bin/env node
// The voice agent of the example, without the voice: opens a session, invites a person to it, asks the carriers, waits for
// the choice that the person makes on the page, and has the label made. It knows nothing but the session's frames and state.
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import QRCode from 'qrcode';
import WebSocket from 'ws';

import { bold, detail, dim, green, red, step, table } from '../first_drive/screen.mjs';
import { Seat } from './page/session.js';

const usage = `Usage: examples/shipping/agent.mjs [--server URL] [--page URL] [--session-id ID] [--go] [--parcel FILE] [--to-zip ZIP]

  --server URL     the session server (default http://127.0.0.1:5409)
  --page URL       the shipping desk, whose page people join with (default http://127.0.0.1:9000)
  --session-id ID  go into this session instead of a new one
  --go             ask for prices at once; otherwise as soon as somebody has joined
  --parcel FILE    what to send and where, as parcel.json beside this program
  --to-zip ZIP     another ZIP code of the recipient; 99999 is how one sees the carriers time out

TOKEN in the environment is used if set; else SESSION_USER and SESSION_PASSWORD sign in (default: user, password).
`;

const linkLifeS = 3_600;
const framesMax = 200;

function readArguments() {
  const options = {
    server: { type: 'string', default: 'http://127.0.0.1:5409' }, page: { type: 'string', default: 'http://127.0.0.1:9000' },
    'session-id': { type: 'string', default: '' }, go: { type: 'boolean' }, 'to-zip': { type: 'string' },
    parcel: { type: 'string', default: fileURLToPath(new URL('parcel.json', import.meta.url)) }, help: { type: 'boolean', short: 'h' },
  };
  const { values } = parseArgs({ options });
  const parcel = JSON.parse(readFileSync(values.parcel, 'utf8'));
  if (values['to-zip']) parcel.recipient.zip = values['to-zip'];
  return { ...values, server: values.server.replace(/\/+$/, ''), page: values.page.replace(/\/+$/, ''), parcel };
}

async function post(url, init) {
  const response = await fetch(url, { method: 'POST', signal: AbortSignal.timeout(10_000), ...init }).catch(() => {
    throw new Error(`no session server answers at ${new URL(url).origin}; start one, or name it with --server`);
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}: ${answer.detail ?? 'no reason given'}`);
  return answer;
}

async function signIn(server) {
  if (process.env.TOKEN) return process.env.TOKEN;
  const body = new URLSearchParams({ username: process.env.SESSION_USER ?? 'user', password: process.env.SESSION_PASSWORD ?? 'password' });
  return (await post(`${server}/token`, { body })).access_token;
}

// Whoever has the link joins this one session, and nothing else, for an hour.
async function inviteTo(session, { server, page }, token) {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const body = JSON.stringify({ scope: 'write', expires_in_s: linkLifeS });
  const minted = await post(`${server}/api/v1/sessions/${session}/tokens`, { headers, body });
  return `${page}/?session_id=${session}#token=${minted.token}`;
}

/** What comes by in the session, as one may wait for it; the last 200 frames are kept for those who come late. */
class Heard {
  #frames = [];
  #waiting = [];

  take(frame) {
    this.#frames.push(frame);
    if (this.#frames.length > framesMax) this.#frames.shift();
    this.#waiting = this.#waiting.filter((wait) => !wait(frame));
  }

  forget() {
    this.#frames = [];
  }

  /** Resolves to the first value that `pick` finds in a frame, of before or to come. */
  first(pick) {
    for (const frame of this.#frames) if (pick(frame)) return Promise.resolve(pick(frame));
    return new Promise((resolve) => {
      this.#waiting.push((frame) => {
        const found = pick(frame);
        if (found) resolve(found);
        return Boolean(found);
      });
    });
  }
}

const joinedIn = (frame) => frame.type === 'contextual_update' && frame.text === 'companion_joined';
const choiceIn = (frame) => (frame.type === 'session_state_update' ? frame.payload?.set : frame.state)?.selected_shipping_option;

function seen(frame) {
  const what = [frame.type, frame.text, frame.tool_name].filter(Boolean).join(' ');
  detail(dim(`<- ${what}`));
}

/** Sits down in the session; `ended` rejects when the server lets the agent go for good. */
async function sit(chosen, token) {
  const heard = new Heard();
  let seat;
  let onEnd;
  let frame;
  const ended = new Promise((_, reject) => { onEnd = reject; });
  ended.catch(() => {});
  const live = new Promise((resolve) => {
    const onStatus = (status) => {
      // Whatever was chosen while the agent was away stands in the state.
      if (status.word === 'live' && frame) seat.send({ type: 'get_session_state', payload: {} });
      if (status.word === 'live') resolve(frame ??= status.frame);
      if (status.word === 'waiting') detail(red(`the connection was lost; trying again in ${Math.round(status.ms / 100) / 10} s (${status.retry} of ${status.of})`));
      if (status.word === 'ended') onEnd(new Error(`the session server ended the connection: ${status.reason || status.code}`));
    };
    const onFrame = (heardFrame) => { seen(heardFrame); heard.take(heardFrame); };
    seat = new Seat({ server: chosen.server, token, session: chosen['session-id'], onStatus, onFrame, Socket: WebSocket, makeId: randomUUID });
  });
  await Promise.race([live, ended]);
  return { seat, heard, ended, frame };
}

async function call(seat, tool, parameters) {
  const tool_call_id = `call_${randomUUID()}`;
  const reply = await seat.ask({ type: 'client_tool_call', client_tool_call: { tool_name: tool, tool_call_id, parameters } });
  if (reply.is_error) throw new Error(`${tool}: ${reply.result?.error ?? 'failed'}`);
  return reply.result;
}

const remember = (seat, key, value) => seat.ask({ type: 'set_session_state', payload: { key, value } });

function say(seat, message) {
  seat.send({ type: 'contextual_update', text: 'agent_says', data: { message } });
  detail(`${green('"')}${message}${green('"')}`);
}

const flat = (side, person) => Object.fromEntries(Object.entries(person).map(([field, value]) => [`${side}_${field}`, value]));

async function askCarriers(seat, heard, parcel) {
  const { shipper, recipient, weight } = parcel;
  await remember(seat, 'shipping_request', parcel);
  // What was chosen for an earlier parcel is no answer to this one.
  for (const key of ['selected_shipping_option', 'shipping_label']) await remember(seat, key, null);
  heard.forget();
  step('The agent asks the carriers', `${shipper.zip} to ${recipient.zip}, ${weight} lb`);
  say(seat, `I am asking the carriers what ${weight} pounds to ${recipient.city} cost.`);
  const quotes = await call(seat, 'get_shipping_quotes', { from_zip: shipper.zip, to_zip: recipient.zip, weight });
  await remember(seat, 'shipping_quotes', quotes);
  table(quotes.map(({ carrier, service, price, eta }) => [green('='), carrier, service, `$${price.toFixed(2)}`, eta]));
  say(seat, `${quotes[0].carrier} ${quotes[0].service} is the cheapest, at ${quotes[0].price.toFixed(2)} dollars. Which one shall I take?`);
}

async function makeLabel(seat, parcel, { carrier, service }) {
  step('The agent has the label made');
  const { shipper, recipient, weight } = parcel;
  const label = await call(seat, 'create_label', {
    carrier, service_type: service, ...flat('shipper', shipper), ...flat('recipient', recipient), weight,
  });
  await remember(seat, 'shipping_label', label);
  detail(`${green('=')} ${label.carrier} ${bold(label.tracking_number)}, arrives ${label.estimated_delivery}\n${green('=')} ${label.label_url}`);
  const due = new Date(label.estimated_delivery).toLocaleDateString('en-US', { weekday: 'long', month: 'long', day: 'numeric', timeZone: 'UTC' });
  say(seat, `Done. Your label is on the screen; the parcel arrives on ${due}.`);
}

async function converse(chosen, { seat, heard, frame }, token) {
  const session = frame.session_id;
  step(frame.session_resumed ? 'The agent is back in the session' : 'The agent has opened a session', bold(session));
  if (frame.reason) detail(red(`${frame.requested_session_id} could not be joined: ${frame.reason}`));
  const link = await inviteTo(session, chosen, token);
  detail(await QRCode.toString(link, { type: process.stdout.isTTY ? 'terminal' : 'utf8', small: true, errorCorrectionLevel: 'L' }));
  detail(`${dim(`Good for ${linkLifeS / 60} minutes, for this session only.`)}\nJoin: ${link}`);
  seat.send({ type: 'contextual_update', text: 'agent_joined', data: { message: 'The agent is here' } });
  if (!chosen.go) {
    await heard.first(joinedIn);
    step('Somebody has joined');
  }
  await askCarriers(seat, heard, chosen.parcel);
  const choice = await heard.first(choiceIn);
  step('The person has chosen', `${bold(`${choice.carrier} ${choice.service}`)} for $${choice.cost}`);
  await makeLabel(seat, chosen.parcel, choice);
  await seat.ask({ type: 'ping' });
}

async function main() {
  let chosen;
  try {
    chosen = readArguments();
  } catch (error) {
    console.error(`${red('error:')} ${error.message}\n${usage}`);
    process.exitCode = 2;
    return;
  }
  if (chosen.help) return void process.stdout.write(usage);
  let place;
  try {
    const token = await signIn(chosen.server);
    place = await sit(chosen, token);
    await Promise.race([converse(chosen, place, token), place.ended]);
    console.log(`\n${green('Done.')} The session goes on: ${dim(`--session-id ${place.seat.session} comes back to it`)}`);
  } catch (error) {
    if (place) step('That did not work', red(error.message));
    else console.error(`${red('error:')} ${error.message}`);
    process.exitCode = 1;
  } finally {
    place?.seat.leave();
  }
}

await main();
