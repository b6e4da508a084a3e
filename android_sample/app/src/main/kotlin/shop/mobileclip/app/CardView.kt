package shop.mobileclip.app

import android.content.res.Resources
import android.view.View
import android.widget.ImageView
import android.widget.RatingBar
import android.widget.TextView
import java.math.BigDecimal
import java.text.NumberFormat
import java.util.Currency
import java.util.Locale

/** A product's picture, name, price, match and description, in a result card or on the details screen. */
class CardView(private val root: View) {
    fun show(card: Card) {
        root.findViewById<ImageView>(R.id.card_picture).setImageBitmap(card.picture)
        root.findViewById<TextView>(R.id.card_name).text = card.name
        val language = root.resources.configuration.locales[0]
        show(R.id.card_price, card.price?.let { priceText(it, card.currency, language) } ?: "")
        show(R.id.card_description, card.description)
        val match = card.match
        root.findViewById<View>(R.id.card_match).visibility = if (match == null) View.GONE else View.VISIBLE
        if (match == null) return
        val stars = root.findViewById<RatingBar>(R.id.card_stars)
        stars.rating = match.stars.toFloat()
        stars.contentDescription = root.resources.getString(R.string.stars, match.stars, stars.numStars)
        show(R.id.card_percent, root.resources.getString(R.string.match, root.resources.percent(match.percent)))
    }

    private fun show(id: Int, text: String) {
        val view = root.findViewById<TextView>(id)
        view.text = text
        view.visibility = if (text.isEmpty()) View.GONE else View.VISIBLE
    }
}

/** [value], 0 to 100, as the shopper's language writes it. */
fun Resources.percent(value: Int) = NumberFormat.getPercentInstance(configuration.locales[0]).format(value / 100.0)

/** [amount] in [currency] (ISO 4217) as [locale] writes it; after a currency that the platform does not know, its code. */
fun priceText(amount: BigDecimal, currency: String, locale: Locale): String {
    val known = runCatching { Currency.getInstance(currency) }.getOrNull() ?: return "$amount $currency".trim()
    val format = NumberFormat.getCurrencyInstance(locale)
    format.currency = known
    format.minimumFractionDigits = maxOf(known.defaultFractionDigits, 0)
    format.maximumFractionDigits = format.minimumFractionDigits
    return format.format(amount)
}
