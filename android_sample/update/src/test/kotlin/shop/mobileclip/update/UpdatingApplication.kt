package shop.mobileclip.update

import android.util.Log
import shop.mobileclip.android.ShopFiles
import shop.mobileclip.app.ShopApplication
import shop.mobileclip.search.CatalogUpdates
import shop.mobileclip.search.ProductCatalog
import shop.mobileclip.search.UpdateFetch
import shop.mobileclip.search.UpdateOutcome
import java.io.File

/** README.md's own lines, compiled, and run by UpdatingAppTest; tests/test_android_search.py holds them to README.md's. */
open class UpdatingApplication : ShopApplication() {
    protected open val keys: List<String> = emptyList()
    protected open val fetch: UpdateFetch by lazy { HttpFetch("https://www.shop.example/search/") }

    // README.md
    private lateinit var updates: CatalogUpdates

    override fun catalog(files: ShopFiles): ProductCatalog {
        updates = CatalogUpdates("shop", File(filesDir, "updates"), files.manifest.space, keys, P256, fetch)
        return updates.start(files.catalog).catalog
    }

    /** On a thread of its own, when the app wants: once a day, say. */
    fun update() {
        val shop = shop()
        if (Network.isMetered(this)) return
        when (val outcome = updates.update()) {
            is UpdateOutcome.Updated -> shop.change { it.rebase(outcome.catalog) }
            is UpdateOutcome.Failed -> Log.w("Shop", "${outcome.kind}", outcome.error)
            is UpdateOutcome.Current, UpdateOutcome.Cancelled -> Unit
        }
    }
    // end
}
