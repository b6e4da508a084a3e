package shop.mobileclip.android

import android.content.Context
import android.graphics.RectF
import java.io.File
import java.io.Serializable

/**
 * A picture to search with, as it is kept until the next start: a [file] of the app's own, and of it the part that is meant.
 */
public class Picture private constructor(public val file: File, private val sides: List<Float>?) : Serializable {
    /** All of [file]. */
    public constructor(file: File) : this(file, null)

    /** In fractions of the picture's sides; null for all. */
    public val part: RectF? get() = sides?.let { (left, top, right, bottom) -> RectF(left, top, right, bottom) }

    /** Reads the file. Throws IOException. */
    public fun source(): PictureSource = PictureSource.of(file.readBytes())

    /** Another part of the same file. */
    public fun withPart(part: RectF?): Picture = Picture(file, part?.run { listOf(left, top, right, bottom) })

    override fun equals(other: Any?): Boolean = other is Picture && other.file == file && other.sides == sides

    override fun hashCode(): Int = file.hashCode()

    public companion object {
        /** A new file in the app's cache: it outlives the process, and Android may clear it away when storage is short. */
        @JvmStatic
        public fun newFile(context: Context): File =
            File.createTempFile("picture", null, File(context.cacheDir, "pictures").apply { mkdirs() })
    }
}
