package shop.mobileclip.search

import java.io.Closeable
import java.io.File
import java.io.IOException
import java.io.RandomAccessFile
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.nio.file.StandardOpenOption.READ

/** All that an update changes on the disk, one operation a call, so that tests can have each of them fail. */
internal interface Disk {
    /** Opens or makes a file, cut after its first [from] bytes. Throws IOException. */
    fun writer(file: File, from: Long): DiskWriter

    /** Gives a file or a folder another's name. Throws IOException. */
    fun move(from: File, to: File)

    /** Deletes a file or an empty folder, if it is there. Throws IOException. */
    fun delete(file: File)

    /** Makes a folder, if there is none. Throws IOException. */
    fun makeFolder(folder: File)

    /** The system's own. */
    object System : Disk {
        override fun writer(file: File, from: Long): DiskWriter = SystemWriter(RandomAccessFile(file, "rw"), from)

        override fun move(from: File, to: File) {
            Files.move(from.toPath(), to.toPath(), ATOMIC_MOVE)
            sync(to.absoluteFile.parentFile)
        }

        /** So that the name outlives a loss of power, where the system can: not each syncs a folder. */
        private fun sync(folder: File) {
            try {
                FileChannel.open(folder.toPath(), READ).use { it.force(true) }
            } catch (error: IOException) {
                // the name is there, and mostly stays
            }
        }

        override fun delete(file: File) {
            Files.deleteIfExists(file.toPath())
        }

        override fun makeFolder(folder: File) {
            if (!folder.isDirectory && !folder.mkdirs()) throw IOException("${folder.path}: it cannot be made")
        }
    }
}

/** A file being written, at its end. */
internal interface DiskWriter : Closeable {
    /** Appends the first [length] of [bytes]. Throws IOException. */
    fun write(bytes: ByteArray, length: Int)

    /** Takes back all but the first [length] bytes. Throws IOException. */
    fun cut(length: Long)

    /** Waits until all is on the disk. Throws IOException. */
    fun sync()
}

private class SystemWriter(private val file: RandomAccessFile, from: Long) : DiskWriter {
    init {
        cut(from)
    }

    override fun write(bytes: ByteArray, length: Int) = file.write(bytes, 0, length)

    override fun cut(length: Long) {
        file.setLength(length)
        file.seek(length)
    }

    override fun sync() = file.fd.sync()

    override fun close() = file.close()
}

/** Numbers, little-endian, and pieces of buffers enter; blocks leave for [target]. [onBlock] is called before each. */
internal class BlockWriter(private val target: DiskWriter, private val onBlock: () -> Unit) {
    private val block = ByteBuffer.allocate(BLOCK).order(ByteOrder.LITTLE_ENDIAN)
    private val bounds: Buffer = block // Java 9 gave ByteBuffer methods of its own of these; Android 8 has not

    fun put(number: Long): Unit = room(Long.SIZE_BYTES).let { block.putLong(number) }

    fun put(number: Int): Unit = room(Int.SIZE_BYTES).let { block.putInt(number) }

    fun put(number: Float): Unit = room(Float.SIZE_BYTES).let { block.putFloat(number) }

    /** [length] bytes of [source] from [from] on; its own position moves. */
    fun put(source: ByteBuffer, from: Int, length: Int) {
        val view: Buffer = source
        var done = 0
        while (done < length) {
            room(1)
            val next = minOf(length - done, block.remaining())
            view.limit(from + done + next)
            view.position(from + done)
            block.put(source)
            done += next
        }
    }

    /** Writes what has not left yet. */
    fun flush() {
        onBlock()
        target.write(block.array(), block.position())
        bounds.clear()
    }

    private fun room(bytes: Int) {
        if (block.remaining() < bytes) flush()
    }

    private companion object {
        const val BLOCK = 1 shl 16
    }
}
