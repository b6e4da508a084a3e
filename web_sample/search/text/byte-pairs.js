/** A word's UTF-8 bytes enter; its tokens leave, by byte pair encoding. */

import { wellFormed } from '../malformed.js';

const BYTES = 256;
const FIRST_MERGED = 2 * BYTES;
const MOST = 0xffff; // ids above it take part in no merge
const GONE = -1; // in place of a token that was merged into its left neighbour

/** The merges and the bytes' tokens. Its constructor throws `Malformed` for a merge of tokens that do not exist yet. */
export class BytePairs {
  #byteIds;
  /** @type {Map<number, number>} */
  #merges = new Map(); // two ids as one number: the id that they become

  /** @param {Uint16Array} merges [n, 2], merge i joins two ids into 512 + i @param {Uint16Array} byteIds [256] */
  constructor(merges, byteIds) {
    for (let index = 0; 2 * index < merges.length; index += 1) {
      const [first, second] = [merges[2 * index], merges[2 * index + 1]];
      wellFormed(Math.max(first, second) < FIRST_MERGED + index, () =>
        `merge ${index} is of tokens that do not exist yet`);
      this.#merges.set(first * (MOST + 1) + second, FIRST_MERGED + index);
    }
    for (const id of byteIds) wellFormed(id < BYTES, () => `a byte's token is ${id}`);
    this.#byteIds = byteIds;
  }

  /**
   * Of all neighbours that merge, those with the lowest merged id first, leftmost first.
   *
   * @param {ArrayLike<number>} bytes of one word, at least one
   * @returns {number[]}
   */
  tokens(bytes) {
    const tokens = Array.from(bytes, (byte) => this.#byteIds[byte]);
    const end = tokens.length;
    tokens[end - 1] += BYTES; // the byte that ends a word is a token of its own
    const before = Array.from(tokens, (_, place) => place - 1); // neighbours still standing
    const after = Array.from(tokens, (_, place) => place + 1);
    /** @type {number[]} */
    const queue = []; // merged id, then place: a merge only makes ids above its own
    /** @param {number} left @param {number} right */
    const add = (left, right) => {
      const merged = this.#merged(tokens[left], tokens[right]);
      if (merged !== undefined) push(queue, merged * end + left);
    };
    for (let left = 0; left < end - 1; left += 1) add(left, left + 1);
    while (queue.length > 0) {
      const next = pop(queue);
      const left = next % end;
      const merged = (next - left) / end;
      const right = after[left];
      if (this.#merged(tokens[left], tokens[right]) !== merged) continue; // a part is gone, or another token by now
      tokens[left] = merged;
      tokens[right] = GONE;
      after[left] = after[right];
      if (after[left] < end) {
        before[after[left]] = left;
        add(left, after[left]);
      }
      if (before[left] >= 0) add(before[left], left);
    }
    return tokens.filter((token) => token !== GONE);
  }

  /** The id that two tokens become; undefined for none, of what is gone too. @param {number} first
   * @param {number} second */
  #merged(first, second) {
    return Math.max(first, second) > MOST ? undefined : this.#merges.get(first * (MOST + 1) + second);
  }
}

/** Adds a number to a heap, whose least stands first. @param {number[]} heap @param {number} added */
function push(heap, added) {
  let place = heap.push(added) - 1;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    if (heap[parent] <= added) break;
    heap[place] = heap[parent];
    place = parent;
  }
  heap[place] = added;
}

/** Takes the least number out of a heap that is not empty. @param {number[]} heap */
function pop(heap) {
  const least = heap[0];
  const moved = /** @type {number} */ (heap.pop());
  if (heap.length === 0) return least;
  let place = 0;
  for (let child = 1; child < heap.length; child = 2 * place + 1) {
    if (heap[child + 1] < heap[child]) child += 1;
    if (heap[child] >= moved) break;
    heap[place] = heap[child];
    place = child;
  }
  heap[place] = moved;
  return least;
}
