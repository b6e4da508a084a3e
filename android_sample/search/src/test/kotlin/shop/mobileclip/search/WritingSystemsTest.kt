package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class WritingSystemsTest {
    private val examples = listOf(
        "red bag" to "", "Grüne Schuhe, ﬁne" to "", "ＷＩＤＥ" to "", "" to "", "42 – 3,5 € 🥾 ✅ ½" to "", "٤٢" to "",
        "红色的包" to "Han", "red 包 bag" to "Han", "красная 包 сумка" to "Cyrillic Han", "靴を買う" to "Han Hiragana",
        "コーヒー" to "Katakana", "가방" to "Hangul", "τσάντα" to "Greek", "حقيبة" to "Arabic", "กระเป๋า" to "Thai",
        "𠮷" to "Han", "ㄅ" to "Bopomofo", "5 µm" to "", "OʼNeill" to "", "e\u0301 и\u0306" to "Cyrillic",
        "\ud800x" to "",
    )

    @Test
    fun `scripts that the model does not know are named once in their order`() {
        for ((text, names) in examples) {
            val expected = names.split(" ").filter { it.isNotEmpty() }
            assertEquals(expected, WritingSystems.unknown(text, setOf("Latin")), text)
            assertEquals(emptyList<String>(), WritingSystems.unknown(text, setOf("Latin") + expected), text)
        }
        assertEquals(listOf("another script"), WritingSystems.unknown("ᏣᎳᎩ ߒߞߏ red", setOf("Latin")))
        assertEquals(listOf("Latin", "Han"), WritingSystems.unknown("red 包 bag", emptySet()))
    }
}
