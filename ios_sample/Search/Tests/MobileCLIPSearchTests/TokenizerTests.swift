import Foundation
import Testing

@testable import MobileCLIPSearch

struct TokenizerTests {
    private let asset: URL
    private let spec: ModelManifest.TextSpec
    private let folder: Folder

    init() throws {
        let manifest = try Dist.manifest()
        asset = Dist.file(manifest.tokenizer.path)
        spec = manifest.text
        folder = try Folder()
    }

    @Test(arguments: Goldens.folders, ["tokens.json", "tokens-32.json"])
    func theGoldenTextsHaveTheGoldenIDs(_ goldens: URL, _ name: String) throws {
        let golden = try Goldens.json(goldens.appendingPathComponent(name))
        let (rows, length, pad) = try (golden.objects("texts"), golden.int("context_length"), golden.int("pad_token"))
        let tokenizer = try tokenizer(of: length)
        #expect(!rows.isEmpty)
        var differing = 0
        for row in rows {
            let text = try row.text("text")
            let ids = try row.part("ids").asArray("ids").map { Int32(try $0.asInt("an id")) }
            let expected = ids + [Int32](repeating: Int32(pad), count: length - ids.count)
            let found = try tokenizer.encode(text)
            differing += zip(found, expected).filter { $0 != $1 }.count
            #expect(found == expected, "\(text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined())")
        }
        print("\(rows.count) texts (\(name)), differing ids: \(differing)")
    }

    /// The exported asset's, for another number of tokens where it has another.
    private func tokenizer(of length: Int) throws -> any TextTokenizer {
        if length == spec.contextLength { return try Dist.tokenizer() }
        func context(_ length: Int) -> String { "\"context_length\":\"\(length)\"" }
        return try Tokenizers.load(named(context(spec.contextLength), context(length)))
    }

    @Test func aLongTextKeepsItsEndTokenAndOneOfAMillionCharactersIsDone() throws {
        let tokenizer = try Dist.tokenizer()
        let ids = try tokenizer.encode(String(repeating: "dress ", count: 200))
        #expect(ids.count == spec.contextLength && ids.first.map(Int.init) == spec.startToken)
        for text in ["dress ", "x", "\u{301}\u{323}"] {
            let last = try tokenizer.encode(String(repeating: text, count: 1_000_000 / text.unicodeScalars.count)).last
            #expect(last.map(Int.init) == spec.endToken)
        }
    }

    @Test func anAssetOfAnotherDigestIsRefused() throws {
        let right = sha256([try Data(contentsOf: asset)])
        #expect(try Tokenizers.load(asset, sha256: right).contextLength == spec.contextLength)
        refused(asset.path, right) { _ = try Tokenizers.load(asset, sha256: String(repeating: "0", count: 64)) }
        let none = folder.url.appendingPathComponent("none")
        refused(none.path) { _ = try Tokenizers.load(none) }
    }

    @Test func versionOneIsCLIPsVersionTwoNamesItsFamily() throws {
        let text = "a photo of a r\u{E9}d dress"
        for version in [Self.version1, #""version":"2","family":"clip-bpe""#] {
            let made = try Tokenizers.load(named(Self.version1, version))
            #expect(made is ClipTokenizer)
            try made.verify()
            #expect(try made.encode(text) == Dist.tokenizer().encode(text))
        }
    }

    @Test(arguments: [
        (version1, #""version":"3","family":"clip-bpe""#, "found 'mobileclip-tokenizer version 3'"),
        ("mobileclip-tokenizer", "mobileclip-catalog", "found 'mobileclip-catalog version 1'"),
        ("," + version1, "", "found 'mobileclip-tokenizer version none'"),
        (version1, #""version":"2","family":"letters""#, "or 'unigram' or 'wordpiece', found 'letters'"),
        (version1, #""version":"2","family":"wordpiece""#, "no tensor 'pieces'"),
        (version1, #""version":"2""#, "no 'family'"),
    ])
    func anotherFormatVersionOrFamilyIsRefusedByName(_ old: String, _ new: String, _ says: String) throws {
        let file = try named(old, new)
        refused(file.path, says) { _ = try Tokenizers.load(file) }
    }

    private static let version1 = #""version":"1""#

    /// A copy of the asset with `new` in place of `old` in its header.
    private func named(_ old: String, _ new: String) throws -> URL {
        let good = [UInt8](try Data(contentsOf: asset))
        let parts = header(good).components(separatedBy: old)
        try #require(parts.count == 2)
        return try folder.write(joined(parts.joined(separator: new), Array(good[dataStart(good)...])), "named")
    }

    @Test func aDamagedAssetIsRefusedOrReadsTextsWithoutAnotherError() throws {
        let good = [UInt8](try Data(contentsOf: asset))
        var random = Seeded(3)
        let texts = [
            "a photo of a r\u{E9}d <b>dress</b>", "&amp;amp;lt; &#39; \u{FF21}\u{FB01} \u{39F}\u{3A3}",
            "it's \u{1112}\u{1161}\u{11AB} 3 \u{1F457}",
        ]
        var refused = 0
        let head = dataStart(good)
        for _ in 0..<200 {
            var bytes = good
            for _ in 0..<1 + random.below(200) {
                let at = random.chance(20) ? random.below(head) : head + random.below(200_000)
                bytes[at] = UInt8(random.below(256))
            }
            let file = try folder.write(bytes, "bad.safetensors")
            do {
                let made = try Tokenizers.load(file)
                for text in texts { #expect(try made.encode(text).count == spec.contextLength) }
            } catch let error as SearchError {
                #expect(isOneLine(error.description, naming: file.path))
                refused += 1
            }
        }
        #expect((50...200).contains(refused))
    }

    @Test func tablesThatChangeATextForEverAreRefused() throws {
        let good = [UInt8](try Data(contentsOf: asset))
        let entry = try #require(try Json.parse(header(good).utf8, once: true).asObject("")["fold_values"])
        let offsets = try entry.asObject("").part("data_offsets").asArray("").map { try $0.asInt("") }
        var bytes = good
        for at in stride(from: dataStart(good) + offsets[0], to: dataStart(good) + offsets[1], by: 4) {
            switch Array(good[at..<at + 4]) {  // fullwidth A becomes fullwidth B, and the other way round
            case little(UInt32.ascii("A")): bytes.replaceSubrange(at..<at + 4, with: little(UInt32(0xFF22)))
            case little(UInt32.ascii("B")): bytes.replaceSubrange(at..<at + 4, with: little(UInt32(0xFF21)))
            default: break
            }
        }
        let file = try folder.write(bytes, "other.safetensors")
        let made = try Tokenizers.load(file)
        #expect(try made.encode("x").count == spec.contextLength)
        refused(file.path) { _ = try made.encode("\u{FF21}") }
    }
}
