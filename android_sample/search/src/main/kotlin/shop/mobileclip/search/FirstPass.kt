package shop.mobileclip.search

import java.nio.ByteBuffer
import java.nio.FloatBuffer
import kotlin.math.abs

/** What a first pass reads of a catalog's rows: FORMATS.md, "The first pass". Views of the mapped file. */
internal class FirstPass(
    val axes: ByteBuffer, // [width, dim], int8
    val codes: ByteBuffer, // [rows, width], int8
    val scales: FloatBuffer, // [rows]
    private val of: Int, // one row of so many that fit is scored exactly
) {
    /** How many of so many [fitting] rows are candidates for the best [k] products; null where all are scored exactly. */
    fun count(fitting: Int, k: Int): Int? {
        val wanted = maxOf(A_PRODUCT * k, (fitting + of - 1L) / of)
        return if (EXACT_BELOW * wanted > fitting) null else wanted.toInt()
    }

    /** A query on the axes, [width] whole numbers within -127 to 127; null if it has no part in them. [q16]: [dim]. */
    fun projected(q16: IntArray): IntArray? {
        val sums = sums(q16)
        val largest = sums.maxOf { abs(it) }
        if (largest == 0) return null
        val step = largest / LARGEST
        return IntArray(sums.size) { Math.rint(sums[it] / step).toInt() }
    }

    /** A row's own numbers, which follow from its [codes], [dim], and its [scale]. */
    fun row(codes: IntArray, scale: Float): FirstRow {
        val sums = sums(codes)
        val factor = (sums.maxOf { abs(it) } / LARGEST).toFloat()
        val divisor = if (factor > 0) factor.toDouble() else 1.0
        val small = ByteArray(sums.size) { Math.rint(sums[it] / divisor).coerceIn(-LARGEST, LARGEST).toInt().toByte() }
        return FirstRow(small, (scale.toDouble() * factor.toDouble()).toFloat())
    }

    /** The exact sum of each axis with [numbers]. */
    private fun sums(numbers: IntArray): IntArray {
        val block = CodeBlock(axes, numbers, most = 1)
        return IntArray(axes.capacity() / numbers.size) { axis ->
            block.load(axis, 1)
            block.sum(0)
        }
    }

    companion object {
        /** The names of the tensors, and the key of the metadata. */
        val TENSORS: List<String> = listOf("first_axes", "first_codes", "first_scales")
        private const val KEY = "first_pass"
        private const val A_PRODUCT = 64L // candidates for each product that is asked for, at least
        private const val EXACT_BELOW = 16 // fitting rows a candidate: with fewer, a first pass saves little
        private const val LARGEST = 127.0
        private val OF = 20L..1000L

        /** Of a catalog's file; null where it has none. Throws [Malformed]. */
        fun read(container: Container, rows: Long, dim: Long): FirstPass? {
            if (TENSORS.none { it in container }) return null
            val axes = container.tensor(TENSORS[0], "I8", Container.ANY, dim)
            val width = axes.capacity() / dim
            wellFormed(width in 1..dim) { "a first pass of $width axes for $dim dimensions" }
            val codes = container.tensor(TENSORS[1], "I8", rows, width)
            val scales = container.tensor(TENSORS[2], "F32", rows).asFloatBuffer()
            for (row in 0 until scales.capacity()) {
                val scale = scales.get(row)
                wellFormed(scale >= 0 && scale <= Float.MAX_VALUE) { "row $row has a first_scale of $scale" }
            }
            val stated = Json.parse(container.text(KEY), once = false).asObject(KEY)
            val of = stated.part("of").asLong("of, of $KEY")
            wellFormed(of in OF) { "$KEY says one row of $of, expected ${OF.first} to ${OF.last}" }
            return FirstPass(axes, codes, scales, of.toInt())
        }
    }
}

/** What a first pass reads of one row. */
internal class FirstRow(val codes: ByteArray, val scale: Float)
