/** Rows with their scores enter; the best of them leave: by score, descending, then by row, ascending. */

/** The best `most` rows of those offered. A heap, the worst on top. */
export class Best {
  /** @type {number[]} */
  #scores = [];
  /** @type {number[]} */
  #rows = [];

  /** @param {number} most */
  constructor(most) {
    this.most = most;
  }

  /**
   * @param {number} score
   * @param {number} row
   */
  offer(score, row) {
    if (this.#rows.length < this.most) this.#rise(score, row);
    else if (this.#worse(0, score, row)) this.#sink(score, row);
  }

  /** Rows with their scores, best first. */
  sorted() {
    return this.#rows.map((row, place) => ({ row, score: this.#scores[place] }))
      .sort((one, other) => other.score - one.score || one.row - other.row);
  }

  /**
   * @param {number} score
   * @param {number} row
   */
  #rise(score, row) {
    let place = this.#rows.length;
    while (place > 0) {
      const parent = place - 1 >> 1;
      if (!this.#better(parent, score, row)) break;
      this.#put(place, this.#scores[parent], this.#rows[parent]);
      place = parent;
    }
    this.#put(place, score, row);
  }

  /**
   * @param {number} score
   * @param {number} row
   */
  #sink(score, row) {
    let place = 0;
    for (let child = 1; child < this.#rows.length; child = 2 * place + 1) {
      const other = child + 1;
      if (other < this.#rows.length && this.#worse(other, this.#scores[child], this.#rows[child])) child = other;
      if (!this.#worse(child, score, row)) break;
      this.#put(place, this.#scores[child], this.#rows[child]);
      place = child;
    }
    this.#put(place, score, row);
  }

  /**
   * @param {number} place
   * @param {number} score
   * @param {number} row
   */
  #put(place, score, row) {
    this.#scores[place] = score;
    this.#rows[place] = row;
  }

  /**
   * Whether what stands at `place` is worse than that.
   *
   * @param {number} place
   * @param {number} score
   * @param {number} row
   */
  #worse(place, score, row) {
    return this.#scores[place] < score || this.#scores[place] === score && this.#rows[place] > row;
  }

  /**
   * @param {number} place
   * @param {number} score
   * @param {number} row
   */
  #better(place, score, row) {
    return this.#scores[place] > score || this.#scores[place] === score && this.#rows[place] < row;
  }
}
