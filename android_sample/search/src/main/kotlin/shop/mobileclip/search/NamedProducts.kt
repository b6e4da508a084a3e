package shop.mobileclip.search

import java.util.BitSet

/** What named a product. */
public enum class NamedBy {
    /** A number or a name of its own: the id, an article number, a barcode, a brand. */
    KEY,

    /** All words of the text, which the product holds. */
    WORDS,
}

/** A product that a text names exactly. */
public data class NamedProduct(
    /** Its place in the catalog. */
    public val product: Int,
    public val by: NamedBy,
)

/** What a product must hold: a term, or one that [begins] so. */
internal class AskedTerm(val text: String, val begins: Boolean) {
    companion object {
        /** [lastBegins]: the last word may be the beginning of one. */
        fun of(runs: List<LetterRun>, lastBegins: Boolean): List<AskedTerm> = runs.flatMapIndexed { place, run ->
            when {
                !run.byPairs -> listOf(AskedTerm(run.text, lastBegins && place == runs.lastIndex))
                run.size == 1 -> listOf(AskedTerm(run.text, true))
                else -> run.terms.dropLast(1).map { AskedTerm(it, false) }
            }
        }
    }
}

/** Products of one part of a catalog, found by keys, by terms and by fields. Places are the part's own. */
internal interface FindableProducts {
    /** The products of [wanted] (null: all) that have a key, by their places. */
    fun withKey(key: String, wanted: BitSet?): Sequence<Int>

    /** The products of [wanted] that hold all terms. */
    fun withTerms(asked: List<AskedTerm>, wanted: BitSet?): BitSet

    /** How many terms a product has, 255 for more. */
    fun count(product: Int): Int

    /** The texts that products hold in a field. */
    fun texts(field: String): List<String>

    /** Whether a product holds one of [wanted] in a field. */
    fun fitting(field: String, wanted: Set<String>): (Int) -> Boolean
}

/** Those of a file, by its tensors. */
internal class IndexedProducts(private val tables: CatalogTables) : FindableProducts {
    private val words get() = checkNotNull(tables.words)

    override fun withKey(key: String, wanted: BitSet?): Sequence<Int> = words.candidates(key).filter {
        (wanted == null || wanted.get(it)) && key in words.keys(RecordTexts.read(tables.record(it)))
    }

    override fun withTerms(asked: List<AskedTerm>, wanted: BitSet?): BitSet {
        var found = wanted
        for (term in asked) {
            val holding = BitSet()
            for (at in words.index.range(term.text, term.begins)) words.index.eachProduct(at, holding::set)
            if (found != null) holding.and(found)
            found = holding
        }
        return checkNotNull(found)
    }

    override fun count(product: Int): Int = words.index.count(product)

    override fun texts(field: String): List<String> = tables.filters.getValue(field).texts

    override fun fitting(field: String, wanted: Set<String>): (Int) -> Boolean {
        val column = tables.filters.getValue(field)
        val fits = BooleanArray(column.values.size) { number -> column.values[number].any { it in wanted } }
        return { fits[column.number(it)] }
    }
}

/** Those of an overlay, which has no tensors for it: by their records, with the tables of the [base]. */
internal class ListedProducts(private val tables: CatalogTables, private val base: CatalogTables) : FindableProducts {
    private val records by lazy { List(tables.products) { RecordTexts.read(tables.record(it)) } }
    private val keys by lazy { records.map { checkNotNull(base.words).keys(it) } }
    private val terms by lazy { records.map { checkNotNull(base.words).terms(it) } }

    override fun withKey(key: String, wanted: BitSet?): Sequence<Int> =
        keys.indices.asSequence().filter { (wanted == null || wanted.get(it)) && key in keys[it] }

    override fun withTerms(asked: List<AskedTerm>, wanted: BitSet?): BitSet {
        val found = BitSet()
        for (place in terms.indices) {
            val own = terms[place]
            found.set(
                place,
                (wanted == null || wanted.get(place)) && asked.all { term ->
                    if (term.begins) own.any { it.startsWith(term.text) } else term.text in own
                },
            )
        }
        return found
    }

    override fun count(product: Int): Int = WordIndex.counted(terms[product].size)

    override fun texts(field: String): List<String> = records.flatMap { it.of(field) }

    override fun fitting(field: String, wanted: Set<String>): (Int) -> Boolean = { place ->
        records[place].of(field).any { it in wanted }
    }
}

/** One search for what a text names. [wanted]: of each part, the products that may be found; null for all. */
internal class NamedSearch(
    private val catalog: ProductCatalog,
    private val words: CatalogWords,
    private val wanted: List<BitSet?>,
) {
    /** The group of [text]: keys before words. Throws [Malformed] for a damaged record. */
    fun found(text: String, most: Int): List<NamedProduct> {
        val byKey = (listOfNotNull(byId(text)) + byKey(words.characters.key(text), most)).distinct()
        val named = byKey.map { NamedProduct(it, NamedBy.KEY) }
        val others = byWords(words.characters.runs(text), most).map { NamedProduct(it, NamedBy.WORDS) }
        return (named + others).distinctBy { it.product }.take(most)
    }

    /** The product whose id is the text, without ASCII's white space at the ends. */
    private fun byId(text: String): Int? {
        val id = text.trim { it in '\t'..'\r' || it == ' ' }
        return catalog.place(id)?.takeIf { place ->
            val at = catalog.parts.indexOfLast { place >= it.firstProduct }
            wanted[at]?.get(place - catalog.parts[at].firstProduct) ?: true
        }
    }

    private fun byKey(key: String, most: Int): List<Int> {
        if (key.isEmpty()) return emptyList()
        return catalog.parts.indices.flatMap { at ->
            val first = catalog.parts[at].firstProduct
            catalog.findable[at].withKey(key, wanted[at]).take(most).map { first + it }
        }
    }

    private fun byWords(runs: List<LetterRun>, most: Int): List<Int> {
        if (runs.isEmpty()) return emptyList()
        val found = holding(AskedTerm.of(runs, lastBegins = false), most)
        val last = runs.last()
        if (found.isNotEmpty() || last.byPairs || last.size < LEAST_BEGINNING) return found
        return holding(AskedTerm.of(runs, lastBegins = true), most)
    }

    /** Of the products that hold all terms, the first [most], those with the fewest terms first. */
    private fun holding(asked: List<AskedTerm>, most: Int): List<Int> {
        val best = Best(most)
        for ((at, part) in catalog.parts.withIndex()) {
            val products = catalog.findable[at]
            val holding = products.withTerms(asked, wanted[at])
            var place = holding.nextSetBit(0)
            while (place >= 0) {
                best.offer(-products.count(place).toDouble(), part.firstProduct + place)
                place = holding.nextSetBit(place + 1)
            }
        }
        return best.sorted().map { it.first }
    }

    private companion object {
        const val LEAST_BEGINNING = 2 // characters that may be the beginning of a word
    }
}
