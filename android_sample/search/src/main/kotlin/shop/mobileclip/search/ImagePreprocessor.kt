package shop.mobileclip.search

/** How an image is shrunk; always antialiased. The manifest names it. */
public enum class ResizeInterpolation(internal val halfWidth: Double) {
    BILINEAR(1.0),
    BICUBIC(2.0),
    ;

    /** The kernel's value at [x] input pixels from its centre, in Pillow's order of operations. */
    internal fun weight(x: Double): Double {
        val far = Math.abs(x)
        return when {
            this == BILINEAR -> Math.max(1.0 - far, 0.0)
            far < 1.0 -> ((A + 2.0) * far - (A + 3.0)) * far * far + 1
            far < 2.0 -> (((far - 5) * far + 8) * far - 4) * A
            else -> 0.0
        }
    }

    private companion object {
        const val A = -0.5
    }
}

/** To which lengths the sides are resized, and what is then cropped ([crop], in the manifest's words). */
public enum class ResizeMode(internal val crop: String) {
    /** The shorter side to the square's, the other by the same factor; then the centre is cropped. */
    SHORTEST("centre"),

    /** Both sides to the square's. */
    SQUASH("none"),
}

/**
 * A part of an image of [ofWidth] x [ofHeight] pixels: [width] x [height] of them, from [left] and [top] on. For who decodes
 * images without copying what no encoder sees ([ImagePreprocessor.window]).
 */
public class ImageWindow internal constructor(
    public val left: Int,
    public val top: Int,
    public val width: Int,
    public val height: Int,
    public val ofWidth: Int,
    public val ofHeight: Int,
)

/**
 * From upright RGB8 to the square that the image encoder takes, the same bytes as open_clip on the desktop: resized by
 * [mode], antialiased. Only the pixels of the square are computed.
 *
 * Holds nothing that changes: any number of threads may share it.
 */
public class ImagePreprocessor @JvmOverloads constructor(
    public val size: Int,
    public val interpolation: ResizeInterpolation,
    public val mode: ResizeMode = ResizeMode.SHORTEST,
) {
    init {
        require(size in 1..LARGEST_SIZE) { "a square of $size pixels" }
    }

    /**
     * [rgb]: red, green and blue of each pixel, row by row, [width] x [height] of them, upright sRGB. Returns the same for
     * [size] x [size]; the encoder takes the bytes as numbers from 0 to 255. Takes some 3 x [size] x the shorter side bytes
     * of memory, and time: not for the main thread.
     *
     * @throws IllegalArgumentException where [rgb] has another length, there are no or over 2^27 pixels, or a side is over
     * 4,096 times as long as it becomes.
     */
    public fun square(rgb: ByteArray, width: Int, height: Int): ByteArray {
        val fits = width > 0 && height > 0 && width.toLong() * height <= MOST_PIXELS
        require(fits && rgb.size == CHANNELS * width * height) {
            "${rgb.size} bytes for an image of $width x $height, expected 3 a pixel and at most $MOST_PIXELS pixels"
        }
        return square(rgb, ImageWindow(0, 0, width, height, width, height))
    }

    /** The pixels of an image of [width] x [height] that the square is made from. Throws as [square]. */
    public fun window(width: Int, height: Int): ImageWindow {
        require(width > 0 && height > 0 && width.toLong() * height <= MOST_PIXELS) {
            "an image of $width x $height, expected at most $MOST_PIXELS pixels"
        }
        val (columns, rows) = axes(width, height)
        return ImageWindow(columns.from, rows.from, columns.to - columns.from, rows.to - rows.from, width, height)
    }

    /** The square of a whole image, of which [rgb] holds the pixels of [window] alone. */
    public fun square(rgb: ByteArray, window: ImageWindow): ByteArray {
        require(rgb.size == CHANNELS * window.width * window.height) {
            "${rgb.size} bytes for a window of ${window.width} x ${window.height}"
        }
        val (width, height) = window.ofWidth to window.ofHeight
        val (columns, rows) = axes(width, height)
        val pixels = Pixels(rgb, window.width, window.left, window.top)
        val short = minOf(width, height)
        return if (rowsFirst(height - resized(height, short), width - resized(width, short))) {
            val narrow = rows.shrinkRows(pixels, columns.from, columns.to - columns.from)
            columns.shrinkColumns(Pixels(narrow, columns.to - columns.from, columns.from, 0), 0, size)
        } else {
            val low = columns.shrinkColumns(pixels, rows.from, rows.to - rows.from)
            rows.shrinkRows(Pixels(low, size, 0, rows.from), 0, size)
        }
    }

    /** Of the columns and of the rows. */
    private fun axes(width: Int, height: Int): Pair<Axis, Axis> {
        val toWidth = resized(width, minOf(width, height))
        val toHeight = resized(height, minOf(width, height))
        require(width <= MOST_SHRUNK * toWidth && height <= MOST_SHRUNK * toHeight) {
            "an image of $width x $height, expected at most ${MOST_SHRUNK * toWidth} x ${MOST_SHRUNK * toHeight}"
        }
        return Axis.of(width, toWidth, size, interpolation) to Axis.of(height, toHeight, size, interpolation)
    }

    /** What a side becomes. */
    private fun resized(side: Int, short: Int): Long =
        if (mode == ResizeMode.SQUASH) size.toLong() else size.toLong() * side / short

    /** Whether the height changes before the width, as in Pillow 13.0: each pass rounds, so that the order matters. */
    private fun rowsFirst(fewerRows: Long, fewerColumns: Long): Boolean = fewerRows > 0 && fewerRows > 2 * fewerColumns

    public companion object {
        /** Pixels of the largest image. */
        public const val MOST_PIXELS: Int = 1 shl 27
        internal const val LARGEST_SIZE = 4096
        internal const val CHANNELS = 3

        /** At more than that, rounded weights change colours (FORMATS.md, Pictures). */
        private const val MOST_SHRUNK = 4096L

        /** Android's pixels (0xAARRGGBB, not premultiplied) as RGB8, laid over white. */
        @JvmStatic
        public fun rgb(argb: IntArray): ByteArray {
            val rgb = ByteArray(CHANNELS * argb.size)
            for ((index, pixel) in argb.withIndex()) {
                val alpha = pixel ushr 24
                for (channel in 0 until CHANNELS) {
                    val colour = pixel shr (16 - 8 * channel) and 0xFF
                    rgb[CHANNELS * index + channel] = if (alpha == 0xFF) colour.toByte() else overWhite(colour, alpha)
                }
            }
            return rgb
        }

        /** `round((c * a + 255 * (255 - a)) / 255)`: no half can come up, since 255 is odd. */
        private fun overWhite(colour: Int, alpha: Int): Byte =
            ((2 * (colour * alpha + 255 * (255 - alpha)) + 255) / 510).toByte()
    }
}
