package shop.mobileclip.search

import java.nio.ByteBuffer
import java.nio.CharBuffer

/**
 * The pieces of a vocabulary as they lie in the mapped file; no map of them is made. A range of `piece_order`, which lists
 * the pieces that can match by their bytes, is narrowed byte by byte.
 *
 * Reads nothing outside the tensors, whatever they hold: throws [Malformed] where they say so.
 */
internal class Vocabulary(container: Container) {
    private val pieces = container.tensor("pieces", "U8", Container.ANY)
    private val offsets = container.tensor("piece_offsets", "U32", Container.ANY).asIntBuffer()
    private val order = container.tensor("piece_order", "U32", Container.ANY).asIntBuffer()

    /** How many tokens there are. */
    val size: Int = offsets.capacity() - 1

    init {
        val fits = size >= 0 && offsets.get(0) == 0 && offsets.get(size) == pieces.capacity()
        wellFormed(fits) { "'piece_offsets' do not reach from 0 to the ${pieces.capacity()} bytes of 'pieces'" }
    }

    /** Gives every piece that begins at [start], the shortest first, with its length in bytes. */
    inline fun prefixes(text: ByteArray, start: Int, found: (token: Int, length: Int) -> Unit) {
        var low = 0
        var high = order.capacity()
        for (depth in 0 until text.size - start) {
            val byte = text[start + depth].toInt() and 0xFF
            low = first(byte, depth, low, high)
            high = first(byte + 1, depth, low, high)
            if (low == high) return
            val token = order.get(low) // the shortest of the range comes first
            if (length(token) == depth + 1) found(token, depth + 1)
        }
    }

    /** The piece that can match and has the bytes of [text] from [from] to [to]; -1 for none. */
    fun find(text: ByteArray, from: Int, to: Int): Int {
        var low = 0
        var high = order.capacity()
        while (low < high) {
            val middle = (low + high) ushr 1
            val token = order.get(middle)
            val rank = compare(token, text, from, to)
            if (rank == 0) return token
            if (rank < 0) low = middle + 1 else high = middle
        }
        return -1
    }

    /** FORMATS.md's full check, which reads every token. Throws [Malformed]. */
    fun verify() {
        checkUtf8(pieces, "pieces")
        var last = 0
        for (place in 0..size) {
            val offset = offsets.get(place)
            wellFormed(offset >= last && offset <= pieces.capacity()) { "'piece_offsets' fall at $place" }
            wellFormed(offset == pieces.capacity() || !isContinuation(pieces.get(offset))) {
                "'piece_offsets' has a piece that begins inside a character at $place"
            }
            last = offset
        }
        var before = ByteArray(0) // so that an empty piece is refused, too
        for (place in 0 until order.capacity()) {
            val token = order.get(place)
            wellFormed(compare(token, before, 0, before.size) > 0) {
                "'piece_order' is not in the order of the pieces' bytes at token $token"
            }
            before = pieces.part(start(token), length(token)).bytes()
        }
    }

    /** The first place from [low] to [high], whose pieces agree up to [depth], where the next byte is not below [byte]. */
    private fun first(byte: Int, depth: Int, low: Int, high: Int): Int {
        var first = low
        var end = high
        while (first < end) {
            val middle = (first + end) ushr 1
            if (byte(order.get(middle), depth) < byte) first = middle + 1 else end = middle
        }
        return first
    }

    /** A byte of a piece; behind its end less than every byte. */
    private fun byte(token: Int, depth: Int): Int =
        if (depth < length(token)) pieces.get(start(token) + depth).toInt() and 0xFF else -1

    private fun compare(token: Int, text: ByteArray, from: Int, to: Int): Int {
        val start = start(token)
        val length = length(token)
        for (depth in 0 until minOf(length, to - from)) {
            val difference = (pieces.get(start + depth).toInt() and 0xFF) - (text[from + depth].toInt() and 0xFF)
            if (difference != 0) return difference
        }
        return length - (to - from)
    }

    private fun start(token: Int): Int = if (token in 0 until size) offset(token) else beyond(token)

    private fun length(token: Int): Int = start(token).let { maxOf(offset(token + 1) - it, 0) }

    private fun offset(place: Int): Int = offsets.get(place).also { if (it !in 0..pieces.capacity()) outside(it) }

    private fun beyond(token: Int): Nothing = malformed("'piece_order' names token ${unsigned(token)} of $size")

    private fun outside(offset: Int): Nothing =
        malformed("'piece_offsets' has ${unsigned(offset)}, and 'pieces' ${pieces.capacity()} bytes")

    private fun unsigned(number: Int): Long = number.toLong() and 0xFFFFFFFFL
}

private const val CHARACTERS = 8192

/** Throws [Malformed] for bytes that are no UTF-8. [name]: the tensor. */
internal fun checkUtf8(bytes: ByteBuffer, name: String) {
    val decoder = Charsets.UTF_8.newDecoder() // a new decoder reports what is malformed
    val rest = bytes.part(0, bytes.capacity())
    val decoded = CharBuffer.allocate(CHARACTERS)
    do {
        decoded.clear()
        val result = decoder.decode(rest, decoded, true)
        wellFormed(!result.isError) { "'$name' is no UTF-8 at byte ${rest.position()}" }
    } while (result.isOverflow)
}

/** Whether a byte of UTF-8 stands inside a character. */
internal fun isContinuation(byte: Byte): Boolean = byte.toInt() and 0xC0 == 0x80

/** How many bytes the character has whose first byte of UTF-8 this is. */
internal fun characterWidth(first: Byte): Int = when (first.toInt() and 0xFF) {
    in 0 until 0x80 -> 1
    in 0x80 until 0xE0 -> 2
    in 0xE0 until 0xF0 -> 3
    else -> 4
}
