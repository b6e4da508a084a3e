package shop.mobileclip.app

import android.util.Log
import shop.mobileclip.search.ErrorKind
import java.io.FileNotFoundException

/** A product that is no longer in the catalog. */
class GoneException : Exception("no such product")

/** What went wrong, in the shopper's words: a text's id. Paths and digests go to the log, for developers. */
fun words(error: Throwable): Int {
    Log.w("Shop", error)
    if (error is FileNotFoundException) return R.string.error_picture // another app's, or cleared away
    return when (ErrorKind.of(error)) {
        ErrorKind.MISSING, ErrorKind.DAMAGED, ErrorKind.MISMATCHED -> R.string.error_files
        ErrorKind.PICTURE -> R.string.error_picture
        ErrorKind.MEMORY -> R.string.error_memory
        ErrorKind.OTHER -> if (error is GoneException) R.string.gone else R.string.error_other
    }
}
