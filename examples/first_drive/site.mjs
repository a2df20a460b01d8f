// Serves the pages of examples/pages on a free port of the loopback interface: files of that folder, read only.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../pages/', import.meta.url));
const types = { '.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };

async function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://localhost');
  const name = pathname === '/' ? 'catalog.html' : pathname.slice(1);
  const type = types[path.extname(name)];
  try {
    if (!type || name !== path.basename(name)) throw new Error('not one of the pages');
    const body = await readFile(path.join(folder, name));
    response.writeHead(200, { 'Content-Type': type, 'X-Content-Type-Options': 'nosniff' }).end(body);
  } catch {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('Not found\n');
  }
}

/** Resolves to {address, close()}; the address has no slash at its end. */
export function openSite() {
  const server = createServer(answer);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const close = () => { server.closeAllConnections?.(); server.close(); };
      resolve({ address: `http://127.0.0.1:${server.address().port}`, close });
    });
  });
}
