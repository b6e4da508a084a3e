package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File

class JavaCallerTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `a caller in Java searches and adds`() {
        val catalog = opened(folder, MadeCatalog.random(6, 300, 8).bytes())
        val embedding = FloatArray(8) { 1f + it }
        val encoder = JavaCaller.encoder(catalog.space, embedding)
        val names = JavaCaller.names(Dist.file("manifest.json"), File(catalog.name), encoder) { it.run() }
        val expected = CatalogSearch(catalog).search(SearchQuery.Text(embedding)).map {
            catalog.product(it.product).name
        }
        assertEquals(expected, names)
        assertNotNull(JavaCaller.added(catalog, embedding).place("j1"))
    }
}
