package shop.mobileclip.app

import org.junit.Assert.assertEquals
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowLog
import shop.mobileclip.android.Picture
import shop.mobileclip.android.ShopFiles
import shop.mobileclip.search.BadFileException
import shop.mobileclip.search.EmbeddingEncoder
import shop.mobileclip.search.ErrorKind
import shop.mobileclip.search.ModelManifest
import shop.mobileclip.search.NewProduct
import shop.mobileclip.search.RGBImage
import shop.mobileclip.search.SearchHit
import shop.mobileclip.search.SearchOutcome
import shop.mobileclip.search.SearchRequest
import java.io.File
import java.io.IOException
import java.util.concurrent.Executor
import kotlin.io.path.createTempDirectory
import kotlin.math.ln

/** What is shown for what is asked; every thread is a queue that the test empties. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class SearchModelTest {
    private val worker = Queue()
    private val main = Queue()
    private val states = mutableListOf<SearchState>()

    @Test
    fun `a search goes from searching over preparing to what was found, with its unknown script`() {
        val model = model()
        model.ask(Question("紅色的杯子 mug"))
        settle()
        assertEquals(listOf(SearchState.Searching, SearchState.Preparing), states.distinct().dropLast(1))
        assertEquals(listOf("Han"), (states.last() as SearchState.Found).unknown)
    }

    @Test
    fun `of a query in several writings those are named that the manifest does not know`() {
        val expected = mapOf(
            listOf("Latin") to listOf("Han", "Cyrillic"),
            listOf("Latin", "Han") to listOf("Cyrillic"),
            listOf("Latin", "Han", "Cyrillic", "Thai") to emptyList(),
        )
        for ((known, unknown) in expected) {
            val shop = goldenShop("shop.catalog", worker, manifestOf(known))
            assertEquals(known.toSet(), shop.manifest.text.scripts)
            val found = found(SearchModel({ shop }, worker, main), Question("红色 dress яблоко"))
            assertEquals(unknown, found.unknown)
        }
    }

    @Test
    fun `what is doubtful stands below, and is never hidden`() {
        val tenth = hits(testShop())[9]
        for (confidence in listOf(0.099, 0.101)) { // just below the limit, and just above it
            val curve = testShop().catalog.calibration.text
            val score = (ln(confidence / (1 - confidence)) - curve.b) / curve.a
            val loudness = (score / tenth.score).toFloat()
            val found = found(model { fake(it, loudness) }, Question("a mug"))
            val (certain, doubtful) = hits(testShop { fake(it, loudness) }).partition { it.confidence!! >= 0.1 }
            assertEquals(confidence > 0.1, certain.any { it.product == tenth.product })
            assertEquals(20, certain.size + doubtful.size)
            assertEquals(ids(certain), found.cards.map { it.id })
            assertEquals(certain.map { it.percent }, found.cards.map { it.match?.percent })
            assertEquals(ids(doubtful), found.doubtful.map { it.id })
            assertEquals(setOf(0), found.doubtful.map { it.match?.stars }.toSet())
        }
    }

    @Test
    fun `where all is doubtful all is shown`() {
        val found = found(model { fake(it, 0.001f) }, Question("a mug"))
        assertEquals(listOf(0, 20), listOf(found.cards.size, found.doubtful.size))
    }

    @Test
    fun `what was not measured has no match, and is not doubted`() {
        val found = found(goldenModel("unmeasured.catalog"), Question("a mug", picture))
        assertEquals(List(6) { null }, found.cards.map { it.match })
        assertEquals(emptyList<Card>(), found.doubtful)
    }

    @Test
    fun `a picture is measured where the text is not`() {
        val model = goldenModel("text-unmeasured.catalog")
        for ((question, measured) in listOf(
            Question("a mug") to false,
            Question(picture = picture) to true,
            Question("a mug", picture) to false,
            Question("a mug", picture, slider = 1.0) to true,
        )) {
            val found = found(model, question)
            val all = found.cards + found.doubtful
            assertEquals(List(6) { measured }, all.map { it.match != null })
        }
    }

    @Test
    fun `nothing is found where a filter leaves nothing`() {
        val model = goldenModel("unmeasured.catalog") { it.replaceFirst("Fruit and veg", """Fruit\",\"veg""") }
        model.ask(Question("a mug", category = "vegetables")) // of no product
        settle()
        assertEquals(SearchState.Nothing(emptyList()), model.state)
        assertEquals(6, found(model, Question("a mug")).cards.size)
    }

    @Test
    fun `what the words name stands above the answer, and before it`() {
        val model = goldenModel("../words/base.catalog")
        val seen = mutableListOf<Pair<SearchState, List<String>>>()
        model.changed = { seen += model.state to model.named.map { it.id } }
        found(model, Question("acme"))
        val named = model.named.map { it.id }
        assertEquals(named("acme"), named)
        assertTrue(
            "$seen",
            named.size > 2 && listOf(SearchState.Searching, SearchState.Preparing).all { it to named in seen },
        )
        assertTrue(model.named.all { it.match == null })
        found(model, Question("acme", category = "Shoes"))
        assertTrue(model.named.isNotEmpty() && model.named.size < named.size)
        model.ask(Question(text = "acme", like = named.first()))
        assertEquals(emptyList<Card>(), model.named) // at once: it is of what was asked before
        settle()
        assertEquals(emptyList<Card>(), model.named)
        val without = goldenModel("shop.catalog")
        found(without, Question("a mug"))
        assertEquals(emptyList<Card>(), without.named)
    }

    private fun named(text: String): List<String> = goldenShop("../words/base.catalog", worker).let { shop ->
        shop.searcher.search.named(text).map { shop.catalog.product(it.product).id }
    }

    @Test
    fun `where what staff added has another currency, the shop is searched without it`() {
        val folder = createTempDirectory().toFile()
        fun shop(change: (String) -> String = { it }) =
            goldenShop("shop.catalog", worker, folder = folder, change = change)
        val before = shop()
        val currency = before.catalog.currency.also { assertEquals(3, it.length) }
        before.change { it.add(NewProduct("new-1", "Blue mug"), RGBImage(ByteArray(300), 10, 10), turned) }
        val files = folder.walk().filter { it.isFile }.associateWith { it.readText(Charsets.ISO_8859_1) }
        val other = shop { it.replace("\"currency\":\"$currency\"", "\"currency\":\"XTS\"") }
        assertEquals(listOf("XTS", null), listOf(other.catalog.currency, other.catalog.place("new-1")))
        val found = found(SearchModel({ other }, worker, main), Question("a mug"))
        assertEquals(minOf(20, other.catalog.size), found.cards.size + found.doubtful.size)
        for (use in listOf<
            (
                Shop,
            ) -> Unit,
            >({ it.staff.export(folder) }, { it.change { staff -> staff.remove("new-1") } })) {
            assertEquals(ErrorKind.MISMATCHED, ErrorKind.of(assertThrows(BadFileException::class.java) { use(other) }))
        }
        val next = before.staff.overlay.base
        other.follow(next)
        assertSame(next, other.catalog)
        assertEquals(files, folder.walk().filter { it.isFile }.associateWith { it.readText(Charsets.ISO_8859_1) })
        assertTrue(shop().catalog.place("new-1") != null)
    }

    @Test
    fun `more like this leaves the product out, and needs no encoder`() {
        val model = model { throw AssertionError("the encoder was made") }
        model.ask(Question(text = "typed, not asked", like = seventh))
        settle()
        val found = model.state as SearchState.Found
        assertTrue(found.cards.size == 20 && found.cards.none { it.id == seventh || it.match != null })
        assertTrue(found.doubtful.isEmpty())
    }

    @Test
    fun `only the category that was chosen is found`() {
        val model = model()
        model.start()
        settle()
        val category = model.categories.last()
        model.ask(Question(like = seventh, category = category))
        settle()
        val catalog = testShop().catalog
        for (card in (model.state as SearchState.Found).cards) {
            assertEquals(category, catalog.product(card.id)?.category)
        }
    }

    @Test
    fun `the categories are known, whatever is asked while the shop is opened`() {
        val model = model()
        model.start()
        model.ask(Question(like = seventh))
        settle()
        assertEquals(testShop().catalog.categories, model.categories)
    }

    @Test
    fun `only what costs as much as the shopper says is found, to the cent`() {
        val model = model()
        val prices = found(model, Question("a mug")).let { it.cards + it.doubtful }.mapNotNull { it.price }.sorted()
        val (low, high) = prices[3] to prices[12]
        val found = found(model, Question("a mug", lowest = low, highest = high)).let { it.cards + it.doubtful }
        assertTrue(found.isNotEmpty() && found.all { checkNotNull(it.price) in low..high })
        assertTrue(found.any { it.price == low } && found.any { it.price == high })
    }

    @Test
    fun `a category and a product that an update took away`() {
        val model = model()
        assertEquals(20, found(model, Question("a mug", category = "of last year")).let { it.cards + it.doubtful }.size)
        model.ask(Question(like = "of last year"))
        settle()
        assertEquals(SearchState.Failed(R.string.gone), model.state)
    }

    @Test
    fun `a picture is searched with together with what stands in the field`() {
        val model = model()
        model.choose(Question("a mug"), file) { it.writeBytes(turned) }
        settle()
        assertEquals(Question("a mug", Picture(file)), model.question)
        assertTrue("${model.state}", model.state is SearchState.Found && model.preview != null)
    }

    @Test
    fun `a picture that is removed leaves no file`() {
        val model = model()
        model.choose(Question("a mug"), file) { it.writeBytes(turned) }
        settle()
        model.ask(model.question.copy(slider = 0.9))
        assertTrue(file.exists())
        model.ask(model.question.copy(picture = null))
        assertTrue(!file.exists())
    }

    @Test
    fun `a picture that another app will not give is an error, and asked for again`() {
        val model = model()
        var asked = 0
        model.choose(Question(), file) {
            if (asked++ == 0) throw SecurityException("no access") else it.writeBytes(turned)
        }
        settle()
        assertEquals(SearchState.Failed(R.string.error_other), model.state)
        model.retry()
        settle()
        assertTrue(model.state is SearchState.Found)
    }

    @Test
    fun `what is no picture is an error in words`() {
        val model = model()
        for (bytes in listOf("no picture", "")) {
            model.choose(Question(), file) { it.writeText(bytes) }
            settle()
            assertEquals(SearchState.Failed(R.string.error_picture), model.state)
        }
    }

    @Test
    fun `a want of memory is an error in words`() {
        val model = model { throw OutOfMemoryError() }
        model.ask(Question("a mug"))
        settle()
        assertEquals(SearchState.Failed(R.string.error_memory), model.state)
    }

    @Test
    fun `a search that is cancelled is not answered`() {
        val model = model()
        for (steps in 0..3) {
            model.ask(Question("a mug $steps"))
            repeat(steps) { worker.step() }
            model.cancel()
            settle()
            assertEquals("after $steps", SearchState.Searching, model.state)
        }
    }

    @Test
    fun `of two questions only the last one's answer is shown`() {
        val model = model()
        model.ask(Question(like = seventh))
        model.ask(Question())
        settle()
        assertEquals(SearchState.Idle, model.state)
        model.ask(Question(like = seventh))
        worker.step() // opens the shop
        repeat(2) { main.step() }
        worker.step() // searches: the answer is on its way
        model.ask(Question())
        settle()
        assertEquals(SearchState.Idle, model.state)
    }

    @Test
    fun `an encoder of another embedding space is refused, in the log with both names`() {
        val model = model { FakeEncoder("f".repeat(64), FloatArray(it.dim) { 1f }) }
        model.ask(Question("a mug"))
        settle()
        assertEquals(SearchState.Failed(R.string.error_files), model.state)
        val told = ShadowLog.getLogsForTag("Shop").joinToString { it.throwable?.message ?: "" } // for developers
        assertTrue(told, "f".repeat(8) in told && testShop().manifest.space.take(8) in told)
    }

    @Test
    fun `LiteRT that cannot be loaded is an error on the screen, no crash`() {
        val model = model { ShopFiles.open(RuntimeEnvironment.getApplication().assets).encoder() }
        model.ask(Question("a mug"))
        settle()
        assertTrue(model.state is SearchState.Failed)
    }

    @Test
    fun `what cannot be opened or read is an error, and can be asked again`() {
        val model = SearchModel({ throw IOException("shop.catalog: gone") }, worker, main).also { it.watch() }
        model.ask(Question("a mug"))
        settle()
        assertEquals(SearchState.Failed(R.string.error_other), model.state)
        model.retry()
        assertEquals(SearchState.Searching, model.state)
    }

    private fun model(encoder: (ModelManifest) -> EmbeddingEncoder = ::fake): SearchModel {
        val shop = testShop(worker, encoder)
        return SearchModel({ shop }, worker, main).also { it.watch() }
    }

    private fun goldenModel(name: String, change: (String) -> String = { it }): SearchModel {
        val shop = goldenShop(name, worker, change = change)
        return SearchModel({ shop }, worker, main)
    }

    private fun found(model: SearchModel, question: Question): SearchState.Found {
        model.ask(question)
        settle()
        return model.state as SearchState.Found
    }

    private fun hits(shop: Shop): List<SearchHit> {
        var outcome: SearchOutcome? = null
        shop.searcher.search(SearchRequest("a mug", k = 20)) { outcome = it }
        return (outcome as SearchOutcome.Found).hits
    }

    private fun SearchModel.watch() {
        changed = { states += state }
    }

    private fun settle() {
        do {
            val stepped = worker.step() || main.step()
        } while (stepped)
    }

    private class Queue : Executor {
        private val tasks = ArrayDeque<Runnable>()

        override fun execute(task: Runnable) = tasks.addLast(task)

        fun step(): Boolean = tasks.removeFirstOrNull()?.run() != null
    }

    private fun ids(hits: List<SearchHit>): List<String> = hits.map { testShop().catalog.product(it.product).id }

    private val seventh = testShop().catalog.product(7).id
    private val file = File.createTempFile("picture", null)
    private val turned = File(System.getenv("PICTURE")).readBytes()
    private val picture = Picture(File.createTempFile("picture", null).apply { writeBytes(turned) })
}
