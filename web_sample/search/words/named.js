/** A text enters; the products that it names exactly leave, by a key or by all its words. No encoder takes part. */

import { Best } from '../catalog/best.js';
import { piece } from '../catalog/catalog.js';
import { asObject, parse } from '../json.js';
import { reading } from '../malformed.js';
import { termsOf } from './characters.js';

/** @typedef {import('../catalog/catalog.js').ProductCatalog} ProductCatalog */
/** @typedef {import('./word-tables.js').WordTables} WordTables */
/** @typedef {{product: number, by: 'key' | 'words'}} NamedProduct */

const LEAST_BEGINNING = 2; // characters that may be the beginning of a word

/**
 * At most so many, those by a key first; none in a catalog without words. Throws `BadFileError` for a damaged record.
 * @param {ProductCatalog} catalog @param {string} text @param {Uint8Array | null} wanted of each product; null: all
 * @param {number} most @returns {NamedProduct[]}
 */
export function namedProducts(catalog, text, wanted, most) {
  const { words } = catalog.tables;
  if (words === null || most < 1) return [];
  /** @type {Map<number, NamedProduct['by']>} */
  const found = new Map();
  const same = catalog.place(text.replace(/^[\t-\r ]+|[\t-\r ]+$/g, ''));
  if (same !== null && wanted?.[same] !== 0) found.set(same, 'key');
  const key = words.characters.key(text);
  for (const product of key === '' ? [] : words.withKey(key)) {
    if (found.size >= most) break;
    if (wanted?.[product] !== 0 && words.keysOf(record(catalog, product)).has(key)) found.set(product, 'key');
  }
  for (const product of byWords(words, text, wanted, most)) if (!found.has(product)) found.set(product, 'words');
  return [...found].slice(0, most).map(([product, by]) => ({ product, by }));
}

/**
 * Those that hold all words of the text; if there are none, those that hold one which begins with the last.
 * @param {WordTables} words @param {string} text @param {Uint8Array | null} wanted @param {number} most
 */
function byWords(words, text, wanted, most) {
  const runs = words.characters.runs(text);
  const last = runs[runs.length - 1];
  if (!last) return [];
  const asked = runs.flatMap((run) => {
    const terms = run.byPairs ? termsOf(run) : [];
    return terms.length < 2 ? [{ term: run.text, begins: run.byPairs }]
      : terms.slice(0, -1).map((term) => ({ term, begins: false }));
  });
  const found = holding(words, asked, wanted, most);
  if (found.length > 0 || last.byPairs || [...last.text].length < LEAST_BEGINNING) return found;
  return holding(words, [...asked.slice(0, -1), { term: last.text, begins: true }], wanted, most);
}

/**
 * The products that hold all terms, those with the fewest terms first.
 * @param {WordTables} words @param {{term: string, begins: boolean}[]} asked @param {Uint8Array | null} wanted
 * @param {number} most
 */
function holding(words, asked, wanted, most) {
  const held = new Uint16Array(words.counts.length); // how many of the terms asked for, from the first on
  for (const [place, { term, begins }] of asked.entries()) {
    const [first, end] = words.termsThatAre(term, begins);
    words.visit(first, end, (product) => {
      if (held[product] === place) held[product] = place + 1;
    });
  }
  const best = new Best(most);
  let least = -Infinity;
  for (const [product, count] of held.entries()) {
    const order = -words.counts[product];
    if (count === asked.length && wanted?.[product] !== 0 && order >= least) least = best.offer(order, product);
  }
  return best.sorted().map(({ row }) => row);
}

/** @param {ProductCatalog} catalog @param {number} product */
function record({ name, tables: { records, recordOffsets } }, product) {
  return reading(`${name}, product ${product}`, () =>
    asObject(parse(piece(records, recordOffsets, product), { once: false }), 'the record'));
}
