// Upright sRGB pixels enter; the square that the image encoder takes leaves, the same bytes as open_clip's.

import { allowed } from '../malformed.js';
import { Axis, KERNELS, Pixels } from './resample.js';

/**
 * What makes the square; the manifest says it. `mode` 'shortest': the shorter side becomes the square's, the other by
 * the same factor, then the centre is cropped; 'squash': both sides become the square's.
 * @typedef {{size: number, interpolation: import('./resample.js').Interpolation, mode?: 'shortest' | 'squash'}}
 * ImageSpec
 */

/** Pixels of the largest image. */
export const MOST_PIXELS = 2 ** 27;
/** Pixels along each side of the largest square. */
export const LARGEST_SIZE = 4096;
const MOST_SHRUNK = 4096;                    // at more than that, rounded weights change colours (FORMATS.md, Pictures)

/** Resizes antialiased; only the pixels of the square are computed. Holds nothing that changes. */
export class ImagePreprocessor {
  /**
   * @param {ImageSpec} spec
   * @throws {RangeError} for a size that is none, or an interpolation or a mode that is not known.
   */
  constructor({ size, interpolation, mode = 'shortest' }) {
    allowed(Number.isInteger(size) && size >= 1 && size <= LARGEST_SIZE, () => `a square of ${size} pixels`);
    allowed(Object.hasOwn(KERNELS, interpolation), () => `an interpolation of '${interpolation}'`);
    allowed(mode === 'shortest' || mode === 'squash', () => `a resize mode of '${mode}'`);
    this.size = size;
    this.interpolation = interpolation;
    this.mode = mode;
  }

  /**
   * RGB8 [size, size, 3] of an upright sRGB image. Takes some 3 x size x the shorter side bytes of memory, and time.
   * @param {Uint8Array | Uint8ClampedArray} pixels row by row; RGBA (not premultiplied) is read in place, over white
   * @param {number} width @param {number} height @param {number} channels 3 or 4 @returns {Uint8Array}
   * @throws {RangeError} where `pixels` has another length, there are no or over 2^27 pixels, or a side is over 4,096
   * times as long as it becomes.
   */
  square(pixels, width, height, channels = 3) {
    const fits = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0 &&
      width * height <= MOST_PIXELS && (channels === 3 || channels === 4);
    allowed(fits && pixels.length === channels * width * height, () =>
      `${pixels.length} bytes for an image of ${width} x ${height}, expected 3 or 4 a pixel and at most `
      + `${MOST_PIXELS} pixels`);
    const short = Math.min(width, height);
    const [toWidth, toHeight] = [this.#resized(width, short), this.#resized(height, short)];
    allowed(width <= MOST_SHRUNK * toWidth && height <= MOST_SHRUNK * toHeight, () =>
      `an image of ${width} x ${height}, expected at most ${MOST_SHRUNK * toWidth} x ${MOST_SHRUNK * toHeight}`);
    const columns = new Axis(width, toWidth, this.size, this.interpolation);
    const rows = new Axis(height, toHeight, this.size, this.interpolation);
    const image = new Pixels(pixels, channels, width);
    // Whether the height changes before the width, as in Pillow 13.0: each pass rounds, so that the order matters.
    const fewerRows = height - toHeight;
    const rowsFirst = fewerRows > 0 && fewerRows > 2 * (width - toWidth);
    let square;
    if (rowsFirst) {
      const used = columns.to - columns.from;
      const low = new Pixels(rows.shrinkRows(image, columns.from, used), 3, used, columns.from);
      square = columns.shrinkColumns(low, 0, this.size);
    } else {
      const narrow = columns.shrinkColumns(image, rows.from, rows.to - rows.from);
      square = rows.shrinkRows(new Pixels(narrow, 3, this.size, 0, rows.from), 0, this.size);
    }
    return new Uint8Array(square.buffer);
  }

  /** What a side becomes. @param {number} side @param {number} short */
  #resized(side, short) {
    return this.mode === 'squash' ? this.size : Math.floor(this.size * side / short);
  }
}
