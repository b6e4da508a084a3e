package shop.mobileclip.search

/**
 * The step `map`: a double array of keys, UTF-8, each with a text. A short cluster of characters that begins with a key
 * becomes the text of its shortest key as a whole; others go character by character. Throws [Malformed] for units that
 * lead out of the tensors: after that no search does.
 */
internal class CharacterMap(tables: TextTables) {
    private val units = tables.column("charsmap_units")
    private val texts = tables.bytes("charsmap_text")
    private val extends = tables.set("extends")
    private val prepends = tables.set("prepends")
    private val unmarked = tables.set("unmarked")

    init {
        wellFormed(units.capacity() > 0 && units.get(0) >= 0) { "'charsmap_units' has no first unit that leads on" }
        val isEnded = texts.capacity() > 0 && texts.get(texts.capacity() - 1).toInt() == 0
        wellFormed(isEnded) { "'charsmap_text' does not end with 0" }
        checkUtf8(texts, "charsmap_text")
        for (place in 0 until units.capacity()) checkUnit(place)
    }

    private fun checkUnit(place: Int) {
        val unit = units.get(place)
        if (unit < 0) {
            val start = unit and Int.MAX_VALUE
            val isWhole = start < texts.capacity() && !isContinuation(texts.get(start))
            return wellFormed(isWhole) { "'charsmap_text' has no value at $start" }
        }
        val child = child(place)
        wellFormed(child or LOW < units.capacity()) { "'charsmap_units' leads out of its units at $place" }
        wellFormed(unit and HAS_VALUE == 0 || units.get(child) < 0) {
            "'charsmap_units' leads to a value that is none at $place"
        }
    }

    /** The text with every cluster replaced. */
    fun map(text: CodePoints): CodePoints {
        val out = CodePoints(text.size)
        var start = 0
        while (start < text.size) {
            val end = clusterEnd(text, start)
            replace(text, start, end, out)
            start = end
        }
        return out
    }

    private fun clusterEnd(text: CodePoints, start: Int): Int {
        var base = start
        while (text[base] in prepends && base + 1 < text.size) {
            if (text[base + 1] in unmarked || text[base + 1] in extends) break
            base++
        }
        var end = base + 1
        if (text[base] !in unmarked) while (end < text.size && text[end] in extends) end++
        return end
    }

    private fun replace(text: CodePoints, start: Int, end: Int, out: CodePoints) {
        if (end - start < WHOLE && replaceKey(text.utf8(start, end), out)) return
        for (place in start until end) if (!replaceKey(text.utf8(place, place + 1), out)) out += text[place]
    }

    /** Adds the text of the shortest key with which [bytes], fewer than [WHOLE], begin; false for none. */
    private fun replaceKey(bytes: ByteArray, out: CodePoints): Boolean {
        if (bytes.size >= WHOLE) return false
        var place = child(0)
        for (byte in bytes) {
            val label = byte.toInt() and LOW
            place = place xor label
            val unit = units.get(place)
            if (label == 0 || unit and (LEAF or LOW) != label) return false
            place = child(place)
            if (unit and HAS_VALUE == 0) continue
            val start = units.get(place) and Int.MAX_VALUE
            var end = start
            while (texts.get(end).toInt() != 0) end++
            val value = CodePoints.of(String(texts.part(start, end - start).bytes(), Charsets.UTF_8))
            out.add(value, 0, value.size)
            return true
        }
        return false
    }

    /** Where the children of a unit begin: a child is at this place xor its label; the value is at the place itself. */
    private fun child(place: Int): Int {
        val unit = units.get(place)
        return place xor (unit ushr 10 shl (unit and FAR ushr 6))
    }

    private companion object {
        const val WHOLE = 6 // bytes: a shorter cluster is looked up as a whole
        const val LEAF = 1 shl 31 // of a unit that holds a value
        const val LOW = 0xFF // the part of a place that a label changes
        const val HAS_VALUE = 1 shl 8
        const val FAR = 1 shl 9
    }
}
