// Requests to the native API: a token, JSON both ways, and what goes wrong as a SojournError.
import { parseAddress, defaultAddress } from './address';
import { retryAfterMs } from './backoff';
import { SojournError } from './errors';
import type { ClientOptions } from './types';

export interface Ask {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

export interface Reply {
  status: number;
  /** What the server sent, undefined if it was no JSON. */
  body: any;
}

export class Http {
  /** Canonical, without the path of the API. */
  readonly url: string;
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
    const address = parseAddress(options.url ?? defaultAddress);
    if (!address.ok) throw new TypeError(address.error);
    this.url = address.address;
  }

  async token(): Promise<string | undefined> {
    const { token } = this.#options;
    return typeof token === 'function' ? token() : token;
  }

  async ask(method: string, path: string, { body, headers = {}, signal }: Ask = {}): Promise<Reply> {
    const token = await this.token();
    const response = await this.#fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        Accept: 'application/json', ...headers,
        ...(token !== undefined && { Authorization: `Bearer ${token}` }), ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }), ...(signal && { signal }),
    });
    const answer = readJson(await response.text());
    if (!response.ok) throw toError(response, answer);
    return { status: response.status, body: answer };
  }

  async #fetch(address: string, init: RequestInit): Promise<Response> {
    try {
      return await (this.#options.fetch ?? globalThis.fetch)(address, init);
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new SojournError('unreachable', `${this.url} cannot be reached`, { cause: error });
    }
  }
}

/** A path of sessions, with each part as it has to be written in an address. */
export const sessionPath = (id: string, rest = ''): string => `/sessions/${encodeURIComponent(id)}${rest}`;

function readJson(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toError(response: Response, body: any): SojournError {
  const detail = body?.detail ?? body?.error;
  const message = Array.isArray(detail) ? detail.map((each) => each?.msg).join('; ') : detail;
  return new SojournError(body?.code ?? wordOf(response.status), String(message ?? `the server answered ${response.status}`), {
    status: response.status, body, retryMs: retryAfterMs(response.headers.get('Retry-After')),
  });
}

// Of answers that have no word of their own: those of the layer below the API, and of proxies.
function wordOf(status: number): string {
  const words: Record<number, string> = { 401: 'unauthenticated', 403: 'forbidden', 404: 'not_found', 429: 'too_many' };
  return words[status] ?? (status < 500 ? 'invalid' : 'unavailable');
}
