/// A shop's search: words and pictures in, products out. What an app calls.
///
/// Everything that takes time happens on this actor or in the encoder, off the main thread; a search ends early where its
/// task is cancelled. The embeddings of the last texts, and of as many pictures, are kept: another filter or another place
/// of the slider asks no encoder.
public actor Searcher {
    private let encoder: any Encoder
    private let tokenizer: ClipTokenizer
    private let preprocessor: ImagePreprocessor
    private let search: CatalogSearch
    private var texts: Recent<[Int32], [Float]>  // by ids: what differs only in case or spaces is one text
    private var pictures: Recent<Rgb.ID, [Float]>

    /// `recent`: how many embeddings of each kind are kept.
    ///
    /// Throws ``SearchError/badFile(name:problem:)`` where the encoder is of another embedding space than the catalog.
    public init(
        encoder: any Encoder, tokenizer: ClipTokenizer, preprocessor: ImagePreprocessor, search: CatalogSearch,
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
        pictures = Recent(most: recent)
    }

    /// The products, best first; perhaps none.
    ///
    /// Throws what the encoder and ``CatalogSearch`` throw, and `CancellationError` where the task is cancelled.
    public func search(_ ask: Ask) async throws -> [Hit] {
        let query = try await query(ask)
        try Task.checkCancellation()
        return try search.search(
            query, k: ask.k, filter: ask.filter, threshold: ask.threshold, leastConfidence: ask.leastConfidence)
    }

    private func query(_ ask: Ask) async throws -> Query {
        switch ask.subject {
        case .text(let text): .text(try await embedding(text))
        case .picture(let picture): .picture(try await embedding(picture))
        case .both(let text, let picture):
            .both(text: try await embedding(text), picture: try await embedding(picture), slider: ask.slider)
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

    private func embedding(_ picture: Rgb) async throws -> [Float] {
        if let known = pictures[picture.id] { return known }
        try Task.checkCancellation()
        let made = try await encoder.picture(preprocessor.square(picture))
        pictures[picture.id] = made
        return made
    }
}
