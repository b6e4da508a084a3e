package shop.mobileclip.app

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.content.Intent
import android.net.Uri
import android.os.ParcelFileDescriptor
import java.io.File

/**
 * One file in the app's cache, into which the camera app puts its picture. A provider of our own, since MediaStore would
 * leave every search in the shopper's gallery (and want a permission on Android 9), and FileProvider is AndroidX.
 *
 * Nobody but the app that got the address with a grant can open it.
 */
class CaptureProvider : ContentProvider() {
    override fun onCreate(): Boolean = true

    override fun getType(uri: Uri): String = "image/jpeg"

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor =
        ParcelFileDescriptor.open(file(checkNotNull(context)), ParcelFileDescriptor.parseMode(mode))

    override fun query(uri: Uri, columns: Array<String>?, where: String?, values: Array<String>?, order: String?) = null

    override fun insert(uri: Uri, values: ContentValues?) = null

    override fun update(uri: Uri, values: ContentValues?, where: String?, arguments: Array<String>?) = 0

    override fun delete(uri: Uri, where: String?, arguments: Array<String>?) = 0

    companion object {
        /** Where the camera app writes, and where the picture is read. */
        fun uri(context: Context): Uri = Uri.parse("content://${context.packageName}.capture/picture.jpg")

        fun file(context: Context): File = File(context.cacheDir, "picture.jpg")

        /** What a camera app may do with [uri]. */
        const val GRANT: Int = Intent.FLAG_GRANT_READ_URI_PERMISSION or Intent.FLAG_GRANT_WRITE_URI_PERMISSION
    }
}
