package shop.mobileclip.app

import org.junit.Assert.assertEquals
import org.junit.Test
import shop.mobileclip.android.Localized
import java.math.BigDecimal
import java.util.Locale

class QuestionTest {
    @Test
    fun `a price is written as its currency and the language want it`() {
        assertEquals("$12.50", Localized.price(BigDecimal("12.5"), "USD", Locale.US))
        assertEquals("¥1,300", Localized.price(BigDecimal("1300"), "JPY", Locale.US))
        assertEquals("7 mugs", Localized.price(BigDecimal("7"), "mugs", Locale.US))
    }

    @Test
    fun `a long text is cut after 1000 code points`() {
        val dress = "\ud83d\udc57"
        assertEquals(dress.repeat(1000), Question(" " + dress.repeat(1001)).words)
        assertEquals(dress.repeat(999) + "x", Question(dress.repeat(999) + "x").words)
    }
}
