package shop.mobileclip.app

import android.app.Activity
import android.graphics.Bitmap
import android.os.Looper
import android.view.View
import android.view.ViewGroup
import android.widget.ImageButton
import android.widget.ListView
import android.widget.TextView
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import shop.mobileclip.search.RGBImage
import java.util.Locale
import java.util.concurrent.FutureTask

/** Every state of every screen, drawn by Android's own code: light and dark, two languages, large text. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], qualifiers = "w411dp-h731dp-xhdpi")
class ScreensTest {
    @Test
    fun light() = drawAll("light")

    @Test
    fun dark() = drawAll("dark", "+night")

    @Test
    fun traditionalChinese() = drawAll("zh-Hant", "+zh-rTW")

    @Test
    fun largeText() {
        RuntimeEnvironment.setFontScale(2f)
        drawAll("large-text")
    }

    @Test
    fun `the heading stands above what is doubtful, and cannot be touched`() {
        val activity = started(SearchActivity::class.java)
        val list = activity.findViewById<ListView>(R.id.results)
        val opened = mutableListOf<Int>()
        val answer = AnswerView(activity.findViewById(R.id.answer), {}, { opened += it })
        for ((certain, doubtful) in listOf(2 to 1, 0 to 2, 2 to 0)) {
            opened.clear()
            answer.show(SearchState.Found(cards().take(certain), cards().takeLast(doubtful), emptyList()))
            settle()
            val rows = (0 until list.count).toList()
            val headings = if (doubtful == 0) emptyList() else listOf(certain)
            assertEquals(headings, rows.filter { list.getChildAt(it).isAccessibilityHeading })
            assertEquals(headings, rows.filterNot { list.adapter.isEnabled(it) })
            for (row in rows) list.performItemClick(list.getChildAt(row), row, list.getItemIdAtPosition(row))
            assertEquals((cards().take(certain) + cards().takeLast(doubtful)).map { it.product }, opened)
        }
    }

    @Test
    fun `what was not measured shows no stars and no per cent, to no eye and to no screen reader`() {
        val activity = started(SearchActivity::class.java)
        val answer = AnswerView(activity.findViewById(R.id.answer), {}, {})
        answer.show(found(cards()))
        settle()
        assertTrue(words(activity).any { "%" in it } && words(activity).any { "star" in it })
        answer.show(found(cards { null }))
        settle()
        assertTrue(words(activity).isNotEmpty() && words(activity).none { "%" in it || "star" in it })
    }

    /** What is shown or read aloud. */
    private fun words(activity: Activity): List<String> = all(activity.findViewById(R.id.results)).filter { it.isShown }
        .flatMap { listOfNotNull(it.contentDescription, (it as? TextView)?.text) }.map { it.toString() }

    private fun drawAll(variant: String, qualifiers: String = "+en-rUS") {
        RuntimeEnvironment.setQualifiers(qualifiers)
        for ((name, state) in states()) {
            val activity = started(SearchActivity::class.java)
            AnswerView(activity.findViewById(R.id.answer), {}, {}).show(state)
            draw(activity, "$variant-$name")
        }
        val both = started(SearchActivity::class.java)
        QuestionView(both.findViewById(R.id.question), {}, {}, {}).show(QUESTION, shop.catalog.categories)
        AnswerView(both.findViewById(R.id.answer), {}, {}).show(found(cards()))
        draw(both, "$variant-picture-and-words")
        draw(details(), "$variant-details")
    }

    private fun states(): Map<String, SearchState> = mapOf(
        "idle" to SearchState.Idle,
        "preparing" to SearchState.Preparing,
        "searching" to SearchState.Searching,
        "results" to found(cards()),
        "less-certain" to found(cards().take(2), cards(::doubtful).drop(2)),
        "only-less-certain" to found(emptyList(), cards(::doubtful)),
        "not-measured" to found(cards { null }),
        "unknown-script" to SearchState.Found(cards(), emptyList(), listOf("Han", "another script")),
        "no-match" to SearchState.Nothing(emptyList()),
        "error" to SearchState.Failed("shop.catalog: a file of 12 bytes, too short for a header"),
    )

    private fun found(cards: List<Card>, doubtful: List<Card> = emptyList()) =
        SearchState.Found(cards, doubtful, emptyList())

    private fun cards(match: (Int) -> Card.Match? = ::certain): List<Card> =
        (0 until 5).map { Card.of(shop.catalog, 40 * it, Locale.getDefault(), match(it)) }

    private fun certain(place: Int) = Card.Match(5 - place, 97 - 19 * place)

    private fun doubtful(place: Int) = Card.Match(0, 9 - place)

    private fun details(): Activity {
        val intent = DetailsActivity.intent(RuntimeEnvironment.getApplication(), 7)
        val controller = Robolectric.buildActivity(DetailsActivity::class.java, intent).setup()
        settle()
        val message = controller.get().findViewById<TextView>(R.id.details_message)
        assertEquals(message.text.toString(), View.GONE, message.visibility)
        return controller.get()
    }

    private fun <T : Activity> started(screen: Class<T>): T =
        Robolectric.buildActivity(screen).setup().get().also { settle() }

    private fun draw(activity: Activity, name: String) {
        settle()
        val root = activity.window.decorView as ViewGroup
        draw(root, name)
        for ((view, size) in touchable(activity.findViewById(android.R.id.content))) {
            assertTrue("$name: $view is $size dp", size.first >= 47.5f && size.second >= 47.5f)
        }
        for (view in all(root).filterIsInstance<ImageButton>()) assertNotNull("$name: $view", view.contentDescription)
    }

    private companion object {
        val shop = testShop()
        private val COLOURS = IntArray(64 * 64) { 0xFF000000.toInt() or it * 1000 }
        private val PREVIEW = Bitmap.createBitmap(COLOURS, 64, 64, Bitmap.Config.ARGB_8888)
        val QUESTION = Question("something sweet", Picture(RGBImage(ByteArray(12), 2, 2), PREVIEW), 0.3)

        /** Waits for the app's worker, and for what it posts to the main thread. */
        fun settle() = repeat(3) {
            val application = RuntimeEnvironment.getApplication() as ShopApplication
            FutureTask<Unit>({}, Unit).also { application.worker.execute(it) }.get()
            shadowOf(Looper.getMainLooper()).idle()
        }
    }
}
