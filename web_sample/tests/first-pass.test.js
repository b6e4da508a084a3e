/** Golden and made-up catalogs with a first pass enter; whether searches choose the right rows and products leaves. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogSearch } from '../search/catalog/catalog-search.js';
import { PreparedQuery } from '../search/catalog/scores.js';
import { derivedRow } from '../search/first-pass/first-tables.js';
import { Largest, nthLargest } from '../search/first-pass/largest.js';
import { candidates, promising, smallQuery } from '../search/first-pass/rows-to-score.js';
import { BadFileError } from '../search/malformed.js';
import { bits, opened, vector } from './golden-answers.js';
import { fileOf, opener, randomParts } from './made-catalog.js';
import { even, fits, plain, vectorOf } from './plain-search.js';
import { goldens, random } from './vectors.js';

const FOLDER = 'first-pass';
const golden = goldens.json(`${FOLDER}/index.json`);

/** @typedef {import('./made-catalog.js').Parts} Parts */
/** @typedef {{product: number, row: number, score: number}} Found */

/** @param {Found[]} hits */
function inBits(hits) {
  return hits.map(({ product, row, score }) => ({ product, row, score: bits(score) }));
}

test('a golden search chooses the rows that Python does, and finds its products, exact or not', async (context) => {
  const catalog = await opened(goldens.bytes(`${FOLDER}/${golden.catalog}`));
  const search = new CatalogSearch(catalog);
  const { first } = catalog.tables;
  assert.ok(first && golden.cases.length > 20);
  let chosen = 0;
  for (const [number, one] of golden.cases.entries()) {
    const query = new PreparedQuery(vector(one.vector), catalog.tables);
    const { k, categories, lowest, highest, threshold, without } = one;
    const filter = { categories, lowest, highest };
    const find = (/** @type {boolean} */ exact) =>
      inBits(search.search({ text: vector(one.vector) }, k, filter, threshold, 0, without, exact));
    const wanted = wantedOf(catalog, filter, without);
    assert.deepEqual(smallQuery(first, query)?.join() ?? null, one.projected?.join() ?? null, `case ${number}`);
    assert.equal(promising(catalog, query, k, wanted) === null, one.candidates === null, `case ${number}`);
    const rows = candidates(catalog, query, k, wanted);
    if (one.candidates) assert.deepEqual([...rows ?? []], one.candidates, `case ${number}`);
    assert.deepEqual(find(false), one.hits, `case ${number}`);
    assert.deepEqual(find(true), one.exact ?? one.hits, `case ${number}, exact`);
    chosen += one.candidates ? 1 : 0;
  }
  assert.ok(chosen > 10 && chosen < golden.cases.length);
  context.diagnostic(`${golden.cases.length} golden searches with a first pass, differing: 0`);
});

/**
 * @param {import('../search/index.js').ProductCatalog} catalog
 * @param {{categories?: string[], lowest?: number, highest?: number}} filter @param {number} [without]
 */
function wantedOf(catalog, { categories, lowest = 0, highest = Infinity }, without) {
  return Uint8Array.from({ length: catalog.size }, (_, product) => {
    const price = catalog.price(product);
    const isIn = !categories || categories.includes(catalog.categories[catalog.category(product)]);
    const isPriced = lowest === 0 && highest === Infinity || price !== null && price >= lowest && price <= highest;
    return isIn && isPriced && product !== without ? 1 : 0;
  });
}

test('a golden first pass that is damaged is refused', async () => {
  assert.ok(golden.damaged.length > 30);
  for (const file of golden.damaged) {
    await assert.rejects(opened(goldens.bytes(`${FOLDER}/${file}`), file),
      (error) => error instanceof BadFileError && error.kind === 'damaged' && !error.message.includes('\n'), file);
  }
});

test('what a first pass reads of a golden row is made of its codes', async () => {
  const { tables: { codes, scales, first }, rows, dim } = await opened(goldens.bytes(`${FOLDER}/${golden.catalog}`));
  assert.ok(first && rows > 1000);
  for (let row = 0; row < rows; row++) {
    const found = derivedRow(first.axes, codes.subarray(row * dim, (row + 1) * dim), scales[row]);
    const width = found.codes.length;
    assert.deepEqual([...found.codes], [...first.codes.subarray(row * width, (row + 1) * width)], `row ${row}`);
    assert.equal(found.scale, first.scales[row], `row ${row}`);
  }
});

test('the largest values are kept, of equal ones the first', () => {
  const next = random(3);
  for (let turn = 0; turn < 300; turn++) {
    const values = Array.from({ length: 1 + next(200) }, () => next(1 + next(60)) - 20);
    const most = 1 + next(values.length);
    const sorted = [...values.keys()].sort((one, other) => values[other] - values[one] || one - other);
    assert.equal(nthLargest(Float64Array.from(values), most), values[sorted[most - 1]]);
    for (const bound of [-Infinity, values[sorted[most - 1]], values[sorted[most >> 1]] + 1]) {
      const largest = new Largest(most, bound);
      for (const [row, value] of values.entries()) if (value >= largest.bound) largest.offer(value, row);
      const isEnough = values.filter((value) => value >= bound).length >= most;
      assert.deepEqual(largest.rows()?.join() ?? null,
        isEnough ? sorted.slice(0, most).sort((one, other) => one - other).join() : null);
    }
  }
});

test('searches with a first pass equal the slow way, with filters, many rows a product, few rows', async () => {
  const next = random(7);
  const open = await opener(1 << 19);
  const counts = { candidates: 0, 'too few rows': 0, 'no part': 0, 'few products': 0, differ: 0 };
  for (let seed = 0; seed < 80; seed++) {
    const parts = withFirstPass(next, madeParts(seed, next));
    const search = new CatalogSearch(open(fileOf(parts)));
    const query = vectorOf(next, parts.dim);
    const categories = next(2) ? parts.names.filter(() => next(4) > 0) : null;
    const filter = { categories, lowest: next(3) ? null : 20_000 };
    const without = next(2) ? next(parts.records.length) : null;
    const wanted = (/** @type {number} */ product) =>
      fits(parts, { ...filter, highest: null }, product) && product !== without;
    const k = 1 + next(3);
    const all = plain(parts, query, wanted);
    const { way, hits } = plainly(parts, query, k, wanted, all);
    const threshold = hits.length > 0 && next(2) ? hits[next(hits.length)].score : -Infinity;
    const find = (/** @type {boolean} */ exact) =>
      inBits(search.search({ text: query }, k, filter, threshold, 0, without, exact));
    const above = (/** @type {typeof all} */ some) =>
      inBits(some.filter(({ score }) => score >= threshold).slice(0, k));
    assert.deepEqual(find(false), above(hits), `seed ${seed}, ${way}`);
    assert.deepEqual(find(true), above(all), `seed ${seed}, exact`);
    counts[way] += 1;
    if (bits(hits[0]?.score ?? 0) !== bits(all[0]?.score ?? 0)) counts.differ += 1;
  }
  assert.ok(Object.values(counts).every((count) => count > 0), JSON.stringify(counts));
});

test('more like this, and a search by both, take the first pass too', async () => {
  const next = random(2);
  const parts = withFirstPass(next, randomParts(1, 2500, 8));
  const catalog = await opened(fileOf(parts));
  const search = new CatalogSearch(catalog);
  const [text, image] = [vectorOf(next, 8), vectorOf(next, 8)];
  const numbers = (/** @type {Found[]} */ hits) => hits.map(({ row, score }) => [row, score]);
  for (const slider of [0, 0.3, 1]) {
    const weight = catalog.calibration.weight(slider);
    const mixed = Float32Array.from(text, (value, index) => weight * image[index] + (1 - weight) * value);
    assert.deepEqual(numbers(search.search({ text, image, slider }, 2)), numbers(search.search({ image: mixed }, 2)));
  }
  const row = parts.owners.indexOf(7);
  const first = Float32Array.from(parts.offset, (value, index) =>
    value + parts.scales[row] * parts.codes[8 * row + index]);
  assert.deepEqual(search.search({ like: 7 }, 2), search.search({ image: first }, 2, {}, -Infinity, 0, 7));
});

/**
 * Of few different codes; of each second, products have many rows, all of one code.
 * @param {number} seed @param {(most: number) => number} next
 */
function madeParts(seed, next) {
  const parts = randomParts(seed, 900 + next(3000), 2 + next(12));
  if (next(2)) return parts;
  const { owners, dim, codes, prices, categories, records } = parts;
  const size = 20 + next(400); // products that become one
  const grouped = owners.map((owner) => Math.floor(owner / size));
  const products = grouped[grouped.length - 1] + 1;
  const firsts = Array.from({ length: products }, (_, product) => grouped.indexOf(product) * dim);
  return { ...parts, owners: grouped, prices: prices.slice(0, products), categories: categories.slice(0, products),
    records: records.slice(0, products),
    codes: grouped.flatMap((owner) => codes.slice(firsts[owner], firsts[owner] + dim)) };
}

/**
 * With tables made by FORMATS.md's words, the slow way.
 * @param {(most: number) => number} next @param {Parts} parts @returns {Parts}
 */
function withFirstPass(next, parts) {
  const { owners, dim, codes, scales } = parts;
  const width = 1 + next(dim);
  const most = next(6) === 0 ? 1 : 20; // 1: axes of zeros, in which no query has a part
  const axes = Array.from({ length: width * dim }, () => next(2 * most - 1) - most + 1);
  const made = owners.map((_, row) => {
    const sums = sumsOf(axes, codes.slice(row * dim, (row + 1) * dim));
    const factor = Math.fround(Math.max(...sums.map(Math.abs)) / 127);
    return { codes: sums.map((sum) => even(sum / (factor || 1))), scale: Math.fround(scales[row] * factor) };
  });
  return { ...parts, first: { axes, of: 20 + next(30), codes: made.flatMap((one) => one.codes),
    scales: made.map(({ scale }) => scale) } };
}

/** @param {number[]} axes @param {number[]} numbers */
function sumsOf(axes, numbers) {
  return Array.from({ length: axes.length / numbers.length }, (_, axis) =>
    numbers.reduce((sum, number, index) => sum + number * axes[axis * numbers.length + index], 0));
}

/**
 * FORMATS.md's words, the slow way: what a search with a first pass finds, and which way it went.
 * @param {Parts} parts @param {Float32Array} query @param {number} k @param {(product: number) => boolean} wanted
 * @param {ReturnType<typeof plain>} all what the exact search finds
 * @returns {{way: 'candidates' | 'too few rows' | 'no part' | 'few products', hits: ReturnType<typeof plain>}}
 */
function plainly({ owners, dim, codes, scales, offset, first }, query, k, wanted, all) {
  assert.ok(first);
  const step = Math.max(...query.map(Math.abs)) / 16383;
  const q16 = Array.from(query, (value) => even(value / step));
  const rows = [...owners.keys()].filter((row) => wanted(owners[row]));
  const count = Math.max(64 * k, Math.ceil(rows.length / first.of));
  if (16 * count > rows.length) return { way: 'too few rows', hits: all };
  const sums = sumsOf(first.axes, q16);
  const largest = Math.max(...sums.map(Math.abs));
  if (largest === 0) return { way: 'no part', hits: all };
  const small = sums.map((sum) => even(sum / (largest / 127)));
  const firsts = new Map(rows.map((row) =>
    [row, first.scales[row] * sumsOf(first.codes.slice(row * small.length, (row + 1) * small.length), small)[0]]));
  rows.sort((one, other) => (firsts.get(other) ?? 0) - (firsts.get(one) ?? 0) || one - other);
  const chosen = rows.slice(0, count);
  const owned = new Set(chosen.map((row) => owners[row]));
  if (owned.size < k) return { way: 'few products', hits: all };
  const constant = offset.reduce((sum, value, index) => sum + value * query[index], 0);
  const scored = chosen.sort((one, other) => one - other).map((row) => ({ row, product: owners[row],
    score: scales[row] * step * sumsOf(codes.slice(row * dim, (row + 1) * dim), q16)[0] + constant }));
  scored.sort((one, other) => other.score - one.score || one.row - other.row);
  const products = new Set([...new Set(scored.map(({ product }) => product))].slice(0, k));
  return { way: 'candidates', hits: all.filter(({ product }) => products.has(product)) };
}
