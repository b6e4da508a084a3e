package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File

class ModelManifestTest {
    @TempDir
    lateinit var folder: File

    private val hex = "ab".repeat(32)
    private val good = """{"version": 1, "model": "demo", "space": "$hex", "embedding": {"dim": 128}, "logit_scale": 20.5,
        "image": {"width": 64, "height": 64, "crop": "centre",
            "resize": {"mode": "shortest", "interpolation": "bicubic", "antialias": true}},
        "text": {"context_length": 77, "start_token": 49406, "end_token": 49407, "pad_token": 0, "family": "clip-bpe",
            "pooling": "first-end", "tokenizer": {"path": "tokenizer.safetensors", "sha256": "$hex"},
            "templates": ["{}", "a photo of a {}."], "scripts": ["Latin", "Han"]},
        "licence": {"name": "MIT", "url": "https://example.org", "commercial_use": null, "source": "row"},
        "weights": {"kind": "random", "sha256": null}, "shippable": false, "later": [{}],
        "artifacts": [
            {"encoder": "image", "format": "tflite", "precision": "fp32", "path": "tflite/a.tflite", "sha256": "$hex",
                "bytes": 5000000000, "peak_rss": null},
            {"encoder": "image", "format": "tflite", "precision": "fp16", "path": "tflite/b.tflite", "sha256": "$hex", "bytes": 7}
        ], "catalog": {"path": "shop.catalog", "digest": "$hex", "bytes": 6000000000}}"""

    private fun read(json: String) = ModelManifest.read(json.toByteArray(), "a manifest")

    private fun refused(old: String, new: String, says: String) {
        check(old in good) { old }
        val message = assertThrows<BadFileException> { read(good.replace(old, new)) }.checkMessage("a manifest")
        assertTrue(says in message) { message }
    }

    @Test
    fun `a manifest gives what an app needs`() {
        val made = read(good)
        assertEquals(
            listOf("demo", hex, 128, 20.5, 64, ResizeInterpolation.BICUBIC),
            listOf(made.model, made.space, made.dim, made.logitScale, made.imageSize, made.interpolation),
        )
        val text = ModelManifest.TextSpec(
            contextLength = 77,
            startToken = 49406,
            endToken = 49407,
            padToken = 0,
            listOf("{}", "a photo of a {}."),
            setOf("Latin", "Han"),
        )
        assertEquals(text, made.text)
        assertEquals(ModelManifest.TokenizerFile("tokenizer.safetensors", hex), made.tokenizer)
        assertEquals(false, made.shippable)
        assertEquals(ModelManifest.Licence("MIT", "https://example.org", null), made.licence)
        val artifact = ModelManifest.Artifact("image", "tflite", "fp32", "tflite/a.tflite", hex, 5_000_000_000)
        assertEquals(artifact, made.artifacts.first())
        val preprocessor = made.preprocessor()
        assertEquals(64 to ResizeInterpolation.BICUBIC, preprocessor.size to preprocessor.interpolation)
        assertEquals(ResizeMode.SHORTEST, preprocessor.mode)
    }

    @Test
    fun `a picture may be squashed, and then nothing is cropped`() {
        val squashed = good.replace("shortest", "squash")
        assertEquals(ResizeMode.SQUASH, read(squashed.replace("centre", "none")).preprocessor().mode)
        val message = assertThrows<BadFileException> { read(squashed) }.checkMessage("a manifest")
        assertTrue("expected 'none', found 'centre'" in message) { message }
    }

    @Test
    fun `the exported manifest is read, and its artefacts are there`() {
        val made = Dist.manifest
        for (encoder in listOf("image", "text")) Dist.file(made.artifact("onnx", encoder).path)
        assertEquals(made.text.contextLength, Dist.tokenizer.contextLength)
        assertTrue(made.licence.name.isNotEmpty() && made.text.templates.isNotEmpty() && made.text.scripts.isNotEmpty())
    }

    @Test
    fun `the catalog that came with the encoders is named, or none is`() {
        assertEquals(ModelManifest.CatalogFile("shop.catalog", hex, 6_000_000_000), read(good).catalog)
        assertEquals(null, read(good.replace("\"catalog\":", "\"other\":")).catalog)
        assertEquals(null, Dist.manifest.catalog)
        refused("\"digest\": \"ab", "\"digest\": \"AB", "digest")
        refused("6000000000", "0", "bytes")
        for (path in listOf("/a", "../a", "")) refused("shop.catalog", path, "path")
    }

    @Test
    fun `a text may have no start token`() {
        for (start in listOf("null", null)) {
            val json = good.replace("\"start_token\": 49406,", if (start == null) "" else "\"start_token\": $start,")
            assertEquals(null, read(json).text.startToken)
        }
    }

    @Test
    fun `prompts may be a language's own, and fall back to English, then to the first`() {
        fun made(templates: String) = read(good.replace("""["{}", "a photo of a {}."]""", templates)).text
        val both = made("""{"zh": ["\u4e00{}"], "en": ["a {}"]}""")
        assertEquals(listOf("\u4e00{}"), both.templates("zh"))
        for (language in listOf("en", "de", null)) assertEquals(listOf("a {}"), both.templates(language))
        assertEquals(listOf("a {}"), both.templates)
        val without = made("""{"zh": ["\u4e00{}"], "de": ["ein {}"]}""")
        assertEquals(listOf("ein {}"), without.templates("fr"))
        assertEquals(listOf("{}", "a photo of a {}."), read(good).text.templates("zh"))
        for (bad in listOf(
            "{}",
            "[]",
            """{"en": []}""",
            """{"en": "a {}"}""",
            """{"zh": ["x"]}""",
            """{"zh": [1]}""",
        )) {
            refused("""["{}", "a photo of a {}."]""", bad, "template")
        }
    }

    @Test
    fun `labels share by a softmax, or by a sigmoid with the model's bias`() {
        fun bias(keys: String) = read(good.replace("\"logit_scale\": 20.5", "\"logit_scale\": 20.5, $keys")).sigmoidBias
        assertEquals(null, read(good).sigmoidBias)
        assertEquals(null, bias(""""labels": "softmax", "logit_bias": -3"""))
        assertEquals(-16.5, bias(""""labels": "sigmoid", "logit_bias": -16.5"""))
        for (none in listOf("", """, "logit_bias": null""")) assertEquals(0.0, bias(""""labels": "sigmoid"$none"""))
        val scale = "\"logit_scale\": 20.5"
        refused(scale, """$scale, "labels": "softplus"""", "'softplus'")
        refused(scale, """$scale, "labels": null""", "labels")
        for (bad in listOf("\"1\"", "1e999")) refused(scale, """$scale, "logit_bias": $bad""", "logit_bias")
    }

    @Test
    fun `the text encoder's tokens are counted, by the end token where nothing says so`() {
        assertEquals(49408, read(good).text.vocabulary)
        assertEquals(9, read(good.replace("\"pad_token\"", "\"vocabulary\": 9, \"pad_token\"")).text.vocabulary)
        for (bad in listOf(
            "0",
            "null",
            "1.5",
        )) {
            refused("\"pad_token\"", "\"vocabulary\": $bad, \"pad_token\"", "vocabulary")
        }
    }

    @Test
    fun `the first artefact is given, and one that is not there is refused by name`() {
        assertEquals("fp32", read(good).artifact("tflite", "image").precision)
        for ((format, encoder) in listOf("tflite" to "text", "onnx" to "image")) {
            val error = assertThrows<BadFileException> { read(good).artifact(format, encoder) }
            val message = error.checkMessage("a manifest")
            assertTrue("no $encoder encoder in $format" in message && "tflite image fp16" in message) { message }
        }
    }

    @Test
    fun `another preprocessing or version is refused by name`() {
        refused("\"version\": 1", "\"version\": 2", "version 2")
        refused("shortest", "longest", "'longest'")
        refused("bicubic", "nearest", "'nearest'")
        refused("\"antialias\": true", "\"antialias\": false", "antialias")
        refused("centre", "none", "'none'")
        refused("\"height\": 64", "\"height\": 65", "64 x 65")
    }

    @Test
    fun `every part is checked`() {
        val keys =
            "version model space embedding dim logit_scale image width height resize mode interpolation antialias " +
                "crop text context_length end_token pad_token tokenizer path sha256 templates scripts licence name " +
                "url commercial_use shippable artifacts encoder format precision bytes"
        for (key in keys.split(" ")) {
            val named = Regex("\"$key\"(?=:)")
            val without = named.replaceFirst(good, "\"other\"")
            val message = assertThrows<BadFileException>(key) { read(without) }.checkMessage("a manifest")
            assertTrue("'$key'" in message) { message }
            val wrong = named.replaceFirst(good, "\"$key\": {\"x\": 1.5}, \"x\"")
            assertThrows<BadFileException>(key) { read(wrong) }.checkMessage("a manifest")
        }
        refused("\"space\": \"ab", "\"space\": \"AB", "64 hex digits")
        for (dim in listOf("0", "-1", "1.0", "\"128\"", "99999999999")) refused("\"dim\": 128", "\"dim\": $dim", "dim")
        refused("\"width\": 64", "\"width\": 5000", "width")
        for (key in listOf("start_token", "end_token", "pad_token")) refused("\"$key\": ", "\"$key\": -1", key)
        refused("\"pad_token\": 0", "\"pad_token\": 4294967296", "pad_token")
        refused("20.5", "1e999", "logit_scale")
        refused("a photo of a {}.", "a photo", "'a photo'")
        refused("\"encoder\": \"image\"", "\"encoder\": \"sound\"", "'sound'")
        refused("\"bytes\": 7", "\"bytes\": 0", "bytes")
        for (path in listOf("/a", "../a", "a/../b", "", "a//b", "a\\\\b")) refused("tflite/b.tflite", path, "path")
        refused("\"model\": \"demo\"", "\"model\": \"demo\", \"model\": \"s0\"", "twice")
    }

    @Test
    fun `what is no manifest is refused by name`() {
        for (json in listOf("", "[]", "null", good.dropLast(1), "$good,")) {
            assertThrows<BadFileException> { read(json) }.checkMessage("a manifest")
        }
        assertThrows<BadFileException> { ModelManifest.read(byteArrayOf(-1), "a manifest") }.checkMessage("a manifest")
        for (file in listOf(File(folder, "none"), folder)) {
            assertThrows<BadFileException> { ModelManifest.load(file) }.checkMessage(file.path)
        }
    }
}
