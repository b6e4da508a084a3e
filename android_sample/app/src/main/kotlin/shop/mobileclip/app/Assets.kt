package shop.mobileclip.app

import android.content.res.AssetManager
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

/**
 * The app's assets. The big ones are stored uncompressed (`noCompress` in build.gradle.kts), so that they are mapped
 * straight from the APK: nothing is copied, and Android may drop their pages when memory is short.
 */
class Assets(private val manager: AssetManager) {
    /** Throws IOException. */
    fun bytes(name: String): ByteArray = manager.open(name).use { it.readBytes() }

    /** Calls [use] with the APK's channel, and with where in it the asset starts and how long it is. Throws IOException. */
    fun <T> within(name: String, use: (channel: FileChannel, start: Long, length: Long) -> T): T =
        manager.openFd(name).use { asset ->
            FileInputStream(asset.fileDescriptor).channel.use { use(it, asset.startOffset, asset.length) }
        }

    /** The whole asset, mapped. Throws IOException. */
    fun mapped(name: String): ByteBuffer =
        within(name) { channel, start, length -> channel.map(FileChannel.MapMode.READ_ONLY, start, length) }
}
