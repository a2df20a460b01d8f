// The native API: a session's state with revisions, conditions, merge patches and limits.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertDressed, start } from './harness.mjs';
import { as, createSession, postEvent, watch } from './tracking_stage.mjs';

let server;
let headers;
before(async () => {
  server = await start();
  headers = await as(server);
});
after(() => server?.stop());

const fresh = async (state = {}) => (await createSession(server, { state })).session_id;
const at = (id, key) => `/api/v1/sessions/${id}/state${key === undefined ? '' : `/${encodeURIComponent(key)}`}`;
const ask = (method, id, key, value, more = {}) => server.send(method, at(id, key), value === undefined ? '' : JSON.stringify(value), { ...headers, ...more });
const stateOf = async (id) => (await ask('GET', id)).json.state;

function assertRevision(answer, revision) {
  assert.equal(answer.headers.etag, `"${revision}"`);
  if (answer.text) assert.equal(answer.json.revision, revision);
}

test('every answer carries the revision, in its body and as ETag', async () => {
  const id = await fresh();
  const put = await ask('PUT', id, 'a', { n: 1 });
  assert.equal(put.status, 200);
  assertDressed(put);
  assert.equal(put.json.key, 'a');
  const { revision } = put.json;
  assertRevision(put, revision);
  for (const answer of [await ask('GET', id), await ask('GET', id, 'a')]) assertRevision(answer, revision);
  assert.deepEqual((await ask('GET', id)).json, { state: { a: { n: 1 } }, revision });
  assert.deepEqual((await ask('GET', id, 'a')).json, { value: { n: 1 }, revision });
  const patch = await ask('PATCH', id, undefined, { b: 2 });
  assert.ok(patch.json.revision > revision);
  assertRevision(patch, patch.json.revision);
  const gone = await ask('DELETE', id, 'b');
  assert.ok([200, 204].includes(gone.status));
  assert.match(gone.headers.etag, /^"\d+"$/);
  assert.ok(Number(gone.headers.etag.slice(1, -1)) > patch.json.revision);
});

test('an unknown key is 404 to read and to delete, and a patch makes it', async () => {
  const id = await fresh({ a: 1 });
  for (const method of ['GET', 'DELETE']) {
    const answer = await ask(method, id, 'k');
    assert.deepEqual([answer.status, answer.json.detail, answer.json.code], [404, 'State key not found: k', 'not_found'], method);
  }
  assert.deepEqual(await stateOf(id), { a: 1 });
  assert.equal((await ask('PATCH', id, 'k', { x: 1, y: null })).status, 200);
  assert.deepEqual(await stateOf(id), { a: 1, k: { x: 1 } });
});

test('If-Match lets a writer in with the present revision only', async () => {
  for (const [method, key, value] of [['PUT', 'k', 2], ['PUT', undefined, { k: 2 }], ['PATCH', 'k', { a: 1 }], ['PATCH', undefined, { k: 2 }], ['DELETE', 'k', undefined], ['DELETE', undefined, undefined]]) {
    const id = await fresh({ k: 1 });
    const { revision } = (await ask('GET', id)).json;
    for (const tag of [`"${revision - 1}"`, `"${revision + 1}"`, '"999999"']) {
      const refused = await ask(method, id, key, value, { 'If-Match': tag });
      assert.equal(refused.status, 412, `${method} ${key} If-Match: ${tag}: ${refused.text}`);
      assert.deepEqual([refused.json.code, refused.json.revision, typeof refused.json.detail], ['precondition_failed', revision, 'string']);
      assert.equal(refused.headers.etag, `"${revision}"`);
    }
    for (const tag of ['"x"', '""', 'W/"1"', '"1', '-1', ',']) assert.ok([400, 412].includes((await ask(method, id, key, value, { 'If-Match': tag })).status), tag);
    assert.deepEqual(await stateOf(id), { k: 1 }, 'nothing has changed');
    const done = await ask(method, id, key, value, { 'If-Match': `"${revision}"` });
    assert.ok(done.status < 300, `${method} ${key}: ${done.text}`);
    assert.equal((await ask(method === 'DELETE' ? 'PUT' : method, id, key, value ?? {}, { 'If-Match': `"${revision}"` })).status, 412, 'once');
  }
});

test('If-Match * lets in who changes something that is there', async () => {
  const id = await fresh({ k: 1 });
  assert.equal((await ask('PUT', id, 'k', 2, { 'If-Match': '*' })).status, 200);
  assert.equal((await ask('PUT', id, 'new', 2, { 'If-Match': '*' })).status, 412);
  assert.deepEqual(await stateOf(id), { k: 2 });
});

test('a condition on a key is about that key: writers of others do not stand in its way, and 0 means not there', async () => {
  const id = await fresh({ a: 1 });
  const { revision } = (await ask('GET', id, 'a')).json;
  const other = await ask('PUT', id, 'b', 1);
  assert.deepEqual([(await ask('GET', id, 'a')).json.revision, (await ask('GET', id)).json.revision], [revision, other.json.revision]);
  assert.equal((await ask('PUT', id, 'a', 2, { 'If-Match': `"${revision}"` })).status, 200);
  assert.equal((await ask('PUT', id, 'a', 3, { 'If-Match': '"0"' })).status, 412);
  assert.equal((await ask('PUT', id, 'new', 3, { 'If-Match': '"0"' })).status, 200);
  assert.deepEqual(await stateOf(id), { a: 2, b: 1, new: 3 });
});

test('of many writers with the same revision exactly one wins, and a counter with If-Match loses no step', async () => {
  const id = await fresh({ n: 0 });
  const { revision } = (await ask('GET', id)).json;
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask('PUT', id, 'n', n, { 'If-Match': `"${revision}"` })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(19).fill(412)]);
  await ask('PUT', id, 'n', 0);
  await Promise.all(Array.from({ length: 5 }, async () => {
    for (let step = 0; step < 10;) {
      const { value, revision: seen } = (await ask('GET', id, 'n')).json;
      if ((await ask('PUT', id, 'n', value + 1, { 'If-Match': `"${seen}"` })).status === 200) step += 1;
    }
  }));
  assert.equal((await ask('GET', id, 'n')).json.value, 50);
});

// RFC 7396, appendix A; a target that is not in the example is absent.
const examples = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }], [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }], [{ a: 'b' }, { a: null }, {}], [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }], [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }], [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }], [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [['a', 'b'], ['c', 'd'], ['c', 'd']], [{ a: 'b' }, ['c'], ['c']], [{ a: 'foo' }, 'bar', 'bar'], [{ e: null }, { a: 1 }, { e: null, a: 1 }], [[1, 2], { a: 'b', c: null }, { a: 'b' }], [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

test('PATCH is a JSON merge patch, for one key and for the whole map', async () => {
  for (const [target, patch, result] of examples) {
    const id = await fresh({ k: target, other: 1 });
    assert.equal((await ask('PATCH', id, 'k', patch, { 'Content-Type': 'application/merge-patch+json' })).status, 200, JSON.stringify(patch));
    assert.deepEqual(await stateOf(id), { k: result, other: 1 }, JSON.stringify([target, patch]));
    await ask('PUT', id, 'k', target);
    assert.equal((await ask('PATCH', id, undefined, { k: patch })).status, 200);
    assert.deepEqual((await stateOf(id)).k, result, JSON.stringify([target, patch]));
  }
  const id = await fresh({ a: 1, b: { c: 2, d: 3 } });
  await ask('PATCH', id, undefined, { a: null, b: { c: null }, e: [] });
  assert.deepEqual(await stateOf(id), { b: { d: 3 }, e: [] });
});

test('PUT of the map replaces all of it, DELETE empties it, and neither takes anything but an object', async () => {
  const id = await fresh({ a: 1, b: 2 });
  assert.equal((await ask('PUT', id, undefined, { b: 3, c: 4 })).status, 200);
  assert.deepEqual(await stateOf(id), { b: 3, c: 4 });
  for (const method of ['PUT', 'PATCH']) {
    for (const body of [[], 'x', 7, null]) assert.equal((await ask(method, id, undefined, body)).status, 400, `${method} ${JSON.stringify(body)}`);
    for (const text of ['', '{', 'x']) assert.equal((await server.send(method, at(id), text, headers)).status, 400, `${method} ${text}`);
  }
  assert.deepEqual(await stateOf(id), { b: 3, c: 4 });
  assert.ok((await ask('DELETE', id)).status < 300);
  assert.deepEqual(await stateOf(id), {});
});

test('a change is told to the members with what was set, what was removed, and its revision', async (t) => {
  const id = await fresh({ a: 1, b: { x: 1 } });
  const member = await watch(t, server, id);
  const change = async (...args) => {
    const answer = await ask(...args);
    const event = await member.nextOf('session.state');
    assert.equal(`"${event.seq}"`, answer.headers.etag);
    return event.data;
  };
  assert.deepEqual(await change('PUT', id, 'c', [1]), { set: { c: [1] }, removed: [] });
  assert.deepEqual(await change('PATCH', id, 'b', { y: 2 }), { set: { b: { x: 1, y: 2 } }, removed: [] });
  assert.deepEqual(await change('PATCH', id, undefined, { a: null, d: 4 }), { set: { d: 4 }, removed: ['a'] });
  assert.deepEqual(await change('DELETE', id, 'c', undefined), { set: {}, removed: ['c'] });
  const replaced = await change('PUT', id, undefined, { b: 5 });
  assert.deepEqual([replaced.set, replaced.removed], [{ b: 5 }, ['d']]);
});

test('one key over 64 KiB, more than 1,000 keys and more than 1 MiB are 413, by whichever method, and change nothing', async () => {
  const id = await fresh({ k: { kept: true } });
  const big = 'x'.repeat(65 * 1024);
  const text = 'x'.repeat(60 * 1024);
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`k${n}`, n]));
  const heavy = Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`k${n}`, text]));
  const heavier = Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`more${n}`, text]));
  for (const [method, key, value] of [['PUT', 'k', big], ['PUT', undefined, { big }], ['PATCH', 'k', { big }], ['PATCH', undefined, { big }], ['PUT', undefined, many], ['PATCH', undefined, many]]) {
    const answer = await ask(method, id, key, value);
    assert.deepEqual([answer.status, answer.json.code], [413, 'too_large'], `${method} ${key}`);
    assert.deepEqual(await stateOf(id), { k: { kept: true } });
  }
  assert.equal((await ask('PUT', id, undefined, heavy)).status, 200);
  const { revision } = (await ask('GET', id)).json;
  assert.equal((await ask('PATCH', id, undefined, heavier)).status, 413);
  assert.deepEqual(Object.keys(await stateOf(id)).length, 15);
  assert.equal((await ask('GET', id)).json.revision, revision);
});

test('a conditional GET with the present revision is answered 304 or with the same again, never with something old', async () => {
  const id = await fresh({ a: 1 });
  const { revision } = (await ask('GET', id)).json;
  const same = await ask('GET', id, undefined, undefined, { 'If-None-Match': `"${revision}"` });
  assert.ok(same.status === 304 || same.json.revision === revision);
  await ask('PUT', id, 'a', 2);
  const other = await ask('GET', id, undefined, undefined, { 'If-None-Match': `"${revision}"` });
  assert.deepEqual([other.status, other.json.state], [200, { a: 2 }]);
});

test('events that are no state do not change the state, and the revision never runs ahead of what is shown', async () => {
  const id = await fresh({ a: 1 });
  const { revision } = (await ask('GET', id)).json;
  await postEvent(server, id, { type: 'message', data: { a: 5 } }, headers);
  assert.deepEqual((await ask('GET', id)).json, { state: { a: 1 }, revision });
});
