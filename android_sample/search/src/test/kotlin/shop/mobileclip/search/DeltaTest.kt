package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.IOException

class DeltaTest {
    @TempDir
    lateinit var folder: File

    private val answers = Goldens.json("updates/answers.json")
    private val target get() = File(folder, "result.catalog")

    private fun golden(name: String) = Goldens.file("updates/$name")

    /** Of a delta that is refused, null. */
    private fun applied(base: ProductCatalog, delta: File): ByteArray? {
        target.delete() // what is mapped stays as it was
        return try {
            val made = CatalogDelta.apply(base, delta, target)
            assertEquals(target.path, made.name)
            target.readBytes()
        } catch (error: BadFileException) {
            error.checkMessage(if (error.message!!.startsWith(delta.path)) delta.path else target.path + ".partial")
            assertFalse(target.exists())
            null
        } finally {
            assertFalse(File(target.path + ".partial").exists())
        }
    }

    private fun expected(): File = File(
        System.getenv("EXPECTED").also {
            assumeTrue(it != null) { "EXPECTED names no folder; tests/test_android_search.py makes one" }
        },
        "deltas",
    )

    @Test
    fun `golden deltas give the golden catalogs, byte for byte`() {
        for ((base, delta, result) in listOf(
            listOf("base.catalog", "tuesday.delta", "tuesday.catalog"),
            listOf("tuesday.catalog", "deltas/wednesday.delta", "wednesday.catalog"),
            listOf("base.catalog", "deltas/base-wednesday.delta", "wednesday.catalog"),
        )) {
            assertArrayEquals(
                golden(result).readBytes(),
                applied(ProductCatalog.open(golden(base)), golden(delta)),
                delta,
            )
        }
    }

    @Test
    fun `any edit of a shop gives the bytes that Python gives`() {
        val deltas = expected().listFiles { file -> file.extension == "delta" }.orEmpty()
        for (delta in deltas) {
            val (base, made) = listOf("base", "made").map {
                File(delta.parentFile, "${delta.nameWithoutExtension}.$it")
            }
            assertArrayEquals(made.readBytes(), applied(ProductCatalog.open(base), delta), delta.name)
        }
        println("deltas: ${deltas.size}, 0 differing")
        assertTrue(deltas.size >= 10)
    }

    @Test
    fun `a damaged delta is refused, or gives the right catalog`() {
        val (base, made) = listOf("0.base", "0.made").map { File(expected(), it) }
        val catalog = ProductCatalog.open(base)
        val damaged = File(expected(), "damaged").listFiles().orEmpty()
        val refused = damaged.count { delta ->
            val found = applied(catalog, delta)
            if (found != null) assertArrayEquals(made.readBytes(), found, delta.name)
            found == null
        }
        println("damaged deltas: ${damaged.size}, $refused refused, the others right")
        assertTrue(refused in damaged.size / 2..damaged.size && damaged.size >= 100) { "$refused of ${damaged.size}" }
    }

    @Test
    fun `each golden damage of a delta is refused, or gives the right catalog`() {
        val damages = answers.part("damaged_deltas").asObject("damaged_deltas")
        val base = ProductCatalog.open(golden(damages.text("base")))
        val (whole, right) = golden(damages.text("delta")).readBytes() to golden(damages.text("result")).readBytes()
        val edits = damages.list("edits").map { it.asArray("edits") }
        val refused = edits.count { edit ->
            val bytes = whole.copyOf()
            for ((place, byte) in edit.map { put -> put.asArray("edit").map { it.asLong("edit").toInt() } }) {
                bytes[place] = byte.toByte()
            }
            val found = applied(base, File(folder, "damaged.delta").apply { delete() }.apply { writeBytes(bytes) })
            if (found != null) assertArrayEquals(right, found)
            found == null
        }
        assertTrue(edits.size >= 50 && refused > edits.size / 2) { "$refused of ${edits.size}" }
    }

    @Test
    fun `every byte of a delta counts, or does not matter`() {
        val base = ProductCatalog.open(golden("base.catalog"))
        val (whole, right) = golden("tuesday.delta").readBytes() to golden("tuesday.catalog").readBytes()
        val delta = File(folder, "damaged.delta")
        for (place in whole.indices) {
            val bytes = whole.copyOf().also { it[place] = (it[place] + 1).toByte() }
            delta.delete()
            delta.writeBytes(bytes)
            applied(base, delta)?.let { assertArrayEquals(right, it, "byte $place") }
        }
    }

    @Test
    fun `a cut delta is refused, wherever it is cut`() {
        val base = ProductCatalog.open(golden("base.catalog"))
        val (whole, delta) = golden("tuesday.delta").readBytes() to File(folder, "cut.delta")
        for (length in 0 until whole.size step 13) {
            delta.delete()
            delta.writeBytes(whole.copyOf(length))
            assertEquals(null, applied(base, delta), "$length")
        }
    }

    @Test
    fun `a delta is for one catalog alone, and what stood there stays`() {
        target.writeText("kept")
        val tuesday = ProductCatalog.open(golden("tuesday.catalog"))
        val error = assertThrows<BadFileException> { CatalogDelta.apply(tuesday, golden("tuesday.delta"), target) }
        assertSame(ErrorKind.MISMATCHED, error.kind)
        assertTrue("for another catalog" in error.checkMessage(golden("tuesday.delta").path))
        assertEquals("kept", target.readText())
        val missing = assertThrows<BadFileException> { CatalogDelta.apply(tuesday, File(folder, "no.delta"), target) }
        assertSame(ErrorKind.MISSING, missing.kind)
        assertEquals(listOf("result.catalog"), folder.list()!!.toList())
    }

    @Test
    fun `a full disk is an error of the disk, and leaves nothing behind`() {
        val base = ProductCatalog.open(golden("base.catalog"))
        assertThrows<IOException> { CatalogDelta.apply(base, golden("tuesday.delta"), File(folder, "no/such/folder")) }
        assertEquals(emptyList<String>(), folder.list()!!.toList())
    }

    @Test
    fun `a price is put into a record`() {
        for ((record, price, expected) in listOf(
            Triple(
                """{"id":"a","name":"b","price":1.5,"currency":""}""",
                20_000L,
                """{"id":"a","name":"b","price":2,"currency":""}""",
            ),
            Triple(
                """{"id":"a","name":"b","price":null,"x":1}""",
                1L,
                """{"id":"a","name":"b","price":0.0001,"x":1}""",
            ),
            Triple("""{"id":",\"price\":7","price":7}""", -1L, """{"id":",\"price\":7","price":null}"""),
            Triple("""{"id":"a","price":7}""", 0L, """{"id":"a","price":0}"""),
        )) {
            assertEquals(expected, String(DeltaResult.priced(record.toByteArray(), price)))
        }
        for (record in listOf("""{"id":"a"}""", """{"id":"a","price":7""", "", ",\"price\":")) {
            assertThrows<Malformed> { DeltaResult.priced(record.toByteArray(), 1) }
        }
    }
}
