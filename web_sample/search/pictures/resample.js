// A side's length enters, and what it becomes; that axis of a resize leaves, the same bytes as Pillow 13.0.0's.

/** @typedef {'bilinear' | 'bicubic'} Interpolation */

const PRECISION_BITS = 22;
const ONE = 1 << PRECISION_BITS;
const HALF = ONE >> 1;
const A = -0.5;                              // of the bicubic kernel

/**
 * How far a kernel reaches, in pixels, and its value at x pixels from its centre, in Pillow's order of operations.
 * @type {Record<Interpolation, {halfWidth: number, weight: (x: number) => number}>}
 */
export const KERNELS = {
  bilinear: { halfWidth: 1, weight: (x) => Math.max(1 - Math.abs(x), 0) },
  bicubic: {
    halfWidth: 2,
    weight(x) {
      const far = Math.abs(x);
      if (far < 1) return ((A + 2) * far - (A + 3)) * far * far + 1;
      return far < 2 ? (((far - 5) * far + 8) * far - 4) * A : 0;
    },
  },
};

/** A window of an image's pixels, which begins at `left`, `top` of the image and is `width` wide. */
export class Pixels {
  /**
   * @param {Uint8Array | Uint8ClampedArray} bytes row by row, RGB or RGBA @param {number} channels 3 or 4
   * @param {number} width @param {number} left @param {number} top
   */
  constructor(bytes, channels, width, left = 0, top = 0) {
    this.bytes = bytes;
    this.channels = channels;
    this.width = width;
    this.left = left;
    this.top = top;
    this.opaque = new Uint8Array(0);         // the row that was last laid over white
  }

  /**
   * RGB8 of `count` pixels of row `y` from column `left` on; alpha is laid over white. Valid until the next call.
   * @param {number} y @param {number} left @param {number} count
   */
  row(y, left, count) {
    const start = this.channels * ((y - this.top) * this.width + left - this.left);
    if (this.channels === 3) return this.bytes.subarray(start, start + 3 * count);
    if (this.opaque.length !== 3 * count) this.opaque = new Uint8Array(3 * count);
    overWhite(this.bytes, start, this.opaque);
    return this.opaque;
  }
}

/**
 * `round((c * a + 255 * (255 - a)) / 255)` of each channel: no half can come up, since 255 is odd.
 * @param {Uint8Array | Uint8ClampedArray} rgba @param {number} start @param {Uint8Array} rgb
 */
function overWhite(rgba, start, rgb) {
  for (let at = start, to = 0; to < rgb.length; at += 4, to += 3) {
    const alpha = rgba[at + 3];
    for (let channel = 0; channel < 3; channel++) {
      const colour = rgba[at + channel];
      rgb[to + channel] =
        alpha === 255 ? colour : (2 * (colour * alpha + 255 * (255 - alpha)) + 255) / 510;
    }
  }
}

/**
 * One axis of a resize: the crop's outputs, each a weighted sum of inputs. Output i takes the inputs from lows[i] on,
 * with the whole-number weights from starts[i] up to starts[i + 1]. An axis whose size stays the same has one weight of
 * 1, which changes no byte.
 */
export class Axis {
  /**
   * The middle `size` of the `resized` outputs of an axis of `length` inputs.
   * @param {number} length @param {number} resized @param {number} size @param {Interpolation} interpolation
   */
  constructor(length, resized, size, interpolation) {
    const { halfWidth, weight } = KERNELS[interpolation];
    const origin = halved(resized - size);
    const scale = length / resized;
    const stretch = Math.max(scale, 1);      // shrinking widens the kernel: the antialiasing
    const support = halfWidth * stretch;
    /** @type {number[]} */
    const weights = [];
    this.size = size;
    this.lows = new Int32Array(size);
    this.starts = new Int32Array(size + 1);
    for (let index = 0; index < size; index++) {
      if (resized === length) {
        this.lows[index] = origin + index;
        weights.push(ONE);
      } else {
        const centre = (origin + index + 0.5) * scale;
        const low = Math.max(Math.trunc(centre - support + 0.5), 0);
        const high = Math.min(Math.trunc(centre + support + 0.5), length);
        this.lows[index] = low;
        const shares = new Float64Array(high - low);
        for (let j = 0; j < shares.length; j++) shares[j] = weight((low + j - centre + 0.5) * (1 / stretch));
        pushWhole(shares, weights);
      }
      this.starts[index + 1] = weights.length;
    }
    this.weights = Int32Array.from(weights);
    /** The inputs that are used: from, and up to but not with. */
    this.from = this.lows[0];
    this.to = this.lows.reduce((most, low, i) => Math.max(most, low + this.starts[i + 1] - this.starts[i]), 0);
  }

  /**
   * Rows `top` to `top + count - 1` of `source`, narrowed to this axis' outputs: RGB8 [count, size].
   * @param {Pixels} source @param {number} top @param {number} count
   */
  shrinkColumns(source, top, count) {
    const { lows, starts, weights, size, from } = this;
    const out = new Uint8ClampedArray(3 * count * size);
    let place = 0;
    for (let y = top; y < top + count; y++) {
      const row = source.row(y, from, this.to - from);
      for (let index = 0; index < size; index++) {
        let [red, green, blue] = [HALF, HALF, HALF];
        let at = 3 * (lows[index] - from);
        for (let j = starts[index]; j < starts[index + 1]; j++, at += 3) {
          const weight = weights[j];
          red = red + row[at] * weight | 0;
          green = green + row[at + 1] * weight | 0;
          blue = blue + row[at + 2] * weight | 0;
        }
        out[place++] = red >> PRECISION_BITS;
        out[place++] = green >> PRECISION_BITS;
        out[place++] = blue >> PRECISION_BITS;
      }
    }
    return out;
  }

  /**
   * Columns `left` to `left + count - 1` of `source`, lowered to this axis' outputs: RGB8 [size, count].
   * @param {Pixels} source @param {number} left @param {number} count
   */
  shrinkRows(source, left, count) {
    const out = new Uint8ClampedArray(this.size * 3 * count);
    const sums = new Int32Array(3 * count);
    for (let index = 0; index < this.size; index++) {
      sums.fill(HALF);
      for (let j = this.starts[index]; j < this.starts[index + 1]; j++) {
        const row = source.row(this.lows[index] + j - this.starts[index], left, count);
        const weight = this.weights[j];
        for (let place = 0; place < sums.length; place++) sums[place] += row[place] * weight;
      }
      const start = index * sums.length;
      for (let place = 0; place < sums.length; place++) out[start + place] = sums[place] >> PRECISION_BITS;
    }
    return out;
  }
}

/** Half of what is left over, halves to the even number. @param {number} left */
function halved(left) {
  const half = Math.floor(left / 2);
  return half + (left % 2 && half % 2);
}

/**
 * Appends the shares, of a sum of 1, as whole numbers of 22 bits.
 * @param {Float64Array} shares @param {number[]} weights
 */
function pushWhole(shares, weights) {
  let total = 0;
  for (const share of shares) total += share;
  for (const share of shares) weights.push(Math.trunc(share / total * ONE + (share / total >= 0 ? 0.5 : -0.5)));
}
