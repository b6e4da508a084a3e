import Foundation

/// The list of the staff's products that the catalog builder takes (FORMATS.md, The exported list).
enum ProductList {
    /// The column of a product's pictures, paths from the list with `|` between them; the staff's products have it as an
    /// extra field.
    static let pictures = "pictures"
    private static let own = ["id", "name", "price", "currency", "description", "category", pictures]

    static func text(_ products: [NewProduct]) -> String {
        let others = Set(products.flatMap(\.extra.keys)).subtracting(own)
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let rows = products.map { product in
            [
                product.id, product.name, product.price.map(price) ?? "", product.currency ?? "", product.description,
                product.category, product.extra[pictures] ?? "",
            ] + others.map { product.extra[$0] ?? "" }
        }
        return "\u{FEFF}" + ([own + others] + rows).map { $0.map(quoted).joined(separator: ",") + "\r\n" }.joined()
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }

    /// Two decimals, or four where two do not hold it: three could be taken for thousands.
    private static func price(_ price: Decimal) -> String {
        let all = tenThousandths(price)
        let decimals = String(String(all % 10_000 + 10_000).dropFirst())
        return "\(all / 10_000)." + (decimals.hasSuffix("00") ? String(decimals.prefix(2)) : decimals)
    }
}
