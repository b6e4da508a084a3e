package shop.mobileclip.search

import java.nio.ByteBuffer
import java.security.MessageDigest

/** SHA-256 over the whole file, its own 64 digits read as ASCII zeros. Throws [Malformed] where they do not stand once. */
internal class CatalogDigest(private val windows: List<ByteBuffer>, val expected: String, header: ByteBuffer) {
    private val place = LENGTH_BYTES + placeIn(header)

    fun check() {
        val sha256 = MessageDigest.getInstance("SHA-256")
        for ((index, window) in windows.withIndex()) {
            if (index > 0) {
                sha256.update(window.duplicate())
                continue
            }
            val after = place + DIGITS // the header, at most 1 MiB, lies in the first window
            sha256.update(window.part(0, place))
            sha256.update(ByteArray(DIGITS) { '0'.code.toByte() })
            sha256.update(window.part(after, window.capacity() - after))
        }
        val found = hex(sha256.digest())
        wellFormed(found == expected) { "the file is damaged: its digest is $found, and $expected stands in it" }
    }

    private companion object {
        const val LENGTH_BYTES = 8
        const val DIGITS = 64
        const val KEY = "\"sha256\":\""

        /** Where in the header the digits start. */
        fun placeIn(header: ByteBuffer): Int {
            val text = String(header.bytes(), Charsets.ISO_8859_1) // a character a byte
            val found = text.indexOf(KEY)
            wellFormed(found >= 0 && text.indexOf(KEY, found + 1) < 0) { "$KEY does not stand once in the header" }
            val start = found + KEY.length
            val digits = text.substring(start, minOf(start + DIGITS + 1, text.length))
            wellFormed(Regex("[0-9a-f]{64}\"").matches(digits)) { "$KEY is not followed by 64 hex digits" }
            return start
        }
    }
}

private const val HEX = "0123456789abcdef"

/** Lower-case hex digits. */
internal fun hex(bytes: ByteArray): String = buildString(bytes.size * 2) {
    for (byte in bytes) append(HEX[byte.toInt() shr 4 and 15]).append(HEX[byte.toInt() and 15])
}

/** Whether a text is a SHA-256 in lower-case hex digits. */
internal fun isDigest(text: String): Boolean = DIGEST.matches(text)

private val DIGEST = Regex("[0-9a-f]{64}")
