// What a page of the extension asks of the background, and how.
// Invariant: an answer always comes; a worker that can't be reached is an error like any other.

export type BackgroundMessage =
  /** `check` has the server asked whether it still knows the session, however fresh it is. */
  | { action: 'getSessionId'; check?: boolean }
  | { action: 'clearSession' };

export interface SessionReady {
  status: 'success';
  sessionId: string;
  /** True if the server found the session that this browser had before. */
  sessionResumed: boolean;
  message: string;
}

export interface Failure {
  status: 'error';
  message: string;
}

export type Cleared = { status: 'success'; message: string };

export function sendMessageToBackground(message: { action: 'getSessionId'; check?: boolean }): Promise<SessionReady | Failure>;
export function sendMessageToBackground(message: { action: 'clearSession' }): Promise<Cleared | Failure>;
export async function sendMessageToBackground(message: BackgroundMessage): Promise<SessionReady | Cleared | Failure> {
  try {
    const reply: SessionReady | Cleared | Failure | undefined = await chrome.runtime.sendMessage(message);
    return reply ?? { status: 'error', message: 'The background did not answer.' };
  } catch (error) {
    return { status: 'error', message: `The background cannot be reached: ${error instanceof Error ? error.message : String(error)}` };
  }
}
