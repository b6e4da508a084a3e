package shop.mobileclip.search.tools

import shop.mobileclip.search.CatalogSearch
import shop.mobileclip.search.ImagePreprocessor
import shop.mobileclip.search.ProductCatalog
import shop.mobileclip.search.ResizeInterpolation
import shop.mobileclip.search.SearchQuery
import shop.mobileclip.search.Tokenizers
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.security.MessageDigest
import java.util.concurrent.Executors

/**
 * What benchmarks/ times. Does one thing once for each line that it gets, and answers each with a line: the
 * milliseconds that it took, a space, and what came out, so that it can be checked.
 *
 * - `search <catalog> <vector> <k> first|exact|shared`: vector is a file of little-endian float32; by the catalog's first pass,
 *   exactly, or exactly by two threads; out come the products, with commas
 * - `id <catalog> <id>`: out comes the product's name
 * - `open <catalog>`: out comes how many products it has
 * - `picture <rgb> <width> <height> <size> bilinear|bicubic`: out comes the SHA-256 of the square
 *
 * `tokenizer <asset> <texts>`, a file with a text a line, reads no lines: it times opening, checking and encoding by itself
 * and prints one line of JSON.
 */
object Bench {
    @JvmStatic
    fun main(arguments: Array<String>) {
        if (arguments[0] == "tokenizer") return println(tokenizer(File(arguments[1]), File(arguments[2]).readLines()))
        val work = when (arguments[0]) {
            "search" -> search(File(arguments[1]), File(arguments[2]), arguments[3].toInt(), arguments[4])
            "id" -> id(File(arguments[1]), arguments[2])
            "open" -> open(File(arguments[1]))
            else -> picture(File(arguments[1]), arguments.slice(2..4).map { it.toInt() }, arguments[5])
        }
        while (readlnOrNull() != null) {
            val start = System.nanoTime()
            val answer = work()
            val taken = System.nanoTime() - start
            println("${taken / 1e6} ${answer()}")
        }
    }

    /** What is timed answers what tells its outcome, which is not. */
    private fun search(catalog: File, vector: File, k: Int, how: String): () -> () -> String {
        val helper = Executors.newSingleThreadExecutor { work -> Thread(work).apply { isDaemon = true } }
        val search = CatalogSearch(ProductCatalog.open(catalog), helper.takeIf { how == "shared" })
        val floats = ByteBuffer.wrap(vector.readBytes()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        val query = SearchQuery.Image(FloatArray(floats.capacity(), floats::get))
        return {
            val hits = search.search(query, k, exact = how != "first");
            { hits.joinToString(",") { it.product.toString() } }
        }
    }

    private fun id(catalog: File, id: String): () -> () -> String {
        val opened = ProductCatalog.open(catalog)
        return {
            val product = opened.product(id);
            { product?.name ?: "none" }
        }
    }

    private fun open(catalog: File): () -> () -> String = {
        val opened = ProductCatalog.open(catalog);
        { opened.size.toString() }
    }

    /** [sides]: the picture's width and height, the square's. */
    private fun picture(rgb: File, sides: List<Int>, interpolation: String): () -> () -> String {
        val (width, height, size) = sides
        val bytes = rgb.readBytes()
        val preprocessor = ImagePreprocessor(size, ResizeInterpolation.valueOf(interpolation.uppercase()))
        return {
            val square = preprocessor.square(bytes, width, height);
            { MessageDigest.getInstance("SHA-256").digest(square).joinToString("") { "%02x".format(it) } }
        }
    }

    /** Warm times are medians; [WARM] turns go before them. `heap_mb`: what one open tokenizer keeps, without what is mapped. */
    private fun tokenizer(asset: File, texts: List<String>): String {
        val first = milliseconds { Tokenizers.load(asset) }
        val opens = List(WARM + OPENS) { milliseconds { Tokenizers.load(asset) } }.drop(WARM)
        val before = usedBytes()
        val open = List(OPENS) { Tokenizers.load(asset) } // one alone may be less than the heap's own noise
        val kept = (usedBytes() - before) / open.size
        val tokenizer = open.first()
        val checks = List(CHECKS) { milliseconds(tokenizer::verify) }
        val encodes = texts.map { text ->
            repeat(WARM) { tokenizer.encode(text) }
            median(List(ENCODES) { milliseconds { tokenizer.encode(text) } })
        }
        val ids = texts.map { tokenizer.encode(it).toList() }
        return """{"first_open_ms": $first, "open_ms": ${median(opens)}, "verify_ms": ${median(checks)}, """ +
            """"heap_mb": ${kept / 1e6}, "encode_us": ${1e3 * median(encodes)}, "ids": $ids}"""
    }

    private inline fun milliseconds(work: () -> Unit): Double {
        val start = System.nanoTime()
        work()
        return (System.nanoTime() - start) / 1e6
    }

    private fun median(values: List<Double>): Double = values.sorted()[values.size / 2]

    private fun usedBytes(): Long = Runtime.getRuntime().run {
        repeat(COLLECTIONS) { gc() }
        totalMemory() - freeMemory()
    }

    private const val WARM = 100
    private const val OPENS = 21
    private const val CHECKS = 5
    private const val ENCODES = 101
    private const val COLLECTIONS = 3
}
