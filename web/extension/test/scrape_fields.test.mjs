import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const [{ parseFields }] = await load('/src/fields.ts');

test('a field is a selector and what to take from what it finds', () => {
  assert.deepEqual(parseFields({ name: '.css::text', link: 'a::href', self: '::data-id', plain: ' h1 ', long: 'a::attr(title)', quoted: 'a[href="x::y"]::text' }), [
    { name: 'name', css: '.css' }, { name: 'link', css: 'a', attribute: 'href' }, { name: 'self', css: '', attribute: 'data-id' },
    { name: 'plain', css: 'h1' }, { name: 'long', css: 'a', attribute: 'title' }, { name: 'quoted', css: 'a[href="x::y"]' },
  ]);
});

test('no fields mean the text of each element', () => {
  for (const fields of [undefined, null, {}]) assert.deepEqual(parseFields(fields), [{ name: 'text', css: '' }]);
});

test('a field that cannot be read is named', () => {
  assert.throws(() => parseFields({ a: 1 }), /fields\.a must be text/);
  assert.throws(() => parseFields({ b: 'a::<x>' }), /fields\.b: "<x>"/);
  assert.throws(() => parseFields({ c: 'a::' }), /fields\.c/);
  assert.throws(() => parseFields(['a']), /must be an object/);
  assert.throws(() => parseFields('a'), /must be an object/);
});
