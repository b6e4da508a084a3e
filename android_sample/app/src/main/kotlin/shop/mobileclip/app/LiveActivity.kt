package shop.mobileclip.app

import android.Manifest
import android.content.Intent
import android.graphics.Bitmap
import android.os.Bundle
import android.view.View
import android.widget.TextView
import shop.mobileclip.android.LiveCamera
import shop.mobileclip.android.Picture
import shop.mobileclip.search.SearchOutcome
import shop.mobileclip.search.SearchRequest

/** The live camera: now and then a frame is searched with, and the best match shown. Its result is a frame's [FILE]. */
class LiveActivity : ShopActivity() {
    private lateinit var camera: LiveCamera
    private lateinit var view: View
    private var isSeen = false
    private val next = Runnable { if (isSeen) look() }

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        setContentView(R.layout.activity_live)
        actionBar?.setDisplayHomeAsUpEnabled(true)
        view = findViewById(R.id.view)
        camera = LiveCamera(findViewById(R.id.view)) { say(R.string.no_camera) }
        findViewById<View>(R.id.use).setOnClickListener { use() }
        if (saved == null && !LiveCamera.isAllowed(this)) requestPermissions(arrayOf(Manifest.permission.CAMERA), 0)
    }

    override fun onResume() {
        super.onResume()
        isSeen = true
        if (!LiveCamera.isAllowed(this)) return say(R.string.camera_refused)
        say(R.string.live_detail)
        camera.open()
        later()
    }

    override fun onPause() {
        isSeen = false
        camera.close()
        super.onPause()
    }

    override fun say(words: Int) = findViewById<TextView>(R.id.live_message).setText(words)

    private fun later() {
        view.removeCallbacks(next)
        if (isSeen) view.postDelayed(next, PAUSE)
    }

    private fun look() {
        val frame = camera.frame(SIDE) ?: return later()
        findViewById<View>(R.id.use).visibility = View.VISIBLE
        work { shop ->
            shop.searcher.search(SearchRequest(image = LiveCamera.image(frame), k = 1)) { outcome ->
                val found = outcome as? SearchOutcome.Found
                val card = found?.hits?.firstOrNull()?.let { Card.of(found.catalog, it.product) }
                shared.main.execute { show(card) }
            };
            {}
        }
    }

    internal fun show(card: Card?) {
        val best = findViewById<View>(R.id.best)
        if (card != null) CardView(best).show(card)
        best.visibility = if (card == null) View.GONE else View.VISIBLE
        best.setOnClickListener { card?.let { startActivity(DetailsActivity.intent(this, it.id)) } }
        later()
    }

    private fun use() {
        val frame = camera.frame(SIDE) ?: return
        val file = Picture.newFile(this)
        file.outputStream().use { frame.compress(Bitmap.CompressFormat.JPEG, QUALITY, it) }
        setResult(RESULT_OK, Intent().putExtra(FILE, file.path))
        finish()
    }

    companion object {
        /** In the result: the path of the frame's file. */
        const val FILE: String = "file"

        private const val SIDE = 1024 // pixels of the shorter side: four times what the encoders see
        private const val PAUSE = 500L // milliseconds between an answer and the next frame
        private const val QUALITY = 95
    }
}
