/**
 * A catalog's container enters; its tables leave, and all that its metadata says.
 * Everything that FORMATS.md says of a catalog is checked here, but the digest. Throws `Malformed`.
 */

import { ANY } from '../container.js';
import { readFirstTables } from '../first-pass/first-tables.js';
import { asArray, asText, parse } from '../json.js';
import { shown, wellFormed } from '../malformed.js';
import { readFilterFields } from '../words/filter-fields.js';
import { WordTables } from '../words/word-tables.js';
import { ScoreCalibration } from './calibration.js';
import { asDigest } from './catalog-digest.js';

/** @typedef {import('../container.js').Container} Container */

/**
 * The tensors: views of the file. What the file holds as 64 bits is here in halves of 32, the low one first: typed
 * arrays give 64 bits as BigInt alone, which is slow.
 * @typedef {object} CatalogTables @property {Uint32Array} prices [products] x 2, ten-thousandths; -1 for none
 * @property {Uint32Array} categories [products] @property {Uint32Array} owners [rows], from 0 by steps of 0 or 1
 * @property {Float32Array} scales [rows] @property {Float32Array} offset [dim] @property {Int8Array} codes [rows, dim]
 * @property {Uint32Array} recordOffsets [products + 1] x 2 @property {Uint8Array} records
 * @property {Uint32Array | null} thumbnailOffsets [products + 1] x 2 @property {Uint8Array | null} thumbnails
 * @property {Uint32Array | null} idOrder [products]; null in files of older builders
 * @property {import('../first-pass/first-tables.js').FirstTables | null} first null in files without a first pass
 * @property {WordTables | null} words null in files without words and keys
 * @property {Map<string, import('../words/filter-fields.js').FilterField>} filters fields to filter by
 */

const KNOWN = {
  format: 'mobileclip-catalog', version: '1', quantization: 'int8-row-offset', metric: 'cosine',
};
const MOST_DIM = 1024; // beyond, the integer sum of a score could overflow int32
const COUNT = /^[1-9][0-9]{0,9}$/;

/**
 * @param {Container} container @param {string} [space] the embedding space that the catalog must be of
 * @param {string} [digest] the one that must stand in it
 */
export function readCatalog(container, space, digest) {
  for (const [key, known] of Object.entries(KNOWN)) {
    const found = container.metadata[key];
    wellFormed(found === known, () =>
      `unknown ${key}: expected '${known}', found ${found === undefined ? 'none' : shown(found)}`);
  }
  const own = asDigest(container.text('space'), 'space');
  const model = container.text('model');
  if (space !== undefined) checkSpace(own, model, space);
  const sha256 = asDigest(container.text('sha256'), 'sha256');
  wellFormed(digest === undefined || digest === sha256, () => 'the catalog is not the one that came with the encoders: '
    + `its digest is ${sha256}, theirs is ${digest}`, 'mismatched');
  const categories = asArray(parse(container.text('categories'), { once: false }), 'categories');
  const names = Array.from(categories, (name) => asText(name, 'a category'));
  return {
    space: own,
    model,
    digest: sha256,
    currency: container.text('currency'),
    categories: names,
    calibration: ScoreCalibration.read(container.text('calibration')),
    tables: tablesOf(container, names.length),
  };
}

/**
 * Throws `Malformed` unless a catalog's own space is the encoders'.
 * @param {string} own @param {string} model @param {string} space
 */
export function checkSpace(own, model, space) {
  wellFormed(space === own, () => `the catalog is of another embedding space: its own is ${own} (${shown(model)}), `
    + `the encoders' is ${space}`, 'mismatched');
}

/**
 * Whole numbers of 64 bits, signed, by their halves; beyond 2^53 rounded.
 * @param {Uint32Array} halves @param {number} index
 */
export function whole(halves, index) {
  return (halves[2 * index + 1] | 0) * 2 ** 32 + halves[2 * index];
}

/** @param {Container} container @param {number} names how many categories there are @returns {CatalogTables} */
function tablesOf(container, names) {
  const products = count(container, 'products');
  const rows = count(container, 'rows');
  const dim = count(container, 'dim');
  wellFormed(dim <= MOST_DIM, () => `${dim} dimensions, more than ${MOST_DIM}`);
  const hasThumbnails = container.has('thumbnails') || container.has('thumbnail_offsets');
  /** @type {CatalogTables} */
  const tables = {
    prices: halves(container.tensor('prices', 'I64', products)),
    categories: container.tensor('categories', 'U32', products),
    owners: container.tensor('owners', 'U32', rows),
    scales: container.tensor('scales', 'F32', rows),
    offset: container.tensor('offset', 'F32', dim),
    codes: container.tensor('codes', 'I8', rows, dim),
    recordOffsets: halves(container.tensor('record_offsets', 'U64', products + 1)),
    records: container.tensor('records', 'U8', ANY),
    thumbnailOffsets: hasThumbnails ? halves(container.tensor('thumbnail_offsets', 'U64', products + 1)) : null,
    thumbnails: hasThumbnails ? container.tensor('thumbnails', 'U8', ANY) : null,
    idOrder: container.has('id_order') ? container.tensor('id_order', 'U32', products) : null,
    first: readFirstTables(container, rows, dim),
    words: WordTables.read(container, products),
    filters: readFilterFields(container, products),
  };
  checkOffsets(tables.recordOffsets, tables.records, 'record_offsets');
  if (tables.thumbnailOffsets && tables.thumbnails) {
    checkOffsets(tables.thumbnailOffsets, tables.thumbnails, 'thumbnail_offsets');
  }
  checkProducts(tables, names);
  if (tables.idOrder) checkOrder(tables.idOrder);
  checkRows(tables, products);
  return tables;
}

/** @param {BigInt64Array | BigUint64Array} numbers */
function halves({ buffer, byteOffset, length }) {
  return new Uint32Array(buffer, byteOffset, 2 * length);
}

/**
 * They rise from 0 to the size of what they cut.
 * @param {Uint32Array} offsets @param {Uint8Array} pieces @param {string} name
 */
function checkOffsets(offsets, pieces, name) {
  let last = 0;
  for (let index = 0; index < offsets.length / 2; index++) {
    const next = offsets[2 * index]; // no piece is longer than 2^31 bytes, so that the upper half is 0
    const rises = offsets[2 * index + 1] === 0 && next >= last && (index > 0 || next === 0);
    wellFormed(rises, () => `${name} do not rise: number ${index} follows ${last}`);
    last = next;
  }
  wellFormed(last === pieces.length, () => `${name} end at ${last}, their bytes at ${pieces.length}`);
}

/** @param {CatalogTables} tables @param {number} names */
function checkProducts({ prices, categories }, names) {
  for (let product = 0; product < categories.length; product++) {
    wellFormed(whole(prices, product) >= -1, () => `product ${product} has a price below 0`);
    wellFormed(categories[product] < names, () => `product ${product} has a category beyond the ${names} names`);
  }
}

/**
 * Each place stands in it once. Whether the ids rise is not checked: a wrong order finds nothing.
 * @param {Uint32Array} order
 */
function checkOrder(order) {
  const seen = new Uint8Array(order.length);
  for (const [index, place] of order.entries()) {
    wellFormed(place < order.length && seen[place] === 0, () =>
      `id_order is no order: number ${index} is ${place}, of ${order.length} products`);
    seen[place] = 1;
  }
}

/** @param {CatalogTables} tables @param {number} products */
function checkRows({ owners, scales, offset }, products) {
  let owner = -1;
  for (let row = 0; row < owners.length; row++) {
    const next = owners[row];
    wellFormed(next === owner + 1 || row > 0 && next === owner, () =>
      `row ${row} belongs to product ${next} after product ${owner}`);
    owner = next;
    wellFormed(scales[row] >= 0 && scales[row] < Infinity, () => `row ${row} has a scale of ${scales[row]}`);
  }
  wellFormed(owner === products - 1, () => `the rows end at product ${owner} of ${products}`);
  wellFormed(offset.every(Number.isFinite), () => 'the offset has a number that is not finite');
}

/** @param {Container} container @param {string} key */
function count(container, key) {
  const written = container.text(key);
  wellFormed(COUNT.test(written), () => `${key} is ${shown(written)}, no count`);
  return Number(written);
}
