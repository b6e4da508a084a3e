package shop.mobileclip.search

import java.nio.ByteBuffer

/**
 * The safetensors container: an 8-byte little-endian header length, a JSON header, raw little-endian tensors.
 *
 * Every offset, shape and type is checked; tensors of an unknown type are passed over, but lie within the file too.
 */
internal class Container private constructor(
    val metadata: Map<String, String>,
    private val tensors: Map<String, Tensor>,
    val header: ByteBuffer, // without its length
    val windows: List<ByteBuffer>, // the whole file
) {
    operator fun contains(name: String): Boolean = name in tensors

    fun text(key: String): String = metadata[key] ?: malformed("its metadata has no ${shown(key)}")

    /** The bytes of a tensor of that type and shape (-1: any length). */
    fun tensor(name: String, type: String, vararg shape: Long): ByteBuffer {
        val tensor = tensors[name] ?: malformed("it has no tensor ${shown(name)}")
        val fits = tensor.type == type && tensor.shape.size == shape.size &&
            shape.indices.all { shape[it] == ANY || shape[it] == tensor.shape[it] }
        wellFormed(fits) { "${shown(name)} is ${shown(tensor.type)} ${tensor.shape}, not $type ${shape.toList()}" }
        return tensor.data ?: malformed("${shown(name)} has more than ${Int.MAX_VALUE} bytes")
    }

    private class Tensor(val type: String, val shape: List<Long>, val data: ByteBuffer?)

    class Entry(val name: String, val type: String, val shape: List<Long>, val start: Long, val end: Long)

    companion object {
        const val ANY = -1L
        private const val LENGTH_BYTES = 8L
        private const val MOST_HEADER = 1L shl 20
        private val SIZES = mapOf(
            "U8" to 1L, "I8" to 1L, "U16" to 2L, "I16" to 2L, "U32" to 4L, "I32" to 4L, "F32" to 4L, "U64" to 8L,
            "I64" to 8L, "F64" to 8L,
        )

        /** Throws [Malformed], and IOException where mapping fails. */
        fun read(file: MappedFile): Container {
            wellFormed(file.size >= LENGTH_BYTES) { "a file of ${file.size} bytes, too short for a header" }
            val length = file.slice(0, LENGTH_BYTES.toInt()).getLong(0)
            wellFormed(length in 2..MOST_HEADER && length <= file.size - LENGTH_BYTES && length % LENGTH_BYTES == 0L) {
                "a header of ${java.lang.Long.toUnsignedString(length)} bytes in a file of ${file.size}; expected a " +
                    "multiple of 8, at most $MOST_HEADER, within the file"
            }
            val header = file.slice(LENGTH_BYTES, length.toInt())
            val (metadata, members) = header(header)
            return Container(metadata, tensors(members, file, LENGTH_BYTES + length), header, file.windows)
        }

        /** A header's metadata, and what it says of each tensor. Throws [Malformed]. */
        fun header(header: ByteBuffer): Pair<Map<String, String>, Map<String, Json>> {
            wellFormed(header.capacity() <= MOST_HEADER) { "a header of ${header.capacity()} bytes" }
            val members = Json.parse(header.duplicate(), once = true).asObject("the header")
            val metadata = (members["__metadata__"] ?: Json.Object(emptyMap())).asObject("__metadata__")
                .mapValues { (key, value) -> value.asText("metadata ${shown(key)}") }
            return metadata to members - "__metadata__"
        }

        fun isKnown(type: String): Boolean = type in SIZES

        /** Bytes of an element of a known type. */
        fun elementSize(type: String): Long = SIZES.getValue(type)

        /** The tensors that the header names; they must fill the data without gap or overlap. */
        private fun tensors(members: Map<String, Json>, file: MappedFile, base: Long): Map<String, Tensor> {
            val found = HashMap<String, Tensor>()
            var position = 0L
            val entries = members.map { (name, json) -> entry(name, json) }
            for (entry in entries.sortedWith(compareBy({ it.start }, { it.end }))) {
                wellFormed(entry.start == position && entry.end in entry.start..file.size - base) {
                    "${shown(entry.name)} does not fit: bytes ${entry.start} to ${entry.end}, expected from " +
                        "$position, at most to ${file.size - base}"
                }
                position = entry.end
                val size = SIZES[entry.type] ?: continue
                val length = entry.end - entry.start
                wellFormed(length == bytes(entry.shape, size) && entry.start % size == 0L) {
                    "${shown(entry.name)} does not fit: bytes ${entry.start} to ${entry.end} for ${entry.type} " +
                        "${entry.shape}"
                }
                val data = if (length > Int.MAX_VALUE) null else file.slice(base + entry.start, length.toInt())
                found[entry.name] = Tensor(entry.type, entry.shape, data)
            }
            wellFormed(position == file.size - base) { "${file.size - base - position} bytes that belong to no tensor" }
            return found
        }

        /** What a header says of one tensor. Throws [Malformed]. */
        fun entry(name: String, json: Json): Entry {
            val members = json.asObject("tensor ${shown(name)}")
            fun numbers(key: String): List<Long> {
                val what = "$key of ${shown(name)}"
                return members.part(key).asArray(what).map { item ->
                    item.asLong(what).also { wellFormed(it >= 0) { "$what below 0" } }
                }
            }
            val offsets = numbers("data_offsets")
            wellFormed(offsets.size == 2) { "data_offsets of ${shown(name)} are not two" }
            val type = members.part("dtype").asText("dtype of ${shown(name)}")
            return Entry(name, type, numbers("shape"), offsets[0], offsets[1])
        }

        /** Bytes of a shape; -1 beyond what a file can hold. */
        fun bytes(shape: List<Long>, size: Long): Long {
            if (0L in shape) return 0
            return shape.fold(size) { product, side ->
                if (product < 0 || side > Long.MAX_VALUE / product) -1 else product * side
            }
        }
    }
}
