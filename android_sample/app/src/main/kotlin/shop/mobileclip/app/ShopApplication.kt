package shop.mobileclip.app

import android.app.Application
import android.os.Handler
import android.os.Looper
import java.util.concurrent.Executor
import java.util.concurrent.Executors

/** Holds what the screens share: the shop, opened once, and the threads. */
class ShopApplication : Application() {
    /** One thread: the encoders take no second one, and searches wait for each other. */
    val worker: Executor = Executors.newSingleThreadExecutor()
    val main: Executor = Handler(Looper.getMainLooper()).let { handler -> Executor { handler.post(it) } }

    @Volatile private var opened: Shop? = null

    /** The shop. On the worker alone, since the first call opens it. Throws IOException. */
    fun shop(): Shop = opened ?: Shop.open(Assets(assets), worker).also { opened = it }

    /** Frees the encoders when Android is about to end processes; the next search loads them anew. */
    override fun onTrimMemory(level: Int) {
        super.onTrimMemory(level)
        if (level >= TRIM_MEMORY_BACKGROUND) opened?.searcher?.release()
    }
}
