package shop.mobileclip.search

import java.io.File
import java.io.IOException
import java.math.BigDecimal
import java.security.MessageDigest

/** Turns a picture into its embedding: [Searcher.embedding], say. */
public fun interface PictureEmbedder {
    /** The embedding of an image; throws whatever the encoder throws. */
    public fun embedding(image: RGBImage): FloatArray
}

/**
 * Products that staff add on this phone: kept in [folder], found at once, exported as a list that `make catalog` takes.
 *
 * Each function works on the caller's thread, not for the main one, and one at a time. What it returned has been written: a
 * kill at any moment loses nothing that was finished. Give the catalog that comes back to [Searcher.use].
 *
 * Over another [base] than before, the shop's catalog of another day, what was added stays, but for what the shop's own list
 * has by now ([CatalogOverlay.rebased]); [rebase] does the same while the app runs, and knows more: the base until then.
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
            val opened = OverlayFile.open(file, overlay, anyBase = true)
            if (opened.isRebased) begin(opened.overlay) else use(opened.overlay)
        }
        clean()
    }

    /** Writes what is left over another base, so that what has arrived does not come back over the next one. */
    private fun begin(rebased: CatalogOverlay) {
        try {
            rebased.write(file)
        } catch (error: IOException) {
            // A full disk, which keeps nobody from searching: the next start does the same again.
        }
        use(rebased)
    }

    private fun use(next: CatalogOverlay) {
        catalog = next.base.adding(next)
        overlay = next
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
        val name = PICTURES + "/" + hex(MessageDigest.getInstance("SHA-256").digest(file)) + SUFFIX
        val product = fields.with(fields.extra + (PICTURES to name), listOf(embedder.embedding(picture)))
        val next = overlay.putting(product)
        writeWhole(File(folder, name), file)
        return keep(next)
    }

    /** The picture's file of a product that was added; null for another product. */
    public fun picture(id: String): File? =
        overlay.products.firstOrNull { it.id == id }?.extra?.get(PICTURES)?.let { File(folder, it) }

    /**
     * Removes the product of that id, be it one that was added or the base's.
     *
     * @throws IllegalArgumentException where there is none.
     */
    @Synchronized
    public fun remove(id: String): ProductCatalog = keep(overlay.removing(id))

    /** Undoes what was done to the product of that id. */
    @Synchronized
    public fun forget(id: String): ProductCatalog = keep(overlay.forgetting(id))

    /**
     * Lays what was added over the catalog that the shop published after the one until now ([UpdateOutcome.Updated.catalog]).
     *
     * @throws BadFileException where it is of another embedding space or currency.
     * @throws IOException if there is no room. In each case nothing has changed.
     */
    @Synchronized
    public fun rebase(base: ProductCatalog): ProductCatalog = keep(overlay.rebased(base))

    /**
     * Writes `products.csv` and `pictures/` into [to], for `make catalog PRODUCTS=…/products.csv`. Products removed are not in
     * it, since a list cannot say so: [CatalogOverlay.removed].
     */
    @Synchronized
    public fun export(to: File) {
        val products = overlay.products
        val target = File(to, PICTURES)
        if (!target.isDirectory && !target.mkdirs()) throw IOException("${target.path}: it cannot be made")
        for (name in products.mapNotNull { it.extra[PICTURES] }) {
            File(folder, name).copyTo(File(to, name), overwrite = true)
        }
        writeWhole(File(to, LIST), StaffList.csv(products).toByteArray())
    }

    private fun keep(next: CatalogOverlay): ProductCatalog {
        next.write(file)
        use(next)
        clean()
        return catalog
    }

    /** Deletes pictures of no product: of one that was replaced or removed, or that a kill left behind. */
    private fun clean() {
        val used = overlay.products.mapNotNull { it.extra[PICTURES] }.toSet()
        for (file in pictures.listFiles().orEmpty()) if ("$PICTURES/${file.name}" !in used) file.delete()
    }

    internal companion object {
        /** The folder, and the further field of a record that names its picture's file. */
        const val PICTURES = "pictures"
        private const val OVERLAY = "overlay.catalog"
        private const val LIST = "products.csv"
        private const val SUFFIX = ".jpg"
    }
}

/** Products as a list that the catalog's builder reads: FORMATS.md, "The exported list". */
internal object StaffList {
    private val COLUMNS = listOf("id", "name", "price", "currency", "description", "category", StaffProducts.PICTURES)
    private const val MARK = "\uFEFF" // of the byte order: spreadsheets take the text for UTF-8

    fun csv(products: List<CatalogProduct>): String {
        val others = (products.flatMap { it.extra.keys }.toSet() - COLUMNS).sortedWith(::compareUtf8)
        val rows = products.map { product ->
            val own = listOf(
                product.id,
                product.name,
                price(product.price),
                product.currency,
                product.description,
                product.category,
            )
            own + (listOf(StaffProducts.PICTURES) + others).map { product.extra[it].orEmpty() }
        }
        val lines = (listOf(COLUMNS + others) + rows).map { line -> line.joinToString(",", transform = ::cell) }
        return MARK + lines.joinToString("") { "$it\r\n" }
    }

    /** Two decimals, or four: three could be thousands. */
    private fun price(price: BigDecimal?): String {
        if (price == null) return ""
        val decimals = if (price.stripTrailingZeros().scale() <= 2) 2 else 4
        return price.setScale(decimals).toPlainString()
    }

    private fun cell(text: String): String = "\"" + text.replace("\"", "\"\"") + "\""
}
