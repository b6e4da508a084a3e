package shop.mobileclip.search

import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.io.RandomAccessFile
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import java.nio.channels.FileChannel

/**
 * A file, or a part of one, as memory that cannot be written to. Every buffer that leaves is little-endian.
 *
 * The channel is needed only while slices are taken. What is mapped stays valid while the file's bytes do: a file in use
 * is replaced by renaming another to its name, never written in place or cut.
 */
internal class MappedFile(private val channel: FileChannel, private val start: Long, val size: Long) {
    /** The whole file in pieces, in their order. */
    val windows: List<ByteBuffer> = (0 until size step WINDOW).map { map(it, minOf(WINDOW, size - it)) }

    /** [length] bytes from [from] on, which must lie in the file; position 0. */
    fun slice(from: Long, length: Int): ByteBuffer {
        require(from >= 0 && length >= 0 && from <= size - length)
        val window = (from / WINDOW).toInt()
        val within = from % WINDOW
        if (within + length > WINDOW || window == windows.size) return map(from, length.toLong())
        return windows[window].part(within.toInt(), length)
    }

    private fun map(from: Long, length: Long): ByteBuffer =
        channel.map(FileChannel.MapMode.READ_ONLY, start + from, length).order(ByteOrder.LITTLE_ENDIAN)

    companion object {
        private const val WINDOW = 1L shl 30

        /** Maps [file] while [use] takes what it needs. Throws [BadFileException] if it cannot be read. */
        inline fun <T> open(file: File, use: (MappedFile) -> T): T = mapping(file.path) {
            RandomAccessFile(file, "r").use { use(MappedFile(it.channel, 0, it.length())) }
        }

        /** The same for [size] bytes of [channel] from [start] on: an uncompressed asset within an APK, say. */
        inline fun <T> open(channel: FileChannel, start: Long, size: Long, name: String, use: (MappedFile) -> T): T =
            mapping(name) {
                require(start >= 0 && size >= 0) { "bytes $start to ${start + size} of $name" }
                wellFormed(size <= channel.size() - start) { "it ends before byte ${start + size}" }
                use(MappedFile(channel, start, size))
            }

        inline fun <T> mapping(name: String, use: () -> T): T = try {
            reading(name, use)
        } catch (error: BadFileException) {
            throw error
        } catch (error: IOException) {
            val kind = if (error is FileNotFoundException) ErrorKind.MISSING else ErrorKind.DAMAGED
            throw BadFileException("$name: it cannot be read: ${error.message}", error, kind)
        }
    }
}

/** A view of [length] bytes from [from] on; position 0, little-endian. The buffer's own position does not matter. */
internal fun ByteBuffer.part(from: Int, length: Int): ByteBuffer {
    val view = duplicate()
    val bounds: Buffer = view // Java 9 gave ByteBuffer its own position and limit; Android 8 has not
    bounds.limit(from + length)
    bounds.position(from)
    return view.slice().order(ByteOrder.LITTLE_ENDIAN)
}

/** A view of [length] numbers from [from] on. */
internal fun FloatBuffer.part(from: Int, length: Int): FloatBuffer {
    val view = duplicate()
    val bounds: Buffer = view
    bounds.limit(from + length)
    bounds.position(from)
    return view.slice()
}

/** A copy of all bytes. The buffer's own position does not matter. */
internal fun ByteBuffer.bytes(): ByteArray = ByteArray(capacity()).also { part(0, capacity()).get(it) }
