package shop.mobileclip.app

import shop.mobileclip.search.CatalogFilter
import shop.mobileclip.search.SearchRequest

/** What the shopper is looking for; nothing yet where it is [empty]. */
data class Question(
    val text: String = "",
    val picture: Picture? = null,
    /** From 0, the text alone, to 1, the picture alone; where there are both. */
    val slider: Double = 0.5,
    /** One of the catalog's categories; null for all. */
    val category: String? = null,
    /** More like this product, and nothing else. */
    val like: Int? = null,
) {
    /** What is searched for by its words: none where it is more like a product. */
    val words: String get() = if (like == null) cut(text.trim()) else ""
    val empty: Boolean get() = words.isEmpty() && picture == null && like == null

    fun request(): SearchRequest = SearchRequest(
        text = words.ifEmpty { null },
        image = picture?.rgb,
        slider = slider,
        like = like,
        k = MOST,
        filter = category?.let { CatalogFilter(categories = setOf(it)) } ?: CatalogFilter.ANY,
    )

    private companion object {
        const val LONGEST = 1000 // code points: a text is cleaned in rounds, and nobody types more
        const val MOST = 20

        fun cut(text: String): String {
            val points = minOf(text.codePointCount(0, text.length), LONGEST)
            return text.substring(0, text.offsetByCodePoints(0, points))
        }
    }
}
