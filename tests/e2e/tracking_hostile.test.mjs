// Hostile members of shared sessions: who vanishes at the worst moment, says what is no protocol, or asks for too much.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { eventually, frame, hostileTest, parseFrames, rawSocket, sleep, start, upgradeRequest } from './harness.mjs';
import { as, createSession, join, nobody, postEvent, tokenOf, watch } from './tracking_stage.mjs';

let server;
let fds;
let token;
before(async () => {
  server = await start();
  token = await tokenOf(server);
  await server.get('/sessions');
  await sleep(50);
  fds = server.fdCount();
});
after(() => server?.stop());
const hostile = (name, body) => hostileTest(name, () => ({ server, fds }), body);

/** Handshakes that are let in, refused before and refused after, and an event stream. */
async function openings() {
  const { session_id: id } = await createSession(server);
  const { session_id: gone } = await createSession(server);
  const mint = async (session) => (await server.post(`/api/v1/sessions/${session}/tokens`, {}, await as(server))).json.token;
  const [guest, orphan] = [await mint(id), await mint(gone)];
  await server.del(`/api/v1/sessions/${gone}`, await as(server));
  const upgrade = (target) => upgradeRequest(server.port, { target });
  return [
    upgrade('/ws/session'), upgrade('/ws/session?token=wrong'), upgrade(`/ws?token=${token}`), upgrade(`/ws?token=${token}&session_id=${id}`), upgrade(`/ws?token=${token}&session_id=${nobody}`),
    upgrade(`/ws?token=${guest}`), upgrade(`/ws?token=${orphan}`), upgrade(`/api/v1/sessions/${id}/stream?token=${token}`), upgrade(`/api/v1/sessions/${nobody}/stream?token=${token}`),
    upgrade(`/api/v1/sessions/${id}/stream?token=${guest}&since=0`), upgrade(`/api/v1/sessions/${id}/stream?token=wrong`),
    `GET /api/v1/sessions/${id}/events?token=${token}&since=0 HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAccept: text/event-stream\r\n\r\n`,
  ];
}

hostile('who vanishes during or right after a handshake leaves nothing behind', async (t) => {
  const all = await openings();
  for (let round = 0; round < 8; round += 1) {
    await Promise.all(all.map(async (text) => {
      const raw = await rawSocket(server.port);
      t.after(() => raw.destroy());
      raw.send(text);
      if (round % 4 === 1) await new Promise(setImmediate);
      if (round % 4 === 2) await sleep(1);
      if (round % 4 === 3) raw.end(); else raw.reset();
    }));
  }
  await eventually(async () => (await server.get('/sessions')).json.sessions.every(({ connections }) => connections === 0), 'nobody is left');
});

hostile('what comes in one packet with a handshake is read after it, and after a refusal nothing is', async (t) => {
  for (const [n, text] of (await openings()).entries()) {
    const raw = await rawSocket(server.port);
    t.after(() => raw.destroy());
    raw.send(Buffer.concat([Buffer.from(text), frame(1, '{"type":"ping"}'), frame(1, '{"type":"ping"}')]));
    await raw.waitFor(() => raw.received().includes('\r\n\r\n'), `an answer to opening ${n}`);
    if (!raw.text().startsWith('HTTP/1.1 101')) continue;
    const frames = () => parseFrames(raw.received().subarray(raw.received().indexOf('\r\n\r\n') + 4));
    const said = ({ opcode, payload }) => (opcode === 8 ? `close ${payload.readUInt16BE()}` : JSON.parse(payload.toString()).type);
    await raw.waitFor(() => frames().some((each) => said(each) === 'close 1008') || frames().filter((each) => said(each) === 'pong').length === 2, `two pongs or a close to opening ${n}`);
    const heard = frames().map(said);
    if (heard.includes('close 1008')) assert.deepEqual(heard, ['close 1008'], 'nothing is served to who is refused');
    else assert.ok(['connected', 'session.snapshot', 'session.resumed'].includes(heard[0]), heard.join());
  }
});

hostile('who is refused after the handshake is let go even when it never answers the Close frame', async (t) => {
  for (const target of ['/ws/session', '/ws/session?token=wrong']) {
    const raw = await rawSocket(server.port, { allowHalfOpen: true });
    t.after(() => raw.destroy());
    raw.send(upgradeRequest(server.port, { target }));
    await raw.readUntilClose(8000);
  }
});

hostile('a thousand joins and leaves, half of them without a goodbye, leave the session as it was', async (t) => {
  const owner = await join(t, server);
  for (let round = 0; round < 20; round += 1) {
    const members = await Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 ? join(t, server, { session: owner.id }) : watch(t, server, owner.id))));
    await Promise.all(members.map((member, n) => (n % 4 < 2 ? member.vanish() : member.close(1000))));
  }
  await eventually(async () => (await server.get(`/api/v1/sessions/${owner.id}/connections`)).json.count === 1, 'one is left');
  const { events } = (await server.get(`/api/v1/sessions/${owner.id}/events`)).json;
  assert.deepEqual(events.map(({ type }) => type), ['session.opened'], 'its log has none of it');
});

hostile('messages of every shape on both doors end no connection of another and change nothing by accident', async (t) => {
  const { session_id: id } = await createSession(server, { state: { k: 1 } });
  const [member, stream, witness] = [await join(t, server, { session: id }), await watch(t, server, id), await join(t, server, { session: id })];
  const odd = [null, 0, -1, 1e308, '', 'x', [], [[]], {}, { type: 'ping' }, true, 'x'.repeat(3000), '\u0000', '__proto__', { __proto__: null, a: null }];
  const types = ['ping', 'contextual_update', 'navigate', 'notification', 'get_session_state', 'set_session_state', 'offer', 'client_tool_result', 'get_rates', 'x'];
  let sent = 0;
  for (const type of types) {
    for (const value of odd) {
      for (const body of [{ payload: value }, { data: value, text: value }, { tools: value, queries: value, updates: value }, { tool_call_id: value, result: value, is_error: value, error: value }, { requestId: value, request_id: value, volatile: value }]) {
        for (const one of [member, stream]) one.send({ type, ...body });
        sent += 2;
        if (sent % 100 === 0) await sleep(520); // below the limit of messages a second
      }
    }
  }
  for (const one of [member, stream, witness]) {
    assert.equal(one.ws.readyState, 1);
    await one.settle();
  }
  assert.deepEqual((await server.get(`/api/v1/sessions/${id}/state`)).json.state, { k: 1 });
  await server.del(`/api/v1/sessions/${id}`);
});

hostile('a session that ends while others join, write, read and call in it ends for all of them', async (t) => {
  for (let round = 0; round < 10; round += 1) {
    const { session_id: id } = await createSession(server);
    const headers = await as(server);
    const [caller, tool] = [await join(t, server, { session: id }), await watch(t, server, id)];
    tool.send({ type: 'offer', tools: ['dance'], queries: false, request_id: 'o' });
    await tool.nextOf('offered');
    const work = [
      ...Array.from({ length: 5 }, () => join(t, server, { session: id })), ...Array.from({ length: 5 }, () => watch(t, server, id).catch(() => undefined)),
      ...Array.from({ length: 5 }, () => postEvent(server, id, { type: 'x' }, headers).catch(() => undefined)), ...Array.from({ length: 5 }, () => server.send('PUT', `/api/v1/sessions/${id}/state/k`, '1', headers)),
    ];
    caller.send({ type: 'client_tool_call', tool_name: 'dance', tool_call_id: '1', parameters: {} });
    if (round % 2) await sleep(round);
    assert.equal((await server.del(`/api/v1/sessions/${id}`, headers)).status, 204);
    for (const member of await Promise.all(work)) if (member?.hello?.session_id && member.id !== id) assert.equal(member.hello.reason !== undefined, true, 'who came too late is told');
    await Promise.all([caller.closed, tool.closed]);
    assert.equal((await server.get(`/api/v1/sessions/${id}`, headers)).status, 404);
  }
});
