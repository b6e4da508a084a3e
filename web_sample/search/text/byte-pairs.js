/** A word's UTF-8 bytes enter; its tokens leave, by byte pair encoding. */

import { wellFormed } from '../malformed.js';

const BYTES = 256;
const FIRST_MERGED = 2 * BYTES;
const MOST = 0xffff; // ids above it take part in no merge
const GONE = -1; // in place of a token that was joined to its left neighbour

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
    /** How many tokens there are. */
    this.size = FIRST_MERGED + merges.length / 2;
  }

  /**
   * Of all neighbours that merge, those with the lowest merged id first, leftmost first.
   *
   * @param {ArrayLike<number>} bytes of one word, at least one
   * @returns {number[]}
   */
  tokens(bytes) {
    const tokens = Array.from(bytes, (byte) => this.#byteIds[byte]);
    tokens[tokens.length - 1] += BYTES; // the byte that ends a word is a token of its own
    return joined(tokens, (left, right) => Math.max(tokens[left], tokens[right]) > MOST ? undefined
      : this.#merges.get(tokens[left] * (MOST + 1) + tokens[right]));
  }
}

/**
 * Joins neighbours: of all that can be joined, those with the lowest id first, the leftmost first. Changes `tokens`.
 *
 * @param {number[]} tokens
 * @param {(left: number, right: number, next: number) => number | undefined} idOf what the tokens at two places become,
 *   given the place behind them, too; undefined for nothing
 * @returns {number[]}
 */
export function joined(tokens, idOf) {
  const end = tokens.length;
  const before = Array.from(tokens, (_, place) => place - 1); // neighbours still standing
  const after = Array.from(tokens, (_, place) => place + 1);
  /** @type {number[]} */
  const queue = []; // id, then place
  /** @param {number} left */
  const joint = (left) => tokens[left] === GONE || after[left] === end ? undefined
    : idOf(left, after[left], after[after[left]]);
  /** @param {number} left */
  const add = (left) => {
    const id = joint(left);
    if (id !== undefined) push(queue, id * end + left);
  };
  for (let left = 0; left < end; left += 1) add(left);
  while (queue.length > 0) {
    const least = pop(queue);
    const left = least % end;
    const id = (least - left) / end;
    if (joint(left) !== id) continue; // a part is gone, or another token by now
    const right = after[left];
    tokens[left] = id;
    tokens[right] = GONE;
    after[left] = after[right];
    if (after[left] < end) before[after[left]] = left;
    add(left);
    if (before[left] >= 0) add(before[left]);
  }
  return tokens.filter((token) => token !== GONE);
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
