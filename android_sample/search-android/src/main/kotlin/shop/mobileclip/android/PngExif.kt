package shop.mobileclip.android

import java.io.DataInputStream
import java.io.EOFException
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.Channels
import java.nio.channels.ReadableByteChannel

/**
 * The EXIF block of a PNG file, which Android's decoder does not heed as it does a JPEG's or a WebP's. [orientation]: 1 to 8,
 * as EXIF counts. The block stands from byte [start] up to but not with [end] of [size].
 */
internal class PngExif private constructor(
    val orientation: Int,
    private val start: Long,
    private val end: Long,
    private val size: Long,
) {
    /**
     * The file without the block, so that no decoder of a later Android turns it a second time. Throws IOException where it
     * has changed or is over 2 GiB.
     */
    fun without(stream: InputStream): ByteBuffer = Channels.newChannel(stream).use { channel ->
        if (size > Int.MAX_VALUE) throw IOException("a PNG of $size bytes")
        val rest = ByteBuffer.allocateDirect((size - (end - start)).toInt())
        rest.limit(start.toInt())
        fill(channel, rest)
        fill(channel, ByteBuffer.allocate((end - start).toInt()))
        rest.limit(rest.capacity())
        fill(channel, rest)
        rest.apply { flip() }
    }

    companion object {
        private const val SIGNATURE = -0x76afb1b8f2f5e5f6L // 89 50 4e 47 0d 0a 1a 0a
        private const val EXIF = 0x65584966 // eXIf
        private const val END = 0x49454e44 // IEND
        private const val MOST = 1 shl 16 // bytes of a block
        private const val AROUND = 12 // bytes of a chunk's length, type and checksum

        /** Null for what is no PNG, and for a PNG that is upright as it stands. Throws IOException. */
        fun of(stream: InputStream): PngExif? = DataInputStream(stream.buffered()).use { data ->
            try {
                if (data.readLong() == SIGNATURE) scan(data) else null
            } catch (error: EOFException) {
                null // cut: the decoder will say so
            }
        }

        private fun scan(data: DataInputStream): PngExif? {
            var at = 8L
            var found: PngExif? = null
            while (true) {
                val length = data.readInt()
                val type = data.readInt()
                if (length < 0) return null
                val next = at + AROUND + length
                if (type == EXIF && found == null && length <= MOST) {
                    val block = ByteArray(length).also(data::readFully)
                    val orientation = orientation(ByteBuffer.wrap(block))
                    if (orientation != 1) found = PngExif(orientation, at, next, 0)
                    skip(data, 4)
                } else {
                    skip(data, length + 4L)
                }
                at = next
                if (type == END) return found?.let { PngExif(it.orientation, it.start, it.end, at) }
            }
        }

        private fun skip(data: DataInputStream, count: Long) {
            var left = count
            while (left > 0) {
                val skipped = data.skip(left)
                if (skipped <= 0 && data.read() < 0) throw EOFException()
                left -= maxOf(skipped, 1)
            }
        }

        /** Of a TIFF header and its first directory; 1 where it says nothing that can be followed. */
        private fun orientation(block: ByteBuffer): Int = try {
            val start = if (block.getInt(0) == 0x45786966) 6 else 0 // "Exif", two zeros: some writers keep JPEG's words
            block.order(if (block.get(start) == 'I'.code.toByte()) ByteOrder.LITTLE_ENDIAN else ByteOrder.BIG_ENDIAN)
            val directory = start + block.getInt(start + 4)
            val entries = List(block.getShort(directory).toInt() and 0xFFFF) { directory + 2 + 12 * it }
            val entry = entries.firstOrNull { block.getShort(it).toInt() == 0x0112 }
            (entry?.let { block.getShort(it + 8).toInt() } ?: 1).takeIf { it in 1..8 } ?: 1
        } catch (error: IndexOutOfBoundsException) {
            1
        }

        private fun fill(channel: ReadableByteChannel, buffer: ByteBuffer) {
            while (buffer.hasRemaining()) if (channel.read(buffer) < 0) throw EOFException("a PNG that has changed")
        }
    }
}
