package shop.mobileclip.app

import android.content.Context
import shop.mobileclip.android.ShopFiles
import shop.mobileclip.search.CatalogSearch
import shop.mobileclip.search.EmbeddingEncoder
import shop.mobileclip.search.ModelManifest
import shop.mobileclip.search.ProductCatalog
import shop.mobileclip.search.SearchListener
import shop.mobileclip.search.Searcher
import shop.mobileclip.search.StaffProducts
import java.io.File
import java.util.concurrent.Executor

/** What `make apps` put into the assets, opened, and over it what staff added on this device, which lies in [folder]. */
class Shop(val manifest: ModelManifest, folder: File, searcher: (onPreparing: Runnable) -> Searcher) {
    /** Told on the searcher's thread before the encoders are made. */
    @Volatile var preparing: () -> Unit = {}

    val searcher: Searcher = searcher { preparing() }

    /** Products are added and removed by [change]. */
    val staff = StaffProducts(folder, catalog) { this.searcher.embedding(it) }
        .also { this.searcher.use(CatalogSearch(it.catalog)) }

    /** What is searched now. */
    val catalog: ProductCatalog get() = searcher.search.catalog

    /** Adds or removes products, or lays them over a new catalog, from the next search on. Not for the main thread. */
    @Synchronized fun change(what: (StaffProducts) -> ProductCatalog) = searcher.use(CatalogSearch(what(staff)))

    companion object {
        /** Opens all but the encoders. Not for the main thread. Throws BadFileException. */
        fun open(
            context: Context,
            executor: Executor,
            told: SearchListener = SearchListener {},
            catalog: (ShopFiles) -> ProductCatalog = ShopFiles::catalog,
            encoder: (ShopFiles) -> EmbeddingEncoder = ShopFiles::encoder,
        ): Shop = ShopFiles.open(context.assets).let { files ->
            Shop(files.manifest, File(context.filesDir, "staff")) { onPreparing ->
                files.searcher(executor, catalog(files), told, onPreparing) { encoder(files) }
            }
        }
    }
}
