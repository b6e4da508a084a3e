/**
 * A query's vector enters; it leaves in whole numbers, ready to be scored against one catalog, the same bits as
 * elsewhere.
 */

import { allowed } from '../malformed.js';

/** @typedef {import('./catalog-reader.js').CatalogTables} CatalogTables */

const STEPS = 16383; // 14 bits and a sign: 1,024 x 128 x 16383 < 2^31
const WHOLE = 2 ** 52; // from here on float64 holds whole numbers alone

/** A vector in whole numbers. */
export class PreparedQuery {
  /**
   * Throws a RangeError unless the vector has the catalog's width, is finite and not zero.
   * @param {Float32Array} vector @param {CatalogTables} tables
   */
  constructor(vector, { offset }) {
    allowed(vector.length === offset.length,
      () => `a query vector of ${vector.length} numbers, expected ${offset.length}`);
    let largest = 0;
    let constant = 0;
    for (let index = 0; index < vector.length; index++) {
      allowed(Number.isFinite(vector[index]), () => 'a query vector with a number that is not finite');
      largest = Math.max(largest, Math.abs(vector[index]));
      constant += offset[index] * vector[index];
    }
    allowed(largest > 0, () => 'a query vector of zeros');
    /** What one whole number is. */
    this.step = largest / STEPS;
    /** offset . vector */
    this.constant = constant;
    /** The vector in whole numbers, -16383 to 16383. */
    this.q16 = Int16Array.from(vector, (value) => rint(value / this.step));
  }

  /** The score of a row by its exact sum of code x q16. In this order. @param {number} scale @param {number} sum */
  score(scale, sum) {
    return scale * this.step * sum + this.constant;
  }

  /** The score of one row. @param {CatalogTables} tables @param {number} row */
  scoreOf({ codes, scales }, row) {
    const first = row * this.q16.length;
    return this.score(scales[row], this.q16.reduce((sum, number, index) => sum + codes[first + index] * number, 0));
  }
}

/**
 * `weight * image + (1 - weight) * text`; its length is left as it is.
 * @param {Float32Array} text @param {Float32Array} image @param {number} weight
 */
export function mixed(text, image, weight) {
  allowed(text.length === image.length, () => `vectors of ${text.length} and of ${image.length} numbers`);
  return Float32Array.from(text, (value, index) => weight * image[index] + (1 - weight) * value);
}

/** A row as a vector again. @param {CatalogTables} tables @param {number} row */
export function vectorOf({ offset, scales, codes }, row) {
  const first = row * offset.length;
  return Float32Array.from(offset, (value, index) => value + scales[row] * codes[first + index]);
}

/** The nearest whole number, halves to the even one, of a number below 2^51. @param {number} value */
export function rint(value) {
  return value < 0 ? -(-value + WHOLE - WHOLE) : value + WHOLE - WHOLE;
}
