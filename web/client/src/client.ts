// The client of one server: its sessions over HTTP, and the way into one of them.
import { Http, sessionPath } from './http';
import { JoinedSession } from './session';
import type { ClientOptions, CreateOptions, CreatedSession, JoinOptions, ListOptions, Session, Sessions } from './types';

export class SojournClient {
  /** Canonical, without a path of the API. */
  readonly url: string;
  readonly sessions: Sessions;
  readonly #options: ClientOptions;
  readonly #http: Http;

  constructor(options: ClientOptions = {}) {
    this.#options = options;
    this.#http = new Http(options);
    this.url = this.#http.url;
    this.sessions = sessionsOf(this.#http, options.clientId);
  }

  /** Resolves with the state in place; rejects with a SojournError if the session can't be joined at the first attempt. */
  async join(session: string | Pick<CreatedSession, 'session_id'>, options: JoinOptions = {}): Promise<Session> {
    if (!(this.#options.WebSocket ?? globalThis.WebSocket)) throw new TypeError('give a WebSocket as an option, such as that of "ws"');
    const joined = new JoinedSession(typeof session === 'string' ? session : session.session_id, this.#http, this.#options);
    await joined.join(options);
    return joined;
  }
}

function sessionsOf(http: Http, clientId: string | undefined): Sessions {
  const body = (method: string, path: string, ask = {}) => http.ask(method, path, ask).then((reply) => reply.body);
  return {
    create: ({ userId, signal, ...options }: CreateOptions = {}) => body('POST', `/sessions${toQuery({ user_id: userId })}`, {
      signal,
      body: {
        client_id: options.clientId ?? clientId, kind: options.kind, timeout_minutes: options.timeoutMinutes,
        session_type: options.sessionType, metadata: options.metadata, state: options.state,
      },
    }),
    get: (id) => body('GET', sessionPath(id)),
    list: ({ userId, sessionType, ...options }: ListOptions = {}) =>
      body('GET', `/sessions${toQuery({ ...options, user_id: userId, session_type: sessionType })}`),
    delete: (id) => body('DELETE', sessionPath(id)),
    heartbeat: (id) => body('POST', sessionPath(id, '/heartbeat')),
  };
}

function toQuery(parameters: Record<string, string | number | boolean | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]);
  return given.length > 0 ? `?${new URLSearchParams(given)}` : '';
}
