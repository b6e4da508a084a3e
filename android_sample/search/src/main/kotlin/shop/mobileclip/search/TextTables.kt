package shop.mobileclip.search

import java.nio.ByteBuffer
import java.nio.IntBuffer

/** A set of code points: [ranges] holds first, last, first, last and so on, ascending. */
internal class CodePointSet(private val ranges: IntArray) {
    operator fun contains(point: Int): Boolean = rangeOf(point) >= 0

    /** The number of the range that holds the point; -1 for none. */
    fun rangeOf(point: Int): Int {
        var low = 0
        var high = ranges.size / 2
        while (low < high) { // the first range that ends at the point or after it
            val middle = (low + high) ushr 1
            if (ranges[2 * middle + 1] < point) low = middle + 1 else high = middle
        }
        return if (2 * low < ranges.size && ranges[2 * low] <= point) low else -1
    }
}

/** Code points and what each becomes; [keys] ascend. */
internal class CodePointMap(private val keys: IntArray, private val values: List<IntArray>) {
    operator fun get(point: Int): IntArray? = keys.binarySearch(point).let { if (it >= 0) values[it] else null }

    /** Every code point replaced. */
    fun map(text: CodePoints): CodePoints {
        val found = CodePoints(text.size)
        for (index in 0 until text.size) {
            val value = get(text[index])
            if (value == null) found += text[index] else found += value
        }
        return found
    }
}

/** The tables of `tokenizer.safetensors`, checked; FORMATS.md says what each holds. Throws [Malformed]. */
internal class TextTables(container: Container) {
    private val tensors = Tensors(container)

    val letters = tensors.set("letters")
    val numbers = tensors.set("numbers")
    val separators = tensors.set("separators")
    val spaces = tensors.set("spaces")
    val removed = tensors.set("removed")
    val decimals = tensors.set("decimals")
    val cased = tensors.set("cased")
    val caseIgnorable = tensors.set("case_ignorable")
    val fold = tensors.map("fold")
    val lower = tensors.map("lower")
    val decompositions = tensors.map("decompositions")
    val charrefs = tensors.map("charrefs")
    val html = tensors.names("html")
    val htmlShouted = tensors.names("html_shouted")
    private val combining = tensors.rows("combining", 3)
    private val combiningRanges = tensors.ranges(combining, 3, "combining")
    private val compositions = tensors.rows("compositions", 3).let { rows ->
        (rows.indices step 3).associate { pair(rows[it], rows[it + 1]) to rows[it + 2] }
    }
    private val ignoreCase = tensors.rows("ignore_case", 2).let { rows ->
        (rows.indices step 2).associate { rows[it] to rows[it + 1] }
    }

    init {
        for ((name, width) in listOf("compositions" to 3, "ignore_case" to 2)) {
            tensors.checkPoints(tensors.rows(name, width), name)
        }
    }

    /** Canonical combining class. */
    fun rank(point: Int): Int = combiningRanges.rangeOf(point).let { if (it >= 0) combining[3 * it + 2] else 0 }

    /** The one code point that the two make; null for none. */
    fun composition(first: Int, second: Int): Int? = compositions[pair(first, second)]

    /** The ASCII letter that a character equals when case is ignored, else itself. */
    fun ignoringCase(point: Int): Int = ignoreCase[point] ?: point

    private fun pair(first: Int, second: Int): Long = first.toLong() shl 32 or second.toLong()
}

/** Typed reading of the asset's tensors. */
private class Tensors(private val container: Container) {
    fun rows(name: String, width: Int): IntArray =
        ints(container.tensor(name, "U32", Container.ANY, width.toLong()).asIntBuffer())

    private fun column(name: String): IntArray = ints(container.tensor(name, "U32", Container.ANY).asIntBuffer())

    fun set(name: String): CodePointSet = ranges(rows(name, 2), 2, name)

    /** The first two columns, which must be ascending ranges. */
    fun ranges(rows: IntArray, width: Int, name: String): CodePointSet {
        var last = -1
        for (start in rows.indices step width) {
            wellFormed(rows[start] > last && rows[start + 1] >= rows[start] && rows[start + 1] <= LAST_POINT) {
                "the ranges of '$name' are out of order"
            }
            last = rows[start + 1]
        }
        return CodePointSet(IntArray(rows.size / width * 2) { rows[it / 2 * width + it % 2] })
    }

    fun map(name: String): CodePointMap {
        val keys = column("${name}_keys")
        val values = values(name)
        wellFormed(keys.size == values.size) { "'$name' has ${keys.size} keys and ${values.size} values" }
        checkPoints(keys, name)
        wellFormed((1 until keys.size).all { keys[it] > keys[it - 1] }) { "the keys of '$name' are out of order" }
        return CodePointMap(keys, values)
    }

    fun names(name: String): Map<String, IntArray> {
        val text: ByteBuffer = container.tensor("${name}_names", "U8", Container.ANY)
        val names = pieces(column("${name}_name_offsets"), text.capacity(), name) { from, to ->
            String(
                CharArray(to - from) {
                    val letter = text.get(from + it).toInt()
                    wellFormed(letter >= 0) { "the names of '$name' are not ASCII" }
                    letter.toChar()
                },
            )
        }
        val values = values(name)
        wellFormed(names.size == values.size) { "'$name' has ${names.size} names and ${values.size} values" }
        return names.zip(values).toMap()
    }

    fun checkPoints(points: IntArray, name: String) {
        for (point in points) wellFormed(point in 0..LAST_POINT) { "'$name' has a code point beyond U+10FFFF" }
    }

    private fun values(name: String): List<IntArray> {
        val points = column("${name}_values")
        checkPoints(points, name)
        return pieces(column("${name}_offsets"), points.size, name) { from, to ->
            wellFormed(to - from <= LONGEST) { "a value of '$name' has ${to - from} code points" }
            points.copyOfRange(from, to)
        }
    }

    private fun <T> pieces(offsets: IntArray, size: Int, name: String, piece: (Int, Int) -> T): List<T> {
        val fits =
            offsets.isNotEmpty() && offsets[0] == 0 && offsets.last() == size &&
                (1 until offsets.size).all { offsets[it] >= offsets[it - 1] }
        wellFormed(fits) { "the offsets of '$name' do not rise from 0 to $size" }
        return (1 until offsets.size).map { piece(offsets[it - 1], offsets[it]) }
    }

    private fun ints(buffer: IntBuffer) = IntArray(buffer.capacity()) { buffer.get(it) }

    private companion object {
        const val LAST_POINT = 0x10FFFF
        const val LONGEST = 64 // code points of a value; the reference's longest has 4
    }
}
