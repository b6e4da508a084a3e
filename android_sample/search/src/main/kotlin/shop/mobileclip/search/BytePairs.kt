package shop.mobileclip.search

import java.nio.ShortBuffer

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
        tokens[tokens.size - 1] += BYTES // the byte that ends a word is a token of its own
        return joinedPairs(tokens) { left, right, _ -> merged(tokens[left], tokens[right]) }
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

    companion object {
        private const val BYTES = 256

        /** The token that the first merge makes. */
        const val FIRST_MERGED = 2 * BYTES

        private const val MOST = 0xFFFF
        private const val INDEX_BITS = 31

        private fun unsigned(buffer: ShortBuffer, index: Int): Int = buffer.get(index).toInt() and MOST

        private fun pair(first: Int, second: Int): Long = first.toLong() shl 16 or second.toLong()
    }
}
