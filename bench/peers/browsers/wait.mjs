export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Until `isSo` gives true; throws when it does not in time. */
export async function until(isSo, ms) {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(30)) if (await isSo()) return;
  throw new Error(`not so within ${ms} ms`);
}
