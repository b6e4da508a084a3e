package shop.mobileclip.search

/** What turns a text into the ids that a text encoder takes ([Tokenizers.load]). Any number of threads may share it. */
public interface TextTokenizer {
    /** How many ids a text has. */
    public val contextLength: Int

    /**
     * Ids of [text], [contextLength] of them: its tokens, the special ones of the family, padding. A text too long is cut; the
     * end token stays.
     *
     * @throws BadFileException if the asset is damaged so that a text would never be done ([Tokenizers.load]'s digest excludes
     * it).
     */
    public fun encode(text: String): IntArray

    /**
     * The checks that read the whole vocabulary: once after an install or a download, where no digest was compared. Without
     * them a damaged vocabulary gives wrong ids or an exception of this kind, and nothing worse. A tokenizer that checks all
     * on opening has nothing to do here.
     *
     * @throws BadFileException if the vocabulary is damaged.
     */
    public fun verify() {}
}
