import Foundation

/// A product's record. What a record lacks is an empty text.
public struct CatalogProduct: Sendable, Equatable {
    /// The shop's own.
    public let id: String
    /// As shoppers read it.
    public let name: String
    /// In units of ``currency``; nil for none.
    public let price: Decimal?
    /// ISO 4217.
    public let currency: String
    /// As shoppers read it.
    public let description: String
    /// One of ``ProductCatalog/categories``.
    public let category: String
    /// Whatever else the shop keeps, as texts: numbers as they are written, lists and objects as their JSON text.
    public let extra: [String: String]
    private let lists: [String: [String]]

    /// Of ``extra``: the items of a list as texts, nested ones as JSON text; one text for what is no list; empty where there
    /// is nothing.
    public func list(_ key: String) -> [String] {
        lists[key] ?? extra[key].map { [$0] } ?? []
    }
}

extension CatalogProduct {
    /// Names of the record's own, which no extra field may have.
    static let known: Set = ["id", "name", "price", "currency", "description", "category"]
    private static let longestNumber = 38  // characters: a Decimal holds as many digits
    /// How deep what is kept as JSON text stands: a field's value, and an item of its list.
    private static let kept = 1...2

    /// Throws ``Malformed`` for anything but a JSON object.
    init(_ utf8: [UInt8]) throws {
        let members = try Json.parse(utf8, once: false, written: Self.kept).asObject("the record")
        id = Self.plain(members["id"])
        name = Self.plain(members["name"])
        price = members["price"].flatMap(Self.price)
        currency = Self.plain(members["currency"])
        description = Self.plain(members["description"])
        category = Self.plain(members["category"])
        let others = members.filter { !Self.known.contains($0.key) }
        extra = others.compactMapValues(Self.text)
        lists = others.compactMapValues { value in
            guard case .written(_, let items?) = value else { return nil }
            return items.compactMap(Self.text)
        }
    }

    /// The id alone, as UTF-8. Throws ``Malformed`` for a record that is no JSON object.
    static func id(_ utf8: [UInt8]) throws -> [UInt8] {
        let members = try Json.parse(utf8, once: false).asObject("the record")
        return Array(plain(members["id"]).utf8)
    }

    /// A text, or what is written as one; empty for none, and for lists and objects.
    private static func plain(_ value: Json?) -> String {
        guard let value else { return "" }
        if case .written = value { return "" }
        return text(value) ?? ""
    }

    private static func text(_ value: Json) -> String? {
        switch value {
        case .text(let text), .number(let text), .written(let text, _): text
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
