package shop.mobileclip.app

import android.content.Intent
import android.os.Bundle
import android.view.View
import android.widget.ArrayAdapter
import android.widget.AutoCompleteTextView
import android.widget.EditText
import android.widget.ImageButton
import android.widget.TextView
import shop.mobileclip.android.Picture
import shop.mobileclip.android.PictureReader
import shop.mobileclip.android.SharedFiles
import shop.mobileclip.search.NewProduct
import java.io.File
import java.util.Locale

private const val FILE = "file"
private const val SIDE = 512 // pixels

/** The clerk's screen: a picture of a new product, its fields, and it is found at once; and the list of all, to be shared. */
class StaffActivity : ShopActivity() {
    private var file: File? = null

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        setContentView(R.layout.activity_staff)
        actionBar?.setDisplayHomeAsUpEnabled(true)
        findViewById<View>(R.id.picture).setOnClickListener { pictures.take() }
        findViewById<View>(R.id.add).setOnClickListener { add() }
        findViewById<View>(R.id.share_list).setOnClickListener { share() }
        work { shop ->
            val names = names(shop);
            { category().setAdapter(ArrayAdapter(this, android.R.layout.simple_list_item_1, names)) }
        }
        saved?.getString(FILE)?.let { show(File(it)) }
    }

    private fun names(shop: Shop) = shop.catalog.categories.filter { it.isNotEmpty() }

    private fun category() = findViewById<AutoCompleteTextView>(R.id.category)

    private fun text(id: Int): String = findViewById<EditText>(id).text.toString().trim()

    override fun onSaveInstanceState(saved: Bundle) {
        super.onSaveInstanceState(saved)
        saved.putString(FILE, file?.path)
    }

    override fun say(words: Int) = say(getString(words))

    private fun say(words: String) {
        findViewById<TextView>(R.id.message).text = words
    }

    override fun onPicture(copy: (File) -> Unit) = work {
        val file = Picture.newFile(this)
        copy(file);
        { show(file) }
    }

    /** Shows a picture, and then, in an empty field, the category that fits it best. */
    private fun show(file: File) {
        this.file = file
        work {
            val preview = PictureReader.preview(Picture(file).source(), SIDE);
            { findViewById<ImageButton>(R.id.picture).setImageBitmap(preview) }
        }
        work { shop ->
            val image = PictureReader.read(Picture(file).source(), shop.manifest.preprocessor())
            val labels = shop.searcher.labels(image, names(shop), shop.manifest, Locale.getDefault().language);
            { if (text(R.id.category).isEmpty()) category().setText(labels.firstOrNull()?.name, false) }
        }
    }

    private fun add() {
        val (id, name, price) = listOf(text(R.id.id), text(R.id.name), text(R.id.price))
        val (category, description) = text(R.id.category) to text(R.id.description)
        val picture = file
        if (picture == null || id.isEmpty() || name.isEmpty()) return say(R.string.incomplete)
        val amount = price.toBigDecimalOrNull()
        if (price.isNotEmpty() && amount == null) return say(R.string.bad_price)
        work { shop ->
            val source = Picture(picture).source()
            val small = PictureReader.thumbnail(source)
            val fields = NewProduct(id, name, amount, null, description, category, thumbnail = small)
            val image = PictureReader.read(source, shop.manifest.preprocessor())
            try {
                shop.change { it.add(fields, image, picture.readBytes()) };
                { added(name) }
            } catch (error: IllegalArgumentException) { // a price with too many decimals, too many products
                { say(R.string.bad_entry) }
            }
        }
    }

    private fun added(name: String) {
        say(getString(R.string.added, name))
        for (id in listOf(R.id.id, R.id.name, R.id.price, R.id.category, R.id.description)) {
            findViewById<EditText>(id).text = null
        }
        file = null
        findViewById<ImageButton>(R.id.picture).setImageResource(R.drawable.camera)
    }

    private fun share() = work { shop ->
        val folder = File(cacheDir, "list").apply { deleteRecursively() }
        shop.staff.export(folder)
        val send = SharedFiles.zipped(this, "products.zip", folder);
        { startActivity(Intent.createChooser(send, getText(R.string.share_list))) }
    }
}
