package shop.mobileclip.app

import android.content.Context
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.BaseAdapter

/** The results, a card each; the doubtful ones come last, under a heading. */
class CardAdapter(private val context: Context) : BaseAdapter() {
    private var rows: List<Card?> = emptyList() // null is the heading

    fun show(found: SearchState.Found) {
        val heading = if (found.doubtful.isEmpty()) emptyList() else listOf(null)
        rows = found.cards + heading + found.doubtful
        notifyDataSetChanged()
    }

    override fun getCount(): Int = rows.size

    override fun getItem(position: Int): Card? = rows[position]

    override fun getItemId(position: Int): Long = position.toLong()

    override fun getViewTypeCount(): Int = 2

    override fun getItemViewType(position: Int): Int = if (rows[position] == null) HEADING else CARD

    override fun areAllItemsEnabled(): Boolean = false

    /** Only cards can be touched. */
    override fun isEnabled(position: Int): Boolean = rows[position] != null

    override fun getView(position: Int, old: View?, parent: ViewGroup): View {
        val card = rows[position]
        val layout = if (card == null) R.layout.item_heading else R.layout.item_card
        val view = old ?: LayoutInflater.from(context).inflate(layout, parent, false)
        card?.let { CardView(view).show(it) }
        return view
    }

    private companion object {
        const val CARD = 0
        const val HEADING = 1
    }
}
