package shop.mobileclip.app

import android.content.Context
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.BaseAdapter
import android.widget.LinearLayout

/** The results, as many in a row as fit; the doubtful ones come last, under a heading. [open]: a card was touched. */
class CardAdapter(private val context: Context, private val open: (Card, place: Int) -> Unit) : BaseAdapter() {
    private val columns = context.resources.getInteger(R.integer.columns)
    private var rows: List<List<Card>> = emptyList() // an empty one is the heading

    fun show(found: SearchState.Found) {
        val heading = if (found.doubtful.isEmpty()) emptyList() else listOf(emptyList<Card>())
        rows = found.cards.chunked(columns) + heading + found.doubtful.chunked(columns)
        notifyDataSetChanged()
    }

    override fun getCount(): Int = rows.size

    override fun getItem(position: Int): List<Card> = rows[position]

    override fun getItemId(position: Int): Long = position.toLong()

    override fun getViewTypeCount(): Int = 2

    override fun getItemViewType(position: Int): Int = if (rows[position].isEmpty()) 1 else 0

    override fun areAllItemsEnabled(): Boolean = false

    /** The cards are touched, not their row. */
    override fun isEnabled(position: Int): Boolean = false

    override fun getView(position: Int, old: View?, parent: ViewGroup): View {
        val cards = rows[position]
        if (cards.isEmpty()) return old ?: inflate(R.layout.item_heading, parent)
        val row = old as LinearLayout? ?: LinearLayout(context)
        while (row.childCount < columns) row.addView(inflate(R.layout.item_card, row))
        for (column in 0 until columns) {
            val card = cards.getOrNull(column)
            show(row.getChildAt(column), card, rows.take(position).sumOf { it.size } + column)
        }
        return row
    }

    private fun show(view: View, card: Card?, place: Int) {
        view.visibility = if (card == null) View.INVISIBLE else View.VISIBLE
        card?.let { CardView(view).show(it) }
        view.setOnClickListener { card?.let { open(it, place) } }
    }

    private fun inflate(layout: Int, parent: ViewGroup): View =
        LayoutInflater.from(context).inflate(layout, parent, false)
}
