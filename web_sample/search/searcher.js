/** A shopper's text, image or both enter; products leave. What an app calls. */

import { checkSpace } from './catalog/catalog-reader.js';
import { labelScores, labelVector } from './labels.js';
import { allowed, reading, wellFormed } from './malformed.js';
import { Recent } from './recent.js';

/** @typedef {import('./catalog/catalog-search.js').CatalogSearch} CatalogSearch */
/** @typedef {import('./catalog/catalog-search.js').SearchQuery} SearchQuery */
/** @typedef {import('./catalog/catalog.js').ProductCatalog} ProductCatalog */
/** @typedef {'text' | 'image'} EncoderPart one of a model's two encoders */

/**
 * The image and the text encoder of one model, whatever runs them. `space`: 64 hex digits naming the embedding space;
 * `dim`: the width of an embedding. Asked for one thing at a time. `prepare` loads one of the two ahead of its first
 * use. `close` is called once, after the last use.
 * @typedef {object} EmbeddingEncoder @property {string} space @property {number} dim
 * @property {(ids: Int32Array) => Promise<Float32Array>} text
 * @property {(square: Uint8Array) => Promise<Float32Array>} image RGB8, row by row
 * @property {(part: EncoderPart) => Promise<void>} prepare @property {() => Promise<void> | void} close
 */

/**
 * An image: `channels` (3, or 4 with alpha that is not premultiplied) bytes of each pixel, row by row, upright sRGB.
 * The bytes must not change afterwards: a searcher knows the image by its object.
 * @typedef {{pixels: Uint8Array | Uint8ClampedArray, width: number, height: number, channels?: number}} RGBImage
 */

/**
 * What a shopper asks for: a text, an image, both, or products like that one, by its place or by its own id, which
 * stays true when the catalog is swapped. `slider` is for both: from 0, the text alone, to 1, the image alone; .5 if
 * left out. The rest is as for `CatalogSearch.search`.
 * @typedef {object} SearchRequest @property {string | null} [text] @property {RGBImage | null} [image]
 * @property {number} [slider] @property {number | null} [like] @property {string | null} [likeId]
 * @property {number} [k] @property {import('./catalog/catalog-search.js').CatalogFilter} [filter]
 * @property {number} [threshold] @property {number} [leastConfidence] @property {boolean} [exact]
 */

/**
 * A search that found so many products, perhaps none, so long after it was asked for: for the app's own statistics.
 * @typedef {{kind: 'text' | 'image' | 'both' | 'like', hits: number, milliseconds: number}} SearchEvent
 */

/**
 * What a searcher is made of. `encoder` is called at its first use, after `onPreparing`. `recent`: of how many texts,
 * and of how many images, the embeddings are kept: another filter or another place of the slider asks no encoder.
 * `onSearched` is told of each search that found something or nothing, but not of one that failed or was cancelled.
 * @typedef {object} SearcherParts @property {() => Promise<EmbeddingEncoder>} encoder
 * @property {{encode(text: string): Int32Array}} tokenizer
 * @property {import('./pictures/image-preprocessor.js').ImagePreprocessor} preprocessor
 * @property {CatalogSearch} search @property {number} [recent] @property {(event: SearchEvent) => void} [onSearched]
 * @property {() => void} [onPreparing]
 */

const MOST_LABELS = 1024; // whose vectors are kept

/** A shop's search. What takes time happens on this thread: make it in a worker. */
export class Searcher {
  #parts;
  #search;
  #texts; // by ids: what differs only in case or spaces is one text
  #images; // by the image object's number: an object as a key would keep its pixels
  /** @type {WeakMap<RGBImage, number>} */
  #numbers = new WeakMap();
  #numbered = 0;
  /** @type {Recent<string, Float64Array>} by templates and name */
  #labels = new Recent(MOST_LABELS);
  /** @type {EmbeddingEncoder | null} */
  #made = null;
  /** @type {Promise<unknown>} the end of the work with the encoder so far */
  #work = Promise.resolve();

  /** @param {SearcherParts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#search = parts.search;
    /** @type {Recent<string, Float32Array>} */
    this.#texts = new Recent(parts.recent ?? 32);
    /** @type {Recent<number, Float32Array>} */
    this.#images = new Recent(parts.recent ?? 32);
  }

  /** What is searched now. */
  get catalog() {
    return this.#search.catalog;
  }

  /**
   * The products, best first; perhaps none. Their places are in the catalog that comes with them. Rejects with what the
   * encoder or `CatalogSearch.search` throws, with a RangeError for a request for nothing or for more than one thing,
   * and with the signal's reason where it was aborted.
   * @param {SearchRequest} request @param {{signal?: AbortSignal}} [options]
   */
  async search(request, { signal } = {}) {
    const asked = performance.now();
    const kind = kindOf(request);
    const search = this.#search; // once: a search ends in the catalog that it began in
    const query = await this.#query(request, search.catalog, signal);
    signal?.throwIfAborted();
    const { k, filter, threshold, leastConfidence, exact } = request;
    const hits = search.search(query, k, filter, threshold, leastConfidence, null, exact);
    this.#parts.onSearched?.({ kind, hits: hits.length, milliseconds: performance.now() - asked });
    return { hits, catalog: search.catalog };
  }

  /**
   * The products that a text names exactly, see `CatalogSearch.named`, in the catalog that comes with them. No encoder is
   * asked.
   * @param {string} text @param {import('./catalog/catalog-search.js').CatalogFilter} [filter] @param {number} [most]
   */
  named(text, filter, most) {
    return { products: this.#search.named(text, filter, most), catalog: this.catalog };
  }

  /**
   * Loads encoders ahead: when a search field gets the focus, say. What fails here fails again, and is told, at the
   * next search.
   * @param {EncoderPart[]} [parts]
   */
  async prepare(parts = ['text', 'image']) {
    await Promise.all(parts.map((part) => this.#alone(async () => {
      try {
        await (await this.#loaded()).prepare(part);
      } catch {
        await this.#unload(); // half loaded: the next use makes it anew, and says what is wrong
      }
    })));
  }

  /**
   * Searches another catalog of the same embedding space from now on. Throws `BadFileError` for one of another space or
   * width.
   * @param {CatalogSearch} search
   */
  use(search) {
    checkFits(search.catalog, this.catalog);
    this.#search = search;
  }

  /** The embedding of an image, as a search by it uses. @param {RGBImage} image */
  async embedding(image) {
    return (await this.#image(image)).slice();
  }

  /**
   * Which of `names` the image shows, best first. Templates, scale and shares are the manifest's. Labels' vectors are
   * kept. Rejects with a RangeError where there are no templates.
   * @param {RGBImage} image @param {string[]} names @param {string[]} templates with `{}` where a name goes
   * @param {number} logitScale @param {import('./labels.js').LabelShares} [shares] the manifest itself; else a softmax
   */
  async labels(image, names, templates, logitScale, shares) {
    allowed(templates.length > 0, () => 'no templates to put labels into');
    /** @type {Float64Array[]} */
    const vectors = [];
    for (const name of names) vectors.push(await this.#label(name, templates));
    return labelScores(names, vectors, await this.#image(image), logitScale, shares);
  }

  /** Closes the encoder, once it is idle; the next use makes it again. For when memory is short. */
  release() {
    return this.#alone(() => this.#unload());
  }

  /**
   * @param {SearchRequest} request @param {ProductCatalog} catalog @param {AbortSignal} [signal]
   * @returns {Promise<SearchQuery>}
   */
  async #query({ text = null, image = null, slider = 0.5, like = null, likeId = null }, catalog, signal) {
    if (like !== null) return { like };
    if (likeId !== null) {
      const place = catalog.place(likeId);
      if (place === null) throw new RangeError(`no product '${likeId}'`);
      return { like: place };
    }
    const texts = text === null ? null : { text: await this.#text(text, signal) };
    const images = image === null ? null : { image: await this.#image(image, signal) };
    if (texts && images) return { ...texts, ...images, slider };
    return /** @type {SearchQuery} */ (texts ?? images);
  }

  /** @param {string} text @param {AbortSignal} [signal] */
  async #text(text, signal) {
    const ids = this.#parts.tokenizer.encode(text);
    const key = ids.join();
    return this.#texts.get(key) ?? this.#texts.set(key, await this.#encoded((encoder) => encoder.text(ids), signal));
  }

  /** @param {RGBImage} image @param {AbortSignal} [signal] */
  async #image(image, signal) {
    const number = this.#numbers.get(image) ?? ++this.#numbered;
    this.#numbers.set(image, number);
    return this.#images.get(number) ?? this.#images.set(number, await this.#encoded((encoder) => {
      const { pixels, width, height, channels } = image;
      return encoder.image(this.#parts.preprocessor.square(pixels, width, height, channels));
    }, signal));
  }

  /** @param {string} name @param {string[]} templates */
  async #label(name, templates) {
    const key = JSON.stringify([name, ...templates]);
    const kept = this.#labels.get(key);
    if (kept) return kept;
    /** @type {Float32Array[]} */
    const embeddings = [];
    for (const template of templates) {
      const ids = this.#parts.tokenizer.encode(template.replaceAll('{}', () => name));
      embeddings.push(await this.#encoded((encoder) => encoder.text(ids)));
    }
    return this.#labels.set(key, labelVector(embeddings));
  }

  /** @param {(encoder: EmbeddingEncoder) => Promise<Float32Array>} encode @param {AbortSignal} [signal] */
  #encoded(encode, signal) {
    return this.#alone(async () => {
      signal?.throwIfAborted();
      return encode(await this.#loaded());
    });
  }

  /**
   * Does the work once all earlier work with the encoder is done, whether or not that failed.
   * @template T @param {() => Promise<T>} work @returns {Promise<T>}
   */
  #alone(work) {
    const done = this.#work.then(work, work);
    this.#work = done;
    done.catch(() => {}); // the caller gets it
    return done;
  }

  /** The encoder, made if it is not there. Within `#alone`. */
  async #loaded() {
    if (this.#made) return this.#made;
    this.#parts.onPreparing?.();
    const made = await this.#parts.encoder();
    try {
      checkFits(this.catalog, made);
    } catch (error) {
      await made.close();
      throw error;
    }
    this.#made = made;
    return made;
  }

  /** Within `#alone`. */
  async #unload() {
    const made = this.#made;
    this.#made = null;
    await made?.close();
  }
}

/** @param {SearchRequest} request @returns {SearchEvent['kind']} */
function kindOf({ text, image, like, likeId }) {
  const [hasText, hasImage] = [(text ?? null) !== null, (image ?? null) !== null];
  const likes = [like, likeId].filter((one) => (one ?? null) !== null).length;
  allowed(likes === (hasText || hasImage ? 0 : 1), () => 'expected a text, an image, or both; or a product alone');
  if (likes === 1) return 'like';
  return hasText && hasImage ? 'both' : hasText ? 'text' : 'image';
}

/**
 * Throws `BadFileError` unless the catalog is of that embedding space and width.
 * @param {ProductCatalog} catalog @param {{space: string, dim: number}} other
 */
function checkFits(catalog, { space, dim }) {
  reading(catalog.name, () => {
    checkSpace(catalog.space, catalog.model, space);
    wellFormed(dim === catalog.dim, () => `embeddings of another width: the catalog's have ${catalog.dim} numbers, `
      + `the encoder's ${dim}`, 'mismatched');
  });
}
