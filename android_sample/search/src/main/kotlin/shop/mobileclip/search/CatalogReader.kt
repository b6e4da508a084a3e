package shop.mobileclip.search

import java.nio.ByteBuffer
import java.nio.IntBuffer
import java.nio.LongBuffer
import java.util.BitSet

/** Opens a catalog: everything that FORMATS.md says of it is checked here, but the digest. Throws [Malformed]. */
internal object CatalogReader {
    val KNOWN: Map<String, String> = mapOf(
        "format" to "mobileclip-catalog",
        "version" to "1",
        "quantization" to "int8-row-offset",
        "metric" to "cosine",
    )
    private const val MOST_DIM = 1024L // beyond, the integer sum of a score could overflow an Int
    private const val ID_ORDER = "id_order"
    private val COUNT = Regex("[1-9][0-9]{0,9}")

    fun read(file: MappedFile, name: String, space: String?, digest: String?): ProductCatalog =
        catalog(Container.read(file), name, space, digest)

    /** [mayBeEmpty]: of an overlay, which may hold no product. */
    fun catalog(
        container: Container,
        name: String,
        space: String?,
        digest: String?,
        mayBeEmpty: Boolean = false,
    ): ProductCatalog {
        for ((key, known) in KNOWN) {
            val found = container.metadata[key]
            wellFormed(found == known) { "unknown $key: expected '$known', found ${found?.let(::shown) ?: "none"}" }
        }
        val own = hex(container, "space")
        val model = container.text("model")
        if (space != null) checkSpace(own, model, space)
        val sha256 = hex(container, "sha256")
        wellFormed(digest == null || digest == sha256, ErrorKind.MISMATCHED) {
            "the catalog is not the one that came with the encoders: its digest is $sha256, theirs is $digest"
        }
        val categories = Json.parse(container.text("categories"), once = false).asArray("categories")
        val names = categories.map { it.asText("a category") }
        return ProductCatalog(
            name,
            own,
            model,
            container.text("currency"),
            names,
            ScoreCalibration.read(container.text("calibration")),
            listOf(CatalogPart(tables(container, names.size, mayBeEmpty), 0, 0)),
            BitSet(),
            CatalogDigest(container.windows, sha256, container.header),
        )
    }

    private fun tables(container: Container, names: Int, mayBeEmpty: Boolean): CatalogTables {
        val products = count(container, "products", mayBeEmpty)
        val rows = count(container, "rows", mayBeEmpty)
        val dim = count(container, "dim")
        wellFormed(dim <= MOST_DIM) { "$dim dimensions, more than $MOST_DIM" }
        val records = container.tensor("records", "U8", Container.ANY)
        val recordOffsets = container.tensor("record_offsets", "U64", products + 1).asLongBuffer()
        var thumbnails: ByteBuffer? = null
        var thumbnailOffsets: LongBuffer? = null
        if ("thumbnails" in container || "thumbnail_offsets" in container) {
            thumbnails = container.tensor("thumbnails", "U8", Container.ANY)
            thumbnailOffsets = container.tensor("thumbnail_offsets", "U64", products + 1).asLongBuffer()
            checkOffsets(thumbnailOffsets, thumbnails, "thumbnail_offsets")
        }
        val tables = CatalogTables(
            prices = container.tensor("prices", "I64", products).asLongBuffer(),
            categories = container.tensor("categories", "U32", products).asIntBuffer(),
            owners = container.tensor("owners", "U32", rows).asIntBuffer(),
            scales = container.tensor("scales", "F32", rows).asFloatBuffer(),
            offset = container.tensor("offset", "F32", dim).asFloatBuffer(),
            codes = container.tensor("codes", "I8", rows, dim),
            recordOffsets, records, thumbnailOffsets, thumbnails,
            if (ID_ORDER in container) container.tensor(ID_ORDER, "U32", products).asIntBuffer() else null,
            FirstPass.read(container, rows, dim),
            CatalogWords.read(container, products),
            FilterColumn.read(container, products),
        )
        checkOffsets(recordOffsets, records, "record_offsets")
        checkProducts(tables, names)
        tables.idOrder?.let(::checkOrder)
        checkRows(tables)
        return tables
    }

    private fun checkProducts(tables: CatalogTables, names: Int) {
        for (product in 0 until tables.prices.capacity()) {
            wellFormed(tables.prices.get(product) >= CatalogTables.NO_PRICE) { "product $product has a price below 0" }
            wellFormed(tables.categories.get(product) in 0 until names) {
                "product $product has a category beyond the $names names"
            }
        }
    }

    /** Each place stands in it once. Whether the ids rise is not checked: a wrong order finds nothing. */
    private fun checkOrder(order: IntBuffer) {
        val seen = BitSet(order.capacity())
        for (index in 0 until order.capacity()) {
            val place = order.get(index)
            wellFormed(place in 0 until order.capacity() && !seen.get(place)) {
                "$ID_ORDER is no order: number $index is ${place.toUInt()}, of ${order.capacity()} products"
            }
            seen.set(place)
        }
    }

    private fun checkRows(tables: CatalogTables) {
        var owner = -1
        for (row in 0 until tables.owners.capacity()) {
            val next = tables.owners.get(row)
            wellFormed(next == owner + 1 || (row > 0 && next == owner)) {
                "row $row belongs to product $next after product $owner"
            }
            owner = next
            val scale = tables.scales.get(row)
            wellFormed(scale >= 0 && scale <= Float.MAX_VALUE) { "row $row has a scale of $scale" }
        }
        val products = tables.prices.capacity()
        wellFormed(owner == products - 1) { "the rows end at product $owner of $products" }
        for (index in 0 until tables.offset.capacity()) {
            val value = tables.offset.get(index)
            wellFormed(value - value == 0f) { "number $index of the offset is $value" }
        }
    }

    /** They rise from 0 to the size of what they cut. U64, of which none below 2^63 can stay unnoticed. */
    private fun checkOffsets(offsets: LongBuffer, pieces: ByteBuffer, name: String) {
        var last = 0L
        for (index in 0 until offsets.capacity()) {
            val next = offsets.get(index)
            wellFormed(next >= last && (index > 0 || next == 0L)) { "$name do not rise: number $index follows $last" }
            last = next
        }
        wellFormed(last == pieces.capacity().toLong()) { "$name end at $last, their bytes at ${pieces.capacity()}" }
    }

    private fun count(container: Container, key: String, mayBeZero: Boolean = false): Long {
        val written = container.text(key)
        wellFormed(COUNT.matches(written) || (mayBeZero && written == "0")) { "$key is ${shown(written)}, no count" }
        return written.toLong()
    }

    private fun hex(container: Container, key: String): String {
        val written = container.text(key)
        wellFormed(isDigest(written)) { "$key is ${shown(written)}, not 64 hex digits" }
        return written
    }
}

/** Throws [Malformed] unless a catalog's own space and model are of the encoders' [space]. */
internal fun checkSpace(own: String, model: String, space: String) {
    wellFormed(space == own, ErrorKind.MISMATCHED) {
        "the catalog is of another embedding space: its own is $own (${shown(model)}), the encoders' is $space"
    }
}
