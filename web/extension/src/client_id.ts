// The name by which a server finds this browser's session again, where a page looks for it: `localStorage`.
// Invariant: the extension's own storage has the say, as its worker has no other; the page's copy follows.

export const pageKey = 'faultmaven_client_id';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Hands a name that only the page has to the worker, and keeps both the same from then on. */
export async function keepClientId(): Promise<void> {
  chrome.storage.onChanged.addListener((changes, area) => {
    if (area === 'local' && changes['clientId']) follow(changes['clientId'].newValue);
  });
  const { clientId } = await chrome.storage.local.get('clientId');
  const ofPage = localStorage.getItem(pageKey);
  if (typeof clientId !== 'string' && ofPage !== null && uuid.test(ofPage)) await chrome.storage.local.set({ clientId: ofPage });
  else follow(clientId);
}

function follow(clientId: unknown): void {
  if (typeof clientId === 'string') localStorage.setItem(pageKey, clientId);
  else localStorage.removeItem(pageKey);
}
