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
import java.io.IOException
import java.util.concurrent.Executor

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
        val unknown = when (val last = states.last()) {
            is SearchState.Found -> last.unknown
            is SearchState.Nothing -> last.unknown
            else -> throw AssertionError(last)
        }
        assertEquals(listOf("Han"), unknown)
    }

    @Test
    fun `more like this leaves the product out, and needs no encoder`() {
        val model = model { throw AssertionError("the encoder was made") }
        model.ask(Question(text = "typed, not asked", like = 7))
        settle()
        val found = model.state as SearchState.Found
        assertTrue(found.cards.size == 20 && found.cards.none { it.product == 7 || it.match != null })
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
            Picture(RGBImage(ByteArray(12), 2, 2), Bitmap.createBitmap(1, 1, Bitmap.Config.ARGB_8888))
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
}
