package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.Random

class IdTest {
    @TempDir
    lateinit var folder: File

    private val random = Random(7)

    /** Sharing prefixes, of one to four UTF-8 bytes a character; composed and decomposed letters; the empty id. */
    private val ids = (List(300) { id() } + listOf("", "a", "aa", "é", "e\u0301", "\uFFFD", "\uD83D\uDE00")).distinct()

    private fun id(): String = buildString {
        repeat(1 + random.nextInt(4)) { append(listOf("a", "b", "é", "水", "\uFB01", "\uD83D\uDC5F").random()) }
    }

    private fun List<String>.random() = get(random.nextInt(size))

    private fun sorted(ids: List<String>): IntArray = ids.indices.sortedWith { one, other ->
        java.util.Arrays.compareUnsigned(ids[one].toByteArray(), ids[other].toByteArray())
    }.toIntArray()

    private fun catalog(order: IntArray?, records: List<String> = ids.map(::record)): MadeCatalog {
        val products = records.size
        return MadeCatalog(
            IntArray(products) { it }, 4, ByteArray(4 * products) { it.toByte() }, FloatArray(products) { 1f },
            FloatArray(4), LongArray(products) { -1 }, IntArray(products), listOf(""),
            records = records, idOrder = order,
        )
    }

    private fun record(id: String) = """{"name":"of $id","id":"$id"}"""

    @Test
    fun `each id is found, with an order of the builder's and without`() {
        for (order in listOf(sorted(ids), null)) {
            val catalog = opened(folder, catalog(order).bytes())
            for ((place, id) in ids.withIndex()) {
                assertEquals(place, catalog.place(id), id)
                assertEquals("of $id", catalog.product(id)?.name)
            }
            for (unknown in listOf("x", "ab\u0000", "水水水水水", "\uD83D", "A", "e")) assertNull(catalog.product(unknown))
        }
    }

    @Test
    fun `texts compare as their bytes do`() {
        for (one in ids) {
            for (other in ids) {
                val bytes = java.util.Arrays.compareUnsigned(one.toByteArray(), other.toByteArray())
                assertEquals(Integer.signum(bytes), Integer.signum(compareUtf8(one, other)), "$one, $other")
            }
        }
    }

    @Test
    fun `a wrong order finds the right product or none`() {
        repeat(20) {
            val order = ids.indices.shuffled(random).toIntArray()
            val catalog = opened(folder, catalog(order).bytes())
            for ((place, id) in ids.withIndex()) assertTrue(catalog.place(id) in listOf(null, place))
        }
    }

    @Test
    fun `what is no order is refused`() {
        val order = sorted(ids)
        fun refused(says: String, bytes: ByteArray) {
            val error = assertThrows<BadFileException> { opened(folder, bytes) }
            assertTrue(says in error.message!! && error.kind == ErrorKind.DAMAGED) { error.message }
        }
        for (wrong in listOf(order[1], order.size, -1, Int.MIN_VALUE)) {
            refused("id_order", catalog(order.copyOf().also { it[0] = wrong }).bytes())
        }
        val made = catalog(order)
        fun changed(type: String, shape: List<Int>, data: ByteArray) = MadeCatalog.seal(
            MadeCatalog.container(
                made.metadata(),
                made.tensors().map {
                    if (it.name ==
                        "id_order"
                    ) {
                        MadeCatalog.Tensor("id_order", type, shape, data)
                    } else {
                        it
                    }
                },
            ),
        )
        val bytes = made.tensors().first { it.name == "id_order" }.data
        refused("id_order", changed("I32", listOf(order.size), bytes))
        refused("id_order", changed("U32", listOf(order.size - 1), bytes.copyOf(bytes.size - 4)))
        refused("id_order", changed("U32", listOf(order.size, 1), bytes))
    }

    @Test
    fun `a damaged record on the way is an error of the file, and one elsewhere is none`() {
        val records = ids.map(::record).toMutableList().also { it[150] = "{" }
        val order = sorted(ids)
        val catalog = opened(folder, catalog(order, records).bytes())
        assertThrows<BadFileException> { catalog.place(ids[150]) }.checkMessage(catalog.name)
        assertTrue(
            ids.indices.count {
                runCatching { catalog.place(ids[it]) == it }.getOrDefault(false)
            } > ids.size / 3,
        )
    }

    @Test
    fun `golden ids are found where Python finds them, and golden damage is refused`() {
        val index = Goldens.json("ids/index.json")
        for (made in index.objects("catalogs")) {
            val catalog = ProductCatalog.open(Goldens.file("ids/" + made.text("catalog")))
            for (case in made.objects("places")) {
                val expected = case.part("place").takeIf { it != Json.Null }?.asLong("place")?.toInt()
                assertEquals(expected, catalog.place(case.text("id")), "${made.text("catalog")}, ${case.text("id")}")
            }
        }
        for (name in index.list("damaged")) {
            val file = Goldens.file("ids/" + name.asText("damaged"))
            assertThrows<BadFileException> { ProductCatalog.open(file) }.checkMessage(file.path)
        }
    }

    @Test
    fun `lists and objects are kept as they are written`() {
        val record =
            """{"id":"p","sizes":["S", 38.50,true,null,{"a": [1, 2]},[3]],"one":"red","box":{"w": 1.0e2, "x":[]},""" +
                """"none":null,"empty":[],"n":7,"category":["odd"]}"""
        val product = opened(folder, catalog(null, listOf(record)).bytes()).product(0)
        assertEquals("""["S", 38.50,true,null,{"a": [1, 2]},[3]]""", product.extra["sizes"])
        assertEquals("""{"w": 1.0e2, "x":[]}""", product.extra["box"])
        assertEquals(setOf("sizes", "one", "box", "empty", "n"), product.extra.keys)
        assertEquals(listOf("S", "38.50", "true", """{"a": [1, 2]}""", "[3]"), product.list("sizes"))
        assertEquals(listOf("red"), product.list("one"))
        assertEquals(listOf("""{"w": 1.0e2, "x":[]}"""), product.list("box"))
        for (key in listOf("none", "empty", "unknown")) assertEquals(emptyList<String>(), product.list(key))
        assertEquals("", product.category)
    }
}
