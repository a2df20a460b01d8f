// The description of the API says what is there, no more and no less.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { assertDressed, projectRoot, start } from './harness.mjs';
import { upgrade } from './tracking_stage.mjs';

let server;
let description;
before(async () => {
  server = await start({ listen: ['127.0.0.1:0=sessions'], config: '[sessions]\ntest_token = true\n' });
  description = (await server.get('/openapi.json')).json;
});
after(() => server?.stop());

const methods = ['get', 'post', 'put', 'patch', 'delete'];
const operations = () => Object.entries(description.paths).flatMap(([target, item]) => methods.filter((method) => item[method]).map((method) => ({ target, method: method.toUpperCase(), operation: item[method] })));
/** A path with something in the place of its names. */
const filled = (target) => target.replaceAll(/\{[^}]+\}/g, 'zzz');
const shape = (target) => target.replaceAll(/\{[^}]+\}|:\w+/g, '{}').replace(/\/$/, '') || '/';

test('the description is OpenAPI 3 and an ordinary answer', async () => {
  const answer = await server.get('/openapi.json');
  assert.equal(answer.status, 200);
  assertDressed(answer);
  assert.match(answer.json.openapi, /^3\.\d+\.\d+$/);
  assert.ok(answer.json.info.title && answer.json.info.version);
  assert.ok(operations().length > 40, `${operations().length} operations`);
});

test('every operation has a summary, its answers, and a parameter for each name in its path', () => {
  for (const { target, method, operation } of operations()) {
    const where = `${method} ${target}`;
    assert.ok(operation.summary?.length > 3, where);
    assert.ok(Object.keys(operation.responses ?? {}).length > 0, where);
    const names = [...target.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
    const given = [...operation.parameters ?? [], ...description.paths[target].parameters ?? []].filter((each) => each.in === 'path');
    assert.deepEqual(given.map(({ name }) => name).sort(), names.sort(), where);
    assert.ok(given.every(({ required }) => required === true), where);
  }
});

test('the functions are described with the schemas that the server lists', async () => {
  const { functions, $defs: types } = (await server.get('/api/v1/functions')).json;
  assert.deepEqual(functions.map(({ name }) => name), ['open', 'snapshot', 'interact', 'screenshot', 'execute', 'close']);
  for (const { name, summary, input_schema: input, output_schema: output } of functions) {
    const { post } = description.paths[`/api/v1/sessions/{id}/functions/${name}`];
    assert.equal(post.summary, summary);
    assert.deepEqual(post.requestBody.content['application/json'].schema, input);
    assert.deepEqual(Object.keys(post.responses['2XX'].content['application/json'].schema.properties), Object.keys(output.properties));
    assert.ok(Object.keys(types).every((type) => description.components.schemas[type]), 'every type is there');
  }
});

test('no two operations have one id, and no path is there twice under other names', () => {
  const ids = operations().map(({ operation }) => operation.operationId).filter(Boolean);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(Object.keys(description.paths).every((target) => target.startsWith('/')), 'each begins with a slash');
  const shapes = Object.keys(description.paths).map(shape);
  assert.equal(new Set(shapes).size, shapes.length);
});

const isNoRoute = ({ status, text }) => (status === 404 && /^\{"(error|detail)":"(Endpoint not found|Not Found)"/.test(text)) || status === 405;

test('every described operation is answered by something else than "no such route"', async () => {
  for (const { target, method, operation } of operations()) {
    const isSocket = operation['x-websocket'] || operation.responses['101'];
    const answer = isSocket ? await upgrade(server, filled(target)) : await server.send(method, filled(target), method === 'GET' ? '' : '{}');
    assert.ok(!isNoRoute(answer), `${method} ${target}: ${answer.status} ${answer.text}`);
    assert.notEqual(answer.status, 501);
    assert.ok(answer.status < 500 || answer.status === 503, `${method} ${target}: ${answer.status} ${answer.text}`);
  }
  server.assertUnharmed();
});

test('every method that is not described is refused with 405, or 404 without a neighbour', async () => {
  for (const [target, item] of Object.entries(description.paths)) {
    if (target === '/socket.io') continue; // refuses in the words of its protocol: conformance_http.test.mjs
    for (const method of methods.filter((each) => !item[each] && !Object.keys(description.paths).some((other) => other !== target && filled(other) === filled(target)))) {
      const { status, text } = await server.send(method.toUpperCase(), filled(target), '');
      assert.ok([404, 405, 426].includes(status), `${method} ${target}: ${status} ${text}`);
    }
  }
});

const promised = [
  'GET /api/health', 'GET /healthz', 'GET /readyz', 'GET /openapi.json', 'GET /ws', 'GET /ws/session', 'GET /ws/extension',
  'POST /token', 'GET /test-token', 'POST /send-message', 'GET /sessions', 'DELETE /sessions/{id}', 'POST /sessions/{id}/broadcast',
  'GET /sessions/{id}/state', 'GET /sessions/{id}/state/{key}', 'PUT /sessions/{id}/state/{key}', 'DELETE /sessions/{id}/state/{key}',
  'POST /api/v1/sessions', 'GET /api/v1/sessions', 'GET /api/v1/sessions/{id}', 'DELETE /api/v1/sessions/{id}',
  ...['GET', 'PUT', 'PATCH', 'DELETE'].flatMap((method) => [`${method} /api/v1/sessions/{id}/state`, `${method} /api/v1/sessions/{id}/state/{key}`]),
  'POST /api/v1/sessions/{id}/events', 'GET /api/v1/sessions/{id}/events', 'GET /api/v1/sessions/{id}/stream', 'GET /api/v1/sessions/{id}/connections', 'DELETE /api/v1/sessions/{id}/connections/{connection}',
  ...['open', 'snapshot', 'interact', 'screenshot', 'execute', 'close', '{function}'].map((name) => `POST /api/v1/sessions/{id}/functions/${name}`),
  'GET /api/v1/functions', 'GET /api/v1/sessions/{id}/files/{name}', 'GET /api/v1/sessions/{id}/video',
  'POST /apps/run', 'GET /apps/tasks/{id}', 'GET /apps/sessions', 'GET /apps/sessions/{id}', 'POST /apps/sessions/{id}/keepalive', 'DELETE /apps/sessions/{id}',
  'POST /api/v1/sessions/{id}/tokens', 'GET /api/v1/sessions/{id}/tokens', 'DELETE /api/v1/sessions/{id}/tokens/{token}',
];

test('every route that is promised is described', () => {
  const there = new Set(operations().map(({ method, target }) => `${method} ${shape(target)}`));
  for (const route of promised) {
    const [method, target] = route.split(' ');
    assert.ok(there.has(`${method} ${shape(target)}`), route);
  }
});

test('every route in the documentation is described', async () => {
  const there = new Set(operations().map(({ method, target }) => `${method} ${shape(target)}`));
  const pages = (await readdir(path.join(projectRoot, 'docs'), { recursive: true })).filter((name) => name.endsWith('.md')).map((name) => path.join(projectRoot, 'docs', name));
  let found = 0;
  for (const page of [path.join(projectRoot, 'README.md'), ...pages]) {
    const text = await readFile(page, 'utf8');
    for (const [, method, target] of text.matchAll(/\b(GET|POST|PUT|PATCH|DELETE) (\/(?:api\/|apps\/|ws\b|sessions\b|token\b|test-token|send-message|healthz|readyz|openapi)[^\s`)|,?"'<\\]*)/g)) {
      if (/…|\.\.\./.test(target)) continue;
      found += 1;
      const wanted = shape(target.replace(/ext_\w+/g, '{id}').replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '{id}').replace(/\/(ID|id|\$\w+)(?=\/|$)/g, '/{id}'));
      assert.ok(there.has(`${method} ${wanted}`), `${path.basename(page)}: ${method} ${target}`);
    }
  }
  assert.ok(found >= 8, `${found} routes are in the documentation`);
});
