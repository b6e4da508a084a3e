package shop.mobileclip.app

import android.graphics.Bitmap
import shop.mobileclip.android.Picture
import shop.mobileclip.android.PictureReader
import shop.mobileclip.search.EncoderPart
import shop.mobileclip.search.ModelManifest
import shop.mobileclip.search.ProductCatalog
import shop.mobileclip.search.RGBImage
import shop.mobileclip.search.RunningSearch
import shop.mobileclip.search.SearchHit
import shop.mobileclip.search.SearchOutcome
import shop.mobileclip.search.SearchRequest
import shop.mobileclip.search.WritingSystems
import java.io.File
import java.util.concurrent.Executor

private const val PREVIEW = 1024 // pixels: enough to choose a part
private const val DOUBTFUL = 0.1 // half a star: less is drawn as none

/**
 * The search screen's question and state; it outlives the activity when the device is turned. On the main thread alone.
 * [open] gives the shop, on [reader], where pictures are read too; answers come back on [main]. Of several questions only
 * the last one's answer is shown.
 */
class SearchModel(private val open: () -> Shop, private val reader: Executor, private val main: Executor) {
    var question = Question()
        private set
    var state: SearchState = SearchState.Idle
        private set

    /** What the words name exactly: shown above the answer, and before it is there. */
    var named: List<Card> = emptyList()
        private set
    private var catalog: ProductCatalog? = null
    val categories: List<String> get() = catalog?.categories.orEmpty()

    /** Whether prices can be filtered. */
    val isPriced: Boolean get() = !catalog?.currency.isNullOrEmpty()

    /** Of the question's picture, all of it, small. */
    val preview: Bitmap? get() = read?.takeIf { it.picture == question.picture }?.preview

    /** Told after every change. */
    var changed: () -> Unit = {}

    /** Does again what failed. */
    var retry: () -> Unit = {}
        private set

    private var turn = 0
    private var running: RunningSearch? = null

    @Volatile private var read: Read? = null // the last picture: another place of the slider reads nothing anew

    private class Read(val picture: Picture, val model: ModelManifest, val image: RGBImage, val preview: Bitmap)

    /** Opens the shop, so that its categories can be shown. */
    fun start() = work { {} }

    /** Searches for [question], instead of what was asked before. */
    fun ask(question: Question) {
        val old = this.question.picture?.file
        if (old != question.picture?.file) old?.delete()
        this.question = question
        begin({ ask(question) }, if (question.isEmpty) SearchState.Idle else SearchState.Searching)
        if (question.isEmpty) return
        work { shop ->
            val search = shop.searcher.search
            val request = question.request(question.picture?.let { image(shop, it) }, search.catalog)
            val named = search.named(question.words, request.filter).map { Card.of(search.catalog, it.product) };
            {
                this.named = named
                running = search(shop, question, request)
                changed()
            }
        }
    }

    /** Has [copy] write a picture into [file], and searches with it, and otherwise for [typed]. */
    fun choose(typed: Question, file: File, copy: (File) -> Unit) {
        begin({ choose(typed, file, copy) }, SearchState.Searching)
        work { shop ->
            shop.searcher.prepare(setOf(EncoderPart.IMAGE))
            copy(file);
            { ask(typed.copy(picture = Picture(file), like = null)) }
        }
    }

    /** Loads an encoder ahead. What fails is said when it is used. */
    fun prepare(part: EncoderPart) = reader.execute { runCatching { open().searcher.prepare(setOf(part)) } }

    /** Ends what is on its way. */
    fun cancel() {
        turn++
        running?.cancel()
    }

    private fun begin(what: () -> Unit, first: SearchState) {
        cancel()
        retry = what
        named = emptyList()
        become(first)
    }

    private fun image(shop: Shop, picture: Picture): RGBImage {
        read?.takeIf { it.picture == picture && it.model === shop.manifest }?.let { return it.image }
        val source = picture.source()
        val image = PictureReader.read(source, shop.manifest.preprocessor(), picture.part)
        read = Read(picture, shop.manifest, image, PictureReader.preview(source, PREVIEW))
        return image
    }

    private fun search(shop: Shop, question: Question, request: SearchRequest): RunningSearch {
        val mine = turn
        shop.preparing = { main.execute { if (mine == turn) become(SearchState.Preparing) } }
        return shop.searcher.search(request) { outcome ->
            val answer = answer(shop, question, outcome)
            main.execute { if (mine == turn && answer != null) become(answer) }
        }
    }

    /** Null where the search was cancelled. */
    private fun answer(shop: Shop, question: Question, outcome: SearchOutcome): SearchState? = when (outcome) {
        is SearchOutcome.Cancelled -> null

        is SearchOutcome.Failed -> SearchState.Failed(words(outcome.error))

        is SearchOutcome.Found -> try {
            val unknown = WritingSystems.unknown(question.words, shop.manifest.text.scripts)
            val (doubtful, certain) = outcome.hits.partition { isDoubtful(question, it) }
            fun cards(hits: List<SearchHit>) = hits.map { Card.of(outcome.catalog, it.product, match(question, it)) }
            val found = SearchState.Found(cards(certain), cards(doubtful), unknown)
            if (outcome.hits.isEmpty()) SearchState.Nothing(unknown) else found
        } catch (error: Throwable) {
            SearchState.Failed(words(error))
        }
    }

    /**
     * None for "more like this": how sure it is that a product is the one asked for says nothing about its neighbours. None
     * where the catalog's builder could not measure how sure.
     */
    private fun match(question: Question, hit: SearchHit): Card.Match? {
        if (question.like != null) return null
        return Card.Match(hit.stars ?: return null, hit.percent ?: return null)
    }

    private fun isDoubtful(question: Question, hit: SearchHit): Boolean =
        question.like == null && (hit.confidence ?: 1.0) < DOUBTFUL

    /**
     * Runs [task] with the shop on the reader, then what it returns on the main thread, unless something newer was begun.
     * Whatever is thrown is shown: another app's picture may fail in any way, a want of memory among them.
     */
    private fun work(task: (Shop) -> () -> Unit) {
        val mine = ++turn
        reader.execute {
            val then = try {
                val shop = open()
                main.execute {
                    catalog = shop.catalog
                    changed()
                }
                task(shop)
            } catch (error: Throwable) {
                val failed = SearchState.Failed(words(error));
                { become(failed) }
            }
            main.execute { if (mine == turn) then() }
        }
    }

    private fun become(next: SearchState) {
        state = next
        changed()
    }
}
