package shop.mobileclip.app

import android.Manifest
import android.app.Activity
import android.app.ActivityManager
import android.content.ClipData
import android.content.ComponentCallbacks2
import android.content.Intent
import android.graphics.RectF
import android.net.Uri
import android.os.Bundle
import android.os.Parcel
import android.provider.MediaStore
import android.view.ContentInfo
import android.view.KeyEvent
import android.view.View
import android.widget.EditText
import android.widget.TextView
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowToast
import shop.mobileclip.android.Picture
import shop.mobileclip.android.SharedFiles
import shop.mobileclip.android.png
import java.io.File
import java.io.FileNotFoundException
import java.math.BigDecimal
import java.util.zip.ZipInputStream

/** The screens' lives: ended and begun again, without memory, without the camera; and what comes from other apps. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], qualifiers = "w411dp-h731dp-xhdpi", application = OfflineApplication::class)
class LifeTest {
    private val application get() = RuntimeEnvironment.getApplication() as ShopApplication
    private val picture = File(System.getenv("PICTURE")).readBytes()
    private val uncaught = mutableListOf<Throwable>()

    @Before
    fun noErrorOnAnyThreadIsMissed() = Thread.setDefaultUncaughtExceptionHandler { _, error -> uncaught += error }

    @Test
    fun `a search comes back as it was after the process has ended`() {
        for (question in listOf(
            Question("a mug"),
            Question("a mug", saved(), 0.7),
            Question(picture = saved().withPart(RectF(0.5f, 0f, 1f, 0.5f)), category = shop().catalog.categories[1]),
            Question("a mug", lowest = BigDecimal("3.5"), highest = BigDecimal("80.25")),
            Question(like = shop().catalog.product(7).id),
            Question(),
        )) {
            val first = search()
            first.get().model.ask(question)
            settle()
            val shown = ids(first.get())
            val again = killed(first).get()
            assertEquals(question, again.model.question)
            assertEquals(shown, ids(again))
            assertEquals(question.text, again.findViewById<EditText>(R.id.text).text.toString())
            assertEquals(question.isEmpty, shown.isEmpty())
        }
        assertEquals(emptyList<Throwable>(), uncaught)
    }

    @Test
    fun `a picture that Android cleared away meanwhile is a word`() {
        val first = search()
        first.get().model.ask(Question("a mug", saved()))
        settle()
        checkNotNull(first.get().model.question.picture).file.delete()
        assertEquals(SearchState.Failed(R.string.error_picture), killed(first).get().model.state)
    }

    @Test
    fun `the picture that the camera app took is there when the process ended meanwhile`() {
        shadowOf(application).grantPermissions(Manifest.permission.CAMERA)
        val first = search()
        first.get().findViewById<EditText>(R.id.text).setText("a mug")
        first.get().findViewById<View>(R.id.camera).performClick()
        val request = shadowOf(first.get()).nextStartedActivityForResult
        val again = killed(first).get()
        SharedFiles.file(again, SharedFiles.PICTURE).writeBytes(picture)
        answer(again, request.requestCode, Activity.RESULT_OK, null)
        settle()
        assertEquals("a mug", again.model.question.text)
        assertTrue(again.model.question.picture != null && again.model.state is SearchState.Found)
    }

    @Test
    fun `the other screens come back too`() {
        val id = shop().catalog.product(7).id
        val details = Robolectric.buildActivity(
            DetailsActivity::class.java,
            DetailsActivity.intent(application, id),
        ).setup()
        settle()
        val name = text(details.get(), R.id.card_name)
        assertEquals(shop().catalog.product(7).name, name)
        assertEquals(name, text(killed(details).get(), R.id.card_name))

        val staff = Robolectric.buildActivity(StaffActivity::class.java).setup()
        settle()
        staff.get().onPicture { it.writeBytes(picture) }
        staff.get().findViewById<EditText>(R.id.name).setText("Blue mug")
        settle()
        val category = text(staff.get(), R.id.category)
        val again = killed(staff).get()
        assertEquals(listOf("Blue mug", category), listOf(text(again, R.id.name), text(again, R.id.category)))
        fill(again, "new-1", "12.50")
        assertEquals(again.getString(R.string.added, "Blue mug"), text(again, R.id.message))

        val live = Robolectric.buildActivity(LiveActivity::class.java).setup()
        assertEquals(application.getString(R.string.camera_refused), text(killed(live).get(), R.id.live_message))
        assertEquals(emptyList<Throwable>(), uncaught)
    }

    @Test
    fun `memory may run short in every state, on every device`() {
        for (megabytes in listOf(128, 512)) {
            shadowOf(application.getSystemService(ActivityManager::class.java)).setMemoryClass(megabytes)
            val activity = search().get()
            val states = mutableListOf<SearchState>()
            activity.model.changed = {
                states += activity.model.state
                trim()
            }
            for (question in listOf(
                Question("a mug"),
                Question("a mug", saved()),
                Question(like = "none"),
                Question(),
            )) {
                trim()
                activity.model.ask(question)
                trim()
                settle()
            }
            assertTrue(states.any { it is SearchState.Found } && SearchState.Failed(R.string.gone) in states)
        }
        assertEquals(emptyList<Throwable>(), uncaught)
    }

    @Test
    fun `one picture can be taken without the permission`() {
        val activity = search().get()
        activity.findViewById<View>(R.id.camera).performClick()
        val asked = shadowOf(activity).lastRequestedPermission
        assertEquals(listOf(Manifest.permission.CAMERA), asked.requestedPermissions.toList())
        activity.onRequestPermissionsResult(asked.requestCode, asked.requestedPermissions, intArrayOf(-1))
        assertEquals(activity.getString(R.string.take_elsewhere), ShadowToast.getTextOfLatestToast())
        val elsewhere = shadowOf(activity).nextStartedActivityForResult
        assertEquals(MediaStore.INTENT_ACTION_STILL_IMAGE_CAMERA, elsewhere.intent.action)
        answer(activity, elsewhere.requestCode, Activity.RESULT_CANCELED, null)
        val gallery = shadowOf(activity).nextStartedActivityForResult
        assertEquals(MediaStore.ACTION_PICK_IMAGES, gallery.intent.action)
        answer(activity, gallery.requestCode, Activity.RESULT_OK, Intent().setData(offered("1")))
        settle()
        assertTrue(activity.model.question.picture != null && activity.model.state is SearchState.Found)
    }

    @Test
    fun `with the permission the camera app writes into the app's file`() {
        val activity = search().get()
        activity.findViewById<View>(R.id.camera).performClick()
        val asked = shadowOf(activity).lastRequestedPermission
        activity.onRequestPermissionsResult(asked.requestCode, asked.requestedPermissions, intArrayOf(0))
        val capture = shadowOf(activity).nextStartedActivityForResult.intent
        assertEquals(MediaStore.ACTION_IMAGE_CAPTURE, capture.action)
        assertEquals(SharedFiles.uri(activity, SharedFiles.PICTURE), capture.clipData?.getItemAt(0)?.uri)
        activity.contentResolver.openOutputStream(SharedFiles.uri(activity, SharedFiles.PICTURE))!!.use {
            it.write(picture)
        }
        assertEquals(picture.size.toLong(), SharedFiles.file(activity, SharedFiles.PICTURE).length())
    }

    @Test
    fun `no address leads out of the shared folder`() {
        val provider = Robolectric.setupContentProvider(SharedFiles::class.java)
        for (name in listOf("..%2Fpictures%2Fa", "..", "%2E%2E", "", "..%2F..%2Fdatabases%2Fa.db")) {
            val uri = Uri.parse("content://${application.packageName}.files/$name")
            try {
                provider.openFile(uri, "r")
                throw AssertionError("$uri was opened")
            } catch (error: FileNotFoundException) {
                continue
            }
        }
    }

    @Test
    fun `pictures and words come from other apps`() {
        val send = Intent(Intent.ACTION_SEND, null, application, SearchActivity::class.java)
        val shared =
            search(Intent(send).setType("image/jpeg").apply { clipData = ClipData.newRawUri(null, offered("2")) })
        assertTrue(shared.get().model.question.picture != null && shared.get().model.state is SearchState.Found)
        assertEquals("a mug", search(Intent(send).putExtra(Intent.EXTRA_TEXT, "a mug")).get().model.question.text)
        val marked = Intent(send).setAction(Intent.ACTION_PROCESS_TEXT).putExtra(Intent.EXTRA_PROCESS_TEXT, "a cup")
        assertEquals("a cup", search(marked).get().model.question.text)
        val own = Uri.fromFile(File(application.filesDir, "secret"))
        val stolen = search(Intent(send).apply { clipData = ClipData.newRawUri(null, own) }).get()
        assertEquals(SearchState.Failed(R.string.error_picture), stolen.model.state)
    }

    @Test
    fun `a picture is pasted into the field`() {
        val activity = search().get()
        val clip = ClipData(null, arrayOf("image/jpeg"), ClipData.Item(offered("3")))
        activity.findViewById<View>(
            R.id.text,
        ).performReceiveContent(ContentInfo.Builder(clip, ContentInfo.SOURCE_CLIPBOARD).build())
        settle()
        assertTrue(activity.model.question.picture != null && activity.model.state is SearchState.Found)
    }

    @Test
    fun `a key that goes down and up searches once`() {
        val activity = search().get()
        var searches = 0
        activity.findViewById<EditText>(R.id.text).run {
            setText("a mug")
            activity.model.changed = { if (activity.model.state == SearchState.Searching) searches++ }
            for (action in listOf(KeyEvent.ACTION_DOWN, KeyEvent.ACTION_UP)) {
                dispatchKeyEvent(KeyEvent(action, KeyEvent.KEYCODE_ENTER))
            }
        }
        assertEquals(1, searches)
    }

    @Test
    fun `a product that is no more is a word, on each screen`() {
        val link = Intent(Intent.ACTION_VIEW, Uri.parse("shopsearch://product/of%20last%20year"))
        for (intent in listOf(link, DetailsActivity.intent(application, "a/b?c#d"), Intent())) {
            val details = Robolectric.buildActivity(DetailsActivity::class.java, intent).setup().get()
            settle()
            assertEquals(application.getString(R.string.gone), text(details, R.id.details_message))
        }
        val like = search(SearchActivity.like(application, "of last year", "Mug")).get()
        assertEquals(SearchState.Failed(R.string.gone), like.model.state)
        assertEquals(emptyList<Throwable>(), uncaught)
    }

    @Test
    fun `what staff add is found at once, and shared as a list`() {
        val search = search().get()
        search.model.ask(Question("a mug"))
        settle()
        val before = ids(search)
        val staff = Robolectric.buildActivity(StaffActivity::class.java).setup().get()
        settle()
        fill(staff, "", "")
        assertEquals(staff.getString(R.string.incomplete), text(staff, R.id.message))
        staff.onPicture { it.writeBytes(picture) }
        settle()
        assertTrue(text(staff, R.id.category) in shop().catalog.categories)
        fill(staff, "új/1", "12.x")
        assertEquals(staff.getString(R.string.bad_price), text(staff, R.id.message))
        fill(staff, "új/1", "12.50")
        assertEquals(staff.getString(R.string.added, "Blue mug"), text(staff, R.id.message))
        val found = search(SearchActivity.like(application, "új/1", "")).get()
        assertTrue(found.model.state is SearchState.Found)
        search.model.ask(Question(picture = saved()))
        settle()
        assertEquals("új/1", ids(search).first())
        staff.findViewById<View>(R.id.share_list).performClick()
        settle()
        val send = shadowOf(staff).nextStartedActivity.getParcelableExtra(Intent.EXTRA_INTENT, Intent::class.java)!!
        val names = ZipInputStream(staff.contentResolver.openInputStream(send.clipData!!.getItemAt(0).uri)).use { zip ->
            generateSequence { zip.nextEntry }.map { it.name }.toList()
        }
        assertTrue("$names", "products.csv" in names && names.any { it.startsWith("pictures/") })
        val details = Robolectric.buildActivity(
            DetailsActivity::class.java,
            DetailsActivity.intent(application, "új/1"),
        ).setup().get()
        settle()
        details.findViewById<View>(R.id.remove).performClick()
        settle()
        assertTrue(details.isFinishing)
        search.model.ask(Question("a mug"))
        settle()
        assertEquals(before, ids(search))
        assertEquals(emptyList<Throwable>(), uncaught)
    }

    /** One thread reads them: what the app keeps, and what it needs meanwhile, above what the process had before. */
    @Test
    fun `strips, long screenshots and 108 megapixels are answered or refused in words, within 200 MB`() {
        val activity = search().get()
        for ((width, height) in listOf(1 to 100_000, 1080 to 20_000, 12_000 to 9000, 300 to 140_000)) {
            val row = ByteArray(3 * width) { (it / 7).toByte() }
            val file = png(width, height) { row }
            System.gc()
            File("/proc/self/clear_refs").writeText("5") // the peak begins here
            val before = megabytes("VmRSS")
            activity.onPicture { it.writeBytes(file) }
            settle()
            val growth = megabytes("VmHWM") - before
            val (state, isTooLarge) = activity.model.state to (height == 140_000)
            assertEquals("$width x $height: $state", isTooLarge, state == SearchState.Failed(R.string.error_picture))
            assertEquals("$width x $height: $state", isTooLarge, state !is SearchState.Found)
            assertTrue("$width x $height: $growth MB", growth < 200)
        }
        assertEquals(emptyList<Throwable>(), uncaught)
    }

    private fun megabytes(name: String): Long =
        File("/proc/self/status").readLines().first { it.startsWith("$name:") }.filter(Char::isDigit).toLong() / 1024

    private fun fill(staff: StaffActivity, id: String, price: String) {
        for ((field, text) in listOf(R.id.id to id, R.id.name to "Blue mug", R.id.price to price)) {
            staff.findViewById<EditText>(field).setText(text)
        }
        staff.findViewById<View>(R.id.add).performClick()
        settle()
    }

    @Suppress("DEPRECATION") // by AndroidX
    private fun answer(activity: Activity, request: Int, result: Int, data: Intent?) =
        shadowOf(activity).callOnActivityResult(request, result, data)

    private fun text(activity: Activity, id: Int): String = activity.findViewById<TextView>(id).text.toString()

    private fun shop() = application.shop()

    private fun trim() {
        for (level in listOf(ComponentCallbacks2.TRIM_MEMORY_UI_HIDDEN, ComponentCallbacks2.TRIM_MEMORY_BACKGROUND)) {
            application.onTrimMemory(level)
        }
    }

    private fun search(intent: Intent? = null): ActivityController<SearchActivity> =
        Robolectric.buildActivity(SearchActivity::class.java, intent).setup().also { settle() }

    /** The screen after the process has ended: from what was saved, as bytes, and the intent alone. */
    private inline fun <reified T : Activity> killed(first: ActivityController<T>): ActivityController<T> {
        val saved = Bundle()
        first.pause().stop().saveInstanceState(saved).destroy()
        val bytes = Parcel.obtain().apply { writeBundle(saved) }.marshall()
        val again = Parcel.obtain().apply { unmarshall(bytes, 0, bytes.size) }.apply { setDataPosition(0) }
        val bundle = checkNotNull(again.readBundle(T::class.java.classLoader))
        val next = Robolectric.buildActivity(T::class.java, first.intent)
        next.create(bundle).start().restoreInstanceState(bundle).resume().visible()
        settle()
        return next
    }

    private fun saved(): Picture = Picture(Picture.newFile(application).apply { writeBytes(picture) })

    private fun ids(activity: SearchActivity): List<String> =
        (activity.model.state as? SearchState.Found)?.let { it.cards + it.doubtful }.orEmpty().map { it.id }

    /** The address of a picture of another app. */
    private fun offered(name: String): Uri = Uri.parse("content://gallery/$name").also {
        shadowOf(application.contentResolver).registerInputStreamSupplier(it) { picture.inputStream() }
    }
}
