import Foundation
import MobileCLIPSearch

/// A product as it is shown.
struct Card: Hashable, Identifiable, Sendable {
    /// Its place in the catalog.
    let id: Int
    let name: String
    /// In its currency; empty for none.
    let price: String
    let description: String
    /// A WebP file's bytes; nil for none.
    let thumbnail: Data?
    /// nil where no text or picture was searched for, and where the catalog does not know how sure a result is.
    let match: Match?

    /// The calibrated confidence that it is what was searched for.
    struct Match: Hashable, Sendable {
        /// 0 to 5.
        let stars: Int
        /// 0 to 100.
        let percent: Int
    }

    /// Parses a record: not for the main thread. Throws ``SearchError`` where it is damaged.
    init(_ id: Int, in catalog: ProductCatalog, locale: Locale, match: Match?) throws {
        let product = try catalog.product(id)
        self.id = id
        name = product.name
        price = product.price.map { priceText($0, currency: product.currency, locale: locale) } ?? ""
        description = product.description
        thumbnail = catalog.thumbnail(id)
        self.match = match
    }
}
