package shop.mobileclip.search

import java.math.BigDecimal
import java.nio.ByteBuffer

/**
 * A product's record. [price] is in units of [currency], null for none; [extra] holds whatever else the shop keeps, as
 * texts (numbers as they are written, lists and objects left out). What a record lacks is an empty text.
 */
public class CatalogProduct internal constructor(
    public val id: String,
    public val name: String,
    public val price: BigDecimal?,
    public val currency: String,
    public val description: String,
    public val category: String,
    public val extra: Map<String, String>,
) {
    internal companion object {
        private val KNOWN = setOf("id", "name", "price", "currency", "description", "category")
        private const val LONGEST_NUMBER = 40 // digits and exponent: arithmetic on a price stays small

        /** Throws [Malformed] for anything but a JSON object. */
        fun read(utf8: ByteBuffer): CatalogProduct {
            val members = Json.parse(utf8, once = false).asObject("the record")
            val texts = members.mapNotNull { (key, value) -> text(value)?.let { key to it } }.toMap()
            fun known(key: String) = texts[key] ?: ""
            return CatalogProduct(
                known("id"),
                known("name"),
                price(members["price"]),
                known("currency"),
                known("description"),
                known("category"),
                texts - KNOWN,
            )
        }

        private fun text(value: Json): String? = when (value) {
            is Json.Text -> value.value
            is Json.Number -> value.written
            is Json.Bool -> value.value.toString()
            is Json.Array, is Json.Object, Json.Null -> null
        }

        private fun price(value: Json?): BigDecimal? {
            val written = (value as? Json.Number)?.written ?: return null
            val isSmall = written.length <= LONGEST_NUMBER && 'e' !in written && 'E' !in written
            return if (isSmall) written.toBigDecimal() else null
        }
    }
}
