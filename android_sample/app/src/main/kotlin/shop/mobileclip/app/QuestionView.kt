package shop.mobileclip.app

import android.os.Build
import android.view.KeyEvent
import android.view.View
import android.view.ViewGroup
import android.view.inputmethod.InputMethodManager
import android.widget.AdapterView
import android.widget.ArrayAdapter
import android.widget.EditText
import android.widget.ImageView
import android.widget.SeekBar
import android.widget.Spinner
import shop.mobileclip.android.Localized
import shop.mobileclip.android.PartView
import shop.mobileclip.android.PictureTaker
import shop.mobileclip.android.ScreenReader
import shop.mobileclip.search.EncoderPart
import java.math.BigDecimal

/** The upper part of the search screen: the text, the picture, the slider between both, the category, the prices. */
class QuestionView(
    private val root: ViewGroup,
    private val model: SearchModel,
    private val pictures: PictureTaker,
    choosePart: () -> Unit,
) {
    private val input: EditText = root.findViewById(R.id.text)
    private val pictureRow: View = root.findViewById(R.id.picture_row)
    private val picture: ImageView = root.findViewById(R.id.picture)
    private val sliderRow: View = root.findViewById(R.id.slider_row)
    private val slider: SeekBar = root.findViewById(R.id.slider)
    private val category: Spinner = root.findViewById(R.id.category)
    private val lowest: EditText = root.findViewById(R.id.lowest)
    private val highest: EditText = root.findViewById(R.id.highest)
    private var question = Question()
    private var categories: List<String> = emptyList()

    /** What stands in the fields, asked or not. */
    val typed: Question
        get() = question.copy(text = input.text.toString(), lowest = price(lowest), highest = price(highest))

    init {
        for (field in listOf(input, lowest, highest)) {
            field.setOnEditorActionListener { _, _, key ->
                if (key == null || key.action == KeyEvent.ACTION_DOWN) search() // of a key that goes up again: once
                true
            }
        }
        input.setOnFocusChangeListener { _, has -> if (has) model.prepare(EncoderPart.TEXT) }
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) receivePictures()
        root.findViewById<View>(R.id.search).setOnClickListener { search() }
        root.findViewById<View>(R.id.camera).setOnClickListener { pictures.take() }
        root.findViewById<View>(R.id.gallery).setOnClickListener { pictures.choose() }
        root.findViewById<View>(R.id.remove).setOnClickListener { model.ask(typed.copy(picture = null)) }
        picture.setOnClickListener { choosePart() }
        slider.setOnSeekBarChangeListener(Moved { model.ask(typed.copy(slider = it)) })
        category.onItemSelectedListener = Chosen { place ->
            val wanted = categories.getOrNull(place - 1) // before them stands: all
            describe(category, R.string.category, category.selectedItem.toString())
            if (wanted != question.category) model.ask(typed.copy(category = wanted))
        }
    }

    fun show() {
        val question = model.question
        if (question.text != this.question.text) write(input, question.text)
        if (question.lowest != this.question.lowest) write(lowest, question.lowest?.toPlainString() ?: "")
        if (question.highest != this.question.highest) write(highest, question.highest?.toPlainString() ?: "")
        this.question = question
        picture.setImageBitmap(model.preview?.let { PartView.cut(it, question.picture?.part) })
        pictureRow.visibility = if (question.picture != null) View.VISIBLE else View.GONE
        sliderRow.visibility =
            if (question.picture != null && question.text.isNotBlank()) View.VISIBLE else View.INVISIBLE
        slider.progress = Math.round(question.slider * slider.max).toInt()
        val language = root.resources.configuration.locales[0]
        val percent = Localized.percent(100 * slider.progress / slider.max, language)
        describe(slider, R.string.slider, root.context.getString(R.string.slider_state, percent))
        if (categories != model.categories) showCategories(model.categories)
        category.setSelection(categories.indexOf(question.category) + 1)
        root.findViewById<View>(R.id.prices).visibility = if (model.isPriced) View.VISIBLE else View.GONE
    }

    private fun write(field: EditText, text: String) {
        field.setText(text)
        field.setSelection(field.length())
    }

    private fun price(field: EditText): BigDecimal? = field.text.toString().toBigDecimalOrNull()

    private fun showCategories(names: List<String>) {
        categories = names
        val shown = listOf(root.context.getString(R.string.all_categories)) +
            names.map { it.ifEmpty { root.context.getString(R.string.no_category) } }
        category.adapter = ArrayAdapter(root.context, android.R.layout.simple_spinner_item, shown).apply {
            setDropDownViewResource(android.R.layout.simple_spinner_dropdown_item)
        }
        category.visibility = if (names.size > 1) View.VISIBLE else View.GONE
    }

    private fun describe(view: View, name: Int, value: String) =
        ScreenReader.describe(view, root.context.getString(name), value)

    private fun receivePictures() = input.setOnReceiveContentListener(arrayOf("image/*")) { _, content ->
        val parts = content.partition { it.uri != null }
        parts.first?.clip?.getItemAt(0)?.uri?.let(pictures::receive)
        parts.second
    }

    private fun search() {
        root.context.getSystemService(InputMethodManager::class.java).hideSoftInputFromWindow(input.windowToken, 0)
        model.ask(typed.copy(like = null))
    }

    /** Tells the slider's place, 0 to 1, when it is let go, or moved by a key or by a screen reader. */
    private class Moved(private val tell: (Double) -> Unit) : SeekBar.OnSeekBarChangeListener {
        override fun onStartTrackingTouch(bar: SeekBar) = Unit

        override fun onStopTrackingTouch(bar: SeekBar) = tell(bar.progress.toDouble() / bar.max)

        override fun onProgressChanged(bar: SeekBar, progress: Int, byUser: Boolean) {
            if (byUser && !bar.isPressed) tell(progress.toDouble() / bar.max)
        }
    }

    private class Chosen(private val tell: (Int) -> Unit) : AdapterView.OnItemSelectedListener {
        override fun onItemSelected(parent: AdapterView<*>, view: View?, place: Int, id: Long) = tell(place)

        override fun onNothingSelected(parent: AdapterView<*>) = Unit
    }
}
