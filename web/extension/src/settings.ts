// Where the server is and which device this is.
// Invariant: what is returned is a checked, canonical address; a person's choice wins over config.json, that over the built-in default.
import { defaultAddress, parseAddress } from 'sojourn-client/address';

export interface Settings {
  address: string;
  source: 'chosen' | 'packed' | 'default';
  /** Made once and kept, so that a server can tell one browser from another. */
  device: string;
  /** What was wrong with an address that had to be passed over, for a person to read. */
  problem?: string;
}

export async function loadSettings(): Promise<Settings> {
  const stored = await chrome.storage.local.get(['server', 'device']);
  const device = typeof stored['device'] === 'string' ? stored['device'] : await makeDevice();
  if (typeof stored['server'] === 'string') {
    const chosen = parseAddress(stored['server']);
    if (chosen.ok) return { address: chosen.address, source: 'chosen', device };
    return { ...(await packedAddress()), device, problem: `The chosen address was passed over. ${chosen.error}` };
  }
  return { ...(await packedAddress()), device };
}

/** The address used when a person chose none. */
export async function packedAddress(): Promise<Omit<Settings, 'device'>> {
  try {
    const answer = await fetch(chrome.runtime.getURL('config.json'));
    const config: unknown = await answer.json();
    const packed = (config as { server?: unknown } | null)?.server;
    if (packed === undefined) return { address: defaultAddress, source: 'default' };
    const parsed = parseAddress(String(packed));
    if (parsed.ok) return { address: parsed.address, source: parsed.address === defaultAddress ? 'default' : 'packed' };
    return { address: defaultAddress, source: 'default', problem: `config.json was passed over. ${parsed.error}` };
  } catch {
    return { address: defaultAddress, source: 'default', problem: 'config.json was passed over: it cannot be read.' };
  }
}

async function makeDevice(): Promise<string> {
  const device = crypto.randomUUID();
  await chrome.storage.local.set({ device });
  return device;
}
