package shop.mobileclip.search

import java.util.concurrent.CancellationException
import java.util.concurrent.Executor

/**
 * A shop's search: texts and images in, products out. What an app calls.
 *
 * Everything that takes time happens on [executor]'s threads, of which there may be several; every function here may be
 * called on any thread and returns at once. The [encoder] is made at its first use, after [onPreparing] was called, and
 * used by one thread at a time. The embeddings of the last [recent] texts, and of as many images, are kept: another
 * filter or another place of the slider asks no encoder.
 */
public class Searcher(
    private val encoder: () -> EmbeddingEncoder,
    private val tokenizer: TextTokenizer,
    private val preprocessor: ImagePreprocessor,
    private val search: CatalogSearch,
    private val executor: Executor,
    recent: Int = 32,
    private val onPreparing: () -> Unit = {},
) : AutoCloseable {
    private val texts = Recent<List<Int>, FloatArray>(recent) // by ids: what differs only in case or spaces is one text
    private val images = Recent<Any, FloatArray>(recent) // by [RGBImage.identity], which holds no pixels

    // Guarded by [lock], which is held while an encoder is made, used or closed: never on the caller's thread.
    private val lock = Any()
    private var made: EmbeddingEncoder? = null

    @Volatile
    private var isClosed = false

    /**
     * Starts a search. [done] is called once, on the executor's thread.
     *
     * @throws java.util.concurrent.RejectedExecutionException if the executor takes no more work.
     */
    public fun search(request: SearchRequest, done: (SearchOutcome) -> Unit): RunningSearch {
        val running = RunningSearch()
        executor.execute { done(outcome(request, running)) }
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
    private fun outcome(request: SearchRequest, running: RunningSearch): SearchOutcome = try {
        val query = query(request, running)
        val hits = search.search(query, request.k, request.filter, request.threshold, request.leastConfidence) {
            running.isCancelled
        }
        running.goOn()
        SearchOutcome.Found(hits)
    } catch (error: Throwable) {
        if (running.isCancelled) SearchOutcome.Cancelled else SearchOutcome.Failed(error)
    }

    private fun query(request: SearchRequest, running: RunningSearch): SearchQuery {
        running.goOn()
        if (request.like != null) return SearchQuery.Like(request.like)
        val text = request.text?.let { text(it, running) }
        val image = request.image?.let { image(it, running) }
        return when {
            text == null -> SearchQuery.Image(checkNotNull(image))
            image == null -> SearchQuery.Text(text)
            else -> SearchQuery.Both(text, image, request.slider)
        }
    }

    private fun text(text: String, running: RunningSearch): FloatArray {
        val ids = tokenizer.encode(text)
        val key = ids.toList()
        return texts[key] ?: encoded(running) { it.text(ids) }.also { texts[key] = it }
    }

    private fun image(image: RGBImage, running: RunningSearch): FloatArray = images[image.identity] ?: run {
        val square = preprocessor.square(image.bytes, image.width, image.height)
        encoded(running) { it.image(square) }.also { images[image.identity] = it }
    }

    private fun encoded(running: RunningSearch, encode: (EmbeddingEncoder) -> FloatArray): FloatArray =
        synchronized(lock) {
            running.goOn()
            check(!isClosed) { "the searcher is closed" }
            encode(made ?: prepared().also { made = it })
        }

    private fun prepared(): EmbeddingEncoder {
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
        fun RunningSearch.goOn() {
            if (isCancelled) throw CancellationException("the search was cancelled")
        }

        fun checkFits(encoder: EmbeddingEncoder, catalog: ProductCatalog) {
            reading(catalog.name) {
                checkSpace(catalog.space, catalog.model, encoder.space)
                wellFormed(encoder.dim == catalog.dim) {
                    "embeddings of another width: the catalog's have ${catalog.dim} numbers, the encoder's ${encoder.dim}"
                }
            }
        }
    }
}
