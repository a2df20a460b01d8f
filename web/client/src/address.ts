// The address of a server as a person types it: checked, made canonical and turned into the address of a socket.
// Pure: no network, no storage.

export const defaultAddress = 'http://localhost:5409';

export type ParsedAddress = { ok: true; address: string } | { ok: false; error: string };

const secureSchemes = new Map([['http:', 'http:'], ['ws:', 'http:'], ['https:', 'https:'], ['wss:', 'https:']]);
const doorPath = /\/ws(\/extension)?$/;

/**
 * Accepts `host:port`, `http(s)://...` and `ws(s)://...`, with an optional path for a server behind a proxy.
 * The canonical form is http or https without a trailing slash; the path of the door itself may be part of the input.
 */
export function parseAddress(text: string): ParsedAddress {
  const trimmed = text.trim();
  if (trimmed === '') return failure('Enter the address of the server, such as http://localhost:5409.');
  if (/\s/.test(trimmed)) return failure('The address must not contain spaces.');
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`;
  let url: URL;
  try {
    url = new URL(withScheme);
  } catch {
    return failure(`"${trimmed}" is not an address. It should look like http://localhost:5409.`);
  }
  const scheme = secureSchemes.get(url.protocol);
  if (!scheme) return failure(`The address must begin with http:// or https://, not ${url.protocol}//.`);
  if (url.username !== '' || url.password !== '') return failure('The address must not contain a user name or a password.');
  if (url.search !== '' || url.hash !== '') return failure('The address must not contain "?" or "#".');
  if (url.port === '0') return failure('The port must be between 1 and 65535.');
  const path = url.pathname.replace(/\/+$/, '').replace(doorPath, '');
  return { ok: true, address: `${scheme}//${url.host}${path}` };
}

/** True for an address that leaves this machine without encryption. */
export function isExposed(address: string): boolean {
  const url = new URL(address);
  return url.protocol === 'http:' && !/^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}

/** The socket of the extension's door; `address` is canonical. */
export function socketAddress(address: string, query: Record<string, string>): string {
  const parameters = new URLSearchParams(query);
  return `${address.replace(/^http/, 'ws')}/ws/extension?${parameters}`;
}

function failure(error: string): ParsedAddress {
  return { ok: false, error };
}
