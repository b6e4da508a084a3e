package shop.mobileclip.app

import shop.mobileclip.android.Picture
import shop.mobileclip.search.CatalogFilter
import shop.mobileclip.search.ProductCatalog
import shop.mobileclip.search.RGBImage
import shop.mobileclip.search.SearchRequest
import java.io.Serializable
import java.math.BigDecimal

/** What the shopper is looking for; nothing yet where it [isEmpty]. Saved when the process may end. */
data class Question(
    val text: String = "",
    val picture: Picture? = null,
    /** From 0, the text alone, to 1, the picture alone; where there are both. */
    val slider: Double = 0.5,
    /** One of the catalog's categories; null for all. */
    val category: String? = null,
    /** In the catalog's currency, inclusive; null for no matter. */
    val lowest: BigDecimal? = null,
    val highest: BigDecimal? = null,
    /** More like this product, by its id, and nothing else. */
    val like: String? = null,
) : Serializable {
    /** What is searched for by its words: none where it is more like a product. */
    val words: String get() = if (like == null) cut(text.trim()) else ""
    val isEmpty: Boolean get() = words.isEmpty() && picture == null && like == null

    /**
     * [image]: of the [picture]. A category and prices that the catalog does not know filter nothing: an update may have
     * taken them away. Throws [GoneException] for more like a product that is no more.
     */
    fun request(image: RGBImage?, catalog: ProductCatalog): SearchRequest {
        if (like != null && catalog.place(like) == null) throw GoneException()
        val isPriced = catalog.currency.isNotEmpty()
        return SearchRequest(
            text = words.ifEmpty { null },
            image = image.takeIf { like == null },
            slider = slider,
            likeId = like,
            k = MOST,
            filter = CatalogFilter(
                categories = category?.takeIf { it in catalog.categories }?.let { setOf(it) },
                lowest = lowest?.takeIf { isPriced }?.let(::tenThousandths),
                highest = highest?.takeIf { isPriced }?.let(::tenThousandths),
            ),
        )
    }

    private companion object {
        const val LONGEST = 1000 // code points: a text is cleaned in rounds, and nobody types more
        const val MOST = 20

        fun tenThousandths(amount: BigDecimal): Long = amount.scaleByPowerOfTen(4).toLong()

        fun cut(text: String): String {
            val points = minOf(text.codePointCount(0, text.length), LONGEST)
            return text.substring(0, text.offsetByCodePoints(0, points))
        }
    }
}
