package shop.mobileclip.search

import kotlin.math.abs
import kotlin.math.exp

/**
 * What turns a score into a confidence; it stands in the catalog. A raw score is never shown, and a kind of query that was
 * not measured has no confidence: null.
 *
 * [source] says what it was measured on: `queries` (labelled ones), `names` (of the products), or `none`.
 */
public class ScoreCalibration internal constructor(
    public val text: Curve,
    public val image: Curve,
    public val source: String,
    internal val json: String, // as it stands in the catalog
) {
    /** `p = 1 / (1 + exp(-(a * score + b)))`; [spread]: the standard deviation of such a query's scores. */
    public class Curve internal constructor(
        public val a: Double,
        public val b: Double,
        public val spread: Double,
        /** Whether the curve was measured; else it is a guess, and its results have no confidence. */
        public val measured: Boolean,
    ) {
        internal fun exponent(score: Double): Double = a * score + b

        internal fun confidence(score: Double): Double? = if (measured) logistic(exponent(score)) else null
    }

    /** The share of a text query's results with this score that are right, 0 to 1. */
    public fun ofText(score: Double): Double? = text.confidence(score)

    /** The same for an image, and for "more like this". */
    public fun ofImage(score: Double): Double? = image.confidence(score)

    /**
     * The same for text and image together, of which each that weighs something must have been measured. [slider]: 0 is the
     * text alone, 1 the image alone.
     */
    public fun ofBoth(slider: Double, textScore: Double, imageScore: Double): Double? {
        val measured = (text.measured || slider == 1.0) && (image.measured || slider == 0.0)
        if (!measured) return null
        return logistic(slider * image.exponent(imageScore) + (1 - slider) * text.exponent(textScore))
    }

    /** The image's weight w in `w * image + (1 - w) * text` for a place of the slider, 0 to 1. */
    public fun weight(slider: Double): Double {
        require(slider in 0.0..1.0) { "the slider stands at $slider, expected 0 (text) to 1 (image)" }
        val images = slider * text.spread
        return images / (images + (1 - slider) * image.spread)
    }

    internal companion object {
        private const val BEYOND = 1e100 // no curve comes near; within, no share is NaN and no weight 0 / 0
        private const val NOT_MEASURED = "none" // a source
        private val GUESS = 10.0 to -5.0 // a and b of what older builders had not measured, and did not say so

        /** Throws [Malformed]. */
        fun read(json: String): ScoreCalibration {
            val members = Json.parse(json, once = false).asObject("calibration")
            val source = members.part("source").asText("the calibration's source")
            return ScoreCalibration(curve(members, "text", source), curve(members, "image", source), source, json)
        }

        private fun curve(members: Map<String, Json>, kind: String, source: String): Curve {
            val curve = members.part(kind).asObject("the calibration of $kind")
            fun number(key: String): Double {
                val found = curve.part(key).asDouble("$key of the calibration of $kind")
                wellFormed(abs(found) <= BEYOND) { "$key of the calibration of $kind is $found" }
                return found
            }
            val spread = number("spread")
            wellFormed(spread >= 1 / BEYOND) { "the spread of $kind is $spread" }
            val (a, b) = number("a") to number("b")
            val measured = curve["measured"]?.asBool("'measured' of the calibration of $kind")
            return Curve(a, b, spread, measured ?: (source != NOT_MEASURED && a to b != GUESS))
        }

        private fun logistic(x: Double): Double = if (x >= 0) 1 / (1 + exp(-x)) else exp(x) / (1 + exp(x))
    }
}
