package shop.mobileclip.search

import java.io.File

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
 * new base holds with the same fields.
 *
 * @throws BadFileException if what the folder holds is damaged, or of another embedding space.
 */
public class StaffProducts(private val folder: File, base: ProductCatalog, private val embedder: PictureEmbedder) {
    /** What was added and removed. */
    public var overlay: CatalogOverlay = CatalogOverlay.empty(base)
        private set

    /** The base with [overlay] over it. */
    public var catalog: ProductCatalog = base
        private set

    /**
     * Adds a product, or replaces the one of the same id. [fields]: without vectors. [picture] is embedded, [file] kept: the
     * picture's file as the camera wrote it, JPEG.
     */
    public fun add(fields: NewProduct, picture: RGBImage, file: ByteArray): ProductCatalog =
        TODO("$folder $embedder $fields $picture $file")

    /** Removes the product of that id, be it one that was added or the base's. */
    public fun remove(id: String): ProductCatalog = TODO(id)

    /** Undoes what was done to the product of that id. */
    public fun forget(id: String): ProductCatalog = TODO(id)

    /** Writes `products.csv` and `pictures/` into [to], for `make catalog PRODUCTS=…/products.csv`. */
    public fun export(to: File): Unit = TODO(to.path)
}
