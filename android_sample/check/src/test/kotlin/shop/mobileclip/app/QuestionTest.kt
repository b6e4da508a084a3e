package shop.mobileclip.app

import org.junit.Assert.assertEquals
import org.junit.Test

class QuestionTest {
    @Test
    fun `a long text is cut after 1000 code points`() {
        val dress = "\ud83d\udc57"
        assertEquals(dress.repeat(1000), Question(" " + dress.repeat(1001)).words)
        assertEquals(dress.repeat(999) + "x", Question(dress.repeat(999) + "x").words)
    }
}
