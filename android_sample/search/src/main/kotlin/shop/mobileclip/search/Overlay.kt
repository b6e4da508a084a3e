package shop.mobileclip.search

import java.math.BigDecimal
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import java.nio.IntBuffer
import java.nio.LongBuffer
import kotlin.math.abs

/** One product of an overlay, as it is kept: views of the file that it was read from, or arrays of its own. */
internal class OverlayEntry(
    val id: String,
    val record: ByteBuffer, // a JSON object
    val price: Long, // ten-thousandths, NO_PRICE for none
    val category: String,
    val vectors: List<FloatBuffer>, // [dim] each, before quantisation
    val thumbnail: ByteBuffer?,
) {
    companion object {
        private const val DECIMALS = 4
        private val LARGEST_PRICE = BigDecimal.valueOf(Long.MAX_VALUE).movePointLeft(DECIMALS)

        fun of(product: NewProduct, base: ProductCatalog): OverlayEntry {
            require(product.id.isNotEmpty()) { "a product without an id" }
            require(product.vectors.isNotEmpty()) { "product '${product.id}' without a vector" }
            for (vector in product.vectors) PreparedQuery.of(vector, base.parts[0].tables) // refuses what cannot be scored
            val currency = product.currency ?: base.currency
            require(base.currency.isEmpty() || currency == base.currency) {
                "product '${product.id}' is priced in $currency, the catalog in ${base.currency}"
            }
            return OverlayEntry(
                product.id,
                ByteBuffer.wrap(OverlayRecord.json(product, currency).toByteArray()),
                product.price?.let { tenThousandths(product.id, it) } ?: CatalogTables.NO_PRICE,
                product.category,
                product.vectors.map { FloatBuffer.wrap(it.copyOf()) },
                product.thumbnail?.let { ByteBuffer.wrap(it.copyOf()) },
            )
        }

        private fun tenThousandths(id: String, price: BigDecimal): Long {
            val fits = price.signum() >= 0 && price <= LARGEST_PRICE && price.stripTrailingZeros().scale() <= DECIMALS
            require(fits) { "product '$id' has a price of $price, expected 0 or more, at most $DECIMALS decimals" }
            return price.movePointRight(DECIMALS).longValueExact()
        }
    }
}

/** A record as the catalog's builder writes it: compact JSON, the price as an exact decimal, the other columns last. */
internal object OverlayRecord {
    fun json(product: NewProduct, currency: String): String {
        val price = product.price?.stripTrailingZeros()?.toPlainString() ?: "null"
        val fields = linkedMapOf(
            "id" to quoted(product.id),
            "name" to quoted(product.name),
            "price" to price,
            "currency" to quoted(currency),
            "description" to quoted(product.description),
            "category" to quoted(product.category),
        )
        for ((key, value) in product.extra) {
            require(key !in fields) { "product '${product.id}': a column '$key' beside its own" }
            fields[key] = quoted(value)
        }
        return fields.entries.joinToString(",", "{", "}") { (key, value) -> quoted(key) + ":" + value }
    }

    private val SHORT = mapOf(
        '"' to '"', '\\' to '\\', '\n' to 'n', '\r' to 'r', '\t' to 't', '\b' to 'b', '\u000c' to 'f',
    )

    /** A JSON text. */
    fun quoted(text: String): String = buildString(text.length + 2) {
        append('"')
        for (unit in text) {
            when {
                unit in SHORT -> append('\\').append(SHORT.getValue(unit))
                unit < ' ' -> append("\\u%04x".format(unit.code))
                else -> append(unit)
            }
        }
        append('"')
    }
}

/** An overlay's tables, in memory. */
internal object OverlayTables {
    private const val LARGEST = 127

    fun of(base: ProductCatalog, entries: List<OverlayEntry>): CatalogTables {
        val vectors = entries.flatMap { it.vectors }
        val offset = base.parts[0].tables.offset
        val codes = ByteArray(vectors.size * base.dim)
        val scales = FloatArray(vectors.size) { quantise(vectors[it], offset, codes, it * base.dim) }
        val names = categories(entries).withIndex().associate { (place, name) -> name to place }
        val owners = entries.flatMapIndexed { product, entry -> entry.vectors.map { product } }
        return CatalogTables(
            prices = LongBuffer.wrap(LongArray(entries.size) { entries[it].price }),
            categories = IntBuffer.wrap(IntArray(entries.size) { names.getValue(entries[it].category) }),
            owners = IntBuffer.wrap(owners.toIntArray()),
            scales = FloatBuffer.wrap(scales),
            offset = offset,
            codes = ByteBuffer.wrap(codes),
            offsets(entries.map { it.record }),
            joined(entries.map { it.record }),
            offsets(entries.map { it.thumbnail ?: NOTHING }),
            joined(entries.map { it.thumbnail ?: NOTHING }),
            idOrder = null,
        )
    }

    /** The overlay's own names, in the order of their first product. */
    fun categories(entries: List<OverlayEntry>): List<String> = entries.map { it.category }.distinct()

    /** As catalog_builder/builder/quantize.py: codes to [codes] from [start] on; the scale is returned. */
    private fun quantise(vector: FloatBuffer, offset: FloatBuffer, codes: ByteArray, start: Int): Float {
        val rest = DoubleArray(offset.capacity()) { vector.get(it).toDouble() - offset.get(it).toDouble() }
        val scale = (rest.maxOf { abs(it) } / LARGEST).toFloat()
        val divisor = if (scale > 0) scale.toDouble() else 1.0
        for ((index, value) in rest.withIndex()) {
            val code = Math.rint(value / divisor).coerceIn(-LARGEST.toDouble(), LARGEST.toDouble())
            codes[start + index] = code.toInt().toByte()
        }
        return scale
    }

    private fun offsets(pieces: List<ByteBuffer>): LongBuffer =
        LongBuffer.wrap(pieces.runningFold(0L) { sum, piece -> sum + piece.capacity() }.toLongArray())

    private fun joined(pieces: List<ByteBuffer>): ByteBuffer {
        val whole = ByteBuffer.allocate(pieces.sumOf { it.capacity() }).order(ByteOrder.LITTLE_ENDIAN)
        for (piece in pieces) whole.put(piece.part(0, piece.capacity()))
        return whole
    }

    private val NOTHING: ByteBuffer = ByteBuffer.allocate(0)
}
