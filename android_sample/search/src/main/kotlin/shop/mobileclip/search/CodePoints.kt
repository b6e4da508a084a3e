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

    /** ASCII and other text from [from] to [to]. */
    fun string(from: Int, to: Int): String = String(points, from, to - from)

    companion object {
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
