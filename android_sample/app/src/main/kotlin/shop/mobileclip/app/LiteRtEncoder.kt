package shop.mobileclip.app

import org.tensorflow.lite.Interpreter
import shop.mobileclip.search.EmbeddingEncoder
import shop.mobileclip.search.ModelManifest
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * The two encoders under LiteRT, on the CPU. Each is loaded when it is first asked: a shopper who only types never pays
 * for the image encoder. One thread at a time may use it; [close] frees both.
 *
 * Throws IOException unless both files are there and of one embedding space.
 */
class LiteRtEncoder(assets: Assets, manifest: ModelManifest) : EmbeddingEncoder {
    private val texts = Model(assets, manifest.artifact(FORMAT, "text").path, manifest.dim)
    private val images = Model(assets, manifest.artifact(FORMAT, "image").path, manifest.dim)

    override val space: String = texts.space
    override val dim: Int = manifest.dim

    init {
        if (images.space != texts.space) {
            throw IOException("${images.name}: of embedding space ${images.space}, ${texts.name} of ${texts.space}")
        }
    }

    override fun text(ids: IntArray): FloatArray = texts.run(buffer(4 * ids.size) { for (id in ids) putInt(id) })

    override fun image(square: ByteArray): FloatArray =
        images.run(buffer(4 * square.size) { for (byte in square) putFloat((byte.toInt() and 0xFF).toFloat()) })

    override fun close() {
        texts.close()
        images.close()
    }

    /** One `.tflite` file; it has one input, and one output of [dim] numbers. */
    private class Model(assets: Assets, val name: String, private val dim: Int) : AutoCloseable {
        private val file = assets.mapped(name)
        private var interpreter: Interpreter? = null

        val space: String = TfliteMetadata(file, name).text("space")

        fun run(input: ByteBuffer): FloatArray {
            val output = Array(1) { FloatArray(dim) }
            loaded().run(input, output)
            return output[0]
        }

        private fun loaded(): Interpreter = interpreter ?: Interpreter(file, options()).also { interpreter = it }

        override fun close() {
            interpreter?.close()
            interpreter = null
        }
    }

    private companion object {
        const val FORMAT = "tflite"
        const val MOST_THREADS = 4 // a phone's big cores: more threads wait for the small ones

        /**
         * XNNPACK on the CPU. No GPU delegate: it is known to give wrong results where attention is masked, computes in
         * 16 bits, and takes longer to start than a search by the CPU takes. Hold its embeddings to the CPU's before use.
         */
        fun options(): Interpreter.Options = Interpreter.Options()
            .setUseXNNPACK(true)
            .setNumThreads(Runtime.getRuntime().availableProcessors().coerceAtMost(MOST_THREADS))

        fun buffer(size: Int, fill: ByteBuffer.() -> Unit): ByteBuffer =
            ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder()).apply(fill).apply { rewind() }
    }
}
