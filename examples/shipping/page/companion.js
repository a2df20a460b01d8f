// The companion page: what the voice agent talks about, on a screen, in the same session. All it knows comes from the
// session's frames and state; nothing is kept here but the session's id and, until the tab closes, the token.
import { Seat } from '/session.js';

const idKey = 'shipanion_session_id';
const tokenKey = 'shipanion_token';
const at = (id) => document.getElementById(id);
const show = (id, shown = true) => { at(id).hidden = !shown; };
const dollars = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

let server = '';
let seat;
let token = '';
let joinLink = '';
let wantsNew = false;
let pictureUrl;
let waiting;
const story = { offers: [], chosen: undefined, saving: undefined, label: undefined };

// What a token says about itself; the server is the one who checks it.
function claimsOf(text) {
  try {
    return JSON.parse(atob(text.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
  } catch {
    return {};
  }
}

// A problem says what happened and what to do; `act` is the button that does it.
let act;
function tell(text, label, whenPressed) {
  show('problem', Boolean(text));
  show('problem-act', Boolean(label));
  at('problem-text').textContent = text ?? '';
  at('problem-act').textContent = label ?? '';
  act = whenPressed;
}

// --- connection

function onStatus(status) {
  clearInterval(waiting);
  at('status').dataset.word = status.word;
  if (status.word === 'connecting') at('status-text').textContent = status.retry ? `Connecting (${status.retry}/5)` : 'Connecting';
  if (status.word === 'waiting') countDown(status);
  if (status.word === 'live') onLive(status.frame);
  if (status.word === 'ended') onEnded(status);
  showOffers();
}

function countDown({ ms, retry, of }) {
  const until = Date.now() + ms;
  const tick = () => { at('status-text').textContent = `Again in ${Math.max(0, Math.ceil((until - Date.now()) / 1000))} s (${retry}/${of})`; };
  tick();
  waiting = setInterval(tick, 250);
  tell('The connection to the session server was lost. Your session is kept; this page goes back to it by itself.', 'Try now', () => seat.retry());
}

const missed = {
  invalid: 'The session that was asked for does not exist here, so this is a new one. Ask for a fresh link to get back to the agent.',
  expired: 'The session that was asked for was not used for too long and has ended, so this is a new one. Ask for a fresh link to get back to the agent.',
  not_owner: 'The session that was asked for belongs to somebody else, so this is a new one. Ask its owner for a link with a token.',
};

function onLive(frame) {
  at('status-text').textContent = 'Live';
  tell(missed[frame.reason]);
  if (frame.session_id !== at('session-id').textContent) forget();
  localStorage.setItem(idKey, frame.session_id);
  at('session-id').textContent = frame.session_id;
  history.replaceState(null, '', `/?session_id=${frame.session_id}`);
  showJoin(frame.session_id).catch((error) => tell(`The join link could not be made: ${error.message}. Reload this page to try again.`));
  seat.send({ type: 'get_session_state', payload: {} });
  announce();
}

const announce = () => seat.send({ type: 'contextual_update', text: 'companion_joined', data: { message: 'The page has joined' } });

function onEnded({ code, reason, gaveUp }) {
  at('status-text').textContent = 'Not connected';
  if (gaveUp) return tell('The session server does not answer. See that it runs and that you are online, then try again.', 'Try again', () => seat.retry());
  if (code === 1000) return tell('This session was ended. Start a new one, or ask for a fresh link.', 'New session', startNew);
  if (/token/i.test(reason)) {
    sessionStorage.removeItem(tokenKey);
    askToSignIn(claimsOf(token).sub && !claimsOf(token).sid ? 'Your sign-in has expired. Sign in again to go on.'
      : 'This link is no longer good: it has expired or was taken back. Ask the agent for a fresh one, or sign in.');
    return tell(undefined);
  }
  return tell(`The server ended this connection${reason ? ` (${reason})` : ''}.`, 'Connect again', () => seat.retry());
}

function connect(session) {
  seat?.leave();
  show('sign-in', false);
  show('offers-card');
  seat = new Seat({ server, token, session, onStatus, onFrame });
}

function forget() {
  Object.assign(story, { offers: [], chosen: undefined, saving: undefined, label: undefined });
  for (const id of ['said', 'parcel', 'label', 'bring']) show(id, false);
  sayEmpty('Waiting for prices', 'They appear here as soon as the agent has asked the carriers.');
}

// --- what others do

function onFrame(frame) {
  if (frame.type === 'contextual_update') onUpdate(frame.text, frame.data ?? {});
  if (frame.type === 'session_state') applyState(frame.state ?? frame.payload?.state ?? {}, []);
  if (frame.type === 'session_state_update') applyState(frame.payload?.set ?? {}, frame.payload?.removed ?? []);
}

function onUpdate(text, data) {
  if (text === 'quote_ready') takeOffers(data.all_options ?? [data]);
  if (text === 'label_created') takeLabel(data);
  if (text === 'agent_joined') announce();
  if (text === 'agent_says') {
    at('said').textContent = data.message ?? '';
    show('said', Boolean(data.message));
  }
  if (text.endsWith('_result') && data.is_error) sayEmpty('That did not work', `${data.message ?? 'The tool failed'}. The agent can ask again.`);
  if (text.startsWith('agent_') || text.endsWith('_result')) show('bring', false);
}

function applyState(set, removed) {
  if (set.shipping_request) showParcel(set.shipping_request);
  if (set.shipping_quotes) takeOffers(set.shipping_quotes);
  const changed = (key) => key in set || removed.includes(key);
  if (changed('selected_shipping_option')) story.chosen = set.selected_shipping_option ?? undefined;
  if (changed('shipping_label')) takeLabel(set.shipping_label ?? undefined);
  showOffers();
}

function showParcel({ shipper, recipient, weight }) {
  const place = ({ city, state, zip }) => `${city}, ${state} ${zip}`;
  at('from').textContent = place(shipper);
  at('to').textContent = place(recipient);
  at('weight').textContent = `${weight} lb`;
  show('parcel');
}

// --- offers

const daysOf = (offer) => Number.parseFloat(offer.eta) || Infinity;
const same = (one, other) => one && other && one.carrier === other.carrier && one.service === other.service;

function takeOffers(given) {
  story.offers = given.map((offer) => ({ ...offer, cost: Number(offer.cost ?? offer.price) })).sort((a, b) => a.cost - b.cost);
  showOffers();
}

function sayEmpty(title, text) {
  at('empty-title').textContent = title;
  at('empty-text').textContent = text;
  showOffers();
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function rowFor(offer, place, badge) {
  const chosen = same(offer, story.chosen);
  const saving = same(offer, story.saving);
  const button = element('button', 'offer', '');
  button.type = 'button';
  button.style.setProperty('--place', place);
  button.disabled = Boolean(story.label || story.saving) || at('status').dataset.word !== 'live';
  button.setAttribute('aria-pressed', String(Boolean(chosen)));
  const what = element('span', 'what', `${offer.carrier} ${offer.service}`);
  if (badge) what.append(element('span', 'badge', badge));
  const word = saving ? 'Saving ...' : chosen ? 'Chosen' : 'Choose';
  const days = offer.eta ? `Arrives in ${offer.eta}` : '';
  button.append(what, element('span', 'price', dollars.format(offer.cost)), element('span', 'when', days), element('span', 'act', word));
  button.addEventListener('click', () => choose(offer));
  const row = document.createElement('li');
  row.append(button);
  return row;
}

let shown = '';
function showOffers() {
  // Once the label is made, only what it was made for is of interest.
  const settled = story.label && story.offers.filter((offer) => same(offer, story.chosen));
  const offers = settled?.length ? settled : story.offers;
  show('empty', offers.length === 0);
  // The rows are made anew only when something on them changed, so that focus and their entrance stay.
  const now = JSON.stringify([offers, story.chosen, story.saving, Boolean(story.label), at('status').dataset.word === 'live']);
  if (now === shown) return;
  shown = now;
  const focused = [...at('offers').children].findIndex((row) => row.contains(document.activeElement));
  const quickest = Math.min(...offers.map(daysOf));
  const fastest = offers.find((offer) => daysOf(offer) === quickest);
  const badge = (offer) => (offer === offers[0] && offers.length > 1 ? 'Cheapest' : offer === fastest && offers.length > 1 ? 'Fastest' : '');
  const entering = at('offers').children.length !== offers.length;
  at('offers').replaceChildren(...offers.map((offer, place) => rowFor(offer, place, badge(offer))));
  at('offers').classList.toggle('entering', entering);
  at('offers').children[focused]?.firstChild.focus();
}

async function choose(offer) {
  story.saving = offer;
  showOffers();
  const value = { carrier: offer.carrier, service: offer.service, cost: offer.cost };
  try {
    await seat.ask({ type: 'set_session_state', payload: { key: 'selected_shipping_option', value } });
    story.chosen = value;
    tell(undefined);
  } catch (error) {
    tell(`Your choice was not saved: ${error.message}. Choose again when the light above is green.`);
  }
  story.saving = undefined;
  showOffers();
}

// --- label

// Addresses come from a tool, so only those of the web are followed.
const webAddress = (text) => (/^https?:\/\//.test(text ?? '') ? text : undefined);

function takeLabel(label) {
  story.label = label;
  show('label', Boolean(label));
  showOffers();
  if (!label) return;
  at('label-carrier').textContent = label.carrier ?? '';
  at('label-number').textContent = label.tracking_number ?? '';
  const due = new Date(`${label.estimated_delivery}T12:00:00`);
  at('label-due').textContent = Number.isNaN(due.getTime()) ? (label.estimated_delivery ?? '') : due.toLocaleDateString(undefined, { weekday: 'long', month: 'long', day: 'numeric' });
  const [page, code] = [webAddress(label.label_url), webAddress(label.qr_code)];
  show('label-link', Boolean(page));
  show('label-qr', Boolean(code));
  if (page) at('label-link').href = page;
  if (code) at('label-qr').src = code;
}

// --- the session, and others who join

async function answerOf(response) {
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? answer.error ?? `the server answered ${response.status}`);
  return answer;
}

// A user's own token opens everything of that user, so a link carries one that opens this session only.
async function tokenToShare(session) {
  if (claimsOf(token).sid) return token;
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const minted = await fetch(`${server}/api/v1/sessions/${session}/tokens`, { method: 'POST', headers, body: '{"scope":"write","expires_in_s":3600}' });
  return (await answerOf(minted)).token;
}

async function showJoin(session) {
  if (new URLSearchParams(joinLink.split('?')[1]?.split('#')[0]).get('session_id') === session) return;
  const shared = await tokenToShare(session);
  joinLink = `${location.origin}/?session_id=${session}#token=${shared}`;
  const picture = await fetch('/qr.svg', { method: 'POST', body: joinLink });
  if (!picture.ok) throw new Error('the QR code could not be drawn');
  if (pictureUrl) URL.revokeObjectURL(pictureUrl);
  pictureUrl = URL.createObjectURL(await picture.blob());
  at('join-qr').src = pictureUrl;
  const { exp } = claimsOf(shared);
  at('join-text').textContent = `Scan to join this session${exp ? `. Good until ${clock.format(exp * 1000)}` : ''}`;
  at('copy-link').disabled = false;
  show('join');
  if (!claimsOf(token).sid && !story.offers.length) {
    at('bring-command').textContent = `examples/shipping/agent.mjs --server ${server} --page ${location.origin} --session-id ${session}`;
    show('bring');
  }
}

async function copy(button, text) {
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    prompt('Copy this:', text);
  }
  setTimeout(() => { button.textContent = label; }, 1500);
}

function startNew() {
  if (claimsOf(token).sid || !token) {
    wantsNew = true;
    return askToSignIn('The link that brought you here opens one session only. Sign in to start one of your own.');
  }
  localStorage.removeItem(idKey);
  joinLink = '';
  return connect('');
}

function askToSignIn(why) {
  at('sign-in-why').textContent = why;
  show('sign-in-back', Boolean(seat) && at('status').dataset.word === 'live');
  show('sign-in-wrong', false);
  show('sign-in');
  show('offers-card', story.offers.length > 0);
  at('user').focus();
}

async function signIn(event) {
  event.preventDefault();
  show('sign-in-wrong', false);
  try {
    const body = new URLSearchParams({ username: at('user').value, password: at('password').value });
    ({ access_token: token } = await answerOf(await fetch(`${server}/token`, { method: 'POST', body })));
  } catch (error) {
    at('sign-in-wrong').textContent = error instanceof TypeError ? 'The session server does not answer. See that it runs, then try again.' : `${error.message}. Check both and try again.`;
    return show('sign-in-wrong');
  }
  at('password').value = '';
  sessionStorage.setItem(tokenKey, token);
  if (wantsNew) localStorage.removeItem(idKey);
  joinLink = '';
  wantsNew = false;
  return connect(localStorage.getItem(idKey) ?? '');
}

function leaveSignIn() {
  wantsNew = false;
  show('sign-in', false);
  show('offers-card');
}

async function begin() {
  at('problem-act').addEventListener('click', () => act?.());
  at('new-session').addEventListener('click', startNew);
  at('sign-in').addEventListener('submit', signIn);
  at('sign-in-back').addEventListener('click', leaveSignIn);
  at('copy-link').addEventListener('click', (event) => copy(event.currentTarget, joinLink));
  at('copy-number').addEventListener('click', (event) => copy(event.currentTarget, at('label-number').textContent));
  window.addEventListener('online', () => { if (at('status').dataset.word !== 'live') seat?.retry(); });
  ({ server } = await answerOf(await fetch('/config.json')));
  // A link's token stays out of the address bar, and so out of what one copies from it.
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  token = given ?? sessionStorage.getItem(tokenKey) ?? '';
  const session = new URLSearchParams(location.search).get('session_id') ?? localStorage.getItem(idKey) ?? '';
  if (given) sessionStorage.setItem(tokenKey, given);
  history.replaceState(null, '', session ? `/?session_id=${encodeURIComponent(session)}` : '/');
  if (token) return connect(session);
  onStatus({ word: 'ended', code: 1000, reason: '', gaveUp: false });
  tell(undefined);
  if (session) localStorage.setItem(idKey, session);
  return askToSignIn('This page needs a link from the agent. Without one, sign in to start a session of your own.');
}

begin().catch(() => tell('The shipping desk does not answer. Start it, then reload this page.', 'Reload', () => location.reload()));
