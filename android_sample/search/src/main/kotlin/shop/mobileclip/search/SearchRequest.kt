package shop.mobileclip.search

/**
 * What a shopper asks for: a [text], an [image], both, or products [like] that one. [slider] is for both: from 0, the text
 * alone, to 1, the image alone. The rest is as for [CatalogSearch.search].
 *
 * @throws IllegalArgumentException for a request for nothing, or for more than that.
 */
public class SearchRequest(
    public val text: String? = null,
    public val image: RGBImage? = null,
    public val slider: Double = 0.5,
    public val like: Int? = null,
    public val k: Int = 10,
    public val filter: CatalogFilter = CatalogFilter.ANY,
    public val threshold: Double = Double.NEGATIVE_INFINITY,
    public val leastConfidence: Double = 0.0,
) {
    init {
        val searches = text != null || image != null
        require(searches != (like != null)) { "expected a text, an image, or both; or a product alone" }
    }
}

/** How a search ended. */
public sealed interface SearchOutcome {
    /** The products, best first; perhaps none. */
    public class Found(public val hits: List<SearchHit>) : SearchOutcome

    /** [error]: what the encoder or [CatalogSearch.search] threw. */
    public class Failed(public val error: Throwable) : SearchOutcome

    public object Cancelled : SearchOutcome
}

/** A search on its way. */
public class RunningSearch internal constructor() {
    @Volatile
    internal var isCancelled: Boolean = false
        private set

    /** Asks the search to end soon, with [SearchOutcome.Cancelled]; one that has just ended still answers as it did. */
    public fun cancel() {
        isCancelled = true
    }
}
