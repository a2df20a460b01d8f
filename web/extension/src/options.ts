// The options: where the server is, and where the side panel asks. A choice is checked before it is kept.
import { isExposed, parseAddress } from 'sojourn-client/address';
import { apiAddressKey, loadApiAddress, localApiUrl } from './config';
import { loadSettings, packedAddress } from './settings';

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

/** One address that a person may choose: its field, its message and where it is kept. */
interface Field {
  input: HTMLInputElement;
  message: HTMLElement;
  key: string;
  /** Said when the choice was taken back. */
  whenReset: string;
}

const server: Field = { input: element('server'), message: element('message'), key: 'server', whenReset: 'The default is in use.' };
const api: Field = { input: element('api'), message: element('api-message'), key: apiAddressKey, whenReset: 'The address of the server is in use.' };

async function show(): Promise<void> {
  const [settings, packed, panel] = await Promise.all([loadSettings(), packedAddress(), loadApiAddress()]);
  server.input.value = settings.source === 'chosen' ? settings.address : '';
  server.input.placeholder = packed.address;
  element('hint').textContent = `In use: ${settings.address}. The default is ${packed.address}.`;
  element('device').textContent = settings.device;
  api.input.value = panel.source === 'chosen' ? panel.url : '';
  api.input.placeholder = settings.address;
  element('api-hint').textContent = `In use: ${panel.url}. Only needed if the sessions API is elsewhere than the server, as with one that runs on the documented ports.`;
  if (settings.problem) say(server, settings.problem, 'error');
  if (panel.problem) say(api, panel.problem, 'error');
}

function say({ input, message }: Field, text: string, kind: 'good' | 'warning' | 'error'): void {
  message.textContent = text;
  message.dataset['kind'] = kind;
  input.setAttribute('aria-invalid', String(kind === 'error'));
}

async function save(field: Field): Promise<void> {
  const parsed = parseAddress(field.input.value);
  if (!parsed.ok) {
    say(field, parsed.error, 'error');
    field.input.focus();
    return;
  }
  await chrome.storage.local.set({ [field.key]: parsed.address });
  await show();
  if (isExposed(parsed.address)) say(field, 'Saved. This address is not encrypted: others on the network can read along.', 'warning');
  else say(field, 'Saved.', 'good');
}

async function reset(field: Field): Promise<void> {
  await chrome.storage.local.remove(field.key);
  await show();
  say(field, field.whenReset, 'good');
}

function listen(field: Field, form: string, resetButton: string): void {
  const report = (error: unknown) => say(field, `Not saved: ${error instanceof Error ? error.message : String(error)}`, 'error');
  element(form).addEventListener('submit', (event) => {
    event.preventDefault();
    save(field).catch(report);
  });
  element(resetButton).addEventListener('click', () => { reset(field).catch(report); });
}

listen(server, 'form', 'reset');
listen(api, 'api-form', 'api-reset');
element('api-preset').textContent = `Use ${localApiUrl}`;
element('api-preset').addEventListener('click', () => {
  api.input.value = localApiUrl;
  element<HTMLFormElement>('api-form').requestSubmit();
});
const preset = document.createElement('option');
preset.value = localApiUrl;
element('api-presets').append(preset);
show().catch((error: unknown) => say(server, error instanceof Error ? error.message : String(error), 'error'));
