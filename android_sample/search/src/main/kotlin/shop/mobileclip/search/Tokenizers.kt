package shop.mobileclip.search

import java.io.File
import java.nio.channels.FileChannel
import java.security.MessageDigest

/** Reads a tokenizer asset, and makes the class of the family that it names. */
public object Tokenizers {
    private const val FORMAT = "mobileclip-tokenizer"
    private const val CLIP = "clip-bpe"

    /** What makes the tokenizer of each family, from the asset's name, for messages, and its content. */
    private val FAMILIES: Map<String, (String, Container) -> TextTokenizer> = mapOf(
        CLIP to ::ClipTokenizer,
        "unigram" to ::UnigramTokenizer,
        "gemma-bpe" to ::GemmaTokenizer,
        "wordpiece" to ::WordPieceTokenizer,
    )

    /**
     * Reads the asset. [sha256]: its digest, as the manifest has it; null to go without, and then [TextTokenizer.verify] is
     * the check of a large vocabulary. [vocabulary]: how many token ids the text encoder knows
     * ([ModelManifest.TextSpec.vocabulary]); null for any number.
     *
     * @throws BadFileException if it is missing, damaged, of another format, version, family or digest, or if it has more
     * tokens than the text encoder.
     */
    @JvmStatic
    @JvmOverloads
    public fun load(file: File, sha256: String? = null, vocabulary: Int? = null): TextTokenizer =
        MappedFile.open(file) { read(it, file.path, sha256, vocabulary) }

    /** The same for [length] bytes of [channel] from [start] on: an uncompressed asset within an APK, say. */
    @JvmStatic
    @JvmOverloads
    public fun load(
        channel: FileChannel,
        start: Long,
        length: Long,
        name: String,
        sha256: String? = null,
        vocabulary: Int? = null,
    ): TextTokenizer = MappedFile.open(channel, start, length, name) { read(it, name, sha256, vocabulary) }

    private fun read(file: MappedFile, name: String, sha256: String?, vocabulary: Int?): TextTokenizer {
        if (sha256 != null) checkDigest(file, sha256)
        val container = Container.read(file)
        val family = family(container)
        val known = FAMILIES.keys.joinToString(" or ") { "'$it'" }
        val tokenizer =
            FAMILIES[family] ?: malformed("unknown tokenizer family: expected $known, found ${shown(family)}")
        return tokenizer(name, container).also {
            val tokens = tokens(family, container)
            wellFormed(vocabulary == null || tokens <= vocabulary, ErrorKind.MISMATCHED) {
                "the tokenizer has $tokens tokens, more than the text encoder's $vocabulary"
            }
        }
    }

    /** How many tokens an asset has. CLIP's: the bytes, inside and at the end of a word, merges, start and end. */
    private fun tokens(family: String, container: Container): Int = if (family == CLIP) {
        BytePairs.FIRST_MERGED + container.tensor("merges", "U16", Container.ANY, 2).asIntBuffer().capacity() + 2
    } else {
        container.tensor("piece_offsets", "U32", Container.ANY).asIntBuffer().capacity() - 1
    }

    /** Version 1 names none: it is CLIP's. */
    private fun family(container: Container): String {
        val format = container.metadata["format"] ?: "none"
        val version = container.metadata["version"] ?: "none"
        if (format == FORMAT && version == "1") return CLIP
        wellFormed(format == FORMAT && version == "2") {
            "unknown tokenizer asset: expected $FORMAT version 1 or 2, found ${shown("$format version $version")}"
        }
        return container.text("family")
    }

    private fun checkDigest(file: MappedFile, sha256: String) {
        val digest = MessageDigest.getInstance("SHA-256")
        for (window in file.windows) digest.update(window.duplicate())
        val found = hex(digest.digest())
        wellFormed(found == sha256) { "its digest is $found, the manifest's ${shown(sha256)}" }
    }
}
