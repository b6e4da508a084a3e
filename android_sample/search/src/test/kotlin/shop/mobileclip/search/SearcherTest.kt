package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executor
import java.util.concurrent.Executors
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

/** SWAPS=10000 swaps catalogs so often in place of 500 times. */
@Timeout(60)
class SearcherTest {
    @TempDir
    lateinit var folder: File

    private lateinit var search: CatalogSearch
    private val preprocessor = ImagePreprocessor(4, ResizeInterpolation.BILINEAR)
    private val log = ConcurrentLinkedQueue<String>()

    /** Embeds by the sum of what it is given, and says what happens to it. */
    private inner class FakeEncoder(
        override val space: String = "ab".repeat(32),
        override val dim: Int = 8,
        private val stop: () -> Unit = {},
        private val during: () -> Unit = {},
    ) : EmbeddingEncoder {
        private val users = AtomicInteger()

        override fun text(ids: IntArray) = encode("text", ids.sum())

        override fun image(square: ByteArray) = encode("image", square.sum())

        override fun prepare(part: EncoderPart) {
            log += "prepared $part"
            during()
        }

        override fun cancel() {
            log += "cancel"
            stop()
        }

        override fun close() {
            log += "closed"
        }

        private fun encode(kind: String, sum: Int): FloatArray {
            assertEquals(1, users.incrementAndGet())
            log += kind
            try {
                during()
            } finally {
                users.decrementAndGet()
            }
            return embedding(sum)
        }
    }

    private fun embedding(sum: Int) = FloatArray(8) { ((sum + 31 * it * it) % 17) - 8.5f }

    private fun image(seed: Int) = RGBImage(ByteArray(3 * 6 * 5) { (it * seed).toByte() }, 6, 5)

    private fun textVector(text: String) = embedding(Dist.tokenizer.encode(text).sum())

    private fun imageVector(image: RGBImage) =
        embedding(preprocessor.square(image.bytes, image.width, image.height).sum())

    private fun searcher(
        executor: Executor = Executor { it.run() },
        recent: Int = 32,
        tokenizer: TextTokenizer = Dist.tokenizer,
        encoder: () -> EmbeddingEncoder = { FakeEncoder().also { log += "made" } },
    ) = Searcher(encoder, tokenizer, preprocessor, search, executor, recent) { log += "preparing" }

    private fun Searcher.find(request: SearchRequest): SearchOutcome {
        val found = LinkedBlockingQueue<SearchOutcome>()
        search(request) { found += it }
        return found.take().also { assertTrue(found.isEmpty()) }
    }

    private fun Searcher.hits(request: SearchRequest): List<SearchHit> =
        assertInstanceOf(SearchOutcome.Found::class.java, find(request)).hits

    private fun Searcher.error(request: SearchRequest): Throwable =
        assertInstanceOf(SearchOutcome.Failed::class.java, find(request)).error

    private fun said(): List<String> = log.toList().also { log.clear() }

    @BeforeEach
    fun open() {
        search = CatalogSearch(opened(folder, MadeCatalog.random(6, 300, 8).bytes()))
    }

    @Test
    fun `a search is the catalog's search by the encoder's embeddings`() {
        val searcher = searcher()
        val (text, image) = textVector("red shoes") to imageVector(image(3))
        assertEquals(search.search(SearchQuery.Text(text)), searcher.hits(SearchRequest("red shoes")))
        assertEquals(search.search(SearchQuery.Image(image)), searcher.hits(SearchRequest(image = image(3))))
        val both = SearchRequest("red shoes", image(3), 0.3)
        assertEquals(search.search(SearchQuery.Both(text, image, 0.3)), searcher.hits(both))
        assertEquals(search.search(SearchQuery.Like(7)), searcher.hits(SearchRequest(like = 7)))
        val filter = CatalogFilter(setOf("name 1"), lowest = 20_000)
        val all = search.search(SearchQuery.Text(text), 100, filter)
        val threshold = all[all.size / 2].score
        val least = all[all.size / 3].confidence!!
        val few = SearchRequest("red shoes", k = 5, filter = filter, threshold = threshold, leastConfidence = least)
        assertEquals(search.search(SearchQuery.Text(text), 5, filter, threshold, least), searcher.hits(few))
    }

    @Test
    fun `the encoder is made at its first use alone`() {
        val searcher = searcher()
        searcher.hits(SearchRequest(like = 1))
        assertEquals(emptyList<String>(), said())
        searcher.hits(SearchRequest("shoes", image(1)))
        assertEquals(listOf("preparing", "made", "text", "image"), said())
        searcher.hits(SearchRequest("boots"))
        assertEquals(listOf("text"), said())
    }

    @Test
    fun `nothing happens on the caller's thread`() {
        val tasks = ArrayList<Runnable>()
        val searcher = searcher({ tasks += it })
        var outcome: SearchOutcome? = null
        searcher.search(SearchRequest("shoes")) { outcome = it }
        searcher.release()
        assertEquals(emptyList<String>(), said())
        tasks.forEach { it.run() }
        assertNotNull(outcome)
        assertEquals(listOf("preparing", "made", "text", "closed"), said())
    }

    @Test
    fun `the embeddings of the last texts and images are kept`() {
        val searcher = searcher(recent = 2)
        for (text in listOf("a", "b", "a", "c", "a", "b")) searcher.hits(SearchRequest(text))
        assertEquals(listOf("preparing", "made", "text", "text", "text", "text"), said()) // a, b, c, b again
        val images = List(4) { image(it) }
        for (seed in listOf(1, 2, 1, 3, 1, 2)) searcher.hits(SearchRequest(image = images[seed]))
        assertEquals(List(4) { "image" }, said())
        for (slider in listOf(0.0, 0.5, 1.0)) searcher.hits(SearchRequest("b", images[2], slider))
        assertEquals(emptyList<String>(), said())
        assertEquals(search.search(SearchQuery.Text(textVector("b"))), searcher.hits(SearchRequest("b")))
    }

    @Test
    fun `texts of the same ids are one, an image is itself alone`() {
        val searcher = searcher()
        for (text in listOf("a dress", "A  Dress ", "a dress")) searcher.hits(SearchRequest(text))
        assertEquals(listOf("preparing", "made", "text"), said())
        val flat = image(5)
        searcher.hits(SearchRequest(image = flat))
        val tall = RGBImage(flat.bytes, 5, 6)
        assertEquals(search.search(SearchQuery.Image(imageVector(tall))), searcher.hits(SearchRequest(image = tall)))
        searcher.hits(SearchRequest(image = image(5)))
        assertEquals(List(3) { "image" }, said())
    }

    @Test
    fun `any tokenizer serves, of any context`() {
        val lengths = object : TextTokenizer {
            override val contextLength = 3

            override fun encode(text: String) = IntArray(contextLength) { text.length + it }
        }
        val searcher = searcher(tokenizer = lengths)
        assertEquals(search.search(SearchQuery.Text(embedding(5 + 6 + 7))), searcher.hits(SearchRequest("boots")))
        searcher.hits(SearchRequest("shoes"))
        assertEquals(listOf("preparing", "made", "text"), said())
    }

    @Test
    fun `a released encoder is closed, and made again at its next use`() {
        val searcher = searcher()
        searcher.release()
        searcher.hits(SearchRequest("shoes"))
        searcher.release()
        searcher.release()
        searcher.hits(SearchRequest("shoes"))
        assertEquals(listOf("preparing", "made", "text", "closed"), said())
        searcher.hits(SearchRequest("boots"))
        assertEquals(listOf("preparing", "made", "text"), said())
    }

    @Test
    fun `a closed searcher makes no encoder`() {
        val searcher = searcher()
        searcher.hits(SearchRequest("shoes"))
        searcher.close()
        searcher.close()
        assertTrue("closed" in searcher.error(SearchRequest("boots")).message.orEmpty())
        assertEquals(listOf("preparing", "made", "text", "closed"), said())
    }

    @Test
    fun `an encoder of another space or width is refused by name, and closed`() {
        fun refused(encoder: () -> EmbeddingEncoder): String {
            val error = searcher(encoder = encoder).error(SearchRequest("shoes"))
            return assertInstanceOf(BadFileException::class.java, error).checkMessage(search.catalog.name)
        }
        val message = refused { FakeEncoder("cd".repeat(32)) }
        assertTrue("ab".repeat(32) in message && "cd".repeat(32) in message) { message }
        assertTrue("8" in refused { FakeEncoder(dim = 9) })
        assertEquals(listOf("preparing", "closed", "preparing", "closed"), said())
    }

    @Test
    fun `what fails is an answer, and the next search tries again`() {
        val errors = ArrayDeque(listOf(UnsatisfiedLinkError("no library"), IllegalStateException("no file")))
        val searcher = searcher { throw errors.removeFirstOrNull() ?: return@searcher FakeEncoder() }
        assertEquals("no library", searcher.error(SearchRequest("shoes")).message)
        assertEquals("no file", searcher.error(SearchRequest("shoes")).message)
        searcher.hits(SearchRequest("shoes"))
        val short = SearchRequest(image = RGBImage(ByteArray(3), 2, 2))
        for (request in listOf(short, SearchRequest("shoes", k = 0), SearchRequest(like = 9999))) {
            assertInstanceOf(IllegalArgumentException::class.java, searcher.error(request))
        }
    }

    @Test
    fun `a request for nothing or for too much is refused`() {
        assertThrows<IllegalArgumentException> { SearchRequest() }
        assertThrows<IllegalArgumentException> { SearchRequest("shoes", like = 1) }
        assertThrows<IllegalArgumentException> { SearchRequest(image = image(1), like = 1) }
    }

    @Test
    fun `a search cancelled before it starts asks no encoder`() {
        val tasks = ArrayList<Runnable>()
        val searcher = searcher({ tasks += it })
        var outcome: SearchOutcome? = null
        searcher.search(SearchRequest("shoes")) { outcome = it }.cancel()
        tasks.forEach { it.run() }
        assertSame(SearchOutcome.Cancelled, outcome)
        assertEquals(emptyList<String>(), said())
    }

    @Test
    fun `a search cancelled while its text is encoded ends there, and the embedding is kept`() {
        val pool = Executors.newSingleThreadExecutor()
        val (started, cancelled) = CountDownLatch(1) to CountDownLatch(1)
        val searcher = searcher(pool) {
            FakeEncoder {
                started.countDown()
                cancelled.await()
            }
        }
        val found = LinkedBlockingQueue<SearchOutcome>()
        val running = searcher.search(SearchRequest("shoes", image(1))) { found += it }
        started.await()
        running.cancel()
        cancelled.countDown()
        assertSame(SearchOutcome.Cancelled, found.take())
        assertEquals(listOf("preparing", "text", "cancel"), said())
        searcher.hits(SearchRequest("shoes"))
        assertEquals(emptyList<String>(), said())
        pool.shutdown()
    }

    @Test
    fun `cancelling stops the encoder at its work, and never at a later search's`() {
        val pool = Executors.newSingleThreadExecutor()
        val (started, stopped) = CountDownLatch(1) to CountDownLatch(1)
        val searcher = searcher(pool) {
            FakeEncoder(stop = stopped::countDown) {
                started.countDown()
                stopped.await()
                if (log.count { it == "text" } == 1) throw IllegalArgumentException("interrupted")
            }
        }
        val found = LinkedBlockingQueue<SearchOutcome>()
        val running = searcher.search(SearchRequest("shoes")) { found += it }
        started.await()
        running.cancel()
        assertSame(SearchOutcome.Cancelled, found.take())
        assertEquals(listOf("preparing", "text", "cancel"), log.toList())
        searcher.hits(SearchRequest("boots"))
        running.cancel()
        assertEquals(listOf("preparing", "text", "cancel", "text"), said())
        pool.shutdown()
    }

    @Test
    fun `encoders are prepared ahead, each by itself, and not twice`() {
        val tasks = ArrayList<Runnable>()
        val searcher = searcher({ tasks += it })
        searcher.prepare()
        searcher.prepare(setOf(EncoderPart.IMAGE))
        assertEquals(3, tasks.size)
        assertEquals(emptyList<String>(), said())
        tasks.forEach { it.run() }
        val prepared = listOf("prepared TEXT", "prepared IMAGE", "prepared IMAGE")
        assertEquals(listOf("preparing", "made") + prepared, said())
    }

    @Test
    fun `an encoder that cannot be prepared is closed, and the search says why`() {
        val errors = ArrayDeque(listOf(OutOfMemoryError("no room")))
        val searcher = searcher { FakeEncoder { errors.removeFirstOrNull()?.let { throw it } } }
        searcher.prepare(setOf(EncoderPart.TEXT))
        assertEquals(listOf("preparing", "prepared TEXT", "closed"), said())
        searcher.hits(SearchRequest("shoes"))
        assertEquals(listOf("preparing", "text"), said())
        searcher.close()
        searcher.prepare()
        assertTrue("closed" in searcher.error(SearchRequest("boots")).message.orEmpty())
    }

    @Test
    fun `a release while an encoder is loaded waits, and the next search loads anew`() {
        val pool = Executors.newFixedThreadPool(2)
        val (loading, goOn) = CountDownLatch(1) to CountDownLatch(1)
        val searcher = searcher(pool) {
            FakeEncoder {
                loading.countDown()
                goOn.await()
            }
        }
        searcher.prepare(setOf(EncoderPart.TEXT))
        loading.await()
        searcher.release()
        goOn.countDown()
        pool.shutdown()
        assertTrue(pool.awaitTermination(30, TimeUnit.SECONDS))
        assertEquals(listOf("preparing", "prepared TEXT", "closed"), said())
    }

    @Test
    fun `another catalog is searched from then on, and each answer names its own`() {
        val searcher = searcher()
        val old = search
        val query = SearchQuery.Text(textVector("shoes"))
        assertSame(old.catalog, (searcher.find(SearchRequest("shoes")) as SearchOutcome.Found).catalog)
        val file = File(folder, "next.catalog").apply { writeBytes(MadeCatalog.random(8, 200, 8).bytes()) }
        val next = CatalogSearch(ProductCatalog.open(file))
        searcher.use(next)
        assertSame(next, searcher.search)
        val found = searcher.find(SearchRequest("shoes")) as SearchOutcome.Found
        assertSame(next.catalog, found.catalog)
        assertEquals(next.search(query), found.hits)
        assertEquals(listOf("preparing", "made", "text"), said())
        val odd = ProductCatalog.open(file.apply { writeBytes(MadeCatalog.random(8, 20, 9).bytes()) })
        assertSame(ErrorKind.MISMATCHED, assertThrows<BadFileException> { searcher.use(CatalogSearch(odd)) }.kind)
    }

    @Test
    fun `while catalogs are swapped each answer is wholly from one`() {
        val pool = Executors.newFixedThreadPool(4)
        val searcher = searcher(pool)
        val file = File(folder, "next.catalog").apply { writeBytes(MadeCatalog.random(8, 200, 8).bytes()) }
        val both = listOf(search, CatalogSearch(ProductCatalog.open(file)))
        val query = SearchQuery.Text(textVector("shoes"))
        val expected = both.associate { it.catalog to it.search(query) }
        val likes = both.associate { it.catalog to it.search(SearchQuery.Like(it.catalog.place("p5")!!)) }
        val wrong = ConcurrentLinkedQueue<String>()
        val swaps = (System.getenv("SWAPS") ?: "500").toInt()
        val answers = CountDownLatch(2 * swaps)
        repeat(swaps) { turn ->
            for ((request, right) in listOf(
                SearchRequest("shoes") to expected,
                SearchRequest(likeId = "p5") to likes,
            )) {
                searcher.search(request) {
                    val found = it as? SearchOutcome.Found
                    if (found == null || found.hits != right[found.catalog]) wrong += "$turn: $it"
                    answers.countDown()
                }
            }
            searcher.use(both[turn % 2])
        }
        assertTrue(answers.await(50, TimeUnit.SECONDS))
        pool.shutdown()
        assertEquals(emptyList<String>(), wrong.toList())
        println("swaps: $swaps, each answer wholly of one catalog")
    }

    @Test
    fun `more like this goes by the shop's own id, too`() {
        val searcher = searcher()
        assertEquals(searcher.hits(SearchRequest(like = 7)), searcher.hits(SearchRequest(likeId = "p7")))
        assertTrue("'gone'" in searcher.error(SearchRequest(likeId = "gone")).message.orEmpty())
        assertThrows<IllegalArgumentException> { SearchRequest(like = 7, likeId = "p7") }
    }

    @Test
    fun `each search that ended is told, with its kind and how many it found`() {
        val told = ArrayList<SearchEvent>()
        val searcher =
            Searcher({ FakeEncoder() }, Dist.tokenizer, preprocessor, search, { it.run() }, onSearched = {
                told +=
                    it
            })
        searcher.hits(SearchRequest("shoes", k = 3))
        searcher.hits(SearchRequest(image = image(1), k = 4))
        searcher.hits(SearchRequest("shoes", image(1), threshold = 1e9))
        searcher.hits(SearchRequest(like = 1))
        searcher.error(SearchRequest(like = 9999))
        assertEquals(
            listOf(SearchKind.TEXT to 3, SearchKind.IMAGE to 4, SearchKind.BOTH to 0, SearchKind.LIKE to 10),
            told.map { it.kind to it.hits },
        )
        assertTrue(told.all { it.milliseconds > 0 && it.milliseconds < 60_000 })
    }

    @Test
    fun `an embedding is the encoder's, and labels are those of its texts`() {
        val searcher = searcher()
        val image = image(3)
        assertTrue(imageVector(image).contentEquals(searcher.embedding(image)))
        val templates = listOf("a photo of {}", "{}")
        fun vector(name: String) = Labels.vector(templates.map { textVector(it.replace("{}", name)) })
        val names = listOf("shoes", "boots", "hats")
        val expected = Labels.scores(names, names.map(::vector), imageVector(image), 10.0)
        said()
        assertEquals(expected, searcher.labels(image, names, templates, 10.0))
        assertEquals(6, said().size)
        assertEquals(expected, searcher.labels(image, names, templates, 10.0))
        assertEquals(emptyList<String>(), said())
        assertThrows<IllegalArgumentException> { searcher.labels(image, names, emptyList(), 10.0) }
    }

    @Test
    fun `labels are made as the manifest says, in their language`() {
        fun manifest(labels: String) = Dist.file("manifest.json").readText().let { json ->
            val templates = Regex("\"templates\": *\\[[^]]*]")
            check(templates.containsMatchIn(json))
            val own = templates.replace(json, "\"templates\": {\"en\": [\"a {}\"], \"de\": [\"ein {}\", \"{}\"]}")
            ModelManifest.read(own.replaceFirst("{", "{$labels").toByteArray(), "made")
        }
        val (searcher, image, names) = Triple(searcher(), image(3), listOf("Hut", "Schuh"))
        fun expected(templates: List<String>, bias: Double?): List<LabelScore> {
            val vectors = names.map { name -> Labels.vector(templates.map { textVector(it.replace("{}", name)) }) }
            return Labels.scores(names, vectors, imageVector(image), Dist.manifest.logitScale, bias)
        }
        val sigmoid = manifest("\"labels\": \"sigmoid\", \"logit_bias\": -2.5,")
        assertEquals(expected(listOf("ein {}", "{}"), -2.5), searcher.labels(image, names, sigmoid, "de"))
        assertEquals(expected(listOf("a {}"), -2.5), searcher.labels(image, names, sigmoid, "fr"))
        assertEquals(expected(listOf("a {}"), null), searcher.labels(image, names, manifest("")))
    }

    @Test
    fun `errors have kinds that an app can say in its own words`() {
        val missing = assertThrows<BadFileException> { ProductCatalog.open(File(folder, "none.catalog")) }
        val other = assertThrows<BadFileException> { ProductCatalog.open(File(search.catalog.name), "cd".repeat(32)) }
        val cut = File(folder, "cut.catalog").apply { writeBytes(ByteArray(100)) }
        val kinds = listOf(
            missing,
            other,
            assertThrows<BadFileException> {
                ProductCatalog.open(cut)
            },
            BadPictureException("no picture"),
            BadPictureException("too large", OutOfMemoryError()),
            OutOfMemoryError(),
            IllegalStateException(),
        ).map(ErrorKind::of)
        val expected = listOf("MISSING", "MISMATCHED", "DAMAGED", "PICTURE", "MEMORY", "MEMORY", "OTHER")
        assertEquals(expected, kinds.map { it.name })
        val failed = searcher { throw OutOfMemoryError() }.find(SearchRequest("shoes"))
        assertSame(ErrorKind.MEMORY, assertInstanceOf(SearchOutcome.Failed::class.java, failed).kind)
    }

    @Test
    fun `a part of an image is its pixels`() {
        val image = RGBImage(ByteArray(3 * 6 * 5) { it.toByte() }, 6, 5)
        val part = image.cropped(2, 1, 3, 4)
        val expected = (1 until 5).flatMap { y ->
            (2 until 5).flatMap { x -> List(3) { (3 * (6 * y + x) + it).toByte() } }
        }
        assertEquals(listOf(3, 4), listOf(part.width, part.height))
        assertEquals(expected, part.bytes.toList())
        assertEquals(image.bytes.toList(), image.cropped(0, 0, 6, 5).bytes.toList())
        val outside = listOf(
            listOf(-1, 0, 1, 1),
            listOf(0, -1, 1, 1),
            listOf(0, 0, 7, 1),
            listOf(0, 0, 1, 6),
            listOf(0, 0, 0, 1),
            listOf(5, 0, 2, 1),
            listOf(Int.MAX_VALUE, 0, Int.MAX_VALUE, 1),
        )
        for ((left, top, width, height) in outside) {
            assertThrows<IllegalArgumentException> { image.cropped(left, top, width, height) }
        }
    }

    @Test
    fun `many threads searching, cancelling and releasing get what one gets`() {
        val pool = Executors.newFixedThreadPool(6)
        val searcher = searcher(pool, recent = 4)
        val texts = List(12) { "text $it" }
        val expected = texts.map { search.search(SearchQuery.Text(textVector(it))) }
        val wrong = ConcurrentLinkedQueue<String>()
        val (callers, each) = 4 to 300
        val answers = CountDownLatch(callers * each)
        val threads = List(callers) { caller ->
            Thread {
                repeat(each) { turn ->
                    val index = (turn * 5 + caller) % texts.size
                    val cancels = turn % 7 == 0
                    val running = searcher.search(SearchRequest(texts[index])) { outcome ->
                        val right = when (outcome) {
                            is SearchOutcome.Found -> outcome.hits == expected[index]
                            SearchOutcome.Cancelled -> cancels
                            is SearchOutcome.Failed -> false
                        }
                        if (!right) wrong += "$caller, $turn: ${(outcome as? SearchOutcome.Failed)?.error ?: outcome}"
                        answers.countDown()
                    }
                    if (cancels) running.cancel()
                    if (turn % 10 == 0) searcher.release()
                }
            }.apply { start() }
        }
        threads.forEach { it.join() }
        assertTrue(answers.await(30, TimeUnit.SECONDS))
        searcher.close()
        pool.shutdown()
        assertTrue(pool.awaitTermination(30, TimeUnit.SECONDS))
        assertEquals(emptyList<String>(), wrong.toList())
        val said = said()
        assertEquals(said.count { it == "made" }, said.count { it == "closed" })
        assertTrue(said.count { it == "made" } > 1)
    }
}
