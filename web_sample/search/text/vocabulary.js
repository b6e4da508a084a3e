/**
 * Pieces of a vocabulary enter; the tokens of those that begin at a place of a text leave, by binary search.
 *
 * One class for all families of version 2. It makes no map: `piece_order` lists the pieces that can match in the order
 * of their bytes, and a range of it is narrowed byte by byte. Whatever a file holds that was not verified, each look-up
 * ends: a token beyond the offsets, or with falling ones, has no byte and no length.
 */

import { ANY } from '../container.js';
import { lowerBound } from '../lower-bound.js';
import { malformed, wellFormed } from '../malformed.js';

/** @typedef {import('../container.js').Container} Container */

const FIRST = [0, 0xc0, 0xe0, 0xf0]; // byte of a character with so many bytes behind it
const SHORTER = -1; // in place of the byte behind a piece: less than every byte

/** The pieces, UTF-8, as they lie in the file. Its constructor throws `Malformed` or `BadFileError`. */
export class Vocabulary {
  /** @param {Container} container */
  constructor(container) {
    this.pieces = container.tensor('pieces', 'U8', ANY);
    this.offsets = container.tensor('piece_offsets', 'U32', ANY); // piece i is from offset i to offset i + 1
    this.order = container.tensor('piece_order', 'U32', ANY); // tokens of pieces that can match, by their bytes
    /** How many tokens there are. */
    this.size = this.offsets.length - 1;
    wellFormed(this.offsets[0] === 0 && this.offsets[this.size] === this.pieces.length, () =>
      `piece_offsets do not lead from 0 to the ${this.pieces.length} bytes of pieces`);
  }

  /** FORMATS.md's full check, which reads every token. Throws `Malformed`. */
  verify() {
    const [pieces, offsets] = [this.pieces, this.offsets];
    checkUtf8(pieces, 'pieces');
    for (let token = 0; token < this.size; token += 1) {
      if (offsets[token] > offsets[token + 1]) malformed(`piece_offsets fall after token ${token}`);
      if (continues(pieces[offsets[token]])) malformed(`piece_offsets have token ${token} begin inside a character`);
    }
    let [start, end] = [0, 0]; // of the piece before: at first an empty one
    for (const token of this.order) {
      if (token >= this.size) malformed(`piece_order has token ${token} of ${this.size}`);
      if (this.#compared(token, pieces, start, end) <= 0) malformed(`piece_order is out of order at token ${token}`);
      [start, end] = [offsets[token], offsets[token + 1]];
    }
  }

  /**
   * Tells `found` the token and the length of every piece that begins at `start`, the shortest first.
   *
   * @param {Uint8Array} text UTF-8 @param {number} start @param {(token: number, length: number) => void} found
   */
  eachAt(text, start, found) {
    let [low, high] = [0, this.order.length];
    for (let depth = 0; start + depth < text.length; depth += 1) {
      low = this.#first(text[start + depth], depth, low, high);
      high = this.#first(text[start + depth] + 1, depth, low, high);
      if (low === high) return;
      const token = this.order[low]; // the shortest of the range comes first
      if (this.offsets[token + 1] - this.offsets[token] === depth + 1) found(token, depth + 1);
    }
  }

  /** The token of the piece that is this part of a text; undefined for none. @param {Uint8Array} text
   * @param {number} start @param {number} end */
  find(text, start, end) {
    const order = this.order;
    const token = order[lowerBound(order.length, (place) => this.#compared(order[place], text, start, end) < 0)];
    return this.#compared(token, text, start, end) === 0 ? token : undefined;
  }

  /** In a range whose pieces agree up to `depth`, the first place where the next byte is not below `byte`.
   * @param {number} byte @param {number} depth @param {number} low @param {number} high */
  #first(byte, depth, low, high) {
    const [pieces, offsets, order] = [this.pieces, this.offsets, this.order];
    return low + lowerBound(high - low, (place) => {
      const token = order[low + place];
      const at = offsets[token] + depth;
      return (at < offsets[token + 1] ? pieces[at] : SHORTER) < byte;
    });
  }

  /** Below 0, 0, or above 0 as a piece's bytes are to a part of a text; not a number for a token that is none.
   * @param {number} token @param {Uint8Array} text @param {number} start @param {number} end */
  #compared(token, text, start, end) {
    const [from, to] = [this.offsets[token], this.offsets[token + 1]];
    const both = Math.min(to - from, end - start);
    for (let index = 0; index < both; index += 1) {
      const difference = this.pieces[from + index] - text[start + index];
      if (difference !== 0) return difference;
    }
    return to - from - (end - start);
  }
}

/** Whether a byte of UTF-8 is not the first of its character. @param {number} byte */
export function continues(byte) {
  return (byte & 0xc0) === 0x80;
}

/** Throws `Malformed` for what is no UTF-8. @param {Uint8Array} content @param {string} name */
export function checkUtf8(content, name) {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    malformed(`${name} is no UTF-8`);
  }
}

/** UTF-8; surrogates, which only damaged tables can leave, as three bytes. @param {number[]} text */
export function utf8(text) {
  const bytes = [];
  for (const point of text) {
    const more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3; // bytes behind the first
    bytes.push(FIRST[more] | (point >> (6 * more)));
    for (let bits = 6 * more - 6; bits >= 0; bits -= 6) bytes.push(0x80 | ((point >> bits) & 0x3f));
  }
  return Uint8Array.from(bytes);
}

/** How many bytes the character has whose first byte this is. @param {number} first */
export function width(first) {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}
