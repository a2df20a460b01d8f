// The lines that the popup shows: bounded, oldest first.
// Pure: the owner keeps the list.

export const logLinesMax = 200;
const textCharactersMax = 300;

export interface LogLine {
  /** Milliseconds since the epoch. */
  at: number;
  text: string;
}

/** A new list with the line at its end and at most `logLinesMax` lines. */
export function addLine(lines: readonly LogLine[], line: LogLine): LogLine[] {
  const text = line.text.length > textCharactersMax ? `${line.text.slice(0, textCharactersMax)}...` : line.text;
  return [...lines, { at: line.at, text }].slice(-logLinesMax);
}

/** `[HH:MM:SS] text` in local time. */
export function formatLine(line: LogLine): string {
  return `[${formatTime(line.at)}] ${line.text}`;
}

/** `HH:MM:SS` in local time. */
export function formatTime(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** `Feb 24, 2026` in local time; `Never` without a time. */
export function formatDate(at: number | undefined): string {
  if (at === undefined) return 'Never';
  return new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric', year: 'numeric' }).format(at);
}
