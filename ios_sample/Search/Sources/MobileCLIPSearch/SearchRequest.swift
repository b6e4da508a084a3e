/// What a shopper asks for.
public struct SearchRequest: Sendable {
    enum Subject {
        case text(String)
        case image(RGBImage)
        case both(String, RGBImage)
        case like(Int)
    }

    let subject: Subject
    let slider: Double
    let k: Int
    let filter: CatalogFilter
    let threshold: Double
    let leastConfidence: Double

    /// A `text`, an `image`, both, or products `like` that one. `slider` is for both: from 0, the text alone, to 1, the
    /// image alone. The rest is as for ``CatalogSearch``.
    ///
    /// Throws ``SearchError/badRequest(_:)`` for a request for nothing, or for more than that.
    public init(
        text: String? = nil, image: RGBImage? = nil, slider: Double = 0.5, like: Int? = nil, k: Int = 10,
        filter: CatalogFilter = .any, threshold: Double = -.infinity, leastConfidence: Double = 0
    ) throws {
        switch (text, image, like) {
        case (let text?, nil, nil): subject = .text(text)
        case (nil, let image?, nil): subject = .image(image)
        case (let text?, let image?, nil): subject = .both(text, image)
        case (nil, nil, let like?): subject = .like(like)
        default: throw SearchError.badRequest("expected a text, an image, or both; or a product alone")
        }
        self.slider = slider
        self.k = k
        self.filter = filter
        self.threshold = threshold
        self.leastConfidence = leastConfidence
    }
}
