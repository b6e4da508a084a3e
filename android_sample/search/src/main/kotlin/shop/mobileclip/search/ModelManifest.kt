package shop.mobileclip.search

import java.io.File
import java.nio.ByteBuffer

/** `manifest.json` of an exported model: what an app reads instead of hard-coding anything. Holds nothing that changes. */
public class ModelManifest private constructor(private val name: String, members: Map<String, Json>) {
    init {
        val version = members.part("version").asLong("version")
        wellFormed(version == VERSION) { "a manifest of version $version, expected $VERSION" }
    }

    private val image = members.part("image").asObject("image")
    private val textPart = members.part("text").asObject("text")

    /** Of the table of models: `demo`, `s0` and so on. */
    public val model: String = members.text("model")

    /** 64 hex digits naming the embedding space. */
    public val space: String = members.digest("space")

    /** The width of an embedding. */
    public val dim: Int = members.part("embedding").asObject("embedding").count("dim", Int.MAX_VALUE)

    /** The factor on a cosine before labels get their shares. */
    public val logitScale: Double = members.part("logit_scale").asDouble("logit_scale")

    /** What is added before the sigmoid that gives labels their shares; null for a softmax. */
    internal val sigmoidBias: Double? = sigmoidBias(members)

    /** Pixels along each side of the image encoder's square. */
    public val imageSize: Int = image.count("width", ImagePreprocessor.LARGEST_SIZE)

    public val interpolation: ResizeInterpolation = interpolation(image.part("resize").asObject("resize"))

    public val resizeMode: ResizeMode = resizeMode(image)

    public val text: TextSpec = textSpec(textPart)

    public val tokenizer: TokenizerFile =
        textPart.part("tokenizer").asObject("tokenizer").let { TokenizerFile(it.path(), it.digest("sha256")) }

    /** False for random weights. */
    public val shippable: Boolean = members.part("shippable").asBool("shippable")

    public val licence: Licence = licence(members.part("licence").asObject("licence"))

    /** The catalog that came with these encoders; null in the manifest of a model without one. */
    public val catalog: CatalogFile? = members["catalog"]?.let { catalogFile(it.asObject("catalog")) }

    public val artifacts: List<Artifact> =
        members.part("artifacts").asArray("artifacts").map { artifact(it.asObject("one of the artifacts")) }

    init {
        val height = image.count("height", ImagePreprocessor.LARGEST_SIZE)
        wellFormed(height == imageSize) { "an image encoder of $imageSize x $height pixels, expected a square" }
    }

    /** What the text encoder takes, and which texts it knows. */
    public data class TextSpec @JvmOverloads constructor(
        /** How many ids a text has. */
        public val contextLength: Int,
        /** The id before a text; null for none. */
        public val startToken: Int?,
        /** The id after a text. */
        public val endToken: Int,
        /** The id that fills what is left of the context. */
        public val padToken: Int,
        /** Prompts to put a label into; `{}` is its place. Where languages have their own, English's or the first's. */
        public val templates: List<String>,
        /** The writing systems of the texts that the model was trained on, for [WritingSystems.unknown]. */
        public val scripts: Set<String>,
        /** How many token ids the text encoder knows. */
        public val vocabulary: Int = endToken + 1,
        /** Prompts by the language (`en`, `zh`), where each has its own; else empty. */
        public val languages: Map<String, List<String>> = emptyMap(),
    ) {
        /** Prompts for labels of a [language]; without any of its own, [templates]. */
        public fun templates(language: String?): List<String> = languages[language] ?: templates
    }

    /** The tokenizer asset; [path] is relative to the manifest. */
    public data class TokenizerFile(public val path: String, public val sha256: String)

    /** A catalog; [path] is relative to the manifest, [digest] stands in the file itself, for [ProductCatalog.open]. */
    public data class CatalogFile(public val path: String, public val digest: String, public val bytes: Long)

    /** Of the weights. [commercialUse]: null where it is not known. */
    public data class Licence(public val name: String, public val url: String, public val commercialUse: Boolean?)

    /** [encoder]: `image` or `text`; [format]: `coreml`, `tflite` or `onnx`; [path] is relative to the manifest. */
    public data class Artifact(
        public val encoder: String,
        public val format: String,
        public val precision: String,
        public val path: String,
        public val sha256: String,
        public val bytes: Long,
    )

    /**
     * The first artefact of that format and encoder.
     *
     * @throws BadFileException if there is none.
     */
    public fun artifact(format: String, encoder: String): Artifact =
        artifacts.firstOrNull { it.format == format && it.encoder == encoder } ?: throw BadFileException(
            "$name: no $encoder encoder in $format; there are " +
                artifacts.map { "${it.format} ${it.encoder} ${it.precision}" },
            kind = ErrorKind.MISMATCHED,
        )

    /** What makes the image encoder's square. */
    public fun preprocessor(): ImagePreprocessor = ImagePreprocessor(imageSize, interpolation, resizeMode)

    public companion object {
        private const val VERSION = 1L
        private val IDS = 0 until Int.MAX_VALUE // so that each has a next one
        private const val ENGLISH = "en"
        private val NOTHING = setOf(null, Json.Null)

        /**
         * Reads a manifest.
         *
         * @throws BadFileException if it is missing, damaged, of another version, or asks for another preprocessing.
         */
        @JvmStatic
        public fun load(file: File): ModelManifest = MappedFile.mapping(file.path) { read(file.readBytes(), file.path) }

        /** The same from the file's content; [name] is for messages. */
        @JvmStatic
        public fun read(utf8: ByteArray, name: String): ModelManifest = reading(name) {
            ModelManifest(name, Json.parse(ByteBuffer.wrap(utf8), once = true).asObject("the manifest"))
        }

        private fun resizeMode(image: Map<String, Json>): ResizeMode {
            val wanted = image.part("resize").asObject("resize").text("mode")
            val mode = ResizeMode.entries.firstOrNull { it.name.lowercase() == wanted }
                ?: malformed("unknown resize mode: expected 'shortest' or 'squash', found ${shown(wanted)}")
            val crop = image.text("crop")
            wellFormed(crop == mode.crop) { "unknown crop: expected '${mode.crop}', found ${shown(crop)}" }
            return mode
        }

        private fun interpolation(resize: Map<String, Json>): ResizeInterpolation {
            wellFormed(resize.part("antialias").asBool("antialias")) { "a resize without antialias, expected with" }
            val wanted = resize.text("interpolation")
            return ResizeInterpolation.entries.firstOrNull { it.name.lowercase() == wanted }
                ?: malformed("unknown interpolation: expected 'bilinear' or 'bicubic', found ${shown(wanted)}")
        }

        private fun sigmoidBias(members: Map<String, Json>): Double? {
            val bias = members["logit_bias"].takeIf { it !in NOTHING }?.asDouble("logit_bias") ?: 0.0
            return when (val labels = members["labels"]?.asText("labels") ?: "softmax") {
                "softmax" -> null
                "sigmoid" -> bias
                else -> malformed("unknown labels: expected 'softmax' or 'sigmoid', found ${shown(labels)}")
            }
        }

        private fun textSpec(members: Map<String, Json>): TextSpec {
            val languages = (members.part("templates") as? Json.Object)?.members.orEmpty().mapValues { (key, list) ->
                templates(list, "templates of ${shown(key)}")
            }
            val first = languages.keys.minWithOrNull(::compareUtf8)
            val endToken = members.number("end_token", IDS)
            return TextSpec(
                contextLength = members.count("context_length", Int.MAX_VALUE),
                startToken = if (members["start_token"] in NOTHING) null else members.number("start_token", IDS),
                endToken = endToken,
                padToken = members.number("pad_token", IDS),
                templates = languages[ENGLISH] ?: languages[first] ?: templates(members.part("templates"), "templates"),
                scripts = members.texts("scripts").toSet(),
                vocabulary = if ("vocabulary" in members) members.count("vocabulary", Int.MAX_VALUE) else endToken + 1,
                languages = languages,
            )
        }

        private fun templates(list: Json, what: String): List<String> {
            val templates = list.asArray(what).map { it.asText("one of the $what") }
            wellFormed(templates.isNotEmpty()) { "no $what" }
            for (template in templates) wellFormed("{}" in template) { "a template without {}: ${shown(template)}" }
            return templates
        }

        private fun licence(members: Map<String, Json>): Licence {
            val use = members.part("commercial_use")
            val isAllowed = if (use is Json.Null) null else use.asBool("commercial_use")
            return Licence(members.text("name"), members.text("url"), isAllowed)
        }

        private fun artifact(members: Map<String, Json>): Artifact {
            val encoder = members.text("encoder")
            wellFormed(encoder == "image" || encoder == "text") {
                "an encoder of ${shown(encoder)}, expected 'image' or 'text'"
            }
            return Artifact(
                encoder,
                members.text("format"),
                members.text("precision"),
                members.path(),
                members.digest("sha256"),
                members.bytes(),
            )
        }

        private fun catalogFile(members: Map<String, Json>): CatalogFile =
            CatalogFile(members.path(), members.digest("digest"), members.bytes())

        private fun Map<String, Json>.bytes(): Long = part("bytes").asLong("bytes").also {
            wellFormed(it > 0) { "bytes is $it, expected 1 or more" }
        }

        private fun Map<String, Json>.text(key: String): String = part(key).asText(key)

        private fun Map<String, Json>.texts(key: String): List<String> =
            part(key).asArray(key).map { it.asText("one of the $key") }

        private fun Map<String, Json>.count(key: String, most: Int): Int = number(key, 1..most)

        private fun Map<String, Json>.number(key: String, range: IntRange): Int {
            val number = part(key).asLong(key)
            wellFormed(number in range) { "$key is $number, expected ${range.first} to ${range.last}" }
            return number.toInt()
        }

        private fun Map<String, Json>.digest(key: String): String = text(key).also {
            wellFormed(isDigest(it)) { "$key is ${shown(it)}, not 64 hex digits" }
        }

        /** A path that stays beside the manifest. */
        private fun Map<String, Json>.path(): String = text("path").also {
            wellFormed(it.split("/").none { part -> part.isEmpty() || part == "." || part == ".." } && '\\' !in it) {
                "path is ${shown(it)}, not one that is relative to the manifest's folder"
            }
        }
    }
}
