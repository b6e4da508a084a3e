package shop.mobileclip.search

import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtSession
import java.io.File
import java.nio.FloatBuffer
import java.nio.IntBuffer

/** The exported ONNX encoders under ONNX Runtime: the artefacts of one precision in [folder], which holds the manifest. */
internal class OnnxEncoder(folder: File, manifest: ModelManifest, precision: String) : EmbeddingEncoder {
    private val environment = OrtEnvironment.getEnvironment()
    private val sessions = listOf("image", "text").associateWith { encoder ->
        val those = manifest.artifacts.filter { it.format == "onnx" && it.encoder == encoder }
        val artifact = those.first { it.precision == precision }
        environment.createSession(File(folder, artifact.path).path)
    }
    private val size = manifest.imageSize.toLong()

    override val dim: Int = manifest.dim

    /** What both files say of themselves. */
    override val space: String =
        sessions.values.map { it.metadata.customMetadata.getValue("space") }.distinct().single()

    override fun text(ids: IntArray): FloatArray =
        run("text", OnnxTensor.createTensor(environment, IntBuffer.wrap(ids), longArrayOf(1, ids.size.toLong())))

    /** The bytes as numbers, one channel after the other. */
    override fun image(square: ByteArray): FloatArray {
        val pixels = square.size / 3
        val planes = FloatArray(square.size) { (square[it % pixels * 3 + it / pixels].toInt() and 0xFF).toFloat() }
        val shape = longArrayOf(1, 3, size, size)
        return run("image", OnnxTensor.createTensor(environment, FloatBuffer.wrap(planes), shape))
    }

    override fun close() = sessions.values.forEach(OrtSession::close)

    private fun run(encoder: String, input: OnnxTensor): FloatArray = input.use {
        val session = sessions.getValue(encoder)
        session.run(mapOf(session.inputNames.single() to input)).use { answer ->
            val embedding = (answer.get(0) as OnnxTensor).floatBuffer
            FloatArray(dim, embedding::get)
        }
    }
}
