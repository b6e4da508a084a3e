package shop.mobileclip.app

import android.content.Context
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.BaseAdapter

/** The results, a card each. */
class CardAdapter(private val context: Context) : BaseAdapter() {
    private var cards: List<Card> = emptyList()

    fun show(found: List<Card>) {
        cards = found
        notifyDataSetChanged()
    }

    override fun getCount(): Int = cards.size

    override fun getItem(position: Int): Card = cards[position]

    override fun getItemId(position: Int): Long = cards[position].product.toLong()

    override fun getView(position: Int, old: View?, parent: ViewGroup): View {
        val view = old ?: LayoutInflater.from(context).inflate(R.layout.item_card, parent, false)
        CardView(view).show(cards[position])
        return view
    }
}
