package shop.mobileclip.search

/** RGB8 pixels of a window of an image; the window begins at [left], [top] of the image and is [width] wide. */
internal class Pixels(val bytes: ByteArray, val width: Int, val left: Int, val top: Int) {
    fun at(x: Int, y: Int): Int = ImagePreprocessor.CHANNELS * ((y - top) * width + x - left)
}

/**
 * One axis of a resize that equals Pillow 13.0.0's bit for bit: the crop's outputs, each a weighted sum of inputs.
 *
 * Output i takes the inputs from low(i) on, with the whole-number weights of its row. An axis whose size stays the same
 * has one weight of 1, which changes no byte.
 */
internal class Axis private constructor(private val lows: IntArray, private val weights: List<IntArray>) {
    /** The inputs that are used: from, and up to but not with. */
    val from: Int = lows.first()
    val to: Int = lows.indices.maxOf { lows[it] + weights[it].size }

    /** Rows [top] to [top] + [count] - 1 of [source], narrowed to this axis' outputs: RGB8 [count, outputs]. */
    fun shrinkColumns(source: Pixels, top: Int, count: Int): ByteArray {
        val out = ByteArray(ImagePreprocessor.CHANNELS * count * lows.size)
        var place = 0
        for (y in top until top + count) {
            for (output in lows.indices) {
                combine(source.bytes, source.at(lows[output], y), weights[output], out, place)
                place += ImagePreprocessor.CHANNELS
            }
        }
        return out
    }

    private fun combine(bytes: ByteArray, start: Int, weights: IntArray, out: ByteArray, place: Int) {
        var red = HALF
        var green = HALF
        var blue = HALF
        var at = start
        for (weight in weights) {
            red += (bytes[at].toInt() and 0xFF) * weight
            green += (bytes[at + 1].toInt() and 0xFF) * weight
            blue += (bytes[at + 2].toInt() and 0xFF) * weight
            at += ImagePreprocessor.CHANNELS
        }
        out[place] = clamped(red)
        out[place + 1] = clamped(green)
        out[place + 2] = clamped(blue)
    }

    /** Columns [left] to [left] + [count] - 1 of [source], lowered to this axis' outputs: RGB8 [outputs, count]. */
    fun shrinkRows(source: Pixels, left: Int, count: Int): ByteArray {
        val width = ImagePreprocessor.CHANNELS * count
        val out = ByteArray(lows.size * width)
        val sums = IntArray(width)
        for (output in lows.indices) {
            sums.fill(HALF)
            for ((index, weight) in weights[output].withIndex()) {
                add(source.bytes, source.at(left, lows[output] + index), weight, sums)
            }
            for (place in 0 until width) out[output * width + place] = clamped(sums[place])
        }
        return out
    }

    private fun add(bytes: ByteArray, start: Int, weight: Int, sums: IntArray) {
        for (place in sums.indices) sums[place] += (bytes[start + place].toInt() and 0xFF) * weight
    }

    companion object {
        private const val PRECISION_BITS = 22
        private const val HALF = 1 shl PRECISION_BITS - 1

        private fun clamped(sum: Int): Byte = (sum shr PRECISION_BITS).coerceIn(0, 255).toByte()

        /** The middle [size] of the [resized] outputs of an axis of [length] inputs. */
        fun of(length: Int, resized: Long, size: Int, interpolation: ResizeInterpolation): Axis {
            val origin = halved(resized - size)
            if (resized == length.toLong()) {
                return Axis(IntArray(size) { origin.toInt() + it }, List(size) { intArrayOf(1 shl PRECISION_BITS) })
            }
            val scale = length.toDouble() / resized.toDouble()
            val stretch = maxOf(scale, 1.0) // shrinking widens the kernel: the antialiasing
            val support = interpolation.halfWidth * stretch
            val lows = IntArray(size)
            val weights = List(size) { index ->
                val centre = (origin + index + 0.5) * scale
                val low = maxOf((centre - support + 0.5).toInt(), 0)
                val high = minOf((centre + support + 0.5).toInt(), length)
                lows[index] = low
                whole(DoubleArray(high - low) { interpolation.weight((low + it - centre + 0.5) * (1.0 / stretch)) })
            }
            return Axis(lows, weights)
        }

        /** Half of what is left over, halves to the even number. */
        private fun halved(left: Long): Long = (left shr 1) + (left and (left shr 1) and 1)

        private fun whole(weights: DoubleArray): IntArray {
            var total = 0.0
            for (weight in weights) total += weight
            return IntArray(weights.size) {
                val share = weights[it] / total
                (share * (1 shl PRECISION_BITS) + if (share >= 0) 0.5 else -0.5).toInt()
            }
        }
    }
}
