package shop.mobileclip.search

import java.util.BitSet
import java.util.concurrent.CancellationException
import java.util.concurrent.Executor

/**
 * Searches an open [catalog]: the same products and score bits as on every other platform.
 *
 * Where the catalog has a first pass, a few numbers of each row choose those that are scored; else every row is. Scores are
 * exact anyway, but a first pass may miss a product now and then; the builder measured how rarely.
 *
 * Holds nothing that changes: any number of threads may search at once. A search works on the caller's thread and takes
 * as long as reading all codes does; [Searcher] moves it elsewhere. With a [helper], a thread of that executor does half of
 * the work, where the catalog is large and the thread is free; the results are the same.
 */
public class CatalogSearch @JvmOverloads constructor(
    public val catalog: ProductCatalog,
    private val helper: Executor? = null,
) {
    private val base = catalog.parts[0].tables

    /**
     * The best [k] products, best first; of products with equal scores that with the lower row. In this order: filter,
     * score, one row a product, [threshold] (of the score, inclusive), top k, [leastConfidence] (which hides nothing that
     * has no confidence). [without] leaves one product out. [exact]: without a first pass. [isCancelled] is asked on this
     * thread, once every 128 KiB of codes (256 rows of 512) at most.
     *
     * @throws IllegalArgumentException for a vector of another width, not finite or all zeros; an unknown category; a price
     * filter on a catalog without one currency; a k below 1, a slider or a share outside 0 to 1; a product that is none.
     * @throws CancellationException once [isCancelled] has answered true.
     * @throws BadFileException for "more like this" of a product whose row is damaged.
     */
    @JvmOverloads
    public fun search(
        query: SearchQuery,
        k: Int = 10,
        filter: CatalogFilter = CatalogFilter.ANY,
        threshold: Double = Double.NEGATIVE_INFINITY,
        leastConfidence: Double = 0.0,
        without: Int? = null,
        exact: Boolean = false,
        isCancelled: () -> Boolean = { false },
    ): List<SearchHit> {
        require(k >= 1) { "a search for the best $k" }
        require(!threshold.isNaN()) { "a threshold that is no number" }
        require(leastConfidence in 0.0..1.0) { "a least confidence of $leastConfidence, expected 0 to 1" }
        val left = setOfNotNull(without, (query as? SearchQuery.Like)?.product)
        for (product in left) require(product in 0 until catalog.size) { "no product $product of ${catalog.size}" }
        val confidence = confidences(query)
        val best = Best(minOf(k, catalog.size))
        val vector = prepared(query)
        val work = SharedWork(helper, isCancelled)
        for ((part, wanted) in catalog.parts.zip(wanted(filter, left))) {
            val search = PartSearch(part.tables, vector, wanted, work)
            for ((row, score) in search.best(k, threshold, exact).sorted()) best.offer(score, part.firstRow + row)
        }
        val hits = best.sorted().map { (row, score) -> SearchHit(owner(row), row, score, confidence(row, score)) }
        return hits.filter { it.confidence == null || it.confidence >= leastConfidence }
    }

    /**
     * The products that [text] names exactly, at most [most]: by a key first (the id, an article number, a barcode, a brand,
     * as the catalog's builder was asked), then by all its words. A group of its own, to be shown above the results of
     * [search], which stay as they are; a product may be in both. It takes no encoder. Empty where the catalog has no words.
     *
     * @throws IllegalArgumentException for a filter that cannot be asked, as in [search].
     * @throws BadFileException if a record that has to be read is damaged.
     */
    @JvmOverloads
    public fun named(text: String, filter: CatalogFilter = CatalogFilter.ANY, most: Int = 10): List<NamedProduct> {
        val wanted = wanted(filter, emptySet())
        val words = base.words
        if (words == null || most < 1) return emptyList()
        return reading(catalog.name) { NamedSearch(catalog, words, wanted).found(text, most) }
    }

    private fun prepared(query: SearchQuery): PreparedQuery = when (query) {
        is SearchQuery.Text -> PreparedQuery.of(query.vector, base)

        is SearchQuery.Image -> PreparedQuery.of(query.vector, base)

        is SearchQuery.Both -> {
            val weight = catalog.calibration.weight(query.slider)
            PreparedQuery.of(PreparedQuery.mixed(query.text, query.image, weight), base)
        }

        is SearchQuery.Like -> try {
            val part = catalog.part(query.product)
            val row = part.tables.firstRow(query.product - part.firstProduct)
            PreparedQuery.of(PreparedQuery.vector(part.tables, row), base)
        } catch (error: IllegalArgumentException) {
            throw BadFileException("${catalog.name}, product ${query.product}: ${error.message}", error)
        }
    }

    /** A function of a row and its score. */
    private fun confidences(query: SearchQuery): (Int, Double) -> Double? {
        val calibration = catalog.calibration
        return when (query) {
            is SearchQuery.Text -> { _, score -> calibration.ofText(score) }

            is SearchQuery.Image, is SearchQuery.Like -> { _, score -> calibration.ofImage(score) }

            is SearchQuery.Both -> {
                val text = PreparedQuery.of(query.text, base)
                val image = PreparedQuery.of(query.image, base);
                { row, _ -> calibration.ofBoth(query.slider, scoreOf(row, text), scoreOf(row, image)) }
            }
        }
    }

    private fun scoreOf(row: Int, query: PreparedQuery): Double {
        val part = partOf(row)
        val block = CodeBlock(part.tables.codes, query.q16, most = 1)
        block.load(row - part.firstRow, 1)
        return query.score(part.tables.scales.get(row - part.firstRow), block.sum(0))
    }

    private fun owner(row: Int): Int = partOf(row).let { it.firstProduct + it.tables.owners.get(row - it.firstRow) }

    private fun partOf(row: Int): CatalogPart = catalog.parts.last { row >= it.firstRow }

    /** Of each category, whether it is wanted; null where all are. */
    private fun wantedNames(filter: CatalogFilter): BooleanArray? = filter.categories?.let { wanted ->
        val unknown = wanted - catalog.categories.toSet()
        require(unknown.isEmpty()) {
            "no such category: ${unknown.joinToString()}; there are ${catalog.categories.joinToString()}"
        }
        BooleanArray(catalog.categories.size) { catalog.categories[it] in wanted }
    }

    /** Of each part, the products that may be found, by their places there; null for all. [left]: those left out. */
    private fun wanted(filter: CatalogFilter, left: Set<Int>): List<BitSet?> {
        val names = wantedNames(filter)
        for ((field, texts) in filter.fields) {
            val unknown = texts - catalog.filterTexts(field).toSet()
            require(unknown.isEmpty()) { "no such $field: ${unknown.joinToString()}" }
        }
        return catalog.parts.indices.map { at -> wanted(at, fitting(filter, names, at), left) }
    }

    private fun wanted(at: Int, fits: ((Int) -> Boolean)?, left: Set<Int>): BitSet? {
        val part = catalog.parts[at]
        val products = part.tables.products
        val wanted = BitSet(products)
        if (fits == null) wanted.set(0, products) else for (place in 0 until products) wanted.set(place, fits(place))
        if (at == 0) wanted.andNot(catalog.hidden)
        for (product in left) if (catalog.part(product) === part) wanted.clear(product - part.firstProduct)
        return wanted.takeIf { it.nextClearBit(0) < products }
    }

    /** Whether a product of the part [at], by its place there, fits; null where all do. */
    private fun fitting(filter: CatalogFilter, names: BooleanArray?, at: Int): ((Int) -> Boolean)? {
        val part = catalog.parts[at]
        val asked = ArrayList<(Int) -> Boolean>()
        if (names != null) asked += { product -> names[part.category(product)] }
        if (filter.lowest != null || filter.highest != null) {
            require(catalog.currency.isNotEmpty()) {
                "no filter by price: the catalog has prices of several currencies, or none"
            }
            val prices = maxOf(filter.lowest ?: 0, 0)..(filter.highest ?: Long.MAX_VALUE) // none, -1, is in no range
            asked += { product -> part.tables.prices.get(product) in prices }
        }
        for ((field, texts) in filter.fields) asked += catalog.findable[at].fitting(field, texts)
        return if (asked.isEmpty()) null else { product -> asked.all { it(product) } }
    }
}
