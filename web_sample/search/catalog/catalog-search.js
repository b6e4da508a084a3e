/** A query enters; the best products of an open catalog leave: the same products and score bits as elsewhere. */

import { rowsToScore } from '../first-pass/rows-to-score.js';
import { lowerBound } from '../lower-bound.js';
import { BadFileError, allowed } from '../malformed.js';
import { namedProducts } from '../words/named.js';
import { wantedProducts } from '../words/wanted.js';
import { Best } from './best.js';
import { offerRows } from './offer-rows.js';
import { PreparedQuery, mixed, rint, vectorOf } from './scores.js';

/**
 * What to search for: a text's embedding, an image's, both with the slider from 0 (the text alone) to 1 (the image
 * alone), or more like a product, which is left out. Embeddings are of the catalog's space: `dim` finite numbers.
 * @typedef {{text: Float32Array} | {image: Float32Array} | {text: Float32Array, image: Float32Array, slider: number} |
 * {like: number}} SearchQuery
 */

/**
 * What a product must be; undefined or null for no matter. `categories`: names, of which the product is in one. Prices
 * are in ten-thousandths of the catalog's currency, inclusive. `fields`: of each that is named, texts, of which the
 * product has one.
 * @typedef {{categories?: Iterable<string> | null, lowest?: number | null, highest?: number | null,
 *   fields?: Record<string, Iterable<string>> | null}} CatalogFilter
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
   * has no confidence). `without` leaves one product out. Where the file has a first pass, the search may miss some of
   * them, unless it is to be `exact`; the scores are exact anyway.
   * Throws a RangeError for a vector of another width, not finite or all zeros; an unknown category; a price filter on
   * a catalog without one currency; a k below 1, a slider or a share outside 0 to 1; a product that is none. Throws
   * `BadFileError` for "more like this" of a product whose row is damaged.
   * @param {SearchQuery} query @param {number} [k] @param {CatalogFilter} [filter] @param {number} [threshold]
   * @param {number} [leastConfidence] @param {number | null} [without] @param {boolean} [exact] @returns {SearchHit[]}
   */
  search(query, k = 10, filter = {}, threshold = -Infinity, leastConfidence = 0, without = null, exact = false) {
    allowed(Number.isInteger(k) && k >= 1, () => `a search for the best ${k}`);
    allowed(!Number.isNaN(threshold), () => 'a threshold that is no number');
    allowed(leastConfidence >= 0 && leastConfidence <= 1, () =>
      `a least confidence of ${leastConfidence}, expected 0 to 1`);
    const left = [without, 'like' in query ? query.like : null].filter((product) => product !== null);
    for (const product of left) this.catalog.check(product);
    const confidence = this.#confidences(query);
    const best = new Best(Math.min(k, this.catalog.size));
    const prepared = this.#prepared(query);
    const wanted = wantedProducts(this.catalog, filter, left);
    const rows = rowsToScore(this.catalog, prepared, k, wanted, exact);
    offerRows(this.catalog, prepared, rows, threshold, best);
    const { owners } = this.catalog.tables;
    return best.sorted().map(({ row, score }) => hit(owners[row], row, score, confidence(row, score)))
      .filter((found) => found.confidence === null || found.confidence >= leastConfidence);
  }

  /**
   * The products that a text names exactly, at most so many: by a key, or by all its words. A group of its own, above
   * what `search` finds. Throws a RangeError for a filter that cannot be asked, `BadFileError` for a damaged record.
   * @param {string} text @param {CatalogFilter} [filter]
   */
  named(text, filter = {}, most = 10) {
    return namedProducts(this.catalog, text, wantedProducts(this.catalog, filter, []), most);
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
    const { owners } = tables; // sorted
    const firstRow = lowerBound(owners.length, (row) => owners[row] < product);
    try {
      return new PreparedQuery(vectorOf(tables, firstRow), tables);
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
}

/**
 * @param {number} product @param {number} row @param {number} score @param {number | null} confidence
 * @returns {SearchHit}
 */
function hit(product, row, score, confidence) {
  const inSteps = (/** @type {number} */ steps) => confidence === null ? null : rint(steps * confidence);
  return { product, row, score, confidence, percent: inSteps(100), stars: inSteps(5) };
}
