package shop.mobileclip.app

import android.content.Context
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.BaseAdapter
import android.widget.LinearLayout
import android.widget.TextView

/**
 * The results, as many in a row as fit: what the words name exactly first, under a heading, and the doubtful ones last, under
 * another. [open]: a card was touched.
 */
class CardAdapter(private val context: Context, private val open: (Card, place: Int) -> Unit) : BaseAdapter() {
    private val columns = context.resources.getInteger(R.integer.columns)
    private var rows: List<Row> = emptyList()

    /** One without cards is a heading: a text's id. */
    class Row(val cards: List<Card>, val heading: Int = 0)

    fun show(found: SearchState.Found, named: List<Card>) {
        rows = group(R.string.named, named) + rows(found.cards) + group(R.string.doubtful, found.doubtful)
        notifyDataSetChanged()
    }

    private fun rows(cards: List<Card>) = cards.chunked(columns).map { Row(it) }

    private fun group(heading: Int, cards: List<Card>) =
        if (cards.isEmpty()) emptyList() else listOf(Row(emptyList(), heading)) + rows(cards)

    override fun getCount(): Int = rows.size

    override fun getItem(position: Int): Row = rows[position]

    override fun getItemId(position: Int): Long = position.toLong()

    override fun getViewTypeCount(): Int = 2

    override fun getItemViewType(position: Int): Int = if (rows[position].cards.isEmpty()) 1 else 0

    override fun areAllItemsEnabled(): Boolean = false

    /** The cards are touched, not their row. */
    override fun isEnabled(position: Int): Boolean = false

    override fun getView(position: Int, old: View?, parent: ViewGroup): View {
        val cards = rows[position].cards
        if (cards.isEmpty()) {
            return (old ?: inflate(R.layout.item_heading, parent)).also {
                (it as TextView).setText(rows[position].heading)
            }
        }
        val row = old as LinearLayout? ?: LinearLayout(context)
        while (row.childCount < columns) row.addView(inflate(R.layout.item_card, row))
        for (column in 0 until columns) {
            val card = cards.getOrNull(column)
            show(row.getChildAt(column), card, rows.take(position).sumOf { it.cards.size } + column)
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
