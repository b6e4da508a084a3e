package shop.mobileclip.search

import java.nio.ByteBuffer
import java.nio.IntBuffer

/**
 * A catalog's terms in the order of their bytes, each with the products that hold it: views of the mapped file. Throws
 * [Malformed] for what could lead outside them.
 */
internal class WordIndex(
    private val text: ByteBuffer, // the terms, UTF-8
    private val offsets: IntBuffer, // [terms + 1]
    private val postings: ByteBuffer, // of each term the products, as gaps
    private val postingOffsets: IntBuffer, // [terms + 1]
    private val counts: ByteBuffer, // [products], how many terms each has
) {
    /** How many terms there are. */
    val terms: Int get() = offsets.capacity() - 1

    init {
        checkOffsets("word_offsets", offsets, text.capacity())
        checkOffsets("word_posting_offsets", postingOffsets, postings.capacity())
        wellFormed(offsets.capacity() == postingOffsets.capacity()) { "words and their products that are not as many" }
        for (term in 0 until terms) {
            eachProduct(term) { wellFormed(it < counts.capacity()) { "a product beyond the end in word_postings" } }
        }
    }

    /** How many terms a product has, 255 for more. */
    fun count(product: Int): Int = counts.get(product).toInt() and 0xFF

    /** A term's UTF-8. */
    fun term(at: Int): ByteArray = text.part(offsets.get(at), offsets.get(at + 1) - offsets.get(at)).bytes()

    /** The places of the term [wanted], or of those that begin with it. */
    fun range(wanted: String, begins: Boolean): IntRange {
        val sought = wanted.toByteArray()
        val first = first { compare(it, sought, sought.size + 1) >= 0 }
        val end = if (begins) first { compare(it, sought, sought.size) > 0 } else first + 1
        val isThere = first < terms && compare(first, sought, if (begins) sought.size else sought.size + 1) == 0
        return if (isThere) first until end else IntRange.EMPTY
    }

    /** The products of a term, rising. */
    inline fun eachProduct(term: Int, use: (Int) -> Unit) {
        var at = postingOffsets.get(term)
        val end = postingOffsets.get(term + 1)
        var product = -1L
        while (at < end) {
            var gap = 0L
            var shift = 0
            while (true) {
                wellFormed(at < end && shift < MOST_BITS) { "word_postings that hold no number" }
                val byte = postings.get(at++).toInt()
                gap = gap or ((byte and 0x7F).toLong() shl shift)
                if (byte >= 0) break
                shift += BITS
            }
            product += 1 + gap
            use(minOf(product, Int.MAX_VALUE.toLong()).toInt())
        }
    }

    private inline fun first(isAtOrAfter: (Int) -> Boolean): Int {
        var low = 0
        var high = terms
        while (low < high) {
            val middle = (low + high) ushr 1
            if (isAtOrAfter(middle)) high = middle else low = middle + 1
        }
        return low
    }

    /** Compares the first [length] bytes of a term with [sought]. */
    private fun compare(term: Int, sought: ByteArray, length: Int): Int {
        val start = offsets.get(term)
        val size = minOf(offsets.get(term + 1) - start, length)
        for (index in 0 until minOf(size, sought.size)) {
            val (one, other) = text.get(start + index).toInt() and 0xFF to (sought[index].toInt() and 0xFF)
            if (one != other) return one - other
        }
        return size - sought.size
    }

    companion object {
        const val BITS: Int = 7 // of a number, in a byte of postings
        private const val MOST_BITS = 35
        private const val MOST_COUNTED = 255

        /** What `word_counts` holds of a product with so many terms. */
        fun counted(terms: Int): Int = minOf(terms, MOST_COUNTED)

        private fun checkOffsets(name: String, offsets: IntBuffer, size: Int) {
            wellFormed(offsets.capacity() > 0 && offsets.get(0) == 0) { "$name that do not begin at 0" }
            for (index in 1 until offsets.capacity()) {
                wellFormed(offsets.get(index) > offsets.get(index - 1)) { "$name that do not rise" }
            }
            wellFormed(offsets.get(offsets.capacity() - 1) == size) { "$name that do not end at $size" }
        }
    }
}
