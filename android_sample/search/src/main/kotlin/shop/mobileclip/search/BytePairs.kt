package shop.mobileclip.search

import java.nio.ShortBuffer
import java.util.PriorityQueue

/**
 * Byte pair encoding. [merges]: U16 [n, 2], merge i joins two ids into 512 + i; [byteIds]: U16 [256].
 *
 * Throws [Malformed] for a merge of tokens that do not exist yet.
 */
internal class BytePairs(merges: ShortBuffer, byteIds: ShortBuffer) {
    private val ids = IntArray(BYTES) { unsigned(byteIds, it) }
    private val sorted = LongArray(merges.capacity() / 2) { index ->
        val first = unsigned(merges, 2 * index)
        val second = unsigned(merges, 2 * index + 1)
        wellFormed(maxOf(first, second) < FIRST_MERGED + index) { "merge $index is of tokens that do not exist yet" }
        pair(first, second) shl INDEX_BITS or index.toLong()
    }.also { it.sort() }

    init {
        for (id in ids) wellFormed(id < BYTES) { "a byte's token is $id" }
    }

    /** The tokens of a word's UTF-8 bytes. Of all neighbours that merge, those with the lowest id first, leftmost first. */
    fun tokens(bytes: ByteArray): IntArray {
        val tokens = IntArray(bytes.size) { ids[bytes[it].toInt() and 0xFF] }
        val end = tokens.size
        tokens[end - 1] += BYTES // the byte that ends a word is a token of its own
        val before = IntArray(end) { it - 1 } // neighbours still standing
        val after = IntArray(end) { it + 1 }
        val queue = PriorityQueue<Long>() // merged id, then place: a merge only makes ids above its own
        fun queue(left: Int, right: Int) {
            val merged = merged(tokens[left], tokens[right])
            if (merged >= 0) queue += merged.toLong() shl 32 or left.toLong()
        }
        for (left in 0 until end - 1) queue(left, left + 1)
        while (true) {
            val next = queue.poll() ?: break
            val left = next.toInt()
            val merged = (next ushr 32).toInt()
            val right = after[left]
            val isOvertaken = tokens[left] == GONE || right == end || merged(tokens[left], tokens[right]) != merged
            if (isOvertaken) continue
            tokens[left] = merged
            tokens[right] = GONE
            after[left] = after[right]
            if (after[left] < end) {
                before[after[left]] = left
                queue(left, after[left])
            }
            if (before[left] >= 0) queue(before[left], left)
        }
        return tokens.filter { it != GONE }.toIntArray()
    }

    /** The id that two tokens become; -1 for none. Ids over 16 bits take part in no merge. */
    private fun merged(first: Int, second: Int): Int {
        if (first < 0 || second < 0 || maxOf(first, second) > MOST) return -1
        val pair = pair(first, second)
        val place = sorted.binarySearch((pair shl INDEX_BITS) + (1L shl INDEX_BITS) - 1)
        val index = if (place >= 0) place else -place - 2 // the last merge of this pair, if there is one
        if (index < 0 || sorted[index] ushr INDEX_BITS != pair) return -1
        return FIRST_MERGED + (sorted[index] and (1L shl INDEX_BITS) - 1).toInt()
    }

    private companion object {
        const val BYTES = 256
        const val FIRST_MERGED = 2 * BYTES
        const val MOST = 0xFFFF
        const val INDEX_BITS = 31
        const val GONE = -1

        fun unsigned(buffer: ShortBuffer, index: Int): Int = buffer.get(index).toInt() and MOST

        fun pair(first: Int, second: Int): Long = first.toLong() shl 16 or second.toLong()
    }
}
