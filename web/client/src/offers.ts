// What this member answers for others: calls of tools, and queries.
// Invariant: a query is worked on once at a time, also if a reconnect asks it again.
import type { Frame } from './line';
import type { Answer, Offer, Question, ToolCall } from './types';

/** Pieces that come faster than that go out together. */
export const progressEveryMs = 50;

type Send = (frame: Record<string, unknown>) => void;

export class Offers {
  readonly #send: Send;
  readonly #sendFleeting: Send;
  /** May be replaced at any time. */
  offer: Offer = {};
  #running = new Map<string, AbortController>();

  /** An answer goes out with `send`, which keeps it until there is a connection; progress with the other. */
  constructor(send: Send, sendFleeting: Send) {
    this.#send = send;
    this.#sendFleeting = sendFleeting;
  }

  /** The message that makes the offer; undefined if nothing is offered. */
  get message(): { type: 'offer'; tools: string[]; queries: boolean } | undefined {
    const { tools = {}, queries } = this.offer;
    const names = Object.keys(tools);
    return names.length > 0 || queries ? { type: 'offer', tools: names, queries: queries !== undefined } : undefined;
  }

  hear(frame: Frame): void {
    if (frame.type === 'client_tool_call') void this.#call(frame as unknown as ToolCall);
    if (frame.type === 'query') void this.#answer(frame as unknown as Question);
    if (frame.type === 'query_cancelled') this.#running.get(String(frame['query_id']))?.abort();
  }

  /** Stops all work on queries. */
  end(): void {
    for (const running of this.#running.values()) running.abort();
  }

  async #call(call: ToolCall): Promise<void> {
    const answer = { type: 'client_tool_result', tool_call_id: call.tool_call_id };
    try {
      const tool = Object.hasOwn(this.offer.tools ?? {}, call.tool_name) ? this.offer.tools![call.tool_name]! : undefined;
      if (!tool) throw new Error(`${call.tool_name} is not offered any more`);
      this.#send({ ...answer, result: (await tool(call.parameters, call)) ?? null, is_error: false });
    } catch (error) {
      this.#send({ ...answer, result: { error: textOf(error) }, is_error: true });
    }
  }

  async #answer(question: Question): Promise<void> {
    const id = question.query_id;
    if (this.#running.has(id)) return;
    const running = new AbortController();
    this.#running.set(id, running);
    const result = { type: 'query_result', query_id: id };
    try {
      if (!this.offer.queries) throw new Error('queries are not offered any more');
      const answer = await this.#collect(this.offer.queries({ ...question, signal: running.signal }), id, running.signal);
      if (!running.signal.aborted) this.#send({ ...(typeof answer === 'string' ? { answer } : answer), ...result });
    } catch (error) {
      if (!running.signal.aborted) this.#send({ ...result, error: textOf(error) });
    }
    this.#running.delete(id);
  }

  async #collect(answer: ReturnType<NonNullable<Offer['queries']>>, id: string, signal: AbortSignal): Promise<Answer> {
    if (typeof answer !== 'object' || !(Symbol.asyncIterator in answer)) return answer;
    let [text, unsent] = ['', ''];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      clearTimeout(timer);
      timer = undefined;
      if (!signal.aborted) this.#sendFleeting({ type: 'query_progress', query_id: id, text: unsent });
      unsent = '';
    };
    try {
      for (;;) {
        const { done, value } = await answer.next();
        if (done) {
          if (unsent !== '') flush();
          return value ?? text;
        }
        if (signal.aborted) await answer.return(undefined);
        text += value;
        unsent += value;
        if (unsent !== '') timer ??= setTimeout(flush, progressEveryMs);
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
