import Foundation
import Testing

@testable import MobileCLIPSearch

struct SearchGoldenTests {
    private let index: [String: Json]

    init() throws {
        index = try Goldens.json(Goldens.file("search/index.json"))
    }

    @Test func goldenSearchesGiveTheSameProductsScoreBitsAndConfidences() throws {
        let cases = try index.objects("cases")
        #expect(!cases.isEmpty)
        for (number, golden) in cases.enumerated() {
            let catalog = try ProductCatalog.open(Goldens.file("search/" + golden.text("catalog")))
            try expectHits(golden, catalog, "search \(number)")
        }
    }

    @Test func damagedGoldenCatalogsAreRefusedWhereTheyMustBe() throws {
        let cases = try index.objects("damaged")
        #expect(!cases.isEmpty)
        for golden in cases {
            let file = try Goldens.file("search/" + golden.text("file"))
            #expect(FileManager.default.fileExists(atPath: file.path))
            guard try golden.bool("opens") else {
                refused(file.path) { _ = try ProductCatalog.open(file) }
                continue
            }
            let catalog = try ProductCatalog.open(file)
            if try golden.bool("verifies") {
                try catalog.verify()
            } else {
                refused(file.path, "digest") { try catalog.verify() }
            }
        }
    }
}

private struct Found: Equatable {
    let product: Int
    let id: String
    let row: Int
    let scoreBits: String
}

/// Holds a search to a golden case: products, ids, rows, score bits, confidences.
func expectHits(_ golden: [String: Json], _ catalog: ProductCatalog, _ name: String) throws {
    let categories = try golden["categories"]?.asArray("categories").map { try $0.asText("a category") }
    let filter = CatalogFilter(
        categories: categories.map(Set.init), lowest: try golden["lowest"].map { Int64(try $0.asInt("lowest")) },
        highest: try golden["highest"].map { Int64(try $0.asInt("highest")) })
    let hits = try CatalogSearch(catalog).search(
        query(golden), k: golden.int("k"), filter: filter,
        threshold: golden["threshold"]?.asDouble("threshold") ?? -.infinity,
        without: golden["without"]?.asInt("without"))
    let expected = try golden.objects("hits")
    let wanted = try expected.map {
        Found(
            product: try $0.int("product"), id: try $0.text("id"), row: try $0.int("row"),
            scoreBits: try $0.text("score"))
    }
    let found = try hits.map { hit in
        Found(
            product: hit.product, id: try catalog.product(hit.product).id, row: hit.row,
            scoreBits: String(repeating: "0", count: hit.score.bitPattern.leadingZeroBitCount / 4)
                + String(hit.score.bitPattern, radix: 16))
    }
    #expect(found == wanted, "\(name)")
    for (hit, one) in zip(hits, expected) {
        #expect(try agree(hit.confidence, one.doubleOrNull("confidence")), "\(name)")
    }
}

private func agree(_ one: Double?, _ other: Double?) -> Bool {
    guard let one, let other else { return one == other }
    return abs(one - other) <= 1e-9
}

private func query(_ golden: [String: Json]) throws -> SearchQuery {
    if let like = golden["like"] { return .like(product: try like.asInt("like")) }
    if let both = try golden["hybrid"]?.asObject("hybrid") {
        return .both(
            text: try both.vector("text"), image: try both.vector("image"), slider: try both.double("slider"))
    }
    let vector = try golden.vector("vector")
    return try golden.text("kind") == "text" ? .text(vector) : .image(vector)
}
