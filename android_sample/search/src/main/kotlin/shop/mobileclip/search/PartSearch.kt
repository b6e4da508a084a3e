package shop.mobileclip.search

import java.util.BitSet

/**
 * One search of one part of a catalog: which of the products [wanted] (null: all) are the best, by all rows, or by those
 * that a first pass chooses. Rows are the part's own.
 */
internal class PartSearch(
    private val tables: CatalogTables,
    private val query: PreparedQuery,
    private val wanted: BitSet?,
    private val work: SharedWork,
) {
    /** The best row of each of the [k] best products that have at least [threshold]. [exact]: without a first pass. */
    fun best(k: Int, threshold: Double, exact: Boolean): Best {
        val promising = if (exact) null else candidates(k)?.let { products(it, k) }
        return if (promising == null) bestOfAll(k, threshold) else bestOf(promising, k, threshold)
    }

    /** The rows that the first pass chooses, rising; null where all are to be scored. */
    fun candidates(k: Int): IntArray? {
        val first = tables.firstPass ?: return null
        val count = first.count(fitting(), k) ?: return null
        val small = first.projected(query.q16) ?: return null
        val scans = work.run(tables) { FirstScan(first, tables.owners, small, wanted, Best(count)) }
        val rows = Best.merged(count, scans.map { it.candidates }).rows()
        rows.sort()
        val products = rows.indices.count { it == 0 || tables.owners.get(rows[it]) != tables.owners.get(rows[it - 1]) }
        return rows.takeIf { products >= k }
    }

    private fun fitting(): Int {
        if (wanted == null) return tables.rows
        return (0 until tables.rows).count { wanted.get(tables.owners.get(it)) }
    }

    private fun bestOfAll(k: Int, threshold: Double): Best {
        val most = minOf(k, tables.products)
        val scans = work.run(tables) { ExactScan(tables, query, wanted, threshold, Best(most)) }
        for (scan in scans) scan.finish()
        return Best.merged(most, scans.map { it.best })
    }

    /** The [k] best products by candidates, [rows] that rise. */
    private fun products(rows: IntArray, k: Int): List<Int> {
        val scan = ExactScan(tables, query, null, Double.NEGATIVE_INFINITY, Best(k))
        for ((index, row) in rows.withIndex()) {
            if (index % scan.blockRows == 0) work.goOn()
            scan.run(row, row + 1) {}
        }
        scan.finish()
        return scan.best.rows().map(tables.owners::get)
    }

    /** The best of [products] by all their rows. */
    private fun bestOf(products: List<Int>, k: Int, threshold: Double): Best {
        val scan = ExactScan(tables, query, null, threshold, Best(k))
        for (product in products) scan.run(tables.firstRow(product), tables.firstRow(product + 1), work::goOn)
        scan.finish()
        return scan.best
    }
}
