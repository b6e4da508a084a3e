package shop.mobileclip.search

import java.io.Closeable
import java.io.InputStream

/** Brings an update's files: from a server, say. The module `update` has one over HTTP. */
public fun interface UpdateFetch {
    /**
     * Opens the file at [path], relative to the statement's address, from byte [from] on, or, where that cannot be, from an
     * earlier one on. Where the file ends at [from] or before, and the server says so (HTTP's 416), nothing from [from] on.
     *
     * @throws java.io.FileNotFoundException where the server has no such file.
     * @throws java.io.IOException for whatever else is wrong; reading may throw it too.
     */
    public fun open(path: String, from: Long): UpdateDownload
}

/** Bytes of a file from [from] on, where they really start. */
public class UpdateDownload(public val from: Long, public val stream: InputStream) : Closeable {
    override fun close(): Unit = stream.close()
}
