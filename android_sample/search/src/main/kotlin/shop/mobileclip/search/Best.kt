package shop.mobileclip.search

/** The best [most] rows of those offered: by score, descending, then by row, ascending. A heap, the worst on top. */
internal class Best(private val most: Int) {
    private var scores = DoubleArray(minOf(most, FIRST))
    private var rows = IntArray(scores.size)
    private var size = 0

    fun offer(score: Double, row: Int) {
        if (size == most) {
            if (!worse(scores[0], rows[0], score, row)) return
            sink(score, row)
            return
        }
        if (size == scores.size) {
            val room = minOf(most.toLong(), 2L * size).toInt()
            scores = scores.copyOf(room)
            rows = rows.copyOf(room)
        }
        rise(score, row)
    }

    /** In no order. */
    fun rows(): IntArray = rows.copyOf(size)

    /** Rows with their scores, best first. */
    fun sorted(): List<Pair<Int, Double>> =
        (0 until size).map { rows[it] to scores[it] }.sortedWith(compareBy({ -it.second }, { it.first }))

    private fun rise(score: Double, row: Int) {
        var place = size++
        while (place > 0) {
            val parent = (place - 1) / 2
            if (!worse(score, row, scores[parent], rows[parent])) break
            put(place, scores[parent], rows[parent])
            place = parent
        }
        put(place, score, row)
    }

    private fun sink(score: Double, row: Int) {
        var place = 0
        while (true) {
            var child = 2 * place + 1
            if (child >= size) break
            if (child + 1 < size && worse(scores[child + 1], rows[child + 1], scores[child], rows[child])) child++
            if (!worse(scores[child], rows[child], score, row)) break
            put(place, scores[child], rows[child])
            place = child
        }
        put(place, score, row)
    }

    private fun put(place: Int, score: Double, row: Int) {
        scores[place] = score
        rows[place] = row
    }

    private fun worse(score: Double, row: Int, thanScore: Double, thanRow: Int): Boolean =
        score < thanScore || (score == thanScore && row > thanRow)

    companion object {
        private const val FIRST = 64

        /** The best [most] of [parts], of which no two hold the same row. */
        fun merged(most: Int, parts: List<Best>): Best = parts.singleOrNull() ?: Best(most).apply {
            for (part in parts) for (index in 0 until part.size) offer(part.scores[index], part.rows[index])
        }
    }
}
