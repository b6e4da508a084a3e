import Foundation
import MobileCLIPSearch

/// What the shopper is looking for. Comes back from its JSON after the process has ended.
public struct ShopQuestion: Codable, Hashable, Sendable {
    private static let longest = 1000  // code points: a text is cleaned in rounds, and nobody types more
    private static let most = 20

    public var text: String
    public var picture: ShopPicture?
    /// From 0, the text alone, to 1, the picture alone; where there are both.
    public var slider = 0.5
    /// One of the catalog's categories; nil for all.
    public var category: String?
    /// In the catalog's currency, inclusive; nil for no matter.
    public var lowest: Decimal?
    public var highest: Decimal?
    /// More like this product, by its id, and nothing else.
    public var like: String?

    public init(text: String = "", picture: ShopPicture? = nil, category: String? = nil, like: String? = nil) {
        self.text = text
        self.picture = picture
        self.category = category
        self.like = like
    }

    /// What is searched for by its words: none where it is more like a product.
    public var words: String {
        if like != nil { return "" }
        let words = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return String(String.UnicodeScalarView(words.unicodeScalars.prefix(Self.longest)))
    }

    /// Whether nothing is looked for yet.
    public var isEmpty: Bool { words.isEmpty && picture == nil && like == nil }

    /// `image`: of ``picture``. A category and a price that the catalog does not know filter nothing: an update may have
    /// taken them away.
    ///
    /// Throws ``SearchError/badRequest(_:)`` where it ``isEmpty``, ``ShopProblem/gone`` for more like a product that is no
    /// more.
    func request(_ image: RGBImage?, in catalog: ProductCatalog) throws -> SearchRequest {
        var place: Int?
        if let like {
            place = try catalog.place(id: like)
            if place == nil { throw ShopProblem.gone }
        }
        return try SearchRequest(
            text: words.isEmpty ? nil : words, image: like == nil ? image : nil, slider: slider, like: place,
            k: Self.most, filter: filter(in: catalog))
    }

    /// What the catalog does not know filters nothing.
    func filter(in catalog: ProductCatalog) -> CatalogFilter {
        var filter = CatalogFilter(categories: category.flatMap { catalog.categories.contains($0) ? [$0] : nil })
        if !catalog.currency.isEmpty {
            (filter.lowest, filter.highest) = (lowest.map(tenThousandths), highest.map(tenThousandths))
        }
        return filter
    }
}

/// A picture's file in the app's folder of pictures, and what of it is meant.
public struct ShopPicture: Codable, Hashable, Sendable {
    let name: String
    public var box = CropBox.whole
}

private func tenThousandths(_ amount: Decimal) -> Int64 {
    NSDecimalNumber(decimal: min(max(amount, 0), 1_000_000_000_000) * 10_000).int64Value
}
