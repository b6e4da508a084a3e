package shop.mobileclip.search

import java.io.File
import java.security.MessageDigest

/** The encoders of a statement of that [space]: the folder in which they lie, and how it is filled. */
internal class UpdateBundle(
    private val folder: UpdateFolder,
    private val bundle: UpdateStatement.Bundle,
    private val space: String,
) {
    /** `manifest.json`, and each file at its path from there. */
    val encoders: File = folder.bundle(bundle)

    /** Until they and their catalog are whole. Only whole files lie in it. */
    val partial: File = folder.partOf(bundle)

    /** Downloads, not whole. */
    val parts: List<File> = (bundle.files + bundle).map(folder::part)

    /**
     * Throws [BadFileException] unless all is there: the manifest by its digest and its space, the files by their sizes. What
     * their bytes are was checked when they came.
     */
    fun check() {
        val manifest = File(encoders, MANIFEST)
        checkSize(manifest, bundle)
        checkManifest(manifest)
        for (file in bundle.files) checkSize(File(encoders, bundle.inside(file)), file)
    }

    /** Fetches what is not there already. Throws [UpdateFault]. */
    fun fetch(run: UpdateRun) {
        try {
            return check()
        } catch (error: BadFileException) {
            folder.delete(encoders) // mostly there is none
        }
        bring(bundle, File(partial, MANIFEST), run)
        for (file in bundle.files) bring(file, File(partial, bundle.inside(file)), run)
        try {
            checkManifest(File(partial, MANIFEST))
        } catch (error: BadFileException) {
            run.damaged(partial, error.message.orEmpty())
        }
    }

    /** Gives the folder its name, once its catalog is there too. */
    fun name() {
        if (!encoders.exists()) folder.move(partial, encoders)
    }

    private fun bring(file: UpdateStatement.RemoteFile, place: File, run: UpdateRun) {
        if (place.length() != file.bytes) return folder.move(run.download(file), place)
        if (run.sha256(place) != file.sha256) run.damaged(partial, "${place.path}: other bytes than the statement's")
    }

    private fun checkManifest(manifest: File) {
        val bytes = MappedFile.mapping(manifest.path) { manifest.readBytes() }
        reading(manifest.path) {
            val sha256 = hex(MessageDigest.getInstance("SHA-256").digest(bytes))
            wellFormed(sha256 == bundle.sha256) { "its SHA-256 is $sha256, not ${bundle.sha256}" }
            val found = ModelManifest.read(bytes, manifest.path).space
            wellFormed(found == space, ErrorKind.MISMATCHED) { "of embedding space $found, the statement of $space" }
        }
    }

    private fun checkSize(place: File, file: UpdateStatement.RemoteFile) = reading(place.path) {
        wellFormed(place.isFile, ErrorKind.MISSING) { "it is not there" }
        wellFormed(place.length() == file.bytes) { "${place.length()} bytes, not ${file.bytes}" }
    }

    private companion object {
        const val MANIFEST = "manifest.json"
    }
}
