package shop.mobileclip.search

import java.io.File
import java.io.FileOutputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
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

    /** Reads a file over the base of [empty]; where [anyBase], over another base of its space, too. */
    fun open(file: File, empty: CatalogOverlay, anyBase: Boolean = false): CatalogOverlay = MappedFile.open(file) {
        val base = empty.base
        val container = Container.read(it)
        val found = container.text(BASE)
        wellFormed(anyBase || found == base.digest, ErrorKind.MISMATCHED) {
            "it lies over another catalog: ${shown(found)}, not ${base.digest}"
        }
        val removed = Json.parse(container.text(REMOVED), once = true).asArray(REMOVED).map { id -> id.asText(REMOVED) }
        if (container.text("products") == "0") return@open CatalogOverlay(base, emptyList(), removed.toSet())
        val own = CatalogReader.catalog(container, file.path, base.space, null)
        wellFormed(own.dim == base.dim, ErrorKind.MISMATCHED) { "${own.dim} dimensions, the base has ${base.dim}" }
        val shape = longArrayOf(own.rows.toLong(), own.dim.toLong())
        CatalogOverlay(base, entries(own, container.tensor(VECTORS, "F32", *shape).asFloatBuffer()), removed.toSet())
    }

    private fun entries(own: ProductCatalog, vectors: FloatBuffer): List<OverlayEntry> {
        val tables = own.parts[0].tables
        val rows = (0 until tables.rows).groupBy { tables.owners.get(it) }
        return List(own.size) { product ->
            OverlayEntry(
                tables.id(product),
                tables.record(product),
                tables.prices.get(product),
                own.categories[own.category(product)],
                rows.getValue(product).map { vectors.part(it * own.dim, own.dim) },
                tables.thumbnail(product),
            )
        }
    }

    /** The file, its digest's digits still zeros. */
    private fun bytes(overlay: CatalogOverlay): ByteArray {
        val tensors = OverlayTables.tensors(overlay.base, overlay.entries)
            .sortedWith(compareBy({ -it.elementSize }, { it.name }))
        val header = header(metadata(overlay), tensors)
        val text = header + ByteArray(-header.size and 7) { ' '.code.toByte() }
        val file = ByteBuffer.allocate(8 + text.size + tensors.sumOf { it.data.capacity() })
        file.order(ByteOrder.LITTLE_ENDIAN).putLong(text.size.toLong()).put(text)
        for (tensor in tensors) file.put(tensor.data.part(0, tensor.data.capacity()))
        return file.array()
    }

    private fun header(metadata: Map<String, String>, tensors: List<OverlayTensor>): ByteArray {
        val pairs = metadata.toSortedMap().entries.joinToString(",") { (key, value) -> "${quoted(key)}:${quoted(value)}" }
        var position = 0
        val parts = tensors.map {
            val start = position
            position += it.data.capacity()
            val shape = it.shape.joinToString(",", "[", "]")
            """"${it.name}":{"dtype":"${it.type}","shape":$shape,"data_offsets":[$start,$position]}"""
        }
        return (listOf("\"__metadata__\":{$pairs}") + parts).joinToString(",", "{", "}").toByteArray()
    }

    private fun metadata(overlay: CatalogOverlay): Map<String, String> {
        val base = overlay.base
        return mapOf(
            BASE to base.digest,
            "calibration" to base.calibration.json,
            "categories" to list(OverlayTables.categories(overlay.entries)),
            "currency" to base.currency,
            "dim" to "${base.dim}",
            "model" to base.model,
            "products" to "${overlay.entries.size}",
            REMOVED to list(overlay.removed.sortedWith(::compareUtf8)),
            "rows" to "${overlay.entries.sumOf { it.vectors.size }}",
            DIGEST to "0".repeat(DIGITS),
            "space" to base.space,
        ) + CatalogReader.KNOWN
    }

    private fun list(texts: Collection<String>): String = texts.joinToString(",", "[", "]", transform = ::quoted)

    private fun quoted(text: String): String = OverlayRecord.quoted(text)

    private fun sealed(file: ByteArray): ByteArray {
        val place = String(file, Charsets.ISO_8859_1).indexOf("\"$DIGEST\":\"") + DIGEST.length + 4
        hex(MessageDigest.getInstance("SHA-256").digest(file)).toByteArray().copyInto(file, place)
        return file
    }
}

/** Writes a file whole or not at all, and onto the disk; what has its name until then stays. Throws IOException. */
internal fun writeWhole(file: File, content: ByteArray) {
    val partial = File(file.path + ".partial")
    FileOutputStream(partial).use {
        it.write(content)
        it.fd.sync()
    }
    Files.move(partial.toPath(), file.toPath(), ATOMIC_MOVE) // replaces what is there, on every system that Android is
}
