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

/** Reads the tables of `tokenizer.safetensors` and checks them; FORMATS.md says what each holds. Throws [Malformed]. */
internal class TextTables(private val container: Container) {
    /** Row by row. */
    fun rows(name: String, width: Int): IntArray =
        ints(container.tensor(name, "U32", Container.ANY, width.toLong()).asIntBuffer())

    /** Rows of code points. */
    fun points(name: String, width: Int): IntArray = rows(name, width).also { checkPoints(it, name) }

    /** As it lies in the file. */
    fun column(name: String): IntBuffer = container.tensor(name, "U32", Container.ANY).asIntBuffer()

    /** As they lie in the file. */
    fun bytes(name: String): ByteBuffer = container.tensor(name, "U8", Container.ANY)

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
        val keys = ints(column("${name}_keys"))
        val values = values(name)
        wellFormed(keys.size == values.size) { "'$name' has ${keys.size} keys and ${values.size} values" }
        checkPoints(keys, name)
        wellFormed((1 until keys.size).all { keys[it] > keys[it - 1] }) { "the keys of '$name' are out of order" }
        return CodePointMap(keys, values)
    }

    fun names(name: String): Map<String, IntArray> {
        val text = bytes("${name}_names")
        val names = pieces(ints(column("${name}_name_offsets")), text.capacity(), name) { from, to ->
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

    private fun checkPoints(points: IntArray, name: String) {
        for (point in points) wellFormed(point in 0..LAST_POINT) { "'$name' has a code point beyond U+10FFFF" }
    }

    private fun values(name: String): List<IntArray> {
        val points = ints(column("${name}_values"))
        checkPoints(points, name)
        return pieces(ints(column("${name}_offsets")), points.size, name) { from, to ->
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
