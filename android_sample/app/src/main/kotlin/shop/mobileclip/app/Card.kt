package shop.mobileclip.app

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.net.Uri
import shop.mobileclip.search.CatalogProduct
import shop.mobileclip.search.ProductCatalog
import java.math.BigDecimal

/**
 * A product as it is shown. [match]: null where no text or picture was searched for, and where the catalog does not know
 * how sure a result is. [link]: where it can be bought; null for nowhere.
 */
class Card(
    /** The shop's own. */
    val id: String,
    val name: String,
    val price: BigDecimal?,
    val currency: String,
    val description: String,
    /** The other columns that the catalog keeps, by name. */
    val columns: Map<String, String>,
    val link: Uri?,
    val picture: Bitmap?,
    val match: Match?,
) {
    /** The calibrated confidence that it is what was searched for: [stars] 0 to 5, [percent] 0 to 100. */
    class Match(val stars: Int, val percent: Int)

    companion object {
        private val LINKS = listOf("link", "url")
        private val WEB = setOf("http", "https")

        /** Parses a record and unpacks its small picture: some milliseconds. Throws BadFileException. */
        fun of(catalog: ProductCatalog, place: Int, match: Match? = null): Card {
            val record = catalog.product(place)
            return Card(
                record.id,
                record.name,
                record.price,
                record.currency,
                record.description,
                (record.extra.keys - LINKS).associateWith { record.list(it).joinToString() },
                link(record),
                catalog.thumbnail(place)?.let { BitmapFactory.decodeByteArray(it, 0, it.size) },
                match,
            )
        }

        private fun link(record: CatalogProduct): Uri? =
            LINKS.mapNotNull { record.extra[it] }.map(Uri::parse).firstOrNull { it.scheme?.lowercase() in WEB }
    }
}
