package shop.mobileclip.app

import shop.mobileclip.search.CatalogSearch
import shop.mobileclip.search.EmbeddingEncoder
import shop.mobileclip.search.ModelManifest
import shop.mobileclip.search.ProductCatalog
import shop.mobileclip.search.Searcher
import shop.mobileclip.search.TextTokenizer
import shop.mobileclip.search.Tokenizers
import java.util.concurrent.Executor

/**
 * What `make apps` put into the assets, opened. Searches run on [executor]; the first one makes the encoders there.
 */
class Shop(
    val manifest: ModelManifest,
    val catalog: ProductCatalog,
    tokenizer: TextTokenizer,
    executor: Executor,
    encoder: (ModelManifest) -> EmbeddingEncoder,
) {
    /** Told on the executor before the encoders are made. */
    @Volatile var preparing: () -> Unit = {}

    val searcher = Searcher(
        { encoder(manifest) },
        tokenizer,
        manifest.preprocessor(),
        CatalogSearch(catalog),
        executor,
        onPreparing = { preparing() },
    )

    companion object {
        /**
         * Opens all but the encoders. Not for the main thread: it reads the whole tokenizer.
         *
         * The catalog's digest is not checked: its bytes are within the APK, whose signature Android checked at the
         * install. An app that downloads its catalog calls `verify()` once after each download.
         *
         * Throws IOException where a file is missing, damaged, or not the one that the manifest means.
         */
        fun open(
            assets: Assets,
            executor: Executor,
            encoder: (ModelManifest) -> EmbeddingEncoder = { LiteRtEncoder(assets, it) },
        ): Shop {
            val manifest = ModelManifest.read(assets.bytes(MANIFEST), MANIFEST)
            val catalog = assets.within(CATALOG) { channel, start, length ->
                ProductCatalog.open(channel, start, length, CATALOG, manifest.space, manifest.catalog?.digest)
            }
            val (path, sha256) = manifest.tokenizer
            val tokenizer = assets.within(path) { channel, start, length ->
                Tokenizers.load(channel, start, length, path, sha256)
            }
            return Shop(manifest, catalog, tokenizer, executor, encoder)
        }

        private const val MANIFEST = "manifest.json"
        private const val CATALOG = "shop.catalog"
    }
}
