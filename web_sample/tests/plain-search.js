/** A made-up catalog's parts and a query enter; what a search must find leaves, the slow way. */

/** @typedef {import('./made-catalog.js').Parts} Parts */

/**
 * The nearest whole number, halves to the even one.
 * @param {number} value
 */
export function even(value) {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + Math.abs(low % 2) : Math.round(value);
}

/**
 * @param {(most: number) => number} next
 * @param {number} dim
 */
export function vectorOf(next, dim) {
  return Float32Array.from({ length: dim }, (_, index) => index === 0 ? 5 : next(9) - 4);
}

/**
 * @param {Parts} parts
 * @param {{categories: string[] | null, lowest: number | null, highest: number | null}} filter
 * @param {number} product
 */
export function fits({ prices, categories, names }, filter, product) {
  const price = prices[product];
  const named = filter.categories === null || filter.categories.includes(names[categories[product]]);
  const priced = filter.lowest === null && filter.highest === null
    || price >= 0 && price >= (filter.lowest ?? 0) && price <= (filter.highest ?? Infinity);
  return named && priced;
}

/**
 * FORMATS.md's words, the slow way: all products, best first.
 * @param {Parts} parts
 * @param {Float32Array} query
 * @param {(product: number) => boolean} wanted
 */
export function plain({ owners, dim, codes, scales, offset }, query, wanted) {
  const step = Math.max(...query.map(Math.abs)) / 16383;
  const constant = offset.reduce((sum, value, index) => sum + value * query[index], 0);
  /** @type {Map<number, {product: number, row: number, score: number}>} */
  const best = new Map();
  for (const [row, product] of owners.entries()) {
    if (!wanted(product)) continue;
    const sum = query.reduce((total, value, index) => total + codes[row * dim + index] * even(value / step), 0);
    const score = scales[row] * step * sum + constant;
    if (score > (best.get(product)?.score ?? -Infinity)) best.set(product, { product, row, score });
  }
  return [...best.values()].sort((one, other) => other.score - one.score || one.row - other.row);
}
