import Foundation
import Testing

@testable import MobileCLIPSearch

/// An encoder whose embeddings are made from the sum of what it is given, and which counts.
actor Fake: EmbeddingEncoder {
    let space: String
    let dim: Int
    private(set) var asked = 0

    init(space: String, dim: Int) {
        self.space = space
        self.dim = dim
    }

    func text(_ ids: [Int32]) -> [Float] { made(ids.reduce(0) { $0 + Int($1) }) }

    func image(_ square: [UInt8]) -> [Float] { made(square.reduce(0) { $0 + Int($1) }) }

    private func made(_ seed: Int) -> [Float] {
        asked += 1
        return Fake.vector(seed, dim)
    }

    static func vector(_ seed: Int, _ dim: Int) -> [Float] {
        var random = Seeded(UInt64(seed))
        return (0..<dim).map { _ in Float.random(in: -1..<1, using: &random) }
    }
}

/// A tokenizer whose ids are made from a text's length.
struct Lengths: TextTokenizer {
    let contextLength = 3

    func encode(_ text: String) -> [Int32] { (0..<contextLength).map { Int32(text.count + $0) } }
}

struct SearcherTests {
    private let catalog: ProductCatalog
    private let encoder: Fake
    private let searcher: Searcher

    init() throws {
        catalog = try ProductCatalog.open(Goldens.file("search/shop.catalog"))
        encoder = Fake(space: catalog.space, dim: catalog.dim)
        searcher = try Self.searcher(encoder, catalog)
    }

    private static func searcher(
        _ encoder: Fake, _ catalog: ProductCatalog, _ tokenizer: (any TextTokenizer)? = nil
    ) throws -> Searcher {
        try Searcher(
            encoder: encoder, tokenizer: tokenizer ?? Dist.tokenizer(),
            preprocessor: ImagePreprocessor(size: 8, interpolation: .bilinear), search: CatalogSearch(catalog))
    }

    private func image(_ colour: UInt8) throws -> RGBImage {
        try RGBImage(bytes: [UInt8](repeating: colour, count: 3 * 20 * 10), width: 20, height: 10)
    }

    @Test func everyRequestFindsWhatItsEmbeddingsFind() async throws {
        let search = CatalogSearch(catalog)
        let ids = try Dist.tokenizer().encode("a red dress")
        let text = Fake.vector(ids.reduce(0) { $0 + Int($1) }, catalog.dim)
        let seen = Fake.vector(3 * 8 * 8 * 9, catalog.dim)
        let photo = try image(9)
        #expect(try await searcher.search(SearchRequest(text: "a red dress")) == search.search(.text(text)))
        #expect(try await searcher.search(SearchRequest(image: photo)) == search.search(.image(seen)))
        #expect(
            try await searcher.search(SearchRequest(text: "a red dress", image: photo, slider: 0.3, k: 3))
                == search.search(.both(text: text, image: seen, slider: 0.3), k: 3))
        #expect(try await searcher.search(SearchRequest(like: 2)) == search.search(.like(product: 2)))
        let filter = CatalogFilter(categories: [catalog.categories[0]])
        #expect(
            try await searcher.search(
                SearchRequest(text: "a red dress", filter: filter, threshold: 0.1, leastConfidence: 0.2))
                == search.search(.text(text), filter: filter, threshold: 0.1, leastConfidence: 0.2))
    }

    @Test func aRequestForNothingOrForTooMuchIsRefused() throws {
        #expect(throws: SearchError.self) { try SearchRequest() }
        #expect(throws: SearchError.self) { try SearchRequest(text: "a", like: 1) }
        #expect(throws: SearchError.self) { try SearchRequest(image: image(1), like: 1) }
    }

    @Test func recentEmbeddingsAreKept() async throws {
        let photo = try image(1)
        for slider in [0, 0.5, 1] {
            _ = try await searcher.search(SearchRequest(text: "A  dress", image: photo, slider: slider))
        }
        _ = try await searcher.search(SearchRequest(text: "a dress"))  // the same ids
        #expect(await encoder.asked == 2)
        _ = try await searcher.search(SearchRequest(image: image(1)))
        #expect(await encoder.asked == 3)
        for number in 0..<32 { _ = try await searcher.search(SearchRequest(text: "dress \(number)")) }
        #expect(await encoder.asked == 35)
        _ = try await searcher.search(SearchRequest(text: "a dress"))
        #expect(await encoder.asked == 36)
    }

    @Test func anyTokenizerServesOfAnyContext() async throws {
        let searcher = try Self.searcher(encoder, catalog, Lengths())
        let expected = try CatalogSearch(catalog).search(.text(Fake.vector(5 + 6 + 7, catalog.dim)))
        #expect(try await searcher.search(SearchRequest(text: "boots")) == expected)
        #expect(try await searcher.search(SearchRequest(text: "shoes")) == expected)
        #expect(await encoder.asked == 1)
    }

    @Test func labelsFollowTheManifest() async throws {
        let manifest = try Dist.manifest()
        let (names, photo) = (["dress", "boots", "bag"], try image(9))
        let found = try await searcher.labels(photo, names: names, manifest: manifest)
        let given = try await searcher.labels(
            photo, names: names, templates: manifest.text.templates, logitScale: manifest.logitScale)
        #expect(manifest.labels == .softmax && found == given && Set(found.map(\.name)) == Set(names))
        #expect(try await searcher.labels(photo, names: names, manifest: manifest, language: "zh") == found)
    }

    @Test func aCancelledTaskEndsItsSearchBeforeTheEncoderIsAsked() async throws {
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await searcher.search(SearchRequest(text: "a dress"))
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(await encoder.asked == 0)
    }

    @Test func anEncoderOfAnotherSpaceOrWidthIsRefused() throws {
        let other = String(repeating: "0", count: 64)
        for name in [other, catalog.space] {
            refused(catalog.name, name) { _ = try Self.searcher(Fake(space: other, dim: catalog.dim), catalog) }
        }
        refused(catalog.name, "width") { _ = try Self.searcher(Fake(space: catalog.space, dim: 3), catalog) }
    }

    @Test func whatIsKeptIsTheLatest() {
        var recent = Recent<String, Int>(most: 2)
        (recent["a"], recent["b"]) = (1, 2)
        #expect(recent["a"] == 1)
        recent["c"] = 3
        #expect(recent["b"] == nil && recent["a"] == 1 && recent["c"] == 3)
        recent["a"] = 4
        #expect(recent["a"] == 4 && recent["c"] == 3)
    }
}
