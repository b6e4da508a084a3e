/**
 * Golden vectors enter; what this engine answers otherwise than they say leaves: in Node, and in a page of any browser.
 *
 * @typedef {{bytes: (name: string) => Uint8Array | Promise<Uint8Array>, json: (name: string) => any}} Source a folder of vectors
 * @typedef {{count: number, wrong: string[]}} Tally how many cases there were; those that differ, in words
 */

import { CatalogMemory } from '../search/catalog/catalog-memory.js';
import { CatalogSearch } from '../search/catalog/catalog-search.js';
import { openCatalog } from '../search/catalog/catalog.js';
import { BadFileError } from '../search/malformed.js';
import { ImagePreprocessor } from '../search/pictures/image-preprocessor.js';
import { openTokenizer } from '../search/text/tokenizers.js';
import { edited } from './made-container.js';

const MOST_CONFIDENCE = 1e-9; // by which a confidence may differ: exp is each engine's own

/**
 * The ids of the texts of `name`. `asset`: a tokenizer's file, of any context length.
 *
 * @param {Source} source
 * @param {string} name
 * @param {Uint8Array} asset
 * @returns {Promise<Tally>}
 */
export async function tokens(source, name, asset) {
  const { texts, context_length: length, pad_token: pad } = await source.json(name);
  const own = `"context_length":"${openTokenizer(asset, name).contextLength}"`;
  const tokenizer = openTokenizer(edited(asset, own, `"context_length":"${length}"`), name);
  const wrong = texts.filter((/** @type {{text: string, ids: number[]}} */ { text, ids }) =>
    tokenizer.encode(text).some((id, place) => id !== (ids[place] ?? pad)));
  return { count: texts.length, wrong: wrong.map((/** @type {{text: string}} */ { text }) => text) };
}

/**
 * The bytes of the squares of `folder`, from RGB and from RGBA.
 *
 * @param {Source} source
 * @param {string} folder
 * @returns {Promise<Tally>}
 */
export async function squares(source, folder) {
  const { cases } = await source.json(`${folder}/index.json`);
  const wrong = [];
  for (const { name, width, height, size, interpolation, resize } of cases) {
    const rgb = await source.bytes(`${folder}/${name}.in.rgb`);
    const wanted = await source.bytes(`${folder}/${name}.out.rgb`);
    const preprocessor = new ImagePreprocessor({ size, interpolation, mode: resize });
    for (const found of [preprocessor.square(rgb, width, height), preprocessor.square(withAlpha(rgb, 255), width, height, 4)]) {
      const differing = found.length === wanted.length ? found.filter((byte, place) => byte !== wanted[place]).length : Infinity;
      if (differing > 0) wrong.push(`${name}: ${differing} bytes of ${wanted.length}`);
    }
  }
  return { count: cases.length, wrong };
}

/**
 * The products, rows, score bits and confidences of the golden searches.
 *
 * @param {Source} source
 * @returns {Promise<Tally>}
 */
export async function searches(source) {
  const { cases } = await source.json('search/index.json');
  const wrong = [];
  for (const [number, one] of cases.entries()) {
    const catalog = await opened(await source.bytes(`search/${one.catalog}`));
    const filter = { categories: one.categories, lowest: one.lowest, highest: one.highest };
    const hits = new CatalogSearch(catalog).search(queryOf(one), one.k, filter, one.threshold, 0, one.without);
    const found = hits.map(({ product, row, score }) => [product, catalog.product(product).id, row, bits(score)].join(' '));
    const wanted = one.hits.map((/** @type {any} */ { product, id, row, score }) => [product, id, row, score].join(' '));
    const isSure = one.hits.every((/** @type {any} */ { confidence }, /** @type {number} */ place) =>
      isNear(hits[place]?.confidence, confidence));
    if (found.join('\n') !== wanted.join('\n') || !isSure) wrong.push(`search ${number}: found ${found}, expected ${wanted}`);
  }
  return { count: cases.length, wrong };
}

/**
 * Which of the damaged catalogs open, and which of those verify.
 *
 * @param {Source} source
 * @returns {Promise<Tally>}
 */
export async function damagedCatalogs(source) {
  const { damaged } = await source.json('search/index.json');
  const wrong = [];
  for (const { file, opens, verifies } of damaged) {
    const bytes = await source.bytes(`search/${file}`);
    const found = await refusal(async () => opened(bytes, file));
    const later = found === null ? await refusal(async () => (await opened(bytes, file)).verify()) : null;
    const isRefused = (/** @type {string | null} */ said, /** @type {string} */ word) =>
      said !== null && said.startsWith(`${file}: `) && said.includes(word) && !said.includes('\n');
    const isRight = !opens ? isRefused(found, '') : found === null && (verifies ? later === null : isRefused(later, 'digest'));
    if (!isRight) wrong.push(`${file}: opened ${found ?? 'well'}, verified ${later ?? 'well'}`);
  }
  return { count: damaged.length, wrong };
}

/**
 * Opens a file's bytes as a catalog.
 *
 * @param {Uint8Array} file
 * @param {string} [name]
 * @param {string} [space]
 * @param {string} [digest]
 */
export async function opened(file, name = 'made.catalog', space, digest) {
  const memory = await CatalogMemory.create(file.length);
  memory.file.set(file);
  return openCatalog(memory, name, space, digest);
}

/**
 * float32, little-endian, base64.
 *
 * @param {string} packed
 */
export function vector(packed) {
  return new Float32Array(Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0)).buffer);
}

/**
 * A number's 64 bits as 16 hex digits.
 *
 * @param {number} value
 */
export function bits(value) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
}

/**
 * @param {Uint8Array} rgb
 * @param {number} alpha
 */
function withAlpha(rgb, alpha) {
  const rgba = new Uint8Array(rgb.length / 3 * 4).fill(alpha);
  for (let pixel = 0; pixel < rgb.length / 3; pixel++) rgba.set(rgb.subarray(3 * pixel, 3 * pixel + 3), 4 * pixel);
  return rgba;
}

/** @param {any} one of the golden searches */
function queryOf(one) {
  if (one.like !== undefined) return { like: one.like };
  if (one.hybrid) return { text: vector(one.hybrid.text), image: vector(one.hybrid.image), slider: one.hybrid.slider };
  return one.kind === 'text' ? { text: vector(one.vector) } : { image: vector(one.vector) };
}

/**
 * @param {number | null | undefined} found
 * @param {number | null} wanted null: not measured
 */
function isNear(found, wanted) {
  return wanted === null || found === null || found === undefined ? found === wanted : Math.abs(found - wanted) <= MOST_CONFIDENCE;
}

/** What a `BadFileError` says; null where there is none. @param {() => Promise<unknown>} work */
async function refusal(work) {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof BadFileError) return error.message;
    throw error;
  }
}
