package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.time.LocalDate
import java.util.Base64

class UpdateStatementTest {
    @TempDir
    lateinit var folder: File

    private val text = GoldenUpdates.bytes("statements/tuesday.update").let { it.copyOfRange(64, it.size) }
    private val anybody = SignatureCheck { _, _, _ -> true }

    private fun read(text: ByteArray) =
        UpdateStatement.read(ByteArray(64) + text, GoldenUpdates.keys, anybody, "shop.update")

    /** The text with a golden's bytes in place of others, where these first occur. */
    private fun changed(case: Map<String, Json>): ByteArray {
        val (old, new) = listOf("old", "new").map {
            Base64.getDecoder().decode(case.text(it)).toString(Charsets.ISO_8859_1)
        }
        val whole = text.toString(Charsets.ISO_8859_1)
        val place = whole.indexOf(old).also { check(it >= 0) }
        val made = if (old.isEmpty()) new else whole.replaceRange(place, place + old.length, new)
        return made.toByteArray(Charsets.ISO_8859_1)
    }

    @TestFactory
    fun `what is no statement is refused in one line, by the reader and by an update`(): List<DynamicTest> =
        GoldenUpdates.answers.objects("malformed").map { case ->
            dynamicTest(case.text("name")) {
                val changed = changed(case)
                val error = assertThrows<BadFileException> { read(changed) }
                error.checkMessage("shop.update")
                assertSame(ErrorKind.DAMAGED, error.kind)
                val site = UpdateSite(GoldenUpdates.files(ByteArray(64) + changed))
                val updates = GoldenUpdates.updates(folder, site, check = anybody).apply { start(GoldenUpdates.base()) }
                assertSame(UpdateErrorKind.REFUSED, (updates.update() as UpdateOutcome.Failed).kind)
            }
        }

    @Test
    fun `a statement says what was published`() {
        val read = UpdateStatement.read(GoldenUpdates.bytes("shop.update"), GoldenUpdates.keys, jdkCheck, "shop.update")
        assertEquals(listOf("shop", 3L, GoldenUpdates.space), listOf(read.name, read.number, read.space))
        assertEquals("wednesday.catalog", read.catalog.path)
        assertEquals(ProductCatalog.open(GoldenUpdates.file(read.catalog.path)).digest, read.catalog.digest)
        assertEquals(2, read.deltas.size)
        for (file in read.deltas + read.catalog) {
            assertEquals(GoldenUpdates.bytes(file.path).size.toLong(), file.bytes)
        }
        assertNull(read.manifest)
        assertNull(read.notAfter)
        assertFalse(read.isExpired(LocalDate.MAX))
    }

    @Test
    fun `the signature comes first`() {
        val nobody = SignatureCheck { _, _, _ -> false }
        val error = assertThrows<BadFileException> {
            UpdateStatement.read(ByteArray(64) + "{]".toByteArray(), GoldenUpdates.keys, nobody, "shop.update")
        }
        assertSame(ErrorKind.MISMATCHED, error.kind)
        assertTrue("nobody signed" in error.checkMessage("shop.update"))
    }

    @Test
    fun `keys that are none are a mistake of the app's`() {
        val key = GoldenUpdates.keys[0]
        for (keys in listOf(emptyList(), listOf(key, key, key), listOf("AAAA"), listOf("?"))) {
            assertThrows<IllegalArgumentException> { UpdateStatement.read(ByteArray(99), keys, anybody, "shop.update") }
        }
        for (name in listOf("", ".shop", "a/b", "s".repeat(65), "sh op")) {
            assertThrows<IllegalArgumentException> {
                CatalogUpdates(name, folder, GoldenUpdates.space, listOf(key), anybody, { _, _ -> error("") })
            }
        }
    }
}
