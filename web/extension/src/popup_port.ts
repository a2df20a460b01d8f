// What the background tells the popup and what the popup may ask of it.
import type { ConnectionState } from 'sojourn-client/connection';
import type { LogLine } from './log';

export const portName = 'popup';

/** Sent at once when the popup opens and after each change. */
export interface View {
  state: ConnectionState;
  log: LogLine[];
  address: string;
  /** Set while the address that a person chose, or that came with the extension, cannot be used. */
  problem?: string;
}

export type Wish = 'reconnect' | 'disconnect';

export const statusWords = {
  connected: 'Connected', connecting: 'Connecting', disconnected: 'Disconnected', waiting: 'Waiting for server',
} as const satisfies Record<ConnectionState['status'], string>;
