/** A catalog file's bytes enter; the memory leaves in which they lie beside a query, and are scanned uncopied. */

import { allowed } from '../malformed.js';
import { loadNext } from './scan.js';

const PAGE = 65_536; // bytes of a page of WebAssembly
const MOST_PAGES = 65_536;
const MOST_DIM = 1024;
const QUERY = 0; // int16 [MOST_DIM]
const SCORE = QUERY + 2 * MOST_DIM; // float64
const FILE = 4096; // the file's first byte, at a multiple of 8

/** The memory of one open catalog. For one thread, and one search at a time. */
export class CatalogMemory {
  #next;
  #query;
  #score;

  /**
   * Room for a file of so many bytes. Throws a RangeError where there is not enough memory, or none could be.
   * @param {number} bytes
   */
  static async create(bytes) {
    const pages = Math.ceil((FILE + bytes) / PAGE);
    allowed(pages <= MOST_PAGES, () => `a catalog of ${bytes} bytes, more than a page's memory`);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    return new CatalogMemory(memory, await loadNext(memory), bytes);
  }

  /** @param {WebAssembly.Memory} memory @param {import('./scan.js').Next} next @param {number} bytes */
  constructor({ buffer }, next, bytes) {
    this.#next = next;
    this.#query = new Int16Array(buffer, QUERY, MOST_DIM);
    this.#score = new Float64Array(buffer, SCORE, 1);
    /** Where the catalog's bytes belong, before it is opened. */
    this.file = new Uint8Array(buffer, FILE, bytes);
  }

  /** The score of the row that was found last. */
  get score() {
    return this.#score[0];
  }

  /**
   * Begins a scan: answers a function that gives, of the rows from `row` on and before `end`, the first that scores at
   * least so much; `end` where there is none.
   * @param {{q16: Int16Array, step: number, constant: number}} query a PreparedQuery, say
   * @param {{codes: Int8Array, scales: Float32Array}} tables in this memory
   * @returns {(row: number, end: number, least: number) => number}
   */
  scan({ q16, step, constant }, { codes, scales }) {
    this.#query.set(q16);
    return (row, end, least) => this.#next(
      QUERY, codes.byteOffset, scales.byteOffset, SCORE, q16.length, step, constant, row, end, least);
  }
}
