// Where the sessions API is: the address that a person gave for it, else that of the server.
import { parseAddress } from 'sojourn-client/address';
import { loadSettings } from './settings';

/** Where a server that runs with `--documented-ports` answers the sessions API on this machine. */
export const localApiUrl = 'http://127.0.0.1:8000';

/** The key in `chrome.storage.local` of an address that is not the server's. */
export const apiAddressKey = 'apiAddress';

export interface ApiAddress {
  url: string;
  source: 'chosen' | 'server';
  /** What was wrong with an address that had to be passed over, for a person to read. */
  problem?: string;
}

export async function loadApiAddress(): Promise<ApiAddress> {
  const [settings, stored] = await Promise.all([loadSettings(), chrome.storage.local.get(apiAddressKey)]);
  const chosen: unknown = stored[apiAddressKey];
  if (typeof chosen !== 'string') return { url: settings.address, source: 'server' };
  const parsed = parseAddress(chosen);
  if (parsed.ok) return { url: parsed.address, source: 'chosen' };
  return { url: settings.address, source: 'server', problem: `The API address was passed over. ${parsed.error}` };
}
