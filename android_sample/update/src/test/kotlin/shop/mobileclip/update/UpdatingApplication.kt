package shop.mobileclip.update

import android.util.Log
import shop.mobileclip.android.ShopFiles
import shop.mobileclip.app.Shop
import shop.mobileclip.app.ShopApplication
import shop.mobileclip.search.CatalogUpdates
import shop.mobileclip.search.EncoderPart
import shop.mobileclip.search.UpdateFetch
import shop.mobileclip.search.UpdateOutcome
import java.io.File

/** README.md's own lines, compiled, and run by UpdatingAppTest; tests/test_android_search.py holds them to README.md's. */
open class UpdatingApplication : ShopApplication() {
    protected open val keys: List<String> = emptyList()
    protected open val fetch: UpdateFetch by lazy { HttpFetch("https://www.shop.example/search/") }

    // README.md
    private lateinit var own: ShopFiles
    private lateinit var updates: CatalogUpdates

    override fun files(): ShopFiles {
        own = ShopFiles.open(assets)
        val (folder, space) = File(filesDir, "updates") to own.manifest.space
        updates = CatalogUpdates("shop", folder, space, keys, P256, fetch, takesBundles = true)
        return own.started(updates)
    }

    /** On a thread of its own, when the app wants: once a day, say. */
    fun update() {
        val shop = shop()
        if (Network.isMetered(this)) return
        when (val outcome = updates.update()) {
            is UpdateOutcome.Updated -> follow(outcome, shop)
            is UpdateOutcome.Failed -> Log.w("Shop", "${outcome.kind}", outcome.error)
            is UpdateOutcome.Current, UpdateOutcome.Cancelled -> Unit
        }
    }

    private fun follow(next: UpdateOutcome.Updated, shop: Shop) {
        if (next.catalog.space == shop.manifest.space) return shop.follow(next.catalog)
        try { // other encoders, and their catalog: as one, and a search that runs keeps the old ones
            val files = own.with(next.catalog, next.encoders)
            encoder(files).use { made -> EncoderPart.entries.forEach(made::prepare) } // do they load on this device?
            opened = open(files)
            shop.searcher.release()
        } catch (error: Throwable) { // a missing operator, say, or too little memory
            Log.w("Shop", error)
            updates.giveUp()
        }
    }
    // end
}
