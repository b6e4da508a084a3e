/** Golden, made-up and damaged catalogs enter; whether they are read or refused as they must be leaves. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogSearch } from '../search/catalog/catalog-search.js';
import { CatalogMemory } from '../search/catalog/catalog-memory.js';
import { compareUtf8 } from '../search/catalog/id-order.js';
import { BadFileError } from '../search/malformed.js';
import {
  bytesOf, calibration, catalogFile, fileOf, metadataOf, opener, randomParts, tensorsOf,
} from './made-catalog.js';
import { bits, damagedCatalogs, opened } from './golden-answers.js';
import { edited, headerOf } from './made-container.js';
import { expected, goldens, random } from './vectors.js';

const parts = randomParts(1, 12, 8);
const good = fileOf(parts);
const open = await opener(1 << 22);

test('a golden catalog that is damaged is refused where it must be', async (context) => {
  const { count, wrong } = await damagedCatalogs(goldens);
  assert.ok(count > 0);
  assert.deepEqual(wrong, []);
  context.diagnostic(`${count} golden damaged catalogs`);
});

test('golden ids are found where Python finds them, and golden damage is refused', async () => {
  const { catalogs, damaged } = goldens.json('ids/index.json');
  for (const made of catalogs) {
    const catalog = await opened(goldens.bytes(`ids/${made.catalog}`));
    for (const { id, place } of made.places) assert.equal(catalog.place(id), place, `${made.catalog}, ${id}`);
    assert.ok(made.places.length > 0);
  }
  for (const file of damaged) {
    await assert.rejects(opened(goldens.bytes(`ids/${file}`), file), oneLine(file));
  }
});

if (expected) {
  const { bytes, json } = { bytes: expected.bytes('damaged/files'), json: expected.json('damaged/index.json') };
  test('catalogs that Python damaged are refused, or read as Python reads them', async (context) => {
    const counts = { refused: 0, read: 0, whole: 0 };
    let end = 0;
    for (const { size, answer } of json.files) {
      const file = bytes.slice(end, end += size);
      const found = await answered(file, json.ids, json.top);
      assert.deepEqual(found, answer, `the ${size} bytes before ${end}`);
      counts[found === null ? 'refused' : found.verifies ? 'whole' : 'read'] += 1;
    }
    assert.equal(end, bytes.length);
    context.diagnostic(`${json.files.length} damaged catalogs: ${counts.refused} refused, ${counts.read} read as `
      + `Python reads them, ${counts.whole} whole, 0 otherwise`);
  });
}

test('another catalog than the one that came with the encoders is refused with both digests', async () => {
  const [own, other] = [/"sha256":"([0-9a-f]{64})"/.exec(headerOf(good))?.[1] ?? '', 'cd'.repeat(32)];
  await assert.rejects(opened(good, 'night.catalog', undefined, other), 
    oneLine('night.catalog', own, other));
  await (await opened(good, 'night.catalog', 'ab'.repeat(32), own)).verify();
});

test('a catalog of another embedding space is refused with both names', async () => {
  const [own, other] = ['ab'.repeat(32), 'cd'.repeat(32)];
  await assert.rejects(opened(good, 'a.catalog', other), oneLine('a.catalog', own, other));
});

test('what is not known or does not agree is named', () => {
  for (const key of ['format', 'version', 'quantization', 'metric']) {
    refused(changed({ [key]: 'other' }), `unknown ${key}`);
    refused(changed({ [key]: null }), `unknown ${key}`);
  }
  for (const key of ['space', 'model', 'dim', 'products', 'rows', 'currency', 'categories', 'calibration', 'sha256']) {
    refused(changed({ [key]: null }), `'${key}'`);
  }
  for (const key of ['dim', 'products', 'rows']) {
    for (const value of ['0', '-1', '1.0', '', '01', '99999999999', '\u0663']) refused(changed({ [key]: value }), key);
  }
  for (const value of ['{}', '[1]', '[', 'null']) refused(changed({ categories: value }), '');
  const curve = '{"a":1,"b":2,"spread":1}';
  for (const value of ['{}', '[]', '1', calibration('{"a":1,"b":2,"spread":0}', curve),
    calibration('{"a":1e999,"b":2,"spread":1}', curve),
    calibration('{"a":1e101,"b":2,"spread":1}', curve), calibration('{"a":1,"b":2,"spread":1e-101}', curve)]) {
    refused(changed({ calibration: value }), '');
  }
  for (const value of ['1', '0', 'null', '"true"', '[]', '{}']) {
    const bad = `{"a":1,"b":2,"spread":1,"measured":${value}}`;
    refused(changed({ calibration: calibration(bad, curve) }), '\'measured\'');
    refused(changed({ calibration: calibration(curve, bad) }), '\'measured\'');
  }
  refused(changed({ space: 'AB'.repeat(32) }), 'space');
  refused(changed({ dim: '1025' }), 'dimensions');
  const [own] = /"sha256":"[0-9a-f]{64}"/.exec(headerOf(good)) ?? [''];
  refused(edited(good, own, '"sha256":"0"'), 'sha256');
});

test('a tensor that is missing or of another kind is named', () => {
  for (const tensor of tensorsOf(parts)) {
    const others = tensorsOf(parts).filter(({ name }) => name !== tensor.name);
    refused(catalogFile(metadataOf(parts), others), `'${tensor.name}'`);
    for (const wrong of [{ ...tensor, type: 'U9' }, { ...tensor, shape: [1, ...tensor.shape] }]) {
      const tensors = tensorsOf(parts).map((one) => one.name === tensor.name ? wrong : one);
      refused(catalogFile(metadataOf(parts), tensors), `'${tensor.name}'`);
    }
  }
});

test('unknown keys and tensors are passed over', async () => {
  const more = [...tensorsOf(parts), { name: 'later', type: 'BF16', shape: [1], data: new Uint8Array(2) }];
  await (await opened(catalogFile({ ...metadataOf(parts), later: 'x' }, more))).verify();
  const without = tensorsOf(parts).filter(({ name }) => !name.startsWith('thumbnail'));
  assert.equal(open(catalogFile(metadataOf(parts), without)).thumbnail(5), null);
});

test('tensors of hostile values are refused by name', () => {
  const [int, long, float] = [Uint32Array, BigInt64Array, Float32Array].map((Kind) =>
    (/** @type {any} */ value) => bytesOf(/** @type {any} */ (Kind).of(value)));
  const last = 4 * (parts.owners.length - 1);
  refused(value('owners', 0, int(1)), 'row 0');
  for (const owner of [2 ** 32 - 1, 2 ** 31, 99, 0]) refused(value('owners', last, int(owner)), 'product');
  for (const scale of [NaN, -1, Infinity, -Infinity]) refused(value('scales', 8, float(scale)), 'scale');
  refused(value('offset', 0, float(NaN)), 'offset');
  for (const category of [4, 2 ** 32 - 1, 2 ** 31]) refused(value('categories', 4, int(category)), 'category');
  for (const price of [-2n, -(2n ** 63n)]) refused(value('prices', 0, long(price)), 'price');
  for (const name of ['record_offsets', 'thumbnail_offsets']) {
    refused(value(name, 0, long(1n)), name);
    for (const offset of [-1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 32n]) refused(value(name, 8, long(offset)), name);
  }
});

test('each id is found, with an order of the builder\'s and without', () => {
  const ids = someIds();
  const records = ids.map((id) => JSON.stringify({ name: `of ${id}`, id }));
  for (const idOrder of [sorted(ids), null]) {
    const catalog = open(fileOf({ ...ofRecords(records), idOrder }));
    for (const [place, id] of ids.entries()) {
      assert.equal(catalog.place(id), place, id);
      assert.equal(catalog.product(place).name, `of ${id}`);
    }
    for (const unknown of ['x', 'ab\u0000', '\u6c34'.repeat(5), '\ud83d', 'A', 'e'])
      assert.equal(catalog.place(unknown), null);
  }
  for (const one of ids) {
    for (const other of ids) {
      assert.equal(Math.sign(compareUtf8(one, other)), Buffer.compare(Buffer.from(one), Buffer.from(other)));
    }
  }
});

test('a wrong order finds the right product or none, and what is no order is refused', () => {
  const ids = someIds();
  const records = ids.map((id) => JSON.stringify({ id }));
  const next = random(3);
  const order = sorted(ids);
  for (let turn = 0; turn < 20; turn++) {
    const idOrder = order.map((place) => ({ place, by: next(1 << 20) }))
      .sort((a, b) => a.by - b.by).map(({ place }) => place);
    const catalog = open(fileOf({ ...ofRecords(records), idOrder }));
    for (const [place, id] of ids.entries()) assert.ok([null, place].includes(catalog.place(id)));
  }
  for (const wrong of [order[1], order.length, 2 ** 32 - 1, 2 ** 31]) {
    refused(fileOf({ ...ofRecords(records), idOrder: [wrong, ...order.slice(1)] }), 'id_order');
  }
});

test('a damaged record is an error that names the product, and none of the others', () => {
  const records = parts.records.slice();
  for (const bad of ['[1]', '{', '\u0000', '{"a":}', '['.repeat(5000), '{"price":1e}', '"']) {
    records[3] = bad;
    const catalog = open(fileOf({ ...parts, records }));
    assert.throws(() => catalog.product(3), oneLine('made.catalog', 'product 3'));
    assert.throws(() => catalog.place('p1'), oneLine('made.catalog'));
    assert.equal(catalog.product(2).id, 'p2');
  }
});

test('lists, objects and numbers are kept as they are written', () => {
  const record = '{"id":"p","sizes":["S", 38.50,true,null,{"a": [1, 2]},[3]],"one":"red","box":{"w": 1.0e2, "x":[]},'
    + '"none":null,"empty":[],"n":7,"category":["odd"],"price":1.50,"__proto__":"p"}';
  const { price, category, extra, lists } = open(fileOf(ofRecords([record]))).product(0);
  assert.deepEqual([...extra], [['sizes', '["S", 38.50,true,null,{"a": [1, 2]},[3]]'], ['one', 'red'],
    ['box', '{"w": 1.0e2, "x":[]}'], ['empty', '[]'], ['n', '7'], ['__proto__', 'p']]);
  assert.deepEqual(lists.get('sizes'), ['S', '38.50', 'true', '{"a": [1, 2]}', '[3]']);
  assert.deepEqual([lists.get('one'), lists.get('box'), lists.get('empty')], [['red'], ['{"w": 1.0e2, "x":[]}'], []]);
  assert.deepEqual([price, category, lists.get('none')], ['1.50', '', undefined]);
  for (const odd of ['"1"', '1e3', '9'.repeat(41), 'null']) {
    assert.equal(open(fileOf(ofRecords([`{"price":${odd}}`]))).product(0).price, null);
  }
});

test('a catalog gives its products, prices and small pictures', async () => {
  const made = randomParts(4, 40, 5);
  const catalog = await opened(fileOf(made));
  assert.deepEqual([catalog.size, catalog.rows, catalog.dim, catalog.currency, catalog.model, catalog.categories],
    [made.records.length, 40, 5, 'EUR', 'made', made.names]);
  const { id, name, price, category } = catalog.product(7);
  assert.deepEqual([id, name, price, category], ['p7', 'Product \u00e9 7', '1.50', '']);
  assert.deepEqual(made.prices.map((_, place) => catalog.price(place)), made.prices.map((one) => one < 0 ? null : one));
  assert.deepEqual(made.categories.map((_, place) => catalog.category(place)), made.categories);
  assert.equal(catalog.thumbnail(0), null);
  assert.deepEqual(catalog.thumbnail(5), Uint8Array.of(7, 7));
  await catalog.verify();
  for (const place of [-1, catalog.size, 0.5, NaN]) assert.throws(() => catalog.product(place), RangeError);
});

test('a flipped byte anywhere fails the digest, and the file stays as it is', async () => {
  const next = random(2);
  for (let turn = 0; turn < 50; turn++) {
    const file = fileOf(parts);
    file[8 + headerOf(file).length + next(file.length - 8 - headerOf(file).length)] ^= 1 << next(8);
    let catalog;
    try {
      catalog = open(file);
    } catch {
      continue;
    }
    await assert.rejects(catalog.verify(), BadFileError);
    assert.deepEqual(new Uint8Array(catalog.memory.file), file);
  }
});

test('a file that no memory holds is refused', async () => {
  for (const bytes of [2 ** 33, NaN]) await assert.rejects(CatalogMemory.create(bytes), RangeError);
});

/**
 * What tests/damaged_catalogs.py had Python answer too: null where the file is refused.
 * @param {Uint8Array} file
 * @param {string[]} ids
 * @param {number} top
 */
async function answered(file, ids, top) {
  const catalog = orNull(() => open(file));
  if (catalog === null) return null;
  const query = Float32Array.from({ length: catalog.dim }, (_, index) => index % 5 - 1.5);
  const hits = new CatalogSearch(catalog).search({ text: query }, top);
  return {
    verifies: await catalog.verify().then(() => true, (error) => !oneLine('made.catalog', 'digest')(error)),
    hits: hits.map(({ product, row, score }) => [product, row, bits(score)]),
    names: hits.map(({ product }) => orNull(() => catalog.product(product).name)),
    places: ids.map((id) => orNull(() => catalog.place(id))),
  };
}

/**
 * What the work gives; null where it refuses the file.
 * @template T
 * @param {() => T} work
 */
function orNull(work) {
  try {
    return work();
  } catch (error) {
    oneLine('made.catalog')(error);
    return null;
  }
}

/**
 * Whether an error is one line that begins with the file's name and says that.
 * @param {string} file
 * @param {...string} says
 */
function oneLine(file, ...says) {
  return (/** @type {any} */ error) => {
    assert.ok(error instanceof BadFileError, `${error}`);
    assert.match(error.message, new RegExp(`^${file}.{10,}$`));
    for (const part of says) assert.ok(error.message.includes(part), `'${part}' in ${error.message}`);
    return true;
  };
}

/**
 * @param {Uint8Array} file
 * @param {string} says
 */
function refused(file, says) {
  assert.throws(() => open(file), oneLine('made.catalog', says));
}

/** @param {Record<string, string | null>} metadata */
function changed(metadata) {
  return catalogFile({ ...metadataOf(parts), ...metadata }, tensorsOf(parts));
}

/**
 * The file with other bytes in a tensor.
 * @param {string} tensor
 * @param {number} at
 * @param {Uint8Array} bytes
 */
function value(tensor, at, bytes) {
  const tensors = tensorsOf(parts);
  tensors.find(({ name }) => name === tensor)?.data.set(bytes, at);
  return catalogFile(metadataOf(parts), tensors);
}

/** @param {string[]} records */
function ofRecords(records) {
  const places = records.map((_, place) => place);
  return {
    ...parts, dim: 1, records, owners: places, codes: places.map(() => 1), scales: places.map(() => 1), offset: [0],
    prices: places.map(() => -1), categories: places.map(() => 0),
  };
}

/** Sharing prefixes, of one to four UTF-8 bytes a character; composed and decomposed letters; the empty id. */
function someIds() {
  const next = random(7);
  const letters = ['a', 'b', '\u00e9', '\u6c34', '\ufb01', '\u{1f45f}'];
  const ids = Array.from({ length: 300 }, () => Array.from({ length: 1 + next(4) }, () => letters[next(6)]).join(''));
  return [...new Set([...ids, '', 'a', 'aa', '\u00e9', 'e\u0301', '\ufffd', '\u{1f600}'])];
}

/** @param {string[]} ids */
function sorted(ids) {
  return [...ids.keys()].sort((one, other) => Buffer.compare(Buffer.from(ids[one]), Buffer.from(ids[other])));
}
