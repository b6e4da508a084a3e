package shop.mobileclip.android

import android.icu.lang.UScript
import java.math.BigDecimal
import java.text.NumberFormat
import java.util.Currency
import java.util.Locale

/** What a search shows beside the shop's own words, as a shopper's language writes it. */
public object Localized {
    /** [value], 0 to 100. */
    @JvmStatic
    public fun percent(value: Int, locale: Locale): String =
        NumberFormat.getPercentInstance(locale).format(value / 100.0)

    /** [amount] in [currency] (ISO 4217); after a currency that the platform does not know, its code. */
    @JvmStatic
    public fun price(amount: BigDecimal, currency: String, locale: Locale): String {
        val known = runCatching { Currency.getInstance(currency) }.getOrNull() ?: return "$amount $currency".trim()
        val format = NumberFormat.getCurrencyInstance(locale)
        format.currency = known
        format.minimumFractionDigits = maxOf(known.defaultFractionDigits, 0)
        format.maximumFractionDigits = format.minimumFractionDigits
        return format.format(amount)
    }

    /** A writing system, by its name in Unicode; null: one that few people write. */
    @JvmStatic
    public fun script(name: String, locale: Locale): String? =
        UScript.getCodeFromName(name).takeIf { it != UScript.INVALID_CODE }
            ?.let { Locale.Builder().setScript(UScript.getShortName(it)).build().getDisplayScript(locale) }
}
