package shop.mobileclip.search

/** Unicode's normal form C by the asset's tables: decompose, order the marks, compose. */
internal class NormalForm(private val tables: TextTables) {
    fun compose(text: CodePoints): CodePoints {
        if (text.max() < FIRST_MARK) return text // a short way; the steps below would change nothing
        val ordered = decompose(text).also(::orderMarks)
        val whole = CodePoints(ordered.size)
        var starter = -1 // where in `whole` the last character of class 0 stands
        var between = -1 // class of the last mark kept after it; -1 for none
        for (index in 0 until ordered.size) {
            val point = ordered[index]
            val rank = tables.rank(point)
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

    private fun decompose(text: CodePoints): CodePoints {
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
            val value = tables.decompositions[point]
            if (value == null) parts += point else parts += value
        }
        return parts
    }

    /** Each run of marks (combining class above 0) sorted by class, equals in their order. */
    private fun orderMarks(text: CodePoints) {
        var start = 0
        while (start < text.size) {
            var end = start
            while (end < text.size && tables.rank(text[end]) > 0) end++
            if (end - start > 1) {
                val marks = (start until end).map { text[it] }.sortedBy(tables::rank)
                marks.forEachIndexed { index, mark -> text[start + index] = mark }
            }
            start = maxOf(end, start + 1)
        }
    }

    /** The one character that the two make, if they do. Hangul syllables by arithmetic. */
    private fun pair(first: Int, second: Int): Int? {
        val lead = first - L_BASE
        val vowel = second - V_BASE
        if (lead in 0 until L_COUNT && vowel in 0 until V_COUNT) return S_BASE + (lead * V_COUNT + vowel) * T_COUNT
        val syllable = first - S_BASE
        val tail = second - T_BASE
        if (syllable in 0 until S_COUNT && syllable % T_COUNT == 0 && tail in 1 until T_COUNT) return first + tail
        return tables.composition(first, second)
    }

    private companion object {
        const val FIRST_MARK = 0x300
        const val L_BASE = 0x1100
        const val V_BASE = 0x1161
        const val T_BASE = 0x11A7
        const val S_BASE = 0xAC00
        const val L_COUNT = 19
        const val V_COUNT = 21
        const val T_COUNT = 28
        const val S_COUNT = L_COUNT * V_COUNT * T_COUNT
    }
}
