package shop.mobileclip.search

import kotlin.math.abs

/**
 * A vector, ready to be scored against one catalog: the same bits in every language, as FORMATS.md says.
 *
 * [q16]: the vector in whole numbers, -16383 to 16383. [step]: what one of them is. [constant]: offset . vector.
 */
internal class PreparedQuery private constructor(val q16: IntArray, val step: Double, private val constant: Double) {
    /** [sum]: the exact sum of code x q16. In this order. */
    fun score(scale: Float, sum: Int): Double = scale.toDouble() * step * sum + constant

    companion object {
        private const val STEPS = 16383 // 14 bits and a sign: 1,024 x 128 x 16383 < 2^31

        /** Throws IllegalArgumentException unless [vector] has the catalog's width, is finite and not zero. */
        fun of(vector: FloatArray, tables: CatalogTables): PreparedQuery {
            val dim = tables.offset.capacity()
            require(vector.size == dim) { "a query vector of ${vector.size} numbers, expected $dim" }
            var largest = 0f
            for (value in vector) {
                require(value - value == 0f) { "a query vector with a number that is not finite" }
                largest = maxOf(largest, abs(value))
            }
            require(largest > 0) { "a query vector of zeros" }
            val step = largest.toDouble() / STEPS
            var constant = 0.0
            for (index in 0 until dim) constant += tables.offset.get(index).toDouble() * vector[index].toDouble()
            return PreparedQuery(IntArray(dim) { Math.rint(vector[it].toDouble() / step).toInt() }, step, constant)
        }

        /** `weight * image + (1 - weight) * text`; its length is left as it is. */
        fun mixed(text: FloatArray, image: FloatArray, weight: Double): FloatArray {
            require(text.size == image.size) { "vectors of ${text.size} and of ${image.size} numbers" }
            return FloatArray(text.size) {
                (weight * image[it].toDouble() + (1 - weight) * text[it].toDouble()).toFloat()
            }
        }

        /** A row as a vector again. */
        fun vector(tables: CatalogTables, row: Int): FloatArray {
            val dim = tables.offset.capacity()
            val scale = tables.scales.get(row).toDouble()
            return FloatArray(dim) {
                (tables.offset.get(it).toDouble() + scale * tables.codes.get(row * dim + it)).toFloat()
            }
        }
    }
}
