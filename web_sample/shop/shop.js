/**
 * Questions of the page enter; promises of answers leave. The work is done in a worker, so that the page never waits.
 *
 * @typedef {{serial: number, blob: Blob}} Picture `serial`: another one for each picture
 * @typedef {object} Question nothing yet where there are no text, no picture and no `like`
 * @property {string} text
 * @property {Picture | null} picture
 * @property {number} slider from 0, the text alone, to 1, the picture alone; where there are both
 * @property {string | null} category one of the catalog's; null for all
 * @property {number | null} lowest in ten-thousandths of the catalog's currency, inclusive; null for no matter
 * @property {number | null} highest
 * @property {string | null} like more like this product, by its id, and nothing else
 *
 * @typedef {object} Card a product as it is shown
 * @property {string} id
 * @property {string} name
 * @property {string | null} price a decimal number
 * @property {string} currency
 * @property {string} description
 * @property {string[][]} columns names and texts of what else the catalog keeps
 * @property {string | null} link where it can be bought
 * @property {Uint8Array | null} thumbnail a WebP file
 * @property {{stars: number, percent: number} | null} match how sure it is that this was searched for
 *
 * @typedef {{cards: Card[], doubtful: Card[], unknown: string[], liked: string | null}} Answer `unknown`: writing systems of the
 *   text that the model does not know; `liked`: the name of the product that the others are like
 * @typedef {(cards: Card[]) => void} Named told what the text names exactly, where it does: before an encoder is loaded
 * @typedef {{categories: string[], currency: string, isOld: boolean}} Known of a catalog; `isOld`: its prices may be out of date
 * @typedef {'missing' | 'damaged' | 'mismatched' | 'picture' | 'memory' | 'gone' | 'other'} Problem
 */

/** What went wrong, for the page to say. */
export class ShopError extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem);
    this.problem = problem;
  }
}

/** The shop, in its worker. */
export class Shop {
  /** Told how many bytes have come, of how many; 0 of 0 when there is nothing to load. @type {(loaded: number, total: number) => void} */
  progressed = () => {};
  /** Told before the encoders are made, which takes seconds, once. */
  preparing = () => {};
  /** Told of the catalog that is searched now, after an update. @type {(catalog: Known) => void} */
  updated = () => {};
  /** @type {Map<number, {resolve: (answer: any) => void, reject: (error: unknown) => void, named?: Named}>} */
  #asked = new Map();
  #last = 0;
  #worker;

  /**
   * @param {URL} script the worker's: a classic one that hands its messages to shop-worker.js
   * @param {string} [updates] the path of the site's updates.json, from the script, where the site takes updates
   */
  constructor(script, updates) {
    this.script = script;
    this.updates = updates;
    this.#worker = this.#started();
  }

  /** @returns {Promise<Known & {model: string}>} */
  open = (/** @type {string | null} */ accelerator) => this.#ask('open', { accelerator: accelerator ?? undefined });

  /** @returns {Promise<Card | null>} */
  product = (/** @type {string} */ id) => this.#ask('product', id);

  /** @returns {Promise<Answer>} */
  search = (/** @type {Question} */ question, /** @type {AbortSignal} */ signal, /** @type {Named} */ named = () => {}) =>
    this.#ask('search', question, signal, named);

  /** Loads an encoder ahead. What fails is said when it is used. @param {'text' | 'image'} part */
  prepare = (part) => void this.#ask('prepare', part).catch(() => {});

  /** Keeps all of the shop's files on the device. */
  keep = () => this.#ask('keep', null);

  /**
   * @param {string} task
   * @param {unknown} given
   * @param {AbortSignal} [signal]
   * @param {Named} [named]
   */
  #ask(task, given, signal, named) {
    const id = ++this.#last;
    signal?.addEventListener('abort', () => this.#worker.postMessage({ cancel: id }));
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject, named });
      this.#worker.postMessage({ id, task, given });
    });
  }

  #started() {
    const worker = new Worker(this.script, { name: this.updates });
    worker.onmessage = ({ data: { id, answer, problem, named, loaded, total, preparing, known } }) => {
      if (known) return this.updated(known);
      if (preparing) return this.preparing();
      if (loaded !== undefined) return this.progressed(loaded, total);
      const asked = this.#asked.get(id);
      if (named) return asked?.named?.(named);
      this.#asked.delete(id);
      if (problem) asked?.reject(new ShopError(problem));
      else asked?.resolve(answer);
    };
    worker.onerror = () => { // it could not be loaded, or it ran out of memory
      for (const { reject } of this.#asked.values()) reject(new ShopError('missing'));
      this.#asked.clear();
      worker.terminate();
      this.#worker = this.#started();
    };
    return worker;
  }
}
