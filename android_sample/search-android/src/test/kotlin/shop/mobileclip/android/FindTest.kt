package shop.mobileclip.android

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import shop.mobileclip.search.BadFileException
import shop.mobileclip.search.EmbeddingEncoder
import shop.mobileclip.search.ErrorKind
import shop.mobileclip.search.SearchRequest
import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors

/** The shop's files, opened from the assets and from a folder; suspending searches. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class FindTest {
    private val assets = RuntimeEnvironment.getApplication().assets
    private val shop = ShopFiles.open(assets)

    private inner class Stand(
        private val during: () -> Unit = {
        },
        private val stop: () -> Unit = {},
    ) : EmbeddingEncoder {
        override val space = shop.manifest.space
        override val dim = shop.manifest.dim

        override fun text(ids: IntArray) = FloatArray(dim) { if (it == 0) 1f else 0f }.also { during() }

        override fun image(square: ByteArray) = text(IntArray(0))

        override fun cancel() = stop()

        override fun close() = Unit
    }

    private fun copied(name: String = "") = File.createTempFile("shop", "").let { file ->
        file.delete()
        file.apply { mkdirs() }.also { folder ->
            val names = shop.manifest.artifacts.map { it.path } + shop.manifest.tokenizer.path
            for (own in names + "manifest.json" + "shop.catalog" - name) {
                File(folder, own).writeBytes(assets.open(own).use { it.readBytes() })
            }
        }
    }

    @Test
    fun `a folder opens as the assets do`() {
        val folder = ShopFiles.open(copied())
        assertEquals(shop.catalog.digest, folder.catalog.digest)
        assertEquals(shop.manifest.space, folder.encoder().use { it.space })
        assertEquals(shop.manifest.space, shop.encoder().use { it.space })
        folder.catalog.verify()
    }

    @Test
    fun `a missing file is one, by its name`() {
        val error = assertThrows(BadFileException::class.java) { ShopFiles.open(copied("shop.catalog")) }
        assertEquals(ErrorKind.MISSING, error.kind)
        assertTrue(error.message!!, error.message!!.startsWith("shop.catalog") && error.message!!.lines().size == 1)
    }

    @Test
    fun `a missing key and a cut encoder are refused by name`() {
        val file = shop.mapped("image.tflite")
        val error = assertThrows(BadFileException::class.java) { TfliteMetadata(file, "a").text("spice") }
        assertTrue("'spice'" in error.message!!)
        for (size in listOf(0, 3, 8, 100, 1000)) {
            val cut = ByteBuffer.wrap(ByteArray(size) { file.get(it) })
            assertThrows("$size bytes", BadFileException::class.java) { TfliteMetadata(cut, "b").text("space") }
        }
    }

    @Test
    fun `a coroutine waits for what is found`() = runBlocking {
        val executor = Executors.newSingleThreadExecutor()
        val hits = shop.searcher(executor) { Stand() }.find(SearchRequest("shoes", k = 3))
        assertEquals(3, hits.size)
        executor.shutdown()
    }

    @Test
    fun `what fails is thrown`() {
        val searcher = shop.searcher({ it.run() }) { throw OutOfMemoryError() }
        assertThrows(OutOfMemoryError::class.java) { runBlocking { searcher.find(SearchRequest("shoes")) } }
    }

    @Test
    fun `a job that is cancelled stops the encoder`() = runBlocking {
        val executor = Executors.newSingleThreadExecutor()
        val (started, stopped) = CountDownLatch(1) to CountDownLatch(1)
        val searcher = shop.searcher(executor) {
            Stand({
                started.countDown()
                stopped.await()
            }, stopped::countDown)
        }
        val job = async(Dispatchers.Default) { searcher.find(SearchRequest("shoes")) }
        started.await()
        job.cancel()
        assertThrows(CancellationException::class.java) { runBlocking { job.await() } }
        stopped.await()
        assertFalse(job.isActive)
        executor.shutdown()
    }
}
