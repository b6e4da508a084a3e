package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.nio.ByteBuffer
import java.util.Random

/** What a text names exactly, and filters by a field. */
class WordsTest {
    @TempDir
    lateinit var folder: File

    private val expected = Goldens.json("words/expected.json")
    private val base = ProductCatalog.open(golden("base.catalog"))
    private val next = ProductCatalog.open(golden("next.catalog"))
    private val over = base.adding(CatalogOverlay.open(golden("overlay.catalog"), base))

    private fun golden(name: String) = Goldens.file("words/$name")

    private fun catalog(case: Map<String, Json>): ProductCatalog =
        mapOf("base" to base, "next" to next, "overlay" to over).getValue(case.text("catalog"))

    private fun filter(case: Map<String, Json>) = CatalogFilter(
        case["categories"]?.asArray("")?.map { it.asText("") }?.toSet(),
        case["lowest"]?.asLong(""),
        case["highest"]?.asLong(""),
        case["columns"]?.asObject("").orEmpty().mapValues { (_, texts) ->
            texts.asArray("").map { it.asText("") }.toSet()
        },
    )

    private fun texts(case: Map<String, Json>, key: String) = case.list(key).map { it.asText(key) }

    private fun vector(seed: Int, dim: Int) = Random(seed.toLong()).let { random ->
        FloatArray(dim) { random.nextFloat() - 0.5f }
    }

    @Test
    fun `every golden text is folded into the same runs, key and hash`() {
        val characters = checkNotNull(base.parts[0].tables.words).characters
        for (case in expected.objects("folded")) {
            val text = case.text("text")
            val runs = case.objects("runs").map { it.text("text") to it.part("by_pairs").asBool("by_pairs") }
            assertEquals(runs, characters.runs(text).map { it.text to it.byPairs }, text)
            assertEquals(case.text("key"), characters.key(text), text)
            assertEquals(case.part("hash").asLong("hash").toInt(), CatalogWords.hash(characters.key(text)), text)
        }
    }

    @Test
    fun `the golden texts of fields are read`() {
        for (case in expected.objects("columns")) {
            val record = RecordTexts.read(ByteBuffer.wrap(case.text("record").toByteArray()))
            assertEquals(texts(case, "texts"), record.of(case.text("column")), case.text("record"))
        }
    }

    @Test
    fun `every golden text names the golden products`() {
        val cases = expected.objects("cases")
        for (case in cases) {
            val catalog = catalog(case)
            val found = CatalogSearch(catalog).named(case.text("text"), filter(case), case.int("most"))
            assertEquals(
                case.objects("found").map { Triple(it.int("place"), it.text("id"), it.text("by")) },
                found.map { Triple(it.product, catalog.product(it.product).id, it.by.name.lowercase()) },
                "$case",
            )
        }
        println("words: ${cases.size} texts, 0 differing")
    }

    @Test
    fun `golden filters leave the golden products`() {
        for (case in expected.objects("filters")) {
            val catalog = catalog(case)
            val query = SearchQuery.Text(vector(1, catalog.dim))
            val found = CatalogSearch(catalog).search(query, catalog.size, filter(case)).map { it.product }.sorted()
            assertEquals(case.list("places").map { it.asLong("places").toInt() }, found, "$case")
        }
        for ((field, names) in expected.part("names").asObject("names")) {
            assertEquals(names.asArray("names").map { it.asText("names") }, base.filterTexts(field))
        }
        assertEquals(listOf("brand", "size"), base.filters)
        assertTrue("Floor" in over.filterTexts("brand") && "Floor" !in base.filterTexts("brand"))
    }

    @Test
    fun `a field that is no filter, and a text that none holds, are refused by name`() {
        val search = CatalogSearch(base)
        for ((fields, says) in mapOf(
            mapOf("colour" to setOf("red")) to "no such filter: colour",
            mapOf("brand" to setOf("Acme", "Acmee")) to "no such brand: Acmee",
        )) {
            val filter = CatalogFilter(fields = fields)
            val named = assertThrows<IllegalArgumentException> { search.named("shoe", filter) }
            val found = assertThrows<IllegalArgumentException> {
                search.search(SearchQuery.Text(vector(1, base.dim)), filter = filter)
            }
            assertTrue(says in named.message.orEmpty() && says in found.message.orEmpty()) { "$named" }
        }
    }

    @Test
    fun `each golden damage is refused`() {
        val whole = golden("base.catalog").readBytes()
        val cases = expected.objects("damaged")
        for (case in cases) {
            val (at, hex) = case.int("at") to case.text("bytes")
            val bytes = ByteArray(hex.length / 2) { hex.substring(2 * it, 2 * it + 2).toInt(16).toByte() }
            val damaged = whole.copyOf().also { bytes.copyInto(it, at) }
            val error = assertThrows<BadFileException>(case.text("name")) { opened(folder, damaged) }
            error.checkMessage(File(folder, "made.catalog").path)
        }
        assertEquals(27, cases.size)
    }

    @Test
    fun `a damaged file is refused, or no look-up leaves its tensors`() {
        val whole = golden("base.catalog").readBytes()
        val asked = texts(expected.objects("cases").take(60))
        val random = Random(12)
        var refused = 0
        for (number in 0 until MUTATED) {
            val damaged = whole.copyOf()
            repeat(1 + random.nextInt(3)) { damaged[random.nextInt(damaged.size)] = random.nextInt(256).toByte() }
            try {
                val catalog = opened(folder, damaged)
                val search = CatalogSearch(catalog)
                for (index in 0..2) search.named(asked[(number + index) % asked.size])
                for (field in catalog.filters) {
                    val some = catalog.filterTexts(field).take(1).toSet()
                    search.named("shoe", CatalogFilter(fields = mapOf(field to some)))
                }
            } catch (error: BadFileException) {
                refused++
            }
        }
        println("damaged words: $MUTATED, $refused refused")
        assertTrue(refused in MUTATED / 4 until MUTATED)
    }

    private fun texts(cases: List<Map<String, Json>>) = cases.map { it.text("text") }

    @Test
    fun `vectors find the same with words and without`() {
        val tables = base.parts[0].tables
        val made = MadeCatalog(
            IntArray(tables.rows, tables.owners::get),
            base.dim,
            tables.codes.bytes(),
            FloatArray(tables.rows, tables.scales::get),
            FloatArray(base.dim, tables.offset::get),
            LongArray(base.size, tables.prices::get),
            IntArray(base.size, tables.categories::get),
            base.categories,
        )
        val without = CatalogSearch(opened(folder, made.bytes()))
        assertEquals(emptyList<NamedProduct>(), without.named("shoe"))
        for (seed in 0 until 50) {
            val query = SearchQuery.Text(vector(seed, base.dim))
            assertEquals(without.search(query).hitBits(), CatalogSearch(base).search(query).hitBits())
        }
    }

    @Test
    fun `each product is the first by its id, its numbers and its name with its id`() {
        val search = CatalogSearch(base)
        var asked = 0
        for (place in 0 until base.size) {
            val product = base.product(place)
            assertEquals(NamedProduct(place, NamedBy.KEY), search.named(" ${product.id}\n").first())
            for (number in product.list("gtin")) {
                val padded = number.padStart(14, '0')
                assertEquals(search.named(number), search.named(padded))
                assertTrue(NamedProduct(place, NamedBy.KEY) in search.named(padded), number)
                asked++
            }
        }
        assertTrue(asked > 0)
    }

    @Test
    fun `the golden delta gives the golden catalog with its words, byte for byte`() {
        val target = File(folder, "next.catalog")
        val made = CatalogDelta.apply(base, golden("next.delta"), target)
        assertArrayEquals(golden("next.catalog").readBytes(), target.readBytes())
        assertEquals(CatalogSearch(next).named("shoe"), CatalogSearch(made).named("shoe"))
    }

    private companion object {
        const val MUTATED = 2000
    }
}
