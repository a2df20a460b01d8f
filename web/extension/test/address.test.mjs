import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const [{ parseAddress, socketAddress, isExposed }] = await load('sojourn-client/address');

test('an address is made canonical', () => {
  for (const [text, address] of [
    ['http://localhost:5409', 'http://localhost:5409'],
    ['  localhost:5409/ ', 'http://localhost:5409'],
    ['ws://localhost:5409/ws', 'http://localhost:5409'],
    ['ws://localhost:5409/ws/extension', 'http://localhost:5409'],
    ['wss://example.org', 'https://example.org'],
    ['HTTPS://Example.org:443/sojourn/', 'https://example.org/sojourn'],
    ['[::1]:5409', 'http://[::1]:5409'],
    ['127.0.0.1', 'http://127.0.0.1'],
  ]) assert.deepEqual(parseAddress(text), { ok: true, address }, text);
});

test('an address that cannot be used is refused with what is wrong', () => {
  for (const [text, error] of [
    ['', /Enter the address/], ['   ', /Enter the address/], ['http://', /is not an address/], ['http://a b', /spaces/],
    ['ftp://localhost', /http:\/\/ or https:\/\/, not ftp:/], ['javascript://x', /not javascript:/], ['localhost:99999', /is not an address/],
    ['localhost:0', /between 1 and 65535/], ['http://user:secret@localhost', /password/], ['http://localhost?x=1', /"\?" or "#"/], ['http://localhost#x', /"\?" or "#"/],
  ]) {
    const parsed = parseAddress(text);
    assert.equal(parsed.ok, false, text);
    assert.match(parsed.error, error);
  }
});

test('the socket of the door carries the device and the version', () => {
  assert.equal(
    socketAddress('http://localhost:5409', { device: 'a-b', v: '0.1.0' }), 'ws://localhost:5409/ws/extension?device=a-b&v=0.1.0');
  assert.equal(socketAddress('https://example.org/sojourn', { v: '1&2' }), 'wss://example.org/sojourn/ws/extension?v=1%262');
});

test('only plain text that leaves this machine counts as exposed', () => {
  for (const address of ['http://localhost:1', 'http://127.0.0.1', 'http://[::1]:1', 'http://a.localhost', 'https://example.org']) {
    assert.equal(isExposed(address), false, address);
  }
  for (const address of ['http://example.org', 'http://192.168.0.2:5409', 'http://localhost.example.org', 'http://127.0.0.1.example.org']) {
    assert.equal(isExposed(address), true, address);
  }
});
