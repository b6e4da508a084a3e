/**
 * A prepared query and an open catalog enter; the rows leave that are scored exactly: where the catalog has a first
 * pass, those of the few products that it promises, else all that may be found. FORMATS.md has the rules.
 */

import { Best } from '../catalog/best.js';
import { rint } from '../catalog/scores.js';
import { lowerBound } from '../lower-bound.js';
import { LARGEST, projected } from './first-tables.js';
import { Largest, nthLargest } from './largest.js';

/** @typedef {import('../catalog/catalog.js').ProductCatalog} ProductCatalog */
/** @typedef {import('../catalog/scores.js').PreparedQuery} PreparedQuery */
/** @typedef {import('./first-tables.js').FirstTables} FirstTables */
/** @typedef {Iterable<[number, number]>} Runs of rows: the first row of each, and the one after it; rising */

const A_PRODUCT = 64; // candidates for each product that is asked for, at least
const EXACT_BELOW = 16; // fitting rows a candidate: with fewer, a first pass saves little
const SAMPLED = 256; // one row of so many is looked at to guess what a candidate reaches
const DEVIATIONS = 3; // by which a guess is lower than the sample says
const READ_AHEAD = 16; // rows whose bytes are asked for at once: they lie far from one another
const LINE = 64; // bytes that come with one

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
  const scores = exactScores(catalog, query, rows);
  const best = new Best(k);
  let [products, least] = [0, -Infinity];
  for (let next = 0; next < rows.length; products++) {
    const owner = owners[rows[next]];
    let found = next; // the best of this product's candidates; of equals the first
    while (++next < rows.length && owners[rows[next]] === owner) if (scores[next] > scores[found]) found = next;
    if (scores[found] >= least) least = best.offer(scores[found], rows[found]);
  }
  if (products < k) return null; // a few products own them all
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
  const scoreOf = (/** @type {number} */ row) => (next(row, row + 1, -Infinity), memory.score);
  for (const bound of [guess(runs(owners, wanted), scoreOf, most), -Infinity]) {
    const largest = new Largest(most, bound);
    for (const [start, end] of runs(owners, wanted)) {
      for (let row = next(start, end, largest.bound); row < end; row = next(row + 1, end, largest.bound)) {
        largest.offer(memory.score, row);
      }
    }
    const rows = largest.rows();
    if (rows) return rows; // else the sample misled
  }
  return null;
}

/**
 * What more than `most` of the rows reach, by a sample of them.
 * @param {Runs} all @param {(row: number) => number} scoreOf @param {number} most
 */
function guess(all, scoreOf, most) {
  const sample = [];
  let row = 0;
  for (const [start, end] of all) {
    for (row += start; row < end; row += SAMPLED) sample.push(scoreOf(row));
    row -= end;
  }
  const rank = Math.ceil(most / SAMPLED + DEVIATIONS * Math.sqrt(most / SAMPLED));
  return rank < sample.length ? nthLargest(Float64Array.from(sample), rank) : -Infinity;
}

/**
 * Of each of these rows.
 * @param {ProductCatalog} catalog @param {PreparedQuery} query @param {Uint32Array} rows
 */
function exactScores({ memory, tables }, query, rows) {
  const found = new Float64Array(rows.length);
  const next = memory.scan(query, tables);
  for (let place = 0; place < rows.length; place++) {
    if (place % READ_AHEAD === 0) seen = linesOf(tables, rows.subarray(place, place + READ_AHEAD), query.q16.length);
    next(rows[place], rows[place] + 1, -Infinity);
    found[place] = memory.score;
  }
  return found;
}

/** What was read ahead last: an engine may leave out what nobody takes. */
let seen = 0;

/**
 * Reads something of each line of some rows, so that all are on their way at once; answers a sum of it.
 * @param {import('../catalog/catalog-reader.js').CatalogTables} tables @param {Uint32Array} rows @param {number} dim
 */
function linesOf({ codes, scales, owners }, rows, dim) {
  let sum = 0;
  for (let place = 0; place < rows.length; place++) {
    const first = rows[place] * dim;
    sum = sum + owners[rows[place]] + (scales[rows[place]] > 0 ? 1 : 0) | 0;
    for (let at = first; at < first + dim; at += LINE) sum = sum + codes[at] | 0;
  }
  return sum;
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

/** @param {Uint32Array} owners sorted @param {number} product @returns {[number, number]} */
function rowsOf(owners, product) {
  return [lowerBound(owners.length, (row) => owners[row] < product),
    lowerBound(owners.length, (row) => owners[row] <= product)];
}
