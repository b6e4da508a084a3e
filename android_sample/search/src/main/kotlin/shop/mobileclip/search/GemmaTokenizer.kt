package shop.mobileclip.search

/** The family `gemma-bpe` (SigLIP 2): byte pair encoding, where a piece's rank is its id; unknown characters are bytes. */
internal class GemmaTokenizer(private val name: String, container: Container) : TextTokenizer {
    private val vocabulary = Vocabulary(container)
    private val steps = CleaningSteps.of(container)
    private val frame = IdFrame(container, vocabulary.size)
    private val spaceMark = container.spaceMark()
    private val byteTokens = container.tensor("byte_tokens", "U32", BYTES.toLong()).asIntBuffer().let { tokens ->
        IntArray(BYTES) { tokens.get(it) }
    }

    init {
        for (token in byteTokens) {
            wellFormed(token in 0 until vocabulary.size) { "'byte_tokens' names a token beyond ${vocabulary.size}" }
        }
    }

    override val contextLength: Int get() = frame.contextLength

    override fun encode(text: String): IntArray = reading(name) {
        val cleaned = steps.clean(CodePoints.scalars(text)).map { if (it == ' '.code) spaceMark else it }
        frame.ids(tokens(cleaned.utf8()).asList())
    }

    override fun verify(): Unit = reading(name, vocabulary::verify)

    /** Characters that are pieces, or their bytes; then neighbours, neither of them a byte's token, are joined. */
    private fun tokens(text: ByteArray): IntArray {
        val tokens = IntArray(text.size)
        val starts = IntArray(text.size + 1)
        val joins = BooleanArray(text.size)
        var size = 0
        var place = 0
        while (place < text.size) {
            val end = place + characterWidth(text[place])
            val piece = vocabulary.find(text, place, end)
            while (place < end) {
                tokens[size] = if (piece >= 0) piece else byteTokens[text[place].toInt() and 0xFF]
                joins[size] = piece >= 0
                starts[size++] = place
                if (piece >= 0) place = end else place++
            }
        }
        starts[size] = text.size
        return joinedPairs(tokens.copyOf(size)) { left, right, end ->
            if (joins[left] && joins[right]) vocabulary.find(text, starts[left], starts[end]) else -1
        }
    }

    private companion object {
        const val BYTES = 256
    }
}
