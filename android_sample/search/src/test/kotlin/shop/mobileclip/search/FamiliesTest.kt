package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTimeoutPreemptively
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.function.ThrowingSupplier
import java.io.File
import java.time.Duration
import java.util.concurrent.Callable
import java.util.concurrent.Executors

/** The tokenizers of assets of version 2. TokenizerTest compares their golden texts, too. */
class FamiliesTest {
    private val texts = FAMILY_TEXTS.map { GoldenTexts(Goldens, it) }

    private fun whole(family: String): File = Goldens.file("tokenizers/damaged/$family-whole.safetensors")

    @TestFactory
    fun `a damaged asset is refused by the part`(): List<DynamicTest> {
        val rows = Goldens.json("tokenizers/index.json").objects("damaged")
        assertTrue(rows.size > 50)
        return rows.map { row -> dynamicTest(row.text("file")) { open(row) } }
    }

    private fun open(row: Map<String, Json>) {
        val file = Goldens.file("tokenizers/${row.text("file")}")
        fun whole() = Tokenizers.load(file).apply { verify() }
        if (row.part("opens").asBool("opens")) {
            assertEquals(8, whole().encode("a\u00e9 ab").size)
            return
        }
        val message = assertThrows<BadFileException> { whole() }.checkMessage(file.path).removePrefix(file.path)
        assertTrue("'${row.text("part")}'" in message || row.text("part") in message) { message }
    }

    @Test
    fun `many threads get what one gets`() {
        val pool = Executors.newFixedThreadPool(4)
        for (golden in texts) {
            val tokenizer = golden.tokenizer(File("."))
            val tasks = List(4) { Callable { golden.differing(tokenizer) } }
            pool.invokeAll(tasks).forEach { assertEquals(emptyList<String>(), it.get()) }
        }
        pool.shutdown()
    }

    @Test
    fun `a surrogate without its pair is a replacement character`() {
        for (golden in texts) {
            val tokenizer = golden.tokenizer(File("."))
            assertArrayEquals(tokenizer.encode("a\ufffdb"), tokenizer.encode("a\ud83db"))
            assertArrayEquals(tokenizer.encode("\ufffd\u0001\ufffd"), tokenizer.encode("\ud83d\u0001\udc57"))
        }
    }

    @Test
    fun `a long text keeps its end token, and one of a million characters is done`() {
        for (golden in texts) {
            val tokenizer = golden.tokenizer(File("."))
            for (text in listOf("a ".repeat(500_000), "x".repeat(1_000_000), "\u0301\u0323".repeat(300_000))) {
                val ids = assertTimeoutPreemptively(BOUND, ThrowingSupplier { tokenizer.encode(text) })
                assertTrue(golden.endToken in ids && ids.size == tokenizer.contextLength)
            }
            assertEquals(golden.endToken, tokenizer.encode("a ".repeat(300)).last())
        }
    }

    @Test
    fun `an asset with more tokens than the text encoder is refused`() {
        for (family in FAMILIES) {
            val tokens = if (family == "gemma-bpe") 266 else 10
            Tokenizers.load(whole(family), vocabulary = tokens)
            val error = assertThrows<BadFileException> { Tokenizers.load(whole(family), vocabulary = tokens - 1) }
            assertTrue("$tokens tokens" in error.checkMessage(whole(family).path)) { error.message!! }
            assertEquals(ErrorKind.MISMATCHED, error.kind)
        }
    }

    private companion object {
        val FAMILIES = listOf("unigram", "gemma-bpe", "wordpiece")
        val BOUND: Duration = Duration.ofSeconds(60)
    }
}
