/** Golden and made-up catalogs enter; whether searches give the right products, score bits and confidences leaves. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScoreCalibration } from '../search/catalog/calibration.js';
import { CatalogSearch } from '../search/catalog/catalog-search.js';
import {
  calibration, catalogFile, fileOf, metadataOf, opener, randomParts, tensorsOf,
} from './made-catalog.js';
import { bits, opened, searches } from './golden-answers.js';
import { even, fits, plain, vectorOf } from './plain-search.js';
import { goldens, random } from './vectors.js';

test('a golden search gives the same products, score bits and confidences', async (context) => {
  const { count, wrong } = await searches(goldens);
  assert.ok(count > 0);
  assert.deepEqual(wrong, []);
  context.diagnostic(`${count} golden searches, differing: ${wrong.length}`);
});

test('searches with filters, thresholds and ties equal the slow way', async () => {
  const next = random(5);
  const open = await opener(1 << 17);
  let ties = 0;
  for (let seed = 0; seed < 400; seed++) {
    const parts = randomParts(seed, 1 + next(700), 1 + next(40));
    const search = new CatalogSearch(open(fileOf(parts)));
    const query = vectorOf(next, parts.dim);
    const filter = {
      categories: next(2) ? parts.names.filter(() => next(2)) : null,
      lowest: next(3) ? null : next(10) * 10_000,
      highest: next(3) ? null : next(20) * 10_000,
    };
    const without = next(2) ? next(parts.records.length) : null;
    const all = plain(parts, query, (product) => fits(parts, filter, product) && product !== without);
    ties += all.filter((hit, place) => place > 0 && hit.score === all[place - 1].score).length;
    const threshold = all.length > 0 && next(2) ? all[next(all.length)].score : -Infinity;
    const k = 1 + next(30);
    const found = search.search({ text: query }, k, filter, threshold, 0, without);
    assert.deepEqual(found.map(({ product, row, score }) => ({ product, row, score: bits(score) })),
      all.filter(({ score }) => score >= threshold).slice(0, k).map((hit) => ({ ...hit, score: bits(hit.score) })),
      `seed ${seed}`);
  }
  assert.ok(ties > 1000, `${ties}`);
});

test('a catalog of many blocks is searched to its end', async () => {
  const parts = randomParts(9, 40_000, 3);
  const query = Float32Array.of(3, -2, 5);
  const found = new CatalogSearch(await opened(fileOf(parts))).search({ image: query }, 100_000);
  assert.deepEqual(found.map(({ product, row, score }) => ({ product, row, score })), plain(parts, query, () => true));
});

test('every width up to the widest is scored exactly', async () => {
  const open = await opener(1 << 17);
  for (const dim of [...Array(70).keys()].map((index) => index + 1).concat(127, 128, 511, 512, 513, 768, 1023, 1024)) {
    const parts = randomParts(dim, 33, dim);
    parts.codes.fill(-127, 0, dim);
    const query = new Float32Array(dim).fill(1);
    const found = new CatalogSearch(open(fileOf(parts))).search({ image: query }, 100);
    assert.deepEqual(found.map(({ row, score }) => [row, score]),
      plain(parts, query, () => true).map(({ row, score }) => [row, score]));
  }
});

test('more like this leaves the product out and equals a search by its first row', async () => {
  const parts = randomParts(3, 60, 16);
  const catalog = await opened(fileOf(parts));
  for (let product = 0; product < catalog.size; product++) {
    const row = parts.owners.indexOf(product);
    const query = Float32Array.from(parts.offset, (value, index) =>
      value + parts.scales[row] * parts.codes[row * 16 + index]);
    assert.deepEqual(new CatalogSearch(catalog).search({ like: product }, 5).map((hit) => [hit.product, hit.score]),
      plain(parts, query, (one) => one !== product).slice(0, 5).map((hit) => [hit.product, hit.score]));
  }
});

test('more like a product whose row is nothing is an error of the file', async () => {
  const parts = randomParts(3, 60, 16);
  parts.offset.fill(0);
  parts.scales.fill(0, 0, 1);
  const search = new CatalogSearch(await opened(fileOf(parts)));
  assert.throws(() => search.search({ like: 0 }),
    { name: 'BadFileError', message: /^made.catalog, product 0: .*zeros$/ });
});

test('the slider\'s ends are the text\'s and the image\'s own results', async () => {
  const parts = randomParts(8, 200, 24);
  const search = new CatalogSearch(await opened(fileOf(parts)));
  const [text, image] = [vectorOf(random(1), 24), vectorOf(random(2), 24)];
  assert.deepEqual(search.search({ text, image, slider: 0 }), search.search({ text }));
  assert.deepEqual(search.search({ text, image, slider: 1 }), search.search({ image }));
  assert.ok(Math.abs(ScoreCalibration.read(metadataOf(parts).calibration).weight(1 / 3) - 0.5) < 1e-12);
});

test('stars and per cent round halves to even', async () => {
  const parts = randomParts(8, 50, 4);
  const half = '{"a":0,"b":0,"spread":1}';
  const made = catalogFile({ ...metadataOf(parts), calibration: calibration(half, half) }, tensorsOf(parts));
  const query = { text: Float32Array.of(1, 2, 3, 4) };
  const [{ confidence, percent, stars }] = new CatalogSearch(await opened(made)).search(query, 1);
  assert.deepEqual([confidence, percent, stars], [0.5, 50, 2]);
  for (const hit of new CatalogSearch(await opened(fileOf(parts))).search(query, 50)) {
    const share = /** @type {number} */ (hit.confidence);
    assert.deepEqual([hit.percent, hit.stars], [even(100 * share), even(5 * share)]);
  }
});

test('the least confidence is inclusive', async () => {
  const search = new CatalogSearch(await opened(fileOf(randomParts(8, 50, 4))));
  const query = { text: Float32Array.of(1, 2, 3, 4) };
  const all = search.search(query, 1000);
  const least = /** @type {number} */ (all[all.length >> 1].confidence);
  const wanted = all.filter(({ confidence }) => confidence !== null && confidence >= least);
  assert.deepEqual(search.search(query, 1000, {}, -Infinity, least), wanted);
  assert.ok(wanted.length < all.length);
});

test('what was not measured has no confidence, and no least confidence hides it', async () => {
  const parts = randomParts(8, 50, 4);
  const [text, image] = [Float32Array.of(1, 2, 3, 4), Float32Array.of(4, 3, 2, 1)];
  const flat = (/** @type {boolean} */ measured) =>
    `{"a":0.001,"b":0,"spread":1,"measured":${measured}}`; // no result is sure
  for (const [texts, images] of [[true, true], [true, false], [false, true], [false, false]]) {
    const metadata = { ...metadataOf(parts), calibration: calibration(flat(texts), flat(images)) };
    const search = new CatalogSearch(await opened(catalogFile(metadata, tensorsOf(parts))));
    /** @type {[import('../search/catalog/catalog-search.js').SearchQuery, boolean][]} */
    const queries = [[{ text }, texts], [{ image }, images], [{ like: 7 }, images], [{ text, image, slider: 0 }, texts],
      [{ text, image, slider: 0.5 }, texts && images], [{ text, image, slider: 1 }, images]];
    for (const [query, measured] of queries) {
      const all = search.search(query);
      assert.ok(all.length > 0);
      for (const { confidence, percent, stars } of all) {
        assert.deepEqual([confidence, percent, stars].map((one) => one !== null), [measured, measured, measured]);
      }
      assert.deepEqual(search.search(query, 10, {}, -Infinity, 1), measured ? [] : all);
    }
  }
});

test('an older calibration was measured unless it is the builder\'s guess or of no source', () => {
  const measured = (/** @type {string} */ curve, source = 'names') => {
    const read = ScoreCalibration.read(calibration(curve, '{"a":3,"b":-1,"spread":1}', source));
    assert.equal(read.ofText(0.5) !== null, read.text.measured);
    return [read.text.measured, read.image.measured];
  };
  assert.deepEqual(measured('{"a":10,"b":-5.0,"spread":0.2}'), [false, true]);
  assert.deepEqual(measured('{"a":10,"b":-5.000001,"spread":0.2}'), [true, true]);
  assert.deepEqual(measured('{"a":10.1,"b":-5,"spread":0.2}'), [true, true]);
  assert.deepEqual(measured('{"a":4,"b":-2,"spread":0.2}', 'none'), [false, false]);
  assert.deepEqual(measured('{"a":10,"b":-5,"spread":0.2,"measured":true}', 'none'), [true, false]);
  assert.deepEqual(measured('{"a":4,"b":-2,"spread":0.2,"measured":false}'), [false, true]);
});

test('what cannot be asked is refused by name', async () => {
  const search = new CatalogSearch(await opened(fileOf({ ...randomParts(1, 9, 3), currency: '' })));
  const text = Float32Array.of(1, 0, 0);
  /** @type {[string, () => void][]} */
  const refusals = [
    ['expected 3', () => search.search({ text: Float32Array.of(1) })],
    ['not finite', () => search.search({ text: Float32Array.of(1, NaN, 0) })],
    ['not finite', () => search.search({ image: Float32Array.of(1, Infinity, 0) })],
    ['zeros', () => search.search({ text: new Float32Array(3) })],
    ['best 0', () => search.search({ text }, 0)],
    ['best NaN', () => search.search({ text }, NaN)],
    ['threshold', () => search.search({ text }, 10, {}, NaN)],
    ['least confidence', () => search.search({ text }, 10, {}, 0, 2)],
    ['Shoes', () => search.search({ text }, 10, { categories: ['Shoes'] })],
    ['currencies', () => search.search({ text }, 10, { lowest: 0 })],
    ['no product 999', () => search.search({ like: 999 })],
    ['no product -1', () => search.search({ text }, 10, {}, 0, 0, -1)],
    ['slider', () => search.search({ text, image: text, slider: NaN })],
    ['numbers', () => search.search({ text, image: Float32Array.of(1), slider: 0.5 })],
  ];
  for (const [says, ask] of refusals) assert.throws(ask, { name: 'RangeError', message: new RegExp(says) }, says);
});
