package shop.mobileclip.search

import java.io.File
import java.nio.channels.FileChannel
import java.security.MessageDigest

/**
 * CLIP's tokenizer, from `tokenizer.safetensors` alone: ids equal to open_clip's, whatever the platform's Unicode version.
 *
 * Holds nothing that changes: any number of threads may share it. A text of n nested `&amp;amp;...` takes n rounds: bound
 * what a user can paste.
 */
public class ClipTokenizer private constructor(private val name: String, container: Container) {
    private val tables = TextTables(container)
    private val clean = TextClean(tables)
    private val pairs = BytePairs(
        container.tensor("merges", "U16", Container.ANY, 2).asShortBuffer(), container.tensor("byte_ids", "U16", 256).asShortBuffer(),
    )
    private val startToken = number(container, "start_token")
    private val endToken = number(container, "end_token")
    private val padToken = number(container, "pad_token")
    private val special = mapOf(container.text("start_text") to startToken, container.text("end_text") to endToken)
    private val literals = (special.keys + container.text("contractions").split(" ")).map { CodePoints.of(it) }

    /** How many ids a text has: 77. */
    public val contextLength: Int = number(container, "context_length")

    init {
        wellFormed(contextLength >= 2) { "a context of $contextLength tokens" }
    }

    /**
     * Ids of [text], [contextLength] of them: start, the tokens, end, padding. A text too long is cut; the end token stays.
     *
     * @throws BadFileException if the asset is damaged so that a text would never be done ([load]'s digest excludes it).
     */
    public fun encode(text: String): IntArray = reading(name) {
        val ids = IntArray(contextLength) { padToken }
        var size = 0
        ids[size++] = startToken
        val cleaned = clean.clean(CodePoints.of(text))
        var position = 0
        while (position < cleaned.size && size < contextLength - 1) {
            val end = wordEnd(cleaned, position)
            if (end > position) {
                for (token in tokens(cleaned, position, end)) if (size < contextLength - 1) ids[size++] = token
            }
            position = maxOf(end, position + 1)                  // what no rule takes is passed over
        }
        ids[size] = endToken
        ids
    }

    private fun tokens(text: CodePoints, start: Int, end: Int): IntArray =
        special[text.string(start, end)]?.let { intArrayOf(it) } ?: pairs.tokens(utf8(text, start, end))

    /** Where the word ends that the first rule that takes anything makes; [start] if there is none. */
    private fun wordEnd(text: CodePoints, start: Int): Int {
        for (literal in literals) if (standsAt(text, start, literal)) return start + literal.size
        if (text[start] in tables.letters) return runEnd(text, start) { it in tables.letters }
        if (text[start] in tables.numbers) return start + 1      // each digit is a word
        return runEnd(text, start) { it !in tables.letters && it !in tables.numbers && it !in tables.separators }
    }

    private fun standsAt(text: CodePoints, start: Int, literal: CodePoints): Boolean =
        text.size - start >= literal.size && (0 until literal.size).all { tables.ignoringCase(text[start + it]) == literal[it] }

    private inline fun runEnd(text: CodePoints, start: Int, belongs: (Int) -> Boolean): Int {
        var end = start
        while (end < text.size && belongs(text[end])) end++
        return end
    }

    public companion object {
        /**
         * Reads the asset. [sha256]: its digest, as the manifest has it; null to go without.
         *
         * @throws BadFileException if it is missing, damaged, of another format, version or digest.
         */
        public fun load(file: File, sha256: String? = null): ClipTokenizer = MappedFile.open(file) { read(it, file.path, sha256) }

        /** The same for [length] bytes of [channel] from [start] on: an uncompressed asset within an APK, say. */
        public fun load(channel: FileChannel, start: Long, length: Long, name: String, sha256: String? = null): ClipTokenizer =
            MappedFile.open(channel, start, length, name) { read(it, name, sha256) }

        private fun read(file: MappedFile, name: String, sha256: String?): ClipTokenizer {
            if (sha256 != null) checkDigest(file, sha256)
            val container = Container.read(file)
            val found = "${container.metadata["format"]} version ${container.metadata["version"]}"
            wellFormed(found == KNOWN) { "no tokenizer asset that this program knows: expected $KNOWN, found ${shown(found)}" }
            return ClipTokenizer(name, container)
        }

        private fun checkDigest(file: MappedFile, sha256: String) {
            val digest = MessageDigest.getInstance("SHA-256")
            for (window in file.windows) digest.update(window.duplicate())
            val found = hex(digest.digest())
            wellFormed(found == sha256) { "its digest is $found, the manifest's ${shown(sha256)}" }
        }

        private const val KNOWN = "mobileclip-tokenizer version 1"
        private const val MOST = 65_536

        private fun number(container: Container, key: String): Int =
            container.text(key).toIntOrNull()?.takeIf { it in 0 until MOST } ?: malformed("$key is ${shown(container.text(key))}")

        /** UTF-8; surrogates, which only damaged tables can leave, as three bytes. */
        private fun utf8(text: CodePoints, start: Int, end: Int): ByteArray {
            val bytes = ByteArray(4 * (end - start))
            var size = 0
            fun put(value: Int) {
                bytes[size++] = value.toByte()
            }
            for (index in start until end) {
                val point = text[index]
                when {
                    point < 0x80 -> put(point)
                    point < 0x800 -> put(0xC0 or (point shr 6))
                    point < 0x10000 -> put(0xE0 or (point shr 12))
                    else -> put(0xF0 or (point shr 18))
                }
                if (point >= 0x10000) put(0x80 or (point shr 12 and 0x3F))
                if (point >= 0x800) put(0x80 or (point shr 6 and 0x3F))
                if (point >= 0x80) put(0x80 or (point and 0x3F))
            }
            return bytes.copyOf(size)
        }
    }
}
