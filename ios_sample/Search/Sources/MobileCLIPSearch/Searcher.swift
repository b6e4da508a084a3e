/// A shop's search: texts and images in, products out. What an app calls.
///
/// Everything that takes time happens on this actor or in the encoder, off the main thread; a search ends early where its
/// task is cancelled. The embeddings of the last texts, and of as many images, are kept: another filter or another place
/// of the slider asks no encoder.
public actor Searcher {
    private let encoder: any EmbeddingEncoder
    private let tokenizer: any TextTokenizer
    private let preprocessor: ImagePreprocessor
    private let search: CatalogSearch
    private var texts: Recent<[Int32], [Float]>  // by ids: what differs only in case or spaces is one text
    private var images: Recent<RGBImage.ID, [Float]>

    /// `recent`: how many embeddings of each kind are kept.
    ///
    /// Throws ``SearchError/badFile(name:problem:)`` where the encoder is of another embedding space than the catalog.
    public init(
        encoder: any EmbeddingEncoder, tokenizer: any TextTokenizer, preprocessor: ImagePreprocessor,
        search: CatalogSearch,
        recent: Int = 32
    ) throws {
        let catalog = search.catalog
        try reading(catalog.name) {
            try checkSpace(own: catalog.space, model: catalog.model, space: encoder.space)
            try wellFormed(
                encoder.dim == catalog.dim,
                "embeddings of another width: the catalog's have \(catalog.dim) numbers, the encoder's \(encoder.dim)")
        }
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.preprocessor = preprocessor
        self.search = search
        texts = Recent(most: recent)
        images = Recent(most: recent)
    }

    /// The products, best first; perhaps none.
    ///
    /// Throws what the encoder and ``CatalogSearch`` throw, and `CancellationError` where the task is cancelled.
    public func search(_ request: SearchRequest) async throws -> [SearchHit] {
        let query = try await query(request)
        try Task.checkCancellation()
        return try search.search(
            query, k: request.k, filter: request.filter, threshold: request.threshold,
            leastConfidence: request.leastConfidence)
    }

    private func query(_ request: SearchRequest) async throws -> SearchQuery {
        switch request.subject {
        case .text(let text): .text(try await embedding(text))
        case .image(let image): .image(try await embedding(image))
        case .both(let text, let image):
            .both(text: try await embedding(text), image: try await embedding(image), slider: request.slider)
        case .like(let product): .like(product: product)
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

    private func embedding(_ image: RGBImage) async throws -> [Float] {
        if let known = images[image.id] { return known }
        try Task.checkCancellation()
        let made = try await encoder.image(try preprocessor.square(image))
        images[image.id] = made
        return made
    }
}
