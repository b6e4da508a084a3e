/// What a shopper asks for.
public struct SearchRequest: Sendable {
    enum Subject {
        case text(String)
        case image(RGBImage)
        case both(String, RGBImage)
        case like(Int)
        case likeID(String)
    }

    let subject: Subject
    let slider: Double
    let k: Int
    let filter: CatalogFilter
    let threshold: Double
    let leastConfidence: Double
    let exact: Bool

    /// A `text`, an `image`, both, or products `like` that one. `likeID` is `like` by the product's own id, which stays true
    /// when the catalog is swapped. `slider` is for both: from 0, the text alone, to 1, the image alone. The rest is as for
    /// ``CatalogSearch``.
    ///
    /// Throws ``SearchError/badRequest(_:)`` for a request for nothing, or for more than that.
    public init(
        text: String? = nil, image: RGBImage? = nil, slider: Double = 0.5, like: Int? = nil,
        likeID: String? = nil, k: Int = 10, filter: CatalogFilter = .any, threshold: Double = -.infinity,
        leastConfidence: Double = 0, exact: Bool = false
    ) throws {
        switch (text, image, like, likeID) {
        case (let text?, nil, nil, nil): subject = .text(text)
        case (nil, let image?, nil, nil): subject = .image(image)
        case (let text?, let image?, nil, nil): subject = .both(text, image)
        case (nil, nil, let like?, nil): subject = .like(like)
        case (nil, nil, nil, let id?): subject = .likeID(id)
        default: throw SearchError.badRequest("expected a text, an image, or both; or a product alone")
        }
        self.slider = slider
        self.k = k
        self.filter = filter
        self.threshold = threshold
        self.leastConfidence = leastConfidence
        self.exact = exact
    }

    /// What kind of query it is.
    public var kind: SearchKind {
        switch subject {
        case .text: .text
        case .image: .image
        case .both: .both
        case .like, .likeID: .like
        }
    }
}
