import Foundation
import Testing

@testable import MobileCLIPSearch

/// FAULTS=20000 tries so many damaged files in place of 2,000.
struct BadCatalogTests {
    private let folder: Folder
    private let made = MadeCatalog(seed: 1, rows: 12, dim: 8)
    private let good: [UInt8]
    private let query = SearchQuery.text((0..<8).map { Float($0) - 3 })
    private let faults: Int

    init() throws {
        folder = try Folder()
        good = made.bytes()
        faults = ProcessInfo.processInfo.environment["FAULTS"].flatMap(Int.init) ?? 2_000
    }

    private func refusedBytes(
        _ bytes: [UInt8], _ says: String, space: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let file = try folder.write(bytes, "bad.catalog")
        refused(file.path, says, sourceLocation: sourceLocation) { _ = try ProductCatalog.open(file, space: space) }
    }

    private func edited(_ old: String, _ new: String) throws -> [UInt8] {
        var text = header(good)
        text.replaceSubrange(try #require(text.range(of: old)), with: new)
        return joined(text.trimmingCharacters(in: .whitespaces), Array(good[dataStart(good)...]))
    }

    @Test func aCatalogOfAnotherEmbeddingSpaceIsRefusedWithBothNames() throws {
        let (own, other) = (String(repeating: "ab", count: 32), String(repeating: "cd", count: 32))
        try refusedBytes(good, own, space: other)
        try refusedBytes(good, other, space: other)
        _ = try ProductCatalog.open(folder.write(good), space: own)
    }

    @Test func anotherCatalogThanTheOneThatCameWithTheEncodersIsRefusedWithBothDigests() throws {
        let (file, other) = (try folder.write(good), String(repeating: "cd", count: 32))
        let key = try #require(header(good).range(of: #""sha256":""#))
        let own = String(header(good)[key.upperBound...].prefix(64))
        for says in [own, other] {
            refused(file.path, says) { _ = try ProductCatalog.open(file, digest: other) }
        }
        try ProductCatalog.open(file, digest: own).verify()
    }

    @Test func whatIsNotKnownOrDoesNotAgreeIsNamed() throws {
        for key in ["format", "version", "quantization", "metric"] {
            try refusedBytes(made.changed([key: "other"]), "unknown \(key)")
            try refusedBytes(made.changed([key: nil]), "unknown \(key)")
        }
        for key in [
            "space", "model", "dim", "products", "rows", "currency", "categories", "calibration", "sha256",
        ] {
            try refusedBytes(made.changed([key: nil]), "'\(key)'")
        }
        for key in ["dim", "products", "rows"] {
            for value in ["0", "-1", "+1", "1.0", "", "01", "99999999999", "٣"] {
                try refusedBytes(made.changed([key: value]), key)
            }
        }
        for value in ["{}", "[1]", "[", "null"] { try refusedBytes(made.changed(["categories": value]), "") }
        for value in [
            "{}", "[]", "1",
            #"{"text":{"a":1,"b":2,"spread":0},"image":{"a":1,"b":1,"spread":1},"source":"x"}"#,
            #"{"text":{"a":1e999,"b":2,"spread":1},"image":{"a":1,"b":1,"spread":1},"source":"x"}"#,
            #"{"text":{"a":1e101,"b":2,"spread":1},"image":{"a":1,"b":1,"spread":1},"source":"x"}"#,
            #"{"text":{"a":1,"b":2,"spread":1e-101},"image":{"a":1,"b":1,"spread":1},"source":"x"}"#,
        ] {
            try refusedBytes(made.changed(["calibration": value]), "")
        }
        let good = #"{"a":1,"b":2,"spread":1}"#
        for value in ["1", "0", "null", #""true""#, "[]", "{}"] {
            let bad = #"{"a":1,"b":2,"spread":1,"measured":\#(value)}"#
            for calibration in [calibration(text: bad, image: good), calibration(text: good, image: bad)] {
                try refusedBytes(made.changed(["calibration": calibration]), "'measured'")
            }
        }
        try refusedBytes(made.changed(["space": String(repeating: "AB", count: 32)]), "space")
        try refusedBytes(made.changed(["sha256": "0"]), "sha256")
    }

    @Test func aTensorThatIsMissingOrOfAnotherKindIsNamed() throws {
        for name in made.tensors().map(\.name) {
            try refusedBytes(made.changed { $0.name == name ? nil : $0 }, "'\(name)'")
            let retyped = made.changed { tensor in
                var tensor = tensor
                if tensor.name == name { tensor.type = "U9" }
                return tensor
            }
            try refusedBytes(retyped, "'\(name)'")
            let reshaped = made.changed { tensor in
                var tensor = tensor
                if tensor.name == name { tensor.shape.insert(1, at: 0) }
                return tensor
            }
            try refusedBytes(reshaped, "'\(name)'")
        }
    }

    @Test func unknownKeysAndTensorsArePassedOver() throws {
        let later = MadeCatalog.Tensor(name: "later", type: "BF16", shape: [1], data: [0, 0])
        try folder.open(sealed(container(made.metadata() + [("later", "x")], made.tensors() + [later]))).verify()
        let without = try folder.open(made.changed { $0.name.hasPrefix("thumbnail") ? nil : $0 })
        #expect(without.thumbnail(5) == nil)
    }

    @Test func hostileHeadersAreRefused() throws {
        let data = Array(good[dataStart(good)...])
        try refusedBytes([], "header")
        try refusedBytes([UInt8](repeating: 0, count: 7), "header")
        for length in [0, 1, 7, 1 << 20 | 1, 1 << 20 + 8, Int64.max, .min, -1, -8] {
            try refusedBytes(little(length) + [UInt8](repeating: 0, count: 1 << 21), "header")
        }
        for header in [
            "", "[]", "null", "{", "{}x", #"{"a":1}"#, #"{"a":{}}"#, #"{"__metadata__":[]}"#,
            #"{"__metadata__":{"format":1}}"#, String(repeating: "[", count: 100_000),
            String(repeating: #"{"a":"#, count: 100_000), #"{"a":"\ud8"#,
            "\"" + String(repeating: "\\", count: 99), #"{"a":1e}"#, "{'a':1}", #"{"a":NaN}"#, #"{"a" 1}"#, "{,}",
            #"{"a":01}"#,
        ] {
            try refusedBytes(joined(header, data), "")
        }
        try refusedBytes(little(Int64(8)) + [0xFF, 0xFE, 0, 0, 0, 0, 0, 0], "UTF-8")
        try refusedBytes(edited(#""prices""#, #""owners""#), "twice")
        try refusedBytes(edited(#""model":"#, #""space":"#), "twice")
        let offsets = #""data_offsets":[0,"#
        try refusedBytes(edited(offsets, #""data_offsets":[0.0,"#), "whole number")
        try refusedBytes(edited(offsets, #""data_offsets":[-1,"#), "below 0")
        try refusedBytes(edited(offsets, #""data_offsets":[8,"#), "does not fit")
        try refusedBytes(edited(offsets, #""data_offsets":[0,0,"#), "not two")
        try refusedBytes(edited(offsets, #""data_offsets":[99999999999999999999,"#), "whole number")
        let owners = #""owners":{"dtype":"U32","shape":[12]"#
        for shape in ["4294967297,4294967296,4294967296", "9223372036854775807,9223372036854775807"] {
            try refusedBytes(edited(owners, #""owners":{"dtype":"U32","shape":[\#(shape)]"#), "does not fit")
        }
        let digest = #""sha256":"\#(String(repeating: "0", count: 64))","#
        try refusedBytes(edited(#""model":"#, #""more":"x",\#(digest)"model":"#), "twice")
        try refusedBytes(edited(#""owners":{"#, #""owners":{\#(digest)"#), "sha256")
        try refusedBytes(edited(#""sha256":"#, #""sha256": "#), "sha256")
        try refusedBytes(good + [0], "belong to no tensor")
        try refusedBytes(good.dropLast(), "does not fit")
    }

    @Test func tensorsOfHostileValuesAreRefusedByName() throws {
        func value(_ name: String, _ at: Int, _ bytes: [UInt8]) -> [UInt8] {
            made.changed { tensor in
                var tensor = tensor
                if tensor.name == name { tensor.data.replaceSubrange(at..<at + bytes.count, with: bytes) }
                return tensor
            }
        }
        try refusedBytes(value("owners", 0, little(Int32(1))), "row 0")
        for owner in [-1, Int32.min, 99, 0] { try refusedBytes(value("owners", 44, little(owner)), "product") }
        for scale in [Float.nan, -1, .infinity, -.infinity] {
            try refusedBytes(value("scales", 8, little(scale.bitPattern)), "scale")
        }
        try refusedBytes(value("offset", 0, little(Float.nan.bitPattern)), "offset")
        for category in [4, -1, Int32.min] { try refusedBytes(value("categories", 4, little(category)), "category") }
        for price in [-2, Int64.min] { try refusedBytes(value("prices", 0, little(price)), "price") }
        for name in ["record_offsets", "thumbnail_offsets"] {
            try refusedBytes(value(name, 0, little(Int64(1))), name)
            for offset in [-1, Int64.min, .max, 1 << 32] { try refusedBytes(value(name, 8, little(offset)), name) }
        }
    }

    @Test func aMissingFileAndAFolderAreRefusedByName() {
        for file in [folder.url.appendingPathComponent("none"), folder.url] {
            refused(file.path) { _ = try ProductCatalog.open(file) }
        }
    }

    @Test func aRecordThatIsNoObjectIsAnErrorThatNamesTheProduct() throws {
        for bad in ["[1]", "{", "", "\0", #"{"a":}"#, String(repeating: "[", count: 29), #"{"price":1e}"#] {
            let bytes = made.changed { tensor in
                var tensor = tensor
                let record = Array(bad.utf8) + [UInt8](repeating: UInt8(ascii: " "), count: 30 - bad.utf8.count)
                if tensor.name == "records" { tensor.data.replaceSubrange(0..<30, with: record) }
                return tensor
            }
            let catalog = try folder.open(bytes)
            refused(catalog.name, "product 0") { _ = try catalog.product(0) }
        }
    }

    @Test func damagedFilesWithTheDigestAreRefusedOrReadWithUnchangedResults() throws {
        let expected = try answers(folder.open(good))
        var refused = 0
        try mutated { bytes in
            do {
                let catalog = try folder.open(bytes)
                try catalog.verify()
                #expect(try answers(catalog) == expected)
            } catch let error as SearchError {
                #expect(isOneLine(error.description, naming: folder.url.path))
                refused += 1
            }
        }
        print("damaged catalogs with the digest: \(faults), refused: \(refused)")
        #expect(refused > faults * 95 / 100)
    }

    @Test func damagedFilesWithoutTheDigestCauseNoOtherError() throws {
        var opened = 0
        try mutated { bytes in
            do {
                let catalog = try folder.open(bytes)
                opened += 1
                for product in 0..<catalog.count {
                    _ = catalog.thumbnail(product)
                    do {
                        _ = try catalog.product(product)
                    } catch let error as SearchError {
                        #expect(isOneLine(error.description, naming: folder.url.path))
                    }
                }
                let search = CatalogSearch(catalog)
                #expect(try catalog.dim != 8 || search.search(query, k: 100).count == catalog.count)
                if catalog.count > 1 { _ = try search.search(.like(product: 1)) }
            } catch let error as SearchError {
                #expect(isOneLine(error.description, naming: folder.url.path))
            }
        }
        print("damaged catalogs without the digest: \(faults), opened: \(opened)")
        #expect(opened > faults * 2 / 100)
    }

    private func answers(_ catalog: ProductCatalog) throws -> [String] {
        try CatalogSearch(catalog).search(query, k: 5).map { hit in
            "\(hit.product) \(hit.score.bitPattern) \(try #require(hit.confidence)) \(try catalog.product(hit.product).name)"
        }
    }

    /// Bytes and bits changed (in the header half of the time), pieces cut, doubled, swapped and moved.
    private func mutated(_ use: ([UInt8]) throws -> Void) throws {
        var random = Seeded(7)
        let signs = Array("0123456789\"{}[],:\\".utf8)
        for _ in 0..<faults {
            var bytes = good
            for _ in 0..<1 + random.below(3) {
                if bytes.isEmpty { break }  // all of it was cut away
                let at = random.below(random.chance(2) ? min(dataStart(good), bytes.count) : bytes.count)
                switch random.below(7) {
                case 0: bytes = Array(bytes[...at])
                case 1: bytes.removeSubrange(at..<min(at + 1 + random.below(16), bytes.count))
                case 2: bytes.insert(contentsOf: [UInt8](repeating: 0, count: 1 + random.below(16)), at: at)
                case 3: bytes[at] = signs[random.below(signs.count)]
                case 4: bytes[at] ^= 1 << random.below(8)
                case 5: bytes[at] = UInt8(random.below(256))
                default: bytes[at] = bytes[random.below(bytes.count)]
                }
                if bytes.isEmpty { bytes = [0] }
            }
            try use(bytes)
        }
    }

    @Test func aCatalogOfOver2GiBOpensAndIsSearched() throws {
        let (dim, rows, picture) = (1024, 1_500_000, 1_500_000_000)
        let tensors = [
            ("record_offsets", "U64", [2], 16), ("prices", "I64", [1], 8), ("thumbnail_offsets", "U64", [2], 16),
            ("categories", "U32", [1], 4), ("offset", "F32", [dim], 4 * dim), ("owners", "U32", [rows], 4 * rows),
            ("scales", "F32", [rows], 4 * rows), ("codes", "I8", [rows, dim], rows * dim), ("records", "U8", [2], 2),
            ("thumbnails", "U8", [picture], picture),
        ]
        var position = 0
        var starts: [String: Int] = [:]
        let entries = tensors.map { name, type, shape, size in
            starts[name] = position
            position += size
            return
                #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[\#(position - size),\#(position)]}"#
        }
        let others = ["dim": "\(dim)", "rows": "\(rows)", "products": "1"]
        let small = header(made.changed(others))
        let end = try #require(small.range(of: #","record_offsets""#))
        let head = joined(small[..<end.lowerBound] + "," + entries.joined(separator: ",") + "}", [])
        let file = try folder.write(head, "large.catalog")
        let handle = try FileHandle(forUpdating: file)  // sparse: it takes no room
        try handle.truncate(atOffset: UInt64(head.count + position))
        func put(_ name: String, _ at: Int, _ bytes: [UInt8]) throws {
            try handle.seek(toOffset: UInt64(head.count + (starts[name] ?? 0) + at))
            try handle.write(contentsOf: Data(bytes))
        }
        try put("record_offsets", 8, little(UInt64(2)))
        try put("thumbnail_offsets", 8, little(UInt64(picture)))
        try put("records", 0, Array("{}".utf8))
        try put("scales", 4 * (rows - 1), little(Float(1).bitPattern))
        try put("codes", (rows - 1) * dim, [127])
        try handle.close()
        let catalog = try ProductCatalog.open(file)
        #expect(try catalog.product(0).name == "")
        let hits = try CatalogSearch(catalog).search(.text([1] + [Float](repeating: 0, count: dim - 1)))
        #expect(hits.map(\.row) == [rows - 1])
        #expect(abs((hits.first?.score ?? 0) - 127) < 1e-9)
    }
}
