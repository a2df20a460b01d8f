// What the first drive prints: numbered steps, each with the curl command that does the same by hand.
// Colours only on a terminal, and not where NO_COLOR is set.

const colourful = process.stdout.isTTY && !process.env.NO_COLOR;
const ink = (code) => (text) => (colourful ? `\x1b[${code}m${text}\x1b[0m` : text);

export const bold = ink('1');
export const dim = ink('2');
export const red = ink('31');
export const green = ink('32');

let steps = 0;

/** One step of the story: what happened and what came of it. */
export function step(what, outcome) {
  steps += 1;
  console.log(`\n${green(String(steps).padStart(2))}  ${bold(what)}${outcome ? `  ${outcome}` : ''}`);
}

export function detail(text) {
  for (const line of text.split('\n')) console.log(`    ${line}`);
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The same request as one can type it. */
export function command(method, url, body) {
  const parts = ['curl'];
  if (method !== 'GET') parts.push('-X', method);
  parts.push(/[^\w./:-]/.test(url) ? quoted(url) : url);
  const lines = [parts.join(' ')];
  if (body !== undefined) lines.push(`  -H 'Content-Type: application/json'`, `  -d ${quoted(JSON.stringify(body))}`);
  detail(dim(lines.join(' \\\n')));
}

/** Rows under columns that are as wide as their widest cell. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) detail(row.map((cell, column) => cell.padEnd(widths[column])).join('   ').trimEnd());
}
