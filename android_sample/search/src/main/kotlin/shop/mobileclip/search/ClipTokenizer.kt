package shop.mobileclip.search

/**
 * The tokenizer of the family `clip-bpe`, CLIP's, from `tokenizer.safetensors` alone: ids equal to open_clip's, whatever the
 * platform's Unicode version. [Tokenizers.load] makes it.
 *
 * Holds nothing that changes: any number of threads may share it. A text of n nested `&amp;amp;...` takes n rounds: bound
 * what a user can paste.
 */
public class ClipTokenizer internal constructor(private val name: String, container: Container) : TextTokenizer {
    private val tables = TextTables(container)
    private val steps = CleaningSteps(tables, STEPS)
    private val letters = tables.set("letters")
    private val numbers = tables.set("numbers")
    private val separators = tables.set("separators")
    private val ignoreCase = tables.points("ignore_case", 2).let { rows ->
        (rows.indices step 2).associate { rows[it] to rows[it + 1] }
    }
    private val pairs = BytePairs(
        container.tensor("merges", "U16", Container.ANY, 2).asShortBuffer(),
        container.tensor("byte_ids", "U16", 256).asShortBuffer(),
    )
    private val startToken = number(container, "start_token")
    private val endToken = number(container, "end_token")
    private val padToken = number(container, "pad_token")
    private val special = mapOf(container.text("start_text") to startToken, container.text("end_text") to endToken)
    private val literals = (special.keys + container.text("contractions").split(" ")).map { CodePoints.of(it) }

    override val contextLength: Int = number(container, "context_length")

    init {
        wellFormed(contextLength >= 2) { "a context of $contextLength tokens" }
    }

    override fun encode(text: String): IntArray = reading(name) {
        val ids = IntArray(contextLength) { padToken }
        var size = 0
        ids[size++] = startToken
        val cleaned = steps.clean(CodePoints.of(text))
        var position = 0
        while (position < cleaned.size && size < contextLength - 1) {
            val end = wordEnd(cleaned, position)
            if (end > position) {
                for (token in tokens(cleaned, position, end)) if (size < contextLength - 1) ids[size++] = token
            }
            position = maxOf(end, position + 1) // what no rule takes is passed over
        }
        ids[size] = endToken
        ids
    }

    private fun tokens(text: CodePoints, start: Int, end: Int): IntArray =
        special[text.string(start, end)]?.let { intArrayOf(it) } ?: pairs.tokens(text.utf8(start, end))

    /** Where the word ends that the first rule that takes anything makes; [start] if there is none. */
    private fun wordEnd(text: CodePoints, start: Int): Int {
        for (literal in literals) if (standsAt(text, start, literal)) return start + literal.size
        if (text[start] in letters) return runEnd(text, start) { it in letters }
        if (text[start] in numbers) return start + 1 // each digit is a word
        return runEnd(text, start) { it !in letters && it !in numbers && it !in separators }
    }

    private fun standsAt(text: CodePoints, start: Int, literal: CodePoints): Boolean =
        text.size - start >= literal.size &&
            (0 until literal.size).all { ignoringCase(text[start + it]) == literal[it] }

    /** The ASCII letter that a character equals when case is ignored, else itself. */
    private fun ignoringCase(point: Int): Int = ignoreCase[point] ?: point

    private inline fun runEnd(text: CodePoints, start: Int, belongs: (Int) -> Boolean): Int {
        var end = start
        while (end < text.size && belongs(text[end])) end++
        return end
    }

    private companion object {
        const val MOST = 65_536
        val STEPS = listOf("fix", "unhtml", "unhtml", "spaces", "lower")

        fun number(container: Container, key: String): Int =
            container.text(key).toIntOrNull()?.takeIf { it in 0 until MOST }
                ?: malformed("$key is ${shown(container.text(key))}")
    }
}
