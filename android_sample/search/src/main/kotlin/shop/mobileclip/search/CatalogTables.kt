package shop.mobileclip.search

import java.nio.ByteBuffer
import java.nio.FloatBuffer
import java.nio.IntBuffer
import java.nio.LongBuffer

/** The tensors: views of the mapped file, little-endian. Read at absolute places only, so that threads may share them. */
internal class CatalogTables(
    val prices: LongBuffer, // [products], ten-thousandths, NO_PRICE for none
    val categories: IntBuffer, // [products]
    val owners: IntBuffer, // [rows], from 0 by steps of 0 or 1
    val scales: FloatBuffer, // [rows]
    val offset: FloatBuffer, // [dim]
    val codes: ByteBuffer, // [rows, dim], int8
    val recordOffsets: LongBuffer, // [products + 1]
    val records: ByteBuffer,
    val thumbnailOffsets: LongBuffer?, // [products + 1]
    val thumbnails: ByteBuffer?,
    val idOrder: IntBuffer?, // [products], null in files of older builders
    val firstPass: FirstPass? = null,
    val words: CatalogWords? = null,
    val filters: Map<String, FilterColumn> = emptyMap(), // by their names, in the file's order
) {
    private val ids: IdOrder by lazy {
        if (idOrder != null) IdOrder(idOrder, ::id) else IdOrder.sorted(prices.capacity(), ::id)
    }

    val products: Int get() = prices.capacity()
    val rows: Int get() = scales.capacity()
    val dim: Int get() = offset.capacity()

    fun record(product: Int): ByteBuffer = piece(records, recordOffsets, product)

    fun thumbnail(product: Int): ByteBuffer? {
        if (thumbnails == null || thumbnailOffsets == null) return null
        return piece(thumbnails, thumbnailOffsets, product).takeIf { it.capacity() > 0 }
    }

    /** Where the product of that id stands; null for none. Throws [Malformed] for a damaged record. */
    fun place(id: String): Int? = ids.place(id)

    fun id(product: Int): String = CatalogProduct.id(record(product))

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
