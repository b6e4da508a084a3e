package shop.mobileclip.search

import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Some rows of codes, copied from the mapped file, and their sums with one query. For one thread. */
internal class CodeBlock(codes: ByteBuffer, private val q16: IntArray, most: Int = Int.MAX_VALUE) {
    private val dim = q16.size
    private val codes = codes.duplicate().order(ByteOrder.LITTLE_ENDIAN)

    /** How many rows fit. */
    val rows: Int = minOf(maxOf(BYTES / dim, 1), most)

    private val copied = ByteArray(rows * dim)

    /** Copies [count] rows from [first] on. */
    fun load(first: Int, count: Int) {
        val source: Buffer = codes
        source.position(first * dim)
        codes.get(copied, 0, count * dim)
    }

    /** The exact sum of code x q16 of a row of the block. */
    fun sum(row: Int): Int {
        val start = row * dim
        var sum = 0
        for (index in 0 until dim) sum += copied[start + index] * q16[index]
        return sum
    }

    private companion object {
        const val BYTES = 1 shl 17
    }
}
