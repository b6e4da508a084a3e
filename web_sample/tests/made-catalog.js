/** A seed enters, or a catalog's parts; the bytes of its file leave, and an open catalog. */

import { createHash } from 'node:crypto';
import { CatalogMemory } from '../search/catalog/catalog-memory.js';
import { openCatalog } from '../search/catalog/catalog.js';
import { loadNext } from '../search/catalog/scan.js';
import { container, joined } from './made-container.js';
import { random } from './vectors.js';

const PAGE = 65_536;
const TYPES = /** @type {const} */ ({
  U64: BigUint64Array, I64: BigInt64Array, U32: Uint32Array, F32: Float32Array, I8: Int8Array, U8: Uint8Array,
});

/** @typedef {import('./made-container.js').MadeTensor} Tensor */
/**
 * @typedef {{owners: number[], dim: number, codes: number[], scales: number[], offset: number[], prices: number[],
 *   categories: number[], names: string[], currency: string, records: string[], idOrder: number[] | null,
 *   first?: {axes: number[], codes: number[], scales: number[], of: number}}} Parts
 */

/**
 * Whole numbers everywhere, few different ones, so that scores tie.
 * @param {number} seed
 * @param {number} rows
 * @param {number} dim
 * @returns {Parts}
 */
export function randomParts(seed, rows, dim) {
  const next = random(seed);
  const owners = [0];
  for (let row = 1; row < rows; row++) owners.push(owners[row - 1] + Math.min(next(3), 1));
  const products = owners[rows - 1] + 1;
  const kinds = Array.from({ length: Math.max(rows >> 2, 1) }, () =>
    Array.from({ length: dim }, () => next(255) - 127));
  return {
    owners,
    dim,
    codes: owners.flatMap(() => kinds[next(kinds.length)]),
    scales: owners.map(() => (1 + next(2)) / 128),
    offset: Array.from({ length: dim }, () => Math.fround(next(1000) / 1000 - 0.5)),
    prices: Array.from({ length: products }, () => next(5) === 0 ? -1 : next(20) * 10_000),
    categories: Array.from({ length: products }, () => next(4)),
    names: ['name 0', 'name 1', 'name 2', 'name 3'],
    currency: 'EUR',
    records: Array.from({ length: products }, (_, place) =>
      `{"id":"p${place}","name":"Product \u00e9 ${place}","price":1.50}`),
    idOrder: null,
  };
}

/**
 * @param {Parts} parts
 * @returns {Tensor[]}
 */
export function tensorsOf({ owners, dim, codes, scales, offset, prices, categories, records, idOrder, first }) {
  const texts = records.map((record) => new TextEncoder().encode(record));
  const pictures = records.map((_, place) => new Uint8Array(place % 3).fill(7));
  const products = records.length;
  return [
    tensor('record_offsets', 'U64', [products + 1], offsets(texts)),
    tensor('prices', 'I64', [products], prices.map(BigInt)),
    tensor('thumbnail_offsets', 'U64', [products + 1], offsets(pictures)),
    tensor('categories', 'U32', [products], categories),
    ...idOrder ? [tensor('id_order', 'U32', [idOrder.length], idOrder)] : [],
    tensor('offset', 'F32', [dim], offset),
    tensor('owners', 'U32', [owners.length], owners),
    tensor('scales', 'F32', [owners.length], scales),
    ...first ? [
      tensor('first_scales', 'F32', [owners.length], first.scales),
      tensor('first_axes', 'I8', [first.axes.length / dim, dim], first.axes),
      tensor('first_codes', 'I8', [owners.length, first.axes.length / dim], first.codes),
    ] : [],
    tensor('codes', 'I8', [owners.length, dim], codes),
    tensor('records', 'U8', [joined(...texts).length], joined(...texts)),
    tensor('thumbnails', 'U8', [joined(...pictures).length], joined(...pictures)),
  ];
}

/**
 * @param {Parts} parts
 * @returns {Record<string, string>}
 */
export function metadataOf({ dim, records, owners, currency, names, first }) {
  const curves = ['{"a":10.0,"b":-5.0,"spread":0.2,"measured":true}',
    '{"a":8.0,"b":-4.0,"spread":0.1,"measured":true}'];
  return {
    format: 'mobileclip-catalog', version: '1', quantization: 'int8-row-offset', metric: 'cosine',
    space: 'ab'.repeat(32), model: 'made', dim: `${dim}`, products: `${records.length}`, rows: `${owners.length}`,
    currency, categories: JSON.stringify(names), calibration: calibration(curves[0], curves[1]), sha256: '0'.repeat(64),
    ...first ? { first_pass: `{"of":${first.of}}  ` } : {},
  };
}

/**
 * @param {string} text
 * @param {string} image
 */
export function calibration(text, image, source = 'names') {
  return `{"text":${text},"image":${image},"source":"${source}"}`;
}

/**
 * A file of these, with its digest in it.
 * @param {Record<string, string | null>} metadata null: leave the key out
 * @param {Tensor[]} tensors
 */
export function catalogFile(metadata, tensors) {
  const named = Object.entries(metadata).flatMap(([key, value]) => value === null ? [] : [[key, value]]);
  return sealed(container(Object.fromEntries(named), tensors));
}

/** @param {Parts} parts */
export function fileOf(parts) {
  return catalogFile(metadataOf(parts), tensorsOf(parts));
}

/** @param {Uint8Array} file */
function sealed(file) {
  const key = '"sha256":"';
  const place = Buffer.from(file.buffer).indexOf(key) + key.length;
  if (place < key.length) return file;
  const zeros = file.slice().fill('0'.charCodeAt(0), place, place + 64);
  file.set(new TextEncoder().encode(createHash('sha256').update(zeros).digest('hex')), place);
  return file;
}

/**
 * What opens many files one after the other in one memory: an engine takes its time to free memories.
 * @param {number} most bytes of the largest
 */
export async function opener(most) {
  const memory = new WebAssembly.Memory({ initial: 1 + Math.ceil(most / PAGE) });
  const next = await loadNext(memory);
  return (/** @type {Uint8Array} */ file) => {
    const one = new CatalogMemory(memory, next, file.length);
    one.file.set(file);
    return openCatalog(one, 'made.catalog');
  };
}

/**
 * @param {string} name
 * @param {keyof typeof TYPES} type
 * @param {number[]} shape
 * @param {ArrayLike<any>} values
 * @returns {Tensor}
 */
function tensor(name, type, shape, values) {
  const typed = /** @type {any} */ (TYPES[type]).from(values);
  return { name, type, shape, data: bytesOf(typed) };
}

/** @param {ArrayBufferView} view */
export function bytesOf({ buffer, byteOffset, byteLength }) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** @param {Uint8Array[]} pieces */
function offsets(pieces) {
  let end = 0;
  return [0n, ...pieces.map((piece) => BigInt(end += piece.length))];
}
