package shop.mobileclip.app

import shop.mobileclip.search.EmbeddingEncoder

/**
 * Stands in for LiteRT, whose native library is Android's alone: of every text the same embedding, and of an image one that
 * depends on its colours.
 */
class FakeEncoder(override val space: String, private val embedding: FloatArray) : EmbeddingEncoder {
    override val dim: Int = embedding.size

    override fun text(ids: IntArray): FloatArray = embedding

    override fun image(square: ByteArray): FloatArray {
        val colours = FloatArray(3)
        for ((index, byte) in square.withIndex()) colours[index % 3] += (byte.toInt() and 0xFF) / square.size.toFloat()
        return FloatArray(dim) { if (it == 0) embedding[0] else colours.getOrElse(it - 1) { 0f } / 255 }
    }

    override fun close() = Unit
}
