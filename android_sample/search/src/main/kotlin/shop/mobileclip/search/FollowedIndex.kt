package shop.mobileclip.search

import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * The words, keys and filters of the catalog that a delta makes. They follow from the records: those of products that stay
 * are the base's, at other places; those of other records are made anew ([renew]).
 *
 * [moved]: of each product of the base, its place in the result; -1 where it is gone or its record is another. [products]:
 * how many the result has.
 */
internal class FollowedIndex(private val base: CatalogTables, private val moved: IntArray, private val products: Int) {
    private val words = base.words?.takeIf { it.keyFields.isNotEmpty() || it.wordFields.isNotEmpty() }
    private val counts = ByteArray(if (words == null) 0 else products)
    private val terms = Terms()
    private val keys = Longs()
    private val values = base.filters.mapValues { (_, column) -> Values(column) }

    /** Whether there is anything to make. */
    val isEmpty: Boolean get() = words == null && base.filters.isEmpty()

    /** Takes a product from its record. */
    fun renew(place: Int, record: RecordTexts) {
        for ((field, values) in values) values.put(place, record.of(field))
        if (words == null) return
        val own = words.terms(record)
        counts[place] = WordIndex.counted(own.size).toByte()
        terms.add(place, own)
        for (hash in words.keys(record).map(CatalogWords::hash).toSet()) keys += pair(hash, place)
    }

    /** All tensors, once every other record was taken. Throws [Malformed] for too many values of a filter. */
    fun tensors(): List<OverlayTensor> = words?.let(::words).orEmpty() + filters()

    private fun words(words: CatalogWords): List<OverlayTensor> {
        eachMoved { before, now -> counts[now] = words.index.count(before).toByte() }
        for (index in 0 until words.keyHashes.capacity()) {
            val now = moved[words.keyProducts.get(index)]
            if (now >= 0) keys += pair(words.keyHashes.get(index), now)
        }
        val pairs = keys.sorted()
        return words.tables.map { (name, data) -> OverlayTensor(name, "U32", data.capacity() / Int.SIZE_BYTES, data) } +
            integers("key_hashes", pairs.size) { (pairs[it] shr Int.SIZE_BITS).toInt() + Int.MIN_VALUE } +
            integers("key_products", pairs.size) { pairs[it].toInt() } +
            OverlayTensor("word_counts", "U8", products, ByteBuffer.wrap(counts)) +
            merged(words.index, terms)
    }

    /** The base's terms and the new ones, in the order of their bytes. */
    private fun merged(index: WordIndex, made: Terms): List<OverlayTensor> {
        val out = TermWriter()
        val added = made.sorted()
        var next = 0
        for (term in 0 until index.terms) {
            val bytes = index.term(term)
            var order = -1
            while (next < added.size) {
                order = compare(added[next].bytes, bytes)
                if (order >= 0) break
                out.write(added[next].bytes, added[next++].products)
            }
            val places = Integers()
            index.eachProduct(term) { if (moved[it] >= 0) places += moved[it] }
            if (order == 0 && next < added.size) added[next++].products.forEach { places += it }
            out.write(bytes, places.sorted())
        }
        while (next < added.size) out.write(added[next].bytes, added[next++].products)
        return out.tensors()
    }

    private fun filters(): List<OverlayTensor> {
        if (values.isEmpty()) return emptyList()
        val numbers = ByteBuffer.allocate(Short.SIZE_BYTES * values.size * products).order(ByteOrder.LITTLE_ENDIAN)
        val lists = values.map { (field, values) ->
            val sorted = values.sorted()
            wellFormed(sorted.size <= MOST_VALUES) { "${sorted.size} different values of ${shown(field)}" }
            val places = sorted.withIndex().associate { (place, value) -> value to place }
            for (value in values.ofProducts) numbers.putShort(places.getValue(value).toShort())
            sorted.joinToString(",", "[", "]") { it.joinToString(",", "[", "]", transform = OverlayRecord::quoted) }
        }
        val names = lists.joinToString(",", "[", "]").toByteArray()
        return listOf(
            OverlayTensor("filter_values", "U16", values.size * products, numbers),
            OverlayTensor("filter_names", "U8", names.size, ByteBuffer.wrap(names)),
        )
    }

    /** What products hold in the field of [column]; equal values are one object. */
    private inner class Values(column: FilterColumn) {
        private val known = HashMap<List<String>, List<String>>()
        val ofProducts = Array(products) { emptyList<String>() }

        init {
            eachMoved { before, now -> ofProducts[now] = column.values[column.number(before)] }
        }

        fun put(product: Int, value: List<String>) {
            ofProducts[product] = known.getOrPut(value) { value }
        }

        /** Each that a product holds, in the order of its texts' bytes. */
        fun sorted(): List<List<String>> = ofProducts.distinct().sortedWith(::compareValues)
    }

    private inline fun eachMoved(use: (before: Int, now: Int) -> Unit) {
        for ((before, now) in moved.withIndex()) if (now >= 0) use(before, now)
    }

    /** New terms with their products. */
    private class Terms {
        private val places = HashMap<String, Integers>()

        class Term(val bytes: ByteArray, val products: IntArray)

        fun add(product: Int, terms: Set<String>) {
            for (term in terms) places.getOrPut(term) { Integers() } += product
        }

        fun sorted(): List<Term> = places.entries.sortedWith { one, other -> compareUtf8(one.key, other.key) }
            .map { (term, products) -> Term(term.toByteArray(), products.sorted()) }
    }

    /** Terms enter, in their order; the tensors leave. */
    private class TermWriter {
        private val text = ByteArrayOutputStream()
        private val offsets = Integers().apply { this += 0 }
        private val postings = ByteArrayOutputStream()
        private val postingOffsets = Integers().apply { this += 0 }

        /** A term without products goes. */
        fun write(term: ByteArray, products: IntArray) {
            if (products.isEmpty()) return
            text.write(term, 0, term.size)
            offsets += text.size()
            var before = -1
            for (product in products) {
                var gap = product - before - 1
                while (gap > MOST_OF_A_BYTE) {
                    postings.write(gap and MOST_OF_A_BYTE or MORE)
                    gap = gap ushr WordIndex.BITS
                }
                postings.write(gap)
                before = product
            }
            postingOffsets += postings.size()
        }

        fun tensors(): List<OverlayTensor> = listOf(
            OverlayTensor("word_text", "U8", text.size(), ByteBuffer.wrap(text.toByteArray())),
            integers("word_offsets", offsets.size, offsets::get),
            OverlayTensor("word_postings", "U8", postings.size(), ByteBuffer.wrap(postings.toByteArray())),
            integers("word_posting_offsets", postingOffsets.size, postingOffsets::get),
        )
    }

    /** Numbers; grows at its end. */
    private class Integers {
        private var numbers = IntArray(4)

        var size = 0
            private set

        operator fun plusAssign(number: Int) {
            if (size == numbers.size) numbers = numbers.copyOf(2 * size)
            numbers[size++] = number
        }

        fun get(index: Int): Int = numbers[index]

        fun sorted(): IntArray = numbers.copyOf(size).apply { sort() }
    }

    /** The same of 64 bits. */
    private class Longs {
        private var numbers = LongArray(64)
        private var size = 0

        operator fun plusAssign(number: Long) {
            if (size == numbers.size) numbers = numbers.copyOf(2 * size)
            numbers[size++] = number
        }

        fun sorted(): LongArray = numbers.copyOf(size).apply { sort() }
    }

    private companion object {
        const val MOST_VALUES = 1 shl 16
        const val MOST_OF_A_BYTE = 0x7F
        const val MORE = 0x80

        /** Sorts as the unsigned hash does, then as the product. */
        fun pair(hash: Int, product: Int): Long = (hash + Int.MIN_VALUE).toLong() shl Int.SIZE_BITS or product.toLong()

        fun integers(name: String, count: Int, number: (Int) -> Int): OverlayTensor {
            val data = ByteBuffer.allocate(Int.SIZE_BYTES * count).order(ByteOrder.LITTLE_ENDIAN)
            for (index in 0 until count) data.putInt(number(index))
            return OverlayTensor(name, "U32", count, data)
        }

        /** Unsigned, a shorter one before its continuations. */
        fun compare(one: ByteArray, other: ByteArray): Int {
            for (index in 0 until minOf(one.size, other.size)) {
                if (one[index] != other[index]) return (one[index].toInt() and 0xFF) - (other[index].toInt() and 0xFF)
            }
            return one.size - other.size
        }

        fun compareValues(one: List<String>, other: List<String>): Int {
            for ((text, theirs) in one.zip(other)) compareUtf8(text, theirs).let { if (it != 0) return it }
            return one.size - other.size
        }
    }
}
