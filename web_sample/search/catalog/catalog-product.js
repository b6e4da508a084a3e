/**
 * A product's record enters, UTF-8 JSON; what an app shows of it leaves. Throws `Malformed` for anything but an object.
 */

import { JsonArray, JsonNumber, JsonObject, asObject, parse } from '../json.js';

/**
 * `price` is in units of `currency`, as it is written; null for none. `extra` holds whatever else the shop keeps, as
 * texts: numbers, lists and objects as they are written. `lists` has the same as lists of texts: a list's items, or one
 * text. What a record lacks is an empty text.
 * @typedef {object} CatalogProduct @property {string} id @property {string} name @property {string | null} price
 * @property {string} currency @property {string} description @property {string} category
 * @property {Map<string, string>} extra @property {Map<string, string[]>} lists
 */

const KNOWN = new Set(['id', 'name', 'price', 'currency', 'description', 'category']);
const LONGEST_NUMBER = 40; // digits: arithmetic on a price stays small

/** @param {Uint8Array} utf8 @returns {CatalogProduct} */
export function readProduct(utf8) {
  const members = membersOf(utf8);
  /** @type {Map<string, string>} */
  const extra = new Map();
  /** @type {Map<string, string[]>} */
  const lists = new Map();
  for (const [key, value] of members) {
    const text = textOf(value);
    if (KNOWN.has(key) || text === null) continue;
    extra.set(key, text);
    lists.set(key, value instanceof JsonArray ? [...value].map(textOf).filter((item) => item !== null) : [text]);
  }
  return {
    id: known(members, 'id'),
    name: known(members, 'name'),
    price: priceOf(members.get('price')),
    currency: known(members, 'currency'),
    description: known(members, 'description'),
    category: known(members, 'category'),
    extra,
    lists,
  };
}

/** Of a record, its id alone. @param {Uint8Array} utf8 */
export function readId(utf8) {
  return known(membersOf(utf8), 'id');
}

/** @param {Uint8Array} utf8 */
function membersOf(utf8) {
  return asObject(parse(utf8, { once: false }), 'the record');
}

/** @param {JsonObject} members @param {string} key */
function known(members, key) {
  const value = members.get(key);
  return value instanceof JsonObject || value instanceof JsonArray ? '' : textOf(value ?? null) ?? '';
}

/** @param {import('../json.js').Json} value @returns {string | null} */
function textOf(value) {
  if (value === null || typeof value === 'string') return value;
  return typeof value === 'boolean' ? String(value) : value.written;
}

/** @param {import('../json.js').Json | undefined} value */
function priceOf(value) {
  const isSmall = value instanceof JsonNumber && value.written.length <= LONGEST_NUMBER && !/e/i.test(value.written);
  return isSmall ? value.written : null;
}
