package shop.mobileclip.android

import shop.mobileclip.search.BadFileException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * The texts in a `.tflite` file's metadata table. LiteRT's `Interpreter` does not give them, so that the flatbuffer is
 * read here: of the table `Model`, fields 4 (`buffers`) and 6 (`metadata`, pairs of a name and a buffer's index).
 *
 * [name]: the file's, for messages.
 */
public class TfliteMetadata(model: ByteBuffer, private val name: String) {
    private val bytes = model.duplicate().order(ByteOrder.LITTLE_ENDIAN)

    /** The text under [key]. Throws BadFileException where there is none, and for what is no such file. */
    public fun text(key: String): String = try {
        val model = target(0)
        val entry = elements(model, METADATA).firstOrNull { string(required(it, NAME)) == key }
            ?: throw BadFileException("$name: its metadata has no '$key'; expected a file that `make export` wrote")
        val index = field(entry, BUFFER)?.let(bytes::getInt) ?: 0
        string(required(elements(model, BUFFERS)[index], DATA))
    } catch (error: IndexOutOfBoundsException) {
        throw BadFileException("$name: it is no whole .tflite file", error)
    }

    /** Where what the offset at [place] points to starts. */
    private fun target(place: Int): Int = place + bytes.getInt(place)

    /** Where a table's field stands; null for one that it leaves out. */
    private fun field(table: Int, number: Int): Int? {
        val layout = table - bytes.getInt(table)
        val slot = 4 + 2 * number
        if (slot >= bytes.getShort(layout)) return null
        return bytes.getShort(layout + slot).toInt().takeIf { it != 0 }?.let { table + it }
    }

    private fun required(table: Int, number: Int): Int =
        field(table, number) ?: throw IndexOutOfBoundsException("field $number")

    /** Where the tables of a list start. */
    private fun elements(table: Int, number: Int): List<Int> {
        val list = target(field(table, number) ?: return emptyList())
        val size = bytes.getInt(list)
        if (size !in 0..bytes.capacity() / 4) throw IndexOutOfBoundsException("a list of $size")
        return List(size) { target(list + 4 + 4 * it) }
    }

    /** A string, or a list of bytes, that the field at [place] points to. */
    private fun string(place: Int): String {
        val start = target(place)
        val size = bytes.getInt(start)
        if (size !in 0..bytes.capacity()) throw IndexOutOfBoundsException("a text of $size bytes")
        return String(ByteArray(size) { bytes.get(start + 4 + it) }, Charsets.UTF_8)
    }

    private companion object {
        const val BUFFERS = 4 // of Model
        const val METADATA = 6
        const val NAME = 0 // of Metadata
        const val BUFFER = 1
        const val DATA = 0 // of Buffer
    }
}
