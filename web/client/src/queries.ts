// Questions to whoever answers in this session: asked over HTTP, followed on the stream, so that a reconnect loses nothing.
import { SojournError } from './errors';
import type { Http } from './http';
import type { QueryAnswer, QueryOptions, SessionEvent } from './types';

/** Of events of queries that nobody asked here, or whose id is still on its way. */
const earlyEventsMax = 1000;

interface Waiting {
  text: string;
  onProgress: QueryOptions['onProgress'];
  resolve(answer: QueryAnswer): void;
  reject(reason: unknown): void;
}

export class Queries {
  readonly #http: Http;
  readonly #sessionId: string;
  #waiting = new Map<string, Waiting>();
  /** Kept while a question is on its way to the server, which may be faster with the answer than with the id. */
  #early: SessionEvent[] | undefined;
  #asking = 0;
  #end: SojournError | undefined;

  constructor(http: Http, sessionId: string) {
    this.#http = http;
    this.#sessionId = sessionId;
  }

  async ask(query: string, { context, priority, signal, onProgress, onAccepted }: QueryOptions = {}): Promise<QueryAnswer> {
    signal?.throwIfAborted();
    if (this.#end) throw this.#end;
    this.#asking += 1;
    this.#early ??= [];
    let answer: Promise<QueryAnswer>;
    try {
      const { status, body } = await this.#http.ask('POST', '/query', {
        body: { session_id: this.#sessionId, query, context, priority }, headers: { Prefer: 'respond-async' }, signal,
      });
      onAccepted?.(body.query_id);
      if (status !== 202) return body;
      answer = this.#follow(body.query_id, query, signal, onProgress);
    } finally {
      this.#asking -= 1;
      if (this.#asking === 0) this.#early = undefined;
    }
    return answer;
  }

  hear(event: SessionEvent): void {
    if (event.type !== 'session.query_progress' && event.type !== 'session.query_result') return;
    const id = event.request_id ?? '';
    const waiting = this.#waiting.get(id);
    if (!waiting) {
      if (this.#early && this.#early.length < earlyEventsMax) this.#early.push(event);
    } else if (event.type === 'session.query_progress') {
      waiting.text += event.data.text;
      waiting.onProgress?.(event.data.text, waiting.text);
    } else {
      this.#waiting.delete(id);
      const { result, is_error: isError } = event.data;
      if (isError) waiting.reject(new SojournError(result.code ?? 'failed', result.error ?? 'the query failed', { body: result }));
      else waiting.resolve({ query_id: id, session_id: this.#sessionId, ...result });
    }
  }

  /** Events are missing, maybe an answer among them: asks for each that is awaited. */
  gap(): void {
    for (const [id, waiting] of this.#waiting) {
      this.#http.ask('GET', queryPath(id)).then(({ status, body }) => { if (status !== 202 && status !== 403) waiting.resolve(body); }, waiting.reject);
    }
  }

  end(problem: SojournError): void {
    this.#end = problem;
    for (const waiting of this.#waiting.values()) waiting.reject(problem);
  }

  // Has taken the early events when it returns.
  async #follow(id: string, query: string, signal: AbortSignal | undefined, onProgress: QueryOptions['onProgress']): Promise<QueryAnswer> {
    const cancel = () => {
      this.#waiting.get(id)?.reject(signal!.reason);
      this.#http.ask('DELETE', queryPath(id)).catch(() => {});
    };
    try {
      return await new Promise<QueryAnswer>((resolve, reject) => {
        if (this.#end) return reject(this.#end);
        const found = (answer: QueryAnswer) => resolve({ ...answer, query });
        this.#waiting.set(id, { text: '', onProgress, resolve: found, reject });
        for (const event of this.#early ?? []) if (event.request_id === id) this.hear(event);
        signal?.addEventListener('abort', cancel);
        if (signal?.aborted) cancel();
      });
    } finally {
      this.#waiting.delete(id);
      signal?.removeEventListener('abort', cancel);
    }
  }
}

const queryPath = (id: string): string => `/query/${encodeURIComponent(id)}`;
