package shop.mobileclip.app

import android.app.Activity
import android.app.AlertDialog
import android.content.Context
import android.content.Intent
import android.graphics.RectF
import android.os.Bundle
import android.view.Menu
import android.view.MenuItem
import android.widget.Toast
import shop.mobileclip.android.PartView
import shop.mobileclip.android.PictureTaker
import java.io.File

/**
 * The search screen; with a product in its intent, what is like that; with another app's picture or words, what these find.
 * Wires views, model and other apps, nothing else.
 */
class SearchActivity :
    Activity(),
    PictureTaker.Listener {
    private val shared get() = application as ShopApplication
    private val pictures = PictureTaker(this, this)
    private var dialog: AlertDialog? = null
    internal lateinit var model: SearchModel
        private set
    private lateinit var questionView: QuestionView
    private lateinit var answerView: AnswerView

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        setContentView(R.layout.activity_search)
        @Suppress("DEPRECATION") // of fragments; an activity has nothing else of the framework's
        val kept = lastNonConfigurationInstance as SearchModel?
        model = kept ?: SearchModel(shared::shop, shared.reader, shared.main)
        questionView = QuestionView(findViewById(R.id.question), model, pictures, ::choosePart)
        answerView = AnswerView(findViewById(R.id.answer), model::retry, ::open)
        model.changed = ::draw
        @Suppress("DEPRECATION") // by one that Android 9 has not
        if (kept == null) begin(saved?.getSerializable(QUESTION) as Question?)
        draw()
    }

    private fun begin(saved: Question?) {
        model.start()
        if (saved != null) return model.ask(saved)
        intent.getStringExtra(LIKE)?.let { return model.ask(Question(like = it)) }
        val words = intent.getCharSequenceExtra(Intent.EXTRA_TEXT) ?: intent.getCharSequenceExtra(Intent.EXTRA_PROCESS_TEXT)
        words?.let { model.ask(Question(text = it.toString())) }
        if (intent.action == Intent.ACTION_SEND) intent.clipData?.getItemAt(0)?.uri?.let(pictures::receive)
    }

    private fun draw() {
        val name = intent.getStringExtra(NAME)
        title = if (model.question.like == null) getText(R.string.app_name) else getString(R.string.more_like, name)
        questionView.show()
        answerView.show(model.state)
    }

    override fun onSaveInstanceState(saved: Bundle) {
        super.onSaveInstanceState(saved)
        saved.putSerializable(QUESTION, model.question)
    }

    @Deprecated("AndroidX has its successor")
    override fun onRetainNonConfigurationInstance(): Any = model

    override fun onDestroy() {
        dialog?.dismiss()
        model.changed = {}
        if (isFinishing) model.cancel()
        super.onDestroy()
    }

    override fun onCreateOptionsMenu(menu: Menu): Boolean {
        menuInflater.inflate(R.menu.search, menu)
        menu.findItem(R.id.staff).isVisible = resources.getBoolean(R.bool.staff)
        return true
    }

    @Suppress("DEPRECATION") // startActivityForResult: by AndroidX; the framework has no other
    override fun onOptionsItemSelected(item: MenuItem): Boolean {
        if (item.itemId == R.id.staff) startActivity(Intent(this, StaffActivity::class.java))
        if (item.itemId == R.id.live) startActivityForResult(Intent(this, LiveActivity::class.java), LIVE)
        return true
    }

    private fun choosePart() {
        val picture = model.question.picture ?: return
        val view = PartView(this).apply {
            this.picture = model.preview
            picture.part?.let { part = it }
            setPadding(PADDING, PADDING, PADDING, PADDING)
            contentDescription = getText(R.string.part)
        }
        fun ask(part: RectF?) = model.ask(questionView.typed.copy(picture = picture.withPart(part), like = null))
        dialog = AlertDialog.Builder(this).setTitle(R.string.part).setView(view)
            .setPositiveButton(R.string.use_part) { _, _ -> ask(view.part) }
            .setNegativeButton(R.string.whole) { _, _ -> ask(null) }
            .show()
    }

    override fun onPicture(copy: (File) -> Unit) = model.choose(questionView.typed, newPictureFile(this), copy)

    override fun onCameraRefused() = Toast.makeText(this, R.string.take_elsewhere, Toast.LENGTH_LONG).show()

    override fun onNoApp() = answerView.show(SearchState.Failed(R.string.no_picture_app))

    private fun open(card: Card, place: Int) {
        shared.count("chosen: place $place")
        startActivity(DetailsActivity.intent(this, card.id))
    }

    override fun onRequestPermissionsResult(request: Int, names: Array<String>, results: IntArray) =
        pictures.onPermission(request, results)

    @Deprecated("AndroidX has its successor")
    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        if (request != LIVE) return pictures.onResult(request, result, data)
        val file = data?.getStringExtra(LiveActivity.FILE) ?: return
        model.ask(questionView.typed.copy(picture = Picture(File(file)), like = null))
    }

    companion object {
        private const val LIVE = 1
        private const val PADDING = 48 // pixels round a picture whose corners are dragged
        private const val QUESTION = "question"
        private const val LIKE = "like"
        private const val NAME = "name"

        /** Opens the search screen with what is like the product of that [id]. */
        fun like(context: Context, id: String, name: String): Intent =
            Intent(context, SearchActivity::class.java).putExtra(LIKE, id).putExtra(NAME, name)
    }
}
