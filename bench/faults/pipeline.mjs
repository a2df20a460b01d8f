// Many requests on few connections, so many of them under way at once: what one client alone can't ask of a server.

import { connect } from 'node:net';
import { once } from 'node:events';

// Asks for each of `requests` ({ method, path, body }) and gives the bodies of the answers, in order; all must be 2xx.
export async function askAll(port, requests, { connections = 8, window = 64 } = {}) {
  const answers = new Array(requests.length);
  let next = 0;
  const run = async () => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const under_way = [];
    const failed = new Promise((_, reject) => { socket.on('error', reject).on('close', () => reject(new Error('the server closed the connection'))); });
    failed.catch(() => {});
    const fill = () => {
      let text = '';
      while (under_way.length < window && next < requests.length) {
        const { method = 'GET', path, body } = requests[next];
        text += `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${body === undefined ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`}\r\n${body ?? ''}`;
        under_way.push(next);
        next += 1;
      }
      if (text !== '') socket.write(text);
    };
    let rest = '';
    const done = new Promise((resolve, reject) => {
      socket.on('data', (bytes) => {
        rest += bytes.toString('latin1');
        for (let at; (at = rest.indexOf('\r\n\r\n')) >= 0;) {
          const length = Number(/\r\ncontent-length: (\d+)/i.exec(rest.slice(0, at))?.[1] ?? 0);
          if (rest.length < at + 4 + length) break;
          const body = Buffer.from(rest.slice(at + 4, at + 4 + length), 'latin1').toString('utf8');
          if (rest[9] !== '2') { reject(new Error(`${rest.slice(0, 12)} ${body}`)); return; }
          answers[under_way.shift()] = body === '' ? null : JSON.parse(body);
          rest = rest.slice(at + 4 + length);
        }
        if (under_way.length * 2 <= window) fill();
        if (under_way.length === 0) resolve();
      });
    });
    fill();
    if (under_way.length > 0) await Promise.race([done, failed]);
    socket.destroy();
  };
  await Promise.all(Array.from({ length: Math.min(connections, requests.length) }, run));
  return answers;
}

export async function makeSessions(port, count) {
  const made = await askAll(port, Array.from({ length: count }, () => ({ method: 'POST', path: '/api/v1/sessions', body: '{}' })));
  return made.map(({ session_id: id }) => id);
}

// The log of a session behind a place: { events, gap }.
export async function readLog(port, id, since) {
  const events = [];
  for (;;) {
    const [page] = await askAll(port, [{ path: `/api/v1/sessions/${id}/events?limit=1000${since === undefined ? '' : `&since=${since}`}` }]);
    if (page.gap) return { events, gap: true };
    events.push(...page.events);
    if (page.events.length < 1000) return { events, gap: false };
    since = page.cursor;
  }
}
