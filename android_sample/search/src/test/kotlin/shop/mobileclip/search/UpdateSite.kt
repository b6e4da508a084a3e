package shop.mobileclip.search

import java.io.ByteArrayInputStream
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.security.GeneralSecurityException
import java.security.KeyFactory
import java.security.Signature
import java.security.spec.X509EncodedKeySpec
import java.time.LocalDate

/** The JDK's own check, by another way than the module `update` has for Android. */
internal val jdkCheck = SignatureCheck { key, message, signature ->
    try {
        Signature.getInstance("SHA256withECDSAinP1363Format").run {
            initVerify(KeyFactory.getInstance("EC").generatePublic(X509EncodedKeySpec(key)))
            update(message)
            verify(signature)
        }
    } catch (error: GeneralSecurityException) {
        false
    }
}

/** The process ends: nothing may catch it. */
internal class Killed : Error()

/** Counts what an update does outside of its own memory, and lets [at] of that, and all that follows, fail. */
internal class Moments(private val at: Int = Int.MAX_VALUE, private val fail: () -> Throwable = ::Killed) {
    var count = 0
        private set

    /** Whether it failed already. */
    val isOver: Boolean get() = count > at

    fun pass(onFailure: () -> Unit = {}) {
        if (count++ == at) onFailure()
        if (isOver) throw fail()
    }
}

/** The system's disk, of which one operation fails; a block is half written then. */
internal class FailingDisk(private val moments: Moments) : Disk {
    override fun writer(file: File, from: Long): DiskWriter {
        moments.pass()
        val writer = Disk.System.writer(file, from)
        return object : DiskWriter by writer {
            override fun write(bytes: ByteArray, length: Int) {
                moments.pass { writer.write(bytes, length / 2) }
                writer.write(bytes, length)
            }

            override fun cut(length: Long) {
                moments.pass()
                writer.cut(length)
            }

            override fun sync() {
                moments.pass()
                writer.sync()
            }
        }
    }

    override fun move(from: File, to: File) {
        moments.pass()
        Disk.System.move(from, to)
    }

    override fun delete(file: File) {
        moments.pass()
        Disk.System.delete(file)
    }

    override fun makeFolder(folder: File) {
        moments.pass()
        Disk.System.makeFolder(folder)
    }
}

/** A server with these [files], which gives [atOnce] bytes at a time. */
internal class UpdateSite(
    val files: MutableMap<String, ByteArray?>,
    private val moments: Moments = Moments(),
    private val ranges: Boolean = true,
    private val atOnce: Int = 1 shl 16,
) : UpdateFetch {
    val asked = ArrayList<Pair<String, Long>>()

    override fun open(path: String, from: Long): UpdateDownload {
        asked += path to from
        moments.pass()
        val bytes = files[path] ?: throw FileNotFoundException(path)
        val start = if (ranges) from else 0 // beyond the end: nothing, as HttpFetch makes of a 416
        return UpdateDownload(
            start,
            object : InputStream() {
                private val stream = ByteArrayInputStream(bytes).apply { skip(start) }

                override fun read(): Int = throw IOException("not asked for")

                override fun read(target: ByteArray, offset: Int, length: Int): Int {
                    moments.pass()
                    return stream.read(target, offset, minOf(length, atOnce))
                }
            },
        )
    }
}

/** The golden site, and devices that follow it. */
internal object GoldenUpdates {
    val answers = Goldens.json("updates/answers.json")
    val space = answers.text("space")
    val today: LocalDate = LocalDate.parse(answers.text("today"))
    val keys = Goldens.file("updates/key.txt").readLines().filter { it.isNotEmpty() }

    fun file(name: String): File = Goldens.file("updates/$name")

    fun bytes(name: String): ByteArray = file(name).readBytes()

    /** A folder of made-up encoders, of which only `manifest.json` is one. */
    val bundle: File = file("key.txt").resolveSibling("bundle")

    fun statement(bytes: ByteArray) = UpdateStatement.read(bytes, keys, { _, _, _ -> true }, "statement")

    /** As if that statement had been followed: its files in [state]. */
    fun put(statement: ByteArray, state: File) {
        File(state, "shop.update").writeBytes(statement)
        val read = statement(statement)
        File(state, "${read.catalog.digest}.catalog").writeBytes(bytes(read.catalog.path))
        if (read.space != space) bundle.copyRecursively(File(state, "${read.manifest?.sha256}.bundle"))
    }

    /** All files below a folder, by their paths. */
    fun files(folder: File): Map<String, String> =
        folder.walk().filter { it.isFile }.associate { it.relativeTo(folder).path to it.readText(Charsets.ISO_8859_1) }

    fun base(): ProductCatalog = ProductCatalog.open(file("base.catalog"))

    /** The golden folder as a server has it, [statement] as its `shop.update`. */
    fun files(statement: ByteArray): MutableMap<String, ByteArray?> {
        val folder = file("key.txt").parentFile
        val files = folder.walk().filter { it.isFile }.associate { it.relativeTo(folder).path to it.readBytes() }
        return (files + ("shop.update" to statement)).toMutableMap()
    }

    fun updates(
        folder: File,
        fetch: UpdateFetch,
        keys: List<String> = listOf(this.keys[0]),
        disk: Disk = Disk.System,
        check: SignatureCheck = jdkCheck,
        day: LocalDate = today,
        highest: File = File(folder, "highest"),
        takesBundles: Boolean = false,
    ) = CatalogUpdates(
        "shop",
        space,
        UpdateStatement.keys(keys),
        check,
        fetch,
        { day },
        UpdateFolder(folder, "shop", highest, disk),
        takesBundles,
    )

    /** What an edit of the goldens does to a file's bytes. */
    fun edited(bytes: ByteArray, edit: Map<String, Json>?): ByteArray = when {
        edit == null -> bytes

        "cut" in edit -> bytes.copyOf(edit.int("cut"))

        "append" in edit -> bytes + ByteArray(edit.int("append"))

        "flip" in edit -> bytes.copyOf().also {
            it[edit.int("flip")] = (it[edit.int("flip")].toInt() xor (1 shl edit.int("bit"))).toByte()
        }

        else -> bytes
    }
}
