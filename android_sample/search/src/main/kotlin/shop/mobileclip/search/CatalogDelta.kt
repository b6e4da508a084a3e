package shop.mobileclip.search

import java.io.File

/** The end of the name of a file that is not whole. */
internal const val PARTIAL = ".partial"

/**
 * A small file that makes the catalog of today from that of yesterday, byte for byte: FORMATS.md, "A catalog that follows
 * another". What has not changed is copied from the mapped base, a block at a time: neither catalog is ever in memory.
 */
public object CatalogDelta {
    /**
     * Writes the catalog that [delta] makes of [base] to [target], whole and verified or not at all, and opens it.
     *
     * @throws BadFileException for a delta that is damaged ([ErrorKind.DAMAGED]) or for another catalog
     * ([ErrorKind.MISMATCHED]): what stood in [target] stays, and the whole catalog is to be fetched.
     * @throws java.io.IOException if there is no room.
     */
    @JvmStatic
    public fun apply(base: ProductCatalog, delta: File, target: File): ProductCatalog {
        val partial = File(target.path + PARTIAL)
        try {
            val result = write(base, delta, partial, Disk.System) {}
            ProductCatalog.open(partial, base.space, result).verify()
            Disk.System.move(partial, target)
            return ProductCatalog.open(target, base.space, result)
        } finally {
            partial.delete()
        }
    }

    /**
     * Writes the catalog that follows to [target], onto the disk, not verified; its digest is returned. [onBlock] is called
     * before each block. Throws [BadFileException], and IOException as [disk] does.
     */
    internal fun write(base: ProductCatalog, delta: File, target: File, disk: Disk, onBlock: () -> Unit): String =
        MappedFile.open(delta) { file ->
            val read = DeltaFile.read(file)
            require(base.parts.size == 1) { "a delta for a catalog that has products over it" }
            wellFormed(read.base == base.digest, ErrorKind.MISMATCHED) {
                "the delta is for another catalog: ${read.base}, not ${base.digest}"
            }
            val result = DeltaResult(base, read)
            disk.writer(target, 0).use { result.write(it, onBlock) }
            read.result
        }
}
