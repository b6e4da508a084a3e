package shop.mobileclip.search

import java.io.File

/** An overlay's file: an ordinary catalog, its base's digest and the vectors before quantisation added. */
internal object OverlayFile {
    fun write(file: File, overlay: CatalogOverlay): Unit = TODO("$file $overlay")

    fun open(file: File, empty: CatalogOverlay): CatalogOverlay = TODO("$file $empty")
}
