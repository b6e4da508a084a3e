import Foundation
import MobileCLIPKit
import MobileCLIPSearch

/// An app's own names beside the import: `Encoder` is still Swift's.
struct Product: Codable {
    let name: String

    func encode(to encoder: Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
    }
}

struct Query {}
struct Filter {}
struct Catalog {}
struct Manifest {}
struct Hit {}
struct Scripts {}
struct Calibration {}
struct Rgb {}
struct Ask {}

func names(_ catalog: ProductCatalog, ids: [String]) throws -> [Product] {
    try ids.compactMap { try catalog.product(id: $0) }.map { Product(name: $0.name) }
}
