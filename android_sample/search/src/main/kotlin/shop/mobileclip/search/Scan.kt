package shop.mobileclip.search

import java.util.concurrent.CancellationException

/**
 * One search's way through all rows of [tables]: of each product that is [wanted], the best row goes to [best], counted
 * from [firstRow]. For one thread.
 */
internal class Scan(
    private val tables: CatalogTables,
    private val query: PreparedQuery,
    private val wanted: (Int) -> Boolean,
    private val threshold: Double,
    private val best: Best,
    private val firstRow: Int = 0,
) {
    private val block = CodeBlock(tables.codes, query.q16)
    private val rows = tables.owners.capacity()

    // The product that the scan is at, and its best row so far.
    private var product = -1
    private var isWanted = false
    private var bestRow = -1
    private var bestScore = 0.0

    /** [isCancelled] is asked before each block. */
    fun run(isCancelled: () -> Boolean) {
        var first = 0
        while (first < rows) {
            if (isCancelled()) throw CancellationException("the search was cancelled at row $first of $rows")
            val end = minOf(first.toLong() + block.rows, rows.toLong()).toInt()
            scanBlock(first, end)
            first = end
        }
        finishProduct()
    }

    /** Copies and scores each run of rows that are wanted. */
    private fun scanBlock(first: Int, end: Int) {
        var row = first
        while (row < end) {
            if (!wantsRow(row)) {
                row++
                continue
            }
            var runEnd = row + 1
            while (runEnd < end &&
                (tables.owners.get(runEnd) == tables.owners.get(runEnd - 1) || wanted(tables.owners.get(runEnd)))
            ) {
                runEnd++
            }
            block.load(row, runEnd - row)
            for (next in row until runEnd) scoreRow(next, next - row)
            row = runEnd
        }
    }

    private fun wantsRow(row: Int): Boolean {
        enter(row)
        return isWanted
    }

    private fun scoreRow(row: Int, place: Int) {
        enter(row)
        val score = query.score(tables.scales.get(row), block.sum(place))
        if (bestRow < 0 || score > bestScore) { // the first of equal rows stays
            bestRow = row
            bestScore = score
        }
    }

    private fun enter(row: Int) {
        val owner = tables.owners.get(row)
        if (owner == product) return
        finishProduct()
        product = owner
        isWanted = wanted(owner)
        bestRow = -1
    }

    private fun finishProduct() {
        if (bestRow >= 0 && bestScore >= threshold) best.offer(bestScore, firstRow + bestRow)
    }
}
