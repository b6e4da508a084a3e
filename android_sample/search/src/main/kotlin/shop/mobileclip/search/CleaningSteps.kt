package shop.mobileclip.search

/** Cleans a text by steps, one after the other; FORMATS.md says what each does. Reads the tables of these steps alone. */
internal class CleaningSteps(tables: TextTables, names: List<String>) {
    private val steps: List<(CodePoints) -> CodePoints>

    init {
        val html by lazy(LazyThreadSafetyMode.NONE) { TextHtml(tables) }
        val made = names.distinct().associateWith { name -> step(name, tables) { html } }
        steps = names.map(made::getValue)
    }

    /** Throws [Malformed] where damaged tables would go on for ever. */
    fun clean(text: CodePoints): CodePoints = steps.fold(text) { before, step ->
        step(before).also {
            wellFormed(it.size <= MOST_GROWTH * (text.size + SPARE)) { "its steps let a text grow without end" }
        }
    }

    companion object {
        private const val MOST_GROWTH = 64
        private const val SPARE = 16
        private const val SPACE = ' '.code
        private const val SPACED = '_'.code // becomes a space in the step "strike"
        private const val KNOWN =
            "fix, unhtml, spaces, lower, decompose, strike, drop, unmark, isolate, punctuate, map"

        /** Those that an asset of version 2 names. */
        fun of(container: Container): CleaningSteps {
            val names = container.text("steps")
            return CleaningSteps(TextTables(container), if (names.isEmpty()) emptyList() else names.split(" "))
        }

        private fun step(name: String, tables: TextTables, html: () -> TextHtml): (CodePoints) -> CodePoints =
            when (name) {
                "fix" -> TextFix(tables, html())::fix
                "unhtml" -> html()::unescapeLeniently
                "spaces" -> WhiteSpace(tables)::fold
                "lower" -> LowerCase(tables)::lower
                "decompose" -> Decomposition(tables)::decompose
                "strike" -> struck(tables.set("struck"))
                "drop" -> without(tables.set("dropped"))
                "unmark" -> without(tables.set("marks"))
                "isolate" -> apart(tables.set("isolated"))
                "punctuate" -> apart(tables.set("punctuation"))
                "map" -> CharacterMap(tables)::map
                else -> malformed("'steps' with an unknown one: expected $KNOWN, found ${shown(name)}")
            }

        private fun without(gone: CodePointSet): (CodePoints) -> CodePoints = { text -> text.filter { it !in gone } }

        private fun struck(gone: CodePointSet): (CodePoints) -> CodePoints =
            { text -> text.filter { it == SPACED || it !in gone }.map { if (it == SPACED) SPACE else it } }

        /** A space on both sides of each character of [alone]. */
        private fun apart(alone: CodePointSet): (CodePoints) -> CodePoints = { text ->
            val spaced = CodePoints(text.size)
            for (index in 0 until text.size) {
                val isAlone = text[index] in alone
                if (isAlone) spaced += SPACE
                spaced += text[index]
                if (isAlone) spaced += SPACE
            }
            spaced
        }
    }
}
