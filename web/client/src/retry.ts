// When to try again: one automatic retry soon after a loss, then a quiet attempt now and then.
// Invariant: `retryCount` never exceeds `retriesMax`, and a stopped policy moves only on an explicit restart.
// Pure: no clock, no socket; the caller does what the returned step says.

export const retriesMax = 1;
export const retryDelayMs = 5_000;
export const quietDelayMs = 60_000;

/** What a person is shown. */
export type Status = 'connected' | 'connecting' | 'disconnected' | 'waiting';

/** Why a connection is not wanted: a person said so, or the server ended the session. */
export type StopReason = 'user' | 'server';

export interface RetryState {
  status: Status;
  retryCount: number;
  stopped?: StopReason;
}

export type RetryEvent =
  /** A socket is wanted unless something stopped it: at load, when a delay is over, when a worker wakes. */
  | 'start'
  /** A person asks for a new connection. */
  | 'restart'
  | 'opened'
  | 'lost'
  | 'ended-by-server'
  /** A person asks for no connection. */
  | 'stop';

export type Step = { do: 'open' } | { do: 'open-later'; delayMs: number } | { do: 'nothing' };

export const initialState: RetryState = { status: 'disconnected', retryCount: 0 };

const nothing: Step = { do: 'nothing' };

export function advance(state: RetryState, event: RetryEvent): { state: RetryState; step: Step } {
  switch (event) {
    case 'start':
      if (state.stopped) return { state, step: nothing };
      return { state: { ...state, status: state.status === 'waiting' ? 'waiting' : 'connecting' }, step: { do: 'open' } };
    case 'restart':
      return { state: { status: 'connecting', retryCount: 0 }, step: { do: 'open' } };
    case 'opened':
      return { state: { status: 'connected', retryCount: 0 }, step: nothing };
    case 'lost':
      return afterLoss(state);
    case 'ended-by-server':
      return { state: { status: 'disconnected', retryCount: 0, stopped: 'server' }, step: nothing };
    case 'stop':
      return { state: { status: 'disconnected', retryCount: 0, stopped: 'user' }, step: nothing };
  }
}

function afterLoss(state: RetryState): { state: RetryState; step: Step } {
  if (state.stopped) return { state, step: nothing };
  if (state.retryCount < retriesMax) {
    return { state: { status: 'connecting', retryCount: state.retryCount + 1 }, step: { do: 'open-later', delayMs: retryDelayMs } };
  }
  return { state: { status: 'waiting', retryCount: state.retryCount }, step: { do: 'open-later', delayMs: quietDelayMs } };
}
