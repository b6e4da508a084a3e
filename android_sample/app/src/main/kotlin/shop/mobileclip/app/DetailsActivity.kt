package shop.mobileclip.app

import android.app.Activity
import android.content.Context
import android.content.Intent
import android.os.Bundle
import android.view.View
import android.widget.TextView
import java.io.IOException
import java.util.Locale

/** One product, and the way to more like it. */
class DetailsActivity : Activity() {
    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        setContentView(R.layout.activity_details)
        actionBar?.setDisplayHomeAsUpEnabled(true)
        val shared = application as ShopApplication
        val product = intent.getIntExtra(PRODUCT, 0)
        show(DetailsState.Loading)
        shared.worker.execute {
            val state = try {
                DetailsState.Loaded(Card.of(shared.shop().catalog, product, Locale.getDefault()))
            } catch (error: IOException) {
                DetailsState.Failed(error.message ?: error.toString())
            }
            shared.main.execute { if (!isDestroyed) show(state) }
        }
    }

    override fun onNavigateUp(): Boolean {
        finish()
        return true
    }

    private fun show(state: DetailsState) {
        val message = findViewById<TextView>(R.id.details_message)
        val product = findViewById<View>(R.id.details)
        when (state) {
            DetailsState.Loading -> message.setText(R.string.loading)

            is DetailsState.Loaded -> {
                CardView(product).show(state.card)
                findViewById<View>(R.id.more).setOnClickListener {
                    startActivity(SearchActivity.like(this, state.card.product, state.card.name))
                }
            }

            is DetailsState.Failed -> message.text = state.reason
        }
        product.visibility = if (state is DetailsState.Loaded) View.VISIBLE else View.GONE
        message.visibility = if (state is DetailsState.Loaded) View.GONE else View.VISIBLE
    }

    private sealed interface DetailsState {
        data object Loading : DetailsState
        class Loaded(val card: Card) : DetailsState
        class Failed(val reason: String) : DetailsState
    }

    companion object {
        private const val PRODUCT = "product"

        /** Opens the screen of [product], a place in the catalog. */
        fun intent(context: Context, product: Int): Intent =
            Intent(context, DetailsActivity::class.java).putExtra(PRODUCT, product)
    }
}
