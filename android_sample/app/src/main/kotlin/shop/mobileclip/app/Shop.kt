package shop.mobileclip.app

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

    private val laid = runCatching { StaffProducts(folder, catalog) { this.searcher.embedding(it) } }
        .onSuccess { this.searcher.use(CatalogSearch(it.catalog)) }
        .onFailure { words(it) } // to the log

    /**
     * Products are added and removed by [change]. Throws BadFileException where what they added is damaged, or of another
     * embedding space or currency than the catalog: it stays, and the shop does without.
     */
    val staff: StaffProducts get() = laid.getOrThrow()

    /** What is searched now. */
    val catalog: ProductCatalog get() = searcher.search.catalog

    /** Adds or removes products, from the next search on. Not for the main thread. */
    @Synchronized fun change(what: (StaffProducts) -> ProductCatalog) = searcher.use(CatalogSearch(what(staff)))

    /** Searches the shop's next catalog, what staff added over it. Not for the main thread. */
    @Synchronized fun follow(next: ProductCatalog) = searcher.use(CatalogSearch(laid.getOrNull()?.rebase(next) ?: next))

    companion object {
        /** All but the encoders, which are loaded later. Not for the main thread. */
        fun open(
            files: ShopFiles,
            folder: File,
            executor: Executor,
            told: SearchListener = SearchListener {},
            encoder: (ShopFiles) -> EmbeddingEncoder = ShopFiles::encoder,
        ): Shop = Shop(files.manifest, folder) { files.searcher(executor, told, it) { encoder(files) } }
    }
}
