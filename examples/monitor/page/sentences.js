// What goes over the connection, in words: a sentence for each event that is known, and a plain line for any other.

// A template that fails where something is missing.
function say(texts, ...values) {
  if (values.includes(undefined)) throw new TypeError('not in the form that is known');
  return String.raw({ raw: texts }, ...values);
}

const quote = (text) => say`“${text}”`;
const plural = (count, one) => `${count} ${one}${count === 1 ? '' : 's'}`;

// The last argument of a stored event is its place in the session's log: session/epoch.seq.
const place = /^[0-9a-f-]{36}\/[0-9a-f]+\.\d+$/;

/** The arguments that were said, without the place that the server adds. */
export function saidIn(args) {
  const last = args.at(-1);
  return last === null || (typeof last === 'string' && place.test(last)) ? args.slice(0, -1) : args;
}

function valueText(value) {
  if (typeof value === 'string') return value;
  if (value instanceof ArrayBuffer) return plural(value.byteLength, 'byte');
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  const words = value.text ?? value.message ?? value.content;
  if (typeof words === 'string') return words;
  return Object.entries(value).map(([key, each]) => `${key} ${valueText(each)}`).join(', ');
}

function stateText({ set = {}, removed = [] }) {
  return [...Object.entries(set).map(([key, value]) => `${key} is now ${valueText(value)}`), ...removed.map((key) => `${key} is gone`)].join('; ');
}

const heard = {
  connected: ({ transport }) => say`The server answers over ${transport}.`,
  session_registered: ({ thread_id, missed_messages }) =>
    say`Registered for the thread ${quote(thread_id)}${missed_messages ? `; ${plural(missed_messages.count, 'message')} came meanwhile` : ''}.`,
  missed_messages_delivered: ({ count }) => say`That was what came meanwhile: ${plural(count, 'message')}.`,
  system_ping: () => 'The server asks whether this page is still there.',
  analysis_update: ({ content, error }) => (error ? say`The analysis failed: ${content}` : say`Analysis: ${content}`),
  answer: (text) => say`Answer: ${text}`,
  error: ({ message }) => say`The server refuses: ${message}`,
  'session.joined': ({ user }) => say`${user} joined.`,
  'session.left': ({ user }) => say`${user} left.`,
  'session.state': ({ data }) => say`The state changed: ${stateText(data)}.`,
  'session.query': ({ user, data }) => say`${user} said ${quote(data.query)}`,
  'session.query_progress': ({ data }) => say`A piece of the answer: ${data.text}`,
  'session.query_result': ({ data }) => (data.is_error ? say`No answer: ${data.result.error}` : say`The whole answer: ${data.result.answer}`),
  'session.gap': () => 'More came meanwhile than the log holds; the state begins anew.',
  'session.closed': () => 'The session has ended.',
};

const sent = {
  register_session: ({ thread_id }) => say`Asks to be in the thread ${quote(thread_id)}.`,
  ping: () => 'Tells the server that it is still there.',
  system_ping_response: () => 'Answers that it is still there.',
  'POST /havefun': (text) => say`Says ${quote(text)}`,
};

const here = {
  connected: (transport) => say`Connected over ${transport}.`,
  upgraded: (transport) => say`Went on to ${transport}.`,
  disconnected: (reason) => say`Disconnected: ${reason}.`,
  stopped: () => 'Stopped.',
};

const sentences = { in: heard, out: sent, here };

/** One event as a sentence; `args` as it had them. */
export function sentenceOf(way, name, args) {
  const said = saidIn(args);
  const known = Object.hasOwn(sentences[way], name) && sentences[way][name];
  try {
    if (known) return known(...said);
  } catch {
    // It came under this name, in a form that is not known.
  }
  const words = said.map(valueText).join(', ');
  return words === '' ? `${name}.` : `${name}: ${words}`;
}
