package shop.mobileclip.app

import androidx.test.platform.app.InstrumentationRegistry
import org.json.JSONObject
import org.junit.Assert.assertTrue
import org.junit.Test
import shop.mobileclip.android.GoldenCheck

/** On a device or an emulator: LiteRT's embeddings are the golden ones. */
class GoldenDeviceTest {
    @Test
    fun theEncodersGiveTheGoldenEmbeddings() {
        val report = GoldenCheck.run(InstrumentationRegistry.getInstrumentation().targetContext)
        assertTrue(report, JSONObject(report).getBoolean("passed"))
    }
}
