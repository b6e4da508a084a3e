package shop.mobileclip.search

import java.io.File
import java.io.FileOutputStream
import java.nio.ByteBuffer
import java.nio.FloatBuffer
import java.nio.file.Files
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.security.MessageDigest

/** An overlay's file: an ordinary catalog, with its base's digest, the ids removed and the vectors before quantisation. */
internal object OverlayFile {
    private const val BASE = "base"
    private const val REMOVED = "removed"
    private const val VECTORS = "vectors"
    private const val DIGEST = "sha256"
    private const val DIGITS = 64

    /** Whole or not at all: beside the file, to the disk, renamed. Throws IOException. */
    fun write(file: File, overlay: CatalogOverlay): Unit = writeWhole(file, sealed(bytes(overlay)))

    /** What a file holds; [isRebased]: it was over another base. */
    class Opened(val overlay: CatalogOverlay, val isRebased: Boolean)

    /** Reads a file over the base of [empty]; where [anyBase], over another base of its space, too. */
    fun open(file: File, empty: CatalogOverlay, anyBase: Boolean = false): Opened = MappedFile.open(file) {
        val base = empty.base
        val container = Container.read(it)
        val found = container.text(BASE)
        wellFormed(isDigest(found)) { "its base is ${shown(found)}, not 64 hex digits" }
        val isSame = found == base.digest
        wellFormed(anyBase || isSame, ErrorKind.MISMATCHED) {
            "it lies over another catalog: $found, not ${base.digest}"
        }
        val removed = Json.parse(container.text(REMOVED), once = true).asArray(REMOVED).map { id -> id.asText(REMOVED) }
        val own = CatalogReader.catalog(container, file.path, base.space, null, mayBeEmpty = true)
        if (isSame) checkCopied(container, own, base) else checkText("currency", container, base.currency)
        wellFormed(own.dim == base.dim, ErrorKind.MISMATCHED) { "${own.dim} dimensions, the base has ${base.dim}" }
        wellFormed(own.size <= CatalogOverlay.MOST_PRODUCTS) { "${own.size} products, too many for an overlay" }
        val vectors = container.tensor(VECTORS, "F32", own.rows.toLong(), own.dim.toLong()).asFloatBuffer()
        for (index in 0 until vectors.capacity()) {
            wellFormed(
                vectors.get(index).let { value ->
                    value - value == 0f
                },
            ) { "number $index of $VECTORS is not finite" }
        }
        val overlay = CatalogOverlay(base, entries(own, vectors), removed.toSet())
        Opened(if (isSame) overlay else overlay.rebased(base, null), !isSame)
    }

    /** What an overlay copies from its base is the base's. */
    private fun checkCopied(container: Container, own: ProductCatalog, base: ProductCatalog) {
        for ((key, text) in copied(base)) checkText(key, container, text)
        val (one, other) = own.parts[0].tables.offset to base.parts[0].tables.offset
        val same = (0 until base.dim).all { one.get(it).toRawBits() == other.get(it).toRawBits() }
        wellFormed(same, ErrorKind.MISMATCHED) { "its offset is not the base's" }
    }

    private fun checkText(key: String, container: Container, expected: String) {
        val found = container.text(key)
        wellFormed(found == expected, ErrorKind.MISMATCHED) { "its $key is not the base's: ${shown(found)}" }
    }

    private fun copied(base: ProductCatalog): Map<String, String> = mapOf(
        "calibration" to base.calibration.json,
        "currency" to base.currency,
        "dim" to "${base.dim}",
        "model" to base.model,
        "space" to base.space,
    )

    private fun entries(own: ProductCatalog, vectors: FloatBuffer): List<OverlayEntry> {
        val tables = own.parts[0].tables
        val rows = (0 until tables.rows).groupBy { tables.owners.get(it) }
        val ids = List(own.size) { id(it, tables.record(it)) }
        wellFormed(ids.distinct().size == ids.size) { "an id stands in two of its records" }
        return List(own.size) { product ->
            OverlayEntry(
                ids[product],
                tables.record(product),
                tables.prices.get(product),
                own.categories[own.category(product)],
                rows.getValue(product).map { vectors.part(it * own.dim, own.dim) },
                tables.thumbnail(product),
            )
        }
    }

    private fun id(product: Int, record: ByteBuffer): String {
        val id = Json.parse(
            record.duplicate(),
            once = false,
        ).asObject("record $product").part("id").asText("the id of record $product")
        wellFormed(id.isNotEmpty()) { "record $product has no id" }
        return id
    }

    /** The file, its digest's digits still zeros. */
    private fun bytes(overlay: CatalogOverlay): ByteArray {
        val tensors = OverlayTables.tensors(overlay.base, overlay.entries).associateBy { it.part.name }
        val layout = ContainerLayout(metadata(overlay), tensors.values.map { it.part })
        val file = ByteBuffer.allocate(layout.head.size + tensors.values.sumOf { it.data.capacity() }).put(layout.head)
        for (part in layout.tensors) tensors.getValue(part.name).data.let { file.put(it.part(0, it.capacity())) }
        return file.array()
    }

    private fun metadata(overlay: CatalogOverlay): Map<String, String> {
        val base = overlay.base
        return CatalogReader.KNOWN + copied(base) + mapOf(
            BASE to base.digest,
            "categories" to list(OverlayTables.categories(overlay.entries)),
            "products" to "${overlay.entries.size}",
            REMOVED to list(overlay.removed.sortedWith(::compareUtf8)),
            "rows" to "${overlay.entries.sumOf { it.vectors.size }}",
            DIGEST to "0".repeat(DIGITS),
        )
    }

    private fun list(texts: Collection<String>): String =
        texts.joinToString(",", "[", "]", transform = OverlayRecord::quoted)

    private fun sealed(file: ByteArray): ByteArray {
        val place = String(file, Charsets.ISO_8859_1).indexOf("\"$DIGEST\":\"") + DIGEST.length + 4
        hex(MessageDigest.getInstance("SHA-256").digest(file)).toByteArray().copyInto(file, place)
        return file
    }
}

/** Writes a file whole or not at all, and onto the disk; what has its name until then stays. Throws IOException. */
internal fun writeWhole(file: File, content: ByteArray) {
    val partial = File(file.path + PARTIAL)
    FileOutputStream(partial).use {
        it.write(content)
        it.fd.sync()
    }
    Files.move(partial.toPath(), file.toPath(), ATOMIC_MOVE) // replaces what is there, on every system that Android is
}
