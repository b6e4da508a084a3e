package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import kotlin.math.exp

class LabelsTest {
    @Test
    fun `a label's vector is the mean of unit vectors, made unit length`() {
        val vector = Labels.vector(listOf(floatArrayOf(2f, 0f), floatArrayOf(0f, 5f)))
        for (value in vector) assertEquals(Math.sqrt(0.5), value, 1e-15)
    }

    @Test
    fun `golden labels have Python's probabilities`() {
        for (case in Goldens.json("labels.json").objects("cases")) {
            val labels = case.objects("labels")
            val vectors = labels.map { label ->
                Labels.vector(label.list("vectors").map { vector(it.asText("vector")) })
            }
            val names = labels.map { it.text("name") }
            val scores = Labels.scores(names, vectors, vector(case.text("image")), case.double("logit_scale"))
            val expected = case.objects("probabilities")
            assertEquals(expected.map { it.text("name") }, scores.map { it.name })
            for ((score, wanted) in scores.zip(expected)) {
                assertEquals(wanted.double("probability"), score.probability, 1e-9)
            }
        }
    }

    @Test
    fun `probabilities are a softmax of scaled cosines, best first`() {
        val vectors = listOf(doubleArrayOf(0.0, 1.0), doubleArrayOf(1.0, 0.0), doubleArrayOf(0.6, 0.8))
        val scores = Labels.scores(listOf("a", "b", "c"), vectors, floatArrayOf(4f, 0f), 2.0)
        val sum = 1 + exp(2.0) + exp(1.2)
        assertEquals(listOf("b", "c", "a"), scores.map { it.name })
        for ((score, power) in scores.zip(listOf(exp(2.0), exp(1.2), 1.0))) {
            assertEquals(power / sum, score.probability, 1e-15)
        }
        assertEquals(emptyList<LabelScore>(), Labels.scores(emptyList(), emptyList(), floatArrayOf(1f), 100.0))
    }
}
