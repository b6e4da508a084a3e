package shop.mobileclip.android

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.RectF
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import shop.mobileclip.search.BadPictureException
import shop.mobileclip.search.ErrorKind
import shop.mobileclip.search.ImagePreprocessor
import shop.mobileclip.search.RGBImage
import shop.mobileclip.search.ResizeInterpolation
import shop.mobileclip.search.ResizeMode
import java.io.ByteArrayOutputStream
import java.io.File
import java.util.Random

/** Decoded by Android's own code. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class PictureReaderTest {
    private val preprocessor = ImagePreprocessor(32, ResizeInterpolation.BICUBIC)

    private fun noise(width: Int, height: Int): ByteArray =
        ByteArray(3 * width * height).also { Random(width.toLong() * height).nextBytes(it) }

    private fun file(pixels: ByteArray, width: Int, height: Int, exif: Int? = null) = PictureSource.of(
        png(width, height, exif) { pixels.copyOfRange(3 * width * it, 3 * width * (it + 1)) },
    )

    /** EXIF's own words: where the stored picture's first row and first column are seen. */
    private fun upright(pixels: ByteArray, width: Int, height: Int, orientation: Int): RGBImage {
        val (seenWidth, seenHeight) = if (orientation >= 5) height to width else width to height
        val seen = ByteArray(pixels.size)
        for (y in 0 until height) {
            for (x in 0 until width) {
                val (right, bottom) = width - 1 - x to height - 1 - y
                val (column, row) = when (orientation) {
                    1 -> x to y
                    2 -> right to y
                    3 -> right to bottom
                    4 -> x to bottom
                    5 -> y to x
                    6 -> bottom to x
                    7 -> bottom to right
                    else -> y to right
                }
                pixels.copyInto(seen, 3 * (row * seenWidth + column), 3 * (y * width + x), 3 * (y * width + x) + 3)
            }
        }
        return RGBImage(seen, seenWidth, seenHeight)
    }

    private fun square(image: RGBImage, by: ImagePreprocessor = preprocessor) =
        by.square(image.bytes, image.width, image.height)

    @Test
    fun `a picture becomes the encoder's square, whatever way its PNG says it is turned`() {
        val (width, height) = 90 to 61
        val pixels = noise(width, height)
        for (orientation in listOf(null) + (1..8)) {
            val image = PictureReader.read(file(pixels, width, height, orientation), preprocessor)
            assertEquals(listOf(32, 32), listOf(image.width, image.height))
            val expected = square(upright(pixels, width, height, orientation ?: 1))
            assertArrayEquals("orientation $orientation", expected, image.bytes)
            assertArrayEquals("once more", expected, square(image))
            val preview = PictureReader.preview(file(pixels, width, height, orientation), 200)
            assertEquals((orientation ?: 1) >= 5, preview.width < preview.height)
        }
    }

    @Test
    fun `a turned preview shows the same as the picture`() {
        for (orientation in 1..8) {
            val marked = ByteArray(3 * 40 * 20).also { it.fill(-1, 0, 30) } // white, above on the left
            val preview = PictureReader.preview(file(marked, 40, 20, orientation), 40)
            val seen = upright(marked, 40, 20, orientation)
            for ((x, y) in listOf(
                0 to 0,
                seen.width - 1 to 0,
                0 to seen.height - 1,
                seen.width - 1 to seen.height - 1,
            )) {
                val expected = seen.bytes[3 * (y * seen.width + x)].toInt() and 0xFF
                assertEquals("$orientation: $x, $y", expected, preview.getPixel(x, y) and 0xFF)
            }
        }
    }

    @Test
    fun `a region is the picture's part, and squashed models keep the whole`() {
        val (width, height) = 100 to 80
        val pixels = noise(width, height)
        val part = RGBImage(pixels, width, height).cropped(25, 20, 60, 45)
        val region = RectF(0.255f, 0.25f, 0.845f, 0.8125f)
        val read = PictureReader.read(file(pixels, width, height), preprocessor, region)
        assertArrayEquals(square(part), read.bytes)
        val squash = ImagePreprocessor(32, ResizeInterpolation.BILINEAR, ResizeMode.SQUASH)
        val whole = PictureReader.read(file(pixels, width, height), squash)
        assertArrayEquals(squash.square(pixels, width, height), whole.bytes)
        for (odd in listOf(RectF(0.5f, 0.5f, 0.5f, 0.5f), RectF(-3f, -3f, 9f, 9f), RectF(1f, 1f, 1f, 1f))) {
            assertEquals(32, PictureReader.read(file(pixels, width, height), preprocessor, odd).width)
        }
    }

    @Test
    fun `a picture is decoded at the largest fraction that leaves four times the encoder's side`() {
        val sides = listOf(1, 1023, 2047, 2048, 3024, 4096)
        assertEquals(listOf(1, 1, 1, 2, 2, 4), sides.map { PictureReader.sampleSize(it, 256) })
    }

    @Test
    fun `what is no picture, a cut one and one that vanished are answers`() {
        val good = png(8, 8, 6) { noise(8, 1) }
        val bad = listOf(
            PictureSource.of(ByteArray(0)),
            PictureSource.of("no picture".toByteArray()),
            PictureSource.of(good.copyOf(20)),
            PictureSource.of(good.copyOf(60)),
            PictureSource.of(File("/nowhere/at.all")),
        )
        for (source in bad) {
            val error = assertThrows(BadPictureException::class.java) { PictureReader.read(source, preprocessor) }
            assertEquals(ErrorKind.PICTURE, ErrorKind.of(error))
            assertThrows(BadPictureException::class.java) { PictureReader.preview(source, 100) }
        }
    }

    @Test
    fun `a thumbnail is a small WebP`() {
        val bytes = PictureReader.thumbnail(file(noise(400, 300), 400, 300))
        assertEquals("WEBP", String(bytes, 8, 4, Charsets.US_ASCII))
        val small = BitmapFactory.decodeByteArray(bytes, 0, bytes.size)
        assertEquals(listOf(160, 120), listOf(small.width, small.height))
    }

    @Test
    fun `a JPEG is turned by Android itself, and large ones are decoded at a fraction`() {
        val bitmap = Bitmap.createBitmap(3000, 2400, Bitmap.Config.ARGB_8888).apply { eraseColor(0xFF2060A0.toInt()) }
        val out = ByteArrayOutputStream().also { bitmap.compress(Bitmap.CompressFormat.JPEG, 95, it) }
        val image = PictureReader.read(PictureSource.of(out.toByteArray()), preprocessor)
        for ((index, value) in listOf(0x20, 0x60, 0xA0).withIndex()) {
            assertEquals(value.toFloat(), (image.bytes[index].toInt() and 0xFF).toFloat(), 3f)
        }
    }

    /** Encoders of 256 pixels: the growth of the whole process, above what it had before. */
    @Test
    fun `strips, long screenshots and 108 megapixels are answered within 200 MB`() {
        val by = ImagePreprocessor(256, ResizeInterpolation.BICUBIC)
        val sizes = listOf(
            1 to 100_000,
            100_000 to 1,
            2000 to 1,
            20_000 to 1,
            1 to 8000,
            1080 to 20_000,
            20_000 to 1080,
            12_000 to 9000,
        )
        for ((width, height) in sizes) {
            val row = ByteArray(3 * width) { (it / 7).toByte() }
            val source = PictureSource.of(png(width, height) { row })
            val before = memory("VmRSS", reset = true)
            assertEquals(256, PictureReader.read(source, by).width)
            PictureReader.preview(source, 192).recycle()
            val growth = memory("VmHWM") - before
            println("$width x $height: $growth MB")
            assertTrue("$width x $height: $growth MB", growth < 200)
        }
        val refused = PictureSource.of(png(2000, 60_000) { ByteArray(6000) })
        val before = memory("VmRSS", reset = true)
        val error = assertThrows(BadPictureException::class.java) { PictureReader.read(refused, by) }
        assertTrue(error.message!!, "2000 x 60000" in error.message!!)
        assertTrue(memory("VmHWM") - before < 200)
    }

    /** Megabytes; 0 where the system does not tell. [reset] lets the peak begin here. */
    private fun memory(name: String, reset: Boolean = false): Long {
        val status = File("/proc/self/status")
        if (!status.exists()) return 0
        System.gc()
        if (reset) File("/proc/self/clear_refs").writeText("5")
        return status.readLines().first { it.startsWith("$name:") }.filter(Char::isDigit).toLong() / 1024
    }
}
