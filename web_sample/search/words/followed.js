/**
 * A catalog's words, keys and filters and the records that changed enter; those of the catalog that follows leave. All
 * of it follows from the records, so that a delta carries nothing of it.
 */

import { compareUtf8 } from '../catalog/id-order.js';
import { asObject, parse } from '../json.js';
import { wellFormed } from '../malformed.js';
import { hashOf } from './characters.js';
import { textsOf } from './record-texts.js';
import { compareBytes } from './word-tables.js';

/** @typedef {import('./word-tables.js').WordTables} WordTables */
/** @typedef {import('./filter-fields.js').FilterField} FilterField */
/** @typedef {[number, import('../json.js').JsonObject]} Renewed a product's place, and its record */
/** @typedef {{name: string, type: 'U32' | 'U16' | 'U8', data: Uint32Array | Uint16Array | Uint8Array}} Made a tensor */

const [MORE, MOST_BYTES] = [128, 5]; // of a number: what says that another byte follows; bytes
const MOST_COUNTED = 255;
const MOST_VALUES = 1 << 16; // of a field

/**
 * The tensors, of those kinds that the base has. Throws `Malformed` for a record that cannot be read.
 * @param {import('../catalog/catalog-reader.js').CatalogTables} base
 * @param {Int32Array} moved where each product of the base is now; -1: it is gone, or its record is another
 * @param {number} products @param {[number, Uint8Array][]} records of all others, by rising place @returns {Made[]}
 */
export function followedIndex({ words, filters }, moved, products, records) {
  const renewed = words || filters.size > 0 ? records.map(([place, record]) => /** @type {Renewed} */ (
    [place, asObject(parse(record, { once: false }), 'the record')])) : [];
  return [...words ? followedWords(words, moved, products, renewed) : [],
    ...filters.size > 0 ? followedFilters(filters, moved, products, renewed) : []];
}

/**
 * @param {WordTables} words @param {Int32Array} moved @param {number} products @param {Renewed[]} renewed
 * @returns {Made[]}
 */
function followedWords(words, moved, products, renewed) {
  const counts = new Uint8Array(products);
  for (const [before, place] of moved.entries()) if (place >= 0) counts[place] = words.counts[before];
  /** @type {number[]} */
  const keys = []; // product and hash of each, as halves of 64 bits, the low one first
  /** @type {Map<string, number[]>} */
  const added = new Map();
  for (const [place, record] of renewed) {
    for (const hash of new Set([...words.keysOf(record)].map(hashOf))) keys.push(place, hash);
    const terms = words.termsOf(record);
    counts[place] = Math.min(terms.size, MOST_COUNTED);
    for (const term of terms) {
      const places = added.get(term) ?? [];
      if (places.push(place) === 1) added.set(term, places);
    }
  }
  const room = new Uint32Array(keys.length + 2 * words.products.length);
  room.set(keys);
  let end = keys.length;
  for (const [place, before] of words.products.entries()) {
    if (moved[before] < 0) continue;
    room[end++] = moved[before];
    room[end++] = words.hashes[place];
  }
  new BigUint64Array(room.buffer, 0, end / 2).sort();
  const halves = room.subarray(0, end);
  const { folds, texts, letters } = words.characters;
  return [
    { name: 'word_folds', type: 'U32', data: folds }, { name: 'word_fold_texts', type: 'U32', data: texts },
    { name: 'word_letters', type: 'U32', data: letters }, { name: 'word_counts', type: 'U8', data: counts },
    { name: 'key_products', type: 'U32', data: halves.filter((_, place) => place % 2 === 0) },
    { name: 'key_hashes', type: 'U32', data: halves.filter((_, place) => place % 2 === 1) },
    ...followedTerms(words, moved, added),
  ];
}

/**
 * The terms that a product has. No gap between the products of one grows, so that none takes more bytes.
 * @param {WordTables} words @param {Int32Array} moved @param {Map<string, number[]>} added @returns {Made[]}
 */
function followedTerms(words, moved, added) {
  const utf8 = new TextEncoder();
  const news = Array.from(added, ([term, places]) => ({ term: utf8.encode(term), places }))
    .sort((one, other) => compareBytes(one.term, other.term));
  const sum = (/** @type {(one: typeof news[0]) => number} */ size) =>
    news.reduce((total, one) => total + size(one), 0);
  const text = new Uint8Array(words.text.length + sum(({ term }) => term.length));
  const postings = new Uint8Array(words.postings.length + MOST_BYTES * sum(({ places }) => places.length));
  const offsets = new Uint32Array(1 + words.terms + news.length);
  const postingOffsets = new Uint32Array(offsets.length);
  let [terms, end, next] = [0, 0, 0]; // `next`: of the new terms
  for (let before = 0; before < words.terms || next < news.length;) {
    const order = before === words.terms ? 1 : next === news.length ? -1
      : compareBytes(words.term(before), news[next].term);
    const term = order <= 0 ? words.term(before) : news[next].term;
    /** @type {number[]} */
    const places = [];
    if (order <= 0) words.visit(before, ++before, (product) => moved[product] >= 0 && places.push(moved[product]));
    if (order >= 0) for (const place of news[next++].places) places.push(place);
    if (places.length === 0) continue;
    let last = -1;
    for (const place of Uint32Array.from(places).sort()) {
      let gap = place - last - 1;
      for (; gap >= MORE; gap = Math.floor(gap / MORE)) postings[end++] = gap % MORE + MORE;
      postings[end++] = gap;
      last = place;
    }
    text.set(term, offsets[terms]);
    offsets[++terms] = offsets[terms - 1] + term.length;
    postingOffsets[terms] = end;
  }
  return [
    { name: 'word_text', type: 'U8', data: text.subarray(0, offsets[terms]) },
    { name: 'word_offsets', type: 'U32', data: offsets.subarray(0, terms + 1) },
    { name: 'word_postings', type: 'U8', data: postings.subarray(0, end) },
    { name: 'word_posting_offsets', type: 'U32', data: postingOffsets.subarray(0, terms + 1) },
  ];
}

/**
 * @param {Map<string, FilterField>} filters @param {Int32Array} moved @param {number} products
 * @param {Renewed[]} renewed @returns {Made[]}
 */
function followedFilters(filters, moved, products, renewed) {
  const numbers = new Uint16Array(filters.size * products);
  const names = Array.from(filters, ([field, { numbers: before, values }], index) => {
    /** @type {Map<string, {value: string[], places: number[]}>} */
    const known = new Map();
    const of = (/** @type {string[]} */ value) => {
      const key = JSON.stringify(value);
      const one = known.get(key) ?? { value, places: [] };
      known.set(key, one);
      return one;
    };
    const olds = values.map(of);
    for (const [old, place] of moved.entries()) if (place >= 0) olds[before[old]].places.push(place);
    for (const [place, record] of renewed) of(textsOf(record, [field])).places.push(place);
    const sorted = [...known.values()].filter(({ places }) => places.length > 0)
      .sort((one, other) => compareLists(one.value, other.value));
    wellFormed(sorted.length <= MOST_VALUES, () => `${sorted.length} different values of ${field}`);
    for (const [number, { places }] of sorted.entries()) {
      for (const place of places) numbers[index * products + place] = number;
    }
    return sorted.map(({ value }) => value);
  });
  return [{ name: 'filter_values', type: 'U16', data: numbers },
    { name: 'filter_names', type: 'U8', data: new TextEncoder().encode(JSON.stringify(names)) }];
}

/** Text by text; a shorter list before its continuations. @param {string[]} one @param {string[]} other */
function compareLists(one, other) {
  const place = one.findIndex((text, at) => at >= other.length || text !== other[at]);
  return place < 0 ? one.length - other.length : place >= other.length ? 1 : compareUtf8(one[place], other[place]);
}
