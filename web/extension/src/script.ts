// The ways in which a caller's code may be meant: an expression, a function body with `return`, or plain statements.
// Pure: which of them compiles is asked of the page.

/** Sources to try in order: the first that compiles is the one to run. Each has `args` in reach; the body and the expression may await. */
export function candidates(code: string, args: unknown): string[] {
  const list = JSON.stringify(Array.isArray(args) ? args : args === undefined || args === null ? [] : args);
  // A line of its own keeps a trailing comment from swallowing what follows.
  return [
    `(async (args) => {\nconst value = (\n${code.replace(/[;\s]+$/, '')}\n);\nreturn typeof value === 'function' ? value(...[].concat(args)) : value;\n})(${list})`,
    `{\nconst args = ${list};\n${code}\n}`,
    `(async (args) => {\n${code}\n})(${list})`,
  ];
}
