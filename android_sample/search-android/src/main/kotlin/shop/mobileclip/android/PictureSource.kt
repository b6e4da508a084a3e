package shop.mobileclip.android

import android.content.ContentResolver
import android.graphics.ImageDecoder
import android.net.Uri
import java.io.ByteArrayInputStream
import java.io.File
import java.io.FileInputStream
import java.io.FileNotFoundException
import java.io.InputStream
import java.nio.ByteBuffer

/** A picture's file, wherever it lies; it may be read more than once. [open] gives its bytes from the first on. */
public class PictureSource private constructor(
    internal val decoded: ImageDecoder.Source,
    internal val open: () -> InputStream,
) {
    public companion object {
        /** What another app offers: the photo picker, a share, the camera. */
        @JvmStatic
        public fun of(resolver: ContentResolver, uri: Uri): PictureSource =
            PictureSource(ImageDecoder.createSource(resolver, uri)) {
                resolver.openInputStream(uri) ?: throw FileNotFoundException("$uri")
            }

        /** A file, which must not change. */
        @JvmStatic
        public fun of(file: File): PictureSource =
            PictureSource(ImageDecoder.createSource(file)) { FileInputStream(file) }

        /** A file's bytes, which must not change. */
        @JvmStatic
        public fun of(bytes: ByteArray): PictureSource =
            PictureSource(ImageDecoder.createSource(ByteBuffer.wrap(bytes))) { ByteArrayInputStream(bytes) }
    }
}
