/** A query enters; the best products of an open catalog leave: exact, the same products and score bits as elsewhere. */

import { BadFileError, allowed } from '../malformed.js';
import { Best } from './best.js';
import { whole } from './catalog-reader.js';
import { PreparedQuery, mixed, rint, vectorOf } from './scores.js';

/**
 * What to search for: a text's embedding, an image's, both with the slider from 0 (the text alone) to 1 (the image
 * alone), or more like a product, which is left out. Embeddings are of the catalog's space: `dim` finite numbers.
 * @typedef {{text: Float32Array} | {image: Float32Array} | {text: Float32Array, image: Float32Array, slider: number} |
 * {like: number}} SearchQuery
 */

/**
 * What a product must be; undefined or null for no matter. `categories`: names, of which the product is in one. Prices
 * are in ten-thousandths of the catalog's currency, inclusive.
 * @typedef {{categories?: Iterable<string> | null, lowest?: number | null, highest?: number | null}} CatalogFilter
 */

/**
 * A product that was found, by its place in the catalog, with its best row and that row's score: for ordering, not for
 * people. `confidence`: the share of results with such a score that are right, 0 to 1, in whole per cent and in stars,
 * 0 to 5; null where the catalog's calibration was not measured for that kind of query.
 * @typedef {object} SearchHit @property {number} product @property {number} row @property {number} score
 * @property {number | null} confidence @property {number | null} percent @property {number | null} stars
 */

/** Searches an open catalog, row by row. Holds nothing that changes. */
export class CatalogSearch {
  /** @param {import('./catalog.js').ProductCatalog} catalog */
  constructor(catalog) {
    this.catalog = catalog;
  }

  /**
   * The best `k` products, best first; of products with equal scores that with the lower row. In this order: filter,
   * score, one row a product, `threshold` (of the score, inclusive), top k, `leastConfidence` (which hides nothing that
   * has no confidence). `without` leaves one product out.
   * Throws a RangeError for a vector of another width, not finite or all zeros; an unknown category; a price filter on
   * a catalog without one currency; a k below 1, a slider or a share outside 0 to 1; a product that is none. Throws
   * `BadFileError` for "more like this" of a product whose row is damaged.
   * @param {SearchQuery} query @param {number} [k] @param {CatalogFilter} [filter] @param {number} [threshold]
   * @param {number} [leastConfidence] @param {number | null} [without] @returns {SearchHit[]}
   */
  search(query, k = 10, filter = {}, threshold = -Infinity, leastConfidence = 0, without = null) {
    allowed(Number.isInteger(k) && k >= 1, () => `a search for the best ${k}`);
    allowed(!Number.isNaN(threshold), () => 'a threshold that is no number');
    allowed(leastConfidence >= 0 && leastConfidence <= 1, () =>
      `a least confidence of ${leastConfidence}, expected 0 to 1`);
    const left = [without, 'like' in query ? query.like : null].filter((product) => product !== null);
    for (const product of left) {
      const isOne = Number.isInteger(product) && product >= 0 && product < this.catalog.size;
      allowed(isOne, () => `no product ${product} of ${this.catalog.size}`);
    }
    const confidence = this.#confidences(query);
    const best = new Best(Math.min(k, this.catalog.size));
    this.#scan(this.#prepared(query), this.#wanted(filter, left), threshold, best);
    const { owners } = this.catalog.tables;
    return best.sorted().map(({ row, score }) => hit(owners[row], row, score, confidence(row, score)))
      .filter((found) => found.confidence === null || found.confidence >= leastConfidence);
  }

  /**
   * Offers the best row of each product that is wanted, if it reaches the threshold. A row that scores too low to be
   * among the best is passed over: a better one of its product is not.
   * @param {PreparedQuery} query @param {Uint8Array | null} wanted @param {number} threshold @param {Best} best
   */
  #scan(query, wanted, threshold, best) {
    const { memory, tables } = this.catalog;
    const next = memory.scan(query, tables);
    let least = threshold;
    let product = -1; // whose best row so far is `bestRow`
    let bestRow = -1;
    let bestScore = -Infinity;
    for (const [first, end] of runs(tables.owners, wanted)) {
      for (let row = next(first, end, least); row < end; row = next(row + 1, end, least)) {
        const owner = tables.owners[row];
        if (owner === product && memory.score <= bestScore) continue; // the first of equal rows stays
        if (owner !== product && bestRow >= 0) least = Math.max(least, best.offer(bestScore, bestRow));
        product = owner;
        bestRow = row;
        bestScore = memory.score;
      }
    }
    if (bestRow >= 0) best.offer(bestScore, bestRow);
  }

  /** @param {SearchQuery} query */
  #prepared(query) {
    const { tables, calibration } = this.catalog;
    if ('like' in query) return this.#like(query.like);
    if (!('image' in query)) return new PreparedQuery(query.text, tables);
    if (!('text' in query)) return new PreparedQuery(query.image, tables);
    return new PreparedQuery(mixed(query.text, query.image, calibration.weight(query.slider)), tables);
  }

  /** @param {number} product */
  #like(product) {
    const { tables, name } = this.catalog;
    try {
      return new PreparedQuery(vectorOf(tables, firstRow(tables.owners, product)), tables);
    } catch (error) {
      throw error instanceof RangeError ? new BadFileError(`${name}, product ${product}`, error.message) : error;
    }
  }

  /**
   * A function of a row and its score.
   * @param {SearchQuery} query @returns {(row: number, score: number) => number | null}
   */
  #confidences(query) {
    const { tables, calibration } = this.catalog;
    if ('like' in query || !('text' in query)) return (_, score) => calibration.ofImage(score);
    if (!('image' in query)) return (_, score) => calibration.ofText(score);
    const text = new PreparedQuery(query.text, tables);
    const image = new PreparedQuery(query.image, tables);
    return (row) => calibration.ofBoth(query.slider, text.scoreOf(tables, row), image.scoreOf(tables, row));
  }

  /**
   * Of each product, 1 where it may be found; null where all may.
   * @param {CatalogFilter} filter @param {number[]} left out
   */
  #wanted({ categories = null, lowest = null, highest = null }, left) {
    const { catalog } = this;
    const names = categories === null ? null : this.#names(new Set(categories));
    const hasPrices = lowest !== null || highest !== null;
    allowed(!hasPrices || catalog.currency !== '', () =>
      'no filter by price: the catalog has prices of several currencies, or none');
    const [least, most] = [Math.max(lowest ?? 0, 0), highest ?? Infinity]; // none, -1, is in no range
    allowed(!Number.isNaN(least) && !Number.isNaN(most), () => `prices from ${lowest} to ${highest}`);
    if (names === null && !hasPrices && left.length === 0) return null;
    const wanted = new Uint8Array(catalog.size).fill(1);
    for (const product of left) wanted[product] = 0;
    const { prices, categories: places } = catalog.tables;
    for (let product = 0; product < catalog.size; product++) {
      const price = whole(prices, product);
      const fits = (!hasPrices || price >= least && price <= most) && (names === null || names[places[product]]);
      if (!fits) wanted[product] = 0;
    }
    return wanted;
  }

  /** Of each category, whether it is wanted. @param {Set<string>} wanted */
  #names(wanted) {
    const { categories } = this.catalog;
    const unknown = [...wanted].filter((name) => !categories.includes(name));
    allowed(unknown.length === 0, () => `no such category: ${unknown.join(', ')}; there are ${categories.join(', ')}`);
    return categories.map((name) => wanted.has(name));
  }
}

/**
 * Runs of rows whose products are wanted: the first row of each, and the one after it.
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

/**
 * The first row of a product: of the sorted owners, the first that is not below it.
 * @param {Uint32Array} owners @param {number} product
 */
function firstRow(owners, product) {
  let low = 0;
  let high = owners.length;
  while (low < high) {
    const middle = low + high >>> 1;
    if (owners[middle] < product) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param {number} product @param {number} row @param {number} score @param {number | null} confidence
 * @returns {SearchHit}
 */
function hit(product, row, score, confidence) {
  const inSteps = (/** @type {number} */ steps) => confidence === null ? null : rint(steps * confidence);
  return { product, row, score, confidence, percent: inSteps(100), stars: inSteps(5) };
}
