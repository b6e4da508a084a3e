package shop.mobileclip.app

import android.content.Context
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.view.View
import android.widget.TextView

/** One product, by the shop's own id, where it can be bought, and the way to more like it. */
class DetailsActivity : ShopActivity() {
    private val id get() = intent.data?.lastPathSegment ?: ""

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        setContentView(R.layout.activity_details)
        actionBar?.setDisplayHomeAsUpEnabled(true)
        say(R.string.loading)
        work { shop ->
            val card = shop.catalog.let { Card.of(it, it.place(id) ?: throw GoneException()) };
            { show(card) }
        }
    }

    override fun say(words: Int) {
        findViewById<TextView>(R.id.details_message).setText(words)
        findViewById<View>(R.id.details_message).visibility = View.VISIBLE
        findViewById<View>(R.id.details).visibility = View.GONE
    }

    private fun show(card: Card) {
        findViewById<View>(R.id.details_message).visibility = View.GONE
        val product = findViewById<View>(R.id.details)
        product.visibility = View.VISIBLE
        CardView(product).show(card)
        findViewById<TextView>(R.id.columns).text = card.columns.entries.joinToString("\n") { "${it.key}: ${it.value}" }
        button(R.id.more) { startActivity(SearchActivity.like(this, card.id, card.name)) }
        button(R.id.buy, card.link != null) { buy(checkNotNull(card.link)) }
        button(R.id.remove, resources.getBoolean(R.bool.staff)) { remove() }
    }

    private fun button(id: Int, isShown: Boolean = true, touched: () -> Unit) = findViewById<View>(id).run {
        visibility = if (isShown) View.VISIBLE else View.GONE
        setOnClickListener { touched() }
    }

    private fun buy(link: Uri) =
        runCatching { startActivity(Intent(Intent.ACTION_VIEW, link)) }.onFailure { say(words(it)) }

    private fun remove() = work { shop ->
        shop.change { it.remove(id) }
        ::finish
    }

    companion object {
        /** Opens the screen of the product of that [id]. */
        fun intent(context: Context, id: String): Intent =
            Intent(context, DetailsActivity::class.java).setData(Uri.parse("shopsearch://product/${Uri.encode(id)}"))
    }
}
