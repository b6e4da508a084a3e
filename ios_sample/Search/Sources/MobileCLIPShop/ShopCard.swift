import Foundation
import MobileCLIPSearch

/// A product as it is shown.
public struct ShopCard: Hashable, Identifiable, Sendable {
    /// The shop's own.
    public let id: String
    public let name: String
    /// In its currency; empty for none.
    public let price: String
    public let description: String
    /// A WebP file's bytes; nil for none.
    public let thumbnail: Data?
    /// The picture of a product that staff added, and that has no thumbnail.
    public internal(set) var picture: URL?
    /// nil where no text or picture was searched for, and where the catalog does not know how sure a result is.
    public let match: Match?
    /// Where it can be bought: the shop's column `link` or `url`, if it holds a web address.
    public let link: URL?
    /// The other columns that the catalog keeps, by name.
    public let more: [Column]

    /// The calibrated confidence that it is what was searched for.
    public struct Match: Codable, Hashable, Sendable {
        /// 0 to 5.
        public let stars: Int
        /// 0 to 100.
        public let percent: Int
    }

    public struct Column: Hashable, Sendable {
        public let name: String
        public let text: String
    }

    private static let links = ["link", "url"]

    /// Parses the record of the product at `place`: not for the main thread. Throws ``SearchError`` where it is damaged.
    public init(_ place: Int, in catalog: ProductCatalog, locale: Locale, match: Match? = nil) throws {
        let product = try catalog.product(place)
        id = product.id
        name = product.name
        price = product.price.map { priceText($0, currency: product.currency, locale: locale) } ?? ""
        description = product.description
        thumbnail = catalog.thumbnail(place)
        self.match = match
        link = Self.links.lazy.compactMap { product.extra[$0] }.compactMap(webAddress).first
        more = product.extra.keys.filter { !Self.links.contains($0) }.sorted()
            .map { Column(name: $0, text: product.list($0).joined(separator: ", ")) }
    }
}

/// `amount` in `currency` (ISO 4217) as `locale` writes it; after a currency that the platform does not know, its code.
func priceText(_ amount: Decimal, currency: String, locale: Locale) -> String {
    guard Locale.commonISOCurrencyCodes.contains(currency) else {
        return currency.isEmpty ? "\(amount)" : "\(amount) \(currency)"
    }
    return amount.formatted(.currency(code: currency).locale(locale))
}

private func webAddress(_ text: String) -> URL? {
    URL(string: text).flatMap { ["http", "https"].contains($0.scheme?.lowercased()) ? $0 : nil }
}
