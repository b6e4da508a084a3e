package shop.mobileclip.app

import shop.mobileclip.search.RunningSearch
import shop.mobileclip.search.SearchHit
import shop.mobileclip.search.SearchOutcome
import shop.mobileclip.search.WritingSystems
import java.io.IOException
import java.util.Locale
import java.util.concurrent.Executor

/**
 * The search screen's question and state; it outlives the activity when the device is turned. On the main thread alone.
 *
 * [open] gives the shop, on [worker], where all work is done; answers come back on [main]. Of several questions only the
 * last one's answer is shown.
 */
class SearchModel(private val open: () -> Shop, private val worker: Executor, private val main: Executor) {
    var question = Question()
        private set
    var state: SearchState = SearchState.Idle
        private set
    var categories: List<String> = emptyList()
        private set

    /** Told after every change. */
    var changed: () -> Unit = {}

    private var turn = 0
    private var running: RunningSearch? = null

    /** Opens the shop, so that its categories can be shown. */
    fun start() = work { {} }

    /** Searches for [question], instead of what was asked before. */
    fun ask(question: Question) {
        this.question = question
        running?.cancel()
        become(if (question.empty) SearchState.Idle else SearchState.Searching)
        if (question.empty) turn++ else work { shop -> { running = search(shop, question) } }
    }

    /** Reads a picture by [read], to which the encoder's side in pixels is given, and searches with it and [text]. */
    fun choose(text: String, read: (size: Int) -> Picture) {
        become(SearchState.Searching)
        work { shop ->
            val picture = read(shop.manifest.imageSize);
            { ask(question.copy(text = text, picture = picture, like = null)) }
        }
    }

    /** Asks again, after a failure. */
    fun retry() = ask(question)

    private fun search(shop: Shop, question: Question): RunningSearch {
        val mine = turn
        shop.preparing = { main.execute { if (mine == turn) become(SearchState.Preparing) } }
        return shop.searcher.search(question.request()) { outcome ->
            val answer = answer(shop, question, outcome)
            main.execute { if (mine == turn && answer != null) become(answer) }
        }
    }

    /** Null where the search was cancelled. */
    private fun answer(shop: Shop, question: Question, outcome: SearchOutcome): SearchState? = when (outcome) {
        is SearchOutcome.Cancelled -> null

        is SearchOutcome.Failed -> SearchState.Failed(outcome.error.message ?: outcome.error.toString())

        is SearchOutcome.Found -> try {
            val unknown = WritingSystems.unknown(question.words, shop.manifest.text.scripts)
            val (doubtful, certain) = outcome.hits.partition { isDoubtful(question, it) }
            val found = SearchState.Found(cards(shop, question, certain), cards(shop, question, doubtful), unknown)
            if (outcome.hits.isEmpty()) SearchState.Nothing(unknown) else found
        } catch (error: IOException) {
            SearchState.Failed(error.message ?: error.toString())
        }
    }

    private fun cards(shop: Shop, question: Question, hits: List<SearchHit>): List<Card> =
        hits.map { Card.of(shop.catalog, it.product, Locale.getDefault(), match(question, it)) }

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

    /** Runs [task] with the shop on the worker, then what it returns on the main thread, unless something newer was begun. */
    private fun work(task: (Shop) -> () -> Unit) {
        val mine = ++turn
        worker.execute {
            val then = try {
                val shop = open()
                main.execute { show(shop.catalog.categories) }
                task(shop)
            } catch (error: Exception) { // another app's picture may fail in any way
                { become(SearchState.Failed(error.message ?: error.toString())) }
            }
            main.execute { if (mine == turn) then() }
        }
    }

    private fun show(names: List<String>) {
        categories = names
        changed()
    }

    private fun become(next: SearchState) {
        state = next
        changed()
    }

    private companion object {
        const val DOUBTFUL = 0.1 // half a star: less is drawn as none
    }
}
