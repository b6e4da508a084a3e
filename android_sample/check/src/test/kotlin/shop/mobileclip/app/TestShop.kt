package shop.mobileclip.app

import org.robolectric.RuntimeEnvironment
import shop.mobileclip.search.Encoder
import shop.mobileclip.search.Manifest
import java.util.concurrent.Executor

/** The app's assets, opened as the app does; all work on the caller's thread, and no LiteRT. */
fun testShop(executor: Executor = Executor { it.run() }, encoder: (Manifest) -> Encoder = ::fake): Shop =
    Shop.open(Assets(RuntimeEnvironment.getApplication().assets), executor, encoder)

fun fake(manifest: Manifest): Encoder = FakeEncoder(manifest.space, FloatArray(manifest.dim) { if (it == 0) 1f else 0f })
