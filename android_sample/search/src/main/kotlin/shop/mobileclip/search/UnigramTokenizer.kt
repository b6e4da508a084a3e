package shop.mobileclip.search

/** The family `unigram` (SigLIP, XLM-R): the pieces of a word whose scores have the largest sum. */
internal class UnigramTokenizer(private val name: String, container: Container) : TextTokenizer {
    private val vocabulary = Vocabulary(container)
    private val steps = CleaningSteps.of(container)
    private val frame = IdFrame(container, vocabulary.size)
    private val scores = container.tensor("scores", "F32", vocabulary.size.toLong()).asFloatBuffer()
    private val unknownScore = unknownScore(container)
    private val spaceMark = container.spaceMark()
    private val breaks = TextTables(container).set("breaks")

    override val contextLength: Int get() = frame.contextLength

    override fun encode(text: String): IntArray = reading(name) {
        val tokens = ArrayList<Int>()
        for (word in steps.clean(CodePoints.scalars(text)).words(breaks)) {
            if (tokens.size >= frame.room) break
            for (part in parts(word)) tokens += best(part)
        }
        frame.ids(tokens)
    }

    override fun verify(): Unit = reading(name) {
        vocabulary.verify()
        for (token in 0 until vocabulary.size) {
            wellFormed(scores.get(token).isFinite()) { "'scores' has no finite number at token $token" }
        }
    }

    /** A word with the mark in front, cut before each mark in it. */
    private fun parts(word: CodePoints): List<ByteArray> {
        val found = ArrayList<ByteArray>()
        var part = CodePoints()
        for (index in 0 until word.size) {
            val isMark = word[index] == spaceMark
            if (isMark && index > 0) {
                found += part.utf8()
                part = CodePoints()
            }
            if (index == 0 && !isMark) part += spaceMark
            part += word[index]
        }
        return found.apply { add(part.utf8()) }
    }

    /** Of equal sums the first found. Unknown tokens side by side are one. */
    private fun best(part: ByteArray): List<Int> {
        val sums = DoubleArray(part.size + 1) { Double.NEGATIVE_INFINITY } // of the best pieces that end at each byte
        val starts = IntArray(part.size + 1) // of the last of these pieces
        val tokens = IntArray(part.size + 1) { frame.unknownToken }
        fun offer(start: Int, end: Int, score: Double, token: Int) {
            val sum = sums[start] + score
            if (!(sum > sums[end])) return // also where a damaged score is no number
            sums[end] = sum
            starts[end] = start
            tokens[end] = token
        }
        sums[0] = 0.0
        var start = 0
        while (start < part.size) {
            val width = characterWidth(part[start])
            var isPiece = false
            vocabulary.prefixes(part, start) { token, length ->
                offer(start, start + length, scores.get(token).toDouble(), token)
                if (length == width) isPiece = true
            }
            if (!isPiece) offer(start, start + width, unknownScore, frame.unknownToken)
            start += width
        }
        val found = ArrayList<Int>()
        var end = part.size
        while (end > 0) {
            val token = tokens[end]
            if (token != frame.unknownToken || found.lastOrNull() != token) found += token
            end = starts[end]
        }
        return found.asReversed()
    }

    private companion object {
        val DECIMAL = Regex("-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?")

        fun unknownScore(container: Container): Double {
            val written = container.text("unknown_score")
            val score = if (DECIMAL.matches(written)) written.toDouble() else Double.NaN
            wellFormed(score.isFinite()) { "'unknown_score' is ${shown(written)}, no finite number" }
            return score
        }
    }
}
