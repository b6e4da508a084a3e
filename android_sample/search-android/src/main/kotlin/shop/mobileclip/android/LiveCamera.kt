package shop.mobileclip.android

import android.Manifest
import android.content.Context
import android.content.pm.PackageManager
import android.graphics.Bitmap
import android.graphics.Matrix
import android.graphics.RectF
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.hardware.camera2.params.OutputConfiguration
import android.hardware.camera2.params.SessionConfiguration
import android.util.Size
import android.view.Surface
import android.view.TextureView
import shop.mobileclip.search.ImagePreprocessor
import shop.mobileclip.search.RGBImage

/**
 * What the back camera sees, in [view], and as pictures now and then. On the main thread alone. Wants the permission CAMERA
 * ([isAllowed]). [failed] is called where there is no camera, or it is in use.
 */
public class LiveCamera(private val view: TextureView, private val failed: () -> Unit) : AutoCloseable {
    private val context = view.context
    private val manager = context.getSystemService(CameraManager::class.java)
    private var device: CameraDevice? = null
    private var isOpen = false

    /** The camera's picture, upright for a device that is held as it was built to be. */
    private var size = Size(1, 1)
    private val turns: Int get() = view.display?.rotation ?: Surface.ROTATION_0 // quarters

    init {
        view.surfaceTextureListener = object : TextureView.SurfaceTextureListener {
            override fun onSurfaceTextureAvailable(texture: SurfaceTexture, width: Int, height: Int) = start()

            override fun onSurfaceTextureSizeChanged(texture: SurfaceTexture, width: Int, height: Int) = fit()

            override fun onSurfaceTextureDestroyed(texture: SurfaceTexture): Boolean = true

            override fun onSurfaceTextureUpdated(texture: SurfaceTexture) = Unit
        }
    }

    /** Opens the camera: when the screen is resumed. */
    public fun open() {
        isOpen = true
        if (view.isAvailable) start()
    }

    /** Lets the camera go: when the screen is paused. */
    override fun close() {
        isOpen = false
        device?.close()
        device = null
    }

    /** What is seen now, upright, its shorter side [side] pixels; null where nothing is yet. */
    public fun frame(side: Int): Bitmap? {
        if (device == null) return null
        val scale = side.toFloat() / minOf(size.width, size.height)
        val (width, height) = (scale * size.width).toInt() to (scale * size.height).toInt()
        val seen = view.getBitmap(width, height) ?: return null // without the view's own transform
        return Bitmap.createBitmap(seen, 0, 0, width, height, Matrix().apply { postRotate(-90f * turns) }, true)
    }

    private fun start() {
        if (!isOpen || device != null) return
        try {
            val id = manager.cameraIdList.minByOrNull { if (facing(it) == BACK) 0 else 1 } ?: return failed()
            val texture = view.surfaceTexture ?: return
            val chosen = size(id)
            texture.setDefaultBufferSize(chosen.width, chosen.height)
            val turned = manager.getCameraCharacteristics(id)[CameraCharacteristics.SENSOR_ORIENTATION]
            size = if (turned == 0 || turned == 180) chosen else Size(chosen.height, chosen.width)
            fit()
            manager.openCamera(id, context.mainExecutor, Opened(Surface(texture)))
        } catch (error: Exception) { // CameraAccessException; SecurityException where the permission was taken away
            failed()
        }
    }

    private fun facing(id: String): Int? = manager.getCameraCharacteristics(id)[CameraCharacteristics.LENS_FACING]

    private fun size(id: String): Size {
        val sizes = manager.getCameraCharacteristics(id)[CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP]
            ?.getOutputSizes(SurfaceTexture::class.java).orEmpty()
        return sizes.filter { it.width <= WIDEST }.maxByOrNull { it.width * it.height } ?: sizes.first()
    }

    /** The view shows the camera's picture stretched: this gives it its shape again, upright, over the whole view. */
    private fun fit() {
        val whole = RectF(0f, 0f, view.width.toFloat(), view.height.toFloat())
        val (x, y) = whole.centerX() to whole.centerY()
        val seen = RectF(0f, 0f, size.width.toFloat(), size.height.toFloat()).apply {
            offset(
                x - centerX(),
                y - centerY(),
            )
        }
        val (wide, high) = if (turns % 2 == 0) seen.width() to seen.height() else seen.height() to seen.width()
        val scale = maxOf(whole.width() / wide, whole.height() / high)
        view.setTransform(
            Matrix().apply {
                setRectToRect(whole, seen, Matrix.ScaleToFit.FILL)
                postScale(scale, scale, x, y)
                postRotate(-90f * turns, x, y)
            },
        )
    }

    private inner class Opened(private val surface: Surface) : CameraDevice.StateCallback() {
        override fun onOpened(camera: CameraDevice) {
            if (!isOpen) return camera.close()
            device = camera
            val outputs = listOf(OutputConfiguration(surface))
            try {
                camera.createCaptureSession(
                    SessionConfiguration(
                        SessionConfiguration.SESSION_REGULAR,
                        outputs,
                        context.mainExecutor,
                        Session(surface),
                    ),
                )
            } catch (error: Exception) {
                onError(camera, ERROR_CAMERA_DEVICE)
            }
        }

        override fun onDisconnected(camera: CameraDevice) = onError(camera, ERROR_CAMERA_DISABLED)

        override fun onError(camera: CameraDevice, error: Int) {
            camera.close()
            device = null
            failed()
        }
    }

    private inner class Session(private val surface: Surface) : CameraCaptureSession.StateCallback() {
        override fun onConfigured(session: CameraCaptureSession) = try {
            val request = session.device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
            request.addTarget(surface)
            request[CaptureRequest.CONTROL_AF_MODE] = CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE
            session.setRepeatingRequest(request.build(), null, null)
            Unit
        } catch (error: Exception) { // it was closed meanwhile
            failed()
        }

        override fun onConfigureFailed(session: CameraCaptureSession) = failed()
    }

    public companion object {
        private const val BACK = CameraCharacteristics.LENS_FACING_BACK
        private const val WIDEST = 1920 // pixels: more than any encoder sees

        /** Whether this app may use the camera. */
        @JvmStatic
        public fun isAllowed(context: Context): Boolean =
            context.checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED

        /** A frame as it is searched with. Not for the main thread. */
        @JvmStatic
        public fun image(frame: Bitmap): RGBImage {
            val pixels = IntArray(frame.width * frame.height)
            frame.getPixels(pixels, 0, frame.width, 0, 0, frame.width, frame.height)
            return RGBImage(ImagePreprocessor.rgb(pixels), frame.width, frame.height)
        }
    }
}
