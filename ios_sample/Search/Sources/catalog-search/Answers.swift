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

    init(_ catalog: ProductCatalog) {
        products = catalog.count
        rows = catalog.rows
        dim = catalog.dim
        model = catalog.model
        space = catalog.space
        currency = catalog.currency
        categories = catalog.categories
        calibration = catalog.calibration.source
    }

    var text: String {
        """
        \(products) products, \(rows) rows of \(dim) numbers, model \(model)
        space        \(space)
        currency     \(currency.isEmpty ? "several, or none" : currency)
        calibrated   on \(calibration)
        categories   \(categories.map { $0.isEmpty ? "(none)" : $0 }.joined(separator: ", "))
        """
    }
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
    let percent: Int
    let stars: Int

    init(_ hit: SearchHit, _ product: CatalogProduct) {
        self.product = hit.product
        id = product.id
        name = product.name
        category = product.category
        price = product.price.map { "\($0) \(product.currency)" }
        row = hit.row
        score = hit.score
        percent = hit.percent
        stars = hit.stars
    }

    var text: String {
        let match = String(repeating: "★", count: stars) + String(repeating: "☆", count: 5 - stars)
        return "\(match)  \(percent) %  \(id)  \(name)" + (price.map { "  \($0)" } ?? "")
    }
}
