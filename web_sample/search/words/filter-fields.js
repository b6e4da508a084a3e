/** A catalog's container enters; its fields to filter by leave, checked: the values, and which one each product has. */

import { ANY } from '../container.js';
import { asArray, asText, parse } from '../json.js';
import { allowed, wellFormed } from '../malformed.js';
import { fieldsOf } from './record-texts.js';

/** @typedef {{numbers: Uint16Array, values: string[][]}} FilterField `numbers`: [products], places in `values` */

/**
 * By their names; none for a file without. Throws `Malformed`.
 * @param {import('../container.js').Container} container @param {number} products @returns {Map<string, FilterField>}
 */
export function readFilterFields(container, products) {
  if (!container.has('filter_values') && !container.has('filter_names')) return new Map();
  const fields = fieldsOf(container, 'filters');
  const numbers = container.tensor('filter_values', 'U16', fields.length * products);
  const lists = asArray(parse(container.tensor('filter_names', 'U8', ANY), { once: false }), 'filter_names');
  wellFormed(lists.length === fields.length, () => `filter_names of ${lists.length} fields, expected ${fields.length}`);
  return new Map(fields.map((field, place) => {
    const values = Array.from(asArray(lists[place], 'a field of filter_names'), (value) =>
      Array.from(asArray(value, 'a value of filter_names'), (text) => asText(text, 'a text of filter_names')));
    const own = numbers.subarray(place * products, (place + 1) * products);
    wellFormed(own.every((number) => number < values.length), () => `a value of ${field} beyond its filter_names`);
    return [field, { numbers: own, values }];
  }));
}

/** Every text of a field, each once. @param {FilterField} field */
export function textsOfField({ values }) {
  return [...new Set(values.flat())];
}

/**
 * Of each field that is asked for, the products' numbers, and which of these fit. Throws a RangeError for a field that
 * is none, or a text that it lacks.
 * @param {Map<string, FilterField>} fields @param {Record<string, Iterable<string>>} asked
 */
export function fittingFields(fields, asked) {
  return Object.entries(asked).map(([name, texts]) => {
    const field = fields.get(name);
    allowed(field !== undefined, () => `no such filter: ${name}; there are ${[...fields.keys()].join(', ')}`);
    const wanted = new Set(texts);
    checkKnown(wanted, textsOfField(field), name);
    return { numbers: field.numbers, fits: field.values.map((value) => value.some((text) => wanted.has(text))) };
  });
}

/**
 * Throws a RangeError for a text that is none of those known.
 * @param {Set<string>} wanted @param {string[]} known @param {string} what
 */
export function checkKnown(wanted, known, what) {
  const unknown = [...wanted].filter((name) => !known.includes(name));
  allowed(unknown.length === 0, () => `no such ${what}: ${unknown.join(', ')}; there are ${known.join(', ')}`);
}
