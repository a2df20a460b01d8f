// What was asked and answered in a session, folded from its events and from what this panel itself asked.
// Invariant: one exchange for each query, however often and in whatever order it is told. Pure: no network, no page.
import type { QueryAnswer, SessionEvent } from 'sojourn-client/source';

export type AnswerState = 'waiting' | 'streaming' | 'done' | 'failed' | 'stopped';

export interface Section {
  title: string;
  items: string[];
}

export interface Exchange {
  kind: 'exchange';
  /** Stays the same for as long as the exchange is shown. */
  key: string;
  queryId?: string;
  /** Missing when the log does not go back that far. */
  question?: string;
  answer: string;
  state: AnswerState;
  /** What else the responder gave. */
  sections: Section[];
  /** With `failed`, for a person to read. */
  problem?: string;
}

export interface Remark {
  kind: 'note' | 'error';
  key: string;
  text: string;
}

export type Item = Exchange | Remark;

/** What the log says of a question that was taken back. */
const cancelled = 'the query was cancelled';

export class Conversation {
  items: Item[] = [];
  #lastKey = 0;

  /** A question of this panel's, shown at once. Returns its key. */
  ask(question: string): string {
    return this.#begin({ question }).key;
  }

  /** The server took the question; its events may have come before. */
  accept(key: string, queryId: string): void {
    const own = this.#byKey(key);
    const told = this.#byQuery(queryId);
    if (!own || own === told) return;
    const taken = own.queryId;
    if (taken === undefined) {
      if (told) become(own, contentOf(told));
      this.items = this.items.filter((item) => item !== told);
    } else {
      // Somebody else's query with the same words had been taken for this one: they change places.
      const other = told ?? this.#begin({ question: own.question ?? '' });
      const [mine, theirs] = [contentOf(other), contentOf(own)];
      become(own, mine);
      become(other, theirs);
      other.queryId = taken;
    }
    own.queryId = queryId;
  }

  answer(key: string, answer: Partial<QueryAnswer>): void {
    const own = this.#byKey(key);
    if (own) finish(own, answer);
  }

  fail(key: string, reason: string): void {
    const own = this.#byKey(key);
    if (own) failed(own, reason);
  }

  /** A person did not want the answer any more. */
  stop(key: string): void {
    const own = this.#byKey(key);
    if (own && isOpen(own)) own.state = 'stopped';
  }

  remark(kind: Remark['kind'], text: string): void {
    this.items.push({ kind, key: this.#nextKey(), text });
  }

  /** Takes in one event of the session. Returns whether it changed anything. */
  hear(event: SessionEvent): boolean {
    const { type, request_id: queryId, data } = event;
    if (type === 'session.gap') return this.#note('Earlier messages are not kept any more.');
    if (type === 'session.cleaned') return this.#cleaned();
    if (typeof queryId !== 'string') return false;
    if (type === 'session.query') return this.#asked(queryId, data);
    if (type === 'session.query_progress') return this.#progress(queryId, data);
    if (type === 'session.query_result') return this.#result(queryId, data);
    return false;
  }

  /** Gives up on what was under way, as its events can't come any more. */
  interrupt(reason: string): void {
    for (const item of this.items) if (item.kind === 'exchange' && isOpen(item)) failed(item, reason);
  }

  clear(): void {
    this.items = [];
  }

  #asked(queryId: string, data: any): boolean {
    const question = typeof data?.query === 'string' ? data.query : undefined;
    const known = this.#byQuery(queryId);
    if (known) {
      if (question !== undefined) known.question ??= question;
      return true;
    }
    // The event of an own question may be faster than the answer that names its id.
    const own = this.#exchanges().find((one) => one.queryId === undefined && one.question === question && (isOpen(one) || one.state === 'stopped'));
    if (own) own.queryId = queryId;
    else this.#begin({ queryId, ...(question === undefined ? {} : { question }) });
    return true;
  }

  #progress(queryId: string, data: any): boolean {
    if (typeof data?.text !== 'string') return false;
    const exchange = this.#byQuery(queryId) ?? this.#begin({ queryId });
    if (!isOpen(exchange)) return false;
    exchange.answer += data.text;
    exchange.state = 'streaming';
    return true;
  }

  #result(queryId: string, data: any): boolean {
    const exchange = this.#byQuery(queryId) ?? this.#begin({ queryId });
    const result = data?.result ?? {};
    if (data?.is_error !== true) finish(exchange, result);
    else if (result.error === cancelled && isOpen(exchange)) exchange.state = 'stopped';
    else failed(exchange, String(result.error ?? 'the responder gave no reason'));
    return true;
  }

  #cleaned(): boolean {
    this.items = this.#exchanges().filter(isOpen);
    return this.#note('The session was cleaned: what was said before is gone.');
  }

  #note(text: string): true {
    this.remark('note', text);
    return true;
  }

  #begin(known: { queryId?: string; question?: string }): Exchange {
    const exchange: Exchange = { kind: 'exchange', key: this.#nextKey(), answer: '', state: 'waiting', sections: [], ...known };
    this.items.push(exchange);
    return exchange;
  }

  #nextKey(): string {
    this.#lastKey += 1;
    return `item-${this.#lastKey}`;
  }

  #exchanges(): Exchange[] {
    return this.items.filter((item): item is Exchange => item.kind === 'exchange');
  }

  #byKey(key: string): Exchange | undefined {
    return this.#exchanges().find((one) => one.key === key);
  }

  #byQuery(queryId: string): Exchange | undefined {
    return this.#exchanges().find((one) => one.queryId === queryId);
  }
}

type Content = Pick<Exchange, 'answer' | 'state' | 'sections'> & { problem: string | undefined };

function contentOf({ answer, state, sections, problem }: Exchange): Content {
  return { answer, state, sections, problem };
}

function become(exchange: Exchange, { problem, ...content }: Content): void {
  Object.assign(exchange, content);
  if (problem === undefined) delete exchange.problem;
  else exchange.problem = problem;
}

function isOpen({ state }: Exchange): boolean {
  return state === 'waiting' || state === 'streaming';
}

// The whole answer stands for the pieces that came before it.
function finish(exchange: Exchange, answer: Partial<QueryAnswer>): void {
  exchange.answer = typeof answer.answer === 'string' ? answer.answer : exchange.answer;
  exchange.sections = sectionsOf(answer);
  exchange.state = 'done';
  delete exchange.problem;
}

function failed(exchange: Exchange, reason: string): void {
  if (!isOpen(exchange)) return;
  exchange.state = 'failed';
  exchange.problem = `Failed to process query: ${reason}`;
}

/** What a responder gave beside the text, as lines for a person. What it did not give is not there. */
export function sectionsOf(answer: Partial<QueryAnswer>): Section[] {
  const titled: [string, unknown][] = [
    ['Root cause', answer.root_cause], ['Findings', answer.findings], ['Recommendations', answer.recommendations],
    ['Next steps', answer.next_steps], ['Sources', answer.sources], ['Confidence', confidence(answer.confidence_score)],
  ];
  return titled.map(([title, value]) => ({ title, items: (Array.isArray(value) ? value : [value]).map(lineOf).filter((line) => line !== '') }))
    .filter(({ items }) => items.length > 0);
}

function confidence(score: unknown): string | undefined {
  if (typeof score !== 'number') return undefined;
  return score >= 0 && score <= 1 ? `${Math.round(score * 100)} %` : String(score);
}

const telling = ['text', 'message', 'content', 'description', 'title', 'name', 'url'];

function lineOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'object') return String(value);
  const member = telling.map((name) => (value as Record<string, unknown>)[name]).find((one) => typeof one === 'string' && one !== '');
  return typeof member === 'string' ? member : JSON.stringify(value);
}

export interface Block {
  kind: 'text' | 'code';
  text: string;
}

/** Splits an answer at its lines of ``` into text and code. A fence that is still open ends with the text. */
export function blocksOf(answer: string): Block[] {
  const blocks: Block[] = [];
  let kind: Block['kind'] = 'text';
  let lines: string[] = [];
  const flush = () => {
    const text = kind === 'code' ? lines.join('\n') : lines.join('\n').replace(/^\n+|\s+$/g, '');
    if (text !== '') blocks.push({ kind, text });
    lines = [];
  };
  for (const line of answer.split('\n')) {
    if (/^\s*```/.test(line)) {
      flush();
      kind = kind === 'text' ? 'code' : 'text';
    } else {
      lines.push(line);
    }
  }
  flush();
  return blocks;
}
