package shop.mobileclip.search

import java.security.MessageDigest
import java.util.concurrent.CancellationException
import java.util.concurrent.Executor

/**
 * A shop's search: words and pictures in, products out. What an app calls.
 *
 * Everything that takes time happens on [executor]'s threads, of which there may be several; every function here may be
 * called on any thread and returns at once. The [encoder] is made at its first use, after [onPreparing] was called, and
 * used by one thread at a time. The embeddings of the last [recent] texts, and of as many pictures, are kept: another
 * filter or another place of the slider asks no encoder.
 */
public class Searcher(
    private val encoder: () -> Encoder,
    private val tokenizer: ClipTokenizer,
    private val preprocessor: ImagePreprocessor,
    private val search: CatalogSearch,
    private val executor: Executor,
    recent: Int = 32,
    private val onPreparing: () -> Unit = {},
) : AutoCloseable {
    private val texts = Recent<String, FloatArray>(recent)
    private val pictures = Recent<String, FloatArray>(recent)

    // Guarded by [lock], which is held while an encoder is made, used or closed: never on the caller's thread.
    private val lock = Any()
    private var made: Encoder? = null

    @Volatile
    private var isClosed = false

    /**
     * Starts a search. [done] is called once, on the executor's thread.
     *
     * @throws java.util.concurrent.RejectedExecutionException if the executor takes no more work.
     */
    public fun search(ask: Ask, done: (Outcome) -> Unit): Running {
        val running = Running()
        executor.execute { done(outcome(ask, running)) }
        return running
    }

    /** Closes the encoder, once the executor comes to it; the next use makes it again. For when memory is short. */
    public fun release(): Unit = executor.execute {
        synchronized(lock) {
            made.also { made = null }?.close()
        }
    }

    /** [release]s the encoder for good: a later search that needs it fails. Call it before the executor is shut down. */
    override fun close() {
        isClosed = true
        release()
    }

    /** Whatever is thrown is an answer: a missing native library or a want of memory is an Error, no Exception. */
    private fun outcome(ask: Ask, running: Running): Outcome = try {
        val query = query(ask, running)
        val hits = search.search(query, ask.k, ask.filter, ask.threshold, ask.leastConfidence) { running.isCancelled }
        running.goOn()
        Outcome.Found(hits)
    } catch (error: Throwable) {
        if (running.isCancelled) Outcome.Cancelled else Outcome.Failed(error)
    }

    private fun query(ask: Ask, running: Running): Query {
        running.goOn()
        if (ask.like != null) return Query.Like(ask.like)
        val text = ask.text?.let { text(it, running) }
        val picture = ask.picture?.let { picture(it, running) }
        return when {
            text == null -> Query.Picture(checkNotNull(picture))
            picture == null -> Query.Text(text)
            else -> Query.Both(text, picture, ask.slider)
        }
    }

    private fun text(text: String, running: Running): FloatArray = texts[text] ?: run {
        val ids = tokenizer.encode(text)
        encoded(running) { it.text(ids) }.also { texts[text] = it }
    }

    private fun picture(picture: Rgb, running: Running): FloatArray {
        val key = "${picture.width} x ${picture.height}, ${hex(MessageDigest.getInstance("SHA-256").digest(picture.bytes))}"
        return pictures[key] ?: run {
            val square = preprocessor.square(picture.bytes, picture.width, picture.height)
            encoded(running) { it.picture(square) }.also { pictures[key] = it }
        }
    }

    private fun encoded(running: Running, encode: (Encoder) -> FloatArray): FloatArray = synchronized(lock) {
        running.goOn()
        check(!isClosed) { "the searcher is closed" }
        encode(made ?: prepared().also { made = it })
    }

    private fun prepared(): Encoder {
        onPreparing()
        val prepared = encoder()
        try {
            checkFits(prepared, search.catalog)
        } catch (error: BadFileException) {
            prepared.close()
            throw error
        }
        return prepared
    }

    private companion object {
        fun Running.goOn() {
            if (isCancelled) throw CancellationException("the search was cancelled")
        }

        fun checkFits(encoder: Encoder, catalog: Catalog) {
            reading(catalog.name) {
                checkSpace(catalog.space, catalog.model, encoder.space)
                wellFormed(encoder.dim == catalog.dim) {
                    "embeddings of another width: the catalog's have ${catalog.dim} numbers, the encoder's ${encoder.dim}"
                }
            }
        }
    }
}
