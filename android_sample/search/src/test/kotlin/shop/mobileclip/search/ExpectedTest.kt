package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTimeoutPreemptively
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.function.ThrowingSupplier
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.time.Duration

/** New texts and pictures, and the sample shop end to end, against what tests/test_android_search.py had Python find. */
class ExpectedTest {
    private val expected = System.getenv("EXPECTED").let {
        assumeTrue(it != null) { "EXPECTED names no folder; tests/test_android_search.py makes one" }
        Vectors(File(it))
    }

    @Test
    fun `new texts have the references' ids`(@TempDir folder: File) {
        for (name in TEXTS) {
            val texts = GoldenTexts(expected, name)
            assertTrue(texts.rows.isNotEmpty())
            assertEquals(emptyList<String>(), texts.differing(texts.tokenizer(folder)))
            println("$name: ${texts.rows.size} texts, 0 differing")
        }
    }

    /** What the reference refuses is refused; without the full check there may be ids, but nothing else. */
    @Test
    fun `a damaged tokenizer is refused, or gives the reference's ids`(@TempDir folder: File) {
        val mutated = expected.json("mutated.json")
        val (texts, cases) = mutated.list("texts").map { it.asText("text") } to mutated.objects("cases")
        val file = File(folder, "mutated.safetensors")
        var refused = 0
        for (case in cases) {
            val bytes = expected.file(case.text("asset")).readBytes()
            for (edit in case.list("edits").map { it.asArray("edit") }) {
                val (place, byte) = edit.map { it.asLong("edit").toInt() }
                bytes[place] = byte.toByte()
            }
            file.delete() // what is mapped stays as it was
            file.writeBytes(bytes)
            val found = assertTimeoutPreemptively(BOUND, ThrowingSupplier { verified(file, texts) })
            val ids = case["ids"].takeIf { it != Json.Null }?.asArray("ids")?.map { row ->
                row.asArray("ids").map { it.asLong("id").toInt() }
            }
            assertEquals(ids, found) { "$case" }
            if (found == null) refused++
        }
        println("mutated.json: ${cases.size} assets, $refused refused, the others with the reference's ids")
        assertTrue(refused in cases.size / 10..cases.size * 9 / 10) { "$refused" }
    }

    /** The ids of each text; null where the asset, or its vocabulary, or a text is refused. */
    private fun verified(file: File, texts: List<String>): List<List<Int>>? = try {
        val tokenizer = Tokenizers.load(file)
        val ids = texts.map { text ->
            try {
                tokenizer.encode(text).toList()
            } catch (error: BadFileException) {
                error.checkMessage(file.path)
                null
            }
        }
        tokenizer.verify()
        ids.takeIf { null !in it }?.filterNotNull()
    } catch (error: BadFileException) {
        error.checkMessage(file.path)
        null
    }

    @Test
    fun `new pictures have Pillow's bytes`() {
        for (folder in PICTURES) {
            val cases = expected.json("$folder/index.json").objects("cases")
            assertTrue(cases.size >= 500) { "${cases.size}" }
            for (case in cases) {
                assertArrayEquals(outputOf(expected, folder, case), squareOf(expected, folder, case)) { "$case" }
            }
            println("$folder: ${cases.size} pictures, 0 differing bytes")
        }
    }

    /** In each precision of which the export has both encoders in ONNX. */
    @TestFactory
    fun `the sample shop is found as in Python`(): List<DynamicTest> {
        val made = Dist.manifest.artifacts.filter { it.format == "onnx" }
        val pairs = made.groupBy({ it.precision }, { it.encoder }).filterValues { it.toSet().size == 2 }
        assertTrue(pairs.isNotEmpty())
        return pairs.keys.map { precision -> dynamicTest(precision) { searchShop(precision) } }
    }

    private fun searchShop(precision: String) {
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
        val BOUND: Duration = Duration.ofSeconds(10)
    }
}
