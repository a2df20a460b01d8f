#include "browser/storage_script.h"

namespace sojourn {
namespace {

// A value that JSON has no text for is a list that begins with a letter; so is each list and each object. An object
// that is there twice is the same one again: ['r', its number].
constexpr std::string_view script = R"script((() => {
const lost = [];
const miss = (what) => {
  const sentence = what.slice(0, 200).replace(/[\ud800-\udfff]/g, '?');
  if (lost.length < 20 && !lost.includes(sentence)) lost.push(sentence);
};
let left = 0;
const spend = (count) => { left -= count; if (left < 0) throw new RangeError('too large'); };
// What `body` spent comes back when it fails.
const attempt = async (what, body) => {
  const before = left;
  try { return await body(); } catch { left = before; miss(what); return undefined; }
};

const toText = (buffer) => {
  const bytes = new Uint8Array(buffer);
  let text = '';
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode.apply(null, bytes.subarray(i, i + 0x8000));
  return btoa(text);
};
const toBuffer = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
const kindOf = (value) => Object.prototype.toString.call(value).slice(8, -1);

// Blobs give their bytes later: `waits` are promises that complete what was given.
const packer = (waits) => {
  const known = new Map();
  const list = (letter, values) => { const all = [letter]; for (const value of values) all.push(pack(value)); return all; };
  const packBlob = (blob, kind) => {
    spend(Math.ceil(blob.size / 3) * 4);
    const packed = ['f', '', blob.type, ...(kind === 'File' ? [blob.name, blob.lastModified] : [])];
    waits.push(blob.arrayBuffer().then((buffer) => { packed[1] = toText(buffer); }));
    return packed;
  };
  const packObject = (value) => {
    const kind = kindOf(value);
    if (ArrayBuffer.isView(value))
      return ['v', kind, pack(value.buffer), value.byteOffset, kind === 'DataView' ? value.byteLength : value.length];
    switch (kind) {
      case 'Array': {
        const keys = Object.keys(value);
        if (keys.length === value.length && keys.every((key, i) => key === String(i))) return list('a', value);
        return ['h', value.length, ...keys.flatMap((key) => [key, pack(value[key])])];
      }
      case 'Object': return ['o', ...Object.keys(value).flatMap((key) => { spend(key.length + 4); return [key, pack(value[key])]; })];
      case 'Date': return ['d', Number.isNaN(value.getTime()) ? null : value.getTime()];
      case 'RegExp': return ['x', value.source, value.flags];
      case 'Map': return list('m', [...value].flat());
      case 'Set': return list('s', value);
      case 'ArrayBuffer': spend(Math.ceil(value.byteLength / 3) * 4); return ['p', toText(value)];
      case 'Boolean': case 'Number': case 'String': case 'BigInt': return ['w', pack(value.valueOf())];
      case 'Error': return ['e', value.name, value.message, value.stack];
      case 'Blob': case 'File': return packBlob(value, kind);
      default: throw new TypeError(kind);
    }
  };
  const pack = (value) => {
    spend(8);
    switch (typeof value) {
      case 'undefined': return ['u'];
      case 'bigint': return ['b', String(value)];
      case 'number': return Number.isFinite(value) && !Object.is(value, -0) ? value : ['n', Object.is(value, -0) ? '-0' : String(value)];
      case 'string': spend(value.length); return value;
      case 'object': break;
      default: return value;
    }
    if (value === null) return null;
    if (known.has(value)) return ['r', known.get(value)];
    known.set(value, known.size);
    return packObject(value);
  };
  return pack;
};

const unpacker = () => {
  const known = [];
  const errors = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
  // One that others may point to is known before what is in it.
  const know = (value, fill) => { known.push(value); fill?.(value); return value; };
  const later = (make) => { const place = known.push(undefined) - 1; known[place] = make(); return known[place]; };
  const set = (target, key, value) => Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  const fill = (rest) => (target) => { for (let i = 0; i < rest.length; i += 2) set(target, rest[i], unpack(rest[i + 1])); };
  const unpack = (packed) => {
    if (!Array.isArray(packed)) return packed;
    const [letter, ...rest] = packed;
    switch (letter) {
      case 'u': return undefined;
      case 'n': return Number(rest[0]);
      case 'b': return BigInt(rest[0]);
      case 'r': return known[rest[0]];
      case 'a': return know([], (all) => { for (const one of rest) all.push(unpack(one)); });
      case 'h': return know(new Array(rest[0]), fill(rest.slice(1)));
      case 'o': return know({}, fill(rest));
      case 'd': return know(new Date(rest[0] ?? NaN));
      case 'x': return know(new RegExp(rest[0], rest[1]));
      case 'm': return know(new Map(), (map) => { for (let i = 0; i < rest.length; i += 2) map.set(unpack(rest[i]), unpack(rest[i + 1])); });
      case 's': return know(new Set(), (all) => { for (const one of rest) all.add(unpack(one)); });
      case 'p': return know(toBuffer(rest[0]));
      case 'v': return later(() => new self[rest[0]](unpack(rest[1]), rest[2], rest[3]));
      case 'w': return later(() => Object(unpack(rest[0])));
      case 'e': return know(new (errors[rest[0]] ?? Error)(rest[1]), (error) => set(error, 'stack', rest[2]));
      case 'f': return know(rest.length > 2 ? new File([toBuffer(rest[0])], rest[2], { type: rest[1], lastModified: rest[3] }) : new Blob([toBuffer(rest[0])], { type: rest[1] }));
      default: throw new TypeError(letter);
    }
  };
  return unpack;
};

const asked = (request) => new Promise((done, failed) => {
  request.onsuccess = () => done(request.result);
  request.onerror = () => failed(request.error);
});
const within = (ms, promise) => Promise.race([promise, new Promise((_, failed) => { setTimeout(failed, ms, new Error('late')); })]);
const opened = (request, ms) => within(ms, asked(request)).catch((error) => {
  request.onsuccess = () => request.result.close();
  throw error;
});

const readArea = (area) => {
  const pairs = [];
  for (let i = 0; i < area.length; i += 1) {
    const key = area.key(i);
    const value = area.getItem(key);
    spend(key.length + value.length + 8);
    pairs.push([key, value]);
  }
  return pairs;
};

// A few at a time, so that a large store is not held at once.
const readRecords = async (store, waits, onLost) => {
  const records = [];
  for (let range = null; ;) {
    const [keys, values] = await Promise.all([asked(store.getAllKeys(range, 64)), asked(store.getAll(range, 64))]);
    keys.forEach((key, i) => {
      const before = left;
      try { records.push([packer(waits)(key), packer(waits)(values[i])]); } catch (error) {
        if (left < 0) throw error;
        left = before;
        onLost();
      }
    });
    if (keys.length < 64) return records;
    range = IDBKeyRange.lowerBound(keys.at(-1), true);
  }
};

const readDatabase = async (name, origin) => {
  const request = indexedDB.open(name);
  request.onupgradeneeded = () => request.transaction.abort();  // it is gone
  const db = await opened(request, 1000);
  db.onversionchange = () => db.close();
  try {
    const stores = [];
    const waits = [];
    const names = [...db.objectStoreNames];
    const transaction = names.length > 0 ? db.transaction(names, 'readonly') : null;
    for (const store of names.map((one) => transaction.objectStore(one))) {
      let count = 0;
      const records = await readRecords(store, waits, () => { count += 1; });
      if (count > 0) miss(`${count} records of ${store.name} in the database ${name} of ${origin}, which can't be told`);
      const indexes = [...store.indexNames].map((one) => store.index(one)).map((index) => [index.name, index.keyPath, index.unique, index.multiEntry]);
      stores.push({ name: store.name, keyPath: store.keyPath, autoIncrement: store.autoIncrement, indexes, records });
    }
    await Promise.all(waits);
    return { name, version: db.version, stores };
  } finally { db.close(); }
};

const noteOthers = async (origin) => {
  try { if ((await caches.keys()).length > 0) miss(`the caches of ${origin}`); } catch { /* there are none */ }
  try { if ((await navigator.serviceWorker.getRegistrations()).length > 0) miss(`the service workers of ${origin}`); } catch { /* nor these */ }
};

const read = async (max) => {
  const { origin } = self;
  const scroll = [scrollX, scrollY];
  if (!/^https?:/.test(origin)) return { origin: '', text: '', lost, scroll };
  left = max;
  const local = await attempt(`the localStorage of ${origin}`, () => readArea(localStorage)) ?? [];
  const session = await attempt(`the sessionStorage of ${origin}`, () => readArea(sessionStorage)) ?? [];
  const databases = [];
  // A page may keep a database busy for ever.
  const end = performance.now() + 900;
  for (const { name } of await attempt(`the databases of ${origin}`, () => indexedDB.databases()) ?? []) {
    const database = await attempt(`the database ${name} of ${origin}`, () => within(Math.max(end - performance.now(), 50), readDatabase(name, origin)));
    if (database) databases.push(database);
  }
  await noteOthers(origin);
  const isEmpty = local.length + session.length + databases.length === 0;
  return { origin, text: isEmpty ? '' : JSON.stringify({ local, session, databases }), lost, scroll };
};

const writeDatabase = async ({ name, version, stores }) => {
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => {
    for (const { name: called, keyPath, autoIncrement, indexes, records } of stores) {
      const store = request.result.createObjectStore(called, { keyPath, autoIncrement });
      for (const [index, path, unique, multiEntry] of indexes) store.createIndex(index, path, { unique, multiEntry });
      for (const [key, value] of records) {
        if (keyPath === null) store.put(unpacker()(value), unpacker()(key));
        else store.put(unpacker()(value));
      }
    }
  };
  (await opened(request, 10_000)).close();
};

const write = async (text) => {
  const { origin } = self;
  const { local, session, databases } = JSON.parse(text);
  const fill = (name, pairs) => attempt(`the ${name} of ${origin}`, () => { for (const [key, value] of pairs) self[name].setItem(key, value); });
  await fill('localStorage', local);
  await fill('sessionStorage', session);
  for (const database of databases) await attempt(`the database ${database.name} of ${origin}`, () => writeDatabase(database));
  return { lost };
};
return { read, write };
})())script";

}  // namespace

std::string_view storage_script() { return script; }

}  // namespace sojourn
