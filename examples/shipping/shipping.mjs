#!/usr/bin/env node
// The shipping desk: answers two tool calls of a session server, serves the labels that it made, and the companion page.
// Invariant: it listens on the loopback interface only, and no other site's page can call it.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Labels, labelPage, qrSvg } from './labels.mjs';
import { Refused, quotesFor } from './rates.mjs';
import { labelRequest, quoteRequest } from './requests.mjs';

const usage = `Usage: examples/shipping/shipping.mjs [--port N] [--server URL]

Serves the tools get_shipping_quotes and create_label, their labels and the companion page on 127.0.0.1.

  --port N      the port (default 9000; 0 takes any free one)
  --server URL  the session server that the page connects to (default http://127.0.0.1:5409)
`;

const folder = fileURLToPath(new URL('page/', import.meta.url));
const files = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/companion.css': ['companion.css', 'text/css; charset=utf-8'],
  '/companion.js': ['companion.js', 'text/javascript; charset=utf-8'],
  '/session.js': ['session.js', 'text/javascript; charset=utf-8'],
  '/label.css': ['label.css', 'text/css; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
};
const bodyBytesMax = 64 * 1024;
const qrCharactersMax = 1_200;
// Longer than the 10 s that a session server waits: this ZIP code is how one tries a timeout.
const silentZip = '99999';
const silentMs = 12_000;

function json(response, status, value) {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(JSON.stringify(value));
}

function html(response, status, text, type = 'text/html; charset=utf-8') {
  response.writeHead(status, { 'Content-Type': type }).end(text);
}

async function bodyOf(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > bodyBytesMax) throw new Refused(`The request is larger than ${bodyBytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function callIn(text, tool) {
  let call;
  try {
    call = JSON.parse(text);
  } catch {
    throw new Refused('The body is not JSON');
  }
  if (call?.tool_name !== undefined && call.tool_name !== tool) throw new Refused(`Unsupported tool: ${call.tool_name}`);
  const parameters = call?.parameters ?? {};
  if (typeof parameters !== 'object' || Array.isArray(parameters)) throw new Refused('parameters must be an object');
  return parameters;
}

const silence = (response) => new Promise((resolve) => {
  const timer = setTimeout(resolve, silentMs);
  response.once('close', () => { clearTimeout(timer); resolve(); });
});

/** One desk on one port. `server` is where the page finds its sessions; it may be set after the start. */
class Desk {
  #labels = new Labels();
  server;
  address = '';

  constructor(server) {
    this.server = server;
  }

  #quotes(parameters) {
    return { zips: [parameters.from_zip, parameters.to_zip], answer: () => quotesFor(parameters) };
  }

  #label(parameters) {
    const answer = () => {
      const label = this.#labels.create(parameters);
      const url = `${this.address}/labels/${label.id}`;
      return { tracking_number: label.number, label_url: url, qr_code: `${url}/qr.svg`, carrier: label.carrier, estimated_delivery: label.due };
    };
    return { zips: [parameters.shipper_zip, parameters.recipient_zip], answer };
  }

  async #answerTool(request, response, tool) {
    const parameters = callIn(await bodyOf(request), tool);
    const { zips, answer } = tool === 'create_label' ? this.#label(labelRequest(parameters)) : this.#quotes(quoteRequest(parameters));
    if (zips.some((zip) => zip.startsWith(silentZip))) {
      await silence(response);
      if (!response.destroyed) json(response, 504, { error: 'The carriers did not answer' });
      return;
    }
    json(response, 200, answer());
  }

  async #answerLabel(response, pathname) {
    const [, , id, part] = pathname.split('/');
    const label = this.#labels.find(id);
    const own = `${this.address}/labels/${id}`;
    if (label && part === undefined) html(response, 200, await labelPage(label, own));
    else if (label && part === 'qr.svg') html(response, 200, await qrSvg(own), 'image/svg+xml');
    else json(response, 404, { error: 'There is no such label; labels last as long as this program runs' });
  }

  // What a page of ours may do: show itself and talk to the one session server.
  #dress(response) {
    const socket = this.server.replace(/^http/, 'ws');
    response.setHeader('Content-Security-Policy', `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; `
      + `connect-src 'self' ${this.server} ${socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.setHeader('Cache-Control', 'no-store');
  }

  #isForUs({ headers }) {
    const { port } = new URL(this.address);
    const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
    return hosts.includes(headers.host) && (headers.origin === undefined || hosts.some((host) => headers.origin === `http://${host}`));
  }

  async answer(request, response) {
    this.#dress(response);
    const { pathname } = new URL(request.url, this.address);
    if (!this.#isForUs(request)) return json(response, 403, { error: 'Only programs and pages of this machine may call this' });
    if (request.method === 'POST' && pathname === '/quotes') return this.#answerTool(request, response, 'get_shipping_quotes');
    if (request.method === 'POST' && pathname === '/labels') return this.#answerTool(request, response, 'create_label');
    if (request.method === 'POST' && pathname === '/qr.svg') return this.#answerQr(request, response);
    if (request.method !== 'GET' && request.method !== 'HEAD') return json(response, 405, { error: 'Method not allowed' });
    // One origin for the page, so that one line of configuration allows it; browsers carry a fragment over.
    if (pathname === '/' && !this.address.endsWith(request.headers.host)) return response.writeHead(307, { Location: this.address + request.url }).end();
    if (pathname === '/config.json') return json(response, 200, { server: this.server });
    if (pathname.startsWith('/labels/')) return this.#answerLabel(response, pathname);
    if (!Object.hasOwn(files, pathname)) return json(response, 404, { error: 'Not found' });
    const [name, type] = files[pathname];
    return html(response, 200, await readFile(path.join(folder, name)), type);
  }

  // The text may hold a token, so it comes in the body: addresses end up in histories.
  async #answerQr(request, response) {
    const text = await bodyOf(request);
    if (text.length === 0 || text.length > qrCharactersMax) throw new Refused(`A QR code here holds 1 to ${qrCharactersMax} characters`);
    html(response, 200, await qrSvg(text, 'L'), 'image/svg+xml');
  }
}

/** Opens a desk on a port of 127.0.0.1 (0: any free one): {address, server, close()}; `server` may be assigned. */
export async function openDesk({ port = 0, server = 'http://127.0.0.1:5409' } = {}) {
  const desk = new Desk(server);
  const listener = createServer((request, response) => {
    desk.answer(request, response).catch((error) => {
      if (response.destroyed) return;
      if (response.headersSent) return void response.destroy();
      if (!(error instanceof Refused)) console.error(error);
      json(response, error instanceof Refused ? 400 : 500, { error: error instanceof Refused ? error.message : 'The shipping desk failed; its terminal says why' });
    });
  });
  await new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, '127.0.0.1', resolve);
  });
  desk.address = `http://127.0.0.1:${listener.address().port}`;
  desk.close = () => new Promise((resolve) => {
    listener.close(resolve);
    listener.closeAllConnections?.();
  });
  return desk;
}

/** The lines that a session server's configuration file needs for this desk. */
export function configurationFor(address) {
  return `allow_origins = ["${address}"]

[tools.get_shipping_quotes]
url = "${address}/quotes"
update = "quote_ready"

[tools.create_label]
url = "${address}/labels"
update = "label_created"
`;
}

async function main() {
  let values;
  try {
    const options = { port: { type: 'string', default: '9000' }, server: { type: 'string' }, help: { type: 'boolean', short: 'h' } };
    values = parseArgs({ options }).values;
    if (!/^\d+$/.test(values.port) || Number(values.port) > 65535) throw new Error(`--port takes a number up to 65535, not '${values.port}'`);
  } catch (error) {
    console.error(`error: ${error.message}\n${usage}`);
    process.exit(2);
  }
  if (values.help) return void process.stdout.write(usage);
  const desk = await openDesk({ port: Number(values.port), server: values.server?.replace(/\/+$/, '') });
  console.log(`The shipping desk is open at ${desk.address}\nThe configuration of the session server needs:\n\n${configurationFor(desk.address)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(error.code === 'EADDRINUSE' ? 'error: the port is taken; --port 0 takes any free one' : `error: ${error.message}`);
    process.exitCode = 1;
  });
}
