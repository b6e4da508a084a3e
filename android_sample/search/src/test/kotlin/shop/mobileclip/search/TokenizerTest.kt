package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.Random
import java.util.concurrent.Callable
import java.util.concurrent.Executors

class TokenizerTest {
    @TempDir
    lateinit var folder: File

    private val asset = Dist.file(Dist.manifest.tokenizer.path)
    private val tokenizer = Dist.tokenizer
    private val spec = Dist.manifest.text
    private val golden = GoldenTexts(Goldens, "tokens.json")

    @Test
    fun `the golden texts have the golden ids`() {
        for (name in TEXTS) {
            val texts = GoldenTexts(Goldens, name)
            assertTrue(texts.rows.isNotEmpty())
            assertEquals(emptyList<String>(), texts.differing(texts.tokenizer(folder)))
        }
    }

    @Test
    fun `many threads get what one gets`() {
        val pool = Executors.newFixedThreadPool(4)
        val tokenizer = golden.tokenizer(folder)
        val tasks = List(4) { Callable { golden.differing(tokenizer) } }
        pool.invokeAll(tasks).forEach { assertEquals(emptyList<String>(), it.get()) }
        pool.shutdown()
    }

    @Test
    fun `a long text keeps its end token, and one of a million characters is done`() {
        val ids = tokenizer.encode("dress ".repeat(200))
        val special = listOf(spec.startToken, spec.endToken)
        assertEquals(spec.contextLength to special, ids.size to listOf(ids.first(), ids.last()))
        assertEquals(spec.endToken, tokenizer.encode("x".repeat(1_000_000)).last())
        assertEquals(spec.endToken, tokenizer.encode("\u0301\u0323".repeat(300_000)).last())
    }

    @Test
    fun `an asset of another digest is refused`() {
        val right = hex(java.security.MessageDigest.getInstance("SHA-256").digest(asset.readBytes()))
        assertEquals(spec.contextLength, Tokenizers.load(asset, right).contextLength)
        assertThrows<BadFileException> { Tokenizers.load(asset, "0".repeat(64)) }.checkMessage(asset.path)
        assertThrows<BadFileException> { Tokenizers.load(File(folder, "none")) }.checkMessage(folder.path)
    }

    @Test
    fun `an asset with more tokens than the text encoder is refused`() {
        val own = spec.endToken + 1
        Tokenizers.load(asset, vocabulary = own).verify()
        val error = assertThrows<BadFileException> { Tokenizers.load(asset, vocabulary = own - 1) }
        val message = error.checkMessage(asset.path)
        assertTrue("$own tokens, more than the text encoder's ${own - 1}" in message) { message }
        assertEquals(ErrorKind.MISMATCHED, error.kind)
    }

    @Test
    fun `version 1 is CLIP's, version 2 names its family`() {
        val text = "a photo of a r\u00e9d dress"
        for (version in listOf(V1, """"version":"2","family":"clip-bpe"""")) {
            val made = Tokenizers.load(asset(V1, version))
            assertInstanceOf(ClipTokenizer::class.java, made)
            assertArrayEquals(tokenizer.encode(text), made.encode(text))
        }
    }

    @Test
    fun `another format, version or family is refused by name`() {
        fun refused(says: String, old: String, new: String) {
            val file = asset(old, new)
            val message = assertThrows<BadFileException> { Tokenizers.load(file) }.checkMessage(file.path)
            assertTrue(says in message) { message }
        }
        refused("found 'mobileclip-tokenizer version 3'", V1, """"version":"3","family":"clip-bpe"""")
        refused("found 'mobileclip-catalog version 1'", "mobileclip-tokenizer", "mobileclip-catalog")
        refused("found 'mobileclip-tokenizer version none'", """,$V1""", "")
        val known = "expected 'clip-bpe' or 'unigram' or 'gemma-bpe' or 'wordpiece'"
        refused("$known, found 'letters'", V1, """"version":"2","family":"letters"""")
        refused("no tensor 'pieces'", V1, """"version":"2","family":"wordpiece"""")
        refused("no 'family'", V1, """"version":"2"""")
    }

    private fun asset(old: String, new: String): File = asset(folder, old, new)

    @Test
    fun `a damaged asset is refused, or reads texts without another exception`() {
        val good = asset.readBytes()
        val head = 8 + 2824
        val random = Random(3)
        val texts = listOf(
            "a photo of a r\u00e9d <b>dress</b>",
            "&amp;amp;lt; &#39; \uff21\ufb01 \u039f\u03a3",
            "it's \u1112\u1161\u11ab 3 \ud83d\udc57\ud83d",
        )
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
                val made = Tokenizers.load(file)
                for (text in texts) assertEquals(spec.contextLength, made.encode(text).size)
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
        val entry = Regex("\"fold_values\":\\{[^}]*\"data_offsets\":\\[(\\d+),(\\d+)\\]")
        val start = entry.find(String(file.readBytes(), 8, 2824))!!.groupValues
        val bytes = file.readBytes()
        for (at in 8 + 2824 + start[1].toInt() until 8 + 2824 + start[2].toInt() step 4) {
            val other = mapOf('A'.code.toByte() to 0xFF22, 'B'.code.toByte() to 0xFF21)[bytes[at]] ?: continue
            if (bytes[at + 1].toInt() == 0) MadeCatalog.little(4) { putInt(other) }.copyInto(bytes, at)
        }
        file.writeBytes(bytes) // fullwidth A becomes fullwidth B, and the other way round
        val made = Tokenizers.load(file)
        assertEquals(spec.contextLength, made.encode("x").size)
        assertThrows<BadFileException> { made.encode("\uff21") }.checkMessage(file.path)
    }

    private companion object {
        const val V1 = """"version":"1""""
    }
}

/** The files of the vectors that hold texts of the families beside CLIP's. */
internal val FAMILY_TEXTS =
    listOf("unigram", "unigram-cased", "gemma-bpe", "wordpiece").map { "tokens-$it.json" }

/** The files of the vectors that hold texts. */
internal val TEXTS = listOf("tokens.json", "tokens-32.json") + FAMILY_TEXTS

/** Texts of the vectors with their ids, for one context length. */
internal class GoldenTexts(private val vectors: Vectors, name: String) {
    private val file = vectors.json(name)
    private val contextLength = file.int("context_length")
    private val padToken = file.int("pad_token")
    val rows = file.objects("texts")

    /** The last id of the shortest row. */
    val endToken = rows.minBy { it.list("ids").size }.list("ids").last().asLong("id").toInt()

    /** The tokenizer of their own asset, or the exported one for this context length; a changed asset goes into [folder]. */
    fun tokenizer(folder: File): TextTokenizer {
        file["asset"]?.let { return Tokenizers.load(vectors.file(it.asText("asset"))).apply { verify() } }
        val own = Dist.manifest.text.contextLength
        if (contextLength == own) return Dist.tokenizer
        return Tokenizers.load(asset(folder, """"context_length":"$own"""", """"context_length":"$contextLength""""))
    }

    /** The texts for which [tokenizer] has other ids. */
    fun differing(tokenizer: TextTokenizer): List<String> = rows.filterNot {
        tokenizer.encode(it.text("text")).contentEquals(padded(it))
    }.map { escaped(it.text("text")) }

    private fun padded(row: Map<String, Json>): IntArray {
        val ids = row.list("ids").map { it.asLong("id").toInt() }
        return IntArray(contextLength) { ids.getOrElse(it) { padToken } }
    }
}

/** A copy in [folder] of the exported asset, with [new] in place of [old] in its header. */
private fun asset(folder: File, old: String, new: String): File {
    val bytes = Dist.file(Dist.manifest.tokenizer.path).readBytes()
    val start = 8 + ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).long.toInt()
    val header = String(bytes, 8, start - 8).trim()
    check(header.split(old).size == 2) { "$old in $header" }
    val named = MadeCatalog.joined(header.replace(old, new), bytes.copyOfRange(start, bytes.size))
    return File(folder, "named.safetensors").apply { writeBytes(named) }
}

internal fun escaped(text: String): String =
    text.map { if (it in ' '..'~') "$it" else "\\u%04x".format(it.code) }.joinToString("")
