package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

class JsonTest {
    /** The parser calls itself, and Android's smaller threads have 1 MiB of stack: a quarter of that must do. */
    @Test
    fun `the deepest text fits the stack of a small thread`() {
        val text = """{"a":[""".repeat(49) + "1" + "]}".repeat(49)
        var read: Json? = null
        Thread(null, { read = Json.parse("[$text]", once = true) }, "small", 256 shl 10).apply { start() }.join()
        assertEquals(listOf(Json.parse(text, once = true)), read?.asArray("it"))
        assertThrows<Malformed> { Json.parse("[[$text]]", once = true) }
    }
}
