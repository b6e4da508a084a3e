package shop.mobileclip.android

import android.content.Context
import android.net.Uri
import shop.mobileclip.search.EncoderPart
import shop.mobileclip.search.SearchRequest
import java.util.concurrent.Executor

/** README.md's own lines, compiled; tests/test_android_search.py holds them to README.md's. */
suspend fun readmeSample(context: Context, uri: Uri, executor: Executor) {
    // README.md
    val shop = ShopFiles.open(context.assets) // not on the main thread
    val searcher = shop.searcher(executor)
    searcher.prepare(setOf(EncoderPart.TEXT)) // when the search field gets the focus
    val photo = PictureReader.read(PictureSource.of(context.contentResolver, uri), shop.manifest.preprocessor())
    for (hit in searcher.find(SearchRequest(text = "red shoes", image = photo, slider = 0.5))) {
        println(shop.catalog.product(hit.product).name + " " + hit.percent)
    }
    // end
}
