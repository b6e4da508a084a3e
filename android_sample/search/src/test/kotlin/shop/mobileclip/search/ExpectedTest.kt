package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import java.io.File

/** New texts and pictures, and the sample shop end to end, against what tests/test_android_search.py had Python find. */
class ExpectedTest {
    private val expected = System.getenv("EXPECTED").let {
        assumeTrue(it != null) { "EXPECTED names no folder; tests/test_android_search.py makes one" }
        Vectors(File(it))
    }

    @Test
    fun `new texts have open_clip's ids`() {
        val rows = expected.json("tokens.json").objects("texts")
        assertTrue(rows.size >= 10_000) { "${rows.size}" }
        val wrong = rows.filterNot { Dist.tokenizer.encode(it.text("text")).contentEquals(ids(it)) }
        assertEquals(emptyList<String>(), wrong.map { escaped(it.text("text")) })
        println("tokens: ${rows.size} texts, 0 differing")
    }

    @Test
    fun `new pictures have Pillow's bytes`() {
        val cases = expected.json("preprocess/index.json").objects("cases")
        assertTrue(cases.size >= 500) { "${cases.size}" }
        for (case in cases) assertArrayEquals(outputOf(expected, case), squareOf(expected, case)) { case.text("name") }
        println("pixels: ${cases.size} pictures, 0 differing bytes")
    }

    @ParameterizedTest
    @ValueSource(strings = ["fp32", "fp16"])
    fun `the sample shop is found as in Python`(precision: String) {
        val manifest = Dist.manifest
        val catalog = ProductCatalog.open(expected.file("shop.catalog"), manifest.space)
        val search = CatalogSearch(catalog.apply { verify() })
        val queries = expected.json("shop-$precision.json").objects("queries")
        val encoder = { OnnxEncoder(Dist.folder, manifest, precision) }
        val searcher = Searcher(encoder, Dist.tokenizer, manifest.preprocessor(), search, { it.run() })
        val judged = searcher.use { queries.map { query -> judge(query, found(searcher, query), search) } }
        val top1 = judged.count { it.sameFirst }.toDouble() / judged.size
        val recall = judged.sumOf { it.near }.toDouble() / judged.sumOf { it.found }
        println("$precision: ${judged.size} queries, top 1 $top1, tolerant recall@10 $recall")
        assertTrue(judged.size >= 150) { "${judged.size}" }
        assertTrue(top1 >= 0.99) { "$top1" }
        assertTrue(recall >= 0.999) { "$recall" }
    }

    /** [near] of the [found] products have a reference score within [NEAR] of the tenth's. */
    private class Judged(val sameFirst: Boolean, val near: Int, val found: Int)

    private fun found(searcher: Searcher, query: Map<String, Json>): List<SearchHit> {
        val request = if ("text" in query) SearchRequest(query.text("text")) else SearchRequest(image = image(query))
        var outcome: SearchOutcome? = null
        searcher.search(request) { outcome = it }
        (outcome as? SearchOutcome.Failed)?.let { throw it.error }
        return (outcome as SearchOutcome.Found).hits
    }

    private fun image(query: Map<String, Json>): RGBImage {
        val bytes = expected.file("shop/${query.text("picture")}.rgb").readBytes()
        return RGBImage(bytes, query.int("width"), query.int("height"))
    }

    /** Python's own embedding must give Python's products and score bits; then [hits] are held against their scores. */
    private fun judge(query: Map<String, Json>, hits: List<SearchHit>, search: CatalogSearch): Judged {
        val vector = vector(query.text("vector"))
        val asked = if ("text" in query) SearchQuery.Text(vector) else SearchQuery.Image(vector)
        val all = search.search(asked, search.catalog.size)
        val reference = query.objects("hits").map { it.int("product") to it.text("score") }
        assertEquals(reference, all.take(reference.size).map { it.product to "%016x".format(it.score.toRawBits()) })
        val scores = all.associate { it.product to it.score }
        val least = all[reference.size - 1].score - NEAR
        val near = hits.count { scores.getValue(it.product) >= least }
        return Judged(hits.first().product == all.first().product, near, hits.size)
    }

    private companion object {
        const val NEAR = 0.002
    }
}
