package shop.mobileclip.search

// Hangul syllables are made by arithmetic: The Unicode Standard, section 3.12.
private const val L_BASE = 0x1100
private const val V_BASE = 0x1161
private const val T_BASE = 0x11A7
private const val S_BASE = 0xAC00
private const val L_COUNT = 19
private const val V_COUNT = 21
private const val T_COUNT = 28
private const val S_COUNT = L_COUNT * V_COUNT * T_COUNT

/** Unicode's normal form C by the asset's tables: decompose, order the marks, compose. */
internal class NormalForm(tables: TextTables) {
    private val decomposition = Decomposition(tables)
    private val compositions = tables.points("compositions", 3).let { rows ->
        (rows.indices step 3).associate { key(rows[it], rows[it + 1]) to rows[it + 2] }
    }

    fun compose(text: CodePoints): CodePoints {
        if (text.max() < FIRST_MARK) return text // a short way; the steps below would change nothing
        val ordered = decomposition.decompose(text)
        val whole = CodePoints(ordered.size)
        var starter = -1 // where in `whole` the last character of class 0 stands
        var between = -1 // class of the last mark kept after it; -1 for none
        for (index in 0 until ordered.size) {
            val point = ordered[index]
            val rank = decomposition.rank(point)
            val pair = if (starter >= 0 && between < rank) pair(whole[starter], point) else null
            if (pair != null) {
                whole[starter] = pair
                continue
            }
            if (rank == 0) {
                starter = whole.size
                between = -1
            } else {
                between = rank
            }
            whole += point
        }
        return whole
    }

    /** The one character that the two make, if they do. Hangul syllables by arithmetic. */
    private fun pair(first: Int, second: Int): Int? {
        val lead = first - L_BASE
        val vowel = second - V_BASE
        if (lead in 0 until L_COUNT && vowel in 0 until V_COUNT) return S_BASE + (lead * V_COUNT + vowel) * T_COUNT
        val syllable = first - S_BASE
        val tail = second - T_BASE
        if (syllable in 0 until S_COUNT && syllable % T_COUNT == 0 && tail in 1 until T_COUNT) return first + tail
        return compositions[key(first, second)]
    }

    private companion object {
        const val FIRST_MARK = 0x300

        fun key(first: Int, second: Int): Long = first.toLong() shl 32 or second.toLong()
    }
}

/** Unicode's normal form D by the asset's tables: decompose, order the marks. */
internal class Decomposition(tables: TextTables) {
    private val decompositions = tables.map("decompositions")
    private val combining = tables.rows("combining", 3)
    private val ranges = tables.ranges(combining, 3, "combining")

    fun decompose(text: CodePoints): CodePoints = parts(text).also(::orderMarks)

    /** Canonical combining class. */
    fun rank(point: Int): Int = ranges.rangeOf(point).let { if (it >= 0) combining[3 * it + 2] else 0 }

    private fun parts(text: CodePoints): CodePoints {
        val parts = CodePoints(text.size)
        for (index in 0 until text.size) {
            val point = text[index]
            val syllable = point - S_BASE
            if (syllable in 0 until S_COUNT) {
                parts += L_BASE + syllable / (V_COUNT * T_COUNT)
                parts += V_BASE + syllable / T_COUNT % V_COUNT
                if (syllable % T_COUNT > 0) parts += T_BASE + syllable % T_COUNT
                continue
            }
            val value = decompositions[point]
            if (value == null) parts += point else parts += value
        }
        return parts
    }

    /** Each run of marks (combining class above 0) sorted by class, equals in their order. */
    private fun orderMarks(text: CodePoints) {
        var start = 0
        while (start < text.size) {
            var end = start
            while (end < text.size && rank(text[end]) > 0) end++
            if (end - start > 1) {
                val marks = (start until end).map { text[it] }.sortedBy(::rank)
                marks.forEachIndexed { index, mark -> text[start + index] = mark }
            }
            start = maxOf(end, start + 1)
        }
    }
}
