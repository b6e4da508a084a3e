package shop.mobileclip.search

/** An image: red, green and blue of each pixel, row by row, upright sRGB. The [bytes] must not change afterwards. */
public class RGBImage(public val bytes: ByteArray, public val width: Int, public val height: Int) {
    /** Another one for each that is made: what [Searcher] remembers an image by. */
    internal val identity = Any()
}
