package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.BitSet
import java.util.Random
import java.util.concurrent.CancellationException
import kotlin.math.abs

class FirstPassTest {
    @TempDir
    lateinit var folder: File

    private val index = Goldens.json("first-pass/index.json")

    private fun golden(name: String) = Goldens.file("first-pass/$name")

    private fun part(catalog: ProductCatalog, vector: FloatArray, wanted: BitSet?): PartSearch {
        val tables = catalog.parts[0].tables
        return PartSearch(tables, PreparedQuery.of(vector, tables), wanted, SharedWork(null) { false })
    }

    @TestFactory
    fun `a golden search has the candidates and the score bits`(): List<DynamicTest> {
        val catalog = ProductCatalog.open(golden(index.text("catalog")))
        return index.objects("cases").mapIndexed { number, case ->
            dynamicTest("first pass $number") { check(catalog, case) }
        }
    }

    private fun check(catalog: ProductCatalog, case: Map<String, Json>) {
        val (vector, k) = vector(case.text("vector")) to case.int("k")
        val filter = CatalogFilter(
            case["categories"]?.asArray("")?.map { it.asText("") }?.toSet(),
            case["lowest"]?.asLong(""),
            case["highest"]?.asLong(""),
        )
        val without = case["without"]?.asLong("")?.toInt()
        val threshold = case["threshold"]?.asDouble("") ?: Double.NEGATIVE_INFINITY
        val wanted = BitSet()
        for (product in 0 until catalog.size) {
            val price = catalog.price(product)
            val priced = filter.lowest == null || (price != null && price >= filter.lowest)
            val named = filter.categories == null || catalog.categories[catalog.category(product)] in filter.categories
            wanted.set(product, priced && named && product != without)
        }
        val tables = catalog.parts[0].tables
        val projected = checkNotNull(tables.firstPass).projected(PreparedQuery.of(vector, tables).q16)
        assertEquals(numbers(case, "projected"), projected?.toList())
        assertEquals(numbers(case, "candidates"), part(catalog, vector, wanted).candidates(k)?.toList())
        val search = CatalogSearch(catalog)
        fun found(exact: Boolean) =
            search.search(SearchQuery.Text(vector), k, filter, threshold, without = without, exact = exact).map {
                listOf(it.product, it.row, "%016x".format(it.score.toRawBits()))
            }
        fun said(key: String) = case.objects(key).map { listOf(it.int("product"), it.int("row"), it.text("score")) }
        assertEquals(said("hits"), found(false))
        assertEquals(said(if (case.part("exact") == Json.Null) "hits" else "exact"), found(true))
    }

    /** Null where the golden has null. */
    private fun numbers(case: Map<String, Json>, key: String): List<Int>? =
        case.part(key).takeIf { it != Json.Null }?.asArray(key)?.map { it.asLong(key).toInt() }

    @Test
    fun `each damaged golden catalog is refused`() {
        val files = index.list("damaged").map { golden(it.asText("damaged")) }
        for (file in files) {
            assertThrows<BadFileException>(file.name) {
                ProductCatalog.open(file)
            }.checkMessage(file.path)
        }
        assertTrue(files.size > 20)
    }

    @Test
    fun `a key without tensors is passed over`() {
        val made = MadeCatalog.random(1, 20, 4)
        val catalog =
            opened(folder, MadeCatalog.container(made.metadata() + ("first_pass" to "no JSON"), made.tensors()))
        assertEquals(null, catalog.parts[0].tables.firstPass)
    }

    /** A first pass of random numbers, whether or not they follow from the codes. */
    private class Projected(random: Random, val made: MadeCatalog, val width: Int, val of: Int) {
        val axes = ByteArray(width * made.dim) { (random.nextInt(7) - 3).toByte() }
        private val kinds = List(5) { ByteArray(width) { (random.nextInt(255) - 127).toByte() } }
        val codes = List(made.owners.size) { kinds[random.nextInt(kinds.size)] }
        val scales = FloatArray(made.owners.size) { random.nextInt(3) / 4f }

        fun bytes(): ByteArray {
            val rows = made.owners.size
            val tensors = made.tensors() + listOf(
                MadeCatalog.Tensor("first_axes", "I8", listOf(width, made.dim), axes),
                MadeCatalog.Tensor("first_codes", "I8", listOf(rows, width), codes.reduce(ByteArray::plus)),
                MadeCatalog.Tensor(
                    "first_scales",
                    "F32",
                    listOf(rows),
                    MadeCatalog.little(4 * rows) { scales.forEach { putFloat(it) } },
                ),
            )
            val metadata = made.metadata() + ("first_pass" to """{"text":null,"of":$of,"image":1}  """)
            return MadeCatalog.container(metadata, tensors.sortedBy { -Container.elementSize(it.type) })
        }

        /** The candidates, rising; null where the search is exact. */
        fun candidates(plain: PlainSearch, k: Int, fits: (Int) -> Boolean): List<Int>? {
            val rows = made.owners.indices.filter { fits(made.owners[it]) }
            val count = maxOf(64L * k, (rows.size + of - 1L) / of)
            val p = (0 until width).map { axis ->
                (0 until made.dim).sumOf { axes[axis * made.dim + it] * plain.numbers[it] }
            }
            val most = p.maxOf { abs(it) }
            if (16 * count > rows.size || most == 0L) return null
            val p7 = p.map { Math.rint(it / (most / 127.0)).toInt() }
            val first = rows.associateWith { row ->
                scales[row].toDouble() *
                    p7.indices.sumOf { codes[row][it] * p7[it] }
            }
            val order = Comparator<Int> { one, other ->
                val (a, b) = first.getValue(one) to first.getValue(other)
                if (a > b) {
                    -1
                } else if (a < b) {
                    1
                } else {
                    one - other // -0.0 equals 0.0
                }
            }
            val chosen = rows.sortedWith(order).take(count.toInt()).sorted()
            return chosen.takeIf { it.map(made.owners::get).distinct().size >= k }
        }

        fun search(vector: FloatArray, k: Int, fits: (Int) -> Boolean): List<Plain> {
            val plain = PlainSearch(made, vector)
            val candidates = candidates(plain, k, fits) ?: return plain.exact(fits).take(k)
            val products = plain.best(candidates).take(k).map { it.product }.toSet()
            return plain.best(made.owners.indices.filter { made.owners[it] in products })
        }
    }

    /** Few different rows; [crowded] rows belong to one product, if its row is among them. */
    private fun made(seed: Long, rows: Int, dim: Int, crowded: Int): MadeCatalog {
        val made = MadeCatalog.random(seed, rows, dim)
        val owners = made.owners.copyOf()
        for (row in 1 until rows) {
            owners[row] = owners[row - 1] + if (row < crowded) 0 else made.owners[row] - made.owners[row - 1]
        }
        val products = owners.last() + 1
        return MadeCatalog(
            owners,
            dim,
            made.codes,
            made.scales,
            made.offset,
            made.prices.copyOf(products),
            made.categories.copyOf(products),
            made.names,
        )
    }

    private fun vector(random: Random, dim: Int) = FloatArray(dim) { random.nextInt(9) - 4f }.also { it[0] = 5f }

    @Test
    fun `searches by random first passes equal the slow way`() {
        val random = Random(9)
        val seen = HashMap<String, Int>()
        for (seed in 0L until 40) {
            val made = made(seed, 1030 + random.nextInt(2500), 2 + random.nextInt(6), random.nextInt(900))
            val first = Projected(random, made, 1 + random.nextInt(2), 20 + random.nextInt(30))
            val catalog = opened(folder, first.bytes())
            val filter = CatalogFilter(
                if (random.nextInt(4) == 0) made.names.drop(1).toSet() else null,
                if (random.nextInt(4) == 0) 20_000L else null,
            )
            val without = if (random.nextBoolean()) random.nextInt(made.products) else null
            val fits = PlainSearch.fits(made, filter, without)
            val vector = vector(random, made.dim)
            for (k in listOf(1, 2, 1000)) {
                val plain = PlainSearch(made, vector)
                val candidates = first.candidates(plain, k, fits)
                val wanted = BitSet().apply { for (product in 0 until made.products) set(product, fits(product)) }
                assertEquals(candidates, part(catalog, vector, wanted).candidates(k)?.toList(), "seed $seed, $k")
                val expected = first.search(vector, k, fits)
                val search = CatalogSearch(catalog)
                val found = search.search(SearchQuery.Text(vector), k, filter, without = without)
                assertEquals(expected.bits(), found.hitBits(), "seed $seed, $k")
                val exact = search.search(SearchQuery.Text(vector), k, filter, without = without, exact = true)
                assertEquals(plain.exact(fits).take(k).bits(), exact.hitBits(), "seed $seed, $k")
                val kind = if (candidates == null) {
                    "exact"
                } else if (found == exact) {
                    "same"
                } else {
                    "other"
                }
                seen[kind] = 1 + (seen[kind] ?: 0)
            }
        }
        assertTrue(seen.size == 3 && seen.values.all { it > 10 }) { "$seen" }
    }

    @Test
    fun `where few products own all candidates the search is exact`() {
        val (random, made) = Random(4) to made(4, 4000, 4, 3500)
        val first = Projected(random, made, 2, 20)
        for (row in made.owners.indices) first.scales[row] = if (row < 3500) 1f else 0f
        for (row in 0 until 3500) first.codes[row].fill(0) // they are equal, and before the others
        val catalog = opened(folder, first.bytes())
        val vector = vector(random, 4)
        assertNotNull(part(catalog, vector, null).candidates(1))
        assertEquals(null, part(catalog, vector, null).candidates(2))
        val found = CatalogSearch(catalog).search(SearchQuery.Text(vector), 2)
        assertEquals(PlainSearch(made, vector).exact { true }.take(2).bits(), found.hitBits())
    }

    @Test
    fun `with an overlay the base's candidates are not gone, and the overlay's products are all scored`() {
        val random = Random(6)
        var differing = 0
        for (seed in 0L until 10) {
            val made = made(seed, 2500, 4, 0)
            val first = Projected(random, made, 2, 20)
            val base = opened(folder, first.bytes())
            val vector = vector(random, 4)
            val best = CatalogSearch(base).search(SearchQuery.Text(vector), 2).map { it.product }
            val rows = List(3) { vector(random, 4) }
            val overlay = CatalogOverlay.empty(base).removing("p${best[0]}")
                .putting(NewProduct("p${best[1]}", "another", vectors = rows.take(1)))
                .putting(NewProduct("new", "new", vectors = rows.drop(1)))
            val search = CatalogSearch(base.adding(overlay))
            val own = search.search(SearchQuery.Text(vector), 10_000, exact = true).hitBits()
                .filter { it.first >= made.products }
            assertEquals(2, own.size)
            for (k in 1..2) {
                val expected = first.search(vector, k) { it !in best }.bits() + own
                val order = compareBy<Triple<Int, Int, Long>>({ -Double.fromBits(it.third) }, { it.second })
                val found = search.search(SearchQuery.Text(vector), k).hitBits()
                assertEquals(expected.sortedWith(order).take(k), found, "seed $seed")
                if (found != search.search(SearchQuery.Text(vector), k, exact = true).hitBits()) differing++
            }
        }
        assertTrue(differing > 0)
    }

    @Test
    fun `a search is cancelled in either pass, within a block`() {
        val made = made(2, 3000, 512, 0)
        val first = Projected(Random(2), made, 128, 20)
        val search = CatalogSearch(opened(folder, first.bytes()))
        val vector = vector(Random(3), 512)
        var asked = 0
        search.search(SearchQuery.Text(vector), 1) { ++asked < 0 }
        val all = asked
        assertTrue(all >= 4)
        for (stop in 1..all) {
            asked = 0
            assertThrows<CancellationException> { search.search(SearchQuery.Text(vector), 1) { ++asked == stop } }
            assertEquals(stop, asked)
        }
    }

    @Test
    fun `each row of the golden catalog has the numbers that follow from its codes`() {
        val tables = ProductCatalog.open(golden(index.text("catalog"))).parts[0].tables
        val first = checkNotNull(tables.firstPass)
        for (row in 0 until tables.rows) {
            val made = first.row(
                IntArray(tables.dim) {
                    tables.codes.get(row * tables.dim + it).toInt()
                },
                tables.scales.get(row),
            )
            val width = made.codes.size
            assertArrayEquals(first.codes.part(row * width, width).bytes(), made.codes, "row $row")
            assertEquals(first.scales.get(row).toRawBits(), made.scale.toRawBits(), "row $row")
        }
    }

    @Test
    fun `the golden delta gives the first pass of the golden catalog, byte for byte`() {
        val followed = index.part("followed").asObject("followed")
        val base = ProductCatalog.open(golden(followed.text("base")))
        val target = File(folder, "result.catalog")
        CatalogDelta.apply(base, golden(followed.text("delta")), target)
        assertArrayEquals(golden(followed.text("result")).readBytes(), target.readBytes())
        val rows = checkNotNull(ProductCatalog.open(target).parts[0].tables.firstPass).scales
        assertTrue(rows.capacity() > 0)
    }
}
