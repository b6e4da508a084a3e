/** Rows with their values enter, by rising row; those of the largest values leave. */

/** The `most` rows of the largest values; of equal values the first rows. */
export class Largest {
  #values;
  #rows;
  #count = 0;

  /** @param {number} most @param {number} bound below which no value is offered */
  constructor(most, bound) {
    this.most = most;
    /** What a value must reach to be among them. */
    this.bound = bound;
    this.#values = new Float64Array(2 * most);
    this.#rows = new Uint32Array(2 * most);
  }

  /** @param {number} value @param {number} row higher than any before */
  offer(value, row) {
    this.#values[this.#count] = value;
    this.#rows[this.#count++] = row;
    if (this.#count === this.#rows.length) this.#cut();
  }

  /** Those rows, rising; null where fewer were offered. */
  rows() {
    if (this.#count < this.most) return null;
    this.#cut();
    return this.#rows.slice(0, this.most);
  }

  #cut() {
    const values = this.#values.slice(0, this.#count);
    this.bound = nthLargest(values, this.most);
    let equal = this.most; // how many of the bound's value there is room for
    for (const value of values) if (value > this.bound) equal -= 1;
    let kept = 0;
    for (let at = 0; at < this.#count; at++) {
      const value = this.#values[at];
      if (value < this.bound || value === this.bound && equal-- <= 0) continue;
      this.#values[kept] = value;
      this.#rows[kept++] = this.#rows[at];
    }
    this.#count = kept;
  }
}

/** The value of that rank, from 1 on; the values are moved about. @param {Float64Array} values @param {number} rank */
export function nthLargest(values, rank) {
  const place = values.length - rank;
  for (let low = 0, high = values.length - 1; low < high;) {
    const pivot = values[(low + high) >>> 1];
    let [left, right] = [low, high];
    while (left <= right) {
      while (values[left] < pivot) left += 1;
      while (values[right] > pivot) right -= 1;
      if (left > right) break;
      const moved = values[left];
      values[left++] = values[right];
      values[right--] = moved;
    }
    if (place <= right) high = right;
    else if (place >= left) low = left;
    else break;
  }
  return values[place];
}
