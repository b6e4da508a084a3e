package shop.mobileclip.search

import java.io.File
import java.util.Random
import java.util.concurrent.Callable
import java.util.concurrent.Executors
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

class TokenizerTest {
    @TempDir
    lateinit var folder: File

    private val asset = Dist.file("tokenizer.safetensors")
    private val tokenizer = Dist.tokenizer
    private val rows = Goldens.json("tokens.json").objects("texts")

    @Test
    fun `the golden texts have the golden ids`() {
        assertTrue(rows.isNotEmpty())
        for (row in rows) assertArrayEquals(ids(row), tokenizer.encode(row.text("text"))) { escaped(row.text("text")) }
    }

    @Test
    fun `many threads get what one gets`() {
        val pool = Executors.newFixedThreadPool(4)
        val tasks = List(4) { Callable { rows.all { ids(it).contentEquals(tokenizer.encode(it.text("text"))) } } }
        pool.invokeAll(tasks).forEach { assertTrue(it.get()) }
        pool.shutdown()
    }

    @Test
    fun `a long text keeps its end token, and one of a million characters is done`() {
        val ids = tokenizer.encode("dress ".repeat(200))
        assertEquals(listOf(77, 49406, 49407), listOf(ids.size, ids[0], ids[76]))
        assertEquals(49407, tokenizer.encode("x".repeat(1_000_000)).last())
        assertEquals(49407, tokenizer.encode("\u0301\u0323".repeat(300_000)).last())
    }

    @Test
    fun `an asset of another digest is refused`() {
        val right = hex(java.security.MessageDigest.getInstance("SHA-256").digest(asset.readBytes()))
        assertEquals(77, ClipTokenizer.load(asset, right).contextLength)
        assertThrows<BadFileException> { ClipTokenizer.load(asset, "0".repeat(64)) }.checkMessage(asset.path)
        assertThrows<BadFileException> { ClipTokenizer.load(File(folder, "none")) }.checkMessage(folder.path)
    }

    @Test
    fun `a damaged asset is refused, or reads texts without another exception`() {
        val good = asset.readBytes()
        val head = 8 + 2824
        val random = Random(3)
        val texts = listOf("a photo of a r\u00e9d <b>dress</b>", "&amp;amp;lt; &#39; \uff21\ufb01 \u039f\u03a3", "it's \u1112\u1161\u11ab 3 \ud83d\udc57\ud83d")
        var refused = 0
        repeat(400) {
            val bytes = good.copyOf()
            repeat(1 + random.nextInt(200)) {
                val at = if (random.nextInt(20) == 0) random.nextInt(head) else head + random.nextInt(200_000)
                bytes[at] = random.nextInt(256).toByte()
            }
            val file = File(folder, "bad.safetensors")
            file.delete()
            file.writeBytes(bytes)
            try {
                val made = ClipTokenizer.load(file)
                for (text in texts) assertEquals(77, made.encode(text).size)
            } catch (error: BadFileException) {
                error.checkMessage(file.path)
                refused++
            }
        }
        assertTrue(refused in 100..400) { "$refused" }
    }

    @Test
    fun `tables that change a text for ever are refused`() {
        val file = File(folder, "other.safetensors").apply { writeBytes(asset.readBytes()) }
        val start = Regex("\"fold_values\":\\{[^}]*\"data_offsets\":\\[(\\d+),(\\d+)\\]").find(String(file.readBytes(), 8, 2824))!!.groupValues
        val bytes = file.readBytes()
        for (at in 8 + 2824 + start[1].toInt() until 8 + 2824 + start[2].toInt() step 4) {
            val other = mapOf('A'.code.toByte() to 0xFF22, 'B'.code.toByte() to 0xFF21)[bytes[at]] ?: continue
            if (bytes[at + 1].toInt() == 0) MadeCatalog.little(4) { putInt(other) }.copyInto(bytes, at)
        }
        file.writeBytes(bytes)                               // fullwidth A becomes fullwidth B, and the other way round
        val made = ClipTokenizer.load(file)
        assertEquals(77, made.encode("x").size)
        assertThrows<BadFileException> { made.encode("\uff21") }.checkMessage(file.path)
    }
}

/** The ids of a text of the vectors, padded. */
internal fun ids(row: Map<String, Json>): IntArray = row.list("ids").map { it.asLong("id").toInt() }.toIntArray().copyOf(77)

internal fun escaped(text: String): String = text.map { if (it in ' '..'~') "$it" else "\\u%04x".format(it.code) }.joinToString("")
