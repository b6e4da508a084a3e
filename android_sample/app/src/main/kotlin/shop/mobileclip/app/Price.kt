package shop.mobileclip.app

import java.math.BigDecimal
import java.text.NumberFormat
import java.util.Currency
import java.util.Locale

/** [amount] in [currency] (ISO 4217) as [locale] writes it; after a currency that the platform does not know, its code. */
fun priceText(amount: BigDecimal, currency: String, locale: Locale): String {
    val known = runCatching { Currency.getInstance(currency) }.getOrNull() ?: return "$amount $currency".trim()
    val format = NumberFormat.getCurrencyInstance(locale)
    format.currency = known
    format.minimumFractionDigits = maxOf(known.defaultFractionDigits, 0)
    format.maximumFractionDigits = format.minimumFractionDigits
    return format.format(amount)
}
