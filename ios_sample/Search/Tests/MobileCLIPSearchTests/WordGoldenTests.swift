import Foundation
import Testing

@testable import MobileCLIPSearch

/// A product that a text names, as goldens write it.
private struct Named: Equatable {
    let place: Int
    let id: String
    let by: String
}

struct WordGoldenTests {
    private static let folder = Goldens.file("words")
    private let expected: [String: Json]
    private let base: ProductCatalog

    init() throws {
        expected = try Goldens.json(Self.folder.appendingPathComponent("expected.json"))
        base = try Self.open("base")
    }

    private static func open(_ name: String) throws -> ProductCatalog {
        try ProductCatalog.open(folder.appendingPathComponent("\(name).catalog"))
    }

    /// The catalog of a golden case.
    private func catalog(_ name: String) throws -> ProductCatalog {
        guard name == "overlay" else { return try Self.open(name) }
        return try base.adding(.open(Self.folder.appendingPathComponent("overlay.catalog"), base: base))
    }

    private func catalogs() throws -> [String: ProductCatalog] {
        try ["base", "next", "overlay"].reduce(into: [:]) { $0[$1] = try catalog($1) }
    }

    private func filter(_ golden: [String: Json]) throws -> CatalogFilter {
        func texts(_ list: Json) throws -> Set<String> {
            Set(try list.asArray("texts").map { try $0.asText("a text") })
        }
        return CatalogFilter(
            categories: try golden["categories"].map(texts),
            highest: try golden["highest"].map { Int64(try $0.asInt("highest")) },
            fields: try golden["columns"]?.asObject("columns").mapValues(texts) ?? [:])
    }

    @Test func textsAreFoldedAndCutAlike() throws {
        let characters = try #require(base.base.tables.words).characters
        for golden in try expected.objects("folded") {
            let text = try golden.text("text")
            let runs = characters.runs(text)
            let wanted = try golden.objects("runs")
            #expect(try runs.map { utf8($0.points) } == wanted.map { try Array($0.text("text").utf8) }, "\(text)")
            #expect(try runs.map(\.byPairs) == wanted.map { try $0.bool("by_pairs") }, "\(text)")
            let key = characters.key(text)
            #expect(try key == Array(golden.text("key").utf8), "\(text)")
            #expect(try Int(KeyIndex.hash(key)) == golden.int("hash"), "\(text)")
        }
    }

    @Test func fieldsHaveTheSameTexts() throws {
        for golden in try expected.objects("columns") {
            let texts = try RecordTexts(Array(golden.text("record").utf8)).texts(golden.text("column"))
            let wanted = try golden.part("texts").asArray("texts").map { try $0.asText("a text") }
            #expect(texts.map { Array($0.utf8) } == wanted.map { Array($0.utf8) })
        }
    }

    @Test func textsNameTheSameProducts() throws {
        let catalogs = try catalogs()
        for golden in try expected.objects("cases") {
            let (name, text) = (try golden.text("catalog"), try golden.text("text"))
            let catalog = try #require(catalogs[name])
            let found = try CatalogSearch(catalog).named(
                text, filter: filter(golden), most: golden["most"]?.asInt("most") ?? 10)
            let named = try found.map {
                Named(place: $0.product, id: try catalog.product($0.product).id, by: $0.by.rawValue)
            }
            let wanted = try golden.objects("found").map {
                Named(place: try $0.int("place"), id: try $0.text("id"), by: try $0.text("by"))
            }
            #expect(named == wanted, "\(name): \(text)")
        }
    }

    @Test func fieldsFilterTheVectorsResults() throws {
        let catalogs = try catalogs()
        let vector = [Float](repeating: 1, count: base.dim)
        for golden in try expected.objects("filters") {
            let catalog = try #require(catalogs[golden.text("catalog")])
            let hits = try CatalogSearch(catalog).search(.text(vector), k: 1000, filter: filter(golden))
            let places = try golden.part("places").asArray("places").map { try $0.asInt("a place") }
            #expect(hits.map(\.product).sorted() == places)
        }
    }

    @Test func filtersHaveTheSameNames() throws {
        for (field, names) in try expected.part("names").asObject("names") {
            #expect(try base.filterNames(field) == names.asArray(field).map { try $0.asText("a name") })
        }
        #expect(try Set(base.filters) == Set(expected.part("names").asObject("names").keys))
    }

    @Test func unknownFieldsAndTextsAreRefused() throws {
        for fields in [["colour": Set(["red"])], ["brand": ["acme"]], ["brand": ["Acme", "none"]]] {
            let search = CatalogSearch(base)
            let problem = failure { _ = try search.named("shoe", filter: CatalogFilter(fields: fields)) }
            #expect(problem.map { ErrorKind(of: $0) } == .other && problem?.description.contains("there are") == true)
        }
        #expect(failure { _ = try base.filterNames("colour") } != nil)
    }

    @Test func damagedFilesAreRefused() throws {
        let folder = try Folder()
        let bytes = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent("base.catalog")))
        let damaged = try expected.objects("damaged")
        #expect(damaged.count >= 27)
        for golden in damaged {
            var made = bytes
            let written = Array(try golden.text("bytes").utf8)
            for place in 0..<written.count / 2 {
                let digits = String(decoding: written[2 * place..<2 * place + 2], as: UTF8.self)
                made[try golden.int("at") + place] = try #require(UInt8(digits, radix: 16))
            }
            let file = try folder.write(made, golden.text("name"))
            refused(file.path) { _ = try ProductCatalog.open(file) }
        }
    }

    @Test func mutatedFilesOpenOrAreRefusedAndNoLookupLeavesThem() throws {
        let folder = try Folder()
        let bytes = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent("base.catalog")))
        let start = dataStart(bytes)
        let texts = try expected.objects("folded").map { try $0.text("text") }
        var random = Seeded(1)
        var opened = 0
        for _ in 0..<2000 {
            var made = bytes
            for _ in 0...random.below(3) { made[start + random.below(bytes.count - start)] = UInt8(random.below(256)) }
            let file = try folder.write(made)
            guard let catalog = try? ProductCatalog.open(file) else { continue }
            opened += 1
            for _ in 0..<3 {
                let problem = failure { _ = try CatalogSearch(catalog).named(texts[random.below(texts.count)]) }
                if let problem { #expect(ErrorKind(of: problem) == .damaged) }
            }
        }
        #expect(opened > 100 && opened < 2000)
        print("damaged words: 2000, opened: \(opened)")
    }

    @Test func vectorsFindTheSameWithAndWithoutWords() throws {
        let folder = try Folder()
        let bytes = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent("base.catalog")))
        let start = dataStart(bytes)
        let head = header(bytes).replacingOccurrences(of: "\"word_", with: "\"xord_")
            .replacingOccurrences(of: "\"key_", with: "\"xey_").replacingOccurrences(of: "\"filter_", with: "\"xilter_")
        let bare = try folder.open(joined(head, Array(bytes[start...])))
        #expect(bare.base.tables.words == nil && bare.filters.isEmpty)
        #expect(try CatalogSearch(bare).named("shoe").isEmpty)
        var random = Seeded(2)
        for _ in 0..<20 {
            let vector = (0..<base.dim).map { _ in Float.random(in: -1..<1, using: &random) }
            let hits = try CatalogSearch(bare).search(.image(vector), k: 29)
            #expect(try CatalogSearch(base).search(.image(vector), k: 29) == hits && hits.count == 29)
        }
    }

    @Test func aDeltaCarriesWordsKeysAndFilters() throws {
        let folder = try Folder()
        let target = folder.url.appendingPathComponent("made.catalog")
        _ = try CatalogDelta.open(Self.folder.appendingPathComponent("next.delta")).apply(to: base, writing: target)
        #expect(
            try Data(contentsOf: target) == Data(contentsOf: Self.folder.appendingPathComponent("next.catalog")))
    }
}
