package shop.mobileclip.android

import org.tensorflow.lite.Interpreter
import shop.mobileclip.search.BadFileException
import shop.mobileclip.search.EmbeddingEncoder
import shop.mobileclip.search.EncoderPart
import shop.mobileclip.search.ErrorKind
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * The two encoders under LiteRT, on the CPU, of any precision that the export makes. Each is loaded when it is prepared or
 * first asked: a shopper who only types never pays for the image encoder. One thread at a time may use it, but [cancel];
 * [close] frees both. [dim]: the embedding's width.
 *
 * @throws BadFileException unless both files are whole and of one embedding space.
 */
public class LiteRtEncoder(text: File, image: File, override val dim: Int) : EmbeddingEncoder {
    private val texts = LiteRtModel(text, dim)
    private val images = LiteRtModel(image, dim)

    override val space: String = texts.space

    init {
        if (images.space != texts.space) {
            val difference = "of embedding space ${images.space}, ${text.name} of ${texts.space}"
            throw BadFileException("${image.name}: $difference", kind = ErrorKind.MISMATCHED)
        }
    }

    /** A `.tflite` file, mapped; [name] is for messages. */
    public class File(public val name: String, public val content: ByteBuffer)

    override fun text(ids: IntArray): FloatArray = texts.run(buffer(4 * ids.size) { for (id in ids) putInt(id) })

    override fun image(square: ByteArray): FloatArray =
        images.run(buffer(4 * square.size) { for (byte in square) putFloat((byte.toInt() and 0xFF).toFloat()) })

    override fun prepare(part: EncoderPart): Unit = when (part) {
        EncoderPart.TEXT -> texts.load()
        EncoderPart.IMAGE -> images.load()
    }

    override fun cancel() {
        texts.cancel()
        images.cancel()
    }

    override fun close() {
        texts.close()
        images.close()
    }

    private fun buffer(size: Int, fill: ByteBuffer.() -> Unit): ByteBuffer =
        ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder()).apply(fill).apply { rewind() }
}

/** One `.tflite` file; it has one input, and one output of [dim] numbers. */
private class LiteRtModel(private val file: LiteRtEncoder.File, private val dim: Int) : AutoCloseable {
    val space: String = TfliteMetadata(file.content, file.name).text("space")

    @Volatile
    private var interpreter: Interpreter? = null

    fun load() {
        loaded()
    }

    fun run(input: ByteBuffer): FloatArray {
        val output = Array(1) { FloatArray(dim) }
        val loaded = loaded()
        loaded.setCancelled(false)
        loaded.run(input, output)
        return output[0]
    }

    /** Has a run end between two operators; the next one runs whole. */
    fun cancel() {
        interpreter?.setCancelled(true)
    }

    private fun loaded(): Interpreter = interpreter ?: Interpreter(file.content, options()).also { interpreter = it }

    override fun close() {
        interpreter.also { interpreter = null }?.close()
    }

    private companion object {
        const val MOST_THREADS = 4 // a phone's big cores: more threads wait for the small ones

        /** XNNPACK on the CPU: LiteRT's `Interpreter` has nothing else. The module's README says why it is this class. */
        fun options(): Interpreter.Options = Interpreter.Options()
            .setUseXNNPACK(true)
            .setNumThreads(Runtime.getRuntime().availableProcessors().coerceAtMost(MOST_THREADS))
            .setCancellable(true)
    }
}
