package shop.mobileclip.search

import java.io.File
import java.math.BigDecimal
import java.util.BitSet

/**
 * A product that staff add. [vectors]: embeddings of its pictures, one or more. [currency]: the catalog's own where it is
 * null. [thumbnail]: a small WebP picture's bytes, null for none.
 */
public class NewProduct @JvmOverloads constructor(
    public val id: String,
    public val name: String,
    public val price: BigDecimal? = null,
    public val currency: String? = null,
    public val description: String = "",
    public val category: String = "",
    public val extra: Map<String, String> = emptyMap(),
    public val vectors: List<FloatArray> = emptyList(),
    public val thumbnail: ByteArray? = null,
) {
    internal fun with(extra: Map<String, String>, vectors: List<FloatArray>): NewProduct =
        NewProduct(id, name, price, currency, description, category, extra, vectors, thumbnail)
}

/**
 * Products that staff added on this phone, over the catalog [base]; and which of the base's are not found any more. A
 * product whose id the base holds replaces the base's. A value: every change gives another one.
 *
 * The file is a `.catalog` of its own, which names its base and keeps the embeddings as they were before quantisation.
 */
public class CatalogOverlay internal constructor(
    public val base: ProductCatalog,
    internal val entries: List<OverlayEntry>,
    /** Ids of base products that are not found any more. */
    public val removed: Set<String>,
) {
    /** What was added, in its order. */
    public val products: List<CatalogProduct> by lazy { entries.map { CatalogProduct.read(it.record.duplicate()) } }

    /**
     * With [product], in the place of one of the same id, else as the last.
     *
     * @throws IllegalArgumentException for a product without an id, a name or a vector, a vector of another width or one
     * that is not finite, a price below 0 or of more than four decimals, another currency than the base's, or one product
     * more than [MOST_PRODUCTS].
     */
    public fun putting(product: NewProduct): CatalogOverlay {
        val entry = OverlayEntry.of(product, base)
        val isNew = entries.none { it.id == product.id }
        val next = if (isNew) entries + entry else entries.map { if (it.id == product.id) entry else it }
        require(next.size <= MOST_PRODUCTS) { "more than $MOST_PRODUCTS products: build the catalog anew with them" }
        return CatalogOverlay(base, next, removed - product.id)
    }

    /**
     * Without the product of that id, be it one that was added or the base's.
     *
     * @throws IllegalArgumentException where there is none.
     */
    public fun removing(id: String): CatalogOverlay {
        val inBase = base.place(id) != null
        require(inBase || entries.any { it.id == id }) { "no product '$id'" }
        return CatalogOverlay(base, entries.filter { it.id != id }, if (inBase) removed + id else removed)
    }

    /** Without what was done to the product of that id: the base's, if there is one, is found again. */
    public fun forgetting(id: String): CatalogOverlay =
        CatalogOverlay(base, entries.filter { it.id != id }, removed - id)

    /**
     * Writes the file: whole, or not at all.
     *
     * @throws java.io.IOException if it cannot be written; what stood there before stays.
     */
    public fun write(file: File): Unit = OverlayFile.write(file, this)

    /**
     * The same over [next], the catalog that the shop published after [base]: what was added stays, but for products that the
     * shop's own list has by now. Of an id that [next] holds: it goes where [base] lacked it; else where [next] holds it with
     * the same name, price, currency, description and category; else it stays, and replaces the one of [next]. What was
     * removed stays removed while [next] holds it.
     *
     * @throws BadFileException where [next] is of another embedding space or currency.
     */
    public fun rebased(next: ProductCatalog): CatalogOverlay = reading(next.name) {
        checkSpace(next.space, next.model, base.space)
        wellFormed(next.currency == base.currency, ErrorKind.MISMATCHED) {
            "its currency is not that of the products over it: ${shown(next.currency)}, not ${shown(base.currency)}"
        }
        if (next.digest == base.digest) CatalogOverlay(empty(next).base, entries, removed) else rebased(next, base)
    }

    /** [before]: the base until now; null where it is no longer at hand. */
    internal fun rebased(next: ProductCatalog, before: ProductCatalog?): CatalogOverlay {
        val left = entries.filter { entry ->
            val theirs = next.product(entry.id)
            val came = before != null && before.place(entry.id) == null
            theirs == null || !(came || theirs.fields() == CatalogProduct.read(entry.record.duplicate()).fields())
        }
        return CatalogOverlay(empty(next).base, left, removed.filter { next.place(it) != null }.toSet())
    }

    private fun CatalogProduct.fields() = listOf(name, price?.stripTrailingZeros(), currency, description, category)

    internal fun over(): ProductCatalog {
        val names = (base.categories + entries.map { it.category }).distinct()
        val places = names.withIndex().associate { (place, name) -> name to place }
        val part = CatalogPart(
            OverlayTables.of(base, entries),
            base.size,
            base.rows,
            OverlayTables.categories(entries).map(places::getValue).toIntArray(),
        )
        return base.with(names, part, hidden())
    }

    private fun hidden(): BitSet {
        val hidden = BitSet()
        for (id in removed + entries.map { it.id }) base.place(id)?.let(hidden::set)
        return hidden
    }

    public companion object {
        /** How many products an overlay holds at most. */
        public const val MOST_PRODUCTS: Int = 5000

        /** Over [base], nothing yet. */
        @JvmStatic
        public fun empty(base: ProductCatalog): CatalogOverlay {
            require(base.parts.size == 1) { "an overlay over a catalog that has one" }
            return CatalogOverlay(base, emptyList(), emptySet())
        }

        /**
         * Reads what [write] wrote over that very [base].
         *
         * @throws BadFileException if it is missing or damaged, or of another base or embedding space.
         */
        @JvmStatic
        public fun open(file: File, base: ProductCatalog): CatalogOverlay = OverlayFile.open(file, empty(base)).overlay
    }
}
