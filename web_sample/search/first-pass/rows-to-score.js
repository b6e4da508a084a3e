/**
 * A prepared query and an open catalog enter; the rows leave that are scored exactly: where the catalog has a first
 * pass, those of the few products that it promises, else all that may be found. FORMATS.md has the rules.
 */

import { Best } from '../catalog/best.js';
import { offerRows } from '../catalog/offer-rows.js';
import { rint } from '../catalog/scores.js';
import { lowerBound } from '../lower-bound.js';
import { LARGEST, projected } from './first-tables.js';
import { Largest } from './largest.js';

/** @typedef {import('../catalog/catalog.js').ProductCatalog} ProductCatalog */
/** @typedef {import('../catalog/scores.js').PreparedQuery} PreparedQuery */
/** @typedef {import('./first-tables.js').FirstTables} FirstTables */
/** @typedef {Iterable<[number, number]>} Runs of rows: the first row of each, and the one after it; rising */

const A_PRODUCT = 64; // candidates for each product that is asked for, at least
const EXACT_BELOW = 16; // fitting rows a candidate: with fewer, a first pass saves little

/**
 * The rows among which the best `k` products are. With a first pass it may miss some of them, unless `exact`.
 * @param {ProductCatalog} catalog @param {PreparedQuery} query @param {number} k
 * @param {Uint8Array | null} wanted of each product, 1 where it may be found; null: all @param {boolean} exact
 * @returns {Runs}
 */
export function rowsToScore(catalog, query, k, wanted, exact) {
  const all = runs(catalog.tables.owners, wanted);
  return exact ? all : promising(catalog, query, k, wanted) ?? all;
}

/**
 * The rows of the `k` products that a first pass promises; null where all rows are to be scored.
 * @param {ProductCatalog} catalog @param {PreparedQuery} query @param {number} k @param {Uint8Array | null} wanted
 */
export function promising(catalog, query, k, wanted) {
  const rows = candidates(catalog, query, k, wanted);
  if (rows === null) return null;
  const { owners } = catalog.tables;
  const best = new Best(k);
  offerRows(catalog, query, each(rows), -Infinity, best);
  const isNext = (/** @type {number} */ row, /** @type {number} */ place) =>
    place === 0 || owners[row] !== owners[rows[place - 1]];
  if (rows.filter(isNext).length < k) return null; // a few products own them all
  return best.sorted().map(({ row }) => rowsOf(owners, owners[row])).sort(([one], [other]) => one - other);
}

/**
 * The rows that the first pass promises, rising; null where the search is exact.
 * @param {ProductCatalog} catalog @param {PreparedQuery} query @param {number} k @param {Uint8Array | null} wanted
 */
export function candidates({ memory, tables: { first, owners } }, query, k, wanted) {
  if (first === null) return null;
  const small = smallQuery(first, query);
  let fitting = 0;
  for (const [start, end] of runs(owners, wanted)) fitting += end - start;
  const most = Math.max(A_PRODUCT * k, Math.ceil(fitting / first.of));
  if (small === null || EXACT_BELOW * most > fitting) return null;
  const next = memory.scan({ q16: small, step: 1, constant: 0 }, first);
  const largest = new Largest(most);
  for (const [start, end] of runs(owners, wanted)) {
    for (let row = next(start, end, largest.bound); row < end; row = next(row + 1, end, largest.bound)) {
      largest.offer(memory.score, row);
    }
  }
  return largest.rows();
}

/**
 * The query on the axes, [width] numbers of 7 bits; null where it has no part in them.
 * @param {FirstTables} first @param {PreparedQuery} query
 */
export function smallQuery({ axes }, { q16 }) {
  const { sums, largest } = projected(axes, q16);
  return largest === 0 ? null : Int16Array.from(sums, (sum) => rint(sum / (largest / LARGEST)));
}

/**
 * The rows whose products are wanted.
 * @param {Uint32Array} owners @param {Uint8Array | null} wanted null: all @returns {Generator<[number, number]>}
 */
function* runs(owners, wanted) {
  for (let row = 0; row < owners.length;) {
    const first = row;
    if (wanted === null) row = owners.length;
    while (row < owners.length && wanted?.[owners[row]] === 1) row++;
    if (row > first) yield [first, row];
    while (row < owners.length && wanted?.[owners[row]] === 0) row++;
  }
}

/** @param {Uint32Array} rows rising @returns {Generator<[number, number]>} */
function* each(rows) {
  for (const row of rows) yield [row, row + 1];
}

/** @param {Uint32Array} owners sorted @param {number} product @returns {[number, number]} */
function rowsOf(owners, product) {
  return [lowerBound(owners.length, (row) => owners[row] < product),
    lowerBound(owners.length, (row) => owners[row] <= product)];
}
