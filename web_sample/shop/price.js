/** Amounts of money enter; what a shopper reads leaves, and what a shopper typed as the catalog counts it. */

/**
 * The amount as `locale` writes it; after a currency that the platform does not know, its code.
 *
 * @param {string} amount a decimal number
 * @param {string} currency ISO 4217
 * @param {string} locale
 */
export function priceText(amount, currency, locale) {
  try {
    return new Intl.NumberFormat(locale, { style: 'currency', currency }).format(/** @type {any} */ (amount));
  } catch {
    return `${amount} ${currency}`.trim();
  }
}

/**
 * Ten-thousandths of the currency's unit, the rest cut off; null where no number was typed.
 *
 * @param {string} typed of a number field
 */
export function tenThousandths(typed) {
  return typed === '' || !Number.isFinite(Number(typed)) ? null : Math.trunc(Number((Number(typed) * 1e4).toFixed(4)));
}
