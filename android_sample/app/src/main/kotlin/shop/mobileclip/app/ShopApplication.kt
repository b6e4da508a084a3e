package shop.mobileclip.app

import android.app.ActivityManager
import android.app.Application
import android.os.Handler
import android.os.Looper
import android.util.Log
import shop.mobileclip.android.ShopFiles
import shop.mobileclip.search.EmbeddingEncoder
import shop.mobileclip.search.SearchEvent
import java.io.File
import java.util.concurrent.Executor
import java.util.concurrent.Executors

private const val SMALL = 256 // MB of Java heap for an app: devices of 4 GB and less

/** Holds what the screens share: the shop, opened once, and the threads. */
open class ShopApplication : Application() {
    /** The encoders' thread: they take no second one, and searches wait for each other. */
    val worker: Executor = Executors.newSingleThreadExecutor()

    /** Reads pictures and products, so that a picture that comes from a cloud keeps no search waiting. */
    val reader: Executor = Executors.newSingleThreadExecutor()
    val main: Executor = Handler(Looper.getMainLooper()).let { handler -> Executor { handler.post(it) } }

    @Volatile protected var opened: Shop? = null

    /** The shop. Not for the main thread, since the first call opens it. Throws BadFileException. */
    @Synchronized
    fun shop(): Shop = opened ?: open(files()).also { opened = it }

    protected fun open(files: ShopFiles): Shop = Shop.open(files, File(filesDir, "staff"), worker, ::count, ::encoder)

    /** An app that follows its shop's has others. */
    protected open fun files(): ShopFiles = ShopFiles.open(assets)

    /** The app's tests have another. */
    protected open fun encoder(files: ShopFiles): EmbeddingEncoder = files.encoder()

    private fun count(event: SearchEvent) = count("${event.kind}: ${event.hits} products in ${event.milliseconds} ms")

    /** An event for the shop's own statistics, which would stand in place of the log. Nothing leaves the device. */
    fun count(event: String) {
        Log.i("Shop", event)
    }

    /**
     * Frees the encoders as soon as no screen is seen on a device with little memory, where the camera app needs it. Others keep
     * them: loading takes seconds, and where Android ends the process, the screens come back as they were.
     */
    override fun onTrimMemory(level: Int) {
        super.onTrimMemory(level)
        val device = getSystemService(ActivityManager::class.java)
        val small = device.isLowRamDevice || device.memoryClass < SMALL
        if (small && level >= TRIM_MEMORY_UI_HIDDEN) opened?.searcher?.release()
    }
}
