package shop.mobileclip.app

import android.view.View
import android.view.ViewGroup
import android.view.inputmethod.InputMethodManager
import android.widget.AdapterView
import android.widget.ArrayAdapter
import android.widget.EditText
import android.widget.ImageView
import android.widget.SeekBar
import android.widget.Spinner

/**
 * The upper part of the search screen: the text, the picture, the slider between both, the category. It calls [ask] with
 * each new question, and draws only what [show] gives it.
 */
class QuestionView(
    private val root: ViewGroup,
    private val ask: (Question) -> Unit,
    takePicture: () -> Unit,
    choosePicture: () -> Unit,
) {
    private val input: EditText = root.findViewById(R.id.text)
    private val pictureRow: View = root.findViewById(R.id.picture_row)
    private val picture: ImageView = root.findViewById(R.id.picture)
    private val sliderRow: View = root.findViewById(R.id.slider_row)
    private val slider: SeekBar = root.findViewById(R.id.slider)
    private val category: Spinner = root.findViewById(R.id.category)
    private var question = Question()
    private var categories: List<String> = emptyList()

    /** What stands in the field, asked or not. */
    val text: String get() = input.text.toString()

    init {
        input.setOnEditorActionListener { _, _, _ ->
            typed()
            true
        }
        root.findViewById<View>(R.id.search).setOnClickListener { typed() }
        root.findViewById<View>(R.id.camera).setOnClickListener { takePicture() }
        root.findViewById<View>(R.id.gallery).setOnClickListener { choosePicture() }
        root.findViewById<View>(R.id.remove).setOnClickListener { ask(question.copy(text = text, picture = null)) }
        slider.setOnSeekBarChangeListener(Moved { ask(question.copy(text = text, slider = it)) })
        category.onItemSelectedListener = Chosen { place ->
            val wanted = categories.getOrNull(place - 1) // before them stands: all
            if (wanted != question.category) ask(question.copy(text = text, category = wanted))
        }
    }

    fun show(question: Question, categories: List<String>) {
        if (question.text != this.question.text) write(question.text)
        this.question = question
        picture.setImageBitmap(question.picture?.preview)
        pictureRow.visibility = if (question.picture != null) View.VISIBLE else View.GONE
        sliderRow.visibility =
            if (question.picture != null && question.text.isNotBlank()) View.VISIBLE else View.INVISIBLE
        slider.progress = Math.round(question.slider * slider.max).toInt()
        if (categories != this.categories) showCategories(categories)
        category.setSelection(categories.indexOf(question.category) + 1)
    }

    private fun write(text: String) {
        input.setText(text)
        input.setSelection(input.length())
    }

    private fun showCategories(names: List<String>) {
        categories = names
        val shown = listOf(root.context.getString(R.string.all_categories)) +
            names.map { it.ifEmpty { root.context.getString(R.string.no_category) } }
        category.adapter = ArrayAdapter(root.context, android.R.layout.simple_spinner_item, shown).apply {
            setDropDownViewResource(android.R.layout.simple_spinner_dropdown_item)
        }
        category.visibility = if (names.size > 1) View.VISIBLE else View.GONE
    }

    private fun typed() {
        root.context.getSystemService(InputMethodManager::class.java).hideSoftInputFromWindow(input.windowToken, 0)
        ask(question.copy(text = text, like = null))
    }

    /** Tells the slider's place, 0 to 1, when it is let go, or moved by a key or by a screen reader. */
    private class Moved(private val tell: (Double) -> Unit) : SeekBar.OnSeekBarChangeListener {
        private var held = false

        override fun onStartTrackingTouch(bar: SeekBar) {
            held = true
        }

        override fun onStopTrackingTouch(bar: SeekBar) {
            held = false
            tell(bar.progress.toDouble() / bar.max)
        }

        override fun onProgressChanged(bar: SeekBar, progress: Int, byUser: Boolean) {
            if (byUser && !held) tell(progress.toDouble() / bar.max)
        }
    }

    private class Chosen(private val tell: (Int) -> Unit) : AdapterView.OnItemSelectedListener {
        override fun onItemSelected(parent: AdapterView<*>, view: View?, place: Int, id: Long) = tell(place)

        override fun onNothingSelected(parent: AdapterView<*>) = Unit
    }
}
