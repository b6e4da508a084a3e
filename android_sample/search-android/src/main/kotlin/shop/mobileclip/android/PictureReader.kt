package shop.mobileclip.android

import android.graphics.Bitmap
import android.graphics.ColorSpace
import android.graphics.ImageDecoder
import android.graphics.RectF
import shop.mobileclip.search.ImagePreprocessor
import shop.mobileclip.search.RGBImage

/** Decodes pictures: upright, in sRGB, alpha over white. Nothing here is for the main thread. */
public object PictureReader {
    /**
     * What an encoder sees of a picture: a square of its side, the same bytes as from the whole picture. [region]: the part
     * to search with, in shares of the upright picture's width and height, 0 to 1; null for all.
     *
     * @throws shop.mobileclip.search.BadPictureException for what is no picture, and for one too large for the memory.
     */
    @JvmStatic
    @JvmOverloads
    public fun read(source: PictureSource, preprocessor: ImagePreprocessor, region: RectF? = null): RGBImage =
        TODO("$source $preprocessor $region")

    /** The whole picture, upright, small, to be shown: its longer side at most [side] pixels. */
    @JvmStatic
    public fun preview(source: PictureSource, side: Int): Bitmap = TODO("$source $side")

    /** A product's small picture for [shop.mobileclip.search.NewProduct.thumbnail]: WebP, its longer side [side] pixels. */
    @JvmStatic
    @JvmOverloads
    public fun thumbnail(source: PictureSource, side: Int = 160): ByteArray = TODO("$source $side")
}
