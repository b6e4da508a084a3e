/** A product enters; the elements that show it leave: picture, name, price and match. */

import { priceText } from '../shop/price.js';
import { locale, number, percent, words } from './strings.js';

const STARS = 5;

/** @typedef {import('../shop/shop.js').Card} Card */

/**
 * A card of the results. Its link opens the product, so the browser's own ways work.
 *
 * @param {Card} card
 * @param {string} address of the product in this page
 */
export function cardView(card, address) {
  const name = element('a', { className: 'name', href: address, textContent: card.name });
  const text = element('div', { className: 'text' }, element('h3', {}, name), ...facts(card));
  return element('li', { className: 'card' }, picture(card), text);
}

/** The small picture; its name says what it shows. @param {Card} card */
export function picture({ thumbnail }) {
  if (!thumbnail) return element('div', { className: 'picture' });
  const image = element('img', { className: 'picture', alt: '', width: 160, height: 160 });
  image.src = URL.createObjectURL(new Blob([/** @type {BlobPart} */ (thumbnail)], { type: 'image/webp' }));
  image.onload = image.onerror = () => URL.revokeObjectURL(image.src);
  return image;
}

/** Price and match. @param {Card} card */
export function facts({ price, currency, match }) {
  const found = [];
  if (price !== null) found.push(element('p', { className: 'price', textContent: priceText(price, currency, locale) }));
  if (match) {
    const stars = element('span', { className: 'stars', role: 'img', ariaLabel: words('stars', number(match.stars), number(STARS)) });
    stars.style.setProperty('--share', `${100 * match.stars / STARS}%`);
    found.push(element('p', { className: 'match' }, stars, words('match', percent(match.percent))));
  }
  return found;
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Partial<HTMLElementTagNameMap[T]>} properties
 * @param {...(Node | string)} children
 */
export function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/**
 * The page's element of that id.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 */
export function find(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`index.html has no ${kind.name} '${id}'`);
  return found;
}
