package shop.mobileclip.search

import java.nio.ByteBuffer
import java.nio.IntBuffer

/** What finds products by words and by keys: FORMATS.md, "Words and keys". Views of the mapped file. */
internal class CatalogWords private constructor(
    /** The fields that keys are made of. */
    val keyFields: List<String>,
    /** The fields that words are made of. */
    val wordFields: List<String>,
    val characters: WordCharacters,
    /** The bytes of the characters' tensors, by their names. */
    val tables: Map<String, ByteBuffer>,
    val keyHashes: IntBuffer, // unsigned, never falling
    val keyProducts: IntBuffer,
    val index: WordIndex,
) {
    /** A product's keys. */
    fun keys(record: RecordTexts): Set<String> =
        record.of(keyFields).map(characters::key).filter { it.isNotEmpty() }.toSet()

    /** A product's terms. */
    fun terms(record: RecordTexts): Set<String> =
        record.of(wordFields).flatMap(characters::runs).flatMap { it.terms }.toSet()

    /** The products that may have a key, by their places. */
    fun candidates(key: String): Sequence<Int> = sequence {
        val hash = hash(key)
        var low = 0
        var high = keyHashes.capacity()
        while (low < high) {
            val middle = (low + high) ushr 1
            if (below(keyHashes.get(middle), hash)) low = middle + 1 else high = middle
        }
        while (low < keyHashes.capacity() && keyHashes.get(low) == hash) yield(keyProducts.get(low++))
    }

    companion object {
        private val OTHERS = listOf(
            "key_hashes",
            "key_products",
            "word_text",
            "word_offsets",
            "word_postings",
            "word_posting_offsets",
            "word_counts",
        )
        private const val START = -0x7EE3623B // FNV-1a of 32 bits: 2166136261
        private const val FACTOR = 16777619

        /** FNV-1a over the UTF-8. */
        fun hash(key: String): Int =
            key.toByteArray().fold(START) { hash, byte -> (hash xor (byte.toInt() and 0xFF)) * FACTOR }

        /** Of a catalog's file; null where it has none. Throws [Malformed]. */
        fun read(container: Container, products: Long): CatalogWords? {
            if ((WordCharacters.TENSORS + OTHERS).none { it in container }) return null
            fun integers(name: String) = container.tensor(name, "U32", Container.ANY).asIntBuffer()
            fun bytes(name: String) = container.tensor(name, "U8", Container.ANY)
            val (folds, texts, letters) = WordCharacters.TENSORS.map(::integers)
            val (hashes, owners) = integers("key_hashes") to integers("key_products")
            checkKeys(hashes, owners, products)
            return CatalogWords(
                FilterColumn.fields(container, "keys"),
                FilterColumn.fields(container, "words"),
                WordCharacters(folds, texts, letters),
                WordCharacters.TENSORS.associateWith { container.tensor(it, "U32", Container.ANY) },
                hashes,
                owners,
                WordIndex(
                    bytes("word_text"),
                    integers("word_offsets"),
                    bytes("word_postings"),
                    integers("word_posting_offsets"),
                    container.tensor("word_counts", "U8", products),
                ),
            )
        }

        private fun checkKeys(hashes: IntBuffer, owners: IntBuffer, products: Long) {
            wellFormed(hashes.capacity() == owners.capacity()) {
                "key_products that are not one for each of key_hashes"
            }
            for (index in 0 until hashes.capacity()) {
                wellFormed(owners.get(index) in 0 until products) { "a product beyond the end in key_products" }
                val rises = index == 0 || below(hashes.get(index - 1), hashes.get(index)) ||
                    (hashes.get(index - 1) == hashes.get(index) && owners.get(index - 1) < owners.get(index))
                wellFormed(rises) { "key_hashes that do not rise" }
            }
        }

        /** Of unsigned numbers. */
        private fun below(one: Int, other: Int) = one + Int.MIN_VALUE < other + Int.MIN_VALUE
    }
}
