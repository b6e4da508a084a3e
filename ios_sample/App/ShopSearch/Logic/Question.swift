import Foundation
import MobileCLIPSearch

/// What the shopper is looking for.
struct Question: Sendable {
    private static let longest = 1000  // code points: a text is cleaned in rounds, and nobody types more
    private static let most = 20

    var text = ""
    var picture: RGBImage?
    /// From 0, the text alone, to 1, the picture alone; where there are both.
    var slider = 0.5
    /// One of the catalog's categories; nil for all.
    var category: String?
    /// More like this product, a place in the catalog, and nothing else.
    var like: Int?

    /// What is searched for by its words: none where it is more like a product.
    var words: String {
        if like != nil { return "" }
        let words = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return String(String.UnicodeScalarView(words.unicodeScalars.prefix(Self.longest)))
    }

    /// Whether nothing is looked for yet.
    var isEmpty: Bool { words.isEmpty && picture == nil && like == nil }

    /// Throws ``SearchError/badRequest(_:)`` where it ``isEmpty``.
    func request() throws -> SearchRequest {
        try SearchRequest(
            text: words.isEmpty ? nil : words, image: like == nil ? picture : nil, slider: slider, like: like,
            k: Self.most, filter: CatalogFilter(categories: category.map { [$0] }))
    }
}
