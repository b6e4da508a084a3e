package shop.mobileclip.update

import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import org.junit.After
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import shop.mobileclip.search.CatalogUpdates
import shop.mobileclip.search.ProductCatalog
import shop.mobileclip.search.UpdateOutcome
import shop.mobileclip.search.UpdateWay
import java.io.EOFException
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.ServerSocket
import java.security.MessageDigest
import kotlin.concurrent.thread
import kotlin.io.path.createTempDirectory

class HttpFetchTest {
    private val content = ByteArray(100_000) { (it * 7).toByte() }
    private val asked = ArrayList<Map<String, List<String>>>()
    private var answer: (HttpExchange) -> Unit = ::ranged
    private val server = HttpServer.create(InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0).apply {
        createContext("/") {
            asked += it.requestHeaders.toMap()
            it.use { exchange -> answer(exchange) }
        }
        start()
    }
    private val address get() = "http://127.0.0.1:${server.address.port}/shop/"

    @After
    fun stop() = server.stop(0)

    private fun fetched(path: String = "a/b.catalog", from: Long = 0): Pair<Long, ByteArray> =
        HttpFetch(address, 2_000, 2_000).open(path, from).use { it.from to it.stream.readBytes() }

    private fun ranged(exchange: HttpExchange) {
        val from = Regex(
            "bytes=([0-9]+)-",
        ).find(exchange.requestHeaders.getFirst("Range").orEmpty())?.groupValues?.get(1)?.toInt()
        val rest = content.copyOfRange(from ?: 0, content.size)
        if (from !=
            null
        ) {
            exchange.responseHeaders.add("Content-Range", "bytes $from-${content.size - 1}/${content.size}")
        }
        exchange.sendResponseHeaders(if (from == null) 200 else 206, rest.size.toLong())
        exchange.responseBody.write(rest)
    }

    private fun answers(code: Int, vararg headers: Pair<String, String>) {
        answer = { exchange ->
            for ((name, value) in headers) exchange.responseHeaders.add(name, value)
            exchange.sendResponseHeaders(code, -1)
        }
    }

    @Test
    fun `a file is fetched whole, or from where it is wanted`() {
        for (from in listOf(0, 1, 70_000, 99_999)) {
            val (start, bytes) = fetched(from = from.toLong())
            assertEquals(from.toLong(), start)
            assertArrayEquals(content.copyOfRange(from, content.size), bytes)
        }
        assertTrue(asked.all { it["Accept-encoding"] == listOf("identity") && "Cookie" !in it })
        assertEquals(listOf(null, listOf("bytes=1-")), asked.take(2).map { it["Range"] })
    }

    @Test
    fun `a server without ranges begins at the beginning`() {
        answer = {
            it.sendResponseHeaders(200, content.size.toLong())
            it.responseBody.write(content)
        }
        val (start, bytes) = fetched(from = 70_000)
        assertEquals(0L, start)
        assertArrayEquals(content, bytes)
    }

    @Test
    fun `a file that ends before what is wanted gives nothing more`() {
        answers(416, "Content-Range" to "bytes */5")
        val (start, bytes) = fetched(from = 70_000)
        assertEquals(listOf(70_000L, 0L), listOf(start, bytes.size.toLong()))
    }

    @Test
    fun `what the server refuses is an error`() {
        for (code in listOf(404, 410)) {
            answers(code)
            assertThrows(FileNotFoundException::class.java) { fetched() }
        }
        for (code in listOf(204, 401, 403, 500, 503)) {
            answers(code)
            assertTrue("$code" in assertThrows(IOException::class.java) { fetched() }.message!!)
        }
        answers(206)
        assertThrows(IOException::class.java) { fetched(from = 5) }
    }

    @Test
    fun `a redirect stays with its host`() {
        answer = { exchange ->
            if (exchange.requestURI.path == "/shop/a/b.catalog") {
                exchange.responseHeaders.add("Location", "/moved/b.catalog")
                exchange.sendResponseHeaders(302, -1)
            } else {
                ranged(exchange)
            }
        }
        assertArrayEquals(content.copyOfRange(9, content.size), fetched(from = 9).second)
        for (to in listOf(
            "https://example.com/x",
            "http://example.com/x",
            "//localhost/x",
            "ftp://127.0.0.1/x",
            "file:/etc/x",
        )) {
            answers(301, "Location" to to)
            assertTrue("redirect" in assertThrows(IOException::class.java) { fetched() }.message!!)
        }
        answers(302, "Location" to "again")
        assertTrue("redirects" in assertThrows(IOException::class.java) { fetched() }.message!!)
        answers(302)
        assertThrows(IOException::class.java) { fetched() }
    }

    @Test
    fun `a connection that ends early, and a silent server, are errors`() {
        ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { socket ->
            thread(isDaemon = true) {
                while (!socket.isClosed) {
                    val client = runCatching { socket.accept() }.getOrNull() ?: break
                    client.getInputStream().read(ByteArray(4096))
                    client.getOutputStream().write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".toByteArray())
                    client.close()
                }
            }
            val early = HttpFetch("http://localhost:${socket.localPort}/", 2_000, 2_000).open("x", 0)
            assertThrows(EOFException::class.java) { early.use { it.stream.readBytes() } }
        }
        answer = { Thread.sleep(1_500) }
        assertThrows(IOException::class.java) { HttpFetch(address, 200, 200).open("x", 0) }
        server.stop(0)
        assertThrows(IOException::class.java) { fetched() }
    }

    @Test
    fun `an address without https is refused, but this very device's`() {
        for (wrong in listOf(
            "http://shop.example/",
            "ftp://shop.example/",
            "https://shop.example/a",
            "https://shop.example/?a/",
        )) {
            assertThrows(IllegalArgumentException::class.java) { HttpFetch(wrong) }
        }
        for (right in listOf("https://shop.example/", "http://localhost:8080/a/", "http://[::1]/")) HttpFetch(right)
    }

    @Test
    fun `the golden site is followed over HTTP`() {
        val (goldens, state) = File(System.getenv("GOLDENS"), "updates") to createTempDirectory().toFile()
        answer = { exchange ->
            val bytes = File(goldens, exchange.requestURI.path.removePrefix("/shop/")).readBytes()
            exchange.sendResponseHeaders(200, bytes.size.toLong())
            exchange.responseBody.write(bytes)
        }
        val base = ProductCatalog.open(File(goldens, "base.catalog"))
        val keys = File(goldens, "key.txt").readLines().filter { it.isNotEmpty() }
        val updates = CatalogUpdates("shop", state, base.space, keys, P256, HttpFetch(address))
        updates.start(base)
        val outcome = updates.update() as UpdateOutcome.Updated
        assertArrayEquals(File(goldens, "wednesday.catalog").readBytes(), File(outcome.catalog.name).readBytes())
        assertEquals(3L, (updates.update() as UpdateOutcome.Current).number)
    }

    @Test
    fun `a delta that the server holds short is the whole catalog, in the same update`() {
        val (goldens, state) = File(System.getenv("GOLDENS"), "updates") to createTempDirectory().toFile()
        val delta = File(goldens, "deltas/base-wednesday.delta").readBytes()
        val sha256 = MessageDigest.getInstance("SHA-256").digest(delta).joinToString("") { "%02x".format(it) }
        File(state, "$sha256.part").writeBytes(delta.copyOf(700))
        val codes = ArrayList<Pair<String, Int>>()
        answer = { exchange ->
            val (path, isPart) = exchange.requestURI.path.removePrefix("/shop/") to ("Range" in exchange.requestHeaders)
            val bytes = if (isPart) ByteArray(0) else File(goldens, path).readBytes()
            codes += path to if (isPart) 416 else 200
            exchange.sendResponseHeaders(codes.last().second, if (isPart) -1 else bytes.size.toLong())
            exchange.responseBody.write(bytes)
        }
        val base = ProductCatalog.open(File(goldens, "base.catalog"))
        val keys = File(goldens, "key.txt").readLines().filter { it.isNotEmpty() }
        val updates = CatalogUpdates("shop", state, base.space, keys, P256, HttpFetch(address)).apply { start(base) }
        assertEquals(UpdateWay.WHOLE, (updates.update() as UpdateOutcome.Updated).way)
        assertEquals(
            listOf("shop.update" to 200, "deltas/base-wednesday.delta" to 416, "wednesday.catalog" to 200),
            codes,
        )
    }
}
