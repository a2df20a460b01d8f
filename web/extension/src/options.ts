// The options: where the server is. A choice is checked before it is kept.
import { isExposed, parseAddress } from 'sojourn-client/address';
import { loadSettings, packedAddress } from './settings';

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const input = element<HTMLInputElement>('server');

async function show(): Promise<void> {
  const [settings, packed] = await Promise.all([loadSettings(), packedAddress()]);
  input.value = settings.source === 'chosen' ? settings.address : '';
  input.placeholder = packed.address;
  element('hint').textContent = `In use: ${settings.address}. The default is ${packed.address}.`;
  element('device').textContent = settings.device;
  if (settings.problem) say(settings.problem, 'error');
}

function say(text: string, kind: 'good' | 'warning' | 'error'): void {
  const message = element('message');
  message.textContent = text;
  message.dataset['kind'] = kind;
  input.setAttribute('aria-invalid', String(kind === 'error'));
}

async function save(): Promise<void> {
  const parsed = parseAddress(input.value);
  if (!parsed.ok) {
    say(parsed.error, 'error');
    input.focus();
    return;
  }
  await chrome.storage.local.set({ server: parsed.address });
  await show();
  if (isExposed(parsed.address)) say('Saved. This address is not encrypted: others on the network can read along.', 'warning');
  else say('Saved.', 'good');
}

async function reset(): Promise<void> {
  await chrome.storage.local.remove('server');
  await show();
  say('The default is in use.', 'good');
}

function report(error: unknown): void {
  say(`Not saved: ${error instanceof Error ? error.message : String(error)}`, 'error');
}

element('form').addEventListener('submit', (event) => {
  event.preventDefault();
  save().catch(report);
});
element('reset').addEventListener('click', () => { reset().catch(report); });
show().catch(report);
