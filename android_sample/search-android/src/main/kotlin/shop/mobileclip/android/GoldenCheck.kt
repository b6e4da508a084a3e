package shop.mobileclip.android

import android.content.Context
import android.os.Build
import org.json.JSONArray
import org.json.JSONObject
import shop.mobileclip.search.EmbeddingEncoder
import shop.mobileclip.search.EncoderPart
import shop.mobileclip.search.ModelManifest
import shop.mobileclip.search.TextTokenizer
import kotlin.math.sqrt

/**
 * Proves on this device that the encoders give the embeddings of float32 PyTorch: golden texts and squares enter
 * (`parity/goldens/embeddings-<model>.json` and what it names), a report leaves.
 */
public object GoldenCheck {
    private const val REPORT = "self-check.json"
    private const val NANOSECONDS = 1e6 // in a millisecond

    /** The least cosine that passes, by precision: the gate's own (parity/gate/tolerances.toml). */
    private val LEAST = mapOf("fp32" to 0.999999, "fp16" to 0.9999)
    private const val LEAST_COMPRESSED = 0.98

    /**
     * Checks the encoders of the app's assets. The goldens lie in the app's external folder, where adb puts them, or in its assets. The
     * report, or `{"passed": false, "error": …}`, comes back, and lies in the external folder as `self-check.json`.
     */
    @JvmStatic
    @JvmOverloads
    public fun run(context: Context, encoder: (ShopFiles) -> EmbeddingEncoder = ShopFiles::encoder): String {
        val folder = context.getExternalFilesDir(null)
        fun read(name: String): ByteArray = folder?.resolve(name)?.takeIf { it.exists() }?.readBytes()
            ?: context.assets.open(name).use { it.readBytes() }
        val report = try {
            val files = ShopFiles.open(context.assets)
            val golden = String(read("embeddings-${files.manifest.model}.json"))
            encoder(files).use { report(files.manifest, files.tokenizer, it, golden, ::read) }
        } catch (error: Throwable) { // a missing native library is an Error
            JSONObject().put("passed", false).put("error", error.toString())
        }
        return report.toString(2).also { folder?.resolve(REPORT)?.writeText(it) }
    }

    /**
     * [golden]: the text of that JSON file; [read] gives a file beside it. The report: `passed`, `device`, `android`, `model`, `space`,
     * `runtime`, `compute`, and for each of `encoders` its name, `precision`, `load_ms`, `median_ms`, the number of golden
     * inputs (`count`), the `least_cosine`, the `expected` one and `passed`. Not for the main thread.
     *
     * @throws IllegalArgumentException for goldens of another embedding space.
     */
    public fun report(
        manifest: ModelManifest,
        tokenizer: TextTokenizer,
        encoder: EmbeddingEncoder,
        golden: String,
        read: (name: String) -> ByteArray,
    ): JSONObject {
        val goldens = JSONObject(golden)
        require(goldens.getString("space") == manifest.space) {
            "goldens of embedding space ${goldens.getString("space")}, the manifest's is ${manifest.space}"
        }
        val encoders = listOf(
            encoder(manifest, encoder, EncoderPart.TEXT, goldens.getJSONArray("texts")) { text ->
                val ids = tokenizer.encode(text.getString("text"));
                { encoder.text(ids) }
            },
            encoder(manifest, encoder, EncoderPart.IMAGE, goldens.getJSONArray("pictures")) { picture ->
                val square = read("preprocess/${picture.getString("preprocess")}.out.rgb");
                { encoder.image(square) }
            },
        )
        return JSONObject()
            .put("passed", encoders.all { it.getBoolean("passed") })
            .put("device", "${Build.MANUFACTURER} ${Build.MODEL}")
            .put("android", Build.VERSION.RELEASE)
            .put("model", manifest.model)
            .put("space", manifest.space)
            .put("runtime", "LiteRT")
            .put("compute", "cpu")
            .put("encoders", JSONArray(encoders))
    }

    private fun encoder(
        manifest: ModelManifest,
        encoder: EmbeddingEncoder,
        part: EncoderPart,
        goldens: JSONArray,
        input: (JSONObject) -> () -> FloatArray,
    ): JSONObject {
        val name = part.name.lowercase()
        val precision = manifest.artifact("tflite", name).precision
        val loading = milliseconds { encoder.prepare(part) }
        val times = mutableListOf<Double>()
        val cosines = List(goldens.length()) { index ->
            val golden = goldens.getJSONObject(index)
            val embed = input(golden)
            var found = FloatArray(0)
            times += milliseconds { found = embed() }
            cosine(found, golden.getJSONArray("embedding"))
        }
        val expected = LEAST[precision] ?: LEAST_COMPRESSED
        return JSONObject()
            .put("encoder", name)
            .put("precision", precision)
            .put("load_ms", loading)
            .put("median_ms", times.sorted()[times.size / 2])
            .put("count", cosines.size)
            .put("least_cosine", cosines.min())
            .put("expected", expected)
            .put("passed", cosines.min() >= expected)
    }

    private fun milliseconds(work: () -> Unit): Double {
        val start = System.nanoTime()
        work()
        return (System.nanoTime() - start) / NANOSECONDS
    }

    private fun cosine(found: FloatArray, golden: JSONArray): Double {
        require(found.size == golden.length()) { "an embedding of ${found.size} numbers, expected ${golden.length()}" }
        var (product, own, other) = Triple(0.0, 0.0, 0.0)
        for ((index, value) in found.withIndex()) {
            val expected = golden.getDouble(index)
            product += value * expected
            own += value.toDouble() * value
            other += expected * expected
        }
        return (product / sqrt(own * other)).takeUnless { it.isNaN() } ?: -1.0 // JSON has no NaN
    }
}
