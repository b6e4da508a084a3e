package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows
import kotlin.math.abs

class SearchGoldenTest {
    private val index = Goldens.json("search/index.json")

    @TestFactory
    fun `a golden search gives the same products, score bits and confidences`(): List<DynamicTest> =
        index.objects("cases").mapIndexed { number, case -> dynamicTest("search $number") { check(case) } }

    @TestFactory
    fun `a damaged golden catalog is refused where it must be`(): List<DynamicTest> =
        index.objects("damaged").map { case -> dynamicTest(case.text("file")) { checkDamaged(case) } }

    private fun check(case: Map<String, Json>) =
        checkGolden(ProductCatalog.open(Goldens.file("search/" + case.text("catalog"))), case)

    private fun checkDamaged(case: Map<String, Json>) {
        val file = Goldens.file("search/" + case.text("file"))
        if (!case.part("opens").asBool("opens")) {
            assertThrows<BadFileException> { ProductCatalog.open(file) }.checkMessage(file.path)
            return
        }
        val catalog = ProductCatalog.open(file)
        if (case.part("verifies").asBool("verifies")) return catalog.verify()
        assertTrue("digest" in assertThrows<BadFileException> { catalog.verify() }.checkMessage(file.path))
    }
}

/** That [catalog] gives a golden case's products, score bits and confidences. */
internal fun checkGolden(catalog: ProductCatalog, case: Map<String, Json>) {
    val hits = CatalogSearch(catalog).search(
        query(case),
        case.int("k"),
        CatalogFilter(
            case["categories"]?.asArray("")?.map { it.asText("") }?.toSet(),
            case["lowest"]?.asLong(""),
            case["highest"]?.asLong(""),
        ),
        case["threshold"]?.asDouble("") ?: Double.NEGATIVE_INFINITY,
        without = case["without"]?.asLong("")?.toInt(),
    )
    val expected = case.objects("hits")
    assertEquals(
        expected.map { listOf(it.int("product"), it.text("id"), it.int("row"), it.text("score")) },
        hits.map {
            listOf(it.product, catalog.product(it.product).id, it.row, "%016x".format(it.score.toRawBits()))
        },
    )
    for ((hit, wanted) in hits.zip(expected)) {
        assertTrue(agree(hit.confidence, wanted.doubleOrNull("confidence"))) { "$hit, $wanted" }
    }
}

private fun agree(one: Double?, other: Double?): Boolean =
    if (one == null || other == null) one == other else abs(one - other) <= 1e-9

private fun query(case: Map<String, Json>): SearchQuery {
    case["like"]?.let { return SearchQuery.Like(it.asLong("like").toInt()) }
    case["hybrid"]?.asObject("hybrid")?.let { both ->
        return SearchQuery.Both(vector(both.text("text")), vector(both.text("image")), both.double("slider"))
    }
    val vector = vector(case.text("vector"))
    return if (case.text("kind") == "text") SearchQuery.Text(vector) else SearchQuery.Image(vector)
}

/** One line that names the file. */
internal fun BadFileException.checkMessage(name: String): String {
    val text = checkNotNull(message)
    assertTrue(text.startsWith(name) && text.lines().size == 1 && text.length > name.length + 10) { text }
    return text
}
