package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows
import java.util.Random

class PreprocessorTest {
    @TestFactory
    fun `a golden picture gives the golden bytes`(): List<DynamicTest> =
        Goldens.json("preprocess/index.json").objects("cases").map { case ->
            dynamicTest(case.text("name")) { assertArrayEquals(outputOf(Goldens, case), squareOf(Goldens, case)) }
        }.also { check(it.isNotEmpty()) }

    @Test
    fun `a picture of the encoder's size stays as it is`() {
        val rgb = ByteArray(3 * 24 * 24).also { Random(1).nextBytes(it) }
        for (interpolation in ResizeInterpolation.entries) {
            assertArrayEquals(rgb, ImagePreprocessor(24, interpolation).square(rgb, 24, 24))
        }
    }

    @Test
    fun `a picture of one colour keeps it whatever its shape`() {
        val shapes = listOf(
            1 to 1,
            1 to 8000,
            8000 to 1,
            3 to 300_000,
            300_000 to 3,
            1 to 30_000_000,
            4000 to 3000,
            31 to 17,
        )
        val preprocessor = ImagePreprocessor(48, ResizeInterpolation.BICUBIC)
        for ((width, height) in shapes) {
            val square = preprocessor.square(ByteArray(3 * width * height) { (199).toByte() }, width, height)
            assertEquals(setOf(199.toByte()), square.toSet())
            assertEquals(3 * 48 * 48, square.size)
        }
    }

    @Test
    fun `what is no picture is refused`() {
        val preprocessor = ImagePreprocessor(8, ResizeInterpolation.BILINEAR)
        val none = listOf(
            Triple(12, 2, 1),
            Triple(0, 0, 0),
            Triple(3, -1, -1),
            Triple(0, 65_536, 65_536),
            Triple(0, 65_536, 32_768),
        )
        for ((bytes, width, height) in none) {
            assertThrows<IllegalArgumentException> { preprocessor.square(ByteArray(bytes), width, height) }
        }
        assertThrows<IllegalArgumentException> { ImagePreprocessor(0, ResizeInterpolation.BILINEAR) }
    }

    @Test
    fun `Android's pixels are laid over white`() {
        val pixels = intArrayOf(0xFF010203.toInt(), 0x00010203)
        assertArrayEquals(byteArrayOf(1, 2, 3, -1, -1, -1), ImagePreprocessor.rgb(pixels))
        for (alpha in 0..255) {
            for (colour in 0..255) {
                val expected = Math.rint((colour * alpha + 255 * (255 - alpha)) / 255.0).toInt()
                assertEquals(expected, ImagePreprocessor.rgb(intArrayOf(alpha shl 24 or colour))[2].toInt() and 255)
            }
        }
    }
}

/** What this module makes of a picture of the vectors. */
internal fun squareOf(vectors: Vectors, case: Map<String, Json>): ByteArray {
    val interpolation = ResizeInterpolation.valueOf(case.text("interpolation").uppercase())
    val rgb = vectors.file("preprocess/${case.text("name")}.in.rgb").readBytes()
    return ImagePreprocessor(case.int("size"), interpolation).square(rgb, case.int("width"), case.int("height"))
}

/** What Pillow makes of it. */
internal fun outputOf(vectors: Vectors, case: Map<String, Json>): ByteArray =
    vectors.file("preprocess/${case.text("name")}.out.rgb").readBytes()
