package shop.mobileclip.search

import java.nio.IntBuffer

/**
 * A catalog's tables of characters: a text enters; its words, folded, leave. FORMATS.md, "Words and keys": no Unicode
 * function of the platform takes part. Throws [Malformed] for tables that lead to what is no character.
 */
internal class WordCharacters(folds: IntBuffer, foldTexts: IntBuffer, letters: IntBuffer) {
    private val folds = IntArray(folds.capacity(), folds::get) // first, last, what they become
    private val foldTexts = IntArray(foldTexts.capacity(), foldTexts::get) // each a length, then the characters
    private val letters = IntArray(letters.capacity(), letters::get) // first, last, kind

    init {
        checkRuns("word_folds", this.folds)
        checkRuns("word_letters", this.letters)
        for (at in 2 until this.letters.size step RUN) {
            wellFormed(this.letters[at] == WORD || this.letters[at] == PAIRS) { "word_letters of an unknown kind" }
        }
        for (at in this.folds.indices step RUN) {
            wellFormed(leadsToCharacters(at)) { "word_folds that lead to what is no character" }
        }
    }

    /** The runs of letters of a text, folded, in their order. */
    fun runs(text: String): List<LetterRun> {
        val folded = composed(folded(text))
        val found = ArrayList<LetterRun>()
        var start = 0
        var kind = NONE
        for (index in 0..folded.size) {
            val next = if (index < folded.size) kind(folded[index]) else NONE
            if (next == kind) continue
            if (kind != NONE) found += LetterRun(folded.part(start, index), kind == PAIRS)
            start = index
            kind = next
        }
        return found
    }

    /** A text as one key: its runs without what is between them, a barcode with 14 digits; empty without a letter. */
    fun key(text: String): String {
        val joined = runs(text).joinToString("") { it.text }
        val isBarcode = joined.length in BARCODES && joined.all { it in '0'..'9' }
        return if (isBarcode) joined.padStart(BARCODES.last(), '0') else joined
    }

    private fun folded(text: String): CodePoints {
        val found = CodePoints(text.length)
        val points = CodePoints.of(text)
        for (index in 0 until points.size) {
            val point = points[index]
            val at = run(folds, point)
            val value = if (at < 0) point else folds[at + 2] and NUMBER
            when (if (at < 0) ONE else folds[at + 2] ushr KIND_SHIFT) {
                ONE -> found += value
                SHIFTED -> found += value + point - folds[at]
                else -> for (place in value + 1..value + foldTexts[value]) found += foldTexts[place]
            }
        }
        return found
    }

    private fun kind(point: Int): Int = run(letters, point).let { if (it < 0) NONE else letters[it + 2] }

    private fun leadsToCharacters(at: Int): Boolean {
        val value = folds[at + 2] and NUMBER
        return when (folds[at + 2] ushr KIND_SHIFT) {
            ONE -> isCharacter(value)

            SHIFTED -> {
                val last = value + folds[at + 1] - folds[at]
                last <= LAST && (value > SURROGATES.last || last < SURROGATES.first)
            }

            TEXT -> {
                val end = if (value <
                    foldTexts.size
                ) {
                    value + Integer.toUnsignedLong(foldTexts[value])
                } else {
                    Long.MAX_VALUE
                }
                end < foldTexts.size && (value + 1..end.toInt()).all { isCharacter(foldTexts[it]) }
            }

            else -> false
        }
    }

    companion object {
        /** The tensors' names. */
        val TENSORS: List<String> = listOf("word_folds", "word_fold_texts", "word_letters")
        private const val RUN = 3 // numbers
        private const val KIND_SHIFT = 24
        private const val NUMBER = 0xFFFFFF
        private const val ONE = 0 // of a fold: each becomes the same character,
        private const val SHIFTED = 1 // each another,
        private const val TEXT = 2 // each a text
        private const val NONE = 0 // of letters: no letter,
        private const val WORD = 1 // one of words,
        private const val PAIRS = 2 // one of a script without spaces
        private const val LAST = 0x10FFFF
        private val SURROGATES = 0xD800..0xDFFF
        private val BARCODES = listOf(8, 12, 13, 14)

        // Hangul's leads, vowels and tails, and the syllables that they make.
        private val LEADS = 0x1100..0x1112
        private val VOWELS = 0x1161..0x1175
        private val TAILS = 0x11A8..0x11C2
        private val SYLLABLES = 0xAC00..0xD7A3
        private const val OF_A_LEAD = 588
        private const val OF_A_VOWEL = 28

        private fun isCharacter(value: Int) = value in 0..LAST && value !in SURROGATES

        /** They rise, and none overlaps another. */
        private fun checkRuns(name: String, runs: IntArray) {
            wellFormed(runs.size % RUN == 0) { "$name that are no runs" }
            var before = -1
            for (at in runs.indices step RUN) {
                wellFormed(runs[at] > before && runs[at + 1] in runs[at]..LAST) { "$name that do not rise" }
                before = runs[at + 1]
            }
        }

        /** Where the run that holds [point] stands in [runs]; -1 for none. */
        private fun run(runs: IntArray, point: Int): Int {
            var low = 0
            var high = runs.size / RUN
            while (low < high) {
                val middle = (low + high) ushr 1
                if (runs[RUN * middle + 1] < point) low = middle + 1 else high = middle
            }
            return if (RUN * low < runs.size && runs[RUN * low] <= point) RUN * low else -1
        }

        /** Hangul's single letters as syllables, by arithmetic. */
        private fun composed(points: CodePoints): CodePoints {
            val made = CodePoints(points.size)
            for (index in 0 until points.size) {
                val before = if (made.size > 0) made[made.size - 1] else NONE
                val next = points[index]
                if (before in LEADS && next in VOWELS) {
                    made[made.size - 1] =
                        SYLLABLES.first + (before - LEADS.first) * OF_A_LEAD + (next - VOWELS.first) * OF_A_VOWEL
                } else if (before in SYLLABLES && (before - SYLLABLES.first) % OF_A_VOWEL == 0 && next in TAILS) {
                    made[made.size - 1] = before + next - TAILS.first + 1
                } else {
                    made += next
                }
            }
            return made
        }
    }
}

/** Letters of one kind, folded: a word, or, [byPairs], of a script without spaces. */
internal class LetterRun(private val points: CodePoints, val byPairs: Boolean) {
    /** How many characters. */
    val size: Int get() = points.size

    val text: String get() = points.string(0, points.size)

    /** What a product with it is found by: the word; or each pair of neighbours, and the last character alone. */
    val terms: List<String>
        get() = if (byPairs) List(size) { points.string(it, minOf(it + 2, size)) } else listOf(text)
}
