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
        for (name in listOf("labels.json", "labels-sigmoid.json")) {
            for (case in Goldens.json(name).objects("cases")) compare(case, case["logit_bias"]?.asDouble("logit_bias"))
        }
    }

    private fun compare(case: Map<String, Json>, sigmoidBias: Double?) {
        val labels = case.objects("labels")
        val vectors = labels.map { label -> Labels.vector(label.list("vectors").map { vector(it.asText("vector")) }) }
        val (names, image) = labels.map { it.text("name") } to vector(case.text("image"))
        val scores = Labels.scores(names, vectors, image, case.double("logit_scale"), sigmoidBias)
        val expected = case.objects("probabilities")
        assertEquals(expected.map { it.text("name") }, scores.map { it.name })
        for ((score, wanted) in scores.zip(expected)) {
            assertEquals(wanted.double("probability"), score.probability, 1e-9)
        }
    }

    @Test
    fun `shares of a sigmoid are each label's own, and none overflows`() {
        val vectors = listOf(doubleArrayOf(1.0, 0.0), doubleArrayOf(-1.0, 0.0))
        val scores = Labels.scores(listOf("a", "b"), vectors, floatArrayOf(1f, 0f), 1000.0, -10.0)
        assertEquals(listOf(1.0, 0.0), scores.map { it.probability })
        val low = Labels.scores(listOf("a", "b"), vectors, floatArrayOf(1f, 0f), 1.0, -10.0)
        assertEquals(1 / (1 + exp(9.0)), low.first().probability, 1e-15)
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
