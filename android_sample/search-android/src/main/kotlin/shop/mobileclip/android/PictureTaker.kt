package shop.mobileclip.android

import android.Manifest
import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.ClipData
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Build
import android.provider.MediaStore
import java.io.File
import java.io.FileNotFoundException

/**
 * Gets pictures from the camera app, the gallery and other apps, without AndroidX. [activity] passes its results on; the
 * manifest declares [SharedFiles].
 *
 * Android refuses ACTION_IMAGE_CAPTURE to an app that declares the permission CAMERA, for [LiveCamera] say, and does not hold
 * it. Then it is asked for; where it is refused, the camera app is opened by itself, and after it the gallery, to choose what
 * was taken. An app that does not declare CAMERA is never asked.
 */
public class PictureTaker(private val activity: Activity, private val told: Listener) {
    /** What comes of it. */
    public interface Listener {
        /** A picture is there: [copy] writes its file, and takes as long as the other app does; not on the main thread. */
        public fun onPicture(copy: (File) -> Unit)

        /** The camera is refused: its app is opened, and after it the gallery. To be said in words. */
        public fun onCameraRefused()

        /** There is no app that gives a picture. */
        public fun onNoApp()
    }

    /** By the camera app. */
    public fun take() {
        if (isDeclared() && !LiveCamera.isAllowed(activity)) {
            activity.requestPermissions(arrayOf(Manifest.permission.CAMERA), CAMERA)
        } else {
            capture()
        }
    }

    private fun isDeclared(): Boolean {
        val about = activity.packageManager.getPackageInfo(activity.packageName, PackageManager.GET_PERMISSIONS)
        return Manifest.permission.CAMERA in about.requestedPermissions.orEmpty()
    }

    /** By the system's photo picker, or its document picker before Android 13: neither needs a permission. */
    public fun choose(): Unit = start(
        GALLERY,
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) {
            Intent(MediaStore.ACTION_PICK_IMAGES)
        } else {
            Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
        },
    )

    /** Another app's picture that was shared, pasted or dropped. */
    public fun receive(uri: Uri): Unit = told.onPicture { file ->
        val from = uri.takeIf { it.scheme == "content" }?.let { activity.contentResolver.openInputStream(it) }
        (from ?: throw FileNotFoundException("$uri")).use { input -> file.outputStream().use { input.copyTo(it) } }
    }

    /** To be called in the activity's onRequestPermissionsResult. */
    public fun onPermission(request: Int, results: IntArray) {
        if (request != CAMERA || results.isEmpty()) return // empty: interrupted
        if (results[0] == PackageManager.PERMISSION_GRANTED) return capture()
        told.onCameraRefused()
        start(ELSEWHERE, Intent(MediaStore.INTENT_ACTION_STILL_IMAGE_CAMERA))
    }

    /** To be called in the activity's onActivityResult. */
    public fun onResult(request: Int, result: Int, data: Intent?) {
        if (request == ELSEWHERE) return choose()
        if (result != Activity.RESULT_OK) return
        if (request == GALLERY) data?.data?.let(::receive)
        if (request ==
            CAMERA
        ) {
            told.onPicture { SharedFiles.file(activity, SharedFiles.PICTURE).copyTo(it, overwrite = true) }
        }
    }

    private fun capture() {
        SharedFiles.file(activity, SharedFiles.PICTURE).delete() // so that no old picture is taken for the new one
        val uri = SharedFiles.uri(activity, SharedFiles.PICTURE)
        val capture = Intent(MediaStore.ACTION_IMAGE_CAPTURE).putExtra(MediaStore.EXTRA_OUTPUT, uri)
        start(CAMERA, capture.addFlags(SharedFiles.GRANT).apply { clipData = ClipData.newRawUri(null, uri) })
    }

    private fun start(request: Int, intent: Intent) = try {
        @Suppress("DEPRECATION") // by AndroidX; the framework has no other
        activity.startActivityForResult(intent, request)
    } catch (error: ActivityNotFoundException) {
        told.onNoApp()
    }

    private companion object {
        const val CAMERA = 0x7101 // requests: unlike those that an app numbers from 1 on
        const val GALLERY = 0x7102
        const val ELSEWHERE = 0x7103
    }
}
