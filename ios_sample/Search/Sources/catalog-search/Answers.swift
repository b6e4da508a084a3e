import Foundation
import MobileCLIPSearch

/// What a catalog holds.
struct Summary: Encodable {
    let products: Int
    let rows: Int
    let dim: Int
    let model: String
    let space: String
    let currency: String
    let categories: [String]
    let calibration: String
    /// The kinds of query that have a confidence.
    let measured: [String]

    init(_ catalog: ProductCatalog) {
        products = catalog.count
        rows = catalog.rows
        dim = catalog.dim
        model = catalog.model
        space = catalog.space
        currency = catalog.currency
        categories = catalog.categories
        calibration = catalog.calibration.source
        measured = [("text", catalog.calibration.text), ("image", catalog.calibration.image)]
            .filter { $0.1.measured }.map(\.0)
    }

    var text: String {
        """
        \(products) products, \(rows) rows of \(dim) numbers, model \(model)
        space        \(space)
        currency     \(currency.isEmpty ? "several, or none" : currency)
        calibrated   \(measured.isEmpty ? "no" : "\(measured.joined(separator: ", ")), on \(calibration)")
        categories   \(categories.map { $0.isEmpty ? "(none)" : $0 }.joined(separator: ", "))
        """
    }
}

/// A value that JSON has as null where there is none; a plain optional would be left out.
@propertyWrapper
struct OrNull<Value: Encodable>: Encodable {
    let wrappedValue: Value?

    func encode(to encoder: any Encoder) throws { try wrappedValue.encode(to: encoder) }
}

/// A product that was found.
struct Match: Encodable {
    let product: Int
    let id: String
    let name: String
    let category: String
    let price: String?
    let row: Int
    let score: Double
    @OrNull var percent: Int?
    @OrNull var stars: Int?

    init(_ hit: SearchHit, _ product: CatalogProduct) {
        self.product = hit.product
        id = product.id
        name = product.name
        category = product.category
        price = product.price.map { "\($0) \(product.currency)" }
        row = hit.row
        score = hit.score
        _percent = OrNull(wrappedValue: hit.percent)
        _stars = OrNull(wrappedValue: hit.stars)
    }

    var text: String {
        let match = stars.map { String(repeating: "★", count: $0) + String(repeating: "☆", count: 5 - $0) }
        return [match, percent.map { "\($0) %" }, id, name, price].compactMap { $0 }.joined(separator: "  ")
    }
}
