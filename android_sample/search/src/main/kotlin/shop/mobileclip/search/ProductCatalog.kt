package shop.mobileclip.search

import java.io.File
import java.nio.ByteBuffer
import java.nio.FloatBuffer
import java.nio.IntBuffer
import java.nio.LongBuffer
import java.nio.channels.FileChannel

/**
 * An open `.catalog` file, mapped: products, their records and small pictures, and their quantised embeddings.
 *
 * Opening checks the structure whole, so that nothing can point outside the file afterwards; [verify] checks the bytes.
 * May be shared between threads. The file must not be written to while it is open; replace it by renaming another.
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
    internal val tables: CatalogTables,
    private val digest: CatalogDigest,
) {
    /** How many products. */
    public val size: Int get() = tables.prices.capacity()

    /** How many rows: pictures of products. */
    public val rows: Int get() = tables.scales.capacity()

    /** The width of an embedding. */
    public val dim: Int get() = tables.offset.capacity()

    /**
     * A product's record, parsed anew each time. [product]: 0 until [size].
     *
     * @throws BadFileException if it is no JSON object: the file is damaged.
     */
    public fun product(product: Int): CatalogProduct =
        reading("$name, product $product") { CatalogProduct.read(tables.record(product)) }

    /** A product's small picture, a WebP file's bytes; null for none. */
    public fun thumbnail(product: Int): ByteArray? = tables.thumbnail(product)?.bytes()

    /** A product's category: a place in [categories]. */
    public fun category(product: Int): Int = tables.categories.get(product)

    /** A product's price in ten-thousandths of the currency's unit; null for none. */
    public fun price(product: Int): Long? = tables.prices.get(product).takeIf { it != CatalogTables.NO_PRICE }

    /**
     * Proves that the bytes are the builder's own, by the SHA-256 that stands in the file. Reads the whole file: to be
     * done once, after an install or a download, on a thread of its own.
     *
     * @throws BadFileException if they are not.
     */
    public fun verify(): Unit = reading(name) { digest.check() }

    public companion object {
        /**
         * Maps [file] and checks its structure. [space]: the embedding space of the app's encoders ([ModelManifest.space]).
         * [digest]: of the one catalog that came with them ([ModelManifest.CatalogFile]); the bytes are not read for it.
         *
         * @throws BadFileException for any file that is no whole catalog of this version, that space and that digest.
         */
        public fun open(file: File, space: String? = null, digest: String? = null): ProductCatalog =
            MappedFile.open(file) { CatalogReader.read(it, file.path, space, digest) }

        /** The same for [length] bytes of [channel] from [start] on: an uncompressed asset within an APK, say. */
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

/** The tensors: views of the mapped file, little-endian. Read at absolute places only, so that threads may share them. */
internal class CatalogTables(
    val prices: LongBuffer, // [products], ten-thousandths, NO_PRICE for none
    val categories: IntBuffer, // [products]
    val owners: IntBuffer, // [rows], from 0 by steps of 0 or 1
    val scales: FloatBuffer, // [rows]
    val offset: FloatBuffer, // [dim]
    val codes: ByteBuffer, // [rows, dim], int8
    private val recordOffsets: LongBuffer, // [products + 1]
    private val records: ByteBuffer,
    private val thumbnailOffsets: LongBuffer?, // [products + 1]
    private val thumbnails: ByteBuffer?,
) {
    fun record(product: Int): ByteBuffer = piece(records, recordOffsets, product)

    fun thumbnail(product: Int): ByteBuffer? {
        if (thumbnails == null || thumbnailOffsets == null) return null
        return piece(thumbnails, thumbnailOffsets, product).takeIf { it.capacity() > 0 }
    }

    /** The first row of a product: of the sorted owners, the first that is not below it. */
    fun firstRow(product: Int): Int {
        var low = 0
        var high = owners.capacity()
        while (low < high) {
            val middle = (low + high) ushr 1
            if (owners.get(middle) < product) low = middle + 1 else high = middle
        }
        return low
    }

    private fun piece(bytes: ByteBuffer, offsets: LongBuffer, product: Int): ByteBuffer {
        val start = offsets.get(product).toInt()
        return bytes.part(start, offsets.get(product + 1).toInt() - start)
    }

    companion object {
        const val NO_PRICE = -1L
    }
}
