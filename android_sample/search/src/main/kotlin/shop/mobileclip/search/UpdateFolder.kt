package shop.mobileclip.search

import java.io.File
import java.io.IOException

/** The folder in which an app keeps what its updates brought. Nothing else may lie in it. Throws [UpdateFault]. */
internal class UpdateFolder(private val folder: File, name: String, private val highest: File, val disk: Disk) {
    /** The statement in force, as it was fetched. */
    val statement: File = File(folder, "$name.update")

    private val givenUp = File(folder, "given-up")

    fun catalog(digest: String): File = File(folder, digest + CATALOG)

    /** A download that is not whole. */
    fun part(file: UpdateStatement.RemoteFile): File = File(folder, file.sha256 + PART)

    /** Other encoders: a folder. */
    fun bundle(manifest: UpdateStatement.Bundle): File = File(folder, manifest.sha256 + BUNDLE)

    /** The same while they are fetched. */
    fun partOf(manifest: UpdateStatement.Bundle): File = File(folder, manifest.sha256 + BUNDLE + PART)

    /** A catalog that is being made of a delta. */
    fun made(digest: String): File = File(folder, digest + CATALOG + PARTIAL)

    /** The highest number that was ever in force; 0 where nothing says so. */
    fun highest(): Long = try {
        highest.takeIf { it.length() in 1..MOST_DIGITS }?.readText()?.takeIf(DECIMAL::matches)?.toLong() ?: 0
    } catch (error: IOException) {
        0
    }

    /** The digest of a bundle's manifest whose encoders did not load here; null where none was given up. */
    fun givenUp(): String? = try {
        givenUp.takeIf { it.length() == DIGITS }?.readText()
    } catch (error: IOException) {
        null
    }

    fun giveUp(bundle: UpdateStatement.Bundle) = write(givenUp, bundle.sha256.toByteArray())

    fun writeHighest(number: Long) = write(highest, number.toString().toByteArray())

    /** Writes a file whole or not at all, and onto the disk. */
    fun write(file: File, content: ByteArray) = writing(file) {
        val partial = File(file.path + PARTIAL)
        disk.makeFolder(file.absoluteFile.parentFile)
        disk.writer(partial, 0).use {
            it.write(content, content.size)
            it.sync()
        }
        disk.move(partial, file)
    }

    fun move(from: File, to: File) = writing(to) {
        disk.makeFolder(to.absoluteFile.parentFile)
        disk.move(from, to)
    }

    fun makeFolder() = writing(folder) { disk.makeFolder(folder) }

    /** Deletes a file, or a folder with all in it. */
    fun delete(file: File) = writing(file) { deleteAll(file) }

    private fun deleteAll(file: File) = file.walkBottomUp().forEach(disk::delete)

    /** Deletes all that updates left here, but what [keep] names. What cannot be deleted stays. */
    fun clean(keep: Set<File>) = clean { OWN.matches(it.name) && it !in keep }

    /** The same of what is not whole. */
    fun cleanParts(keep: Set<File> = emptySet()) = clean { PARTS.matches(it.name) && it !in keep }

    /** Downloads that are not whole. */
    fun parts(): Set<File> = folder.listFiles().orEmpty().filter { it.name.endsWith(PART) }.toSet()

    private fun clean(isUseless: (File) -> Boolean) {
        try {
            for (file in folder.listFiles().orEmpty().filter(isUseless)) deleteAll(file)
        } catch (error: IOException) {
            // What is left does no harm, and goes at the next start.
        }
    }

    private companion object {
        const val CATALOG = ".catalog"
        const val PART = ".part"
        const val BUNDLE = ".bundle"
        const val MOST_DIGITS = 16L
        const val DIGITS = 64L
        val DECIMAL = Regex("[0-9]{1,16}")
        val OWN = Regex("""[0-9a-f]{64}\.(catalog|part|bundle|bundle\.part)|.+\.update|.+\.partial""")
        val PARTS = Regex("""[0-9a-f]{64}(\.bundle)?\.part|.+\.partial""")
    }
}

/** Runs what writes [file]; what the system says against it is a want of room. */
internal inline fun <T> writing(file: File, write: () -> T): T = try {
    write()
} catch (error: BadFileException) {
    throw error
} catch (error: IOException) {
    throw UpdateFault(UpdateErrorKind.DISK, "${file.path}: it cannot be written: ${error.message}", error)
}
