/** A product's record enters; the texts of its fields leave, as words, keys and filters are made of them. */

import { JsonArray, JsonNumber, asArray, asText, parse } from '../json.js';
import { wellFormed } from '../malformed.js';

/**
 * Each once, in their order.
 * @param {import('../json.js').JsonObject} record @param {string[]} fields @returns {string[]}
 */
export function textsOf(record, fields) {
  return fields.flatMap((field) => {
    const value = record.get(field) ?? null;
    return [...new Set((value instanceof JsonArray ? [...value] : [value]).map(textOf))].filter((text) => text !== '');
  });
}

/** Empty for what has none. @param {import('../json.js').Json} value */
function textOf(value) {
  if (value instanceof JsonNumber) return value.written;
  return typeof value === 'string' || typeof value === 'boolean' ? `${value}` : '';
}

/**
 * Names of fields, each once, in the metadata. Throws `Malformed`.
 * @param {import('../container.js').Container} container @param {string} key
 */
export function fieldsOf(container, key) {
  const names = Array.from(asArray(parse(container.text(key), { once: false }), key), (name) => asText(name, key));
  const isRight = new Set(names).size === names.length && !names.includes('price');
  wellFormed(isRight, () => `${key} names a field twice, or price`);
  return names;
}
