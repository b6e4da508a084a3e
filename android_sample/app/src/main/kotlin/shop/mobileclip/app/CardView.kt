package shop.mobileclip.app

import android.view.View
import android.widget.ImageView
import android.widget.RatingBar
import android.widget.TextView
import shop.mobileclip.android.Localized

/** A product's picture, name, price, match and description, in a result card or on the details screen. */
class CardView(private val root: View) {
    fun show(card: Card) {
        root.findViewById<ImageView>(R.id.card_picture).setImageBitmap(card.picture)
        root.findViewById<TextView>(R.id.card_name).text = card.name
        val language = root.resources.configuration.locales[0]
        show(R.id.card_price, card.price?.let { Localized.price(it, card.currency, language) } ?: "")
        show(R.id.card_description, card.description)
        val match = card.match
        root.findViewById<View>(R.id.card_match).visibility = if (match == null) View.GONE else View.VISIBLE
        if (match == null) return
        val stars = root.findViewById<RatingBar>(R.id.card_stars)
        stars.rating = match.stars.toFloat()
        stars.contentDescription = root.resources.getString(R.string.stars, match.stars, stars.numStars)
        show(R.id.card_percent, root.resources.getString(R.string.match, Localized.percent(match.percent, language)))
    }

    private fun show(id: Int, text: String) {
        val view = root.findViewById<TextView>(id)
        view.text = text
        view.visibility = if (text.isEmpty()) View.GONE else View.VISIBLE
    }
}
