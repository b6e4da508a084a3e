import Foundation
import Testing

@testable import MobileCLIPSearch

/// Random records enter, and edits of them; an index made anew, an edited one, and a plain search through the records
/// are held against one another.
struct DeltaIndexTests {
    private static let words = ["red", "Running", "shoe", "Größe", "鞋子", "เสื้อ", "신발", "x1", "42", "ACME"]
    private let folder = try? Folder()

    /// The tables of characters of the goldens, an index without a product's terms, and these records.
    private func file(_ records: [[UInt8]], _ index: [String: [UInt8]]?) throws -> [UInt8] {
        var made = MadeCatalog(seed: 1, rows: records.count, dim: 4)
        made.owners = Array(0..<records.count)
        made.prices = records.map { _ in 10_000 }
        made.categories = records.map { _ in 0 }
        let golden = try Container(Data(contentsOf: Goldens.file("words/base.catalog")))
        let tables = try WordCharacters.names.reduce(into: [String: [UInt8]]()) { tables, name in
            let column = try golden.column(name, "U32", [Container.any], of: UInt32.self)
            tables[name] = column.withBytes(0..<column.count) { Array($0) }
        }
        func zeros(_ bytes: Int) -> [UInt8] { [UInt8](repeating: 0, count: bytes * records.count) }
        let none: [String: [UInt8]] = [
            "key_hashes": [], "key_products": [], "word_offsets": little(UInt32(0)),
            "word_posting_offsets": little(UInt32(0)), "word_text": [], "word_postings": [],
            "word_counts": zeros(1), "filter_values": zeros(2), "filter_names": Array("[[[]]]".utf8),
        ]
        let tensors = (index ?? none).merging(tables) { own, _ in own }.map { name, data in
            let (type, width) =
                switch name {
                case "filter_values": ("U16", 2)
                case "word_text", "word_postings", "word_counts", "filter_names": ("U8", 1)
                default: ("U32", 4)
                }
            return MadeCatalog.Tensor(name: name, type: type, shape: [data.count / width], data: data)
        }
        let ends = records.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
        let others =
            made.tensors().filter { !$0.name.hasPrefix("record") && !$0.name.hasPrefix("thumbnail") } + [
                MadeCatalog.Tensor(
                    name: "record_offsets", type: "U64", shape: [records.count + 1],
                    data: ends.flatMap { little(UInt64($0)) }),
                MadeCatalog.Tensor(
                    name: "records", type: "U8", shape: [records.joined().count], data: Array(records.joined())),
            ]
        let fields = [("keys", #"["id","sku"]"#), ("words", #"["name","tags"]"#), ("filters", #"["tags"]"#)]
        return sealed(container(made.metadata() + fields, Self.ordered(others + tensors)))
    }

    /// As files have them: by the size of their elements.
    private static func ordered(_ tensors: [MadeCatalog.Tensor]) -> [MadeCatalog.Tensor] {
        let widths = ["U8": 1, "I8": 1, "U16": 2, "U32": 4, "F32": 4, "U64": 8, "I64": 8]
        func width(_ tensor: MadeCatalog.Tensor) -> Int { widths[tensor.type] ?? 0 }
        return tensors.sorted { (width($0), $1.name) > (width($1), $0.name) }
    }

    private func record(_ number: Int, _ random: inout Seeded) -> [UInt8] {
        func words(_ most: Int) -> [String] {
            (0..<random.below(most + 1)).map { _ in Self.words[random.below(Self.words.count)] + "\(random.below(3))" }
        }
        let (name, tags) = (words(3).joined(separator: " "), words(2))
        let sku = "S\(random.below(200))/x\(number)"
        return Array(#"{"id":"P-\#(number)","name":"\#(name)","sku":"\#(sku)","tags":\#(jsonList(tags))}"#.utf8)
    }

    /// The index that follows. `kept`: places in `base` of what stays; `records`: of rewritten products, by place.
    private func followed(
        _ base: ProductCatalog, kept: [UInt32], _ products: Int, _ records: [Int: [UInt8]]
    ) throws -> [String: [UInt8]] {
        let delta = try #require(folder).write(delta(records), "made.delta")
        let index = try #require(
            try DeltaIndex(base.base.tables, CatalogDelta.open(delta), kept: kept, products: products))
        return try index.tensors().reduce(into: [:]) { made, tensor in
            var written = [UInt8]()
            var blocks = Blocks { written += $0 }
            try index.write(tensor.key, to: &blocks)
            try blocks.flush()
            #expect(written.count == tensor.value.bytes, "\(tensor.key)")
            made[tensor.key] = written
        }
    }

    private func delta(_ records: [Int: [UInt8]]) -> [UInt8] {
        let sorted = records.sorted { $0.key < $1.key }
        func tensor(_ name: String, _ type: String, _ numbers: [Int] = []) -> MadeCatalog.Tensor {
            MadeCatalog.Tensor(
                name: name, type: type, shape: [numbers.count], data: numbers.flatMap { little(UInt32($0)) })
        }
        let text = Array(sorted.map(\.value).joined())
        let tensors =
            [
                tensor("rewritten", "U32", sorted.map(\.key)),
                tensor("record_lengths", "U32", sorted.map(\.value.count)),
                MadeCatalog.Tensor(name: "records", type: "U8", shape: [text.count], data: text),
            ]
            + [
                ("head", "U8"), ("removed", "U32"), ("changed", "U32"), ("row_counts", "U32"), ("scales", "F32"),
                ("codes", "I8"), ("thumbnail_lengths", "U32"), ("thumbnails", "U8"), ("categories", "U32"),
                ("prices", "I64"), ("repriced", "U32"), ("new_prices", "I64"), ("id_places", "U32"),
            ].map { tensor($0.0, $0.1) }
        let zeros = String(repeating: "0", count: 64)
        return container(
            [("format", "mobileclip-delta"), ("version", "1"), ("base", zeros), ("result", zeros)],
            Self.ordered(tensors))
    }

    /// An index of these records, made anew.
    private func catalog(_ records: [[UInt8]]) throws -> ProductCatalog {
        let folder = try #require(folder)
        let empty = try folder.open(file(records, nil))
        let index = try followed(
            empty, kept: records.indices.map(UInt32.init), records.count,
            Dictionary(uniqueKeysWithValues: records.enumerated().map { ($0, $1) }))
        return try folder.open(file(records, index))
    }

    @Test(arguments: UInt64(0)..<6) func anEditedIndexIsTheOneMadeAnew(_ seed: UInt64) throws {
        var random = Seeded(seed)
        let records = (0..<80).map { record($0, &random) }
        let base = try catalog(records)
        let kept = (0..<80).filter { _ in !random.chance(4) }
        let products = kept.count + random.below(20)
        var rewritten: [Int: [UInt8]] = [:]
        for place in 0..<products where place >= kept.count || random.chance(3) {
            rewritten[place] = record(place, &random)
        }
        let next = (0..<products).map { rewritten[$0] ?? records[kept[$0]] }
        let edited = try followed(base, kept: kept.map(UInt32.init), products, rewritten)
        let anew = try #require(folder).open(file(next, edited))
        #expect(try Data(contentsOf: URL(fileURLWithPath: catalog(next).name)) == Data(file(next, edited)))
        #expect(anew.count == products)
    }

    @Test func aThousandIdsAndKeysNameTheirProductFirst() throws {
        var random = Seeded(9)
        let records = (0..<500).map { record($0, &random) }
        let search = CatalogSearch(try catalog(records))
        for (place, record) in records.enumerated() {
            let texts = try RecordTexts(record).texts(["id", "sku"])
            for text in texts {
                #expect(try search.named(" \(text.lowercased())\n").first == NamedProduct(product: place, by: .key))
            }
        }
    }

    @Test func wordsNameWhatAPlainSearchFinds() throws {
        var random = Seeded(10)
        let records = (0..<200).map { record($0, &random) }
        let catalog = try catalog(records)
        let tables = try #require(catalog.base.tables.words)
        let terms = try records.map { tables.terms(of: try RecordTexts($0)) }
        for _ in 0..<200 {
            let asked = (0...random.below(2)).map { _ in
                Self.words[random.below(Self.words.count)] + "\(random.below(3))"
            }
            let wanted = asked.flatMap { tables.characters.runs($0) }.flatMap(AskedTerm.of)
            let expected = records.indices.filter { place in wanted.allSatisfy { $0.isHeld(by: terms[place]) } }
                .sorted { (terms[$0].count, $0) < (terms[$1].count, $1) }
            if expected.isEmpty { continue }
            let found = try CatalogSearch(catalog).named(asked.joined(separator: ", "), most: 500)
            #expect(found == expected.map { NamedProduct(product: $0, by: .words) }, "\(asked)")
        }
    }
}
