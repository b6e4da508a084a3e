package shop.mobileclip.search

import java.nio.ByteBuffer
import java.nio.IntBuffer
import java.util.BitSet

/**
 * A way through rows: [take] gets each whose product is [wanted] (null: all are), and the exact sum of its [codes] with
 * the query's numbers. For one thread.
 */
internal abstract class Scan(
    protected val owners: IntBuffer,
    codes: ByteBuffer,
    numbers: IntArray,
    private val wanted: BitSet?,
) {
    private val block = CodeBlock(codes, numbers)

    /** How many rows are read at a time. */
    val blockRows: Int get() = block.rows

    protected abstract fun take(row: Int, sum: Int)

    /** The rows from [first] to before [end]; rows of an earlier call stand before them. [onBlock] is called before each block. */
    fun run(first: Int, end: Int, onBlock: () -> Unit) {
        var row = first
        while (row < end) {
            onBlock()
            val stop = minOf(row.toLong() + blockRows, end.toLong()).toInt()
            scanBlock(row, stop)
            row = stop
        }
    }

    /** Copies and takes each run of rows that are wanted. */
    private fun scanBlock(first: Int, end: Int) {
        var row = first
        while (row < end) {
            if (!isWanted(row)) {
                row++
                continue
            }
            var runEnd = row + 1
            while (runEnd < end && isWanted(runEnd)) runEnd++
            block.load(row, runEnd - row)
            for (next in row until runEnd) take(next, block.sum(next - row))
            row = runEnd
        }
    }

    private fun isWanted(row: Int): Boolean = wanted == null || wanted.get(owners.get(row))
}

/** Scores rows: of each product whose best row has at least [threshold], that row goes to [best]. */
internal class ExactScan(
    private val tables: CatalogTables,
    private val query: PreparedQuery,
    wanted: BitSet?,
    private val threshold: Double,
    val best: Best,
) : Scan(tables.owners, tables.codes, query.q16, wanted) {
    // The product that the scan is at, and its best row so far.
    private var product = -1
    private var bestRow = -1
    private var bestScore = 0.0

    override fun take(row: Int, sum: Int) {
        val owner = owners.get(row)
        if (owner != product) {
            finish()
            product = owner
        }
        val score = query.score(tables.scales.get(row), sum)
        if (bestRow < 0 || score > bestScore) { // the first of equal rows stays
            bestRow = row
            bestScore = score
        }
    }

    /** Ends the last product: after the last row. */
    fun finish() {
        if (bestRow >= 0 && bestScore >= threshold) best.offer(bestScore, bestRow)
        bestRow = -1
    }
}

/** The first pass: [candidates] are the best rows by their few numbers. [small]: the query's. */
internal class FirstScan(
    private val first: FirstPass,
    owners: IntBuffer,
    small: IntArray,
    wanted: BitSet?,
    val candidates: Best,
) : Scan(owners, first.codes, small, wanted) {
    override fun take(row: Int, sum: Int) = candidates.offer(first.scales.get(row).toDouble() * sum, row)
}
