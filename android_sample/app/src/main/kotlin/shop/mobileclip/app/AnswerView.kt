package shop.mobileclip.app

import android.icu.text.ListFormatter
import android.view.View
import android.view.ViewGroup
import android.widget.ListView
import android.widget.TextView
import shop.mobileclip.android.Localized

/** The lower part of the search screen: every [SearchState] drawn. [open] is called with a product that was touched and its place. */
class AnswerView(private val root: ViewGroup, retry: () -> Unit, open: (Card, place: Int) -> Unit) {
    private val note: TextView = root.findViewById(R.id.note)
    private val count: TextView = root.findViewById(R.id.count)
    private val list: ListView = root.findViewById(R.id.results)
    private val message: View = root.findViewById(R.id.message)
    private val progress: View = root.findViewById(R.id.progress)
    private val headline: TextView = root.findViewById(R.id.headline)
    private val detail: TextView = root.findViewById(R.id.detail)
    private val again: View = root.findViewById(R.id.retry)
    private val cards = CardAdapter(root.context, open)
    private val busy: View = root.findViewById(R.id.busy)
    private var shown: Pair<SearchState, List<Card>>? = null

    init {
        list.adapter = cards
        list.itemsCanFocus = true
        again.setOnClickListener { retry() }
    }

    /** [named]: what the words name exactly, above the answer and before it is there. */
    fun show(state: SearchState, named: List<Card> = emptyList()) {
        if (state to named == shown) return // so that the list stays where it was scrolled to
        shown = state to named
        count.visibility = View.GONE
        warn(state.unknown)
        val isBusy = named.isNotEmpty() && (state == SearchState.Preparing || state == SearchState.Searching)
        busy.visibility = if (isBusy) View.VISIBLE else View.GONE
        if (isBusy) return list(SearchState.Found(emptyList(), emptyList(), emptyList()), named)
        when (state) {
            SearchState.Idle -> say(R.string.idle, R.string.idle_detail)
            SearchState.Preparing -> say(R.string.preparing, R.string.preparing_detail, busy = true)
            SearchState.Searching -> say(R.string.searching, null, busy = true)
            is SearchState.Found -> list(state, named)
            is SearchState.Nothing -> say(R.string.nothing, R.string.nothing_detail)
            is SearchState.Failed -> say(R.string.failed, state.words, failed = true)
        }
    }

    private fun list(found: SearchState.Found, named: List<Card>) {
        cards.show(found, named)
        list.setSelection(0)
        list.visibility = View.VISIBLE
        message.visibility = View.GONE
        val all = found.cards.size + found.doubtful.size
        if (all == 0) return
        count.visibility = View.VISIBLE // a live region: a screen reader says it
        count.text = root.resources.getQuantityString(R.plurals.products, all, all)
    }

    private fun say(title: Int, text: Int?, busy: Boolean = false, failed: Boolean = false) {
        list.visibility = View.GONE
        message.visibility = View.VISIBLE
        headline.setText(title)
        detail.text = text?.let(root.context::getText)
        progress.visibility = if (busy) View.VISIBLE else View.GONE
        again.visibility = if (failed) View.VISIBLE else View.GONE
    }

    private fun warn(unknown: List<String>) {
        note.visibility = if (unknown.isEmpty()) View.GONE else View.VISIBLE
        val language = root.resources.configuration.locales[0]
        val names = unknown.map { Localized.script(it, language) ?: root.context.getString(R.string.another_script) }
        note.text = root.context.getString(R.string.unknown_script, ListFormatter.getInstance(language).format(names))
    }
}
