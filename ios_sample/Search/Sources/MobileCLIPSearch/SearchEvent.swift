/// Kinds of queries.
public enum SearchKind: Sendable, CaseIterable {
    /// A text alone.
    case text
    /// An image alone.
    case image
    /// A text and an image.
    case both
    /// More like a product.
    case like
}

/// A search that found something or nothing: for the app's own statistics, on the device. It holds nothing of what was
/// asked.
public struct SearchEvent: Sendable, Equatable {
    /// What was asked for.
    public let kind: SearchKind
    /// How many products were found; perhaps none.
    public let hits: Int
    /// From the call to its answer.
    public let milliseconds: Double
}

/// What a search found, and where.
public struct SearchAnswer: Sendable {
    /// Best first; perhaps none.
    public let hits: [SearchHit]
    /// The catalog that was searched: the hits' places are in it, whatever the searcher uses by now.
    public let catalog: ProductCatalog
}
