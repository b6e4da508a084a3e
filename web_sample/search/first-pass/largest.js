/** Rows with their values enter, by rising row; those of the largest values leave. */

/** The `most` rows of the largest values, of at least so many; of equal values the first. A heap, the worst on top. */
export class Largest {
  #values;
  #rows;

  /** @param {number} most */
  constructor(most) {
    this.#values = new Float64Array(most).fill(-Infinity);
    this.#rows = new Uint32Array(most);
  }

  /** What a value must exceed to be kept. */
  get bound() {
    return this.#values[0];
  }

  /** @param {number} value finite @param {number} row higher than any before */
  offer(value, row) {
    const [values, rows] = [this.#values, this.#rows];
    if (value <= values[0]) return; // an equal one came first
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const other = child + 1;
      const isOther = other < values.length && (values[other] < values[child]
        || values[other] === values[child] && rows[other] > rows[child]);
      if (isOther) child = other;
      if (!(child < values.length && values[child] < value)) break;
      values[at] = values[child];
      rows[at] = rows[child];
      at = child;
    }
    values[at] = value;
    rows[at] = row;
  }

  /** Those rows, rising. */
  rows() {
    return this.#rows.sort();
  }
}
