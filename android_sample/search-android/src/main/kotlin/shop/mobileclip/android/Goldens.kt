package shop.mobileclip.android

import org.json.JSONArray
import org.json.JSONObject
import shop.mobileclip.search.ModelManifest
import java.nio.ByteBuffer
import kotlin.math.abs
import kotlin.math.sqrt

/** Golden inputs, with float32 PyTorch's embeddings of them: FORMATS.md, Golden vectors. [sha256] is the JSON file's. */
internal class Goldens private constructor(val sha256: String, val texts: List<Text>, val pictures: List<Picture>) {
    class Text(val text: String, val embedding: DoubleArray)

    /** [square]: RGB8, as the image encoder takes it. */
    class Picture(val embedding: DoubleArray, val square: () -> ByteArray)

    companion object {
        /**
         * Those of the manifest's model; [read] gives a file by its name, and throws where there is none.
         *
         * @throws IllegalArgumentException for goldens of another embedding space, and where there are none.
         */
        fun read(manifest: ModelManifest, read: (name: String) -> ByteArray): Goldens {
            val file = "embeddings-${manifest.model}.json"
            val bytes = read(file)
            val content = JSONObject(String(bytes))
            val space = content.getString("space")
            require(space == manifest.space) { "$file: of embedding space $space, the manifest's is ${manifest.space}" }
            val texts = content.getJSONArray("texts").objects().map { Text(it.getString("text"), embedding(it)) }
            val pictures = content.getJSONArray("pictures").objects().map {
                val name = "preprocess/${it.getString("preprocess")}.out.rgb"
                Picture(embedding(it)) { read(name) }
            }
            require(texts.isNotEmpty() && pictures.isNotEmpty()) { "$file: no texts, or no pictures" }
            return Goldens(sha256(ByteBuffer.wrap(bytes)), texts, pictures)
        }

        private fun embedding(golden: JSONObject): DoubleArray =
            golden.getJSONArray("embedding").let { list -> DoubleArray(list.length()) { list.getDouble(it) } }

        private fun JSONArray.objects() = List(length(), ::getJSONObject)
    }
}

/** How near an embedding is to a golden one: the [cosine], and the largest difference of a component. */
internal class Closeness private constructor(val cosine: Double, val maxAbs: Double) {
    companion object {
        /** Of what is no embedding, since JSON has no NaN: as far as two embeddings can be. */
        val NONE = Closeness(-1.0, 2.0)

        /** @throws IllegalArgumentException for embeddings of different widths. */
        fun of(found: FloatArray, golden: DoubleArray): Closeness {
            require(found.size == golden.size) { "an embedding of ${found.size} numbers, expected ${golden.size}" }
            val cosine = product(found, golden) / sqrt(product(found, found) * golden.sumOf { it * it })
            if (!cosine.isFinite()) return NONE
            return Closeness(cosine, found.indices.maxOf { abs(found[it] - golden[it]) })
        }

        private fun product(one: FloatArray, other: FloatArray) = one.sumOf { it.toDouble() * it }

        private fun product(one: FloatArray, other: DoubleArray) = one.indices.sumOf { one[it] * other[it] }
    }
}
