/** A filter and a catalog enter; which of its products may be found leaves. */

import { whole } from '../catalog/catalog-reader.js';
import { allowed } from '../malformed.js';
import { checkKnown, fittingFields } from './filter-fields.js';

/**
 * Of each product, 1 where it may be found; null where all may. Throws a RangeError for what cannot be asked.
 * @param {import('../catalog/catalog.js').ProductCatalog} catalog
 * @param {import('../catalog/catalog-search.js').CatalogFilter} filter @param {number[]} left out
 */
export function wantedProducts(catalog, { categories = null, lowest = null, highest = null, fields = null }, left) {
  const names = categories === null ? null : wantedNames(catalog.categories, new Set(categories));
  const hasPrices = lowest !== null || highest !== null;
  allowed(!hasPrices || catalog.currency !== '', () =>
    'no filter by price: the catalog has prices of several currencies, or none');
  const [least, most] = [Math.max(lowest ?? 0, 0), highest ?? Infinity]; // none, -1, is in no range
  allowed(!Number.isNaN(least) && !Number.isNaN(most), () => `prices from ${lowest} to ${highest}`);
  const chosen = fittingFields(catalog.tables.filters, fields ?? {});
  if (names === null && !hasPrices && left.length === 0 && chosen.length === 0) return null;
  const wanted = new Uint8Array(catalog.size).fill(1);
  for (const product of left) wanted[product] = 0;
  const { prices, categories: places } = catalog.tables;
  for (let product = 0; product < catalog.size; product++) {
    const price = whole(prices, product);
    const isFitting = (!hasPrices || price >= least && price <= most) && (names === null || names[places[product]])
      && chosen.every(({ numbers, fits }) => fits[numbers[product]]);
    if (!isFitting) wanted[product] = 0;
  }
  return wanted;
}

/** Of each category, whether it is wanted. @param {string[]} categories @param {Set<string>} wanted */
function wantedNames(categories, wanted) {
  checkKnown(wanted, categories, 'category');
  return categories.map((name) => wanted.has(name));
}
