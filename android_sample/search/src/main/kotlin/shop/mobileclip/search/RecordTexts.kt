package shop.mobileclip.search

import java.nio.ByteBuffer

/** A product's record, for what is found beside vectors: FORMATS.md, "Texts of a field". */
internal class RecordTexts private constructor(private val members: Map<String, Json>) {
    /** The texts of a field, each once: one, or those of a list. */
    fun of(field: String): List<String> {
        val value = members[field]
        val items = if (value is Json.Array) value.items else listOfNotNull(value)
        return items.mapNotNull(::text).distinct()
    }

    /** Those of several fields, one after the other. */
    fun of(fields: List<String>): List<String> = fields.flatMap(::of)

    private fun text(value: Json): String? = when (value) {
        is Json.Text -> value.value.takeIf { it.isNotEmpty() }
        is Json.Number -> value.written
        is Json.Bool -> value.value.toString()
        is Json.Nested, Json.Null -> null
    }

    companion object {
        /** Throws [Malformed] for anything but a JSON object. */
        fun read(utf8: ByteBuffer): RecordTexts = RecordTexts(Json.parse(utf8, once = false).asObject("the record"))
    }
}
