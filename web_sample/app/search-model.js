/**
 * What the shopper does enters; the page's question and its state leave, to be drawn. Of several questions only the last
 * one's answer is shown.
 *
 * @typedef {import('../shop/shop.js').Question} Question
 * @typedef {import('../shop/shop.js').Card} Card
 * @typedef {import('./strings.js').Words} Words
 * @typedef {{kind: 'idle' | 'searching' | 'nothing', unknown?: string[]} | {kind: 'preparing', loaded: number, total: number}
 *   | {kind: 'found', cards: Card[], doubtful: Card[], unknown: string[], liked: string | null}
 *   | {kind: 'failed', words: Words}} State
 */

import { ShopError } from '../shop/shop.js';

const LONGEST = 1000; // code points: a text is cleaned in rounds, and nobody types more

/** @type {Question} */
export const NOTHING = { text: '', picture: null, slider: 0.5, category: null, lowest: null, highest: null, like: null };

/** The question and the state of the search page. */
export class SearchModel {
  question = NOTHING;
  /** @type {State} */
  state = { kind: 'idle' };
  /** What the words name exactly, above the answer and before it is there. @type {Card[]} */
  named = [];
  /** @type {string[]} */
  categories = [];
  /** Whether prices can be filtered. */
  isPriced = false;
  /** Whether prices may be out of date. */
  isOld = false;
  /** Bytes of files that are on their way; 0 of 0: none. */
  progress = { loaded: 0, total: 0 };
  /** Told after every change. */
  changed = () => {};
  /** Does again what failed. */
  retry = () => {};
  #running = new AbortController();

  /** @param {import('../shop/shop.js').Shop} shop */
  constructor(shop) {
    this.shop = shop;
    shop.preparing = () => this.#wait(this.progress.loaded, this.progress.total); // files may be on their way already
    shop.progressed = (loaded, total) => this.#wait(loaded, total);
    shop.updated = (catalog) => this.#know(catalog);
  }

  /** Opens the shop, so that its categories can be shown. @param {string | null} accelerator */
  async start(accelerator) {
    try {
      this.#know(await this.shop.open(accelerator));
    } catch (error) {
      if (this.state.kind === 'idle') this.#fail(error, () => this.start(accelerator));
    }
  }

  /** Searches for the question, instead of what was asked before. @param {Question} question */
  async ask(question) {
    this.#running.abort();
    this.#running = new AbortController();
    const { signal } = this.#running;
    this.named = [];
    this.question = { ...question, text: [...question.text.trim()].slice(0, LONGEST).join('') };
    if (isEmpty(this.question)) return this.#become({ kind: 'idle' });
    this.#become({ kind: 'searching' });
    try {
      const answer = await this.shop.search(this.question, signal, (named) => {
        if (signal.aborted) return;
        this.named = named;
        this.changed();
      });
      if (signal.aborted) return;
      const isFound = answer.cards.length + answer.doubtful.length > 0;
      this.#become({ kind: isFound ? 'found' : 'nothing', ...answer });
      if (this.categories.length === 0) this.start(null); // it failed at first
    } catch (error) {
      if (!signal.aborted) this.#fail(error, () => this.ask(this.question));
    }
  }

  /** What can be filtered by. A category that is no more is none. @param {import('../shop/shop.js').Known} catalog */
  #know({ categories, currency, isOld }) {
    Object.assign(this, { categories, isPriced: currency !== '', isOld });
    const { category } = this.question;
    if (category !== null && !categories.includes(category)) this.question = { ...this.question, category: null };
    this.changed();
  }

  /**
   * @param {unknown} error
   * @param {() => void} again
   */
  #fail(error, again) {
    Object.assign(this, { retry: again, named: [] });
    this.#become({ kind: 'failed', words: wordsOf(error) });
  }

  /**
   * @param {number} loaded
   * @param {number} total
   */
  #wait(loaded, total) {
    this.progress = { loaded, total };
    const { kind } = this.state;
    this.#become(kind === 'searching' || kind === 'preparing' ? { kind: 'preparing', loaded, total } : this.state);
  }

  /** @param {State} state */
  #become(state) {
    this.state = state;
    this.changed();
  }
}

/** Whether nothing was asked for yet. @param {Question} question */
export function isEmpty({ text, picture, like }) {
  return text === '' && picture === null && like === null;
}

/** @param {Question} question */
export function isFiltered({ category, lowest, highest }) {
  return category !== null || lowest !== null || highest !== null;
}

/** What went wrong, in the shopper's words. @param {unknown} error @returns {Words} */
function wordsOf(error) {
  const problem = error instanceof ShopError ? error.problem : 'other';
  if (problem === 'gone') return 'gone';
  if (problem === 'missing') return 'error_network';
  return problem === 'damaged' || problem === 'mismatched' ? 'error_files' : `error_${problem}`;
}
