/** A product's id enters; a dialog leaves with all about it, where it can be bought, and the way to more like it. */

import { element, facts, find, picture } from './card-view.js';
import { words } from './strings.js';

/** The dialog. The browser keeps the focus in it, and gives it back to the card. */
export class DetailsView {
  #dialog = find('details', HTMLDialogElement);
  #content = find('details-content', HTMLElement);
  #shown = '';

  /**
   * @param {import('../shop/shop.js').Shop} shop
   * @param {() => void} closed told when the shopper closed it
   */
  constructor(shop, closed) {
    this.shop = shop;
    this.#dialog.addEventListener('close', () => {
      if (this.#shown) closed();
      this.#shown = '';
    });
    find('close', HTMLElement).onclick = () => this.#dialog.close();
    this.#dialog.addEventListener('click', ({ target }) => target === this.#dialog && this.#dialog.close()); // beside it
  }

  /** Shows the product of that id; none: closes. @param {string | null} id */
  async show(id) {
    if (this.#shown === (id ?? '')) return;
    this.#shown = id ?? '';
    if (!id) return this.#dialog.close();
    this.#say('loading');
    if (!this.#dialog.open) this.#dialog.showModal();
    const card = await this.shop.product(id).catch(() => undefined);
    if (this.#shown !== id) return;
    if (card) this.#content.replaceChildren(...product(card));
    else this.#say(card === null ? 'gone' : 'error_files');
  }

  /** @param {import('./strings.js').Words} text */
  #say(text) {
    this.#content.replaceChildren(element('p', { id: 'details-name', role: 'status', textContent: words(text) }));
  }
}

/** @param {import('../shop/shop.js').Card} card */
function product(card) {
  const columns = card.columns.flatMap(([name, text]) =>
    [element('dt', { textContent: name }), element('dd', { textContent: text })]);
  const more = element('a', { className: card.link ? 'button' : 'button main', href: `#like=${encodeURIComponent(card.id)}`,
    textContent: words('more') });
  const text = element('div', { className: 'text' },
    element('h2', { id: 'details-name', textContent: card.name }), ...facts(card),
    element('p', { className: 'description', textContent: card.description }), element('dl', {}, ...columns));
  if (card.link) {
    text.append(element('a', { className: 'button main', href: card.link, target: '_blank', rel: 'noopener', textContent: words('buy') }));
  }
  text.append(more);
  return [picture(card), text];
}
