package shop.mobileclip.app

import android.graphics.Bitmap
import android.graphics.ColorSpace
import android.graphics.ImageDecoder
import android.media.ThumbnailUtils
import shop.mobileclip.search.ImagePreprocessor
import shop.mobileclip.search.RGBImage

/** A picture to search with: its pixels, and a small square one to show. */
class Picture(val rgb: RGBImage, val preview: Bitmap)

/**
 * Decodes a picture: upright (ImageDecoder applies EXIF's orientation), in sRGB, alpha over white. [size]: the encoder's
 * side in pixels. A large picture is decoded at a fraction of its size, its shorter side still at least four times [size]:
 * benchmarks/subsampled.md says what that costs.
 *
 * Not for the main thread. Throws IOException for what is no picture.
 */
fun readPicture(source: ImageDecoder.Source, size: Int): Picture {
    val bitmap = ImageDecoder.decodeBitmap(source) { decoder, info, _ ->
        decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE // the pixels are read, which the GPU's cannot be
        decoder.setTargetColorSpace(ColorSpace.get(ColorSpace.Named.SRGB))
        decoder.setTargetSampleSize(sampleSize(minOf(info.size.width, info.size.height), size))
    }
    val rgb = rgb(bitmap)
    return Picture(rgb, ThumbnailUtils.extractThumbnail(bitmap, PREVIEW, PREVIEW, ThumbnailUtils.OPTIONS_RECYCLE_INPUT))
}

/** The largest power of two by which [side] can be divided and stay at least four times [size]: 1 for a small picture. */
fun sampleSize(side: Int, size: Int): Int = maxOf(1, Integer.highestOneBit(side / (MARGIN * size)))

/** The pixels, some rows at a time: an IntArray of all of them would be as large again. */
private fun rgb(bitmap: Bitmap): RGBImage {
    val bytes = ByteArray(3 * bitmap.width * bitmap.height)
    for (top in 0 until bitmap.height step ROWS) {
        val rows = minOf(ROWS, bitmap.height - top)
        val pixels = IntArray(bitmap.width * rows)
        bitmap.getPixels(pixels, 0, bitmap.width, 0, top, bitmap.width, rows)
        ImagePreprocessor.rgb(pixels).copyInto(bytes, 3 * bitmap.width * top)
    }
    return RGBImage(bytes, bitmap.width, bitmap.height)
}

private const val MARGIN = 4 // at twice the side, fine patterns change the embedding much more
private const val ROWS = 64
private const val PREVIEW = 192 // pixels: 64 dp on a dense screen
