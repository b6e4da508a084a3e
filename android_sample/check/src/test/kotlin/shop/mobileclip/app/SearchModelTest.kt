package shop.mobileclip.app

import android.graphics.Bitmap
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import shop.mobileclip.search.EmbeddingEncoder
import shop.mobileclip.search.ModelManifest
import shop.mobileclip.search.RGBImage
import shop.mobileclip.search.SearchHit
import shop.mobileclip.search.SearchOutcome
import shop.mobileclip.search.SearchRequest
import java.io.IOException
import java.util.concurrent.Executor
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
            assertEquals(certain.map { it.product }, found.cards.map { it.product })
            assertEquals(certain.map { it.percent }, found.cards.map { it.match?.percent })
            assertEquals(doubtful.map { it.product }, found.doubtful.map { it.product })
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
        val found = found(goldenModel("unmeasured.catalog"), Question("a mug", PICTURE))
        assertEquals(List(6) { null }, found.cards.map { it.match })
        assertEquals(emptyList<Card>(), found.doubtful)
    }

    @Test
    fun `a picture is measured where the text is not`() {
        val model = goldenModel("text-unmeasured.catalog")
        for ((question, measured) in listOf(
            Question("a mug") to false,
            Question(picture = PICTURE) to true,
            Question("a mug", PICTURE) to false,
            Question("a mug", PICTURE, slider = 1.0) to true,
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
    fun `more like this leaves the product out, and needs no encoder`() {
        val model = model { throw AssertionError("the encoder was made") }
        model.ask(Question(text = "typed, not asked", like = 7))
        settle()
        val found = model.state as SearchState.Found
        assertTrue(found.cards.size == 20 && found.cards.none { it.product == 7 || it.match != null })
        assertTrue(found.doubtful.isEmpty())
    }

    @Test
    fun `only the category that was chosen is found`() {
        val model = model()
        model.start()
        settle()
        val category = model.categories.last()
        model.ask(Question(like = 7, category = category))
        settle()
        val catalog = testShop().catalog
        for (card in (model.state as SearchState.Found).cards) {
            assertEquals(category, catalog.product(card.product).category)
        }
    }

    @Test
    fun `the categories are known, whatever is asked while the shop is opened`() {
        val model = model()
        model.start()
        model.ask(Question(like = 7))
        settle()
        assertEquals(testShop().catalog.categories, model.categories)
    }

    @Test
    fun `a picture is searched with together with what stands in the field`() {
        val model = model()
        var asked = 0
        model.choose("a mug") { size ->
            asked = size
            PICTURE
        }
        settle()
        assertEquals(testShop().manifest.imageSize, asked)
        assertEquals("a mug", model.question.text)
        assertTrue(model.question.picture != null && model.state !is SearchState.Failed)
    }

    @Test
    fun `a picture that another app will not give is an error`() {
        val model = model()
        model.choose("") { throw SecurityException("no access") }
        settle()
        assertEquals(SearchState.Failed("no access"), model.state)
    }

    @Test
    fun `of two questions only the last one's answer is shown`() {
        val model = model()
        model.ask(Question(like = 7))
        model.ask(Question())
        settle()
        assertEquals(SearchState.Idle, model.state)
        model.ask(Question(like = 7))
        worker.step() // opens the shop
        repeat(2) { main.step() }
        worker.step() // searches: the answer is on its way
        model.ask(Question())
        settle()
        assertEquals(SearchState.Idle, model.state)
    }

    @Test
    fun `an encoder of another embedding space is refused with both names`() {
        val model = model { FakeEncoder("f".repeat(64), FloatArray(it.dim) { 1f }) }
        model.ask(Question("a mug"))
        settle()
        val reason = (model.state as SearchState.Failed).reason
        assertTrue(reason, "f".repeat(8) in reason && testShop().manifest.space.take(8) in reason)
    }

    @Test
    fun `LiteRT that cannot be loaded is an error on the screen, no crash`() {
        val model = model { LiteRtEncoder(Assets(RuntimeEnvironment.getApplication().assets), it) }
        model.ask(Question("a mug"))
        settle()
        assertTrue(model.state is SearchState.Failed)
    }

    @Test
    fun `what cannot be opened or read is an error, and can be asked again`() {
        val model = SearchModel({ throw IOException("shop.catalog: gone") }, worker, main).also { it.watch() }
        model.ask(Question("a mug"))
        settle()
        assertEquals(SearchState.Failed("shop.catalog: gone"), model.state)
        model.retry()
        assertEquals(SearchState.Searching, model.state)
    }

    private fun model(encoder: (ModelManifest) -> EmbeddingEncoder = ::fake): SearchModel {
        val shop = testShop(worker, encoder)
        return SearchModel({ shop }, worker, main).also { it.watch() }
    }

    private fun goldenModel(name: String, change: (String) -> String = { it }): SearchModel {
        val shop = goldenShop(name, worker, change)
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

    private companion object {
        val PICTURE =
            Picture(RGBImage(ByteArray(12), 2, 2), Bitmap.createBitmap(1, 1, Bitmap.Config.ARGB_8888))
    }
}
