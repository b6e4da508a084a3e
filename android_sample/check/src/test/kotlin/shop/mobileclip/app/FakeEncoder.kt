package shop.mobileclip.app

import shop.mobileclip.search.EmbeddingEncoder

/** Stands in for LiteRT, whose native library is Android's alone: the same embedding for everything. */
class FakeEncoder(override val space: String, private val embedding: FloatArray) : EmbeddingEncoder {
    override val dim: Int = embedding.size

    override fun text(ids: IntArray): FloatArray = embedding

    override fun image(square: ByteArray): FloatArray = embedding

    override fun close() = Unit
}
