package shop.mobileclip.update

import shop.mobileclip.search.UpdateDownload
import shop.mobileclip.search.UpdateFetch
import java.io.ByteArrayInputStream
import java.io.EOFException
import java.io.FileNotFoundException
import java.io.FilterInputStream
import java.io.IOException
import java.net.HttpURLConnection
import java.net.URL

private const val MOST_REDIRECTS = 5
private const val NOTHING_LEFT = 416 // the file ends before what is asked for

/**
 * Fetches an update's files from a server of the shop's, over https, going on where an earlier download ended if the server
 * gives ranges. No cookie, no redirect to another host, no request but those for the files. Over http from this very device
 * alone, for tests.
 *
 * [address]: the folder in which the statement lies, `https://www.shop.example/search/`, say. Throws
 * IllegalArgumentException for any other address.
 */
public class HttpFetch @JvmOverloads constructor(
    address: String,
    private val connectMilliseconds: Int = 15_000,
    private val readMilliseconds: Int = 30_000,
) : UpdateFetch {
    private val base = URL(address)

    init {
        require(isAllowed(base)) { "$address: expected https" }
        require(base.path.endsWith("/") && base.query == null) { "$address: expected a folder, ending with /" }
    }

    override fun open(path: String, from: Long): UpdateDownload {
        var url = URL(base, path)
        repeat(MOST_REDIRECTS) {
            val connection = asked(url, from)
            if (connection.code() !in REDIRECTS) return answer(connection, from)
            val to = connection.getHeaderField("Location")
            connection.disconnect()
            url = URL(url, to ?: throw IOException("$url: a redirect to nowhere"))
            if (!isAllowed(url) || !url.host.equals(base.host, ignoreCase = true)) {
                throw IOException("$base: a redirect to another host, or without https: $url")
            }
        }
        throw IOException("$url: more than $MOST_REDIRECTS redirects")
    }

    private fun asked(url: URL, from: Long): HttpURLConnection = (url.openConnection() as HttpURLConnection).apply {
        instanceFollowRedirects = false
        useCaches = false
        connectTimeout = connectMilliseconds
        readTimeout = readMilliseconds
        setRequestProperty("Accept-Encoding", "identity") // Android would unpack, and then no length is the file's
        setRequestProperty("Cache-Control", "no-cache")
        if (from > 0) setRequestProperty("Range", "bytes=$from-")
    }

    private fun answer(connection: HttpURLConnection, from: Long): UpdateDownload {
        val (url, code) = connection.url to connection.code()
        return when (code) {
            HttpURLConnection.HTTP_OK -> UpdateDownload(0, Body(connection))

            HttpURLConnection.HTTP_PARTIAL -> {
                val range = connection.getHeaderField("Content-Range").orEmpty()
                val start = RANGE.find(range)?.groupValues?.get(1)?.toLongOrNull()
                UpdateDownload(start ?: throw IOException("$url: a part that is '$range'"), Body(connection))
            }

            NOTHING_LEFT -> UpdateDownload(from, ByteArrayInputStream(ByteArray(0))).also { connection.disconnect() }

            else -> {
                connection.disconnect()
                val isMissing = code == HttpURLConnection.HTTP_NOT_FOUND || code == HttpURLConnection.HTTP_GONE
                throw if (isMissing) FileNotFoundException("$url") else IOException("$url: the server answered $code")
            }
        }
    }

    /** Without the permission Android answers with a SecurityException. */
    private fun HttpURLConnection.code(): Int = try {
        responseCode
    } catch (error: SecurityException) {
        throw IOException("$url: ${error.message}", error)
    }

    /** An answer's bytes. Its end is that which the server said; closing it ends the connection. */
    private class Body(private val connection: HttpURLConnection) : FilterInputStream(connection.inputStream) {
        private var left = connection.contentLengthLong // below 0: the server did not say

        override fun read(): Int = super.read().also { took(if (it < 0) it else 1) }

        override fun read(target: ByteArray, offset: Int, length: Int): Int =
            `in`.read(target, offset, length).also(::took)

        private fun took(count: Int) {
            if (count >= 0) {
                left -= count
            } else if (left > 0) {
                throw EOFException("${connection.url}: ended early")
            }
        }

        override fun close() = connection.disconnect()
    }

    private companion object {
        val REDIRECTS = setOf(301, 302, 303, 307, 308)
        val RANGE = Regex("^bytes ([0-9]+)-")
        val LOOPBACK = setOf("localhost", "127.0.0.1", "[::1]")

        fun isAllowed(url: URL): Boolean = url.protocol == "https" || (url.protocol == "http" && url.host in LOOPBACK)
    }
}
