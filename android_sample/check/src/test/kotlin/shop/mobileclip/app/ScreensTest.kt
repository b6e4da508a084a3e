package shop.mobileclip.app

import android.app.Activity
import android.graphics.RectF
import android.os.Build
import android.view.View
import android.view.ViewGroup
import android.widget.EditText
import android.widget.ImageButton
import android.widget.LinearLayout
import android.widget.ListView
import android.widget.SeekBar
import android.widget.Spinner
import android.widget.TextView
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowDialog
import shop.mobileclip.android.Localized
import shop.mobileclip.android.Picture
import java.io.File

/** Every state of every screen, drawn by Android's own code: light and dark, four languages, large text, wide, right to left. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], qualifiers = "w411dp-h731dp-xhdpi", application = OfflineApplication::class)
class ScreensTest {
    @Test
    fun light() = drawAll("light")

    @Test
    fun dark() = drawAll("dark", "+night")

    @Test
    fun traditionalChinese() = drawAll("zh-Hant", "+zh-rTW")

    @Test
    fun german() = drawAll("german", "+de-rDE-w360dp-h740dp")

    @Test
    fun largeText() {
        RuntimeEnvironment.setFontScale(2f)
        drawAll("large-text")
    }

    @Test
    fun tablet() = drawAll("tablet", "+en-rUS-w1280dp-h800dp-land-mdpi")

    @Test
    fun landscape() = drawAll("landscape", "+en-rUS-w731dp-h411dp-land")

    @Test
    fun arabic() = drawAll("arabic", "+ar-rEG-ldrtl-w360dp-h740dp")

    @Test
    fun `Chinese is written as the country writes it, and numbers as the language does`() {
        val expected = mapOf(
            "zh-rTW" to "用文字或圖片搜尋",
            "zh-rHK" to "用文字或圖片搜尋",
            "zh-rCN" to "用文字或图片搜索",
            "zh-rSG" to "用文字或图片搜索",
            "de-rAT" to "Mit Text oder Bild suchen",
            "es-rMX" to "Buscar por texto o por imagen",
            "he-rIL" to "Search by words or by picture",
        )
        for ((qualifiers, idle) in expected) {
            RuntimeEnvironment.setQualifiers("+$qualifiers")
            assertEquals(qualifiers, idle, RuntimeEnvironment.getApplication().getString(R.string.idle))
        }
        RuntimeEnvironment.setQualifiers("+ar-rEG")
        val resources = RuntimeEnvironment.getApplication().resources
        val counted = listOf(0, 1, 2, 3, 11, 100).map { resources.getQuantityString(R.plurals.products, it, it) }
        assertEquals(listOf("لا منتجات", "منتج واحد", "منتجان", "٣ منتجات", "١١ منتجًا", "١٠٠ منتج"), counted)
        assertTrue("٢٩" in Localized.percent(29, resources.configuration.locales[0]))
    }

    @Test
    fun `the note lists what the model does not know`() {
        val activity = started(SearchActivity::class.java)
        val note = activity.findViewById<TextView>(R.id.note)
        val answer = AnswerView(activity.findViewById(R.id.answer), {}, { _, _ -> })
        answer.show(SearchState.Nothing(listOf("Han", "Cyrillic", "another script")))
        assertTrue("${note.text}", "writing: Han, Cyrillic, and another writing." in note.text)
        answer.show(SearchState.Nothing(emptyList()))
        assertEquals(View.GONE, note.visibility)
    }

    @Test
    fun `the heading stands above what is doubtful, and cannot be touched`() {
        val activity = started(SearchActivity::class.java)
        val list = activity.findViewById<ListView>(R.id.results)
        val opened = mutableListOf<Pair<String, Int>>()
        val answer = AnswerView(activity.findViewById(R.id.answer), {}, { card, place -> opened += card.id to place })
        for ((certain, doubtful) in listOf(2 to 1, 0 to 2, 2 to 0)) {
            opened.clear()
            answer.show(SearchState.Found(cards().take(certain), cards().takeLast(doubtful), emptyList()))
            settle()
            val rows = (0 until list.count).toList()
            val headings = if (doubtful == 0) emptyList() else listOf(certain)
            assertEquals(headings, rows.filter { list.getChildAt(it).isAccessibilityHeading })
            assertTrue(rows.none { list.adapter.isEnabled(it) })
            for (row in rows - headings.toSet()) (list.getChildAt(row) as LinearLayout).getChildAt(0).performClick()
            val ids = (cards().take(certain) + cards().takeLast(doubtful)).map { it.id }
            assertEquals(ids.mapIndexed { place, id -> id to place }, opened)
        }
    }

    @Test
    fun `what the words name stands first, under a heading of its own, and before there is an answer`() {
        val activity = started(SearchActivity::class.java)
        val (list, busy) = activity.findViewById<ListView>(R.id.results) to activity.findViewById<View>(R.id.busy)
        val opened = mutableListOf<Pair<String, Int>>()
        val answer = AnswerView(activity.findViewById(R.id.answer), {}, { card, place -> opened += card.id to place })
        fun rows() = (0 until list.count).map { list.adapter.getView(it, null, list) }
        fun headings() = rows().map { (it as? TextView)?.text?.toString() }
        val (named, heading) = cards { null }.take(2) to activity.getString(R.string.named)
        for (state in listOf(SearchState.Searching, SearchState.Preparing)) {
            answer.show(state, named)
            assertEquals(listOf(heading, null, null), headings())
            assertEquals(listOf(View.VISIBLE, View.VISIBLE), listOf(list, busy).map { it.visibility })
            assertEquals(View.GONE, activity.findViewById<View>(R.id.count).visibility)
        }
        answer.show(found(cards().take(1), cards(::doubtful).takeLast(1)), named)
        assertEquals(listOf(heading, null, null, null, activity.getString(R.string.doubtful), null), headings())
        assertEquals(listOf(View.VISIBLE, View.GONE), listOf(list, busy).map { it.visibility })
        assertEquals("2 products", "${activity.findViewById<TextView>(R.id.count).text}")
        for (row in rows().filterIsInstance<LinearLayout>()) row.getChildAt(0).performClick()
        val shown = named + cards().take(1) + cards().takeLast(1)
        assertEquals(shown.mapIndexed { place, card -> card.id to place }, opened)
        answer.show(SearchState.Searching)
        assertEquals(listOf(View.GONE, View.GONE), listOf(list, busy).map { it.visibility })
    }

    @Test
    fun `what was not measured shows no stars and no per cent, to no eye and to no screen reader`() {
        val activity = started(SearchActivity::class.java)
        val answer = AnswerView(activity.findViewById(R.id.answer), {}, { _, _ -> })
        answer.show(found(cards()))
        settle()
        assertTrue(words(activity).any { "%" in it } && words(activity).any { "star" in it })
        answer.show(found(cards { null }))
        settle()
        assertTrue(words(activity).isNotEmpty() && words(activity).none { "%" in it || "star" in it })
    }

    @Test
    fun `a screen reader is told how many there are, and each value`() {
        val activity = asked()
        val count = activity.findViewById<TextView>(R.id.count)
        assertEquals(listOf(View.VISIBLE, "20 products"), listOf(count.visibility, "${count.text}"))
        assertEquals(View.ACCESSIBILITY_LIVE_REGION_POLITE, count.accessibilityLiveRegion)
        val (slider, category) = activity.findViewById<SeekBar>(R.id.slider) to
            activity.findViewById<Spinner>(R.id.category)
        assertEquals("30% picture", slider.stateDescription)
        assertEquals(activity.getText(R.string.all_categories), category.stateDescription)
        category.setSelection(1)
        settle()
        assertEquals(shop.catalog.categories[0], category.stateDescription)
        assertTrue(details().findViewById<View>(R.id.card_name).isAccessibilityHeading)
    }

    @Test
    fun `a screen reader's words before Android 11, which has no states`() {
        val old = Build.VERSION.SDK_INT
        org.robolectric.util.ReflectionHelpers.setStaticField(Build.VERSION::class.java, "SDK_INT", 29)
        try {
            val slider = asked().findViewById<SeekBar>(R.id.slider)
            assertEquals("Balance between words and picture: 30% picture", slider.contentDescription)
        } finally {
            org.robolectric.util.ReflectionHelpers.setStaticField(Build.VERSION::class.java, "SDK_INT", old)
        }
    }

    @Test
    fun `right to left, English names and their prices stand on the same side`() {
        RuntimeEnvironment.setQualifiers("+ar-ldrtl")
        val card = (asked().findViewById<ListView>(R.id.results).getChildAt(1) as LinearLayout).getChildAt(0)
        val texts = listOf(R.id.card_name, R.id.card_price, R.id.card_description).map {
            card.findViewById<TextView>(it)
        }
        val (name, price, description) = texts.map { it.layout.getLineRight(0).toInt() - it.layout.width }
        assertTrue("$name $price $description", name == price && price == description)
    }

    /** What is shown or read aloud. */
    private fun words(activity: Activity): List<String> = all(activity.findViewById(R.id.results)).filter { it.isShown }
        .flatMap { listOfNotNull(it.contentDescription, (it as? TextView)?.text) }.map { it.toString() }

    private fun drawAll(variant: String, qualifiers: String = "+en-rUS") {
        RuntimeEnvironment.setQualifiers(qualifiers)
        for ((name, state) in states()) {
            val activity = started(SearchActivity::class.java)
            AnswerView(activity.findViewById(R.id.answer), {}, { _, _ -> }).show(state)
            draw(activity, "$variant-$name")
        }
        for ((name, state) in listOf("" to found(cards()), "-first" to SearchState.Preparing)) {
            val activity = started(SearchActivity::class.java)
            AnswerView(activity.findViewById(R.id.answer), {}, { _, _ -> }).show(state, cards { null }.take(3))
            draw(activity, "$variant-exact-matches$name")
        }
        val asked = asked()
        draw(asked, "$variant-picture-and-words")
        draw(details(), "$variant-details")
        asked.findViewById<View>(R.id.picture).performClick()
        settle()
        draw(checkNotNull(ShadowDialog.getLatestDialog().window).decorView, "$variant-part")
        draw(live(), "$variant-live")
        draw(staff(), "$variant-staff")
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
        "error" to SearchState.Failed(R.string.error_files),
        "error-picture" to SearchState.Failed(R.string.error_picture),
        "error-memory" to SearchState.Failed(R.string.error_memory),
    )

    private fun found(cards: List<Card>, doubtful: List<Card> = emptyList()) =
        SearchState.Found(cards, doubtful, emptyList())

    private fun cards(match: (Int) -> Card.Match? = ::certain): List<Card> =
        (0 until 5).map { Card.of(shop.catalog, 40 * it, match(it)) }

    private fun certain(place: Int) = Card.Match(5 - place, 97 - 19 * place)

    private fun doubtful(place: Int) = Card.Match(0, 9 - place)

    private fun asked(): SearchActivity {
        val activity = started(SearchActivity::class.java)
        val file = File.createTempFile("picture", null).apply { writeBytes(File(System.getenv("PICTURE")).readBytes()) }
        val picture = Picture(file).withPart(RectF(0.1f, 0.2f, 0.8f, 0.7f))
        activity.model.ask(Question("something sweet", picture, 0.3))
        settle()
        return activity
    }

    private fun details(): Activity {
        val intent = DetailsActivity.intent(RuntimeEnvironment.getApplication(), shop.catalog.product(7).id)
        val activity = Robolectric.buildActivity(DetailsActivity::class.java, intent).setup().get()
        settle()
        val message = activity.findViewById<TextView>(R.id.details_message)
        assertEquals(message.text.toString(), View.GONE, message.visibility)
        return activity
    }

    /** With what was found in a frame: there is no camera here. */
    private fun live(): Activity = started(LiveActivity::class.java).apply {
        show(cards().first())
        findViewById<View>(R.id.use).visibility = View.VISIBLE
    }

    private fun staff(): Activity = started(StaffActivity::class.java).apply {
        findViewById<EditText>(R.id.name).setText("Blue mug")
        findViewById<EditText>(R.id.price).setText("12.50")
        findViewById<TextView>(R.id.message).setText(R.string.incomplete)
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
    }
}
