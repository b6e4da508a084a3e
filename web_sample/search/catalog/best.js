/** Rows with their scores enter; the best of them leave: by score, descending, then by row, ascending. */

const ROOM = 64; // rows kept before they are sorted, at least

/** The best `most` rows of those offered. */
export class Best {
  /** @type {{row: number, score: number}[]} */
  #found = [];
  #least = -Infinity; // the worst score that can still be among the best

  /** @param {number} most */
  constructor(most) {
    this.most = most;
  }

  /** Answers the least score that can still be among the best. @param {number} score @param {number} row */
  offer(score, row) {
    this.#found.push({ row, score });
    if (this.#found.length >= Math.max(2 * this.most, ROOM)) this.#least = this.sorted()[this.most - 1].score;
    return this.#least;
  }

  /** Those, best first. */
  sorted() {
    this.#found.sort((one, other) => other.score - one.score || one.row - other.row);
    this.#found.length = Math.min(this.#found.length, this.most);
    return this.#found;
  }
}
