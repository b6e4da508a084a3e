package shop.mobileclip.app

import android.graphics.Bitmap
import android.graphics.Canvas
import android.view.View
import android.view.ViewGroup
import android.widget.ListView
import org.junit.Assert.assertTrue
import java.io.File

/** Where the pictures of the screens go. */
private val FOLDER = File(System.getenv("SCREENS") ?: "target/screens").apply { mkdirs() }
private const val FEWEST_COLOURS = 8 // a background alone has one or two

/** Draws [root] into `<name>.png`. Fails where its lower half, which differs from state to state, shows nothing. */
fun draw(root: View, name: String) {
    val bitmap = Bitmap.createBitmap(root.width, root.height, Bitmap.Config.ARGB_8888)
    root.draw(Canvas(bitmap))
    FOLDER.resolve("$name.png").outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
    val half = bitmap.height / 2
    val pixels = IntArray(bitmap.width * half)
    bitmap.getPixels(pixels, 0, bitmap.width, 0, half, bitmap.width, half)
    assertTrue("$name is blank", pixels.distinct().size >= FEWEST_COLOURS)
}

/** Every view that can be touched and is seen, with its size in dp. */
fun touchable(root: View): Map<View, Pair<Float, Float>> {
    val density = root.resources.displayMetrics.density
    return all(root).filter { it.isShown && it.isClickable && it !is ListView }
        .associateWith { Pair(it.width / density, it.height / density) }
}

/** A view and all below it. */
fun all(root: View): List<View> {
    val children = if (root is ViewGroup) (0 until root.childCount).map { root.getChildAt(it) } else emptyList()
    return listOf(root) + children.flatMap(::all)
}
