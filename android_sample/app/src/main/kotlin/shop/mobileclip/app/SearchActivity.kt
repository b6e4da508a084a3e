package shop.mobileclip.app

import android.app.AlertDialog
import android.content.Context
import android.content.Intent
import android.graphics.RectF
import android.os.Bundle
import android.view.Menu
import android.view.MenuItem
import shop.mobileclip.android.PartView
import shop.mobileclip.android.Picture
import java.io.File

/** The search screen. Its intent may hold a product, to find what is like it, or another app's picture or words. */
class SearchActivity : ShopActivity() {
    private var dialog: AlertDialog? = null
    internal lateinit var model: SearchModel
        private set
    private lateinit var questionView: QuestionView
    private lateinit var answerView: AnswerView

    @Suppress("DEPRECATION") // of fragments; by one that Android 9 has not: the framework has nothing else
    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        setContentView(R.layout.activity_search)
        val kept = lastNonConfigurationInstance as SearchModel?
        model = kept ?: SearchModel(shared::shop, shared.reader, shared.main)
        questionView = QuestionView(findViewById(R.id.question), model, pictures, ::choosePart)
        answerView = AnswerView(findViewById(R.id.answer), { model.retry() }, ::open)
        model.changed = ::draw
        if (kept == null) begin(saved?.getSerializable(QUESTION) as Question?)
        draw()
    }

    private fun begin(saved: Question?) {
        model.start()
        if (saved != null) return model.ask(saved)
        intent.getStringExtra(LIKE)?.let { return model.ask(Question(like = it)) }
        val given = intent.extras ?: Bundle.EMPTY
        val words = given.getCharSequence(Intent.EXTRA_TEXT) ?: given.getCharSequence(Intent.EXTRA_PROCESS_TEXT)
        words?.let { model.ask(Question(text = it.toString())) }
        if (intent.action == Intent.ACTION_SEND) intent.clipData?.getItemAt(0)?.uri?.let(pictures::receive)
    }

    private fun draw() {
        val name = intent.getStringExtra(NAME)
        title = if (model.question.like == null) getText(R.string.app_name) else getString(R.string.more_like, name)
        questionView.show()
        answerView.show(model.state, model.named)
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
            contentDescription = getText(R.string.picture)
        }
        fun ask(part: RectF?) = model.ask(questionView.typed.copy(picture = picture.withPart(part), like = null))
        dialog = AlertDialog.Builder(this).setTitle(R.string.part).setView(view)
            .setPositiveButton(R.string.use_part) { _, _ -> ask(view.part) }
            .setNegativeButton(R.string.whole) { _, _ -> ask(null) }
            .show()
    }

    override fun onPicture(copy: (File) -> Unit) = model.choose(questionView.typed, Picture.newFile(this), copy)

    override fun say(words: Int) = answerView.show(SearchState.Failed(words))

    private fun open(card: Card, place: Int) {
        shared.count("chosen: place $place")
        startActivity(DetailsActivity.intent(this, card.id))
    }

    @Deprecated("AndroidX has its successor")
    @Suppress("DEPRECATION")
    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        super.onActivityResult(request, result, data)
        val file = data?.getStringExtra(LiveActivity.FILE).takeIf { request == LIVE } ?: return
        model.ask(questionView.typed.copy(picture = Picture(File(file)), like = null))
    }

    companion object {
        private const val LIVE = 1
        private const val QUESTION = "question"
        private const val LIKE = "like"
        private const val NAME = "name"

        /** Opens the search screen with what is like the product of that [id]. */
        fun like(context: Context, id: String, name: String): Intent =
            Intent(context, SearchActivity::class.java).putExtra(LIKE, id).putExtra(NAME, name)
    }
}
