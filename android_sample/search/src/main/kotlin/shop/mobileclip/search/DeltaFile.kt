package shop.mobileclip.search

import java.nio.ByteBuffer
import java.nio.FloatBuffer
import java.nio.IntBuffer
import java.nio.LongBuffer

/**
 * A delta as it stands in its file: FORMATS.md, "The delta's file". What does not hang on the base is checked here. Throws
 * [Malformed].
 */
internal class DeltaFile private constructor(container: Container) {
    /** The digest of the catalog that it is for. */
    val base: String = digest(container, "base")

    /** The digest of the catalog that it makes. */
    val result: String = digest(container, "result")

    private val content = container.tensor("head", "U8", Container.ANY)
    val head: ContainerLayout = ContainerLayout.read(content)

    val removed: IntBuffer = container.integers("removed")
    val changed: IntBuffer = container.integers("changed")
    val rowCounts: IntBuffer = container.integers("row_counts")
    val scales: FloatBuffer = container.tensor("scales", "F32", Container.ANY).asFloatBuffer()
    val codes: ByteBuffer = container.tensor("codes", "I8", Container.ANY)
    val thumbnailLengths: IntBuffer = container.integers("thumbnail_lengths")
    val thumbnails: ByteBuffer = container.tensor("thumbnails", "U8", Container.ANY)
    val rewritten: IntBuffer = container.integers("rewritten")
    val recordLengths: IntBuffer = container.integers("record_lengths")
    val records: ByteBuffer = container.tensor("records", "U8", Container.ANY)
    val categories: IntBuffer = container.integers("categories")
    val prices: LongBuffer = container.tensor("prices", "I64", Container.ANY).asLongBuffer()
    val repriced: IntBuffer = container.integers("repriced")
    val newPrices: LongBuffer = container.tensor("new_prices", "I64", Container.ANY).asLongBuffer()
    val idPlaces: IntBuffer = container.integers("id_places")

    /** How many products the result has, as its header says. */
    val products: Int = head.metadata["products"]?.takeIf { COUNT.matches(it) }?.toIntOrNull()
        ?: malformed("a head without a count of products")

    /** The result's list of categories. */
    val names: List<String> = Json.parse(head.metadata["categories"] ?: malformed("a head without categories"), false)
        .asArray("categories").map { it.asText("a category") }

    init {
        rising("changed", changed, products)
        rising("rewritten", rewritten, products)
        rising("repriced", repriced, products)
        alike("row_counts", rowCounts.capacity(), changed)
        alike("record_lengths", recordLengths.capacity(), rewritten)
        alike("categories", categories.capacity(), rewritten)
        alike("prices", prices.capacity(), rewritten)
        alike("new_prices", newPrices.capacity(), repriced)
        if (thumbnailLengths.capacity() > 0) alike("thumbnail_lengths", thumbnailLengths.capacity(), changed)
        sums("row_counts", rowCounts, scales.capacity(), least = 1)
        sums("record_lengths", recordLengths, records.capacity())
        sums("thumbnail_lengths", thumbnailLengths, thumbnails.capacity())
        for (index in 0 until newPrices.capacity()) {
            wellFormed(newPrices.get(index) >= CatalogTables.NO_PRICE) { "a price below 0" }
        }
    }

    /** Checks what hangs on the base: which of its products go, and that each new one is told whole. */
    fun checkOver(base: CatalogTables) {
        rising("removed", removed, base.products)
        val kept = base.products - removed.capacity()
        val came = products - kept
        for ((name, places) in listOf("changed" to changed, "rewritten" to rewritten)) {
            val first = places.capacity() - came
            wellFormed(came >= 0 && first >= 0 && (came == 0 || places.get(first) >= kept)) {
                "$came new products, of which not all are $name"
            }
        }
        wellFormed(codes.capacity().toLong() == scales.capacity().toLong() * base.dim) {
            "${codes.capacity()} codes for ${scales.capacity()} rows of ${base.dim}"
        }
        if (base.idOrder != null || idPlaces.capacity() > 0) checkIds(came)
    }

    private fun checkIds(came: Int) {
        wellFormed(idPlaces.capacity() == came) { "${idPlaces.capacity()} id_places for $came new products" }
        val sorted = IntArray(came, idPlaces::get).apply { sort() }
        for ((index, place) in sorted.withIndex()) {
            wellFormed(place in 0 until products && (index == 0 || place > sorted[index - 1])) {
                "id_places that are not one for each new product"
            }
        }
    }

    companion object {
        private val COUNT = Regex("[1-9][0-9]{0,9}")

        fun read(file: MappedFile): DeltaFile {
            val container = Container.read(file)
            for ((key, known) in mapOf("format" to "mobileclip-delta", "version" to "1")) {
                val found = container.metadata[key]
                wellFormed(found == known) { "unknown $key: expected '$known', found ${found?.let(::shown) ?: "none"}" }
            }
            return DeltaFile(container)
        }

        private fun Container.integers(name: String): IntBuffer = tensor(name, "U32", Container.ANY).asIntBuffer()

        private fun digest(container: Container, key: String): String = container.text(key).also {
            wellFormed(isDigest(it)) { "$key is ${shown(it)}, not 64 hex digits" }
        }

        private fun rising(name: String, places: IntBuffer, end: Int) {
            for (index in 0 until places.capacity()) {
                val place = places.get(index)
                wellFormed(place in 0 until end && (index == 0 || place > places.get(index - 1))) {
                    "$name that do not rise to below $end"
                }
            }
        }

        private fun alike(name: String, length: Int, places: IntBuffer) =
            wellFormed(length == places.capacity()) { "$length $name for ${places.capacity()} places" }

        /** They are U32, and their sum is the length of what they cut. */
        private fun sums(name: String, lengths: IntBuffer, whole: Int, least: Int = 0) {
            var sum = 0L
            for (index in 0 until lengths.capacity()) {
                wellFormed(lengths.get(index) >= least) { "$name of ${lengths.get(index).toUInt()}" }
                sum += lengths.get(index)
            }
            wellFormed(sum == whole.toLong()) { "$name whose sum is $sum, for $whole" }
        }
    }
}
