package shop.mobileclip.app

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.ClipData
import android.content.Context
import android.content.Intent
import android.graphics.ImageDecoder
import android.os.Build
import android.os.Bundle
import android.provider.MediaStore

/** The search screen; with a product in its intent, what is like that. Wires views, model and other apps, nothing else. */
class SearchActivity : Activity() {
    private lateinit var model: SearchModel
    private lateinit var questionView: QuestionView
    private lateinit var answerView: AnswerView

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        setContentView(R.layout.activity_search)
        questionView = QuestionView(findViewById(R.id.question), { model.ask(it) }, ::takePicture, ::choosePicture)
        answerView = AnswerView(
            findViewById(R.id.answer),
            { model.retry() },
            { startActivity(DetailsActivity.intent(this, it)) },
        )
        @Suppress("DEPRECATION") // of fragments; an activity has nothing else of the framework's
        val kept = lastNonConfigurationInstance as SearchModel?
        model = kept ?: newModel()
        model.changed = ::draw
        if (kept == null) begin()
        draw()
    }

    private fun newModel(): SearchModel =
        (application as ShopApplication).let { SearchModel(it::shop, it.worker, it.main) }

    private fun begin() {
        model.start()
        if (intent.hasExtra(LIKE)) model.ask(Question(like = intent.getIntExtra(LIKE, 0)))
    }

    private fun draw() {
        val name = intent.getStringExtra(NAME)
        title = if (model.question.like == null) getText(R.string.app_name) else getString(R.string.more_like, name)
        questionView.show(model.question, model.categories)
        answerView.show(model.state)
    }

    @Deprecated("AndroidX has its successor")
    override fun onRetainNonConfigurationInstance(): Any = model

    override fun onDestroy() {
        model.changed = {}
        super.onDestroy()
    }

    private fun takePicture() {
        CaptureProvider.file(this).delete() // so that no old picture is taken for the new one
        val uri = CaptureProvider.uri(this)
        val capture = Intent(MediaStore.ACTION_IMAGE_CAPTURE).putExtra(MediaStore.EXTRA_OUTPUT, uri)
        start(CAMERA, capture.addFlags(CaptureProvider.GRANT).apply { clipData = ClipData.newRawUri(null, uri) })
    }

    /** By the system's photo picker, or its document picker before Android 13: neither needs a permission. */
    private fun choosePicture() = start(
        GALLERY,
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) {
            Intent(MediaStore.ACTION_PICK_IMAGES)
        } else {
            Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
        },
    )

    private fun start(request: Int, intent: Intent) = try {
        @Suppress("DEPRECATION") // by AndroidX; the framework has no other
        startActivityForResult(intent, request)
    } catch (error: ActivityNotFoundException) {
        answerView.show(SearchState.Failed(getString(R.string.no_picture_app)))
    }

    @Deprecated("AndroidX has its successor")
    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        if (result != RESULT_OK) return
        val source = when (request) {
            CAMERA -> ImageDecoder.createSource(CaptureProvider.file(this))
            else -> ImageDecoder.createSource(contentResolver, data?.data ?: return)
        }
        model.choose(questionView.text) { size -> readPicture(source, size) }
    }

    companion object {
        private const val CAMERA = 1
        private const val GALLERY = 2
        private const val LIKE = "like"
        private const val NAME = "name"

        /** Opens the search screen with what is like [product], a place in the catalog. */
        fun like(context: Context, product: Int, name: String): Intent =
            Intent(context, SearchActivity::class.java).putExtra(LIKE, product).putExtra(NAME, name)
    }
}
