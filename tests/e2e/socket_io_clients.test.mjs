// Stock clients of Socket.IO, each over each of its transports, through one list of scenarios.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isElsewhere, patience, startConformance } from './conformance_stage.mjs';
import { client2, client4, python } from './socket_io_adapters.mjs';

// What differs between clients: `auth` is where a CONNECT may carry something; `big` how many messages of 100 KB may
// be on their way at once, since only version 4 keeps its bodies below the size that the server named.
const kinds = {
  'socket.io-client 4': { make: client4, auth: '/', big: 20 },
  'socket.io-client 2': { make: client2, auth: '/custom', big: 5, eio3: true },
  'python-socketio': { make: python, auth: '/', big: 5 },
};

const bytes = Buffer.from([0, 1, 2, 127, 128, 254, 255]);
const texts = ['', 'ascii', 'Zürich', 'Ελληνικά', '日本語', '\u{1f642}\u{1f468}\u200d\u{1f469}', '\u{10ffff}', 'a\u0000b', '\u001e', '"\\/', '\u2028', 'b64:AQID'];

const startFor = (kind) => startConformance(...patience, ...(kind.eio3 ? ['--eio3'] : []));
let servers;
before(async () => { servers = new Map(await Promise.all(Object.values(kinds).map(async (kind) => [kind, await startFor(kind)]))); });
after(() => Promise.all([...servers?.values() ?? []].map((server) => server.stop())));

const asBuffers = (args) => args.map((value) => (value instanceof ArrayBuffer ? Buffer.from(value) : value));

/** Says `count` messages, no more than `window` of them on their way, and sees them come back in their order. */
async function assertOrder(client, count, window, payload) {
  for (let said = 0, back = 0; back < count; back += 1) {
    for (; said < Math.min(count, back + window); said += 1) client.emit('message', said, payload);
    const [number, echoed] = await client.next('message-back', 10000);
    assert.equal(number, back);
    assert.ok(echoed === payload, 'the payload is as it was said');
  }
}

const scenarios = {
  'connects over its transport and is greeted with nothing': async ({ t, connect, how }) => {
    const client = await connect(t);
    assert.deepEqual(await client.next('auth'), [{}]);
    assert.equal(client.transport(), how === 'polling' ? 'polling' : 'websocket');
  },

  'hands over what it has to say for itself': async ({ t, connect, kind }) => {
    const client = await connect(t, { namespace: kind.auth, auth: { token: 'abc', name: 'Zoë' } });
    assert.deepEqual(await client.next('auth'), [{ token: 'abc', name: 'Zoë' }]);
  },

  'gets its event back with its arguments': async ({ t, connect }) => {
    const client = await connect(t);
    const args = [1, 'two', { three: [true, null, 4.5] }, []];
    client.emit('message', ...args);
    assert.deepEqual(await client.next('message-back'), args);
    client.emit('message');
    assert.deepEqual(await client.next('message-back'), []);
  },

  'gets its bytes back': async ({ t, connect }) => {
    const client = await connect(t);
    client.emit('message', bytes, { deep: [Buffer.alloc(0), 'text'] }, Buffer.alloc(70000, 7));
    const [first, { deep }, third] = asBuffers(await client.next('message-back'));
    assert.deepEqual(first, bytes);
    assert.deepEqual(asBuffers(deep), [Buffer.alloc(0), 'text']);
    assert.deepEqual(third, Buffer.alloc(70000, 7));
  },

  'is acknowledged with its arguments': async ({ t, connect }) => {
    const client = await connect(t);
    assert.deepEqual(await client.ask('message-with-ack', 1, { two: ['x'] }), [1, { two: ['x'] }]);
    assert.deepEqual(await client.ask('message-with-ack'), []);
  },

  'is acknowledged with its bytes': async ({ t, connect }) => {
    const client = await connect(t);
    assert.deepEqual(asBuffers(await client.ask('message-with-ack', bytes, 'and text')), [bytes, 'and text']);
  },

  'talks in a namespace': async ({ t, connect }) => {
    const client = await connect(t, { namespace: '/custom' });
    await client.next('auth');
    client.emit('message', 'here');
    assert.deepEqual(await client.next('message-back'), ['here']);
    assert.deepEqual(await client.ask('message-with-ack', bytes, 1).then(asBuffers), [bytes, 1]);
  },

  'is refused in an unknown namespace': async ({ t, connect }) => {
    await assert.rejects(connect(t, { namespace: '/unknown' }), /Invalid namespace/);
  },

  'leaves, and another comes': async ({ t, connect }) => {
    const client = await connect(t);
    client.leave();
    await client.gone;
    const next = await connect(t);
    assert.deepEqual(await next.ask('message-with-ack', 'again'), ['again']);
  },

  'gets 20 messages of 100 KB back in their order': async ({ t, connect, kind }) => {
    await assertOrder(await connect(t), 20, kind.big, `${'x'.repeat(99000)}ä\u{1f642}`);
  },

  'gets a burst of 200 messages back in their order': async ({ t, connect }) => {
    await assertOrder(await connect(t), 200, 200, 'small');
  },

  'gets every character back': async ({ t, connect }) => {
    const client = await connect(t);
    client.emit('message', ...texts);
    assert.deepEqual(await client.next('message-back'), texts);
    assert.deepEqual(await client.ask('message-with-ack', ...texts), texts);
  },

  'stays through several heartbeats': async ({ t, connect }) => {
    const client = await connect(t);
    const fate = await Promise.race([client.gone, new Promise((resolve) => { setTimeout(resolve, 1500, 'connected'); })]);
    assert.equal(fate, 'connected');
    assert.deepEqual(await client.ask('message-with-ack', 'late'), ['late']);
  },

  'notices that the server goes away': async ({ t, maker, kind }) => {
    const server = await startFor(kind);
    try {
      const client = await maker.connect(t, server.url);
      assert.deepEqual(await client.ask('message-with-ack', 1), [1]);
      await server.stop();
      assert.ok(await Promise.race([client.gone, new Promise((resolve) => { setTimeout(resolve, 3000, false); })]));
    } finally {
      if (server.alive()) await server.stop();
    }
  },
};

for (const [kindName, kind] of Object.entries(kinds)) {
  for (const how of ['polling', 'websocket', 'upgrade']) {
    describe(`${kindName} (${how})`, () => {
      const maker = kind.make(how);
      after(() => maker.end?.());
      for (const [name, scenario] of Object.entries(scenarios)) {
        test(name, { skip: isElsewhere && scenario === scenarios['notices that the server goes away'] }, async (t) => {
          const server = servers.get(kind);
          await scenario({ t, how, kind, maker, connect: (test, options) => maker.connect(test, server.url, options) });
          server.assertUnharmed();
        });
      }
    });
  }
}
