import Foundation
import Testing

@testable import MobileCLIPSearch

struct OverlayGoldenTests {
    private let expected: [String: Json]
    private let base: ProductCatalog

    init() throws {
        expected = try Goldens.json(Goldens.file("overlay/expected.json"))
        base = try ProductCatalog.open(Goldens.file("overlay/base.catalog"))
    }

    private func both() throws -> ProductCatalog {
        try base.adding(CatalogOverlay.open(Goldens.file("overlay/overlay.catalog"), base: base))
    }

    @Test func theSameStepsGiveTheSameBytesAndTheFileReadsAsThem() throws {
        let folder = try Folder()
        let overlays = try expected.objects("overlays")
        #expect(overlays.count > 2)
        for golden in overlays {
            let file = try Goldens.file("overlay/" + golden.text("file"))
            let made = try golden.objects("steps").reduce(CatalogOverlay.empty(base), step)
            let written = folder.url.appendingPathComponent("overlay")
            try made.write(written)
            #expect(try Data(contentsOf: written) == Data(contentsOf: file), "\(file.lastPathComponent)")
            let read = try CatalogOverlay.open(file, base: base)
            #expect(read.products == made.products && read.removed == made.removed)
        }
    }

    private func step(_ overlay: CatalogOverlay, _ step: [String: Json]) throws -> CatalogOverlay {
        if step["remove"] != nil { return try overlay.removing(step.text("remove")) }
        let put = try step.part("put").asObject("put")
        func text(_ name: String) throws -> String? { try put[name]?.asText(name) }
        let vectors = try put.part("vectors").asArray("vectors").map { try ["": $0].vector("") }
        return try overlay.putting(
            NewProduct(
                id: put.text("id"), name: put.text("name"), price: text("price").flatMap { Decimal(string: $0) },
                currency: text("currency"), description: text("description") ?? "", category: text("category") ?? "",
                extra: put["extra"]?.asObject("extra").mapValues { try $0.asText("extra") } ?? [:], vectors: vectors,
                thumbnail: text("thumbnail").flatMap { Data(base64Encoded: $0) }))
    }

    @Test func quantisedVectorsHaveTheGoldenBits() throws {
        for golden in try expected.objects("quantisation") {
            let found = try quantised(golden.vector("vector"), offset: golden.vector("offset"))
            #expect(try found.codes.map(Int.init) == golden.part("codes").asArray("codes").map { try $0.asInt("code") })
            #expect(try [found.scale] == golden.vector("scale"))
        }
    }

    @Test func searchesOverBothGiveTheSameProductsScoreBitsAndConfidences() throws {
        let catalog = try both()
        let cases = try expected.objects("cases")
        #expect(!cases.isEmpty)
        for (number, golden) in cases.enumerated() { try expectHits(golden, catalog, "search \(number)") }
        #expect(try catalog.count == expected.int("products") && catalog.rows == expected.int("rows"))
        let names = try expected.part("categories").asArray("").map { try $0.asText("") }
        #expect(catalog.categories == names)
        try catalog.verify()
    }

    @Test func oneFileOfBothGivesTheSameScoreBits() throws {
        let (two, one) = try (both(), ProductCatalog.open(Goldens.file("overlay/both.catalog")))
        var random = Seeded(16)
        for _ in 0..<50 {
            let query = SearchQuery.text((0..<base.dim).map { _ in Float.random(in: -1..<1, using: &random) })
            func found(_ catalog: ProductCatalog) throws -> [String] {
                try CatalogSearch(catalog).search(query, k: 100).map {
                    try "\(catalog.product($0.product).id) \($0.score.bitPattern)"
                }
            }
            #expect(try found(two) == found(one))
        }
    }

    @Test func idsFindWhatTheGoldensSay() throws {
        let catalog = try both()
        for golden in try expected.objects("places") {
            let id = try golden.text("id")
            let place = try golden.part("place") == .null ? nil : golden.int("place")
            #expect(try catalog.place(id: id) == place, "\(id)")
            #expect(try catalog.product(id: id)?.id == (place == nil ? nil : id))
        }
    }

    @Test func fieldsAreKeptAsTextsAndLists() throws {
        for golden in try expected.objects("extra") {
            let product = try base.product(golden.int("place"))
            let key = try golden.text("key")
            #expect(try product.extra[key] == (golden.part("text") == .null ? nil : golden.text("text")), "\(key)")
            let list = try golden.part("list").asArray("list").map { try $0.asText("an item") }
            #expect(product.list(key) == list, "\(key)")
        }
        #expect(try base.product(5).list("nobody").isEmpty)
    }

    /// An overlay's digest is checked on opening: it is small, and is written anew.
    @Test func damagedOverlaysAreRefused() throws {
        let cases = try expected.objects("damaged")
        #expect(cases.count > 5)
        for golden in cases {
            let file = try Goldens.file("overlay/" + golden.text("file"))
            let isWhole = try golden.bool("opens") && golden.bool("verifies")
            #expect(FileManager.default.fileExists(atPath: file.path))
            if isWhole {
                _ = try CatalogOverlay.open(file, base: base)
            } else {
                refused(file.path) { _ = try CatalogOverlay.open(file, base: base) }
            }
        }
    }

    @Test func anOverlayOfAnotherBaseIsRefusedAndCanBeMoved() throws {
        let file = Goldens.file("overlay/overlay.catalog")
        let other = try Folder().open(changedBase())
        #expect(ErrorKind(of: try #require(failure { _ = try CatalogOverlay.open(file, base: other) })) == .mismatched)
        let overlay = try CatalogOverlay.open(file, base: base)
        #expect(ErrorKind(of: try #require(failure { _ = try other.adding(overlay) })) == .mismatched)
        for moved in [try CatalogOverlay.open(file, movedTo: other), try overlay.moved(to: other)] {
            #expect(moved.products.map(\.id) == overlay.products.map(\.id))
            #expect(moved.removed == overlay.removed)
            #expect(try other.adding(moved).product(id: "n1")?.name == "Corrected n1")
        }
        let alien = try Folder().open(MadeCatalog(seed: 1, rows: 9, dim: 16).bytes())
        refused(file.path, alien.space) { _ = try CatalogOverlay.open(file, movedTo: alien) }
        #expect(ErrorKind(of: try #require(failure { _ = try overlay.moved(to: alien) })) == .mismatched)
        let priced = try Folder().open(inDollars())
        refused(file.path, "USD") { _ = try CatalogOverlay.open(file, movedTo: priced) }
        #expect(ErrorKind(of: try #require(failure { _ = try overlay.moved(to: priced) })) == .mismatched)
    }

    @Test func overAnotherBaseAnOverlayHasTheGoldenBytes() throws {
        func file(_ name: String) -> URL { Goldens.file("updates/" + name) }
        let folder = try Folder()
        let cases = try Goldens.json(file("overlay/answers.json")).objects("cases")
        #expect(cases.count > 2)
        for golden in cases {
            let base = try ProductCatalog.open(file(golden.text("to")))
            let overlay = try file(golden.text("overlay"))
            var moved = try CatalogOverlay.open(overlay, movedTo: base)
            if try golden.part("before") != .null {
                let before = try ProductCatalog.open(file(golden.text("before")))
                moved = try CatalogOverlay.open(overlay, base: before).moved(to: base)
            }
            let name = Comment(rawValue: try golden.text("gives"))
            for (found, key) in [(moved.products.map(\.id), "products"), (moved.removed, "removed")] {
                let expected = try golden.part(key).asArray(key).map { try $0.asText(key) }
                #expect(found == expected, name)
            }
            let written = folder.url.appendingPathComponent("overlay")
            try moved.write(written)
            #expect(try Data(contentsOf: written) == Data(contentsOf: file(golden.text("gives"))), name)
            #expect(try CatalogOverlay.open(written, base: base).moved(to: base).products == moved.products, name)
        }
    }

    /// The base in another currency.
    private func inDollars() throws -> [UInt8] {
        var bytes = try Data(contentsOf: Goldens.file("overlay/base.catalog"))
        let currency = try #require(bytes.range(of: Data("\"currency\":\"EUR\"".utf8)))
        bytes.replaceSubrange(currency, with: Data("\"currency\":\"USD\"".utf8))
        return sealed([UInt8](bytes))
    }

    /// The base with another record, and so with another digest.
    private func changedBase() throws -> [UInt8] {
        var bytes = try Data(contentsOf: Goldens.file("overlay/base.catalog"))
        let name = try #require(bytes.range(of: Data("\"name\":\"Product".utf8)))
        bytes[name.upperBound - 1] = UInt8(ascii: "T")
        return sealed([UInt8](bytes))
    }

    @Test func whatCannotBePutIsRefusedInWords() throws {
        let good = NewProduct(id: "a", name: "b", vectors: [[Float](repeating: 1, count: base.dim)])
        let empty = CatalogOverlay.empty(base)
        func refused(_ says: String, _ kind: ErrorKind = .other, _ change: (inout NewProduct) -> Void) {
            var bad = good
            change(&bad)
            let error = failure { _ = try empty.putting(bad) }
            #expect(error?.description.contains(says) == true && error.map { ErrorKind(of: $0) } == kind, "\(says)")
        }
        _ = try empty.putting(good)
        refused("without an id") { $0.id = "" }
        refused("name") { $0.name = "" }
        refused("expected EUR", .mismatched) { $0.currency = "HKD" }
        for price in ["-1", "0.00001", "922337203685477.5808"] {
            refused("a price of") { $0.price = Decimal(string: price) }
        }
        refused("own: price") { $0.extra = ["price": "1"] }
        refused("vector") { $0.vectors = [] }
        refused("expected 16") { $0.vectors = [[1]] }
        refused("finite") { $0.vectors[0][3] = .nan }
        #expect(failure { _ = try empty.removing("nobody") } != nil)
        let file = try Folder().url.appendingPathComponent("none")
        #expect(ErrorKind(of: try #require(failure { _ = try CatalogOverlay.open(file, base: base) })) == .missing)
    }
}
