// Who hears the events of a session: callbacks, and readers that take them one by one.
// Invariant: a reader gets every event of its types once and in order, or one gap where its buffer was full.
import { SojournError } from './errors';
import type { EventsOptions, GapEvent, SessionEvent } from './types';

export const bufferedEvents = 1000;

interface Reader {
  types: Set<string> | undefined;
  max: number;
  buffer: SessionEvent[];
  /** There may be something to do for it. */
  wake(): void;
}

export class Listeners {
  #byType = new Map<string, Set<(event: SessionEvent) => void>>();
  #readers = new Set<Reader>();
  #end: { error: Error | undefined } | undefined;

  on(type: string, heard: (event: SessionEvent) => void): () => void {
    const set = this.#byType.get(type) ?? new Set();
    this.#byType.set(type, set.add(heard));
    return () => { set.delete(heard); };
  }

  /** Begins at once, also if the first event is asked for later. */
  events({ types, buffer = bufferedEvents, ...how }: EventsOptions = {}): AsyncIterableIterator<SessionEvent> {
    const reader: Reader = { types: types && new Set([...types, 'session.gap']), max: Math.max(2, buffer), buffer: [], wake() {} };
    this.#readers.add(reader);
    return this.#read(reader, how);
  }

  emit(event: SessionEvent): void {
    for (const { types, max, buffer, wake } of this.#readers) {
      if (types?.has(event.type) === false) continue;
      buffer.push(event);
      if (buffer.length > max) dropOldest(buffer);
      wake();
    }
    callEach(this.#byType.get(event.type) ?? [], event);
    callEach(this.#byType.get('*') ?? [], event);
  }

  end(error: Error | undefined): void {
    this.#end = { error };
    for (const { wake } of this.#readers) wake();
  }

  async* #read(reader: Reader, { signal, throwOnGap }: EventsOptions): AsyncGenerator<SessionEvent> {
    const stop = () => reader.wake();
    signal?.addEventListener('abort', stop);
    try {
      while (!signal?.aborted) {
        const event = reader.buffer.shift();
        if (event?.type === 'session.gap' && throwOnGap) throw new SojournError('gap', 'events are missing', { body: event });
        if (event) yield event;
        else if (this.#end?.error) throw this.#end.error;
        else if (this.#end) return;
        else await new Promise<void>((resolve) => { reader.wake = resolve; });
      }
    } finally {
      signal?.removeEventListener('abort', stop);
      this.#readers.delete(reader);
    }
  }
}

/** Calls all of them; what one throws is reported as an uncaught error and keeps nothing from the others. */
export function callEach<Heard extends unknown[]>(listeners: Iterable<(...heard: Heard) => void>, ...heard: Heard): void {
  for (const listener of [...listeners]) {
    try {
      listener(...heard);
    } catch (error) {
      queueMicrotask(() => { throw error; });
    }
  }
}

// Two make room for the gap, or the gap that is there and one more.
function dropOldest(buffer: SessionEvent[]): void {
  const [first] = buffer as [GapEvent];
  const before = first.type === 'session.gap' ? first.dropped ?? 1 : 1;
  const gap: GapEvent = { type: 'session.gap', dropped: before + 1 };
  buffer.splice(0, 2, gap);
}
