package shop.mobileclip.search

import java.math.BigDecimal
import java.nio.ByteBuffer
import java.nio.IntBuffer
import java.util.Arrays

/** The catalog that a delta makes of [base]: its size is checked first, then it is written. Throws [Malformed]. */
internal class DeltaResult(private val base: ProductCatalog, private val delta: DeltaFile) {
    private val old = base.parts[0].tables
    private val kept = old.products - delta.removed.capacity()
    private val came = delta.products - kept
    private val index: Map<String, OverlayTensor>

    init {
        delta.checkOver(old)
        index = followedIndex().tensors().associateBy { it.part.name }
        val expected = parts().associateBy { it.name }
        val found = delta.head.tensors.associateBy { it.name }
        val wrong = (expected.keys + found.keys).filter { expected[it] != found[it] }
        wellFormed(wrong.isEmpty()) { "a head with other tensors than the result's: ${shown(wrong.joinToString())}" }
    }

    /** Writes it, onto the disk; [onBlock] is called before each block. */
    fun write(target: DiskWriter, onBlock: () -> Unit) {
        val out = BlockWriter(target, onBlock)
        out.put(ByteBuffer.wrap(delta.head.head), 0, delta.head.head.size)
        for (part in delta.head.tensors) write(part.name, out)
        out.flush()
        target.sync()
    }

    /** The tensors' types and shapes. */
    private fun parts(): List<ContainerLayout.Part> {
        val (products, dim) = delta.products.toLong() to old.dim.toLong()
        var rows = 0L
        eachRows { _, count, _ -> rows += count }
        fun bytes(each: ((Int) -> Unit) -> Unit): Long {
            var sum = 0L
            each { sum += it }
            wellFormed(sum <= Int.MAX_VALUE) { "$sum bytes of records or thumbnails" }
            return sum
        }
        return listOfNotNull(
            ContainerLayout.Part("prices", "I64", listOf(products)),
            ContainerLayout.Part("record_offsets", "U64", listOf(products + 1)),
            ContainerLayout.Part("categories", "U32", listOf(products)),
            ContainerLayout.Part("id_order", "U32", listOf(products)).takeIf { old.idOrder != null },
            ContainerLayout.Part("offset", "F32", listOf(dim)),
            ContainerLayout.Part("owners", "U32", listOf(rows)),
            ContainerLayout.Part("scales", "F32", listOf(rows)),
            ContainerLayout.Part("codes", "I8", listOf(rows, dim)),
            ContainerLayout.Part("records", "U8", listOf(bytes { use -> eachRecord { _, _, length -> use(length) } })),
        ) + if (old.thumbnails == null) {
            emptyList()
        } else {
            val size = bytes { use -> eachThumbnail { _, _, length -> use(length) } }
            listOf(
                ContainerLayout.Part("thumbnail_offsets", "U64", listOf(products + 1)),
                ContainerLayout.Part("thumbnails", "U8", listOf(size)),
            )
        } + old.firstPass?.let {
            val width = it.axes.capacity() / dim
            listOf(
                ContainerLayout.Part("first_axes", "I8", listOf(width, dim)),
                ContainerLayout.Part("first_codes", "I8", listOf(rows, width)),
                ContainerLayout.Part("first_scales", "F32", listOf(rows)),
            )
        }.orEmpty() + index.values.map { it.part }
    }

    /** What finds products beside vectors, of which the delta holds nothing. */
    private fun followedIndex(): FollowedIndex {
        val moved = IntArray(old.products)
        moved.fill(NONE)
        eachWritten({ place, before -> moved[before] = place }, { _, _ -> })
        val index = FollowedIndex(old, moved, delta.products)
        if (!index.isEmpty) eachWritten({ _, _ -> }, { place, record -> index.renew(place, RecordTexts.read(record)) })
        return index
    }

    /** Each product whose record is the base's, but for its price, and the record of each other. */
    private inline fun eachWritten(kept: (place: Int, before: Int) -> Unit, written: (Int, ByteBuffer) -> Unit) {
        val rewritten = Rising(delta.rewritten)
        var start = 0
        eachProduct { place, before ->
            val index = rewritten.index(place)
            if (index == NONE) {
                kept(place, before)
            } else {
                val length = delta.recordLengths.get(index)
                written(place, delta.records.part(start, length))
                start += length
            }
        }
    }

    private fun write(name: String, out: BlockWriter) = when (name) {
        "prices" -> prices(out)

        "record_offsets" -> offsets(out, ::eachRecord)

        "thumbnail_offsets" -> offsets(out, ::eachThumbnail)

        "categories" -> categories(out)

        "id_order" -> idOrder(out)

        "offset" -> for (index in 0 until old.dim) out.put(old.offset.get(index))

        "owners" -> owners(out)

        "scales" -> scales(out)

        "codes" -> eachRows { source, count, first ->
            val codes = if (source == Source.BASE) old.codes else delta.codes
            out.put(codes.duplicate(), first * old.dim, count * old.dim)
        }

        "first_axes" -> first().axes.let { out.put(it.duplicate(), 0, it.capacity()) }

        "first_codes" -> eachFirstRow(
            { row ->
                val width = first().axes.capacity() / old.dim
                out.put(first().codes.duplicate(), row * width, width)
            },
            { out.put(ByteBuffer.wrap(it.codes), 0, it.codes.size) },
        )

        "first_scales" -> eachFirstRow({ row -> out.put(first().scales.get(row)) }, { out.put(it.scale) })

        "records" -> eachRecord { source, from, length -> out.put(source, from, length) }

        "thumbnails" -> eachThumbnail { source, from, length -> out.put(source, from, length) }

        else -> index.getValue(name).data.let { out.put(it.duplicate(), 0, it.capacity()) }
    }

    private fun prices(out: BlockWriter) {
        val (rewritten, repriced) = Rising(delta.rewritten) to Rising(delta.repriced)
        eachProduct { place, before ->
            val (written, priced) = rewritten.index(place) to repriced.index(place)
            out.put(
                when {
                    priced != NONE -> delta.newPrices.get(priced)
                    written != NONE -> delta.prices.get(written)
                    else -> old.prices.get(before)
                },
            )
        }
    }

    /** An unchanged product's category has the name that it had; one whose name is gone is beyond the names' end. */
    private fun categories(out: BlockWriter) {
        val places = delta.names.withIndex().associate { (place, name) -> name to place }
        val moved = IntArray(base.categories.size) { places[base.categories[it]] ?: delta.names.size }
        val rewritten = Rising(delta.rewritten)
        eachProduct { place, before ->
            val written = rewritten.index(place)
            out.put(if (written != NONE) delta.categories.get(written) else moved[old.categories.get(before)])
        }
    }

    /** The base's order without what went, and each new product at its place in it. */
    private fun idOrder(out: BlockWriter) {
        val order = checkNotNull(old.idOrder)
        val new = LongArray(came) { delta.idPlaces.get(it).toLong() shl Int.SIZE_BITS or it.toLong() }.apply { sort() }
        var (taken, next) = 0 to 0
        for (place in 0 until delta.products) {
            if (taken < came && (new[taken] shr Int.SIZE_BITS).toInt() == place) {
                out.put(kept + new[taken++].toInt())
                continue
            }
            var before = order.get(next++)
            while (gone(before) >= 0) before = order.get(next++)
            out.put(before - gone(before).inv())
        }
    }

    /** Which of those removed a product of the base is; if none, the complement of how many stand before it. */
    private fun gone(before: Int): Int {
        var (low, high) = 0 to delta.removed.capacity()
        while (low < high) {
            val middle = (low + high) ushr 1
            if (delta.removed.get(middle) < before) low = middle + 1 else high = middle
        }
        return if (low < delta.removed.capacity() && delta.removed.get(low) == before) low else low.inv()
    }

    private fun owners(out: BlockWriter) {
        var place = 0
        eachRows { _, count, _ ->
            repeat(count) { out.put(place) }
            place++
        }
    }

    private fun scales(out: BlockWriter) = eachRows { source, count, first ->
        val scales = if (source == Source.BASE) old.scales else delta.scales
        for (row in first until first + count) out.put(scales.get(row))
    }

    private fun first(): FirstPass = checkNotNull(old.firstPass)

    /** What a first pass reads of each row: it stands in the base, or follows from the delta's codes. */
    private inline fun eachFirstRow(inBase: (row: Int) -> Unit, made: (FirstRow) -> Unit) {
        val codes = IntArray(old.dim)
        eachRows { source, count, first ->
            for (row in first until first + count) {
                if (source == Source.BASE) {
                    inBase(row)
                } else {
                    for (index in codes.indices) codes[index] = delta.codes.get(row * old.dim + index).toInt()
                    made(first().row(codes, delta.scales.get(row)))
                }
            }
        }
    }

    private fun offsets(out: BlockWriter, each: ((ByteBuffer, Int, Int) -> Unit) -> Unit) {
        var end = 0L
        out.put(end)
        each { _, _, length ->
            end += length
            out.put(end)
        }
    }

    private enum class Source { BASE, DELTA }

    /** The rows of each product: where they stand, how many they are, and the first of them there. */
    private inline fun eachRows(use: (source: Source, count: Int, first: Int) -> Unit) {
        val changed = Rising(delta.changed)
        var (row, given) = 0 to 0
        eachProduct { place, before ->
            var first = row
            if (before != NONE) {
                while (old.owners.get(first) < before) first++
                row = first
                while (row < old.rows && old.owners.get(row) == before) row++
            }
            val index = changed.index(place)
            if (index == NONE) {
                use(Source.BASE, row - first, first)
            } else {
                use(Source.DELTA, delta.rowCounts.get(index), given)
                given += delta.rowCounts.get(index)
            }
        }
    }

    /** The record of each product: bytes, from where on, how many. */
    private fun eachRecord(use: (ByteBuffer, Int, Int) -> Unit) {
        val (rewritten, repriced) = Rising(delta.rewritten) to Rising(delta.repriced)
        val (theirs, given) = old.records.duplicate() to delta.records.duplicate()
        var start = 0
        eachProduct { place, before ->
            val (written, priced) = rewritten.index(place) to repriced.index(place)
            if (written != NONE) {
                use(given, start, delta.recordLengths.get(written))
                start += delta.recordLengths.get(written)
            } else {
                val from = old.recordOffsets.get(before).toInt()
                val length = (old.recordOffsets.get(before + 1) - from).toInt()
                if (priced == NONE) {
                    use(theirs, from, length)
                } else {
                    val record = priced(old.record(before).bytes(), delta.newPrices.get(priced))
                    use(ByteBuffer.wrap(record), 0, record.size)
                }
            }
        }
    }

    /** The same of each product's thumbnail. */
    private fun eachThumbnail(use: (ByteBuffer, Int, Int) -> Unit) {
        val changed = Rising(delta.changed)
        val (offsets, theirs) = checkNotNull(old.thumbnailOffsets) to checkNotNull(old.thumbnails).duplicate()
        val given = delta.thumbnails.duplicate()
        var start = 0
        val has = delta.thumbnailLengths.capacity() > 0
        eachProduct { place, before ->
            val index = if (has) changed.index(place) else NONE
            if (index != NONE) {
                use(given, start, delta.thumbnailLengths.get(index))
                start += delta.thumbnailLengths.get(index)
            } else {
                wellFormed(before != NONE) { "a new product without a thumbnail's length" }
                val from = offsets.get(before).toInt()
                use(theirs, from, (offsets.get(before + 1) - from).toInt())
            }
        }
    }

    /** Each product of the result: its place, and its place in the base, [NONE] for a new one. */
    private inline fun eachProduct(use: (place: Int, before: Int) -> Unit) {
        var (gone, place) = 0 to 0
        for (before in 0 until old.products) {
            if (gone < delta.removed.capacity() && delta.removed.get(gone) == before) gone++ else use(place++, before)
        }
        while (place < delta.products) use(place++, NONE)
    }

    companion object {
        private const val NONE = -1
        private const val DECIMALS = 4
        private val PRICE = ",\"price\":".toByteArray() // in a JSON text, a quotation mark has a backslash before it
        private val ENDS = ",}".toByteArray()
        private val NULL = "null".toByteArray()

        /** A record with another price, in ten-thousandths. Throws [Malformed] for a record without one. */
        fun priced(record: ByteArray, price: Long): ByteArray {
            val at = after(record) ?: malformed("a new price for a record without one")
            val end = (at until record.size).firstOrNull { record[it] in ENDS }
                ?: malformed("a new price for a record whose price does not end")
            val text = if (price == CatalogTables.NO_PRICE) {
                NULL
            } else {
                BigDecimal.valueOf(price, DECIMALS).stripTrailingZeros().toPlainString().toByteArray()
            }
            return record.copyOf(at) + text + Arrays.copyOfRange(record, end, record.size)
        }

        /** Where in a record the price stands. */
        private fun after(record: ByteArray): Int? = (PRICE.size..record.size).firstOrNull { end ->
            PRICE.indices.all { record[end - PRICE.size + it] == PRICE[it] }
        }
    }

    /** Places that rise; asked for in rising order. */
    private class Rising(private val places: IntBuffer) {
        private var next = 0

        /** Which of them [place] is; [NONE] for none. */
        fun index(place: Int): Int = if (next < places.capacity() && places.get(next) == place) next++ else NONE
    }
}
