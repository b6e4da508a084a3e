package shop.mobileclip.android

import android.graphics.Bitmap
import android.graphics.ColorSpace
import android.graphics.ImageDecoder
import android.graphics.Matrix
import android.graphics.Rect
import android.graphics.RectF
import android.os.Build
import android.util.Size
import shop.mobileclip.search.BadPictureException
import shop.mobileclip.search.ImagePreprocessor
import shop.mobileclip.search.RGBImage
import java.io.ByteArrayOutputStream

/** Decodes pictures: upright, in sRGB, alpha over white. Nothing here is for the main thread. */
public object PictureReader {
    private const val MARGIN = 4 // at twice the side, fine patterns change the embedding much more
    private const val MOST_DECODED = 40_000_000L // pixels of four bytes: 160 MB
    private const val QUALITY = 60 // of a thumbnail, as the catalog's builder has it

    /**
     * What an encoder sees of a picture: a square of its side, the same bytes as from all of the picture's pixels. [region]:
     * the part to search with, in shares of the upright picture's width and height, 0 to 1; null for all.
     *
     * A large picture is decoded at a fraction of its size, its shorter side (or the region's) still at least four times the
     * encoder's: benchmarks/subsampled.md says what that costs. Of what is decoded, only the pixels that the encoder sees are
     * copied.
     *
     * @throws BadPictureException for what is no picture, and for one too large for the memory.
     */
    @JvmStatic
    @JvmOverloads
    public fun read(source: PictureSource, preprocessor: ImagePreprocessor, region: RectF? = null): RGBImage =
        answering {
            val whole = { size: Size -> pixels(region, size.width, size.height) }
            val decoded = decode(source) { size ->
                val seen = whole(size)
                sampleSize(minOf(seen.width(), seen.height()), preprocessor.size).also { refuseTooLarge(size, it) }
            }
            decoded.use {
                val seen = whole(Size(it.width, it.height))
                val window = preprocessor.window(seen.width(), seen.height())
                val rgb = it.rgb(seen.left + window.left, seen.top + window.top, window.width, window.height)
                RGBImage(preprocessor.square(rgb, window), preprocessor.size, preprocessor.size)
            }
        }

    /** The whole picture, upright, small, to be shown: its longer side at most [side] pixels. Throws as [read]. */
    @JvmStatic
    public fun preview(source: PictureSource, side: Int): Bitmap = answering {
        val exif = source.open().use(PngExif::of)
        val bitmap = ImageDecoder.decodeBitmap(exif?.let { turned(source, it) } ?: source.decoded) { decoder, info, _ ->
            software(decoder)
            val longer = maxOf(info.size.width, info.size.height, side)
            decoder.setTargetSize(shrunk(info.size.width, side, longer), shrunk(info.size.height, side, longer))
        }
        if (exif == null) bitmap else turn(bitmap, exif.orientation)
    }

    /**
     * A product's small picture for [shop.mobileclip.search.NewProduct.thumbnail]: WebP, its longer side at most [side]
     * pixels. Throws as [read].
     */
    @JvmStatic
    @JvmOverloads
    public fun thumbnail(source: PictureSource, side: Int = 160): ByteArray {
        val format = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) "WEBP_LOSSY" else "WEBP"
        val out = ByteArrayOutputStream()
        preview(source, side).compress(Bitmap.CompressFormat.valueOf(format), QUALITY, out)
        return out.toByteArray()
    }

    /** The largest power of two by which [side] can be divided and stay at least four times [size]: 1 if it is small. */
    internal fun sampleSize(side: Int, size: Int): Int = maxOf(1, Integer.highestOneBit(side / (MARGIN * size)))

    /** A region's pixels, rounded outwards, at least one. */
    private fun pixels(region: RectF?, width: Int, height: Int): Rect {
        if (region == null) return Rect(0, 0, width, height)
        val (left, right) = span(region.left, region.right, width)
        val (top, bottom) = span(region.top, region.bottom, height)
        return Rect(left, top, right, bottom)
    }

    private fun span(from: Float, to: Float, length: Int): Pair<Int, Int> {
        val start = Math.floor(from.toDouble() * length).toInt().coerceIn(0, length - 1)
        return start to Math.ceil(to.toDouble() * length).toInt().coerceIn(start + 1, length)
    }

    /** [sample]: from the upright picture's size to the fraction to decode it at. */
    private fun decode(source: PictureSource, sample: (Size) -> Int): UprightBitmap {
        val exif = source.open().use(PngExif::of)
        val isSwapped = exif != null && exif.orientation >= 5
        val bitmap = ImageDecoder.decodeBitmap(exif?.let { turned(source, it) } ?: source.decoded) { decoder, info, _ ->
            software(decoder)
            val size = if (isSwapped) Size(info.size.height, info.size.width) else info.size
            decoder.setTargetSampleSize(sample(size))
        }
        return UprightBitmap(bitmap, exif?.orientation ?: 1)
    }

    private fun turned(source: PictureSource, exif: PngExif): ImageDecoder.Source =
        ImageDecoder.createSource(exif.without(source.open()))

    private fun software(decoder: ImageDecoder) {
        decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE // the pixels are read, which the GPU's cannot be
        decoder.setTargetColorSpace(ColorSpace.get(ColorSpace.Named.SRGB))
    }

    private fun shrunk(length: Int, side: Int, longer: Int): Int = maxOf(1L, length.toLong() * side / longer).toInt()

    private fun turn(bitmap: Bitmap, orientation: Int): Bitmap {
        val matrix = Matrix()
        if (orientation in setOf(2, 4, 5, 7)) matrix.postScale(-1f, 1f)
        matrix.postRotate(mapOf(3 to 180f, 4 to 180f, 5 to 270f, 6 to 90f, 7 to 90f, 8 to 270f)[orientation] ?: 0f)
        return Bitmap.createBitmap(bitmap, 0, 0, bitmap.width, bitmap.height, matrix, false)
    }

    private fun refuseTooLarge(size: Size, sample: Int) {
        val pixels = (size.width / sample).toLong() * (size.height / sample)
        if (pixels > MOST_DECODED) {
            throw BadPictureException("a picture of ${size.width} x ${size.height} pixels is too large to be decoded")
        }
    }

    /** Whatever goes wrong is an answer: the picture is another app's. */
    private fun <T> answering(read: () -> T): T = try {
        read()
    } catch (error: BadPictureException) {
        throw error
    } catch (error: OutOfMemoryError) {
        throw BadPictureException("too little memory for the picture", error)
    } catch (error: Exception) {
        throw BadPictureException("the picture cannot be read: ${error.message ?: error}", error)
    }
}
