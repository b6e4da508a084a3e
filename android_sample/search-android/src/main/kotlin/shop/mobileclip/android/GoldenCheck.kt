package shop.mobileclip.android

import android.content.Context
import android.content.res.AssetManager
import android.os.Build
import org.json.JSONArray
import org.json.JSONObject
import shop.mobileclip.search.EmbeddingEncoder
import shop.mobileclip.search.EncoderPart
import java.io.File
import java.nio.ByteBuffer
import java.nio.file.Files
import java.nio.file.StandardCopyOption
import java.security.MessageDigest

/**
 * Says how near this device's encoders come to float32 PyTorch: golden texts and squares enter (`make prove` writes them;
 * FORMATS.md, proof.json), the proof leaves.
 */
public object GoldenCheck {
    private const val PROOF = "proof.json"
    private const val PARTIAL = "proof.partial.json"
    private const val VERSION = 1
    private val EMULATORS = setOf("goldfish", "ranchu", "cutf_cvm", "vbox86") // Google's three, and Genymotion's

    /** The least cosine that passes, by precision: the gate's own (parity/gate/tolerances.toml). */
    private val LEAST = mapOf("fp32" to 0.999999, "fp16" to 0.9999)
    private const val LEAST_COMPRESSED = 0.98

    /**
     * Checks the encoders of the app's assets. The goldens lie in the app's external folder, where adb puts them, or in its
     * assets. The proof comes back, and lies in the external folder as `proof.json`: never an old one, and only whole. Where
     * something cannot be checked, the proof's `error`, or that of its check, says why. Its key `passed` looks at the cosines
     * alone; `make prove` judges. Not for the main thread.
     */
    @JvmStatic
    @JvmOverloads
    public fun run(context: Context, encoder: (ShopFiles) -> EmbeddingEncoder = ShopFiles::encoder): String {
        val folder = context.getExternalFilesDir(null)
        folder?.resolve(PROOF)?.let { Files.deleteIfExists(it.toPath()) }
        val proof = proof(context.assets, folder, encoder).toString(2)
        folder?.let { write(it, proof) }
        return proof
    }

    private fun write(folder: File, proof: String) {
        val partial = folder.resolve(PARTIAL).apply { writeText(proof) }
        Files.move(partial.toPath(), folder.resolve(PROOF).toPath(), StandardCopyOption.ATOMIC_MOVE)
    }

    private fun proof(assets: AssetManager, folder: File?, encoder: (ShopFiles) -> EmbeddingEncoder): JSONObject {
        val proof = JSONObject()
            .put("version", VERSION)
            .put("platform", "android")
            .put("device", "${Build.MANUFACTURER} ${Build.MODEL}")
            .put("system", "Android ${Build.VERSION.RELEASE}")
            .put("emulator", Build.HARDWARE in EMULATORS)
            .put("runtime", "LiteRT ${BuildConfig.LITERT}")
        try {
            val files = ShopFiles.open(assets)
            proof.put("model", files.manifest.model).put("space", files.manifest.space)
            val goldens = Goldens.read(files.manifest) { name ->
                folder?.resolve(name)?.takeIf { it.exists() }?.readBytes() ?: assets.open(name).use { it.readBytes() }
            }
            val check = check(files, goldens, encoder)
            proof.put("golden", goldens.sha256).put("error", JSONObject.NULL).put("checks", JSONArray(listOf(check)))
            proof.put("passed", passed(check))
        } catch (error: Exception) {
            proof.put("error", oneLine(error)).put("passed", false)
        }
        return proof
    }

    private fun check(files: ShopFiles, goldens: Goldens, encoder: (ShopFiles) -> EmbeddingEncoder): JSONObject {
        val check = JSONObject().put("compute", "cpu")
        return try {
            val encoders = encoder(files).use { made -> EncoderPart.entries.map { part(files, goldens, made, it) } }
            check.put("error", JSONObject.NULL).put("encoders", JSONArray(encoders))
        } catch (error: Throwable) { // a missing native library is an Error, and so is too little memory
            check.put("error", oneLine(error)).put("encoders", JSONArray())
        }
    }

    private fun part(files: ShopFiles, goldens: Goldens, encoder: EmbeddingEncoder, part: EncoderPart): JSONObject {
        val name = part.name.lowercase()
        val artifact = files.manifest.artifact("tflite", name)
        val loading = milliseconds { encoder.prepare(part) }
        val answers = when (part) {
            EncoderPart.TEXT -> goldens.texts.map { ask(files.tokenizer.encode(it.text), it.embedding, encoder::text) }
            EncoderPart.IMAGE -> goldens.pictures.map { ask(it.square(), it.embedding, encoder::image) }
        }
        return JSONObject()
            .put("encoder", name)
            .put("precision", artifact.precision)
            .put("sha256", sha256(files.mapped(artifact.path)))
            .put("count", answers.size)
            .put("least_cosine", answers.minOf { it.closeness.cosine })
            .put("max_abs", answers.maxOf { it.closeness.maxAbs })
            .put("load_ms", loading)
            .put("median_ms", answers.map { it.taken }.sorted()[answers.size / 2])
    }

    /** [taken]: milliseconds. */
    private class Answer(val closeness: Closeness, val taken: Double)

    private fun <Input> ask(input: Input, golden: DoubleArray, embed: (Input) -> FloatArray): Answer {
        var found = FloatArray(0)
        val taken = milliseconds { found = embed(input) }
        return Answer(Closeness.of(found, golden), taken)
    }

    private fun passed(check: JSONObject): Boolean {
        val encoders = check.getJSONArray("encoders").let { list -> List(list.length()) { list.getJSONObject(it) } }
        return encoders.isNotEmpty() && encoders.all {
            it.getDouble("least_cosine") >= (LEAST[it.getString("precision")] ?: LEAST_COMPRESSED)
        }
    }

    private fun oneLine(error: Throwable) = error.toString().lines().joinToString(" ")
}

private const val NANOSECONDS = 1e6 // in a millisecond

private fun milliseconds(work: () -> Unit): Double {
    val start = System.nanoTime()
    work()
    return (System.nanoTime() - start) / NANOSECONDS
}

/** 64 hex digits; of a mapped file read in pieces. */
internal fun sha256(file: ByteBuffer): String = MessageDigest.getInstance("SHA-256").apply { update(file) }.digest()
    .joinToString("") { "%02x".format(it) }
