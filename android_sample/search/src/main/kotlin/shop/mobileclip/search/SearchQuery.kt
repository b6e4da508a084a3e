package shop.mobileclip.search

/** What to search for. Vectors are embeddings as an encoder of the catalog's space gives them: `dim` finite numbers. */
public sealed interface SearchQuery {
    /** By the embedding of a text. */
    public class Text(public val vector: FloatArray) : SearchQuery

    /** By the embedding of an image. */
    public class Image(public val vector: FloatArray) : SearchQuery

    /** By both; [slider] from 0, the text alone, to 1, the image alone. */
    public class Both(public val text: FloatArray, public val image: FloatArray, public val slider: Double) :
        SearchQuery

    /** More like this product, which is left out. */
    public class Like(public val product: Int) : SearchQuery
}

/** What a product must be; null for no matter. Prices are in ten-thousandths of the catalog's currency, inclusive. */
public data class CatalogFilter @JvmOverloads constructor(
    /** Names of categories, of which the product is in one. */
    public val categories: Set<String>? = null,
    public val lowest: Long? = null,
    public val highest: Long? = null,
    /** Of fields of the record ([ProductCatalog.filters]), texts of which the product holds one, letter by letter. */
    public val fields: Map<String, Set<String>> = emptyMap(),
) {
    public companion object {
        /** Every product. */
        @JvmField
        public val ANY: CatalogFilter = CatalogFilter()
    }
}

/**
 * A product that was found. [confidence]: the share of results with such a score that are right, 0 to 1; null where the
 * catalog's calibration was not measured for that kind of query ([ScoreCalibration]).
 */
public data class SearchHit(
    /** Its place in the catalog. */
    public val product: Int,
    /** Its best row. */
    public val row: Int,
    /** That row's score: for ordering, not for people. */
    public val score: Double,
    public val confidence: Double?,
) {
    /** [confidence] in whole per cent. */
    public val percent: Int? get() = inSteps(100)

    /** [confidence] in stars, 0 to 5. */
    public val stars: Int? get() = inSteps(5)

    private fun inSteps(steps: Int): Int? = confidence?.let { Math.rint(steps * it).toInt() }
}
