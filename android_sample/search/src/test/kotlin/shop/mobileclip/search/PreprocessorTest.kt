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
    fun `a golden picture gives the golden bytes`(): List<DynamicTest> = PICTURES.flatMap { folder ->
        Goldens.json("$folder/index.json").objects("cases").map { case ->
            dynamicTest("$folder ${case.text("name")}") {
                assertArrayEquals(outputOf(Goldens, folder, case), squareOf(Goldens, folder, case))
            }
        }.also { check(it.isNotEmpty()) }
    }

    @Test
    fun `a picture of the encoder's size stays as it is`() {
        val rgb = ByteArray(3 * 24 * 24).also { Random(1).nextBytes(it) }
        for (interpolation in ResizeInterpolation.entries) {
            for (mode in ResizeMode.entries) {
                assertArrayEquals(rgb, ImagePreprocessor(24, interpolation, mode).square(rgb, 24, 24))
            }
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
        for ((width, height) in shapes) keepsItsColour(48, ResizeMode.SHORTEST, width, height)
    }

    @Test
    fun `a squashed picture of one colour keeps it as far as a side may be 4,096 times as long as it becomes`() {
        for (size in listOf(1, 7, 48)) {
            val most = 4096 * size
            for ((width, height) in listOf(1 to most, most to 1, most to 3, most - 1 to 2, 31 to 17)) {
                keepsItsColour(size, ResizeMode.SQUASH, width, height)
            }
            for ((width, height) in listOf(1 to most + 1, most + 1 to 1)) {
                val preprocessor = ImagePreprocessor(size, ResizeInterpolation.BILINEAR, ResizeMode.SQUASH)
                val error = assertThrows<IllegalArgumentException> {
                    preprocessor.square(ByteArray(3 * width * height), width, height)
                }
                assertEquals("an image of $width x $height, expected at most $most x $most", error.message)
            }
        }
    }

    private fun keepsItsColour(size: Int, mode: ResizeMode, width: Int, height: Int) {
        for (colour in listOf(199, 255)) {
            val rgb = ByteArray(3 * width * height) { colour.toByte() }
            val square = ImagePreprocessor(size, ResizeInterpolation.BICUBIC, mode).square(rgb, width, height)
            assertEquals(setOf(colour.toByte()), square.toSet()) { "$width x $height" }
            assertEquals(3 * size * size, square.size)
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

/** The folders of the vectors that hold pictures. */
internal val PICTURES = listOf("preprocess", "squash")

/** What this module makes of a picture of the vectors. */
internal fun squareOf(vectors: Vectors, folder: String, case: Map<String, Json>): ByteArray {
    val interpolation = ResizeInterpolation.valueOf(case.text("interpolation").uppercase())
    val mode = if ("resize" in case) ResizeMode.valueOf(case.text("resize").uppercase()) else ResizeMode.SHORTEST
    val rgb = vectors.file("$folder/${case.text("name")}.in.rgb").readBytes()
    return ImagePreprocessor(case.int("size"), interpolation, mode).square(rgb, case.int("width"), case.int("height"))
}

/** What Pillow makes of it. */
internal fun outputOf(vectors: Vectors, folder: String, case: Map<String, Json>): ByteArray =
    vectors.file("$folder/${case.text("name")}.out.rgb").readBytes()
