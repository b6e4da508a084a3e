import Foundation

/// What to search for. Vectors are embeddings as an encoder of the catalog's space gives them: `dim` finite numbers.
public enum SearchQuery: Sendable {
    /// By the embedding of a text.
    case text([Float])

    /// By the embedding of an image.
    case image([Float])

    /// By both; `slider` from 0, the text alone, to 1, the image alone.
    case both(text: [Float], image: [Float], slider: Double)

    /// More like this product, which is left out.
    case like(product: Int)
}

/// What a product must be; nil for no matter. Prices are in ten-thousandths of the catalog's currency, inclusive.
public struct CatalogFilter: Sendable, Equatable {
    /// Every product.
    public static let any = CatalogFilter()

    /// Names of categories, of which the product is in one.
    public var categories: Set<String>?
    /// The least price.
    public var lowest: Int64?
    /// The largest price.
    public var highest: Int64?
    /// Texts of the fields of ``ProductCatalog/filters``; the product holds one of each field that is named.
    public var fields: [String: Set<String>]

    /// Prices in ten-thousandths.
    public init(
        categories: Set<String>? = nil, lowest: Int64? = nil, highest: Int64? = nil, fields: [String: Set<String>] = [:]
    ) {
        self.fields = fields
        self.categories = categories
        self.lowest = lowest
        self.highest = highest
    }

    /// Prices in units of the catalog's currency, as ``CatalogProduct/price`` has them; finer ones than ten-thousandths are
    /// drawn inwards.
    public init(
        categories: Set<String>? = nil, lowestPrice: Decimal?, highestPrice: Decimal?,
        fields: [String: Set<String>] = [:]
    ) {
        self.init(
            categories: categories, lowest: lowestPrice.map { Self.tenThousandths($0, .up) },
            highest: highestPrice.map { Self.tenThousandths($0, .down) }, fields: fields)
    }

    private static func tenThousandths(_ price: Decimal, _ rounding: NSDecimalNumber.RoundingMode) -> Int64 {
        var (scaled, whole) = (price * 10_000, Decimal())
        NSDecimalRound(&whole, &scaled, 0, rounding)
        return Int64(whole.description) ?? (price < 0 ? .min : .max)
    }
}

/// A product that was found.
public struct SearchHit: Sendable, Equatable {
    /// Its place in the catalog.
    public let product: Int
    /// Its best row.
    public let row: Int
    /// That row's score: for ordering, not for people.
    public let score: Double
    /// The share of results with such a score that are right, 0 to 1; nil where the catalog's calibration was not measured
    /// for that kind of query (``ScoreCalibration``).
    public let confidence: Double?

    /// ``confidence`` in whole per cent.
    public var percent: Int? { inSteps(100) }

    /// ``confidence`` in stars, 0 to 5.
    public var stars: Int? { inSteps(5) }

    private func inSteps(_ steps: Double) -> Int? { confidence.map { Int((steps * $0).rounded(.toNearestOrEven)) } }
}
