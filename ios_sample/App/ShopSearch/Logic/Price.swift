import Foundation

/// `amount` in `currency` (ISO 4217) as `locale` writes it; after a currency that the platform does not know, its code.
func priceText(_ amount: Decimal, currency: String, locale: Locale) -> String {
    guard Locale.commonISOCurrencyCodes.contains(currency) else {
        return currency.isEmpty ? "\(amount)" : "\(amount) \(currency)"
    }
    return amount.formatted(.currency(code: currency).locale(locale))
}
