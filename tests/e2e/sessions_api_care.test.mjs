// The sessions API: keeping a session alive, looking at it, cleaning it up, and setting its state back.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { assertDressed, eventually, sleep, start } from './harness.mjs';
import { as, createSession, isoMicros, logged, nobody, openEvents, postEvent, startKeyed, watch } from './tracking_stage.mjs';

const root = '/api/v1/sessions';
let server;
let quick; // its sessions end after 1.2 s
let keyed;
before(async () => { [server, quick, keyed] = await Promise.all([start(), start({ config: '[sessions]\nidle_minutes = 0.02\n' }), startKeyed()]); });
after(() => Promise.all([server?.stop(), quick?.stop(), keyed?.stop()]));

const someone = () => `u${randomUUID().slice(0, 8)}`;
const micros = (iso) => Date.parse(iso) * 1000 + Number(iso.slice(-4, -1));
const post = (id, what, body = '', headers = {}, one = server) => one.post(`${root}/${id}/${what}`, body, headers);
const create = async (wishes = {}, headers = {}, one = server) => (await createSession(one, { ...wishes, headers })).session_id;
const stateOf = async (id) => (await server.get(`${root}/${id}/state`)).json.state;
const put = async (id, key, value) => {
  const answer = await server.send('PUT', `${root}/${id}/state/${key}`, JSON.stringify(value));
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};

test('FMV-35 a heartbeat says that the session is active and until when', async () => {
  const id = await create();
  const made = (await server.get(`${root}/${id}`)).json;
  await sleep(20);
  for (const body of ['', {}, { session_id: nobody, anything: 1 }]) {
    const answer = await post(id, 'heartbeat', body);
    assert.equal(answer.status, 200, answer.text);
    assertDressed(answer);
    const { last_activity: active, expires_at: expires, ...rest } = answer.json;
    assert.deepEqual(rest, { session_id: id, status: 'active', message: 'Session heartbeat updated' });
    for (const time of [active, expires]) assert.match(time, isoMicros);
    assert.ok(micros(active) > micros(made.last_activity) && micros(expires) > micros(made.expires_at));
    assert.equal(Math.round((micros(expires) - micros(active)) / 1e6), 3600);
  }
});

test('FMV-10 FMV-35 heartbeats keep a session alive for as long as they come, and come too late after that', async () => {
  const headers = await as(quick, someone());
  const id = await create({ state: { a: 1 } }, headers, quick);
  for (let n = 0; n < 9; n += 1) {
    await sleep(300);
    assert.equal((await post(id, 'heartbeat', '', headers, quick)).status, 200, `heartbeat ${n}`);
  }
  assert.deepEqual((await quick.get(`${root}/${id}/state`, headers)).json.state, { a: 1 });
  await eventually(() => logged(quick, 'session.expired').some(({ session }) => session === id), 'it expires', 5000);
  const late = await post(id, 'heartbeat', '', headers, quick);
  assert.deepEqual([late.status, late.json], [404, { detail: `Session not found or expired: ${id}`, code: 'expired', error_code: 'SESSION_EXPIRED' }]);
  const foreign = await post(id, 'heartbeat', '', await as(quick, 'bob'), quick);
  assert.deepEqual([foreign.status, foreign.json], [404, { detail: `Session not found or expired: ${id}`, code: 'not_found', error_code: 'SESSION_NOT_FOUND' }]);
});

test('FMV-35 a heartbeat of a blank id is 400, of an unknown one 404 that names it', async () => {
  for (const blank of ['%20', '%20%20', '%09', '']) {
    const answer = await post(blank, 'heartbeat');
    assert.deepEqual([answer.status, answer.json], [400, { detail: 'Session ID cannot be empty', code: 'invalid', error_code: 'SESSION_INVALID' }], `"${blank}"`);
  }
  for (const id of [nobody, 'abc', 'x'.repeat(300), 'ü', '%3Cscript%3E', '..%2F..%2Fetc']) {
    const answer = await post(encodeURIComponent(decodeURIComponent(id)), 'heartbeat');
    assert.deepEqual([answer.status, answer.json], [404, { detail: `Session not found or expired: ${decodeURIComponent(id)}`, code: 'not_found', error_code: 'SESSION_NOT_FOUND' }]);
  }
});

test('FMV-35 the statistics count what was done, their own calls included', async () => {
  const id = await create();
  for (let n = 0; n < 3; n += 1) await post(id, 'heartbeat');
  const answers = [];
  for (let n = 0; n < 2; n += 1) answers.push(await server.get(`${root}/${id}/stats`));
  const [one, two] = answers;
  assert.equal(one.status, 200, one.text);
  assertDressed(one);
  assert.deepEqual(Object.keys(one.json), ['session_id', 'user_id', 'created_at', 'last_activity', 'statistics', 'total_requests', 'operations_history']);
  assert.deepEqual([one.json.session_id, one.json.user_id], [id, 'local']);
  for (const time of [one.json.created_at, one.json.last_activity]) assert.match(time, isoMicros);
  const { session_duration_minutes: minutes, ...statistics } = one.json.statistics;
  assert.deepEqual(statistics, { total_cases: 0, total_data_uploads: 0, total_heartbeats: 3, total_stats_requests: 1, total_queries: 0, latest_confidence_score: null });
  assert.ok(typeof minutes === 'number' && minutes >= 0 && minutes < 1, `${minutes}`);
  assert.deepEqual([two.json.statistics.total_stats_requests, one.json.total_requests, two.json.total_requests], [2, 4, 5]);
  assert.deepEqual(two.json.operations_history.map(({ operation }) => operation), ['heartbeat', 'heartbeat', 'heartbeat', 'stats', 'stats']);
  const times = two.json.operations_history.map(({ timestamp }) => micros(timestamp));
  assert.deepEqual(times, [...times].sort((a, b) => a - b), 'in their order');
});

test('FMV-35 the history of operations is the last twenty', async () => {
  const id = await create();
  for (let n = 0; n < 25; n += 1) await post(id, 'heartbeat');
  const { json } = await server.get(`${root}/${id}/stats`);
  assert.equal(json.statistics.total_heartbeats, 25);
  assert.deepEqual(json.operations_history.map(({ operation }) => operation), [...Array(19).fill('heartbeat'), 'stats']);
});

test('FMV-35 the statistics tell of queries, cases and the confidence that a responder gave', async (t) => {
  const id = await create();
  const stats = async () => (await server.get(`${root}/${id}/stats`)).json.statistics;
  assert.equal((await server.post('/api/v1/cases', { session_id: id, title: 'slow' })).status, 201);
  const responder = await watch(t, server, id, { token: null });
  assert.equal((await responder.ask({ type: 'offer', queries: true })).type, 'offered');
  for (const confidence_score of [undefined, 0.5, 0.75]) {
    const asked = server.post('/api/v1/query', { session_id: id, query: 'why?' });
    const { query_id } = await responder.nextOf('query');
    responder.send({ type: 'query_result', query_id, answer: 'so', ...(confidence_score && { confidence_score }) });
    const { status, json } = await asked;
    assert.deepEqual([status, json.confidence_score], [200, confidence_score ?? null]);
  }
  const { total_cases: cases, total_queries: queries, latest_confidence_score: confidence } = await stats();
  assert.deepEqual([cases, queries, confidence], [1, 3, 0.75]);
  assert.equal((await server.get(`${root}/${id}`)).json.metadata.case_history_count, 1);
  const { operations_history: operations } = (await server.get(`${root}/${id}/stats`)).json;
  assert.deepEqual(operations.map(({ operation }) => operation).slice(0, 4), ['case_opened', 'query', 'query', 'query']);
});

test('FMV-10 FMV-35 a cleanup forgets the log and the cases, and leaves the session and its state', async () => {
  const id = await create({ client_id: randomUUID(), state: { kept: 1 }, metadata: { a: 'b' } });
  for (let n = 0; n < 4; n += 1) await postEvent(server, id, { type: 'note', data: n }, {});
  const { json: opened } = await server.post('/api/v1/cases', { session_id: id, title: 'slow' });
  const before = (await server.get(`${root}/${id}/events`)).json;
  const answer = await post(id, 'cleanup');
  assert.equal(answer.status, 200, answer.text);
  assertDressed(answer);
  const { cleaned_items: items, ...rest } = answer.json;
  assert.deepEqual(rest, { session_id: id, success: true, status: 'cleaned', message: 'Session data cleaned successfully' });
  assert.deepEqual(items, { data_uploads: 0, case_history: 1, temp_files: 0, events: before.events.length });
  assert.deepEqual(await stateOf(id), { kept: 1 });
  const record = (await server.get(`${root}/${id}`)).json;
  assert.deepEqual([record.status, record.metadata.a, record.metadata.case_history_count], ['active', 'b', 0]);
  const { events } = (await server.get(`${root}/${id}/events`)).json;
  assert.deepEqual(events.map(({ type }) => type), ['session.cleaned']);
  assert.equal(events[0].seq, before.last_seq + 1, 'places in the log are never used twice');
  assert.equal((await server.get(`/api/v1/cases/${opened.case_id}`)).status, 404);
  const again = (await post(id, 'cleanup')).json;
  assert.deepEqual([again.success, again.cleaned_items.case_history, again.cleaned_items.events], [true, 0, 1], 'doing it twice harms nobody');
});

test('FMV-35 who stands behind the cleanup gets one gap, and who is there hears of it and goes on', async (t) => {
  const id = await create({ state: { a: 1 } });
  const { cursor } = await postEvent(server, id, { type: 'note', data: 'old' }, {});
  await postEvent(server, id, { type: 'note', data: 'older than the cleanup' }, {});
  const present = await watch(t, server, id, { token: null });
  const reader = await openEvents(t, server, id, { headers: {} });
  await reader.next();
  await post(id, 'cleanup');
  assert.equal((await present.nextOf('session.cleaned')).type, 'session.cleaned');
  assert.equal((await reader.next()).event, 'session.cleaned');
  await postEvent(server, id, { type: 'note', data: 'new' }, {});
  assert.equal((await present.nextOf('note')).data, 'new');
  const late = await watch(t, server, id, { token: null, since: cursor });
  assert.deepEqual([late.hello.type, late.hello.state], ['session.gap', { a: 1 }]);
  const page = (await server.get(`${root}/${id}/events?since=${cursor}`)).json;
  assert.deepEqual([page.gap, page.events.map(({ type }) => type)], [true, ['session.cleaned', 'note']]);
});

test('FMV-35 recovery-info tells what there is to go back to, with the metadata of the creation', async () => {
  const metadata = { browser: 'Chrome', tabs: [1, 2] };
  const id = await create({ metadata, state: { a: 1, b: 2 } });
  const { seq, cursor } = await postEvent(server, id, { type: 'note' }, {});
  const answer = await server.get(`${root}/${id}/recovery-info`);
  assert.equal(answer.status, 200, answer.text);
  assertDressed(answer);
  const { json } = answer;
  assert.deepEqual(Object.keys(json), ['session_id', 'user_id', 'created_at', 'last_activity', 'state_summary', 'metadata', 'recovery_info', 'restoration_options']);
  const { revision, ...summary } = json.state_summary;
  assert.deepEqual(summary, { active: true, data_uploads: 0, cases: 0, keys: 2 });
  assert.ok(Number.isInteger(revision) && revision > 0 && revision <= seq);
  assert.deepEqual(json.metadata, metadata);
  const { last_backup: backup, oldest_point: oldest, newest_point: newest, ...info } = json.recovery_info;
  assert.deepEqual(info, { can_restore: true, backup_available: true, data_integrity: 'good' });
  assert.match(backup, isoMicros);
  assert.equal(newest, cursor);
  assert.match(oldest, /^[^.]+\.\d+$/);
  assert.deepEqual(json.restoration_options, { full_restore: true, partial_restore: true, data_only: true });
  await post(id, 'cleanup');
  const after_ = (await server.get(`${root}/${id}/recovery-info`)).json;
  assert.equal(after_.recovery_info.can_restore, false, 'the log does not begin at its beginning any more');
  assert.equal(after_.restoration_options.full_restore, false);
  assert.deepEqual(after_.metadata, metadata);
});

/** A session whose state was {a:1}, {a:1,b:2}, {a:3,b:2}, {a:3,b:2,c:4}, {a:3,c:4}: each with its cursor, its seq and its time. */
async function travelled() {
  const id = await create({ state: { a: 1 } });
  const mark = () => postEvent(server, id, { type: 'mark' }, {}); // else changes in a row are shown as one
  await mark();
  for (const [key, value] of [['b', 2], ['a', 3], ['c', 4]]) {
    await put(id, key, value);
    await mark();
    await sleep(5);
  }
  assert.equal((await server.del(`${root}/${id}/state/b`)).status, 200);
  await mark();
  const { events } = (await server.get(`${root}/${id}/events`)).json;
  const changes = events.filter(({ type }) => type === 'session.state');
  const states = [{ a: 1 }, { a: 1, b: 2 }, { a: 3, b: 2 }, { a: 3, b: 2, c: 4 }, { a: 3, c: 4 }];
  assert.equal(changes.length, states.length);
  return { id, points: states.map((state, n) => ({ state, cursor: changes[n].cursor, seq: changes[n].seq, at: changes[n].at })) };
}

test('FMV-35 a restore sets the state to what it was, by cursor, number in the log, or time', async () => {
  for (const form of ['cursor', 'seq', 'at']) {
    const { id, points } = await travelled();
    for (const point of [points[1], points.at(-1), points[0]]) {
      const answer = await post(id, 'restore', { restore_point: form === 'seq' ? String(point.seq) : point[form] });
      assert.equal(answer.status, 200, `${form} ${point[form]}: ${answer.text}`);
      assert.deepEqual(await stateOf(id), point.state, `${form} ${point[form]}`);
      const { restoration_details: details, ...rest } = answer.json;
      assert.deepEqual(rest, { session_id: id, status: 'restored', message: 'Session restored successfully (full restoration)' });
      assert.deepEqual(Object.keys(details), ['type', 'restored_at', 'restore_point', 'items_restored']);
      assert.deepEqual([details.type, details.restore_point], ['full', point.cursor]);
      assert.match(details.restored_at, isoMicros);
      assert.deepEqual(details.items_restored, { data_uploads: 0, case_history: 0, state_keys: Object.keys(point.state).length });
    }
  }
});

test('FMV-35 a number as restore_point is one of the log as well', async () => {
  const { id, points } = await travelled();
  const answer = await post(id, 'restore', { restore_point: points[0].seq });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(await stateOf(id), points[0].state);
});

test('FMV-35 a restore is one more change: the log goes on, members see it, and it can be taken back', async (t) => {
  const { id, points } = await travelled();
  const member = await watch(t, server, id, { token: null });
  const before = (await server.get(`${root}/${id}/events`)).json;
  await post(id, 'restore', { restore_point: points[1].cursor });
  const change = await member.nextOf('session.state');
  const { set, removed } = change.data;
  assert.deepEqual([set.b ?? 2, removed], [2, ['c']]);
  const later = (await server.get(`${root}/${id}/events`)).json;
  assert.deepEqual(later.events.slice(0, before.events.length), before.events, 'what was said stays said');
  assert.deepEqual(later.events.slice(before.events.length).map(({ type }) => type), ['session.state'], 'one change');
  assert.ok((await server.get(`${root}/${id}/state`)).json.revision > before.last_seq);
  await post(id, 'restore', { restore_point: before.cursor });
  assert.deepEqual(await stateOf(id), points.at(-1).state, 'and back again');
});

test('FMV-35 restoring the latest point changes nothing, and every type of restoration says which it was', async () => {
  const { id, points } = await travelled();
  for (const type of ['full', 'partial', 'data_only']) {
    for (const include_data of [true, undefined]) {
      const { status, json } = await post(id, 'restore', { restore_point: 'latest', type, include_data });
      assert.deepEqual([status, json.restoration_details.type, json.message], [200, type, `Session restored successfully (${type} restoration)`]);
    }
  }
  assert.deepEqual(await stateOf(id), points.at(-1).state);
});

test('FMV-35 a restore without a point, or with what is none, is 422 and changes nothing', async () => {
  const { id, points } = await travelled();
  const bodies = [
    ['', 'restore_point'], [{}, 'restore_point'], [{ restore_point: null }, 'restore_point'], [{ restore_point: '' }, 'restore_point'], [{ restore_point: 'yesterday' }, 'restore_point'], [{ restore_point: true }, 'restore_point'],
    [{ restore_point: [] }, 'restore_point'], [{ restore_point: -1 }, 'restore_point'], [{ restore_point: 1.5 }, 'restore_point'], [{ restore_point: '2026-13-45T99:99:99Z' }, 'restore_point'], [{ restore_point: 'x.1' }, 'restore_point'],
    [{ restore_point: 'latest', type: 'some' }, 'type'], [{ restore_point: 'latest', type: 7 }, 'type'], [{ restore_point: 'latest', include_data: 'yes' }, 'include_data'],
  ];
  for (const [body, field] of bodies) {
    const answer = await post(id, 'restore', body);
    assert.equal(answer.status, 422, `${JSON.stringify(body)}: ${answer.text}`);
    assert.deepEqual([answer.json.code, answer.json.detail.length, answer.json.detail[0].type, answer.json.detail[0].loc], ['unprocessable', 1, 'value_error', ['body', field]]);
    assert.match(answer.json.detail[0].msg, new RegExp(`^${field} `));
  }
  for (const body of ['x', '[]', '7']) assert.equal((await post(id, 'restore', body)).status, 400, body);
  for (const restore_point of ['9999999', points[0].cursor.replace(/\d+$/, '9999999'), `${'f'.repeat(8)}.1`]) {
    const answer = await post(id, 'restore', { restore_point });
    assert.ok([409, 422].includes(answer.status), `${restore_point}: ${answer.status} ${answer.text}`);
  }
  assert.deepEqual(await stateOf(id), points.at(-1).state);
});

test('FMV-35 after a cleanup a point before it cannot be told any more: 409, and nothing changes', async () => {
  const { id, points } = await travelled();
  await post(id, 'cleanup');
  for (const restore_point of [points[0].cursor, String(points[0].seq), points[0].at]) {
    const answer = await post(id, 'restore', { restore_point });
    assert.equal(answer.status, 409, `${restore_point}: ${answer.text}`);
    assert.equal(answer.json.code, 'conflict');
    assert.match(answer.json.detail, /^the log does not go back to its beginning any more/);
  }
  assert.deepEqual(await stateOf(id), points.at(-1).state);
  const { cursor } = await put(id, 'd', 5);
  await put(id, 'd', 6);
  const answer = await post(id, 'restore', { restore_point: cursor });
  assert.ok([200, 409].includes(answer.status), answer.text);
  if (answer.status === 200) assert.deepEqual(await stateOf(id), { ...points.at(-1).state, d: 5 }, 'never a state that was not');
});

test('FMV-35 a long log is read to its point, however many changes there were', async () => {
  const id = await create();
  for (let n = 0; n < 23; n += 1) await Promise.all(Array.from({ length: 50 }, (_, m) => put(id, `k${m % 7}`, n * 50 + m)));
  const { events } = (await server.get(`${root}/${id}/events?limit=1000`)).json;
  const wanted = {};
  for (const { data } of events.filter(({ type, seq }) => type === 'session.state' && seq <= 400)) Object.assign(wanted, data.set);
  assert.equal((await post(id, 'restore', { restore_point: '1151' })).status, 200);
  const latest = await stateOf(id);
  assert.equal((await post(id, 'restore', { restore_point: '400' })).status, 200);
  assert.deepEqual(await stateOf(id), wanted);
  assert.notDeepEqual(latest, wanted);
});

test('FMV-35 where the log has lost its beginning to its limits, nothing is restored that cannot be told', async (t) => {
  const one = await start({ config: '[limits]\nlog_events = 20\n' });
  t.after(() => one.stop());
  const id = await create({ state: { a: 1 } }, {}, one);
  for (let n = 0; n < 40; n += 1) assert.equal((await one.send('PUT', `${root}/${id}/state/b`, String(n))).status, 200);
  const { recovery_info: info, restoration_options: options } = (await one.get(`${root}/${id}/recovery-info`)).json;
  assert.deepEqual([info.can_restore, options], [false, { full_restore: false, partial_restore: false, data_only: false }]);
  for (const restore_point of ['2', '30']) {
    const { status, json } = await post(id, 'restore', { restore_point }, {}, one);
    assert.deepEqual([status, json.code], [409, 'conflict'], restore_point);
  }
  assert.equal((await post(id, 'restore', { restore_point: 'latest' }, {}, one)).status, 200);
  assert.deepEqual((await one.get(`${root}/${id}/state`)).json.state, { a: 1, b: 39 });
});

test('FMV-35 a partial restoration leaves the keys that came later, a full one does not', async () => {
  const { id, points } = await travelled();
  await put(id, 'later', true);
  assert.equal((await post(id, 'restore', { restore_point: points[1].cursor, type: 'partial' })).status, 200);
  assert.deepEqual(await stateOf(id), { ...points[1].state, c: 4, later: true });
  assert.equal((await post(id, 'restore', { restore_point: points[1].cursor, type: 'data_only' })).status, 200);
  assert.deepEqual(await stateOf(id), points[1].state);
});

test('FMV-35 restoring what the state never held is exact: null, nested values, odd keys, an empty state', async () => {
  const odd = { 'a b': null, 'ü/é': { deep: [1, [2, { x: null }]] }, '': undefined, __proto__x: 1, long: 9007199254740991, text: '\u0000\u001f"\\' };
  delete odd[''];
  const id = await create();
  const start_ = (await server.get(`${root}/${id}`)).json.cursor;
  await server.send('PUT', `${root}/${id}/state`, odd);
  const full = (await server.get(`${root}/${id}`)).json.cursor;
  await server.del(`${root}/${id}/state`);
  assert.deepEqual(await stateOf(id), {});
  assert.equal((await post(id, 'restore', { restore_point: full })).status, 200);
  assert.deepEqual(await stateOf(id), odd);
  assert.equal((await post(id, 'restore', { restore_point: start_ })).status, 200);
  assert.deepEqual(await stateOf(id), {});
});

test('FMV-35 a restore with an Idempotency-Key is done once', async () => {
  const { id, points } = await travelled();
  const key = { 'Idempotency-Key': randomUUID() };
  const one = await post(id, 'restore', { restore_point: points[0].cursor }, key);
  await put(id, 'since', 1);
  const again = await post(id, 'restore', { restore_point: points[0].cursor }, key);
  assert.deepEqual([again.status, again.text, again.headers['idempotent-replayed']], [200, one.text, 'true']);
  assert.deepEqual(await stateOf(id), { ...points[0].state, since: 1 });
});

test('FMV-35 who may only read looks at a session and changes nothing, in both modes', async () => {
  for (const one of [server, keyed]) {
    const [owner, reader] = [await as(one), await as(one, 'alice', 'read')];
    const id = await create({ state: { a: 1 } }, owner, one);
    for (const what of ['stats', 'recovery-info']) assert.equal((await one.get(`${root}/${id}/${what}`, reader)).status, 200, what);
    for (const [what, body] of [['heartbeat', ''], ['cleanup', ''], ['restore', { restore_point: 'latest' }]]) {
      const answer = await post(id, what, body, reader, one);
      assert.deepEqual([answer.status, answer.json.code], [403, 'forbidden'], what);
    }
  }
  assert.equal((await keyed.post(`${root}/cleanup`, '')).status, 401);
});

test('FMV-35 with [sessions] per_user the least recently used one without a connection gives way, and a creation is never refused', async (t) => {
  const one = await start({ config: '[sessions]\nper_user = 3\n' });
  t.after(() => one.stop());
  const alice = await as(one);
  const theirs = await create({}, await as(one, 'bob'), one);
  const [a, b, c] = [await create({ client_id: 'a' }, alice, one), await create({ client_id: 'b' }, alice, one), await create({ client_id: 'c' }, alice, one)];
  const alive = async () => (await one.get(root, alice)).json.sessions.map(({ session_id: id }) => id);
  await sleep(10);
  assert.equal(await create({ client_id: 'a' }, alice, one), a, 'to find one again takes no room');
  assert.deepEqual(await alive(), [a, b, c]);
  const d = await create({ client_id: 'd' }, alice, one);
  assert.deepEqual(await alive(), [a, c, d], 'b was used least recently');
  assert.equal((await one.get(`${root}/${b}`, alice)).status, 404);
  await watch(t, one, a);
  await watch(t, one, c);
  await sleep(10);
  await post(c, 'heartbeat', '', alice, one);
  const e = await create({}, alice, one);
  assert.deepEqual(await alive(), [a, c, e], 'd was free, the others are not');
  await watch(t, one, e);
  const f = await create({}, alice, one);
  assert.deepEqual(await alive(), [a, c, e, f], 'with somebody in all of them there is one too many, and no refusal');
  assert.equal((await one.get(`${root}/${theirs}`, await as(one, 'bob'))).status, 200, 'another user has room of their own');
});
