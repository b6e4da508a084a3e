package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.Random
import java.util.concurrent.CancellationException
import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicInteger

class SearchTest {
    @TempDir
    lateinit var folder: File

    private fun vector(random: Random, dim: Int) = FloatArray(dim) { random.nextInt(9) - 4f }.also { it[0] = 5f }

    @Test
    fun `searches with filters, thresholds and ties equal the slow way`() {
        val random = Random(5)
        var ties = 0
        for (seed in 0L until 400) {
            val made = MadeCatalog.random(seed, 1 + random.nextInt(700), 1 + random.nextInt(40))
            val search = CatalogSearch(opened(folder, made.bytes()))
            val vector = vector(random, made.dim)
            val filter = CatalogFilter(
                if (random.nextBoolean()) made.names.filter { random.nextBoolean() }.toSet() else null,
                if (random.nextInt(3) == 0) random.nextInt(10) * 10_000L else null,
                if (random.nextInt(3) == 0) random.nextInt(20) * 10_000L else null,
            )
            val without = if (random.nextBoolean()) random.nextInt(made.products) else null
            val all = PlainSearch(made, vector).exact(PlainSearch.fits(made, filter, without))
            ties += all.zipWithNext().count { (a, b) -> a.score == b.score }
            val hasThreshold = all.isNotEmpty() && random.nextBoolean()
            val threshold = if (hasThreshold) all[random.nextInt(all.size)].score else Double.NEGATIVE_INFINITY
            val k = 1 + random.nextInt(30)
            val found = search.search(SearchQuery.Text(vector), k, filter, threshold, without = without)
            val expected = all.filter { it.score >= threshold }.take(k)
            assertEquals(expected.bits(), found.hitBits(), "seed $seed")
        }
        assertTrue(ties > 1000) { "$ties" }
    }

    @Test
    fun `every width up to the widest is scored exactly`() {
        for (dim in (1..70) + listOf(127, 128, 511, 512, 513, 768, 1023, 1024)) {
            val made = MadeCatalog.random(dim.toLong(), 33, dim)
            made.codes.fill(-127, 0, dim)
            val vector = FloatArray(dim) { 1f }
            val found = CatalogSearch(opened(folder, made.bytes())).search(SearchQuery.Image(vector), 100)
            assertEquals(PlainSearch(made, vector).exact { true }.bits(), found.hitBits())
        }
    }

    @Test
    fun `more like this leaves the product out and equals a search by its first row`() {
        val made = MadeCatalog.random(3, 60, 16)
        val catalog = opened(folder, made.bytes())
        for (product in 0 until catalog.size) {
            val row = made.owners.indexOf(product)
            val vector =
                FloatArray(16) { (made.offset[it] + made.scales[row].toDouble() * made.codes[row * 16 + it]).toFloat() }
            assertEquals(
                PlainSearch(made, vector).exact { it != product }.take(5).bits(),
                CatalogSearch(catalog).search(SearchQuery.Like(product), 5).hitBits(),
            )
        }
    }

    @Test
    fun `the slider's ends are the text's and the image's own results`() {
        val made = MadeCatalog.random(8, 200, 24)
        val search = CatalogSearch(opened(folder, made.bytes()))
        val text = vector(Random(1), 24)
        val image = vector(Random(2), 24)
        assertEquals(search.search(SearchQuery.Text(text)), search.search(SearchQuery.Both(text, image, 0.0)))
        assertEquals(search.search(SearchQuery.Image(image)), search.search(SearchQuery.Both(text, image, 1.0)))
        assertEquals(0.5, ScoreCalibration.read(made.metadata().getValue("calibration")).weight(1.0 / 3), 1e-12)
    }

    @Test
    fun `stars and per cent round halves to even`() {
        fun hit(confidence: Double?) = SearchHit(0, 0, 0.0, confidence)
        assertEquals(listOf(0, 0, 2, 2, 4, 5), listOf(0.0, 0.1, 0.3, 0.5, 0.7, 1.0).map { hit(it).stars })
        assertEquals(listOf(0, 2, 12, 100), listOf(0.005, 0.015, 0.125, 1.0).map { hit(it).percent })
        assertEquals(listOf(null, null), listOf(hit(null).stars, hit(null).percent))
    }

    @Test
    fun `the least confidence is inclusive`() {
        val search = CatalogSearch(opened(folder, MadeCatalog.random(8, 50, 4).bytes()))
        val query = SearchQuery.Text(floatArrayOf(1f, 2f, 3f, 4f))
        val all = search.search(query, 1000)
        val least = all[all.size / 2].confidence!!
        assertEquals(all.filter { it.confidence!! >= least }, search.search(query, 1000, leastConfidence = least))
    }

    @Test
    fun `what was not measured has no confidence, and no least confidence hides it`() {
        val made = MadeCatalog.random(8, 50, 4)
        val (text, image) = floatArrayOf(1f, 2f, 3f, 4f) to floatArrayOf(4f, 3f, 2f, 1f)
        for ((texts, images) in listOf(true to true, true to false, false to true, false to false)) {
            val calibration = MadeCatalog.calibration(flat(texts), flat(images))
            val metadata = made.metadata() + ("calibration" to calibration)
            val search = CatalogSearch(opened(folder, MadeCatalog.container(metadata, made.tensors())))
            for ((query, measured) in listOf(
                SearchQuery.Text(text) to texts,
                SearchQuery.Image(image) to images,
                SearchQuery.Like(7) to images,
                SearchQuery.Both(text, image, 0.0) to texts,
                SearchQuery.Both(text, image, 0.5) to (texts && images),
                SearchQuery.Both(text, image, 1.0) to images,
            )) {
                val all = search.search(query)
                assertEquals(setOf(measured), all.map { it.confidence != null }.toSet())
                assertEquals(if (measured) emptyList() else all, search.search(query, leastConfidence = 1.0))
            }
        }
    }

    /** A curve so flat that no result is sure. */
    private fun flat(measured: Boolean) = """{"a":0.001,"b":0,"spread":1,"measured":$measured}"""

    @Test
    fun `an older calibration was measured unless it is the builder's guess or of no source`() {
        fun measured(curve: String, source: String = "names"): List<Boolean> {
            val other = """{"a":3,"b":-1,"spread":1}"""
            val read = ScoreCalibration.read(MadeCatalog.calibration(curve, other, source))
            assertEquals(read.text.measured, read.ofText(0.5) != null)
            return listOf(read.text.measured, read.image.measured)
        }
        assertEquals(listOf(false, true), measured("""{"a":10,"b":-5.0,"spread":0.2}"""))
        assertEquals(listOf(true, true), measured("""{"a":10,"b":-5.000001,"spread":0.2}"""))
        assertEquals(listOf(true, true), measured("""{"a":10.1,"b":-5,"spread":0.2}"""))
        assertEquals(listOf(false, false), measured("""{"a":4,"b":-2,"spread":0.2}""", "none"))
        assertEquals(listOf(true, false), measured("""{"a":10,"b":-5,"spread":0.2,"measured":true}""", "none"))
        assertEquals(listOf(false, true), measured("""{"a":4,"b":-2,"spread":0.2,"measured":false}"""))
    }

    @Test
    fun `what cannot be asked is refused by name`() {
        val search = CatalogSearch(opened(folder, MadeCatalog.random(1, 9, 3, currency = "").bytes()))
        val good = SearchQuery.Text(floatArrayOf(1f, 0f, 0f))
        fun refused(says: String, ask: () -> Unit) {
            val message = assertThrows<IllegalArgumentException> { ask() }.message
            assertTrue(says in message.orEmpty()) { "$message" }
        }
        refused("expected 3") { search.search(SearchQuery.Text(floatArrayOf(1f))) }
        refused("not finite") { search.search(SearchQuery.Text(floatArrayOf(1f, Float.NaN, 0f))) }
        refused("not finite") { search.search(SearchQuery.Image(floatArrayOf(1f, Float.POSITIVE_INFINITY, 0f))) }
        refused("zeros") { search.search(SearchQuery.Text(FloatArray(3))) }
        refused("best 0") { search.search(good, 0) }
        refused("threshold") { search.search(good, threshold = Double.NaN) }
        refused("Shoes") { search.search(good, filter = CatalogFilter(setOf("Shoes"))) }
        refused("currencies") { search.search(good, filter = CatalogFilter(lowest = 0)) }
        refused("no product 999") { search.search(SearchQuery.Like(999)) }
        refused("slider") {
            search.search(SearchQuery.Both(floatArrayOf(1f, 0f, 0f), floatArrayOf(1f, 0f, 0f), Double.NaN))
        }
    }

    @Test
    fun `many threads searching one catalog get what one gets`() {
        val made = MadeCatalog.random(11, 3000, 64)
        val search = CatalogSearch(opened(folder, made.bytes()))
        val queries = List(16) { SearchQuery.Text(vector(Random(it.toLong()), 64)) }
        val expected = queries.map { search.search(it) }
        val pool = Executors.newFixedThreadPool(8)
        val wrong = AtomicInteger()
        val tasks = List(8) { thread ->
            pool.submit {
                repeat(200) {
                    val index = (it + thread) % 16
                    if (search.search(queries[index]) != expected[index]) wrong.incrementAndGet()
                }
            }
        }
        tasks.forEach { it.get() }
        pool.shutdown()
        assertEquals(0, wrong.get())
    }

    @Test
    fun `a search that is cancelled stops within a block`() {
        val search = CatalogSearch(opened(folder, MadeCatalog.random(2, 3000, 512).bytes()))
        var asked = 0
        assertThrows<CancellationException> {
            search.search(SearchQuery.Text(vector(Random(1), 512))) { ++asked == 3 }
        }
        assertEquals(3, asked)
        search.search(SearchQuery.Text(vector(Random(1), 512))) { ++asked < 0 }
        assertEquals(3 + 12, asked) // 3,000 rows, 256 at a time
    }

    @Test
    fun `a catalog gives its products, prices and small pictures`() {
        val made = MadeCatalog.random(4, 40, 5)
        val catalog = opened(folder, made.bytes())
        assertEquals(
            listOf(made.products, 40, 5, "EUR", "made"),
            listOf(catalog.size, catalog.rows, catalog.dim, catalog.currency, catalog.model),
        )
        val product = catalog.product(7)
        assertEquals(
            listOf("p7", "Product é 7", "1.50", ""),
            listOf(product.id, product.name, product.price.toString(), product.category),
        )
        assertEquals(made.prices.map { if (it < 0) null else it }, List(catalog.size) { catalog.price(it) })
        assertEquals(null, catalog.thumbnail(0))
        assertArrayEquals(byteArrayOf(7, 7), catalog.thumbnail(5))
        catalog.verify()
    }

    @Test
    fun `a part of a file opens as a catalog`() {
        val bytes = MadeCatalog.random(4, 40, 5).bytes()
        val file = File(folder, "archive").apply { writeBytes(ByteArray(4097) + bytes + ByteArray(99)) }
        java.io.RandomAccessFile(file, "r").use {
            ProductCatalog.open(it.channel, 4097, bytes.size.toLong(), "asset").verify()
            assertThrows<BadFileException> {
                ProductCatalog.open(it.channel, 4097, bytes.size + 100L, "asset")
            }.checkMessage("asset")
        }
    }
}
