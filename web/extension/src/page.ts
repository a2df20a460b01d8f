// The operations inside a page, through the debugger, so that neither a content security policy nor Trusted Types stands in the way.
// Each takes the data of a frame and gives the result of the contract, or rejects with an Error for the caller to read.
import type { Evaluated, ExceptionDetails, Page, RemoteObject } from './debuggee';
import { parseFields } from './fields';
import { afterDueTasks, aimAt, findElement, focusOn, guardPress, pressed, scrapeAll, scrollPage, setValue, type Aim, type Focus } from './in_page';
import { charactersOf, keyOf } from './keys';
import { LoadWatch } from './loading';
import { candidates } from './script';
import type { Data } from './tabs';

const worldName = 'sojourn';
const elementWaitMs = 2_000;
const pollMs = 100;
const typingMsMax = 8_000;
const breathMsMax = 200;
const settleMsMax = 4_000;
const scriptMsMax = 25_000;

export async function executeScript(page: Page, data: Data): Promise<Data> {
  const code = readText(data, 'code');
  const expression = await chooseSource(page, code, data['args']);
  const began = Date.now();
  try {
    return { result: valueOf(await page.send<Evaluated>(
      'Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true, userGesture: true, timeout: scriptMsMax })) };
  } catch (error) {
    // Chrome ends a loop at its time but does not say that this was the reason.
    if (Date.now() - began >= scriptMsMax) throw new Error(`The code did not end within ${scriptMsMax / 1000} s and was stopped`);
    throw error;
  }
}

async function chooseSource(page: Page, code: string, args: unknown): Promise<string> {
  const compile = (expression: string) => page.send<{ exceptionDetails?: ExceptionDetails }>(
    'Runtime.compileScript', { expression, sourceURL: '', persistScript: false });
  await page.send('Runtime.enable');
  try {
    for (const source of candidates(code, args)) {
      if (!(await compile(source)).exceptionDetails) return source;
    }
    const { exceptionDetails } = await compile(code);
    throw new Error(exceptionDetails ? describeException(exceptionDetails) : 'The code cannot be read as a script');
  } finally {
    await page.send('Runtime.disable');
  }
}

export async function click(page: Page, data: Data, signal: AbortSignal): Promise<Data> {
  const selector = readText(data, 'selector');
  const world = await openWorld(page);
  const { element, answer } = await whenReady<Exclude<Aim, { problem: string }>>(world, selector, aimAt, [], signal);
  await world.callOn(element, guardPress, []);
  const mouse = (type: string, more: Data = {}) => page.send('Input.dispatchMouseEvent', { type, x: answer.x, y: answer.y, ...more });
  const outcome = await settling(page, world, async () => {
    await mouse('mouseMoved');
    await mouse('mousePressed', { button: 'left', buttons: 1, clickCount: 1 });
    // A page that left at the press has taken it.
    const reached = await world.call(pressed, []).catch(() => 'reached');
    await mouse('mouseReleased', { button: 'left', clickCount: 1 });
    return reached;
  });
  if (outcome === 'missed') throw new Error(`${selector}: another element moved in front of it; nothing was clicked`);
  return { clicked: true };
}

export async function type(page: Page, data: Data, signal: AbortSignal): Promise<Data> {
  const selector = readText(data, 'selector');
  const characters = charactersOf(readText(data, 'text'));
  const delay = readNumber(data, 'delay', 50, 0, 5_000);
  const world = await openWorld(page);
  await whenReady(world, selector, focusOn, [false], signal);
  await settling(page, world, () => typeCharacters(page, characters, delay, signal));
  return { typed: true };
}

async function typeCharacters(page: Page, characters: string[], delay: number, signal: AbortSignal): Promise<void> {
  const end = Date.now() + typingMsMax;
  // Text too long for the caller's patience is typed faster, and what is left at the end is inserted at once.
  const pace = Math.min(delay, typingMsMax / 2 / Math.max(characters.length, 1));
  for (const [index, character] of characters.entries()) {
    signal.throwIfAborted();
    if (Date.now() > end) {
      await page.send('Input.insertText', { text: characters.slice(index).join('') });
      break;
    }
    await pressKey(page, character);
    if (pace >= 1 && index + 1 < characters.length) await sleep(pace);
  }
}

export async function fill(page: Page, data: Data, signal: AbortSignal): Promise<Data> {
  const selector = readText(data, 'selector');
  const text = readText(data, 'text', true);
  const world = await openWorld(page);
  const element = await waitForElement(world, selector, signal);
  const outcome = await world.callOn(element, setValue, [text]);
  if (outcome === 'done') return { filled: true };
  if (outcome !== 'keys') throw new Error(`${selector}: ${outcome}`);
  await whenReady(world, selector, focusOn, [true], signal);
  if (text !== '') await page.send('Input.insertText', { text });
  else await tapKey(page, { key: 'Delete', code: 'Delete', text: '', windowsVirtualKeyCode: 46 });
  return { filled: true };
}

export async function scrape(page: Page, data: Data): Promise<Data> {
  const selector = readText(data, 'selector');
  const fields = parseFields(data['fields']);
  const world = await openWorld(page);
  return { scrapedData: await world.call(scrapeAll, [selector, fields]) };
}

const directions: Record<string, [number, number, string]> = {
  down: [0, 1, ''], up: [0, -1, ''], right: [1, 0, ''], left: [-1, 0, ''], top: [0, 0, 'top'], bottom: [0, 0, 'bottom'],
};

export async function scroll(page: Page, data: Data): Promise<Data> {
  const name = String(data['direction'] ?? 'down');
  const direction = directions[name];
  if (!direction) throw new Error(`direction must be one of ${Object.keys(directions).join(', ')}, not "${name}"`);
  const amount = readNumber(data, 'amount', 500, 0, 10_000_000);
  const world = await openWorld(page);
  const place = await world.call(scrollPage, [direction[0] * amount, direction[1] * amount, direction[2]]);
  return { scrolled: true, ...place };
}

interface World {
  call<A extends unknown[], R>(run: (...args: A) => R | Promise<R>, args: A): Promise<R>;
  callOn<A extends unknown[], R>(element: string, run: (this: Element, ...args: A) => R, args: A): Promise<R>;
  find(selector: string): Promise<string | undefined>;
}

// The world is asked for anew by each operation: a navigation takes it away, and asking again gives the same one.
async function openWorld(page: Page): Promise<World> {
  const { frameTree } = await page.send<{ frameTree: { frame: { id: string } } }>('Page.getFrameTree');
  const { executionContextId } = await page.send<{ executionContextId: number }>(
    'Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName });
  const run = async (target: Data, source: unknown, args: unknown[], returnByValue: boolean) => page.send<Evaluated>(
    'Runtime.callFunctionOn',
    { ...target, functionDeclaration: String(source), arguments: args.map((value) => ({ value })), returnByValue, awaitPromise: true });
  return {
    call: async (source, args) => valueOf(await run({ executionContextId }, source, args, true)) as never,
    callOn: async (objectId, source, args) => valueOf(await run({ objectId }, source, args, true)) as never,
    find: async (selector) => {
      const found = await run({ executionContextId }, findElement, [selector], false);
      if (found.exceptionDetails) throw new Error(`"${selector}" is not a selector`);
      return found.result.objectId;
    },
  };
}

/** Does something with the mouse or the keys; when that makes the page leave, waits for the next page, for a while. */
async function settling<T>(page: Page, world: World, act: () => Promise<T>): Promise<T> {
  const watch = new LoadWatch();
  try {
    const outcome = await act();
    // A page that leaves because of this begins to do so in its tasks that are due by now; a page that is busy is not waited for.
    await Promise.race([world.call(afterDueTasks, []).catch(() => {}), sleep(breathMsMax)]);
    if (watch.leaving(page.tabId)) await watch.loaded(page.tabId, AbortSignal.timeout(settleMsMax)).catch(() => {});
    return outcome;
  } finally {
    watch.stop();
  }
}

async function waitForElement(world: World, selector: string, signal: AbortSignal): Promise<string> {
  for (const end = Date.now() + elementWaitMs; ; await sleep(pollMs)) {
    signal.throwIfAborted();
    const element = await world.find(selector);
    if (element) return element;
    if (Date.now() > end) throw new Error(`No element matches ${selector}`);
  }
}

/** Finds the element and asks it until it is ready, for a short while; rejects with why it is not. */
async function whenReady<T extends object>(
  world: World, selector: string, ask: (this: Element, ...args: never[]) => Aim | Focus, args: unknown[], signal: AbortSignal,
): Promise<{ element: string; answer: T }> {
  for (const end = Date.now() + elementWaitMs; ; await sleep(pollMs)) {
    const element = await waitForElement(world, selector, signal);
    const answer = await world.callOn(element, ask as (this: Element, ...args: unknown[]) => Aim | Focus, args);
    if (!('problem' in answer)) return { element, answer: answer as unknown as T };
    if (!answer.wait || Date.now() > end) throw new Error(`${selector}: ${answer.problem}`);
  }
}

async function pressKey(page: Page, character: string): Promise<void> {
  const key = keyOf(character);
  if (key) await tapKey(page, key);
  else await page.send('Input.insertText', { text: character });
}

async function tapKey(page: Page, key: { key: string; code: string; text: string; windowsVirtualKeyCode: number }): Promise<void> {
  await page.send('Input.dispatchKeyEvent', { type: key.text === '' ? 'rawKeyDown' : 'keyDown', ...key });
  await page.send('Input.dispatchKeyEvent', { type: 'keyUp', ...key, text: '' });
}

function valueOf(evaluated: Evaluated): unknown {
  if (evaluated.exceptionDetails) throw new Error(describeException(evaluated.exceptionDetails));
  const { result }: { result: RemoteObject } = evaluated;
  return result.value ?? result.unserializableValue ?? null;
}

// The first line says what was thrown; the rest is the stack of our own wrapping.
function describeException({ text, exception }: ExceptionDetails): string {
  const thrown = exception?.description ?? (exception && 'value' in exception ? JSON.stringify(exception.value) : undefined);
  return thrown?.split('\n    at ')[0] ?? text;
}

function readText(data: Data, key: string, mayBeEmpty = false): string {
  const value = data[key];
  if (typeof value !== 'string' || (value === '' && !mayBeEmpty)) throw new Error(`${key} is required`);
  return value;
}

function readNumber(data: Data, key: string, otherwise: number, min: number, max: number): number {
  const value = data[key] ?? otherwise;
  if (typeof value !== 'number' || !(value >= min && value <= max)) throw new Error(`${key} must be a number from ${min} to ${max}`);
  return value;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
