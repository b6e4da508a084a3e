package shop.mobileclip.search

/** HTML character references: ftfy's strict reading, and the lenient one of Python's html.unescape. */
internal class TextHtml(tables: TextTables) {
    private val names = tables.names("html")
    private val charrefs = tables.map("charrefs")

    /** [more]: names that count here besides. */
    fun unescapeStrictly(text: CodePoints, more: Map<String, IntArray>): CodePoints =
        replaced(text) { whole, start, out -> strict(whole, start, out, more) }

    fun unescapeLeniently(text: CodePoints): CodePoints = replaced(text, ::lenient)

    /** [read] is given each "&" and the text made so far; it adds what stands for it, and answers where to go on. */
    private inline fun replaced(text: CodePoints, read: (CodePoints, Int, CodePoints) -> Int): CodePoints {
        var start = text.indexOf(AMPERSAND)
        if (start < 0) return text
        val out = CodePoints(text.size)
        var position = 0
        while (start >= 0) {
            out.add(text, position, start)
            position = read(text, start, out)
            start = text.indexOf(AMPERSAND, position)
        }
        out.add(text, position, text.size)
        return out
    }

    private fun strict(text: CodePoints, start: Int, out: CodePoints, more: Map<String, IntArray>): Int {
        val nameStart = if (text.at(start + 1) == HASH) start + 2 else start + 1
        var end = nameStart
        while (end - nameStart < STRICT_LENGTH && isAlphanumeric(text.at(end))) end++
        if (end == nameStart || text.at(end) != SEMICOLON) {
            out += AMPERSAND
            return start + 1
        }
        end++
        val number = number(text, start + 1)
        val name = text.string(start + 1, end)
        val value = if (number == null || number.end != end) {
            names[name] ?: more[name]
        } else {
            character(number.value).takeUnless { it.size == 1 && it[0] == SEMICOLON }
        }
        if (value == null) out.add(text, start, end) else out += value
        return end
    }

    private fun lenient(text: CodePoints, start: Int, out: CodePoints): Int {
        number(text, start + 1)?.let {
            out += character(it.value)
            return it.end
        }
        var end = start + 1
        while (end < text.size && end - start <= LENIENT_LENGTH && text[end] !in ENDS_A_NAME) end++
        if (end > start + 1 && text.at(end) == SEMICOLON) end++
        for (knownEnd in end downTo start + 3) { // the longest first, at least two characters
            val value = names[text.string(start + 1, knownEnd)] ?: continue
            out += value
            out.add(text, knownEnd, end)
            return end
        }
        out.add(text, start, end)
        return end
    }

    private class Number(val value: Int, val end: Int)

    /** The numeric reference after "&", at most 0x110000, and its end, a ";" included; null for none. */
    private fun number(text: CodePoints, start: Int): Number? {
        if (text.at(start) != HASH) return null
        val isHex = text.at(start + 1) == 'x'.code || text.at(start + 1) == 'X'.code
        val base = if (isHex) 16 else 10
        val first = if (isHex) start + 2 else start + 1
        var end = first
        var value = 0
        while (true) {
            val digit = digit(text.at(end))
            if (digit !in 0 until base) break
            value = minOf(value * base + digit, BEYOND)
            end++
        }
        if (end == first) return null
        return Number(value, if (text.at(end) == SEMICOLON) end + 1 else end)
    }

    private fun character(number: Int): IntArray {
        if (number >= BEYOND || number in 0xD800..0xDFFF) return intArrayOf(CodePoints.REPLACEMENT)
        return charrefs[number] ?: intArrayOf(number)
    }

    private fun isAlphanumeric(point: Int) =
        point in '0'.code..'9'.code || point in 'a'.code..'z'.code || point in 'A'.code..'Z'.code

    private fun digit(point: Int): Int = when (point) {
        in '0'.code..'9'.code -> point - '0'.code
        in 'a'.code..'f'.code -> point - 'a'.code + 10
        in 'A'.code..'F'.code -> point - 'A'.code + 10
        else -> -1
    }

    private companion object {
        const val AMPERSAND = '&'.code
        const val HASH = '#'.code
        const val SEMICOLON = ';'.code
        const val STRICT_LENGTH = 24
        const val LENIENT_LENGTH = 32
        const val BEYOND = 0x110000
        val ENDS_A_NAME = "\t\n\u000c <&#;".map { it.code }.toSet()
    }
}
