// Who is in the session: what the greeting listed, and who came and went since.
import type { Frame } from './line';
import type { Member, SessionEvent } from './types';

export class Members {
  readonly #ask: () => Promise<Member[]>;
  /** By connection id; a new map after each change. */
  all: ReadonlyMap<string, Member> = new Map();
  /** What was told while a list was on its way. */
  #meanwhile: SessionEvent[] | undefined;

  /** `ask` fetches the list where a greeting has none. */
  constructor(ask: () => Promise<Member[]>) {
    this.#ask = ask;
  }

  greet(frame: Frame): void {
    const listed = frame['connections'];
    if (Array.isArray(listed)) this.#take(listed as Member[]);
    else if (frame.type === 'session.resumed') void this.#refresh();
    else this.#take([]);
  }

  hear(event: SessionEvent): void {
    if (event.type !== 'session.joined' && event.type !== 'session.left') return;
    this.#meanwhile?.push(event);
    const all = new Map(this.all);
    const { connection_id: id, user } = event.data;
    if (event.type === 'session.left') all.delete(id);
    else if (!all.has(id)) all.set(id, { connection_id: id, user, ...(event.at !== undefined && { since: event.at }) });
    this.all = all;
  }

  #take(list: Member[]): void {
    this.all = new Map(list.map((member) => [member.connection_id, member]));
    const meanwhile = this.#meanwhile ?? [];
    this.#meanwhile = undefined;
    for (const event of meanwhile) this.hear(event);
  }

  // Presence is volatile: nobody repeats who came and went while this connection was away.
  async #refresh(): Promise<void> {
    const meanwhile: SessionEvent[] = (this.#meanwhile = []);
    try {
      const list = await this.#ask();
      if (this.#meanwhile === meanwhile) this.#take(list);
    } catch {
      // Who may not ask, or can't, keeps the old list.
    }
  }
}
