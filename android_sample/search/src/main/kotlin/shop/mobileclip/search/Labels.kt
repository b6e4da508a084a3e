package shop.mobileclip.search

import kotlin.math.exp
import kotlin.math.sqrt

/** A label and how probable it is, 0 to 1: among those asked for, or by itself where the model's shares are a sigmoid's. */
public data class LabelScore(public val name: String, public val probability: Double)

/** Zero-shot labels: which of some words fits an image best. All in float64, as FORMATS.md says. */
internal object Labels {
    /** A label's vector, unit length: the mean of its texts' [embeddings], each made unit length first. */
    fun vector(embeddings: List<FloatArray>): DoubleArray {
        val sum = DoubleArray(embeddings.first().size)
        for (embedding in embeddings) {
            val unit = unit(DoubleArray(embedding.size) { embedding[it].toDouble() })
            for (index in sum.indices) sum[index] += unit[index]
        }
        return unit(DoubleArray(sum.size) { sum[it] / embeddings.size })
    }

    /** Of each label, best first; of equal ones, in the order given. [sigmoidBias]: null for a softmax. */
    fun scores(
        names: List<String>,
        vectors: List<DoubleArray>,
        image: FloatArray,
        scale: Double,
        sigmoidBias: Double? = null,
    ): List<LabelScore> {
        val unit = unit(DoubleArray(image.size) { image[it].toDouble() })
        val logits = vectors.map { scale * dot(it, unit) }
        val shares = if (sigmoidBias == null) softmax(logits) else logits.map { 1 / (1 + exp(-(it + sigmoidBias))) }
        return names.zip(shares, ::LabelScore).sortedByDescending { it.probability }
    }

    private fun softmax(logits: List<Double>): List<Double> {
        val largest = logits.maxOrNull() ?: return emptyList()
        val powers = logits.map { exp(it - largest) }
        return powers.map { it / powers.sum() }
    }

    private fun unit(vector: DoubleArray): DoubleArray {
        val length = sqrt(dot(vector, vector))
        return if (length > 0) DoubleArray(vector.size) { vector[it] / length } else vector
    }

    private fun dot(one: DoubleArray, other: DoubleArray): Double {
        var sum = 0.0
        for (index in one.indices) sum += one[index] * other[index]
        return sum
    }
}
