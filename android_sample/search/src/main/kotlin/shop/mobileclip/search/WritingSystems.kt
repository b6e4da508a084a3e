package shop.mobileclip.search

import java.lang.Character.UnicodeScript

/** Writing systems: whether a query is in one that the model was not trained on. */
public object WritingSystems {
    private val ANY_SCRIPT = setOf(UnicodeScript.COMMON, UnicodeScript.INHERITED)
    private val names = listOf(
        "Latin", "Han", "Hiragana", "Katakana", "Hangul", "Bopomofo", "Cyrillic", "Greek", "Arabic", "Hebrew",
        "Devanagari", "Bengali", "Tamil", "Telugu", "Thai", "Lao", "Khmer", "Myanmar", "Georgian", "Armenian",
        "Ethiopic", "Gujarati", "Gurmukhi", "Kannada", "Malayalam", "Sinhala", "Tibetan", "Mongolian",
    ).associateBy { UnicodeScript.forName(it) }

    /**
     * The scripts of the letters of [text] that are not among [known] ([ModelManifest.TextSpec.scripts]), each once, in their order. A
     * letter of a script that few people write is of "another script".
     */
    @JvmStatic
    public fun unknown(text: String, known: Set<String>): List<String> {
        val found = LinkedHashSet<String>()
        var index = 0
        while (index < text.length) {
            val point = text.codePointAt(index)
            index += Character.charCount(point)
            val script = UnicodeScript.of(point)
            if (Character.isLetter(point) && script !in ANY_SCRIPT) found += names[script] ?: "another script"
        }
        return found.filter { it !in known }
    }
}
