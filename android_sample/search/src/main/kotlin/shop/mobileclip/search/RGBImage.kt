package shop.mobileclip.search

/** An image: red, green and blue of each pixel, row by row, upright sRGB. The [bytes] must not change afterwards. */
public class RGBImage(public val bytes: ByteArray, public val width: Int, public val height: Int) {
    /** Another one for each that is made: what [Searcher] remembers an image by. */
    internal val identity = Any()

    /**
     * The part of [width] x [height] pixels whose upper left corner is [left], [top]: an object that a shopper chose.
     *
     * @throws IllegalArgumentException where the part is empty or does not lie within the image.
     */
    public fun cropped(left: Int, top: Int, width: Int, height: Int): RGBImage {
        val fits = left >= 0 && top >= 0 && width > 0 && height > 0 &&
            width <= this.width - left && height <= this.height - top
        require(fits) { "a part of $width x $height at $left, $top of an image of ${this.width} x ${this.height}" }
        val part = ByteArray(ImagePreprocessor.CHANNELS * width * height)
        for (row in 0 until height) {
            val start = ImagePreprocessor.CHANNELS * ((top + row) * this.width + left)
            val line = ImagePreprocessor.CHANNELS * width
            bytes.copyInto(part, row * line, start, start + line)
        }
        return RGBImage(part, width, height)
    }
}
