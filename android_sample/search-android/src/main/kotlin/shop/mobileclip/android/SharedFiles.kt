package shop.mobileclip.android

import android.content.ClipData
import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.content.Intent
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import android.webkit.MimeTypeMap
import java.io.File
import java.io.FileNotFoundException
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

/**
 * Files that other apps get: the one into which the camera app puts its picture, and what an app shares, a list say. A provider of
 * our own, since MediaStore would leave every search in the shopper's gallery, and FileProvider is AndroidX. The manifest:
 *
 *     <provider android:name="shop.mobileclip.android.SharedFiles" android:authorities="${applicationId}.files"
 *         android:exported="false" android:grantUriPermissions="true" />
 *
 * Nobody but the app that got an address with a grant can open it.
 */
public class SharedFiles : ContentProvider() {
    override fun onCreate(): Boolean = true

    override fun getType(uri: Uri): String =
        MimeTypeMap.getSingleton().getMimeTypeFromExtension(file(uri).extension) ?: "application/octet-stream"

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor =
        ParcelFileDescriptor.open(file(uri), ParcelFileDescriptor.parseMode(mode))

    override fun query(
        uri: Uri,
        columns: Array<String>?,
        where: String?,
        values: Array<String>?,
        order: String?,
    ): Cursor = MatrixCursor(arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)).apply {
        addRow(arrayOf<Any>(file(uri).name, file(uri).length()))
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri? = null

    override fun update(uri: Uri, values: ContentValues?, where: String?, arguments: Array<String>?): Int = 0

    override fun delete(uri: Uri, where: String?, arguments: Array<String>?): Int = 0

    private fun file(uri: Uri): File {
        val name = uri.lastPathSegment
        if (name == null || File(name).name != name || name == "..") throw FileNotFoundException("$uri")
        return file(checkNotNull(context), name)
    }

    public companion object {
        /** The name of the file that the camera app writes. */
        public const val PICTURE: String = "picture.jpg"

        /** What an app that gets an address may do. */
        public const val GRANT: Int = Intent.FLAG_GRANT_READ_URI_PERMISSION or Intent.FLAG_GRANT_WRITE_URI_PERMISSION

        /** The address of the file of that name. */
        @JvmStatic
        public fun uri(context: Context, name: String): Uri = Uri.parse("content://${context.packageName}.files/$name")

        /** Where it lies: in the app's cache. */
        @JvmStatic
        public fun file(context: Context, name: String): File =
            File(File(context.cacheDir, "shared").apply { mkdirs() }, name)

        /** Packs [folder] into a file of that [name], and gives what shares it with an app. Not for the main thread. */
        @JvmStatic
        public fun zipped(context: Context, name: String, folder: File): Intent {
            ZipOutputStream(file(context, name).outputStream()).use { zip ->
                for (file in folder.walk().filter { it.isFile }) {
                    zip.putNextEntry(ZipEntry(file.relativeTo(folder).path))
                    file.inputStream().use { it.copyTo(zip) }
                }
            }
            val uri = uri(context, name)
            return Intent(Intent.ACTION_SEND).setType("application/zip").putExtra(Intent.EXTRA_STREAM, uri)
                .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION).apply { clipData = ClipData.newRawUri(null, uri) }
        }
    }
}
