package shop.mobileclip.search

/**
 * What a shopper asks for: a [text], an [image], both, or products [like] that one. [slider] is for both: from 0, the text
 * alone, to 1, the image alone. [likeId] is [like] by the product's own id, which stays true when the catalog is swapped.
 * The rest is as for [CatalogSearch.search].
 *
 * @throws IllegalArgumentException for a request for nothing, or for more than that.
 */
public class SearchRequest @JvmOverloads constructor(
    public val text: String? = null,
    public val image: RGBImage? = null,
    public val slider: Double = 0.5,
    public val like: Int? = null,
    public val k: Int = 10,
    public val filter: CatalogFilter = CatalogFilter.ANY,
    public val threshold: Double = Double.NEGATIVE_INFINITY,
    public val leastConfidence: Double = 0.0,
    public val likeId: String? = null,
    public val exact: Boolean = false,
) {
    /** What kind of query it is. */
    public val kind: SearchKind = when {
        text != null && image != null -> SearchKind.BOTH
        text != null -> SearchKind.TEXT
        image != null -> SearchKind.IMAGE
        else -> SearchKind.LIKE
    }

    init {
        val likes = listOfNotNull(like, likeId).size
        require(likes == if (kind == SearchKind.LIKE) 1 else 0) {
            "expected a text, an image, or both; or a product alone"
        }
    }
}

/** Kinds of queries. */
public enum class SearchKind { TEXT, IMAGE, BOTH, LIKE }

/** A search that found [hits] products, perhaps none, [milliseconds] after it was asked for: for the app's own statistics. */
public class SearchEvent internal constructor(
    public val kind: SearchKind,
    public val hits: Int,
    public val milliseconds: Double,
)

/** How a search ended. */
public sealed interface SearchOutcome {
    /** The products, best first; perhaps none. Their places are in [catalog]. */
    public class Found internal constructor(public val hits: List<SearchHit>, public val catalog: ProductCatalog) :
        SearchOutcome

    /** [error]: what the encoder or [CatalogSearch.search] threw. */
    public class Failed internal constructor(public val error: Throwable) : SearchOutcome {
        /** For an app's own words. */
        public val kind: ErrorKind get() = ErrorKind.of(error)
    }

    /** The search was cancelled before it ended. */
    public object Cancelled : SearchOutcome
}

/** A search on its way. */
public class RunningSearch internal constructor() {
    @Volatile
    internal var isCancelled: Boolean = false
        private set

    // What stops the encoder while it works for this search. Guarded by this.
    private var stop: (() -> Unit)? = null

    /** Asks the search to end soon, with [SearchOutcome.Cancelled]; one that has just ended still answers as it did. */
    public fun cancel(): Unit = synchronized(this) {
        isCancelled = true
        stop?.invoke()
    }

    /** Does [work], which [stop] ends early where the search is cancelled meanwhile, and never any later work. */
    internal fun <T> during(stop: () -> Unit, work: () -> T): T {
        synchronized(this) { this.stop = stop }
        try {
            return work()
        } finally {
            synchronized(this) { this.stop = null }
        }
    }
}
