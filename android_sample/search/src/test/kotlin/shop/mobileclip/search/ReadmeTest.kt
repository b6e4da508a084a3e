package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.PrintStream
import java.util.concurrent.Executor

/** README.md's own lines, from nothing to a search; tests/test_android_search.py holds them to README.md's. */
class ReadmeTest {
    @TempDir
    lateinit var folder: File

    private class MyEncoder(manifest: ModelManifest) : EmbeddingEncoder {
        override val space = manifest.space
        override val dim = manifest.dim

        override fun text(ids: IntArray) = FloatArray(dim) { 1f }

        override fun image(square: ByteArray) = FloatArray(dim) { 2f }

        override fun close() = Unit
    }

    private fun sample(folder: File, photo: RGBImage, executor: Executor) {
        // README.md
        val manifest = ModelManifest.load(File(folder, "manifest.json"))
        val catalog = ProductCatalog.open(File(folder, "shop.catalog"), manifest.space, manifest.catalog?.digest)
        val asset = manifest.tokenizer
        val tokenizer = Tokenizers.load(File(folder, asset.path), asset.sha256, manifest.text.vocabulary)
        val search = CatalogSearch(catalog)
        val searcher = Searcher({ MyEncoder(manifest) }, tokenizer, manifest.preprocessor(), search, executor)
        searcher.search(SearchRequest(text = "red shoes", image = photo, slider = 0.5)) { outcome ->
            when (outcome) {
                is SearchOutcome.Found -> for (hit in outcome.hits) println(catalog.product(hit.product).name)
                is SearchOutcome.Failed -> println(outcome.kind)
                SearchOutcome.Cancelled -> Unit
            }
        }
        // end
    }

    @Test
    fun `the lines of README find something`() {
        val made = MadeCatalog.random(6, 300, Dist.manifest.dim)
        val metadata = made.metadata() + ("space" to Dist.manifest.space)
        File(folder, "shop.catalog").writeBytes(MadeCatalog.seal(MadeCatalog.container(metadata, made.tensors())))
        for (name in listOf("manifest.json", Dist.manifest.tokenizer.path)) Dist.file(name).copyTo(File(folder, name))
        val (out, printed) = System.out to ByteArrayOutputStream()
        System.setOut(PrintStream(printed, true))
        try {
            sample(folder, RGBImage(ByteArray(3 * 40 * 30), 40, 30)) { it.run() }
        } finally {
            System.setOut(out)
        }
        assertTrue(printed.toString().lines().count { it.startsWith("Product ") } == 10) { printed.toString() }
    }
}
