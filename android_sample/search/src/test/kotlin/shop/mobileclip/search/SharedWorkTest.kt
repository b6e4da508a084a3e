package shop.mobileclip.search

import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.Random
import java.util.concurrent.CancellationException
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executor
import java.util.concurrent.Executors
import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.TimeUnit

/** Searches by two threads. */
@Timeout(60)
class SharedWorkTest {
    @TempDir
    lateinit var folder: File

    private val pool = Executors.newFixedThreadPool(1)

    @AfterEach
    fun shutDown() {
        pool.shutdownNow()
    }

    private fun vector(seed: Long) = FloatArray(DIM) { Random(seed + it).nextInt(9) - 4f }.also { it[0] = 5f }

    private fun catalog(seed: Long, rows: Int = ROWS) = opened(folder, MadeCatalog.random(seed, rows, DIM).bytes())

    /** Has its work done by [pool], and says when it is done. */
    private inner class Watched : Executor {
        val ended = CountDownLatch(1)

        override fun execute(work: Runnable) = pool.execute {
            work.run()
            ended.countDown()
        }

        fun awaitEnd() = assertTrue(ended.await(30, TimeUnit.SECONDS))
    }

    @Test
    fun `two threads find what one finds`() {
        for (seed in 0L until 6) {
            val catalog = catalog(seed)
            val (one, two) = CatalogSearch(catalog) to CatalogSearch(catalog, pool)
            val filter = if (seed % 2 == 0L) CatalogFilter.ANY else CatalogFilter(setOf("name 1", "name 2"), 10_000)
            for (k in listOf(1, 10, 5000)) {
                val query = SearchQuery.Text(vector(seed))
                assertEquals(one.search(query, k, filter), two.search(query, k, filter))
            }
        }
    }

    @Test
    fun `whichever thread does the work, the results are the same`() {
        val catalog = catalog(3)
        val query = SearchQuery.Image(vector(3))
        val expected = CatalogSearch(catalog).search(query, 20)
        val helper = Watched()
        val caller = Thread.currentThread()
        val found = CatalogSearch(catalog, helper).search(query, 20) {
            assertSame(caller, Thread.currentThread())
            helper.awaitEnd() // so that the helper does all pieces but one
            false
        }
        assertEquals(expected, found)
        var asked: Runnable? = null
        for (executor in listOf(
            Executor { it.run() },
            Executor { asked = it },
            Executor { throw RejectedExecutionException() },
        )) {
            assertEquals(expected, CatalogSearch(catalog, executor).search(query, 20))
        }
        checkNotNull(asked).run() // too late: there is nothing left to do
    }

    @Test
    fun `a product whose rows make several pieces is found once`() {
        val made = MadeCatalog.random(5, ROWS, DIM)
        for ((index, row) in (700 until 1500).withIndex()) {
            made.codes.fill(
                (index % 100).toByte(),
                row * DIM,
                (row + 1) * DIM,
            )
        }
        val owners = made.owners.copyOf()
        for (row in 1 until ROWS) owners[row] = owners[row - 1] + if (row in 701 until 1500) 0 else 1
        val products = owners.last() + 1
        val crowded = MadeCatalog(
            owners,
            DIM,
            made.codes,
            made.scales,
            made.offset,
            LongArray(products),
            IntArray(products),
            made.names,
        )
        val catalog = opened(folder, crowded.bytes())
        val query = SearchQuery.Text(FloatArray(DIM) { 1f })
        repeat(5) {
            val found = CatalogSearch(catalog, pool).search(query, 5000)
            assertEquals(CatalogSearch(catalog).search(query, 5000), found)
            assertEquals(products, found.size)
        }
    }

    @Test
    fun `both threads stop when the search is cancelled`() {
        val helper = Watched()
        val begun = CountDownLatch(1)
        val search = CatalogSearch(catalog(2)) { work ->
            helper.execute {
                begun.countDown()
                work.run()
            }
        }
        assertThrows<CancellationException> {
            search.search(SearchQuery.Text(vector(1))) { begun.await(30, TimeUnit.SECONDS) }
        }
        helper.awaitEnd()
    }

    @Test
    fun `a small catalog wakes no other thread`() {
        val search = CatalogSearch(catalog(4, rows = 100)) { throw AssertionError("it was asked") }
        assertEquals(10, search.search(SearchQuery.Text(vector(1))).size)
    }

    private companion object {
        const val DIM = 1024 // of 128 rows a block
        const val ROWS = 3000
    }
}
