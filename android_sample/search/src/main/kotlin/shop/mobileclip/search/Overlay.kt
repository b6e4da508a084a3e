package shop.mobileclip.search

import java.math.BigDecimal
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
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
            require(product.name.isNotEmpty()) { "product '${product.id}' without a name" }
            require(product.vectors.isNotEmpty()) { "product '${product.id}' without a vector" }
            for (vector in product.vectors) checkVector(product.id, vector, base.dim)
            val currency = product.currency?.ifEmpty { null } ?: base.currency
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

        private fun checkVector(id: String, vector: FloatArray, dim: Int) {
            require(vector.size == dim) { "product '$id': a vector of ${vector.size} numbers, expected $dim" }
            require(vector.all { it - it == 0f }) { "product '$id': a vector with a number that is not finite" }
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
        for ((key, value) in product.extra.toSortedMap(::compareUtf8)) {
            require(key !in fields) { "product '${product.id}': a column '$key' beside its own" }
            fields[key] = quoted(value)
        }
        return fields.entries.joinToString(",", "{", "}") { (key, value) -> quoted(key) + ":" + value }
    }

    private val SHORT = mapOf(
        '"' to '"',
        '\\' to '\\',
        '\n' to 'n',
        '\r' to 'r',
        '\t' to 't',
        '\b' to 'b',
        '\u000c' to 'f',
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

    /** The tensors that a search reads. */
    fun of(base: ProductCatalog, entries: List<OverlayEntry>): CatalogTables {
        val tensors = tensors(base, entries).associate { it.part.name to it.data }
        fun tensor(name: String) = tensors.getValue(name).part(0, tensors.getValue(name).capacity())
        return CatalogTables(
            prices = tensor("prices").asLongBuffer(),
            categories = tensor("categories").asIntBuffer(),
            owners = tensor("owners").asIntBuffer(),
            scales = tensor("scales").asFloatBuffer(),
            offset = tensor("offset").asFloatBuffer(),
            codes = tensor("codes"),
            tensor("record_offsets").asLongBuffer(),
            tensor("records"),
            tensors["thumbnail_offsets"]?.let { tensor("thumbnail_offsets").asLongBuffer() },
            tensors["thumbnails"]?.let { tensor("thumbnails") },
            idOrder = null,
        )
    }

    /** All tensors of an overlay's file. */
    fun tensors(base: ProductCatalog, entries: List<OverlayEntry>): List<OverlayTensor> {
        val vectors = entries.flatMap { it.vectors }
        val offset = base.parts[0].tables.offset
        val codes = ByteArray(vectors.size * base.dim)
        val scales = List(vectors.size) { quantise(vectors[it], offset, codes, it * base.dim) }
        val names = categories(entries).withIndex().associate { (place, name) -> name to place }
        val owners = entries.flatMapIndexed { product, entry -> entry.vectors.map { product } }
        val records = entries.map { it.record }
        val thumbnails = entries.map { it.thumbnail ?: ByteBuffer.allocate(0) }
        val hasThumbnails = thumbnails.any { it.capacity() > 0 }
        val numbers = List(base.dim, offset::get)
        return listOfNotNull(
            OverlayTensor("prices", "I64", entries.size, longs(entries.map { it.price })),
            OverlayTensor("record_offsets", "U64", entries.size + 1, offsets(records)),
            OverlayTensor("thumbnail_offsets", "U64", entries.size + 1, offsets(thumbnails)).takeIf {
                hasThumbnails
            },
            OverlayTensor("categories", "U32", entries.size, integers(entries.map { names.getValue(it.category) })),
            OverlayTensor("offset", "F32", base.dim, floats(numbers)),
            OverlayTensor("owners", "U32", owners.size, integers(owners)),
            OverlayTensor("scales", "F32", scales.size, floats(scales)),
            OverlayTensor("vectors", "F32", listOf(vectors.size, base.dim), flat(vectors, base.dim)),
            OverlayTensor("codes", "I8", listOf(vectors.size, base.dim), ByteBuffer.wrap(codes)),
            joined(records).let { OverlayTensor("records", "U8", it.capacity(), it) },
            joined(thumbnails).let { OverlayTensor("thumbnails", "U8", it.capacity(), it) }.takeIf { hasThumbnails },
        )
    }

    /** The overlay's own names, in the order of their first product. */
    fun categories(entries: List<OverlayEntry>): List<String> = entries.map { it.category }.distinct()

    /** As catalog_builder/builder/quantize.py: codes to [codes] from [start] on; the scale is returned. */
    fun quantise(vector: FloatBuffer, offset: FloatBuffer, codes: ByteArray, start: Int): Float {
        val rest = DoubleArray(offset.capacity()) { vector.get(it).toDouble() - offset.get(it).toDouble() }
        val scale = (rest.maxOf { abs(it) } / LARGEST).toFloat()
        val divisor = if (scale > 0) scale.toDouble() else 1.0
        for ((index, value) in rest.withIndex()) {
            val code = Math.rint(value / divisor).coerceIn(-LARGEST.toDouble(), LARGEST.toDouble())
            codes[start + index] = code.toInt().toByte()
        }
        return scale
    }

    private fun offsets(pieces: List<ByteBuffer>): ByteBuffer =
        longs(pieces.runningFold(0L) { sum, piece -> sum + piece.capacity() })

    private fun longs(values: List<Long>): ByteBuffer = little(8 * values.size) { for (value in values) putLong(value) }

    private fun integers(values: List<Int>): ByteBuffer = little(4 * values.size) {
        for (value in values) putInt(value)
    }

    private fun floats(values: List<Float>): ByteBuffer =
        little(4 * values.size) { for (value in values) putFloat(value) }

    private fun flat(vectors: List<FloatBuffer>, dim: Int): ByteBuffer = little(4 * dim * vectors.size) {
        for (vector in vectors) for (index in 0 until dim) putFloat(vector.get(index))
    }

    private fun little(bytes: Int, put: ByteBuffer.() -> Unit): ByteBuffer =
        ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN).apply(put)

    private fun joined(pieces: List<ByteBuffer>): ByteBuffer = little(pieces.sumOf { it.capacity() }) {
        for (piece in pieces) put(piece.part(0, piece.capacity()))
    }
}

/** One tensor and its bytes. */
internal class OverlayTensor(val part: ContainerLayout.Part, val data: ByteBuffer) {
    constructor(name: String, type: String, shape: List<Int>, data: ByteBuffer) :
        this(ContainerLayout.Part(name, type, shape.map(Int::toLong)), data)

    constructor(name: String, type: String, length: Int, data: ByteBuffer) : this(name, type, listOf(length), data)
}
