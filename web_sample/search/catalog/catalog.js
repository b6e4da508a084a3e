/**
 * A catalog file in a memory enters; an open catalog leaves: products, their records and small pictures, their
 * embeddings.
 * Opening checks the structure whole, so that nothing can point outside the file afterwards; `verify` checks the bytes.
 */

import { readContainer } from '../container.js';
import { allowed, reading, wellFormed } from '../malformed.js';
import { digestOf, digestPlace } from './catalog-digest.js';
import { readId, readProduct } from './catalog-product.js';
import { readCatalog, whole } from './catalog-reader.js';
import { IdOrder } from './id-order.js';

/** @typedef {import('./catalog-memory.js').CatalogMemory} CatalogMemory */

/**
 * Opens the file whose bytes lie in `memory`. Throws `BadFileError` for any that is no whole catalog of this version,
 * that space and that digest.
 * @param {CatalogMemory} memory @param {string} name for errors
 * @param {string} [space] the embedding space of the app's encoders: the manifest's
 * @param {string} [digest] of the one catalog that came with them; the bytes are not read for it
 */
export function openCatalog(memory, name, space, digest) {
  const container = readContainer(memory.file, name);
  return reading(name, () => {
    const content = readCatalog(container, space, digest);
    return new ProductCatalog(memory, name, content, digestPlace(container.header));
  });
}

/** An open catalog. A product is named by its place, 0 until `size`, in this catalog alone, or by the shop's own id. */
export class ProductCatalog {
  #place;
  /** @type {IdOrder | null} */
  #ids = null;

  /**
   * @param {CatalogMemory} memory @param {string} name @param {ReturnType<typeof readCatalog>} content
   * @param {number} place of the digest's digits in the file
   */
  constructor(memory, name, content, place) {
    this.memory = memory;
    this.name = name;
    this.tables = content.tables;
    /** How many products there are. */
    this.size = this.tables.categories.length;
    /** How many rows: pictures of products. */
    this.rows = this.tables.owners.length;
    /** The width of an embedding. */
    this.dim = this.tables.offset.length;
    /** 64 hex digits naming the embedding space. */
    this.space = content.space;
    /** The model's name. */
    this.model = content.model;
    /** 64 hex digits naming this file: the SHA-256 that stands in it. */
    this.digest = content.digest;
    /** ISO 4217; empty where products have several or none: then nothing can be filtered by price. */
    this.currency = content.currency;
    /** In the order of their first product; the empty name is that of products without one. */
    this.categories = content.categories;
    /** Scores to confidences. */
    this.calibration = content.calibration;
    this.#place = place;
  }

  /**
   * A product's record, parsed anew each time. Throws `BadFileError` if it is no JSON object: the file is damaged.
   * @param {number} product its place
   */
  product(product) {
    this.check(product);
    return reading(`${this.name}, product ${product}`, () => readProduct(this.#record(product)));
  }

  /**
   * Where the product of that id stands; null where there is none. In a catalog whose builder wrote no order of ids,
   * the first call reads every record. Throws `BadFileError` if a record on the way there is damaged.
   * @param {string} id
   */
  place(id) {
    return reading(this.name, () => {
      const idOf = (/** @type {number} */ product) => readId(this.#record(product));
      const { idOrder } = this.tables;
      this.#ids ??= idOrder ? new IdOrder(idOrder, idOf) : IdOrder.sorted(this.size, idOf);
      return this.#ids.place(id);
    });
  }

  /** A product's small picture, a WebP file's bytes, copied; null for none. @param {number} product */
  thumbnail(product) {
    this.check(product);
    const { thumbnails, thumbnailOffsets } = this.tables;
    const found = thumbnails && thumbnailOffsets ? piece(thumbnails, thumbnailOffsets, product) : null;
    return found && found.length > 0 ? found.slice() : null;
  }

  /** A product's category: a place in `categories`. @param {number} product */
  category(product) {
    this.check(product);
    return this.tables.categories[product];
  }

  /**
   * A product's price in ten-thousandths of the currency's unit; null for none. Beyond 2^53 it is rounded.
   * @param {number} product
   */
  price(product) {
    this.check(product);
    const price = whole(this.tables.prices, product);
    return price < 0 ? null : price;
  }

  /**
   * Proves that the bytes are the builder's own, by the SHA-256 that stands in the file: to be done once, after a
   * download. Rejects with `BadFileError` if they are not.
   */
  async verify() {
    const found = await digestOf(this.memory.file, this.#place);
    reading(this.name, () => wellFormed(found === this.digest, () =>
      `the file is damaged: its digest is ${found}, and ${this.digest} stands in it`));
  }

  /** @param {number} product */
  #record(product) {
    return piece(this.tables.records, this.tables.recordOffsets, product);
  }

  /** Throws a RangeError for a product that is none. @param {number} product */
  check(product) {
    allowed(Number.isInteger(product) && product >= 0 && product < this.size,
      () => `no product ${product} of ${this.size}`);
  }
}

/**
 * @param {Uint8Array} bytes @param {Uint32Array} offsets in halves, of which the upper ones are 0
 * @param {number} product
 */
export function piece(bytes, offsets, product) {
  return bytes.subarray(offsets[2 * product], offsets[2 * product + 2]);
}
