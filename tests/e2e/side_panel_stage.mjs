// What the tests of the side panel share: its page, what it shows, and those who answer its questions.
import http from 'node:http';
import { start } from './harness.mjs';
import { inWorker, openPage, soon, startBrowser, startServer } from './extension_stage.mjs';
import { watch } from './tracking_stage.mjs';

export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** What the extension keeps; nothing while its worker has not begun. */
export const storedIn = (browser) => inWorker(browser, 'globalThis.chrome?.storage ? chrome.storage.local.get() : {}');

/** What the server says of a session. */
export const sessionAt = (server, id) => server.get(`/api/v1/sessions/${id}`);

/** Waits until the extension keeps a session that `isIt` accepts; gives what is kept. */
export function keptSession(browser, isIt = () => true) {
  return soon(async () => {
    const stored = await storedIn(browser);
    return stored.sessionId !== undefined && isIt(stored) && stored;
  }, 'a session that is kept');
}

/** A side panel as a page in a tab. */
export async function openPanel(browser) {
  const page = await openPage(browser, 'sidepanel.html');
  return Object.assign(page, {
    word: () => page.text('word'),
    connected: () => soon(async () => (await page.text('word')) === 'Connected', 'the panel to be connected'),
    /** Sends a message to the background as the panel does. */
    tell: (message) => page.evaluate(`chrome.runtime.sendMessage(${JSON.stringify(message)})`),
    /** What stands in the conversation: one list of texts for each entry. */
    entries: () => page.evaluate(entries),
    /** Waits until one text of the conversation is what `isIt` looks for. */
    says: (isIt, what = String(isIt)) => soon(async () => {
      const all = (await page.evaluate(entries)).flat();
      return all.find((text) => (typeof isIt === 'string' ? text === isIt : isIt.test(text)));
    }, `the panel says ${what}`),
    /** Asks once the panel takes a question: while one is being answered it keeps the next in its field. */
    ask: async (text) => {
      await soon(() => page.evaluate('!document.getElementById("send").hidden'), `the panel can be asked: ${text}`);
      await page.evaluate(`(() => {
        document.getElementById('question').value = ${JSON.stringify(text)};
        document.getElementById('form').requestSubmit();
      })()`);
    },
    /** Presses a key with all its events, as a keyboard does. */
    key: async (key, { shift = false, text } = {}) => {
      const common = { key, code: key, modifiers: shift ? 8 : 0, windowsVirtualKeyCode: { Tab: 9, Enter: 13 }[key] ?? 0 };
      await page.send('Input.dispatchKeyEvent', { type: text === undefined ? 'rawKeyDown' : 'keyDown', text, ...common });
      await page.send('Input.dispatchKeyEvent', { type: 'keyUp', ...common });
    },
  });
}

const entries = `[...document.querySelectorAll('#conversation > li')].map((row) => [...row.children].map((part) => {
  const copy = part.cloneNode(true);
  for (const each of copy.querySelectorAll('.unseen, button')) each.remove();
  return copy.textContent.trim();
}))`;

/** Starts a server, a browser and a panel that is connected. Gives {server, browser, panel, id}. */
export async function startPanel(t, { config } = {}) {
  const server = await (config === undefined ? startServer(t) : startConfigured(t, config));
  const browser = await startBrowser(t, server);
  const panel = await openPanel(browser);
  await panel.connected();
  const { sessionId: id } = await keptSession(browser);
  return { server, browser, panel, id };
}

async function startConfigured(t, config) {
  const server = await start({ config });
  t.after(() => server.stop());
  return server;
}

/** A member of the session that answers its questions: `answer(question, member)` sends what it likes. */
export async function responder(t, server, id, answer) {
  const member = await watch(t, server, id, { token: null });
  member.questions = [];
  member.send({ type: 'offer', queries: true });
  await member.nextOf('offered');
  const serve = async () => {
    for (;;) {
      const question = await member.nextOf('query', 60_000);
      member.questions.push(question);
      await answer(question, {
        piece: (text) => member.send({ type: 'query_progress', query_id: question.query_id, text }),
        done: (more) => member.send({ type: 'query_result', query_id: question.query_id, ...more }),
        member,
      });
    }
  };
  // Ends with the connection.
  serve().catch(() => {});
  return member;
}

/** An endpoint that answers questions: `answer(question, response)` writes the answer. Gives its address. */
export async function endpoint(t, answer) {
  const questions = [];
  const service = http.createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (chunk) => { body += chunk; });
    incoming.on('end', () => {
      const question = JSON.parse(body);
      questions.push(question);
      void answer(question, response);
    });
  });
  await new Promise((resolve) => { service.listen(0, '127.0.0.1', resolve); });
  t.after(() => new Promise((resolve) => { service.closeAllConnections(); service.close(resolve); }));
  return { url: `http://127.0.0.1:${service.address().port}/answer`, questions };
}
