package shop.mobileclip.search

/** A picture: red, green and blue of each pixel, row by row, upright sRGB. The [bytes] must not change afterwards. */
public class Rgb(public val bytes: ByteArray, public val width: Int, public val height: Int)

/**
 * What a shopper asks for: a [text], a [picture], both, or products [like] that one. [slider] is for both: from 0, the text
 * alone, to 1, the picture alone. The rest is as for [CatalogSearch.search].
 *
 * @throws IllegalArgumentException for an ask of nothing, or of more than that.
 */
public class Ask(
    public val text: String? = null,
    public val picture: Rgb? = null,
    public val slider: Double = 0.5,
    public val like: Int? = null,
    public val k: Int = 10,
    public val filter: Filter = Filter.ANY,
    public val threshold: Double = Double.NEGATIVE_INFINITY,
    public val leastConfidence: Double = 0.0,
) {
    init {
        val searches = text != null || picture != null
        require(searches != (like != null)) { "expected a text, a picture, or both; or a product alone" }
    }
}

/** How a search ended. */
public sealed interface Outcome {
    /** The products, best first; perhaps none. */
    public class Found(public val hits: List<Hit>) : Outcome

    /** [error]: what the encoder or [CatalogSearch.search] threw. */
    public class Failed(public val error: Throwable) : Outcome

    public object Cancelled : Outcome
}

/** A search on its way. */
public class Running internal constructor() {
    @Volatile
    internal var isCancelled: Boolean = false
        private set

    /** Asks the search to end soon, with [Outcome.Cancelled]; one that has just ended still answers as it did. */
    public fun cancel() {
        isCancelled = true
    }
}
