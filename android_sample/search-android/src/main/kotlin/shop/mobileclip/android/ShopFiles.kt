package shop.mobileclip.android

import android.content.res.AssetManager
import shop.mobileclip.search.BadFileException
import shop.mobileclip.search.CatalogInForce
import shop.mobileclip.search.CatalogSearch
import shop.mobileclip.search.CatalogUpdates
import shop.mobileclip.search.EmbeddingEncoder
import shop.mobileclip.search.ErrorKind
import shop.mobileclip.search.ModelManifest
import shop.mobileclip.search.ProductCatalog
import shop.mobileclip.search.SearchListener
import shop.mobileclip.search.Searcher
import shop.mobileclip.search.TextTokenizer
import shop.mobileclip.search.Tokenizers
import shop.mobileclip.search.UpdateOutcome
import java.io.File
import java.io.FileInputStream
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.util.concurrent.Executor

/**
 * The files of a shop, opened: what `make apps` put into an app's assets, or a folder that an app downloaded.
 *
 * Opening refuses what is missing or damaged, and a catalog that is not the one that came with the encoders. It reads the
 * whole tokenizer: not for the main thread. The catalog's bytes are not proved, which Android did for assets when it
 * installed the app; after a download call `catalog.verify()` once.
 */
public class ShopFiles private constructor(
    private val source: FileSource,
    public val manifest: ModelManifest,
    public val catalog: ProductCatalog,
    public val tokenizer: TextTokenizer,
) {
    /**
     * What an update left in force ([UpdateOutcome.Updated]) instead of these: its [catalog], with the manifest, the
     * tokenizer and the encoders of the folder [encoders], mapped; where that is null, with those here. Throws
     * [BadFileException].
     */
    public fun with(catalog: ProductCatalog, encoders: File?): ShopFiles =
        if (encoders == null) ShopFiles(source, manifest, catalog, tokenizer) else open(FolderSource(encoders), catalog)

    /**
     * The same at the app's start, these being the app's own: what [updates] left in force, [found]. Encoders that cannot be
     * opened are given up. Throws [BadFileException].
     */
    @JvmOverloads
    public fun started(updates: CatalogUpdates, found: CatalogInForce = updates.start(catalog)): ShopFiles = try {
        with(found.catalog, found.encoders)
    } catch (error: BadFileException) {
        updates.giveUp().let { with(it.catalog, it.encoders) }
    }

    /** The encoders under LiteRT; not loaded yet. Throws [BadFileException]. */
    public fun encoder(): EmbeddingEncoder = LiteRtEncoder(
        manifest.artifact(TFLITE, "text").path.let { LiteRtEncoder.File(it, mapped(it)) },
        manifest.artifact(TFLITE, "image").path.let { LiteRtEncoder.File(it, mapped(it)) },
        manifest.dim,
    )

    /** A file beside the manifest, mapped. Throws [BadFileException]. */
    public fun mapped(name: String): ByteBuffer = source.within(name) { channel, start, length ->
        channel.map(FileChannel.MapMode.READ_ONLY, start, length)
    }

    /** A search over [catalog]. All is as [Searcher] has it; [encoder] stands in for LiteRT in an app's own tests. */
    @JvmOverloads
    public fun searcher(
        executor: Executor,
        onSearched: SearchListener = SearchListener {},
        onPreparing: Runnable = Runnable {},
        encoder: () -> EmbeddingEncoder = ::encoder,
    ): Searcher = searcher(executor, catalog, onSearched, onPreparing, encoder)

    /** The same over another catalog of the encoders' space: that of the last update, say. */
    @JvmOverloads
    public fun searcher(
        executor: Executor,
        catalog: ProductCatalog,
        onSearched: SearchListener = SearchListener {},
        onPreparing: Runnable = Runnable {},
        encoder: () -> EmbeddingEncoder = ::encoder,
    ): Searcher = Searcher(
        encoder,
        tokenizer,
        manifest.preprocessor(),
        CatalogSearch(catalog),
        executor,
        onSearched = onSearched,
        onPreparing = onPreparing,
    )

    public companion object {
        private const val MANIFEST = "manifest.json"
        private const val CATALOG = "shop.catalog"
        private const val TFLITE = "tflite"

        /**
         * Opens the app's assets. The big ones must be stored uncompressed (`noCompress` in build.gradle.kts): then they are
         * mapped straight from the APK. Throws [BadFileException].
         */
        @JvmStatic
        public fun open(assets: AssetManager): ShopFiles = open(AssetSource(assets))

        /** Opens a folder. Throws [BadFileException]. */
        @JvmStatic
        public fun open(folder: File): ShopFiles = open(FolderSource(folder))

        private fun open(source: FileSource, catalog: ProductCatalog? = null): ShopFiles {
            val manifest = ModelManifest.read(source.bytes(MANIFEST), MANIFEST)
            val searched = catalog ?: source.within(CATALOG) { channel, start, length ->
                ProductCatalog.open(channel, start, length, CATALOG, manifest.space, manifest.catalog?.digest)
            }
            val file = manifest.tokenizer
            val tokenizer = source.within(file.path) { channel, start, length ->
                Tokenizers.load(channel, start, length, file.path, file.sha256, manifest.text.vocabulary)
            }
            return ShopFiles(source, manifest, searched, tokenizer)
        }
    }
}

/** Where files come from. */
internal interface FileSource {
    fun bytes(name: String): ByteArray = within(name) { channel, start, length ->
        ByteArray(length.toInt()).also { channel.map(FileChannel.MapMode.READ_ONLY, start, length).get(it) }
    }

    /** Calls [use] with a channel, and with where in it the file starts and how long it is. Throws [BadFileException]. */
    fun <T> within(name: String, use: (channel: FileChannel, start: Long, length: Long) -> T): T
}

private class AssetSource(private val assets: AssetManager) : FileSource {
    override fun bytes(name: String): ByteArray = opening(name) { assets.open(name).use { it.readBytes() } }

    override fun <T> within(name: String, use: (channel: FileChannel, start: Long, length: Long) -> T): T =
        opening(name) {
            assets.openFd(name).use { asset ->
                FileInputStream(asset.fileDescriptor).channel.use { use(it, asset.startOffset, asset.length) }
            }
        }
}

private class FolderSource(private val folder: File) : FileSource {
    override fun <T> within(name: String, use: (channel: FileChannel, start: Long, length: Long) -> T): T =
        opening(name) { FileInputStream(File(folder, name)).channel.use { use(it, 0, it.size()) } }
}

/** What the system says of a file that it cannot open becomes a [BadFileException] that names it. */
private inline fun <T> opening(name: String, open: () -> T): T = try {
    open()
} catch (error: BadFileException) {
    throw error
} catch (error: IOException) {
    throw BadFileException(
        "$name: it cannot be opened: ${error.message}; `make apps` writes it",
        error,
        ErrorKind.MISSING,
    )
}
