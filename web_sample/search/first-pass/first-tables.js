/**
 * A catalog's container enters; the tensors of its first pass leave, checked; and what a first pass reads of a row is
 * made here of the row's codes. FORMATS.md has the rules: the same bits everywhere.
 */

import { rint } from '../catalog/scores.js';
import { ANY } from '../container.js';
import { asInteger, asObject, parse, part } from '../json.js';
import { wellFormed } from '../malformed.js';

/**
 * The rows' codes projected on `width` axes and quantised again: views of the file.
 * @typedef {object} FirstTables @property {Int8Array} axes [width, dim] @property {Int8Array} codes [rows, width]
 * @property {Float32Array} scales [rows] @property {number} of one fitting row of so many is scored exactly
 */

/** Of a number of 7 bits. */
export const LARGEST = 127;
const TENSORS = ['first_axes', 'first_codes', 'first_scales'];
const [LEAST_OF, MOST_OF] = [20, 1000];

/**
 * Null for a file without a first pass. Throws `Malformed`, or `BadFileError`, for one that is not whole.
 * @param {import('../container.js').Container} container @param {number} rows @param {number} dim
 * @returns {FirstTables | null}
 */
export function readFirstTables(container, rows, dim) {
  if (!TENSORS.some((name) => container.has(name))) return null;
  const axes = container.tensor('first_axes', 'I8', ANY, dim);
  const width = axes.length / dim;
  wellFormed(width >= 1 && width <= dim, () => `a first pass of ${width} axes for ${dim} dimensions`);
  const codes = container.tensor('first_codes', 'I8', rows, width);
  const scales = container.tensor('first_scales', 'F32', rows);
  wellFormed(scales.every((scale) => scale >= 0 && scale < Infinity), () =>
    'a first_scale that is no finite number, or below 0');
  const stated = asObject(parse(container.text('first_pass'), { once: false }), 'first_pass');
  const of = asInteger(part(stated, 'of'), '\'of\' of first_pass');
  wellFormed(of >= LEAST_OF && of <= MOST_OF, () =>
    `first_pass says one row of ${of}, expected ${LEAST_OF} to ${MOST_OF}`);
  return { axes, codes, scales, of };
}

/**
 * The exact sums of axes x numbers, and the largest of them without its sign.
 * @param {Int8Array} axes [width, dim] @param {Int8Array | Int16Array} numbers [dim]
 */
export function projected(axes, numbers) {
  const dim = numbers.length;
  const sums = new Int32Array(axes.length / dim);
  for (let axis = 0; axis < sums.length; axis++) {
    let sum = 0;
    for (let index = 0; index < dim; index++) sum = sum + axes[axis * dim + index] * numbers[index] | 0;
    sums[axis] = sum;
  }
  return { sums, largest: sums.reduce((most, sum) => Math.max(most, Math.abs(sum)), 0) };
}

/**
 * Of one row, what a first pass reads.
 * @param {Int8Array} axes [width, dim] @param {Int8Array} codes [dim] @param {number} scale
 * @returns {{codes: Int8Array, scale: number}} codes: [width]
 */
export function derivedRow(axes, codes, scale) {
  const { sums, largest } = projected(axes, codes);
  const factor = Math.fround(largest / LARGEST);
  const small = Int8Array.from(sums, (sum) => Math.max(-LARGEST, Math.min(LARGEST, rint(sum / (factor || 1)))));
  return { codes: small, scale: Math.fround(scale * factor) };
}
