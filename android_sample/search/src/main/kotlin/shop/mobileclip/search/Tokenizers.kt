package shop.mobileclip.search

import java.io.File
import java.nio.channels.FileChannel
import java.security.MessageDigest

/** Reads a tokenizer asset, and makes the class of the family that it names. */
public object Tokenizers {
    private const val FORMAT = "mobileclip-tokenizer"
    private const val CLIP = "clip-bpe"

    /** What makes the tokenizer of each family, from the asset's name, for messages, and its content. */
    private val FAMILIES: Map<String, (String, Container) -> TextTokenizer> = mapOf(CLIP to ::ClipTokenizer)

    /**
     * Reads the asset. [sha256]: its digest, as the manifest has it; null to go without.
     *
     * @throws BadFileException if it is missing, damaged, of another format, version, family or digest.
     */
    @JvmStatic
    @JvmOverloads
    public fun load(file: File, sha256: String? = null): TextTokenizer =
        MappedFile.open(file) { read(it, file.path, sha256) }

    /** The same for [length] bytes of [channel] from [start] on: an uncompressed asset within an APK, say. */
    @JvmStatic
    @JvmOverloads
    public fun load(
        channel: FileChannel,
        start: Long,
        length: Long,
        name: String,
        sha256: String? = null,
    ): TextTokenizer = MappedFile.open(channel, start, length, name) { read(it, name, sha256) }

    private fun read(file: MappedFile, name: String, sha256: String?): TextTokenizer {
        if (sha256 != null) checkDigest(file, sha256)
        val container = Container.read(file)
        val family = family(container)
        val known = FAMILIES.keys.joinToString(" or ") { "'$it'" }
        val tokenizer =
            FAMILIES[family] ?: malformed("unknown tokenizer family: expected $known, found ${shown(family)}")
        return tokenizer(name, container)
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
