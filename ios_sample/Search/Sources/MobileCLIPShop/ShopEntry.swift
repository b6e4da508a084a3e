import Foundation
import MobileCLIPSearch

/// What a clerk fills in for a new product. Comes back from its JSON after the process has ended.
public struct ShopEntry: Codable, Hashable, Sendable {
    public var id = ""
    public var name = ""
    /// As the clerk writes numbers; empty for none.
    public var price = ""
    public var category = ""
    public var description = ""
    public var picture: ShopPicture?

    public init() {}

    /// Throws ``ShopProblem/incomplete`` without a picture, an id or a name, and ``ShopProblem/price`` where the price is no
    /// number.
    public func product(locale: Locale) throws -> NewProduct {
        let (id, name, price) = (trimmed(id), trimmed(name), trimmed(price))
        guard picture != nil, !id.isEmpty, !name.isEmpty else { throw ShopProblem.incomplete }
        return NewProduct(
            id: id, name: name, price: price.isEmpty ? nil : try amount(price, locale),
            description: trimmed(description),
            category: trimmed(category))
    }

    private func amount(_ text: String, _ locale: Locale) throws -> Decimal {
        let plain = text.replacingOccurrences(of: locale.decimalSeparator ?? ".", with: ".")
        guard plain.wholeMatch(of: /[0-9]{1,12}(\.[0-9]{1,4})?/) != nil, let amount = Decimal(string: plain) else {
            throw ShopProblem.price
        }
        return amount
    }

    private func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }
}
