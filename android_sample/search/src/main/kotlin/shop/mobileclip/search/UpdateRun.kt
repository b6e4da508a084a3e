package shop.mobileclip.search

import java.io.File
import java.io.IOException
import java.security.MessageDigest
import java.util.concurrent.CancellationException

/** One run of an update: what it fetches, and how much. Throws [UpdateFault], and CancellationException. */
internal class UpdateRun(
    private val folder: UpdateFolder,
    private val fetch: UpdateFetch,
    private val isCancelled: () -> Boolean,
) {
    /** How many bytes came. */
    var fetched = 0L
        private set

    private val block = ByteArray(BLOCK)

    /** Throws CancellationException if the update was cancelled. */
    fun goOn() {
        if (isCancelled()) throw CancellationException("the update was cancelled")
    }

    /** The bytes of a statement; one byte more than any has, where the file is longer. */
    fun statement(path: String): ByteArray {
        val found = ByteArray(UpdateStatement.MOST_BYTES + 1)
        var length = 0
        opening(path, 0) { bytes ->
            while (length < found.size) {
                val count = read(path, bytes, found, length)
                if (count < 0) break
                length += count
            }
        }
        return found.copyOf(length)
    }

    /** The file, whole and proven, where [UpdateFolder.part] has it. It goes on where an earlier download ended. */
    fun download(file: UpdateStatement.RemoteFile): File {
        val part = folder.part(file)
        folder.makeFolder()
        receive(file, part, part.length().takeIf { it <= file.bytes } ?: 0)
        if (sha256(part) != file.sha256) damaged(part, "${file.path}: its bytes are not those of the statement")
        return part
    }

    /** The bytes' SHA-256, as hex digits. */
    fun sha256(file: File): String {
        val sha256 = MessageDigest.getInstance("SHA-256")
        writing(file) {
            file.inputStream().use { stream ->
                while (true) {
                    goOn()
                    val count = stream.read(block)
                    if (count < 0) break
                    sha256.update(block, 0, count)
                }
            }
        }
        return hex(sha256.digest())
    }

    /** Ends the run: [part] is of no use. */
    fun damaged(part: File, message: String): Nothing {
        folder.delete(part)
        throw UpdateFault(UpdateErrorKind.DAMAGED, message)
    }

    private fun receive(file: UpdateStatement.RemoteFile, part: File, before: Long) {
        var received: Long? = before
        writing(part) {
            folder.disk.writer(part, before).use { writer ->
                if (before < file.bytes) received = receive(file, before, writer)
                if (received == file.bytes) writer.sync()
            }
        }
        val length = received ?: damaged(part, "${file.path}: the server's ends at $before of ${file.bytes} bytes")
        if (length > file.bytes) damaged(part, "${file.path}: it has more than ${file.bytes} bytes")
        if (length < file.bytes) network(file.path, "it ended after $length of ${file.bytes} bytes")
    }

    /**
     * How long the file is then; it is not written to beyond what it should be. Null where the server has no byte from
     * [before] on: its file is shorter.
     */
    private fun receive(file: UpdateStatement.RemoteFile, before: Long, writer: DiskWriter): Long? {
        var (from, length) = before to before
        opening(file.path, before) { bytes ->
            from = bytes.from
            if (from != before) writer.cut(from)
            length = from
            while (length <= file.bytes) {
                val count = read(file.path, bytes, block, 0)
                if (count < 0) break
                length += count
                if (length <= file.bytes) writer.write(block, count)
            }
        }
        return length.takeIf { before == 0L || from < before || length > before }
    }

    /** The next bytes, into [target] from [start] on: how many, or -1 at the end. */
    private fun read(path: String, bytes: UpdateDownload, target: ByteArray, start: Int): Int {
        goOn()
        val count = receiving(path) { bytes.stream.read(target, start, target.size - start) }
        fetched += maxOf(count, 0)
        return count
    }

    private inline fun opening(path: String, from: Long, use: (UpdateDownload) -> Unit) {
        goOn()
        val bytes = receiving(path) { fetch.open(path, from) }
        try {
            if (bytes.from !in 0..from) network(path, "it begins at byte ${bytes.from}, not $from")
            use(bytes)
        } finally {
            try {
                bytes.close()
            } catch (error: IOException) {
                // all that was needed has come, or what failed is told already
            }
        }
    }

    private inline fun <T> receiving(path: String, receive: () -> T): T = try {
        receive()
    } catch (error: IOException) {
        throw UpdateFault(UpdateErrorKind.NETWORK, "$path: it cannot be fetched: ${error.message}", error)
    }

    private fun network(path: String, message: String): Nothing =
        throw UpdateFault(UpdateErrorKind.NETWORK, "$path: $message")

    private companion object {
        const val BLOCK = 1 shl 16
    }
}
