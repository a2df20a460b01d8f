// Hostile clients of Engine.IO and Socket.IO: what once brought other servers down or filled their memory.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before } from 'node:test';
import {
  address, ask, assertServes, eventually, joinNamespace, openPolling, openSocketIo, openWebSocket, ours, rawAnswer, rawEngine, sleep,
  startConformance, unharmedTest, upgraded,
} from './conformance_stage.mjs';
import { closePayload, frame, rawSocket, upgradeRequest } from './harness.mjs';

const message_bytes_max = 1_000_000;
const heartbeat = { interval: 300, timeout: 1500 }; // more patient than the profile: these tests keep a machine busy
const startServer = () => startConformance('--ping', `${heartbeat.interval}/${heartbeat.timeout}`);
const before_connect_bytes_max = 16 * 1024;
let server;
before(async () => {
  server = await startServer();
  await assertServes(server);
  await sleep(50);
});
after(() => server?.stop());
const hostile = (name, body, options) => unharmedTest(name, async () => {
  if (!server.alive()) server = await startServer(); // a test before this one has failed, and it alone
  return server;
}, body, options);

const placeholder = (num) => ({ _placeholder: true, num });

/** Does `work(i)` for each of `count`, `at_once` at a time. */
async function each(count, at_once, work) {
  let next = 0;
  await Promise.all(Array.from({ length: at_once }, async () => {
    while (next < count) await work(next++);
  }));
}

/** Memory is never more than so many MiB above what it was before `work`. */
async function assertMemory(mib_max, work) {
  server.forgetPeak();
  const before_kb = server.memoryKb();
  await work();
  const grown = (server.memoryKb('VmHWM') - before_kb) / 1024;
  assert.ok(grown <= mib_max, `memory has grown by ${grown.toFixed(1)} MiB, ${mib_max} at most`);
}

hostile('10,000 bodies of bytes that are none are all answered', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  const seen = new Map();
  await assertMemory(64, () => each(10000, 32, async () => {
    const handshake = await ask(server, address('/engine.io/', { EIO: 4, transport: 'polling' }), { agent, ms: 10000 });
    const { sid } = JSON.parse(handshake.text.slice(1));
    const answer = await ask(server, address('/engine.io/', { EIO: 4, transport: 'polling', sid }), {
      method: 'POST', body: Buffer.from([0, 255, 1]), headers: { 'Content-Type': 'application/octet-stream' }, agent, ms: 10000,
    });
    seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
  }));
  agent.destroy();
  assert.deepEqual([...seen], [[400, 10000]]);
});

const openings = {
  'a polling handshake': () => `GET ${address('/socket.io/', { EIO: 4, transport: 'polling', t: 'x'.repeat(150) })} HTTP/1.1\r\nHost: here\r\n\r\n`,
  'a POST of polling': async () => {
    const { target } = await openPolling(server, { mount: '/socket.io/' });
    return `POST ${target} HTTP/1.1\r\nHost: here\r\nContent-Type: text/plain\r\nContent-Length: 202\r\n\r\n40{"a":"${'x'.repeat(192)}"}`;
  },
  'a poll that waits': async () => {
    const { target } = await openPolling(server, { mount: '/socket.io/', query: { t: 'x'.repeat(150) } });
    return `GET ${target} HTTP/1.1\r\nHost: here\r\n\r\n`;
  },
  'a WebSocket handshake': () => upgradeRequest(server.port, { target: address('/socket.io/', { EIO: 4, transport: 'websocket', t: 'x'.repeat(50) }) }),
  'an upgrade': async () => {
    const { sid } = await openPolling(server, { mount: '/socket.io/' });
    return upgradeRequest(server.port, { target: address('/socket.io/', { EIO: 4, transport: 'websocket', sid }) });
  },
};

for (const [what, bytesOf] of Object.entries(openings)) {
  hostile(`${what} may be cut or reset at each of its first 200 bytes`, async (t) => {
    const bytes = await bytesOf();
    assert.ok(bytes.length >= 200, `${bytes.length} bytes`);
    await each(2 * 201, 8, async (i) => {
      const at = i >> 1;
      const raw = await t.connect();
      raw.send((at % 20 === 0 ? await bytesOf() : bytes).slice(0, at));
      await sleep(at % 4);
      if (i % 2 === 0) raw.reset(); else raw.end();
    });
  });
}

hostile('a WebSocket may be reset at each of the first 200 bytes of its upgrade and its first event', async (t) => {
  const packets = [frame(1, '2probe'), frame(1, '5'), frame(1, '40{"token":"x"}'), frame(1, `451-["message",{"_placeholder":true,"num":0}]`), frame(2, 'x'.repeat(200))];
  const bytes = Buffer.concat(packets);
  await each(201, 8, async (at) => {
    const { sid } = await openPolling(server, { mount: '/socket.io/' });
    const raw = await t.connect();
    raw.send(upgradeRequest(server.port, { target: address('/socket.io/', { EIO: 4, transport: 'websocket', sid }) }));
    await raw.waitFor(() => raw.text().includes('\r\n\r\n'), 'the upgrade');
    raw.send(bytes.subarray(0, at));
    await sleep(at % 4);
    raw.reset();
  });
});

const floods = [
  '451000000-["message"]',
  `451000000-["message",${JSON.stringify(placeholder(0))}]`,
  '461000000-1["message"]',
  '4599999999999999999999999999-["message"]',
  '45-1-["message"]',
  '451e9-["message"]',
  `4511-["message",${Array.from({ length: 11 }, (none, i) => JSON.stringify(placeholder(i))).join()}]`,
];

for (const packet of floods) {
  hostile(`${packet.slice(0, 40)} closes the connection, and nothing is kept for it`, async (t) => {
    await assertMemory(16, () => each(200, 8, async () => {
      const wire = await openSocketIo(t, server);
      wire.send(packet);
      await wire.closes();
    }));
  });
}

hostile('1,000 announcements of a million attachments over polling end their sessions', async () => {
  await assertMemory(16, () => each(1000, 8, async () => {
    const polling = await openPolling(server, { mount: '/socket.io/' });
    await polling.send('40');
    await polling.messages(2);
    await polling.post('451000000-["message"]');
    await polling.assertEnds();
  }));
});

hostile('an event that announces no attachments waits for none', async (t) => {
  const wire = await openSocketIo(t, server);
  wire.send('450-["message","at once"]');
  wire.send('42["message","next"]');
  const answer = await Promise.race([wire.closed.then(() => 'closed'), wire.inbox.next('an answer', 3000)]);
  if (answer === undefined || answer === 'closed') return; // refused, which is as well
  assert.equal(answer, '42["message-back","at once"]');
  assert.equal(await wire.next(), '42["message-back","next"]');
});

hostile('ten attachments are carried', async (t) => {
  const wire = await openSocketIo(t, server);
  const numbers = Array.from({ length: 10 }, (none, i) => i);
  wire.send(`4510-${JSON.stringify(['message', ...numbers.map(placeholder)])}`);
  for (const number of numbers) wire.send(Buffer.from([number]));
  assert.equal(await wire.next(), `4510-${JSON.stringify(['message-back', ...numbers.map(placeholder)])}`);
  for (const number of numbers) assert.deepEqual(await wire.next(), Buffer.from([number]));
});

hostile('attachments are no way around the size of a message', async (t) => {
  const wire = await openSocketIo(t, server);
  wire.send(`4510-${JSON.stringify(['message', ...Array.from({ length: 10 }, (none, i) => placeholder(i))])}`);
  for (let i = 0; i < 10; i += 1) wire.send(Buffer.alloc(150_000));
  await wire.closes();
}, ours);

hostile('what is begun and never finished does not stay: attachments, an upgrade, a body', async (t) => {
  const late_ms = 18000; // the longest of these, a body's, is 15 s
  const waiting = await openSocketIo(t, server);
  waiting.send(`451-${JSON.stringify(['message', placeholder(0)])}`);

  const polling = await openPolling(server);
  const silent = await openWebSocket(t, server, { sid: polling.sid });
  const probed = await openPolling(server);
  const pongs = setInterval(() => { for (const kept of [polling, probed]) kept.post('3').catch(() => {}); }, 100);
  t.after(() => clearInterval(pongs));
  const undecided = await openWebSocket(t, server, { sid: probed.sid });
  undecided.send('2probe');

  const slow = await openPolling(server);
  const raw = await t.connect();
  raw.send(`POST ${slow.target} HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n4x`);

  const ends = await Promise.allSettled([
    waiting.closes(late_ms, 'attachments are given up'),
    silent.closes(late_ms, 'an upgrade without a probe is given up'),
    undecided.closes(late_ms, 'an upgrade after its probe is given up'),
    eventually(() => raw.ended || raw.closed || rawAnswer(raw), 'a body is given up', late_ms),
  ]);
  assert.deepEqual(ends.filter(({ reason }) => reason).map(({ reason }) => reason.message), []);
  for (const kept of [polling, probed]) assert.equal((await kept.post('4still here')).status, 200);
}, ours);

hostile('one that has not said CONNECT is heard for 16 KiB', async (t) => {
  const long = await openWebSocket(t, server, { mount: '/socket.io/' });
  long.send(`40${JSON.stringify({ token: 'x'.repeat(before_connect_bytes_max) })}`);
  await long.closes(700); // before the time for CONNECT is over
  assert.deepEqual(long.inbox.items, [undefined], 'nothing was said');

  const many = await openWebSocket(t, server, { mount: '/socket.io/' });
  for (let i = 0; i < 40; i += 1) many.send(`40/${'n'.repeat(500)}${i}`);
  await many.closes(700);

  const polling = await openPolling(server, { mount: '/socket.io/' });
  await polling.post(`40${JSON.stringify({ token: 'x'.repeat(before_connect_bytes_max) })}`);
  await polling.assertEnds();
}, ours);

hostile('one that has said CONNECT is heard for more than 16 KiB, and may have said 10', async (t) => {
  const wire = await openWebSocket(t, server, { mount: '/socket.io/' });
  await joinNamespace(wire, '/', { token: 'x'.repeat(10 * 1024) });
  const text = 'y'.repeat(100_000);
  wire.send(`42["message","${text}"]`);
  assert.equal(await wire.next(), `42["message-back","${text}"]`);
});

hostile('a message above the largest size closes the WebSocket with 1009', async (t) => {
  const text = await openWebSocket(t, server);
  text.send(`4${'x'.repeat(message_bytes_max)}`);
  assert.equal(await text.closes(), 1009);
  const binary = await openWebSocket(t, server);
  binary.send(Buffer.alloc(message_bytes_max + 1));
  assert.equal(await binary.closes(), 1009);
});

hostile('a message of the largest size is carried', async (t) => {
  const wire = await openWebSocket(t, server);
  const text = `4${'x'.repeat(message_bytes_max - 1)}`;
  wire.send(text);
  assert.ok(await wire.next() === text);
});

hostile('frames that only announce a size cost nothing', async () => {
  await assertMemory(16, () => each(200, 8, async (i) => {
    const raw = await rawEngine(server);
    raw.send(frame(i % 2 + 1, 'x', { lengthBytes: 8, length: i % 4 < 2 ? 999_999 : 2 ** 40 }));
    await sleep(5);
    raw.reset();
  }));
});

hostile('messages in thousands of fragments cost no more than their bytes', async () => {
  await assertMemory(32, () => each(20, 4, async () => {
    const raw = await rawEngine(server);
    const pieces = Array.from({ length: 20000 }, (none, i) => frame(i === 0 ? 1 : 0, 'x', { fin: false }));
    raw.send(Buffer.concat(pieces));
    await sleep(50);
    raw.reset();
  }));
}, ours);

hostile('text that is no UTF-8 closes the WebSocket with 1007', async () => {
  const raw = await rawEngine(server);
  raw.send(frame(1, Buffer.from([0x34, 0xc3, 0x28])));
  await raw.readUntilClose();
  const close = raw.frames().find(({ opcode }) => opcode === 8);
  assert.deepEqual(close?.payload.subarray(0, 2), closePayload(1007).subarray(0, 2));
});

hostile('JSON as deep as a message can be is refused at once', async (t) => {
  for (const [open, close] of [['[', ']'], ['{"a":', '}']]) {
    const wire = await openSocketIo(t, server);
    const depth = Math.floor(900_000 / (open.length + close.length));
    const began = Date.now();
    wire.send(`42["message",${open.repeat(depth)}1${close.repeat(depth)}]`);
    await wire.closes();
    assert.ok(Date.now() - began < 1000);
  }
  const wire = await openSocketIo(t, server);
  wire.send(`42["message",${'['.repeat(900_000)}`);
  await wire.closes();
  const early = await openWebSocket(t, server, { mount: '/socket.io/' });
  early.send(`40${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`);
  await early.closes(700);
}, ours);

hostile('JSON of an honest depth comes back', async (t) => {
  const wire = await openSocketIo(t, server);
  const deep = `${'['.repeat(40)}1${']'.repeat(40)}`;
  wire.send(`42["message",${deep}]`);
  assert.equal(await wire.next(), `42["message-back",${deep}]`);
});

hostile('polls on top of each other are all answered', async () => {
  await each(50, 4, async () => {
    const polling = await openPolling(server);
    const answers = await Promise.all(Array.from({ length: 8 }, () => polling.get()));
    assert.ok(answers.every(({ status }) => status === 200 || status === 400), answers.map(({ status }) => status).join());
    assert.ok(answers.filter(({ status }) => status === 400).length >= 6);
    await polling.assertGone();
  });
});

hostile('bodies that overlap are taken in the order in which they are whole', async (t) => {
  const polling = await openPolling(server);
  const raw = await t.connect();
  raw.send(`POST ${polling.target} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\n4he`);
  await sleep(30);
  assert.equal((await polling.post('4second')).status, 200);
  raw.send('llo');
  await eventually(() => rawAnswer(raw), 'an answer');
  assert.equal(rawAnswer(raw).status, 200);
  assert.deepEqual(await polling.messages(2), ['4second', '4hello']);
});

hostile('long names are refused or ignored, and never kept', async (t) => {
  const inQuery = await ask(server, address('/engine.io/', { EIO: 4, transport: 'polling', sid: 'x'.repeat(6000) }));
  assert.equal(inQuery.status, 400);
  const tooLong = await ask(server, address('/engine.io/', { EIO: 4, transport: 'polling', sid: 'x'.repeat(200_000) })).catch(() => ({ status: 0 }));
  assert.ok([0, 400, 414, 431].includes(tooLong.status), `${tooLong.status}`);

  const namespace = `/${'n'.repeat(8000)}`;
  const unknown = await openWebSocket(t, server, { mount: '/socket.io/' });
  unknown.send(`40${namespace}`);
  assert.equal(await unknown.next(), `44${namespace},{"message":"Invalid namespace"}`);

  const event = await openSocketIo(t, server);
  event.send(`42["${'e'.repeat(500_000)}"]`);
  event.send('42["message"]');
  assert.equal(await event.next(), '42["message-back"]');
  event.send(`42/${'n'.repeat(500_000)},["message"]`);
  await event.closes();

  for (const digits of [25, 100, 500_000]) {
    const numbered = await openSocketIo(t, server);
    numbered.send(`42${'9'.repeat(digits)}["message-with-ack"]`);
    await numbered.closes();
  }
}, ours);

hostile('10,000 refused namespaces of one client leave nothing behind', async (t) => {
  const wire = await openSocketIo(t, server);
  await assertMemory(24, async () => {
    for (let i = 0; i < 10000; i += 500) {
      for (let j = i; j < i + 500; j += 1) wire.send(`40/n${j}`);
      for (let j = i; j < i + 500; j += 1) assert.equal(await wire.next(), `44/n${j},{"message":"Invalid namespace"}`);
    }
  });
});

hostile('upgrades with a sid that nobody has are refused, 500 times', async () => {
  await assertMemory(16, () => each(500, 16, async (i) => {
    const raw = await rawSocket(server.port);
    raw.send(upgradeRequest(server.port, { target: address('/engine.io/', { EIO: 4, transport: 'websocket', sid: `none${i}` }) }));
    await raw.readUntilClose();
    assert.match(raw.text(), /^HTTP\/1\.1 400 /);
  }));
});

hostile('an upgrade of somebody else, begun a hundred times, does not disturb the session', async (t) => {
  const { polling, wire } = await upgraded(t, server);
  await each(100, 8, async () => {
    const raw = await t.connect();
    raw.send(upgradeRequest(server.port, { target: address('/engine.io/', { EIO: 4, transport: 'websocket', sid: polling.sid }) }));
    raw.send(Buffer.concat([frame(1, '2probe'), frame(1, '5'), frame(1, '4stolen')]));
    await raw.waitFor(() => raw.ended || raw.closed || raw.text().includes('\x88'), 'the connection ends, or a Close frame');
    assert.doesNotMatch(raw.text(), /3probe|stolen/);
  });
  wire.send('4mine');
  assert.equal(await wire.next(), '4mine');
});

hostile('a client that pings as a server does is closed', async (t) => {
  const wire = await openWebSocket(t, server);
  wire.send('2');
  await wire.closes(heartbeat.interval);
});

hostile('5,000 sessions that are opened and left are gone after their heartbeat', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  await assertMemory(96, async () => {
    let last;
    await each(5000, 32, async () => {
      const answer = await ask(server, address('/socket.io/', { EIO: 4, transport: 'polling' }), { agent, ms: 10000 });
      last = JSON.parse(answer.text.slice(1)).sid;
    });
    await sleep(heartbeat.interval + heartbeat.timeout + 300);
    const { status, text } = await ask(server, address('/socket.io/', { EIO: 4, transport: 'polling', sid: last }));
    assert.ok(status === 400 || /(^|\u001e)1$/.test(text), `${status} ${text}`);
  });
  agent.destroy();
});

hostile('a body of half a million packets is answered, and memory stays', async () => {
  const polling = await openPolling(server);
  await assertMemory(64, async () => {
    const { status } = await polling.post(Array.from({ length: 499_999 }, () => '4').join('\u001e'), { ms: 10000 });
    assert.ok([200, 400].includes(status), `${status}`);
    await polling.post('1');
  });
}, ours);

hostile('one that sends to a session and never polls is cut off before it fills memory', async () => {
  const polling = await openPolling(server);
  const body = `4${'x'.repeat(100_000)}\u001e3`;
  let sent = 0;
  await assertMemory(80, async () => {
    while (sent < 600 && (await polling.post(body)).status === 200) sent += 1;
  });
  assert.ok(sent < 600, `${sent} bodies of 100 KB wait for a poll`);
  await polling.assertGone();
}, ours);

hostile('a WebSocket that sends and never reads is cut off before it fills memory, and others are served', async (t) => {
  const raw = await rawEngine(server);
  t.after(() => raw.destroy());
  raw.socket.pause();
  const message = frame(1, `4${'x'.repeat(100_000)}`);
  const pong = frame(1, '3');
  const began = Date.now();
  await assertMemory(80, async () => {
    let slowest = 0;
    while (!raw.closed && !raw.socket.destroyed && Date.now() - began < 15000) {
      raw.send(pong);
      for (let i = 0; i < 10 && raw.socket.writableLength < 1_000_000; i += 1) raw.send(message);
      const asked = Date.now();
      await assertServes(server);
      slowest = Math.max(slowest, Date.now() - asked);
      await sleep(10);
    }
    assert.ok(slowest < 1000, `another client waited for ${slowest} ms`);
  });
  assert.ok(raw.closed, 'it was cut off');
}, ours);

hostile('polls whose answers are not read hold up nobody', async (t) => {
  const body = `4${'x'.repeat(900_000)}`;
  await assertMemory(96, async () => {
    for (let i = 0; i < 30; i += 1) {
      const polling = await openPolling(server);
      await polling.send(body);
      const raw = await t.connect();
      raw.socket.pause();
      raw.send(`GET ${polling.target} HTTP/1.1\r\nHost: here\r\n\r\n`);
    }
    await assertServes(server);
  });
});
