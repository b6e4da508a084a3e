package shop.mobileclip.search

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** The first bytes of a container, its header's length and its header, as every writer lays them out. */
internal class ContainerLayout(val metadata: Map<String, String>, tensors: List<Part>) {
    /** In the file's order: by the size of an element, largest first, then by name. */
    val tensors: List<Part> =
        tensors.sortedWith(compareBy<Part> { -Container.elementSize(it.type) }.thenComparing(BY_NAME))

    /** What a header says of one tensor. */
    data class Part(val name: String, val type: String, val shape: List<Long>) {
        val bytes: Long get() = Container.bytes(shape, Container.elementSize(type))
    }

    /** The length and the header. */
    val head: ByteArray by lazy {
        val header = header().toByteArray()
        val padding = -header.size and LENGTH_BYTES - 1
        ByteBuffer.allocate(LENGTH_BYTES + header.size + padding).order(ByteOrder.LITTLE_ENDIAN)
            .putLong((header.size + padding).toLong()).put(header).put(ByteArray(padding) { ' '.code.toByte() }).array()
    }

    private fun header(): String {
        val pairs = metadata.toSortedMap(::compareUtf8).entries.joinToString(",") { (key, value) ->
            "${OverlayRecord.quoted(key)}:${OverlayRecord.quoted(value)}"
        }
        var position = 0L
        val parts = tensors.map {
            val start = position
            position += it.bytes
            val shape = it.shape.joinToString(",", "[", "]")
            """${OverlayRecord.quoted(
                it.name,
            )}:{"dtype":"${it.type}","shape":$shape,"data_offsets":[$start,$position]}"""
        }
        return (listOf("\"__metadata__\":{$pairs}") + parts).joinToString(",", "{", "}")
    }

    companion object {
        private const val LENGTH_BYTES = 8
        private val BY_NAME = Comparator<Part> { one, other -> compareUtf8(one.name, other.name) }

        /** Reads a head that stands alone. Throws [Malformed] unless every byte of it is as a writer lays it out. */
        fun read(head: ByteBuffer): ContainerLayout {
            wellFormed(head.capacity() > LENGTH_BYTES) { "a head of ${head.capacity()} bytes, too short for a header" }
            val header = head.part(LENGTH_BYTES, head.capacity() - LENGTH_BYTES)
            val (metadata, members) = Container.header(header)
            val parts = members.map { (name, json) ->
                val entry = Container.entry(name, json)
                wellFormed(Container.isKnown(entry.type)) {
                    "${shown(name)} is of the unknown type ${shown(entry.type)}"
                }
                Part(name, entry.type, entry.shape)
            }
            val layout = ContainerLayout(metadata, parts)
            wellFormed(parts.all { it.bytes >= 0 } && layout.head.contentEquals(head.bytes())) {
                "a head that is laid out otherwise"
            }
            return layout
        }
    }
}
