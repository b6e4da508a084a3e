import Foundation
import Testing

@testable import MobileCLIPSearch

/// Embeds a square as its first pixel's direction, of the catalog's width.
private struct Colours: EmbeddingEncoder {
    let space: String
    let dim: Int

    func text(_ ids: [Int32]) -> [Float] { vector(Double(ids.reduce(0, +))) }

    func image(_ square: [UInt8]) async throws -> [Float] {
        await Task.yield()
        return vector(Double(square[0]))
    }

    private func vector(_ seed: Double) -> [Float] { (0..<dim).map { Float(cos((seed + 1) * Double($0 + 1))) } }
}

struct StaffTests {
    private let folder: Folder
    private let base: ProductCatalog
    private let searcher: Searcher
    private let jpeg = Data([0xFF, 0xD8, 0xFF, 1])

    init() throws {
        folder = try Folder()
        base = try ProductCatalog.open(Goldens.file("overlay/base.catalog"))
        searcher = try Searcher(
            encoder: Colours(space: base.space, dim: base.dim), tokenizer: Dist.tokenizer(),
            preprocessor: ImagePreprocessor(size: 8, interpolation: .bilinear), search: CatalogSearch(base))
    }

    private func staff() throws -> StaffProducts {
        try StaffProducts(folder: folder.url.appendingPathComponent("staff"), base: base, searcher: searcher)
    }

    private func picture(_ colour: UInt8) throws -> RGBImage {
        try RGBImage(bytes: [UInt8](repeating: colour, count: 3 * 9), width: 3, height: 3)
    }

    private func files() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder.url.appendingPathComponent("staff").path).sorted()
    }

    @Test func aProductIsFoundAtOnceAndAfterARestart() async throws {
        let staff = try staff()
        let new = NewProduct(id: "n/1", name: "New", price: 12.5, category: "Bags")
        let catalog = try await staff.add(new, picture: picture(7), file: jpeg)
        try await searcher.use(CatalogSearch(catalog))
        let hits = try await searcher.search(SearchRequest(image: picture(7)))
        #expect(try catalog.product(#require(hits.first).product).id == "n/1")
        let again = try self.staff()
        #expect(await again.products.map(\.id) == ["n/1"])
        #expect(try await again.catalog.product(id: "n/1")?.price == Decimal(string: "12.5"))
        let file = try #require(await again.picture(id: "n/1"))
        #expect(try Data(contentsOf: file) == jpeg && file.pathExtension == "jpg")
        #expect(await again.picture(id: "p01") == nil)
        try await again.remove("n/1")
        try await again.remove("p01")
        #expect(try await again.catalog.product(id: "p01") == nil)
        #expect(try files() == ["overlay.catalog", "pictures"])
        #expect(try await self.staff().catalog.product(id: "p01") == nil)
    }

    @Test func whatIsRefusedChangesNothing() async throws {
        let staff = try staff()
        await #expect(throws: SearchError.self) {
            try await staff.add(NewProduct(id: "a", name: "b"), picture: picture(1), file: Data("GIF89a".utf8))
        }
        await #expect(throws: SearchError.self) {
            try await staff.add(NewProduct(id: "", name: "b"), picture: picture(1), file: jpeg)
        }
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await staff.add(NewProduct(id: "a", name: "b"), picture: picture(1), file: jpeg)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try files() == ["pictures"])
    }

    @Test func whatAKillLeavesIsPassedOver() async throws {
        let staff = try staff()
        try await staff.add(NewProduct(id: "a", name: "b"), picture: picture(1), file: jpeg)
        let own = folder.url.appendingPathComponent("staff")
        for name in ["overlay.catalog.partial", "pictures/x.jpg", "pictures/x.jpg.partial"] {
            try Data([1]).write(to: own.appendingPathComponent(name))
        }
        let again = try self.staff()
        #expect(await again.products.map(\.id) == ["a"])
        try await again.add(NewProduct(id: "c", name: "d"), picture: picture(2), file: jpeg + [2])
        #expect(try files().filter { $0.contains("partial") || $0.contains("x.jpg") }.isEmpty)
    }

    @Test func manyClerksTasksLoseNothing() async throws {
        let staff = try staff()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let new = NewProduct(id: "n\(number)", name: "New")
                    try await staff.add(new, picture: picture(UInt8(number)), file: jpeg + [UInt8(number)])
                }
            }
            try await group.waitForAll()
        }
        #expect(try await self.staff().products.count == 20)
    }

    @Test func theExportIsTheGoldenListAndItsPictures() async throws {
        let folder = Goldens.file("overlay/export")
        let expected = try Goldens.json(Goldens.file("overlay/expected.json")).objects("export")
        let products = try expected.map { golden in
            func text(_ name: String) throws -> String? { try golden[name]?.asText(name) }
            var extra = try golden["extra"]?.asObject("extra").mapValues { try $0.asText("extra") } ?? [:]
            extra["pictures"] = try golden.part("pictures").asArray("pictures")
                .map { try "pictures/" + $0.asText("a picture") }.joined(separator: "|")
            return try NewProduct(
                id: golden.text("id"), name: golden.text("name"), price: text("price").flatMap { Decimal(string: $0) },
                currency: text("currency"), description: text("description") ?? "", category: text("category") ?? "",
                extra: extra)
        }
        let list = try Data(contentsOf: folder.appendingPathComponent("products.csv"))
        #expect(Data(ProductList.text(products).utf8) == list)
    }

    @Test func anExportHoldsEachPictureOnce() async throws {
        let staff = try staff()
        for id in ["a", "b"] { try await staff.add(NewProduct(id: id, name: id), picture: picture(1), file: jpeg) }
        let target = folder.url.appendingPathComponent("export")
        for _ in 0..<2 { try await staff.export(to: target) }
        let files = try FileManager.default.subpathsOfDirectory(atPath: target.path).sorted()
        #expect(files == ["pictures", "pictures/\(sha256([jpeg])).jpg", "products.csv"])
    }
}
