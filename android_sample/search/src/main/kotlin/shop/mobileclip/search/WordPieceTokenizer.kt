package shop.mobileclip.search

/** The family `wordpiece` (Chinese-CLIP): the longest piece at each place of a word. */
internal class WordPieceTokenizer(private val name: String, container: Container) : TextTokenizer {
    private val vocabulary = Vocabulary(container)
    private val steps = CleaningSteps.of(container)
    private val frame = IdFrame(container, vocabulary.size)
    private val innerPrefix = CodePoints.of(container.text("inner_prefix")).utf8()
    private val longestWord = container.number("longest_word")
    private val breaks = TextTables(container).set("breaks")

    override val contextLength: Int get() = frame.contextLength

    override fun encode(text: String): IntArray = reading(name) {
        val tokens = ArrayList<Int>()
        for (word in steps.clean(CodePoints.scalars(text)).words(breaks)) {
            if (tokens.size >= frame.room) break
            tokens += pieces(word)
        }
        frame.ids(tokens)
    }

    override fun verify(): Unit = reading(name, vocabulary::verify)

    /** The unknown token alone where some place has no piece. */
    private fun pieces(word: CodePoints): List<Int> {
        val unknown = listOf(frame.unknownToken)
        if (word.size > longestWord) return unknown
        val rest = innerPrefix + word.utf8()
        val tokens = ArrayList<Int>()
        var start = innerPrefix.size
        var inner = 0 // bytes of the prefix that stand before the rest
        while (start + inner < rest.size) {
            var (piece, longest) = -1 to 0
            vocabulary.prefixes(rest, start) { token, length ->
                piece = token
                longest = length
            }
            if (longest <= inner) return unknown
            tokens += piece
            inner = innerPrefix.size
            start += longest - inner
            innerPrefix.copyInto(rest, start) // over what is done
        }
        return tokens
    }
}
