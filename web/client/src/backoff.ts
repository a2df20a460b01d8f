// When to come back after a loss, and whether: what the close codes of the native stream mean.
// Pure: no clock, no socket.
import { SojournError } from './errors';
import type { SessionEnd } from './types';

export const backoffBaseMs = 500;
export const backoffMsMax = 30_000;
/** A server can't send a client away for longer than that. */
export const hintMsMax = 300_000;

/**
 * Full jitter: anything up to a bound that doubles with each attempt, so that many who lost the same server come back one by one.
 * With a hint of the server it is that, and the jitter of a first attempt on top.
 */
export function backoffDelay(attempt: number, hintMs: number | undefined, random: () => number): number {
  if (hintMs !== undefined) return Math.min(hintMs, hintMsMax) + random() * backoffBaseMs;
  return random() * Math.min(backoffMsMax, backoffBaseMs * 2 ** Math.min(attempt, 16));
}

/** The milliseconds in the reason of a close, such as "restarting; retry after 5 s". */
export function hintOf(reason: string): number | undefined {
  const [, number, unit] = /\b(?:retry|again|after|in)\D{0,12}?(\d+(?:\.\d+)?) ?(m?s)?\b/i.exec(reason) ?? [];
  return number === undefined ? undefined : Number(number) * (unit === 'ms' ? 1 : 1000);
}

/** A Retry-After in seconds; a date is no use to a clock that may be wrong. */
export function retryAfterMs(header: string | null): number | undefined {
  return header !== null && /^\d+$/.test(header) ? Number(header) * 1000 : undefined;
}

/** How it ended, or nothing if one may come back. `said` is the reason of the session's own last event. */
export function endOf(code: number, reason: string, said: string | undefined): SessionEnd | undefined {
  if (said !== undefined) return { reason: said };
  if (code === 1000) return { reason: 'closed' };
  if (code === 4001) return failure('taken_over', 'a newer connection took over');
  if (code !== 1008 || reason.startsWith('too slow')) return undefined;
  if (reason === 'rate limit') return failure('too_many', 'too many messages at once');
  if (/token/i.test(reason)) return failure('unauthenticated', reason);
  return failure(reason === 'kicked' ? reason : 'forbidden', reason);
}

function failure(code: string, message: string): SessionEnd {
  return { reason: code, error: new SojournError(code, message) };
}
