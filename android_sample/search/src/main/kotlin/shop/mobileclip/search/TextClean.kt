package shop.mobileclip.search

/** Step 1 of FORMATS.md's way from a text to ids: what ftfy fixes. */
internal class TextFix(tables: TextTables, private val html: TextHtml) {
    private val shouted = tables.names("html_shouted")
    private val fold = tables.map("fold")
    private val removed = tables.set("removed")
    private val decimals = tables.set("decimals")
    private val normalForm = NormalForm(tables)

    /** Line by line; from the first line with a "<" on, HTML is left alone. Throws [Malformed] where tables have no end. */
    fun fix(text: CodePoints): CodePoints {
        val fixed = CodePoints(text.size)
        var withHtml = true
        var start = 0
        while (start < text.size) {
            val lineEnd = text.indexOf('\n'.code, start).let { if (it < 0) text.size else it + 1 }
            val segment = text.part(start, minOf(lineEnd, start + SEGMENT))
            start += segment.size
            withHtml = withHtml && segment.indexOf('<'.code) < 0
            val done = fixSegment(segment, withHtml)
            fixed.add(done, 0, done.size)
        }
        return fixed
    }

    /** Over and over, until a round changes nothing: one fix may uncover work for another. */
    private fun fixSegment(segment: CodePoints, withHtml: Boolean): CodePoints {
        var text = segment
        repeat(2 * segment.size + SPARE) {
            val before = text
            if (withHtml) text = html.unescapeStrictly(text, shouted)
            text = joinSurrogates(fold.map(text))
            text = normalForm.compose(withoutEscapes(text).filter { it !in removed })
            if (text.same(before)) return text
            wellFormed(text.size <= MOST_GROWTH * (segment.size + SPARE)) { "its tables let a text grow without end" }
        }
        malformed("its tables change a text for ever")
    }

    /** A high and a low surrogate become the character they encode; one alone becomes U+FFFD. */
    private fun joinSurrogates(text: CodePoints): CodePoints {
        if (text.max() < 0xD800) return text
        val joined = CodePoints(text.size)
        var index = 0
        while (index < text.size) {
            val point = text[index++]
            val next = text.at(index)
            joined += when {
                point in 0xD800..0xDBFF && next in 0xDC00..0xDFFF ->
                    Character.toCodePoint(point.toChar(), next.toChar()).also { index++ }

                point in 0xD800..0xDFFF -> CodePoints.REPLACEMENT

                else -> point
            }
        }
        return joined
    }

    /** Without ESC [, any decimal digits and semicolons, and one ASCII letter. */
    private fun withoutEscapes(text: CodePoints): CodePoints {
        if (text.indexOf(ESCAPE) < 0) return text
        val kept = CodePoints(text.size)
        var position = 0
        while (position < text.size) {
            val end = if (text[position] == ESCAPE) escapeEnd(text, position) else position
            if (end == position) kept += text[position++] else position = end
        }
        return kept
    }

    private fun escapeEnd(text: CodePoints, start: Int): Int {
        if (text.at(start + 1) != '['.code) return start
        var end = start + 2
        while (end < text.size && (text[end] == ';'.code || text[end] in decimals)) end++
        val last = text.at(end)
        return if (last in 'a'.code..'z'.code || last in 'A'.code..'Z'.code) end + 1 else start
    }

    private companion object {
        const val SEGMENT = 1_000_000 // code points
        const val SPARE = 16 // rounds, and code points, beyond what a text's length allows
        const val MOST_GROWTH = 16
        const val ESCAPE = 0x1b
    }
}

/** Step 3. */
internal class WhiteSpace(tables: TextTables) {
    private val spaces = tables.set("spaces")

    /** Each run of white space becomes one space; none is left at either end. */
    fun fold(text: CodePoints): CodePoints {
        val folded = CodePoints(text.size)
        var isPending = false
        for (index in 0 until text.size) {
            if (text[index] in spaces || text[index] == ' '.code) {
                isPending = folded.size > 0
                continue
            }
            if (isPending) folded += ' '.code
            isPending = false
            folded += text[index]
        }
        return folded
    }
}

/** Step 4. */
internal class LowerCase(tables: TextTables) {
    private val lower = tables.map("lower")
    private val cased = tables.set("cased")
    private val ignorable = tables.set("case_ignorable")

    /** By the table, character by character; only the capital sigma looks at its neighbours first. */
    fun lower(text: CodePoints): CodePoints {
        val sigmas = text.part(0, text.size)
        for (index in 0 until text.size) if (text[index] == SIGMA) sigmas[index] = lowerSigma(text, index)
        return lower.map(sigmas)
    }

    /** Final after a cased letter and not before one, case-ignorable characters between passed over. */
    private fun lowerSigma(text: CodePoints, index: Int): Int {
        var before = index - 1
        while (before >= 0 && text[before] in ignorable) before--
        var after = index + 1
        while (after < text.size && text[after] in ignorable) after++
        val follows = before >= 0 && text[before] in cased
        val precedes = after < text.size && text[after] in cased
        return if (follows && !precedes) FINAL_SIGMA else SMALL_SIGMA
    }

    private companion object {
        const val SIGMA = 0x3A3
        const val SMALL_SIGMA = 0x3C3
        const val FINAL_SIGMA = 0x3C2
    }
}
