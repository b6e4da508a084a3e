package shop.mobileclip.search

import java.util.concurrent.CancellationException
import java.util.concurrent.Executor

/** Is told how a search ended. */
public fun interface SearchAnswer {
    /** Once for each search, on the executor's thread. */
    public fun onOutcome(outcome: SearchOutcome)
}

/** Is told of each search that found something or nothing, but not of one that failed or was cancelled. */
public fun interface SearchListener {
    /** On the executor's thread. */
    public fun onSearched(event: SearchEvent)
}

/**
 * A shop's search: texts and images in, products out. What an app calls.
 *
 * Everything that takes time happens on [executor]'s threads, of which there may be several; every function here may be
 * called on any thread and returns at once, but [embedding] and [labels], which work on the caller's. The [encoder] is made
 * at its first use, after [onPreparing] was called, and used by one thread at a time. The embeddings of the last [recent]
 * texts, and of as many images, are kept: another filter or another place of the slider asks no encoder. [onSearched] is
 * called on the executor's thread, before a search's own answer.
 */
public class Searcher @JvmOverloads constructor(
    private val encoder: () -> EmbeddingEncoder,
    private val tokenizer: TextTokenizer,
    private val preprocessor: ImagePreprocessor,
    search: CatalogSearch,
    private val executor: Executor,
    recent: Int = 32,
    private val onSearched: SearchListener = SearchListener {},
    private val onPreparing: Runnable = Runnable {},
) : AutoCloseable {
    private val texts = Recent<List<Int>, FloatArray>(recent) // by ids: what differs only in case or spaces is one text
    private val images = Recent<Any, FloatArray>(recent) // by [RGBImage.identity], which holds no pixels
    private val labels = Recent<Pair<List<String>, String>, DoubleArray>(MOST_LABELS) // by templates and name

    /** What is searched now. Each search takes it once. */
    @Volatile
    public var search: CatalogSearch = search
        private set

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
    public fun search(request: SearchRequest, done: SearchAnswer): RunningSearch {
        val asked = System.nanoTime()
        val running = RunningSearch()
        executor.execute {
            val outcome = outcome(request, running)
            if (outcome is SearchOutcome.Found) {
                val milliseconds = (System.nanoTime() - asked) / NANOSECONDS
                onSearched.onSearched(SearchEvent(request.kind, outcome.hits.size, milliseconds))
            }
            done.onOutcome(outcome)
        }
        return running
    }

    /**
     * Loads encoders ahead, once the executor comes to it: when a search field gets the focus, say. Each of [parts] is work
     * of its own, so that a search need not wait for both. What fails here fails again, and is told, at the next search.
     */
    @JvmOverloads
    public fun prepare(parts: Set<EncoderPart> = EncoderPart.entries.toSet()) {
        for (part in parts) executor.execute { prepareNow(part) }
    }

    /**
     * Searches [search] from now on: another catalog of the same embedding space, or the same with new products. A search
     * that has begun ends in the catalog that it began in ([SearchOutcome.Found.catalog]).
     *
     * @throws BadFileException for a catalog of another embedding space or width.
     */
    public fun use(search: CatalogSearch) {
        val (old, new) = this.search.catalog to search.catalog
        checkFits(new, old.space, old.dim)
        this.search = search
    }

    /**
     * The embedding of an image, as a search by it uses. Works on the caller's thread: not for the main one.
     *
     * @throws BadFileException where the encoder does not fit the catalog; and whatever the encoder throws.
     */
    public fun embedding(image: RGBImage): FloatArray = image(image, RunningSearch()).copyOf()

    /**
     * Which of [names] the image shows, best first. [templates] and [logitScale] are the manifest's
     * ([ModelManifest.TextSpec.templates], [ModelManifest.logitScale]): texts with `{}` where a name goes. The probabilities
     * sum to 1. Labels' vectors are kept. Works on the caller's thread: not for the main one.
     */
    public fun labels(
        image: RGBImage,
        names: List<String>,
        templates: List<String>,
        logitScale: Double,
    ): List<LabelScore> = labels(image, names, templates, logitScale, null)

    /**
     * The same as [manifest] has it: with its prompts for [language] ([ModelManifest.TextSpec.templates]), and by a softmax
     * or, as SigLIP's models were trained, by a sigmoid, whose probabilities do not sum to 1.
     */
    @JvmOverloads
    public fun labels(
        image: RGBImage,
        names: List<String>,
        manifest: ModelManifest,
        language: String? = null,
    ): List<LabelScore> =
        labels(image, names, manifest.text.templates(language), manifest.logitScale, manifest.sigmoidBias)

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
        val search = search
        val query = query(request, search.catalog, running)
        val hits = search.search(
            query,
            request.k,
            request.filter,
            request.threshold,
            request.leastConfidence,
            exact = request.exact,
        ) { running.isCancelled }
        running.goOn()
        SearchOutcome.Found(hits, search.catalog)
    } catch (error: Throwable) {
        if (running.isCancelled) SearchOutcome.Cancelled else SearchOutcome.Failed(error)
    }

    private fun query(request: SearchRequest, catalog: ProductCatalog, running: RunningSearch): SearchQuery {
        running.goOn()
        if (request.likeId != null) {
            return SearchQuery.Like(requireNotNull(catalog.place(request.likeId)) { "no product '${request.likeId}'" })
        }
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

    private fun labels(
        image: RGBImage,
        names: List<String>,
        templates: List<String>,
        logitScale: Double,
        sigmoidBias: Double?,
    ): List<LabelScore> {
        require(templates.isNotEmpty()) { "no templates to put labels into" }
        val vectors = names.map { label(it, templates) }
        return Labels.scores(names, vectors, embedding(image), logitScale, sigmoidBias)
    }

    private fun label(name: String, templates: List<String>): DoubleArray = labels[templates to name] ?: run {
        val texts = templates.map { tokenizer.encode(it.replace("{}", name)) }
        val embeddings = texts.map { ids -> encoded(RunningSearch()) { it.text(ids) } }
        Labels.vector(embeddings).also { labels[templates to name] = it }
    }

    private fun encoded(running: RunningSearch, encode: (EmbeddingEncoder) -> FloatArray): FloatArray =
        synchronized(lock) {
            running.goOn()
            val encoder = loaded()
            running.during(encoder::cancel) {
                running.goOn()
                encode(encoder)
            }
        }

    private fun prepareNow(part: EncoderPart): Unit = synchronized(lock) {
        try {
            loaded().prepare(part)
        } catch (error: Throwable) {
            made.also { made = null }?.close() // half loaded: the next use makes it anew, and says what is wrong
        }
    }

    /** With [lock] held. */
    private fun loaded(): EmbeddingEncoder {
        check(!isClosed) { "the searcher is closed" }
        return made ?: checked().also { made = it }
    }

    private fun checked(): EmbeddingEncoder {
        onPreparing.run()
        val prepared = encoder()
        try {
            checkFits(search.catalog, prepared.space, prepared.dim)
        } catch (error: BadFileException) {
            prepared.close()
            throw error
        }
        return prepared
    }

    private companion object {
        const val MOST_LABELS = 1024
        const val NANOSECONDS = 1e6 // in a millisecond

        fun RunningSearch.goOn() {
            if (isCancelled) throw CancellationException("the search was cancelled")
        }

        fun checkFits(catalog: ProductCatalog, space: String, dim: Int) {
            reading(catalog.name) {
                checkSpace(catalog.space, catalog.model, space)
                wellFormed(dim == catalog.dim, ErrorKind.MISMATCHED) {
                    "embeddings of another width: the catalog's have ${catalog.dim} numbers, the encoder's $dim"
                }
            }
        }
    }
}
