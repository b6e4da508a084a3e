import Foundation
import Testing

@testable import MobileCLIPSearch

struct TokenizerTests {
    private let asset = Dist.file("tokenizer.safetensors")
    private let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test(arguments: Goldens.folders)
    func theGoldenTextsHaveTheGoldenIDs(_ goldens: URL) throws {
        let tokenizer = try Dist.tokenizer()
        let rows = try Goldens.json(goldens.appendingPathComponent("tokens.json")).objects("texts")
        #expect(!rows.isEmpty)
        var differing = 0
        for row in rows {
            let text = try row.text("text")
            let ids = try row.part("ids").asArray("ids").map { Int32(try $0.asInt("an id")) }
            let expected = ids + [Int32](repeating: 0, count: 77 - ids.count)
            let found = try tokenizer.encode(text)
            differing += zip(found, expected).filter { $0 != $1 }.count
            #expect(found == expected, "\(text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined())")
        }
        print("\(rows.count) texts, differing ids: \(differing)")
    }

    @Test func aLongTextKeepsItsEndTokenAndOneOfAMillionCharactersIsDone() throws {
        let tokenizer = try Dist.tokenizer()
        let ids = try tokenizer.encode(String(repeating: "dress ", count: 200))
        #expect([Int32(ids.count), ids[0], ids[76]] == [77, 49406, 49407])
        #expect(try tokenizer.encode(String(repeating: "x", count: 1_000_000)).last == 49407)
        #expect(try tokenizer.encode(String(repeating: "\u{301}\u{323}", count: 300_000)).last == 49407)
    }

    @Test func anAssetOfAnotherDigestIsRefused() throws {
        let right = sha256([try Data(contentsOf: asset)])
        #expect(try ClipTokenizer.load(asset, sha256: right).contextLength == 77)
        refused(asset.path, right) { _ = try ClipTokenizer.load(asset, sha256: String(repeating: "0", count: 64)) }
        let none = folder.url.appendingPathComponent("none")
        refused(none.path) { _ = try ClipTokenizer.load(none) }
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
                let made = try ClipTokenizer.load(file)
                for text in texts { #expect(try made.encode(text).count == 77) }
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
        let made = try ClipTokenizer.load(file)
        #expect(try made.encode("x").count == 77)
        refused(file.path) { _ = try made.encode("\u{FF21}") }
    }
}
