package shop.mobileclip.search

import java.nio.ShortBuffer

/** A field that products are filtered by: FORMATS.md, "Filters by a field". A view of the mapped file. */
internal class FilterColumn(
    private val numbers: ShortBuffer, // unsigned, [fields, products]
    private val start: Int, // of this field in [numbers]
    /** What products hold, each the texts of one. */
    val values: List<List<String>>,
) {
    /** Every text, each once. */
    val texts: List<String> = values.flatten().distinct()

    /** Which of [values] a product holds. */
    fun number(product: Int): Int = numbers.get(start + product).toInt() and 0xFFFF

    companion object {
        private val TENSORS = listOf("filter_values", "filter_names")
        private const val PRICE = "price" // no field to search by: a price changes alone

        /** Of a catalog's file, by their names; none where it has none. Throws [Malformed]. */
        fun read(container: Container, products: Long): Map<String, FilterColumn> {
            if (TENSORS.none { it in container }) return emptyMap()
            val names = fields(container, "filters")
            val numbers = container.tensor(TENSORS[0], "U16", names.size * products).asShortBuffer()
            val lists = Json.parse(container.tensor(TENSORS[1], "U8", Container.ANY).duplicate(), once = false)
                .asArray(TENSORS[1])
            wellFormed(lists.size == names.size) { "${lists.size} lists of values for ${names.size} filters" }
            return names.indices.associate { place ->
                val values = lists[place].asArray("values").map { value ->
                    value.asArray("a value").map { it.asText("a text of a value") }
                }
                val column = FilterColumn(numbers, place * products.toInt(), values)
                for (product in 0 until products.toInt()) {
                    wellFormed(column.number(product) < values.size) { "a value beyond the list of ${names[place]}" }
                }
                names[place] to column
            }
        }

        /** The names of fields in the metadata, each once. Throws [Malformed]. */
        fun fields(container: Container, key: String): List<String> {
            val names = Json.parse(container.text(key), once = false).asArray(key).map { it.asText("a name in $key") }
            wellFormed(names.distinct().size == names.size && PRICE !in names) { "$key that are no list of fields" }
            return names
        }
    }
}
