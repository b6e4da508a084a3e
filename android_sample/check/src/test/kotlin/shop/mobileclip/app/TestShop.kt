package shop.mobileclip.app

import org.robolectric.RuntimeEnvironment
import shop.mobileclip.search.EmbeddingEncoder
import shop.mobileclip.search.ModelManifest
import java.util.concurrent.Executor

/** The app's assets, opened as the app does; all work on the caller's thread, and no LiteRT. */
fun testShop(executor: Executor = Executor { it.run() }, encoder: (ModelManifest) -> EmbeddingEncoder = ::fake): Shop =
    Shop.open(Assets(RuntimeEnvironment.getApplication().assets), executor, encoder)

fun fake(manifest: ModelManifest): EmbeddingEncoder =
    FakeEncoder(manifest.space, FloatArray(manifest.dim) { if (it == 0) 1f else 0f })
