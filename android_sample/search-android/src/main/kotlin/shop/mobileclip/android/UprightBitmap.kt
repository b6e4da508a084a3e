package shop.mobileclip.android

import android.graphics.Bitmap
import shop.mobileclip.search.ImagePreprocessor

/** A bitmap as it was decoded, seen upright: [orientation] 1 to 8, as EXIF counts. Pixels are read one row at a time. */
internal class UprightBitmap(private val bitmap: Bitmap, private val orientation: Int) : AutoCloseable {
    private val isSwapped = orientation >= 5

    val width: Int = if (isSwapped) bitmap.height else bitmap.width
    val height: Int = if (isSwapped) bitmap.width else bitmap.height

    /** RGB8 of a part that lies within. */
    fun rgb(left: Int, top: Int, width: Int, height: Int): ByteArray {
        val bytes = ByteArray(CHANNELS * width * height)
        val row = IntArray(width)
        for (y in 0 until height) {
            read(row, left, top + y)
            ImagePreprocessor.rgb(row).copyInto(bytes, CHANNELS * width * y)
        }
        return bytes
    }

    /** The pixels from [left] on of row [y]; a column of the bitmap where width and height are swapped. */
    private fun read(row: IntArray, left: Int, y: Int) {
        val across = if (orientation in FAR_SIDE) height - 1 - y else y
        val along = if (orientation in BACKWARDS) width - left - row.size else left
        if (isSwapped) {
            bitmap.getPixels(row, 0, 1, across, along, 1, row.size)
        } else {
            bitmap.getPixels(row, 0, row.size, along, across, row.size, 1)
        }
        if (orientation in BACKWARDS) row.reverse()
    }

    override fun close(): Unit = bitmap.recycle()

    private companion object {
        const val CHANNELS = 3
        val FAR_SIDE = setOf(3, 4, 7, 8) // the first upright row is the bitmap's last row or column
        val BACKWARDS = setOf(2, 3, 6, 7) // an upright row begins at the bitmap's far end
    }
}
