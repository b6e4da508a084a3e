package shop.mobileclip.app

import android.app.Activity
import android.content.Intent
import android.widget.Toast
import shop.mobileclip.android.PictureTaker
import java.io.File

/** What the screens share: work on the reader, pictures from other apps, the way back. */
abstract class ShopActivity :
    Activity(),
    PictureTaker.Listener {
    protected val shared get() = application as ShopApplication
    protected val pictures = PictureTaker(this, this)

    /** Says on the screen what is wrong; [words]: a text's id. */
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

    override fun onPicture(copy: (File) -> Unit) = Unit

    override fun onCameraRefused() = Toast.makeText(this, R.string.take_elsewhere, Toast.LENGTH_LONG).show()

    override fun onNoApp() = say(R.string.no_picture_app)

    override fun onRequestPermissionsResult(request: Int, names: Array<String>, results: IntArray) =
        pictures.onPermission(request, results)

    @Deprecated("AndroidX has its successor")
    override fun onActivityResult(request: Int, result: Int, data: Intent?) = pictures.onResult(request, result, data)

    override fun onNavigateUp(): Boolean {
        finish()
        return true
    }
}
