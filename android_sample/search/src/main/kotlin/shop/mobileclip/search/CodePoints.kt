package shop.mobileclip.search

/** A text as Unicode code points, lone surrogates among them; grows at its end. */
internal class CodePoints(capacity: Int = 16) {
    private var points = IntArray(maxOf(capacity, 1))

    var size: Int = 0
        private set

    operator fun get(index: Int): Int = points[index]

    operator fun set(index: Int, point: Int) {
        points[index] = point
    }

    /** The code point, or -1 beyond the end. */
    fun at(index: Int): Int = if (index < size) points[index] else -1

    operator fun plusAssign(point: Int) {
        if (size == points.size) points = points.copyOf(2 * size)
        points[size++] = point
    }

    operator fun plusAssign(more: IntArray) {
        for (point in more) this += point
    }

    fun add(other: CodePoints, from: Int, to: Int) {
        for (index in from until to) this += other[index]
    }

    fun part(from: Int, to: Int): CodePoints = CodePoints(to - from).also { it.add(this, from, to) }

    /** The first place of [point] at or after [from]; -1 for none. */
    fun indexOf(point: Int, from: Int = 0): Int {
        for (index in from until size) if (points[index] == point) return index
        return -1
    }

    fun same(other: CodePoints): Boolean = size == other.size && (0 until size).all { points[it] == other.points[it] }

    fun max(): Int {
        var most = -1
        for (index in 0 until size) most = maxOf(most, points[index])
        return most
    }

    inline fun filter(keeps: (Int) -> Boolean): CodePoints {
        val kept = CodePoints(size)
        for (index in 0 until size) if (keeps(this[index])) kept += this[index]
        return kept
    }

    inline fun map(made: (Int) -> Int): CodePoints {
        val found = CodePoints(size)
        for (index in 0 until size) found += made(this[index])
        return found
    }

    /** The words between white space and [breaks]; none is empty. */
    fun words(breaks: CodePointSet): List<CodePoints> {
        val found = ArrayList<CodePoints>()
        var start = 0
        for (index in 0..size) {
            if (index < size && points[index] != ' '.code && points[index] !in breaks) continue
            if (index > start) found += part(start, index)
            start = index + 1
        }
        return found
    }

    /** UTF-8; surrogates, which only damaged tables can leave, as three bytes. */
    fun utf8(from: Int = 0, to: Int = size): ByteArray {
        val bytes = ByteArray(4 * (to - from))
        var size = 0
        fun put(value: Int) {
            bytes[size++] = value.toByte()
        }
        for (index in from until to) {
            val point = points[index]
            when {
                point < 0x80 -> put(point)
                point < 0x800 -> put(0xC0 or (point shr 6))
                point < 0x10000 -> put(0xE0 or (point shr 12))
                else -> put(0xF0 or (point shr 18))
            }
            if (point >= 0x10000) put(0x80 or (point shr 12 and 0x3F))
            if (point >= 0x800) put(0x80 or (point shr 6 and 0x3F))
            if (point >= 0x80) put(0x80 or (point and 0x3F))
        }
        return bytes.copyOf(size)
    }

    /** ASCII and other text from [from] to [to]. */
    fun string(from: Int, to: Int): String = String(points, from, to - from)

    companion object {
        const val REPLACEMENT = 0xFFFD

        /** The same with U+FFFD for each surrogate without its pair. */
        fun scalars(text: String): CodePoints = of(text).map { if (it in 0xD800..0xDFFF) REPLACEMENT else it }

        fun of(text: String): CodePoints {
            val found = CodePoints(text.length)
            var index = 0
            while (index < text.length) {
                val point = text.codePointAt(index)
                found += point
                index += Character.charCount(point)
            }
            return found
        }
    }
}
