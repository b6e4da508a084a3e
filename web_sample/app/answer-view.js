/** The page's state enters; the lower part of the page leaves: cards, or a message, or how much is loaded. */

import { cardView, find } from './card-view.js';
import { isFiltered, NOTHING } from './search-model.js';
import { number, products, scriptNames, words } from './strings.js';

const MEGABYTE = 1e6;

/** Draws every state. */
export class AnswerView {
  #root = find('answer', HTMLElement);
  #note = find('note', HTMLElement);
  #title = find('title', HTMLElement);
  #count = find('count', HTMLElement);
  #message = find('message', HTMLElement);
  #act = find('act', HTMLButtonElement);
  /** @type {import('./search-model.js').State | undefined} */
  #shown;
  /** @type {import('../shop/shop.js').Card[]} */
  #named = [];

  /**
   * @param {import('./search-model.js').SearchModel} model
   * @param {() => void} choose asks the shopper for a picture
   * @param {(id: string) => string} address of a product in this page
   */
  constructor(model, choose, address) {
    this.model = model;
    this.choose = choose;
    this.address = address;
  }

  show() {
    const { state, named } = this.model;
    if (named !== this.#named) this.#name(named);
    if (state === this.#shown) return;
    this.#shown = state;
    const isBusy = state.kind === 'searching' || state.kind === 'preparing';
    this.#root.ariaBusy = String(isBusy);
    this.#root.dataset.state = state.kind;
    this.#warn('unknown' in state ? state.unknown ?? [] : []);
    const { cards, doubtful } = state.kind === 'found' ? state : { cards: [], doubtful: [] };
    this.#list(cards, doubtful);
    this.#title.hidden = !(state.kind === 'found' && state.liked);
    this.#title.textContent = state.kind === 'found' && state.liked ? words('more_like', state.liked) : '';
    document.title = this.#title.textContent || words('app_name');
    this.#message.hidden = state.kind === 'found';
    find('drop', HTMLElement).hidden = state.kind !== 'idle';
    this.#act.hidden = true;
    this.#load(isBusy, state);
    if (state.kind === 'idle') this.#say('idle', 'idle_detail', 'gallery', this.choose);
    if (state.kind === 'searching') this.#say('searching', null);
    if (state.kind === 'preparing') this.#say('preparing', 'preparing_detail');
    if (state.kind === 'failed') this.#say('failed', state.words, 'retry', this.model.retry);
    if (state.kind !== 'nothing') return;
    const { category, lowest, highest } = NOTHING;
    const clear = () => this.model.ask({ ...this.model.question, category, lowest, highest });
    this.#say('nothing', 'nothing_detail', isFiltered(this.model.question) ? 'clear_filters' : null, clear);
  }

  /** @param {import('../shop/shop.js').Card[]} named */
  #name(named) {
    this.#named = named;
    find('named-title', HTMLElement).hidden = named.length === 0;
    find('named', HTMLElement).replaceChildren(...named.map(this.#drawn));
  }

  /**
   * @param {import('../shop/shop.js').Card[]} cards
   * @param {import('../shop/shop.js').Card[]} doubtful
   */
  #list(cards, doubtful) {
    const count = cards.length + doubtful.length;
    this.#count.hidden = count === 0;
    this.#count.textContent = count ? products(count) : ''; // a screen reader says it
    find('doubtful-title', HTMLElement).hidden = doubtful.length === 0;
    find('certain', HTMLElement).replaceChildren(...cards.map(this.#drawn));
    find('doubtful', HTMLElement).replaceChildren(...doubtful.map(this.#drawn));
  }

  #drawn = (/** @type {import('../shop/shop.js').Card} */ card) => cardView(card, this.address(card.id));

  /**
   * @param {import('./strings.js').Words} headline
   * @param {import('./strings.js').Words | null} detail
   * @param {import('./strings.js').Words | null} [act]
   * @param {() => void} [work]
   */
  #say(headline, detail, act = null, work = () => {}) {
    set(find('headline', HTMLElement), words(headline));
    set(find('detail', HTMLElement), detail ? words(detail) : '');
    this.#act.hidden = act === null;
    this.#act.textContent = act && words(act);
    this.#act.onclick = work;
  }

  /**
   * @param {boolean} isBusy
   * @param {import('./search-model.js').State} state
   */
  #load(isBusy, state) {
    const bar = find('bytes', HTMLProgressElement);
    const { loaded, total } = state.kind === 'preparing' ? state : { loaded: 0, total: 0 };
    bar.hidden = !isBusy;
    if (total > 0) Object.assign(bar, { value: loaded, max: total });
    else bar.removeAttribute('value');
    find('amount', HTMLElement).textContent = total > 0 ? words('progress', megabytes(loaded), megabytes(total)) : '';
  }

  /** @param {string[]} unknown */
  #warn(unknown) {
    this.#note.hidden = unknown.length === 0;
    this.#note.textContent = unknown.length ? words('unknown_script', scriptNames(unknown)) : '';
  }
}

/** @param {number} bytes */
function megabytes(bytes) {
  const digits = { maximumFractionDigits: 1, minimumFractionDigits: 1 };
  return number(bytes / MEGABYTE, { style: 'unit', unit: 'megabyte', ...digits });
}

/** Writes what is new: a screen reader says it again otherwise. @param {HTMLElement} element @param {string} text */
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
