package shop.mobileclip.app

import android.graphics.ImageDecoder
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import java.io.File
import java.io.IOException
import java.math.BigDecimal
import java.nio.ByteBuffer
import java.util.Locale

/** The files that the app reads itself: encoders' metadata, pictures; and prices. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class FilesTest {
    private val assets = Assets(RuntimeEnvironment.getApplication().assets)

    @Test
    fun `both encoders carry the manifest's embedding space`() {
        for (name in listOf("image.tflite", "text.tflite")) {
            assertEquals(testShop().manifest.space, TfliteMetadata(assets.mapped(name), name).text("space"))
        }
    }

    @Test
    fun `a missing key and a cut file are refused by name`() {
        val file = assets.mapped("image.tflite")
        val error = assertThrows(IOException::class.java) { TfliteMetadata(file, "a").text("spice") }
        assertTrue("'spice'" in error.message!!)
        for (size in listOf(0, 3, 8, 100, 1000)) {
            val cut = ByteBuffer.wrap(ByteArray(size) { file.get(it) })
            assertThrows("$size bytes", IOException::class.java) { TfliteMetadata(cut, "b").text("space") }
        }
    }

    @Test
    fun `a picture is decoded at the largest fraction that leaves four times the encoder's side`() {
        assertEquals(listOf(1, 1, 1, 2, 2, 4), listOf(1, 1023, 2047, 2048, 3024, 4096).map { sampleSize(it, 256) })
    }

    @Test
    fun `a picture is decoded upright, in sRGB, over white`() {
        val file = ByteBuffer.wrap(File(System.getenv("PICTURE")).readBytes())
        val picture = readPicture(ImageDecoder.createSource(file), 64).rgb
        assertEquals(listOf(300, 400), listOf(picture.width, picture.height))
        fun pixel(x: Int, y: Int) = List(3) { picture.bytes[3 * (y * picture.width + x) + it].toInt() and 0xFF }
        val (red, green, blue) = pixel(150, 20)
        assertTrue("above: ${pixel(150, 20)}", red > 200 && green < 60 && blue < 60)
        assertTrue("below: ${pixel(150, 380)}", pixel(150, 380).let { it[0] < 60 && it[2] > 200 })
    }

    @Test
    fun `a price is written as its currency and the language want it`() {
        assertEquals("$12.50", priceText(BigDecimal("12.5"), "USD", Locale.US))
        assertEquals("¥1,300", priceText(BigDecimal("1300"), "JPY", Locale.US))
        assertEquals("7 mugs", priceText(BigDecimal("7"), "mugs", Locale.US))
    }
}
