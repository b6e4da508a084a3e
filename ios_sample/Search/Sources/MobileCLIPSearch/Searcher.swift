/// A shop's search: texts and images in, products out. What an app calls.
///
/// Everything that takes time happens on this actor or in the encoder, off the main thread; a search ends early where its
/// task is cancelled. The embeddings of the last texts, and of as many images, are kept: another filter or another place
/// of the slider asks no encoder.
public actor Searcher {
    private let encoder: any EmbeddingEncoder
    private let tokenizer: any TextTokenizer
    private let preprocessor: ImagePreprocessor
    private let onSearched: @Sendable (SearchEvent) -> Void
    private var search: CatalogSearch
    private var texts: Recent<[Int32], [Float]>  // by ids: what differs only in case or spaces is one text
    private var images: Recent<RGBImage.ID, [Float]>
    private var labels = Recent<Label, [Double]>(most: 1024)

    private struct Label: Equatable {
        let name: String
        let templates: [String]
    }

    /// `recent`: how many embeddings of each kind are kept. `onSearched` is told of each search that found something or
    /// nothing, but not of one that failed or was cancelled.
    ///
    /// Throws ``SearchError/mismatch(name:problem:)`` where the encoder is of another embedding space than the catalog.
    public init(
        encoder: any EmbeddingEncoder, tokenizer: any TextTokenizer, preprocessor: ImagePreprocessor,
        search: CatalogSearch, recent: Int = 32, onSearched: @escaping @Sendable (SearchEvent) -> Void = { _ in }
    ) throws {
        try checkFit(search.catalog, encoder)
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.preprocessor = preprocessor
        self.search = search
        self.onSearched = onSearched
        texts = Recent(most: recent)
        images = Recent(most: recent)
    }

    /// What is searched now.
    public var catalog: ProductCatalog { search.catalog }

    /// The products, best first; perhaps none. Their places are in the catalog that was searched: where it may be swapped
    /// meanwhile (``use(_:)``), ask for an ``answer(to:)``.
    ///
    /// Throws what the encoder and ``CatalogSearch`` throw, and `CancellationError` where the task is cancelled.
    public func search(_ request: SearchRequest) async throws -> [SearchHit] { try await answer(to: request).hits }

    /// The products, and the catalog that they are in. As ``search(_:)``.
    public func answer(to request: SearchRequest) async throws -> SearchAnswer {
        try await answer { _ in request }
    }

    /// As ``answer(to:)``, of a request that is made for the catalog that is searched: its categories and places are true
    /// there, whatever is swapped meanwhile. Throws what `request` throws, too.
    public func answer(
        to request: @Sendable (ProductCatalog) throws -> SearchRequest
    ) async throws -> SearchAnswer {
        let start = ContinuousClock.now
        let search = search
        let request = try request(search.catalog)
        let query = try await query(request, search.catalog)
        try Task.checkCancellation()
        let hits = try search.search(
            query, k: request.k, filter: request.filter, threshold: request.threshold,
            leastConfidence: request.leastConfidence, exact: request.exact)
        let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
        onSearched(SearchEvent(kind: request.kind, hits: hits.count, milliseconds: milliseconds))
        return SearchAnswer(hits: hits, catalog: search.catalog)
    }

    /// Loads encoders ahead, one after the other: when a search field gets the focus, say.
    public func prepare(_ parts: [EncoderPart] = EncoderPart.allCases) async throws {
        for part in parts {
            try Task.checkCancellation()
            try await encoder.prepare(part)
        }
    }

    /// Gives the encoders' memory back: for `UIApplication.didReceiveMemoryWarningNotification`. A search that runs ends
    /// first; the next loads again what it needs.
    public func release() async { await encoder.release() }

    /// Searches another catalog of the same embedding space from now on, or the same with new products. A search that has
    /// begun ends in the catalog that it began in.
    ///
    /// Throws ``SearchError/mismatch(name:problem:)`` for a catalog of another embedding space or width.
    public func use(_ search: CatalogSearch) throws {
        try checkFit(search.catalog, encoder)
        self.search = search
    }

    /// The embedding of an image, as a search by it uses.
    public func embedding(_ image: RGBImage) async throws -> [Float] {
        if let known = images[image.id] { return known }
        try Task.checkCancellation()
        let made = try await encoder.image(try preprocessor.square(image))
        images[image.id] = made
        return made
    }

    /// Which of `names` the image shows, best first, with shares as the manifest says. `language`: that of the names (`zh`),
    /// for the templates; nil where it is not known. The vectors of labels are kept.
    ///
    /// Throws what the encoder throws, and `CancellationError`.
    public func labels(
        _ image: RGBImage, names: [String], manifest: ModelManifest, language: String? = nil
    ) async throws -> [LabelScore] {
        let text = manifest.text
        let (image, vectors) = try await vectors(
            image, names, language.map { text.templates(language: $0) } ?? text.templates)
        return try Labels.scores(
            names, vectors, image: image, logitScale: manifest.logitScale, by: manifest.labels,
            bias: manifest.logitBias ?? 0)
    }

    /// Which of `names` the image shows, best first, by a softmax. `templates` and `logitScale` are the manifest's
    /// (``ModelManifest/TextSpec/templates``, ``ModelManifest/logitScale``): texts with `{}` where a name goes. The vectors
    /// of labels are kept.
    ///
    /// Throws what the encoder throws, ``SearchError/badRequest(_:)`` for no template, and `CancellationError`.
    public func labels(
        _ image: RGBImage, names: [String], templates: [String], logitScale: Double
    ) async throws -> [LabelScore] {
        let (image, vectors) = try await vectors(image, names, templates)
        return try Labels.scores(names, vectors, image: image, logitScale: logitScale)
    }

    private func vectors(
        _ image: RGBImage, _ names: [String], _ templates: [String]
    ) async throws -> (image: [Float], labels: [[Double]]) {
        let image = try await embedding(image)
        var vectors: [[Double]] = []
        for name in names { vectors.append(try await vector(Label(name: name, templates: templates))) }
        return (image, vectors)
    }

    private func vector(_ label: Label) async throws -> [Double] {
        if let known = labels[label] { return known }
        var embeddings: [[Float]] = []
        for template in label.templates {
            try Task.checkCancellation()
            let text = template.split(separator: "{}", omittingEmptySubsequences: false).joined(separator: label.name)
            embeddings.append(try await encoder.text(tokenizer.encode(text)))
        }
        let made = try Labels.vector(embeddings)
        labels[label] = made
        return made
    }

    private func query(_ request: SearchRequest, _ catalog: ProductCatalog) async throws -> SearchQuery {
        switch request.subject {
        case .text(let text): return .text(try await embedding(text))
        case .image(let image): return .image(try await embedding(image))
        case .both(let text, let image):
            async let first = embedding(text)  // both encoders at once
            async let second = embedding(image)
            return .both(text: try await first, image: try await second, slider: request.slider)
        case .like(let product): return .like(product: product)
        case .likeID(let id):
            guard let product = try catalog.place(id: id) else {
                throw SearchError.badRequest("no product \(shown(id))")
            }
            return .like(product: product)
        }
    }

    private func embedding(_ text: String) async throws -> [Float] {
        let ids = try tokenizer.encode(text)
        if let known = texts[ids] { return known }
        try Task.checkCancellation()
        let made = try await encoder.text(ids)
        texts[ids] = made
        return made
    }
}

/// Throws ``SearchError/mismatch(name:problem:)`` unless the encoder is of the catalog's embedding space.
private func checkFit(_ catalog: ProductCatalog, _ encoder: any EmbeddingEncoder) throws {
    try reading(catalog.name) {
        try checkSpace(own: catalog.space, model: catalog.model, space: encoder.space)
        try fitting(
            encoder.dim == catalog.dim,
            "embeddings of another width: the catalog's have \(catalog.dim) numbers, the encoder's \(encoder.dim)")
    }
}
