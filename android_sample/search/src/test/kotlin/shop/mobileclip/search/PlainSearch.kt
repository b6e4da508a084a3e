package shop.mobileclip.search

import kotlin.math.abs

/** A product that was found the slow way. */
internal data class Plain(val product: Int, val row: Int, val score: Double)

/** FORMATS.md's words, the slow way, over a catalog that was made up. */
internal class PlainSearch(private val made: MadeCatalog, private val vector: FloatArray) {
    private val step = vector.maxOf { abs(it) }.toDouble() / 16383

    /** The vector in whole numbers. */
    val numbers: List<Long> = vector.map { Math.rint(it / step).toLong() }

    /** The score of each row. */
    val scores: List<Double> by lazy {
        var constant = 0.0
        for (d in 0 until made.dim) constant += made.offset[d].toDouble() * vector[d]
        made.owners.indices.map { row ->
            val sum = (0 until made.dim).sumOf { made.codes[row * made.dim + it].toLong() * numbers[it] }
            made.scales[row].toDouble() * step * sum + constant
        }
    }

    /** The best row of each product that [fits], best first. */
    fun exact(fits: (Int) -> Boolean): List<Plain> = best(made.owners.indices.filter { fits(made.owners[it]) })

    /** The best of [rows] of each of their products, best first. */
    fun best(rows: Iterable<Int>): List<Plain> =
        rows.map { Plain(made.owners[it], it, scores[it]) }.groupBy { it.product }.values
            .map { some -> some.maxWith(compareBy({ it.score }, { -it.row })) }
            .sortedWith(compareBy({ -it.score }, { it.row }))

    companion object {
        /** Whether a product fits. */
        fun fits(made: MadeCatalog, filter: CatalogFilter, without: Int?): (Int) -> Boolean = { product ->
            val price = made.prices[product]
            val named = filter.categories?.contains(made.names[made.categories[product]]) ?: true
            val priced = (filter.lowest == null && filter.highest == null) ||
                (price >= 0 && price >= (filter.lowest ?: 0) && price <= (filter.highest ?: Long.MAX_VALUE))
            named && priced && product != without
        }
    }
}

/** What found it is compared by. */
internal fun List<Plain>.bits(): List<Triple<Int, Int, Long>> = map { Triple(it.product, it.row, it.score.toRawBits()) }

/** The same of what the module found. */
internal fun List<SearchHit>.hitBits(): List<Triple<Int, Int, Long>> =
    map { Triple(it.product, it.row, it.score.toRawBits()) }
