package shop.mobileclip.app

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import shop.mobileclip.search.CatalogProduct
import shop.mobileclip.search.ProductCatalog
import java.util.Locale

/**
 * A product as it is shown. [price]: in its currency, empty for none. [match]: null where no text or picture was searched
 * for, and where the catalog does not know how sure a result is.
 */
class Card(
    val product: Int,
    val name: String,
    val price: String,
    val description: String,
    val picture: Bitmap?,
    val match: Match?,
) {
    /** The calibrated confidence that it is what was searched for: [stars] 0 to 5, [percent] 0 to 100. */
    class Match(val stars: Int, val percent: Int)

    companion object {
        /** Parses a record and unpacks its small picture: some milliseconds. Throws BadFileException. */
        fun of(catalog: ProductCatalog, product: Int, locale: Locale, match: Match? = null): Card {
            val record = catalog.product(product)
            return Card(
                product,
                record.name,
                price(record, locale),
                record.description,
                picture(catalog, product),
                match,
            )
        }

        private fun price(record: CatalogProduct, locale: Locale): String =
            record.price?.let { priceText(it, record.currency, locale) } ?: ""

        private fun picture(catalog: ProductCatalog, product: Int): Bitmap? =
            catalog.thumbnail(product)?.let { BitmapFactory.decodeByteArray(it, 0, it.size) }
    }
}
