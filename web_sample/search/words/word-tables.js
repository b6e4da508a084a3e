/** A catalog's container enters; what products are found by leaves, checked: keys, and words with their products. */

import { ANY } from '../container.js';
import { lowerBound } from '../lower-bound.js';
import { wellFormed } from '../malformed.js';
import { Characters, hashOf, termsOf } from './characters.js';
import { fieldsOf, textsOf } from './record-texts.js';

const TENSORS = ['word_folds', 'word_fold_texts', 'word_letters', 'key_hashes', 'key_products', 'word_text',
  'word_offsets', 'word_postings', 'word_posting_offsets', 'word_counts'];
const MORE = 128; // of a byte of a number: another follows
const MOST_BYTES = 5; // of a number

/** Views of the file. */
export class WordTables {
  /**
   * Null for a file without words. Throws `Malformed`.
   * @param {import('../container.js').Container} container @param {number} products
   */
  static read(container, products) {
    if (!TENSORS.some((name) => container.has(name))) return null;
    const u32 = (/** @type {string} */ name) => container.tensor(name, 'U32', ANY);
    const u8 = (/** @type {string} */ name) => container.tensor(name, 'U8', ANY);
    const tables = new WordTables({
      keyFields: fieldsOf(container, 'keys'), wordFields: fieldsOf(container, 'words'),
      characters: Characters.read(container), hashes: u32('key_hashes'), products: u32('key_products'),
      text: u8('word_text'), offsets: u32('word_offsets'),
      postings: u8('word_postings'), postingOffsets: u32('word_posting_offsets'),
      counts: container.tensor('word_counts', 'U8', products),
    });
    tables.#check(products);
    return tables;
  }

  /**
   * @param {{keyFields: string[], wordFields: string[], characters: Characters, hashes: Uint32Array,
   *   products: Uint32Array, text: Uint8Array, offsets: Uint32Array, postings: Uint8Array, postingOffsets: Uint32Array,
   *   counts: Uint8Array}} parts
   */
  constructor(parts) {
    this.keyFields = parts.keyFields;
    this.wordFields = parts.wordFields;
    this.characters = parts.characters;
    /** Of the keys, rising; with their products. */
    this.hashes = parts.hashes;
    this.products = parts.products;
    /** The terms, UTF-8, one after the other. */
    this.text = parts.text;
    this.offsets = parts.offsets;
    /** The products of each term. */
    this.postings = parts.postings;
    this.postingOffsets = parts.postingOffsets;
    /** How many terms each product has, at most 255. */
    this.counts = parts.counts;
    this.terms = this.offsets.length - 1;
  }

  /** @param {import('../json.js').JsonObject} record @returns {Set<string>} */
  keysOf(record) {
    const keys = textsOf(record, this.keyFields).map((text) => this.characters.key(text));
    return new Set(keys.filter((key) => key !== ''));
  }

  /** @param {import('../json.js').JsonObject} record @returns {Set<string>} */
  termsOf(record) {
    return new Set(textsOf(record, this.wordFields).flatMap((text) => this.characters.runs(text).flatMap(termsOf)));
  }

  /** The products that may have this key, in their order. @param {string} key */
  withKey(key) {
    const hash = hashOf(key);
    const first = lowerBound(this.hashes.length, (place) => this.hashes[place] < hash);
    return this.products.subarray(first, lowerBound(this.hashes.length, (place) => this.hashes[place] <= hash));
  }

  /** @param {number} place */
  term(place) {
    return this.text.subarray(this.offsets[place], this.offsets[place + 1]);
  }

  /**
   * The terms that are this text, or begin with it: the first, and the one after the last.
   * @param {string} text @param {boolean} begins
   */
  termsThatAre(text, begins) {
    const sought = new TextEncoder().encode(text);
    const first = lowerBound(this.terms, (place) => compareBytes(this.term(place), sought) < 0);
    const cut = begins ? sought.length : Infinity;
    return [first, lowerBound(this.terms, (place) => compareBytes(this.term(place).subarray(0, cut), sought) <= 0)];
  }

  /**
   * Tells of each product of these terms; of each term they rise.
   * @param {number} first @param {number} end @param {(product: number) => void} visit
   */
  visit(first, end, visit) {
    for (let term = first, at = this.postingOffsets[first]; term < end; term++) {
      for (let product = -1; at < this.postingOffsets[term + 1];) {
        product += 1;
        let scale = 1;
        for (; this.postings[at] >= MORE; scale *= MORE) product += (this.postings[at++] - MORE) * scale;
        product += this.postings[at++] * scale;
        visit(product);
      }
    }
  }

  /** All but the order of the terms, the hashes and the counts. @param {number} products */
  #check(products) {
    const { hashes, products: places, postings } = this;
    wellFormed(hashes.length === places.length, () => `${hashes.length} key_hashes for ${places.length} key_products`);
    for (let at = 0; at < hashes.length; at++) {
      const isRising = at === 0 || hashes[at] > hashes[at - 1]
        || hashes[at] === hashes[at - 1] && places[at] > places[at - 1];
      wellFormed(isRising && places[at] < products, () => `keys that do not rise, or a product beyond all, at ${at}`);
    }
    checkOffsets(this.offsets, this.text.length, 'word_offsets');
    checkOffsets(this.postingOffsets, postings.length, 'word_posting_offsets');
    wellFormed(this.offsets.length === this.postingOffsets.length, () => 'words that are not as many as their offsets');
    for (const end of this.postingOffsets.subarray(1)) {
      wellFormed(postings[end - 1] < MORE, () => 'word_postings that end within a number');
    }
    let bytes = 0;
    for (const byte of postings) {
      bytes = byte < MORE ? 0 : bytes + 1;
      wellFormed(bytes < MOST_BYTES, () => `word_postings with a number of more than ${MOST_BYTES} bytes`);
    }
    this.visit(0, this.terms, (product) => {
      wellFormed(product < products, () => `word_postings that lead to product ${product} of ${products}`);
    });
  }
}

/** As bytes, unsigned. @param {Uint8Array} one @param {Uint8Array} other */
export function compareBytes(one, other) {
  const both = Math.min(one.length, other.length);
  for (let at = 0; at < both; at++) if (one[at] !== other[at]) return one[at] - other[at];
  return one.length - other.length;
}

/** @param {Uint32Array} offsets @param {number} size @param {string} name */
function checkOffsets(offsets, size, name) {
  const isRising = offsets.every((offset, place) => place === 0 ? offset === 0 : offset > offsets[place - 1]);
  wellFormed(isRising && offsets[offsets.length - 1] === size, () => `${name} that do not rise from 0 to ${size}`);
}
