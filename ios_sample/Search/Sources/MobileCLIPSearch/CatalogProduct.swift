import Foundation

/// A product's record. What a record lacks is an empty text.
public struct CatalogProduct: Sendable, Equatable {
    public let id: String
    public let name: String
    /// In units of ``currency``; nil for none.
    public let price: Decimal?
    public let currency: String
    public let description: String
    public let category: String
    /// Whatever else the shop keeps, as texts: numbers as they are written, lists and objects left out.
    public let extra: [String: String]
}

extension CatalogProduct {
    private static let known: Set = ["id", "name", "price", "currency", "description", "category"]
    private static let longestNumber = 38  // characters: a Decimal holds as many digits

    /// Throws ``Malformed`` for anything but a JSON object.
    init(_ utf8: [UInt8]) throws {
        let members = try Json.parse(utf8, once: false).asObject("the record")
        let texts = members.compactMapValues(Self.text)
        id = texts["id"] ?? ""
        name = texts["name"] ?? ""
        price = members["price"].flatMap(Self.price)
        currency = texts["currency"] ?? ""
        description = texts["description"] ?? ""
        category = texts["category"] ?? ""
        extra = texts.filter { !Self.known.contains($0.key) }
    }

    private static func text(_ value: Json) -> String? {
        switch value {
        case .text(let text), .number(let text): text
        case .bool(let bool): String(bool)
        case .array, .object, .null: nil
        }
    }

    private static func price(_ value: Json) -> Decimal? {
        guard case .number(let written) = value, written.count <= longestNumber,
            !written.contains(where: { $0 == "e" || $0 == "E" })
        else { return nil }
        return Decimal(string: written, locale: Locale(identifier: "en_US_POSIX"))
    }
}
