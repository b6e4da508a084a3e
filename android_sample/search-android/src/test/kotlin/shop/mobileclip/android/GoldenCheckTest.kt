package shop.mobileclip.android

import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowBuild
import shop.mobileclip.search.EmbeddingEncoder
import java.io.File

/**
 * The self-check with an encoder that stands in for LiteRT. Golden inputs that tests/phones.py makes up lie in `goldens` of
 * the folder that PROVE names; `parity.prove.proof.judged` is given what is written there (tests/test_android_app.py).
 */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class GoldenCheckTest {
    private val application = RuntimeEnvironment.getApplication()
    private val shop = ShopFiles.open(application.assets)
    private val prove = File(System.getenv("PROVE"))
    private val given = File(prove, "goldens")
    private val folder = application.getExternalFilesDir(null)!!
    private val proof = File(folder, "proof.json")

    /** Knows the answer to every golden input, of which the first component is [off] by so much. */
    private inner class Parrot(private val off: Float = 0f) : EmbeddingEncoder {
        private val goldens = Goldens.read(shop.manifest) { File(given, it).readBytes() }
        override val space = shop.manifest.space
        override val dim = shop.manifest.dim

        override fun text(ids: IntArray) =
            answer(goldens.texts.first { ids.contentEquals(shop.tokenizer.encode(it.text)) }.embedding)

        override fun image(square: ByteArray) =
            answer(goldens.pictures.first { square.contentEquals(it.square()) }.embedding)

        override fun close() = Unit

        private fun answer(golden: DoubleArray) =
            FloatArray(golden.size) { golden[it].toFloat() + if (it == 0) off else 0f }
    }

    @Before
    fun `the goldens lie where adb puts them`() {
        folder.deleteRecursively()
        given.copyRecursively(folder)
    }

    private fun check(encoder: () -> EmbeddingEncoder = { Parrot() }) =
        JSONObject(GoldenCheck.run(application) { encoder() })

    private fun JSONObject.only() = getJSONArray("checks").also { assertEquals(1, it.length()) }.getJSONObject(0)

    @Test
    fun `what it writes is what make prove judges`() {
        for ((name, off) in mapOf("good" to 0f, "off" to 0.3f, "nan" to Float.NaN)) {
            assertEquals(name, name == "good", check { Parrot(off) }.getBoolean("passed"))
            proof.copyTo(File(prove, "$name.json"), overwrite = true)
        }
    }

    @Test
    fun `an old proof goes first, and the new one comes whole`() {
        proof.writeText("an old one")
        val answer = GoldenCheck.run(application) {
            assertFalse(proof.exists())
            Parrot()
        }
        assertEquals(answer, proof.readText())
        assertEquals(given.list()!!.toSet() + proof.name, folder.list()!!.toSet())
    }

    @Test
    fun `what cannot be checked at all is said in one line`() {
        val golden = File(folder, "embeddings-${shop.manifest.model}.json")
        val content = JSONObject(golden.readText())
        for ((says, text) in mapOf(
            "of embedding space other" to "${content.put("space", "other")}",
            "no texts" to "${content.put("space", shop.manifest.space).put("texts", JSONArray())}",
            "JSON" to "{",
        )) {
            golden.writeText(text)
            val found = check()
            assertTrue(found.getString("error"), says in found.getString("error"))
            assertFalse(found.has("checks") || found.getBoolean("passed"))
            assertEquals(shop.manifest.space, JSONObject(proof.readText()).getString("space"))
        }
        golden.delete()
        assertTrue(golden.name in check().getString("error"))
    }

    @Test
    fun `what stops the encoders is said of their check`() {
        val unlinked = check { throw UnsatisfiedLinkError("no library,\nnowhere") }
        assertTrue(unlinked.isNull("error"))
        assertEquals("java.lang.UnsatisfiedLinkError: no library, nowhere", unlinked.only().getString("error"))
        assertEquals(0, unlinked.only().getJSONArray("encoders").length())
        val short = object : EmbeddingEncoder by Parrot() {
            override fun text(ids: IntArray) = FloatArray(3)
        }
        assertTrue("an embedding of 3 numbers" in check { short }.only().getString("error"))
    }

    @Test
    fun `an emulator says that it is one`() {
        assertFalse(check().getBoolean("emulator"))
        ShadowBuild.setHardware("ranchu")
        assertTrue(check().getBoolean("emulator"))
    }
}
