package shop.mobileclip.search

import java.io.File
import java.io.IOException
import java.security.MessageDigest

/** Turns a picture into its embedding: [Searcher.embedding], say. */
public fun interface PictureEmbedder {
    public fun embedding(image: RGBImage): FloatArray
}

/**
 * Products that staff add on this phone: kept in [folder], found at once, exported as a list that `make catalog` takes.
 *
 * Each function works on the caller's thread, not for the main one, and one at a time. What it returned has been written: a
 * kill at any moment loses nothing that was finished. Give the catalog that comes back to [Searcher.use].
 *
 * Over another [base] than before (the shop's own catalog was built anew), what was added stays, but for products that the
 * new base holds with the same fields: those have arrived.
 *
 * @throws BadFileException if what the folder holds is damaged, or of another embedding space.
 */
public class StaffProducts(private val folder: File, base: ProductCatalog, private val embedder: PictureEmbedder) {
    private val file = File(folder, OVERLAY)
    private val pictures = File(folder, PICTURES)

    /** What was added and removed. */
    @Volatile
    public var overlay: CatalogOverlay = CatalogOverlay.empty(base)
        private set

    /** The base with [overlay] over it. */
    @Volatile
    public var catalog: ProductCatalog = base
        private set

    init {
        if (!pictures.isDirectory && !pictures.mkdirs()) throw IOException("${pictures.path}: it cannot be made")
        if (file.exists()) {
            overlay = OverlayFile.open(file, overlay, anyBase = true).arrived()
            catalog = base.adding(overlay)
        }
        clean()
    }

    /**
     * Adds a product, or replaces the one of the same id. [fields]: without vectors. [picture] is embedded; [file], the same
     * picture as the camera wrote it (JPEG), is kept and exported, so that the shop's own builder embeds it anew.
     *
     * @throws IllegalArgumentException as [CatalogOverlay.putting] does; and whatever the encoder throws.
     * @throws IOException if there is no room: then nothing has changed.
     */
    @Synchronized
    public fun add(fields: NewProduct, picture: RGBImage, file: ByteArray): ProductCatalog {
        require(fields.vectors.isEmpty()) { "the vectors come from the picture" }
        val name = hex(MessageDigest.getInstance("SHA-256").digest(file)) + SUFFIX
        val product = fields.with(fields.extra + (PICTURE to name), listOf(embedder.embedding(picture)))
        val next = overlay.putting(product)
        writeWhole(File(pictures, name), file)
        return keep(next)
    }

    /** Removes the product of that id, be it one that was added or the base's. */
    @Synchronized
    public fun remove(id: String): ProductCatalog = keep(overlay.removing(id))

    /** Undoes what was done to the product of that id. */
    @Synchronized
    public fun forget(id: String): ProductCatalog = keep(overlay.forgetting(id))

    /**
     * Writes `products.csv` and `pictures/` into [to], for `make catalog PRODUCTS=…/products.csv`. Products removed are not in
     * it, since a list cannot say so: [CatalogOverlay.removed].
     */
    @Synchronized
    public fun export(to: File) {
        val products = overlay.products
        val target = File(to, PICTURES)
        if (!target.isDirectory && !target.mkdirs()) throw IOException("${target.path}: it cannot be made")
        for (name in products.mapNotNull { it.extra[PICTURE] }) {
            File(pictures, name).copyTo(File(target, name), overwrite = true)
        }
        writeWhole(File(to, LIST), StaffList.csv(products, PICTURE, PICTURES).toByteArray())
    }

    private fun keep(next: CatalogOverlay): ProductCatalog {
        next.write(file)
        val added = next.base.adding(next)
        overlay = next
        catalog = added
        clean()
        return added
    }

    /** Deletes pictures of no product: of one that was replaced or removed, or that a kill left behind. */
    private fun clean() {
        val used = overlay.products.mapNotNull { it.extra[PICTURE] }.toSet()
        for (file in pictures.listFiles().orEmpty()) if (file.name !in used) file.delete()
    }

    private companion object {
        const val OVERLAY = "staff.catalog"
        const val LIST = "products.csv"
        const val PICTURES = "pictures"
        const val PICTURE = "picture" // the column of a record that names its picture's file
        const val SUFFIX = ".jpg"
    }
}

/** Products as a list that the catalog's builder reads: RFC 4180, UTF-8. */
internal object StaffList {
    private val COLUMNS = listOf("id", "name", "price", "currency", "description", "category")

    /** [key]: the column of a record that names its picture's file, in [folder]. */
    fun csv(products: List<CatalogProduct>, key: String, folder: String): String {
        val others = products.flatMap { it.extra.keys }.distinct() - key
        val rows = products.map { product ->
            listOf(
                product.id, product.name, product.price?.toPlainString().orEmpty(), product.currency,
                product.description, product.category, product.extra[key]?.let { "$folder/$it" }.orEmpty(),
            ) + others.map { product.extra[it].orEmpty() }
        }
        val lines = listOf(COLUMNS + "pictures" + others) + rows
        return lines.joinToString("") { line -> line.joinToString(",", transform = ::cell) + "\r\n" }
    }

    private fun cell(text: String): String =
        if (text.any { it in "\",\r\n" }) "\"" + text.replace("\"", "\"\"") + "\"" else text
}
