package shop.mobileclip.search

import java.math.BigDecimal
import java.nio.ByteBuffer

/**
 * A product's record. [price] is in units of [currency], null for none; [extra] holds whatever else the shop keeps, as
 * texts: numbers as they are written, lists and objects as their JSON text. What a record lacks is an empty text.
 */
public class CatalogProduct internal constructor(
    public val id: String,
    public val name: String,
    public val price: BigDecimal?,
    public val currency: String,
    public val description: String,
    public val category: String,
    public val extra: Map<String, String>,
    private val lists: Map<String, List<String>>,
) {
    /** Of [extra]: the items of a list as texts, nested ones as JSON text; one text for what is no list; none for nothing. */
    public fun list(key: String): List<String> = lists[key] ?: listOfNotNull(extra[key])

    internal companion object {
        private val KNOWN = setOf("id", "name", "price", "currency", "description", "category")
        private const val LONGEST_NUMBER = 40 // digits and exponent: arithmetic on a price stays small
        private val KEPT = 1..2 // how deep what is kept as JSON text stands: a column's value, and an item of its list

        /** Throws [Malformed] for anything but a JSON object. */
        fun read(utf8: ByteBuffer): CatalogProduct {
            val members = members(utf8)
            val extra = members - KNOWN
            return CatalogProduct(
                id(members),
                known(members, "name"),
                price(members["price"]),
                known(members, "currency"),
                known(members, "description"),
                known(members, "category"),
                extra.mapNotNull { (key, value) -> text(value)?.let { key to it } }.toMap(),
                extra.mapNotNull { (key, value) -> (value as? Json.Array)?.let { key to texts(it) } }.toMap(),
            )
        }

        /** Of a record, its id alone. Throws [Malformed]. */
        fun id(utf8: ByteBuffer): String = id(members(utf8))

        private fun members(utf8: ByteBuffer): Map<String, Json> =
            Json.parse(utf8, once = false, written = KEPT).asObject("the record")

        private fun id(members: Map<String, Json>): String = known(members, "id")

        private fun known(members: Map<String, Json>, key: String): String =
            members[key]?.takeIf { it !is Json.Nested }?.let(::text) ?: ""

        private fun texts(list: Json.Array): List<String> = list.items.mapNotNull(::text)

        private fun text(value: Json): String? = when (value) {
            is Json.Text -> value.value
            is Json.Number -> value.written
            is Json.Bool -> value.value.toString()
            is Json.Nested -> value.written
            Json.Null -> null
        }

        private fun price(value: Json?): BigDecimal? {
            val written = (value as? Json.Number)?.written ?: return null
            val isSmall = written.length <= LONGEST_NUMBER && 'e' !in written && 'E' !in written
            return if (isSmall) written.toBigDecimal() else null
        }
    }
}
