package shop.mobileclip.search

/** One of a model's two encoders. */
public enum class EncoderPart { TEXT, IMAGE }

/**
 * The image and the text encoder of one model, whatever runs them. Used by one thread at a time, perhaps not always the
 * same; closed once, after its last use. [cancel] alone may be called on any thread.
 */
public interface EmbeddingEncoder : AutoCloseable {
    /** 64 hex digits naming the embedding space. */
    public val space: String

    /** The width of an embedding. */
    public val dim: Int

    /** The embedding, [dim] numbers, of a text's [ids] ([TextTokenizer.encode]). */
    public fun text(ids: IntArray): FloatArray

    /** The embedding of an image's [square]: RGB8, row by row ([ImagePreprocessor.square]). */
    public fun image(square: ByteArray): FloatArray

    /** Loads one of the two ahead of its first use. An encoder that has nothing to load leaves this out. */
    public fun prepare(part: EncoderPart): Unit = Unit

    /** Has the call that runs end early, by throwing anything. An encoder that cannot leaves this out. */
    public fun cancel(): Unit = Unit
}
