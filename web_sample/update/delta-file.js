/** A delta's bytes enter; its tensors leave, once all lengths and places fit the base: nothing large is made before. */

import { ANY, readContainer } from '../search/container.js';
import { asDigest } from '../search/catalog/catalog-digest.js';
import { wellFormed } from '../search/malformed.js';

/** @typedef {import('../search/catalog/catalog.js').ProductCatalog} ProductCatalog */

/**
 * What makes `result` of `base`; both are the digests of catalogs. Places are those of the result's products, but for
 * `removed`. Prices are in ten-thousandths, -1 for none, and in `prices` in halves of 32 bits, the low one first.
 * @typedef {object} Delta @property {string} base @property {string} result @property {Uint8Array} head
 * @property {Uint32Array} removed @property {Uint32Array} changed @property {Uint32Array} rowCounts
 * @property {Float32Array} scales @property {Int8Array} codes @property {Uint32Array} thumbnailLengths
 * @property {Uint8Array} thumbnails @property {Uint32Array} rewritten @property {Uint32Array} recordLengths
 * @property {Uint8Array} records @property {Uint32Array} categories @property {Uint32Array} prices
 * @property {Uint32Array} repriced @property {BigInt64Array} newPrices @property {Uint32Array} idPlaces
 */

/** Throws `BadFileError`. @param {Uint8Array} bytes @param {string} name for errors @returns {Delta} */
export function readDelta(bytes, name) {
  const container = readContainer(bytes, name);
  const { format, version } = container.metadata;
  wellFormed(format === 'mobileclip-delta' && version === '1', () => `format ${format}, version ${version}`);
  const u32 = (/** @type {string} */ tensor) => container.tensor(tensor, 'U32', ANY);
  const u8 = (/** @type {string} */ tensor) => container.tensor(tensor, 'U8', ANY);
  const prices = container.tensor('prices', 'I64', ANY);
  return {
    base: asDigest(container.text('base'), 'base'), result: asDigest(container.text('result'), 'result'), head: u8('head'),
    removed: u32('removed'), changed: u32('changed'), rowCounts: u32('row_counts'), scales: container.tensor('scales', 'F32', ANY),
    codes: container.tensor('codes', 'I8', ANY), thumbnailLengths: u32('thumbnail_lengths'), thumbnails: u8('thumbnails'),
    rewritten: u32('rewritten'), recordLengths: u32('record_lengths'), records: u8('records'), categories: u32('categories'),
    prices: new Uint32Array(prices.buffer, prices.byteOffset, 2 * prices.length), repriced: u32('repriced'),
    newPrices: container.tensor('new_prices', 'I64', ANY), idPlaces: u32('id_places'),
  };
}

/**
 * Throws `Malformed` unless the delta is one for this base, of a result with so many products.
 *
 * @param {Delta} delta @param {ProductCatalog} base @param {number} products
 */
export function checkFits(delta, base, products) {
  const { changed, rewritten, repriced, idPlaces } = delta;
  checkRising(delta.removed, base.size, 'removed');
  for (const [name, places] of Object.entries({ changed, rewritten, repriced })) checkRising(places, products, name);
  const kept = base.size - delta.removed.length;
  const came = products - kept;
  for (const [name, places] of Object.entries({ changed, rewritten })) {
    const isThere = came >= 0 && came <= places.length && (came === 0 || places[places.length - came] >= kept);
    wellFormed(isThere, () => `new products that are not ${name}`);
  }
  const { tables } = base;
  const thumbnails = tables.thumbnails || delta.thumbnailLengths.length > 0 ? changed.length : 0;
  const hasLengths = delta.rowCounts.length === changed.length && delta.thumbnailLengths.length === thumbnails
    && delta.recordLengths.length === rewritten.length && delta.categories.length === rewritten.length
    && delta.prices.length === 2 * rewritten.length && delta.newPrices.length === repriced.length;
  wellFormed(hasLengths, () => 'lists that are not as long as their places');
  const isCut = sum(delta.rowCounts) === delta.scales.length && sum(delta.recordLengths) === delta.records.length
    && sum(delta.thumbnailLengths) === delta.thumbnails.length && delta.codes.length === delta.scales.length * base.dim;
  wellFormed(isCut, () => 'lengths that are not those of what they cut');
  wellFormed(delta.rowCounts.every((count) => count > 0), () => 'a product without a row');
  const ordered = tables.idOrder || idPlaces.length > 0 ? came : 0;
  const isOrder = idPlaces.length === ordered && idPlaces.every((place) => place < products)
    && new Set(idPlaces).size === idPlaces.length;
  wellFormed(isOrder, () => 'id_places that are not one for each new product');
}

/** @param {Uint32Array} places @param {number} end @param {string} name */
function checkRising(places, end, name) {
  const rises = places.every((place, index) => place < end && (index === 0 || place > places[index - 1]));
  wellFormed(rises, () => `${name} that do not rise to below ${end}`);
}

/** @param {Uint32Array} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
