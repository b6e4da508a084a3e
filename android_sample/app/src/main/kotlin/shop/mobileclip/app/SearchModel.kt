package shop.mobileclip.app

import android.graphics.Bitmap
import shop.mobileclip.android.PictureReader
import shop.mobileclip.android.PictureSource
import shop.mobileclip.search.EncoderPart
import shop.mobileclip.search.ProductCatalog
import shop.mobileclip.search.RGBImage
import shop.mobileclip.search.RunningSearch
import shop.mobileclip.search.SearchHit
import shop.mobileclip.search.SearchOutcome
import shop.mobileclip.search.SearchRequest
import shop.mobileclip.search.WritingSystems
import java.io.File
import java.util.concurrent.Executor

/**
 * The search screen's question and state; it outlives the activity when the device is turned. On the main thread alone.
 *
 * [open] gives the shop, on [reader], where pictures are read too; answers come back on [main]. Of several questions only
 * the last one's answer is shown.
 */
class SearchModel(private val open: () -> Shop, private val reader: Executor, private val main: Executor) {
    var question = Question()
        private set
    var state: SearchState = SearchState.Idle
        private set
    var categories: List<String> = emptyList()
        private set

    /** Prices can be filtered in it; empty where they cannot. */
    var currency: String = ""
        private set

    /** Of the question's picture, all of it, small. */
    val preview: Bitmap? get() = read?.takeIf { it.picture == question.picture }?.preview

    /** Told after every change. */
    var changed: () -> Unit = {}

    private var turn = 0
    private var running: RunningSearch? = null
    private var again: () -> Unit = {}

    @Volatile private var read: Read? = null // the last picture: another place of the slider reads nothing anew

    private class Read(val picture: Picture, val image: RGBImage, val preview: Bitmap)

    /** Opens the shop, so that its categories can be shown. */
    fun start() = work { {} }

    /** Searches for [question], instead of what was asked before. */
    fun ask(question: Question) {
        begin({ ask(question) }, if (question.isEmpty) SearchState.Idle else SearchState.Searching)
        val old = this.question.picture?.file
        this.question = question
        if (old != question.picture?.file) old?.delete()
        if (question.isEmpty) {
            turn++
            return changed()
        }
        work { shop ->
            val request = question.request(question.picture?.let { image(shop, it) }, shop.catalog);
            { running = search(shop, question, request) }
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

    /** Does again what failed. */
    fun retry() = again()

    /** Ends what is on its way. */
    fun cancel() {
        turn++
        running?.cancel()
    }

    private fun begin(what: () -> Unit, first: SearchState) {
        cancel()
        again = what
        become(first)
    }

    private fun image(shop: Shop, picture: Picture): RGBImage {
        read?.takeIf { it.picture == picture }?.let { return it.image }
        val source = PictureSource.of(picture.file)
        val image = PictureReader.read(source, shop.manifest.preprocessor(), picture.part)
        read = Read(picture, image, PictureReader.preview(source, PREVIEW))
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
            fun cards(hits: List<SearchHit>) = cards(outcome.catalog, question, hits)
            val found = SearchState.Found(cards(certain), cards(doubtful), unknown)
            if (outcome.hits.isEmpty()) SearchState.Nothing(unknown) else found
        } catch (error: Throwable) {
            SearchState.Failed(words(error))
        }
    }

    private fun cards(catalog: ProductCatalog, question: Question, hits: List<SearchHit>): List<Card> =
        hits.map { Card.of(catalog, it.product, match(question, it)) }

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
                main.execute { show(shop.catalog) }
                task(shop)
            } catch (error: Throwable) {
                val failed = SearchState.Failed(words(error));
                { become(failed) }
            }
            main.execute { if (mine == turn) then() }
        }
    }

    private fun show(catalog: ProductCatalog) {
        categories = catalog.categories
        currency = catalog.currency
        changed()
    }

    private fun become(next: SearchState) {
        state = next
        changed()
    }

    private companion object {
        const val PREVIEW = 1024 // pixels: enough to choose a part
        const val DOUBTFUL = 0.1 // half a star: less is drawn as none
    }
}
