/**
 * A catalog file's bytes enter; the memory leaves in which they lie, together with a query, and are summed.
 * A page in front holds the query and the sums of a block of rows; then the file begins. Nothing is copied.
 */

import { loadSums } from './scan.js';

const PAGE = 65_536; // bytes of a page of WebAssembly
const MOST_PAGES = 65_536;
const MOST_DIM = 1024;
const QUERY = 0; // int16 [MOST_DIM]
const SUMS = QUERY + 2 * MOST_DIM; // int32 [BLOCK]
/** How many rows are summed at a time. */
export const BLOCK = (PAGE - SUMS) / 4;

/** The memory of one open catalog. For one thread. */
export class CatalogMemory {
  #sums;
  #query;

  /**
   * Room for a file of so many bytes. Throws a RangeError where there is not enough memory, or none could be.
   * @param {number} bytes
   */
  static async create(bytes) {
    const pages = 1 + Math.ceil(bytes / PAGE);
    if (!(pages <= MOST_PAGES)) throw new RangeError(`a catalog of ${bytes} bytes, more than a page's memory`);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    return new CatalogMemory(memory, await loadSums(memory), bytes);
  }

  /** @param {WebAssembly.Memory} memory @param {import('./scan.js').Sums} sums @param {number} bytes */
  constructor(memory, sums, bytes) {
    this.#sums = sums;
    this.#query = new Int16Array(memory.buffer, QUERY, MOST_DIM);
    /** Where the catalog's bytes belong, before it is opened. */
    this.file = new Uint8Array(memory.buffer, PAGE, bytes);
    /** What `sum` leaves: int32 [BLOCK]. */
    this.sums = new Int32Array(memory.buffer, SUMS, BLOCK);
  }

  /**
   * Sums code x query of each of `count` rows from `first` on, at most BLOCK, into `sums`.
   * @param {Int16Array} query [dim] @param {Int8Array} codes [rows, dim], in this memory @param {number} first
   * @param {number} count
   */
  sum(query, codes, first, count) {
    this.#query.set(query);
    this.#sums(QUERY, codes.byteOffset + first * query.length, query.length, count, SUMS);
  }
}
