package shop.mobileclip.search

/** The row of ids that an encoder takes: start, if the family has one, tokens, end, padding. Throws [Malformed]. */
internal class IdFrame(container: Container, private val known: Int) {
    private val startToken = if (container.text("start_token").isEmpty()) null else container.token("start_token")
    private val endToken = container.token("end_token")
    private val padToken = container.token("pad_token")

    /** What stands for text that is no piece. */
    val unknownToken: Int = container.token("unknown_token")

    val contextLength: Int = container.number("context_length")

    /** How many tokens of a text a row holds. */
    val room: Int = contextLength - (if (startToken == null) 1 else 2)

    init {
        wellFormed(room > 0) { "'context_length' of $contextLength has no room for a token" }
    }

    /** [contextLength] ids. Of too many tokens the first are kept. */
    fun ids(tokens: List<Int>): IntArray {
        val ids = IntArray(contextLength) { padToken }
        var size = 0
        if (startToken != null) ids[size++] = startToken
        for (token in tokens.take(room)) ids[size++] = token
        ids[size] = endToken
        return ids
    }

    private fun Container.token(key: String): Int = number(key).also {
        wellFormed(it < known) { "'$key' names token $it of $known" }
    }
}

private val NUMBER = Regex("[0-9]{1,9}")

/** A whole number of the metadata of version 2. Throws [Malformed] for anything but digits. */
internal fun Container.number(key: String): Int {
    val written = text(key)
    wellFormed(NUMBER.matches(written)) { "'$key' is ${shown(written)}, no number" }
    return written.toInt()
}

/** The one character that stands for a space. */
internal fun Container.spaceMark(): Int {
    val mark = CodePoints.of(text("space_mark"))
    wellFormed(mark.size == 1) { "'space_mark' is ${shown(text("space_mark"))}, not one character" }
    return mark[0]
}
