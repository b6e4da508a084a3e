package shop.mobileclip.search

import java.io.File
import java.nio.channels.FileChannel
import java.util.BitSet

/**
 * An open `.catalog` file, mapped: products, their records and small pictures, and their quantised embeddings; perhaps
 * with products over it that staff added on this phone ([adding]).
 *
 * Opening checks the structure whole, so that nothing can point outside the file afterwards; [verify] checks the bytes.
 * May be shared between threads. The file must not be written to while it is open; replace it by renaming another. There
 * is nothing to close: the file is unmapped when nothing refers to the catalog any more. [Searcher.use] swaps catalogs.
 *
 * A product is named by its place, 0 until [size], in this catalog alone, or by the shop's own id, in every one.
 */
public class ProductCatalog internal constructor(
    /** The path, or the name that it was opened under; for messages. */
    public val name: String,
    /** 64 hex digits naming the embedding space. */
    public val space: String,
    /** The model's name. */
    public val model: String,
    /** ISO 4217; empty where products have several or none: then nothing can be filtered by price. */
    public val currency: String,
    /** In the order of their first product; the empty name is that of products without one. */
    public val categories: List<String>,
    /** Scores to confidences. */
    public val calibration: ScoreCalibration,
    internal val parts: List<CatalogPart>,
    internal val hidden: BitSet, // products of the first part that are not found any more
    private val sha256: CatalogDigest,
) {
    /** 64 hex digits naming this file: the SHA-256 that stands in it. With products over it, the base's. */
    public val digest: String get() = sha256.expected

    /** How many places there are. Those of products that others replaced, or that were removed, count. */
    public val size: Int get() = parts.sumOf { it.tables.products }

    /** How many rows: pictures of products. */
    public val rows: Int get() = parts.sumOf { it.tables.rows }

    /** The width of an embedding. */
    public val dim: Int get() = parts[0].tables.dim

    /** The fields that products can be filtered by, besides category and price ([CatalogFilter.fields]). */
    public val filters: List<String> get() = parts[0].tables.filters.keys.toList()

    internal val findable: List<FindableProducts> by lazy {
        val base = parts[0].tables
        parts.map { if (it.tables === base) IndexedProducts(base) else ListedProducts(it.tables, base) }
    }

    /**
     * The texts that products hold in one of [filters], each once: what a filter can ask for.
     *
     * @throws IllegalArgumentException for a field that is no filter.
     * @throws BadFileException where the record of a product that staff added is damaged.
     */
    public fun filterTexts(field: String): List<String> = reading(name) {
        require(field in filters) { "no such filter: $field; there are ${filters.joinToString()}" }
        findable.flatMap { it.texts(field) }.distinct()
    }

    /**
     * Where the product of that id stands; null where there is none. In a catalog whose builder wrote no order of ids, the
     * first call reads every record.
     *
     * @throws BadFileException if a record on the way there is damaged.
     */
    public fun place(id: String): Int? = reading(name) {
        parts.asReversed().firstNotNullOfOrNull { part -> part.place(id)?.takeIf { !hidden.get(it) } }
    }

    /** The product of that id; null where there is none. As [place]. */
    public fun product(id: String): CatalogProduct? = place(id)?.let(::product)

    /**
     * A product's record, parsed anew each time. [product]: 0 until [size].
     *
     * @throws BadFileException if it is no JSON object: the file is damaged.
     */
    public fun product(product: Int): CatalogProduct = reading("$name, product $product") {
        part(product).let { CatalogProduct.read(it.tables.record(product - it.firstProduct)) }
    }

    /** A product's small picture, a WebP file's bytes; null for none. */
    public fun thumbnail(product: Int): ByteArray? =
        part(product).let { it.tables.thumbnail(product - it.firstProduct)?.bytes() }

    /** A product's category: a place in [categories]. */
    public fun category(product: Int): Int = part(product).let { it.category(product - it.firstProduct) }

    /** A product's price in ten-thousandths of the currency's unit; null for none. */
    public fun price(product: Int): Long? =
        part(product).let { it.tables.prices.get(product - it.firstProduct) }.takeIf { it != CatalogTables.NO_PRICE }

    /** This catalog with [overlay] over it, which must be of this very catalog. Both stay as they are. */
    public fun adding(overlay: CatalogOverlay): ProductCatalog {
        require(overlay.base === this) { "an overlay of another catalog: ${overlay.base.name}, not $name" }
        return overlay.over()
    }

    /**
     * Proves that the bytes are the builder's own, by the SHA-256 that stands in the file. Reads the whole file: to be
     * done once, after an install or a download, on a thread of its own.
     *
     * @throws BadFileException if they are not.
     */
    public fun verify(): Unit = reading(name) { sha256.check() }

    internal fun with(names: List<String>, part: CatalogPart, hidden: BitSet): ProductCatalog =
        ProductCatalog(name, space, model, currency, names, calibration, parts + part, hidden, sha256)

    internal fun part(product: Int): CatalogPart {
        if (product !in 0 until size) throw IndexOutOfBoundsException("product $product of $size")
        return parts.last { product >= it.firstProduct }
    }

    public companion object {
        /**
         * Maps [file] and checks its structure. [space]: the embedding space of the app's encoders ([ModelManifest.space]).
         * [digest]: of the one catalog that came with them ([ModelManifest.CatalogFile]); the bytes are not read for it.
         *
         * @throws BadFileException for any file that is no whole catalog of this version, that space and that digest.
         */
        @JvmStatic
        @JvmOverloads
        public fun open(file: File, space: String? = null, digest: String? = null): ProductCatalog =
            MappedFile.open(file) { CatalogReader.read(it, file.path, space, digest) }

        /** The same for [length] bytes of [channel] from [start] on: an uncompressed asset within an APK, say. */
        @JvmStatic
        @JvmOverloads
        public fun open(
            channel: FileChannel,
            start: Long,
            length: Long,
            name: String,
            space: String? = null,
            digest: String? = null,
        ): ProductCatalog =
            MappedFile.open(channel, start, length, name) { CatalogReader.read(it, name, space, digest) }
    }
}

/**
 * Tables and where in the whole catalog they begin. [names]: of each of the tables' own categories, the place in the whole
 * catalog's list; null where they are the same.
 */
internal class CatalogPart(
    val tables: CatalogTables,
    val firstProduct: Int,
    val firstRow: Int,
    private val names: IntArray? = null,
) {
    fun place(id: String): Int? = tables.place(id)?.let { firstProduct + it }

    /** A place in the whole catalog's list, of a product by its place in the tables. */
    fun category(product: Int): Int = tables.categories.get(product).let { names?.get(it) ?: it }
}
