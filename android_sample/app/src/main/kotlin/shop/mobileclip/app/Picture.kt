package shop.mobileclip.app

import android.content.Context
import android.graphics.RectF
import java.io.File
import java.io.Serializable

/**
 * A picture to search with: a file of the app's own, and which part is meant: left, top, right and bottom in fractions of its
 * sides; null for all.
 */
data class Picture(val file: File, private val sides: List<Float>? = null) : Serializable {
    val part: RectF? get() = sides?.let { (left, top, right, bottom) -> RectF(left, top, right, bottom) }

    fun withPart(part: RectF?): Picture = copy(sides = part?.run { listOf(left, top, right, bottom) })
}

/** A new file in the app's cache: there it outlives the process, and Android may clear it away when storage is short. */
fun newPictureFile(context: Context): File =
    File.createTempFile("picture", null, File(context.cacheDir, "pictures").apply { mkdirs() })
