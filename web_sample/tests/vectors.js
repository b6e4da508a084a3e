// A folder of vectors that Python's references made enters; its files and their numbers leave.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A folder of vectors. A file that is missing fails the test. */
export class Vectors {
  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
  }

  /**
   * A file's bytes, in a buffer of their own.
   * @param {string} name
   */
  bytes(name) {
    return new Uint8Array(readFileSync(join(this.folder, name)));
  }

  /**
   * @param {string} name
   * @returns {any}
   */
  json(name) {
    return JSON.parse(new TextDecoder().decode(this.bytes(name)));
  }

  /** @param {string} name */
  has(name) {
    return existsSync(join(this.folder, name));
  }
}

/** The golden vectors: the folder that GOLDENS names, or this repository's. */
export const goldens = new Vectors(
  process.env.GOLDENS ?? fileURLToPath(new URL('../../parity/goldens', import.meta.url)));

/** What tests/test_web_search.py had Python make anew; null where node alone runs the tests. */
export const expected = process.env.EXPECTED ? new Vectors(process.env.EXPECTED) : null;

/**
 * A source of whole numbers below `most` that is the same in every run (mulberry32).
 * @param {number} seed
 */
export function random(seed) {
  let state = seed >>> 0;
  return (/** @type {number} */ most) => {
    state = state + 0x6D2B79F5 >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return Math.floor(((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32 * most);
  };
}
