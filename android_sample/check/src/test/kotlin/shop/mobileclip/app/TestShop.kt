package shop.mobileclip.app

import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import shop.mobileclip.android.ShopFiles
import shop.mobileclip.search.CatalogSearch
import shop.mobileclip.search.EmbeddingEncoder
import shop.mobileclip.search.ModelManifest
import shop.mobileclip.search.ProductCatalog
import shop.mobileclip.search.Searcher
import shop.mobileclip.search.TextTokenizer
import java.io.File
import java.util.concurrent.Executor
import java.util.concurrent.FutureTask
import kotlin.io.path.createTempDirectory

/** The app with an encoder that stands in for LiteRT. No name of a test: Maven would load it outside of Robolectric. */
class OfflineApplication : ShopApplication() {
    override fun encoder(files: ShopFiles): EmbeddingEncoder = fake(files.manifest)
}

/** Waits for the app's threads, and for what they post to the main thread and to each other. */
fun settle() = repeat(4) {
    val application = RuntimeEnvironment.getApplication() as ShopApplication
    for (thread in listOf(application.reader, application.worker)) FutureTask({}, Unit).also(thread::execute).get()
    shadowOf(android.os.Looper.getMainLooper()).idle()
}

/** The app's manifest, as that of a model that knows these writing systems. */
fun manifestOf(scripts: List<String>): ModelManifest {
    val assets = RuntimeEnvironment.getApplication().assets
    val text = assets.open("manifest.json").use { it.readBytes() }.decodeToString()
    val known = scripts.joinToString(prefix = "\"scripts\": [", postfix = "]") { "\"$it\"" }
    val changed = text.replace(Regex("\"scripts\": *\\[[^]]*]"), known)
    return ModelManifest.read(changed.encodeToByteArray(), "manifest.json")
}

/** The app's assets, opened as the app does; all work on the caller's thread, and no LiteRT. */
fun testShop(executor: Executor = Executor { it.run() }, encoder: (ModelManifest) -> EmbeddingEncoder = ::fake): Shop =
    RuntimeEnvironment.getApplication().let { app ->
        Shop.open(ShopFiles.open(app.assets), File(app.filesDir, "staff"), executor) { encoder(it.manifest) }
    }

/** [loudness]: the length of its answers, and with it the scores of what they find. */
fun fake(manifest: ModelManifest, loudness: Float = 1f): EmbeddingEncoder =
    FakeEncoder(manifest.space, embedding(manifest.dim, loudness))

private fun embedding(dim: Int, loudness: Float) = FloatArray(dim) { if (it == 0) loudness else 0f }

/** A shop over the golden catalog of that [name], to whose bytes, as Latin-1, [change] is done; with stand-ins besides. */
fun goldenShop(
    name: String,
    executor: Executor,
    manifest: ModelManifest = testShop().manifest,
    folder: File = createTempDirectory().toFile(),
    change: (String) -> String = { it },
): Shop {
    val golden = File(System.getenv("GOLDENS"), "search/$name").readText(Charsets.ISO_8859_1)
    val file = File.createTempFile("golden", ".catalog").apply { writeText(change(golden), Charsets.ISO_8859_1) }
    val catalog = ProductCatalog.open(file)
    val encoder = FakeEncoder(catalog.space, embedding(catalog.dim, 1f))
    return Shop(manifest, folder) {
        Searcher({ encoder }, NoWords, manifest.preprocessor(), CatalogSearch(catalog), executor, onPreparing = it)
    }
}

private object NoWords : TextTokenizer {
    override val contextLength = 1

    override fun encode(text: String) = IntArray(contextLength)
}
