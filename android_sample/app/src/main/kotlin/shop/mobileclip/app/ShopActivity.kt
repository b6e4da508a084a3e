package shop.mobileclip.app

import android.app.Activity

/** What the screens below the search screen share. */
abstract class ShopActivity : Activity() {
    protected val shared get() = application as ShopApplication

    /** Says it on the screen; [words]: a text's id. */
    protected abstract fun say(words: Int)

    /** Runs [task] on the reader, then what it returns, or what went wrong, here. */
    protected fun work(task: (Shop) -> () -> Unit) = shared.reader.execute {
        val then = try {
            task(shared.shop())
        } catch (error: Throwable) {
            val failed = words(error);
            { say(failed) }
        }
        shared.main.execute { if (!isDestroyed) then() }
    }

    override fun onNavigateUp(): Boolean {
        finish()
        return true
    }
}
