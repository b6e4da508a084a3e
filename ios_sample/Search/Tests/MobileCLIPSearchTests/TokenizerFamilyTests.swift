import Foundation
import Testing

@testable import MobileCLIPSearch

/// The families of version 2, on look-alikes of real vocabularies and on small assets.
struct TokenizerFamilyTests {
    private static let slowest = Duration.seconds(5)  // that one damaged asset may take, on a busy machine

    private let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test(
        arguments: Goldens.folders,
        ["tokens-unigram.json", "tokens-unigram-cased.json", "tokens-gemma-bpe.json", "tokens-wordpiece.json"])
    func theGoldenTextsHaveTheGoldenIDs(_ goldens: URL, _ name: String) throws {
        let golden = try Goldens.json(goldens.appendingPathComponent(name))
        let tokenizer = try Tokenizers.load(goldens.appendingPathComponent(golden.text("asset")))
        try tokenizer.verify()
        let (rows, length, pad) = try (golden.objects("texts"), golden.int("context_length"), golden.int("pad_token"))
        #expect(!rows.isEmpty && tokenizer.contextLength == length)
        var differing = 0
        for row in rows {
            let text = try row.text("text")
            let ids = try row.part("ids").asIDs()
            let expected = ids + [Int32](repeating: Int32(pad), count: length - ids.count)
            let found = try tokenizer.encode(text)
            differing += zip(found, expected).filter { $0 != $1 }.count
            #expect(found == expected, "\(text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined())")
        }
        print("\(rows.count) texts (\(name)), differing ids: \(differing)")
    }

    @Test func aDamagedAssetIsRefusedByItsPartOnOpeningOrByTheFullCheck() throws {
        let index = Goldens.file("tokenizers/index.json")
        let cases = try Goldens.json(index).objects("damaged")
        #expect(!cases.isEmpty)
        for golden in cases {
            let file = Goldens.file("tokenizers").appendingPathComponent(try golden.text("file"))
            let part = try golden.text("part")
            if try golden.bool("opens") {
                try Tokenizers.load(file).verify()
            } else {
                refused(file.path, part) { try Tokenizers.load(file).verify() }
            }
        }
    }

    /// What reads every token waits for the full check; all else is refused on opening.
    @Test(arguments: [
        ("offsets-fall", true), ("order-swapped", true), ("order-repeats", true), ("order-beyond", true),
        ("piece-empty", true), ("pieces-no-utf8", true), ("pieces-inside-a-character", true),
        ("offsets-short", false), ("end-beyond", false), ("pad-negative", false), ("no-room", false),
        ("step-unknown", false), ("without-a-table", false),
    ])
    func openingReadsNoPiece(_ fault: String, _ opens: Bool) throws {
        for family in ["unigram", "gemma-bpe", "wordpiece"] {
            let file = Goldens.file("tokenizers/damaged/\(family)-\(fault).safetensors")
            #expect((failure { _ = try Tokenizers.load(file) } == nil) == opens, "\(family)")
        }
    }

    /// In the folder that EXPECTED names: copies with a few bytes changed, and the desktop reader's ids of each.
    @Test(arguments: Goldens.folders.dropFirst())
    func aDamagedCopyIsRefusedOrGivesTheDesktopsIDs(_ expected: URL) throws {
        let golden = try Goldens.json(expected.appendingPathComponent("mutated.json"))
        let texts = try golden.part("texts").asArray("texts").map { try $0.asText("a text") }
        var whole: [String: [UInt8]] = [:]
        var (count, refused) = (0, 0)
        for row in try golden.objects("cases") {
            let asset = try row.text("asset")
            if whole[asset] == nil {
                whole[asset] = [UInt8](try Data(contentsOf: expected.appendingPathComponent(asset)))
            }
            var bytes = try #require(whole[asset])
            for edit in try row.part("edits").asArray("edits") {
                let pair = try edit.asIDs()
                bytes[Int(pair[0])] = UInt8(pair[1])
            }
            let file = try folder.write(bytes, "mutated.safetensors")
            let ids = try row.part("ids") == .null ? nil : row.part("ids").asArray("ids").map { try $0.asIDs() }
            var found: [[Int32]]?
            let taken = try ContinuousClock().measure { found = try self.ids(file, texts) }
            let edits = try row.part("edits")
            #expect(found == ids, "\(asset) \(edits)")
            #expect(taken < Self.slowest, "\(asset) \(edits)")
            count += 1
            refused += found == nil ? 1 : 0
        }
        print("damaged tokenizers: \(count), refused: \(refused)")
        #expect((count / 10..<count).contains(refused))
    }

    /// Ids of the texts; nil where the asset is refused, on opening, by a text or by the full check. Texts go first: an
    /// asset that was not checked gives ids, or the package's error in one line, too.
    private func ids(_ file: URL, _ texts: [String]) throws -> [[Int32]]? {
        do {
            let tokenizer = try Tokenizers.load(file)
            let ids = texts.map { text in Result { try tokenizer.encode(text) } }
            for case .success(let row) in ids { #expect(row.count == tokenizer.contextLength) }
            try tokenizer.verify()
            return try ids.map { try $0.get() }
        } catch let error as SearchError {
            #expect(isOneLine(error.description, naming: file.path))
            return nil
        }
    }

    @Test func aLongTextIsDoneAndKeepsItsEndToken() throws {
        for name in ["unigram", "unigram-cased", "gemma-bpe", "wordpiece"] {
            let golden = try Goldens.json(Goldens.file("tokens-\(name).json"))
            let tokenizer = try Tokenizers.load(Goldens.file(golden.text("asset")))
            let first = try #require(golden.objects("texts").first)
            let end = try #require(first.part("ids").asIDs().last)
            for text in ["dress ", "x", "\u{4E00}", "e\u{301}"] {
                let long = String(repeating: text, count: 100_000 / text.unicodeScalars.count)
                #expect(try tokenizer.encode(long).contains(end), "\(name)")
            }
        }
    }

    @Test func anAssetOfMoreTokensThanTheTextEncoderKnowsIsRefused() throws {
        for (asset, tokens) in [("unigram", 1500), ("gemma-bpe", 1200), ("wordpiece", 1922)] {
            let file = Goldens.file("tokenizers/\(asset).safetensors")
            _ = try Tokenizers.load(file, vocabulary: tokens)
            refused(file.path, "has \(tokens) tokens") { _ = try Tokenizers.load(file, vocabulary: tokens - 1) }
        }
        let manifest = try Dist.manifest()
        let asset = Dist.file(manifest.tokenizer.path)
        _ = try Tokenizers.load(asset, vocabulary: manifest.text.vocabulary)
        refused(asset.path, "tokens") { _ = try Tokenizers.load(asset, vocabulary: manifest.text.vocabulary - 1) }
    }

    @Test func tablesThatLetATextGrowWithoutEndAreRefused() throws {
        let good = [UInt8](try Data(contentsOf: Goldens.file("tokenizers/damaged/unigram-whole.safetensors")))
        let steps = Array(repeating: "isolate", count: 100).joined(separator: " ")  // each makes three spaces of one
        let text = header(good).replacingOccurrences(of: "spaces map", with: steps)
            .replacingOccurrences(of: #""spaces":"#, with: #""isolated":"#)
        let file = try folder.write(joined(text, Array(good[dataStart(good)...])), "growing.safetensors")
        let tokenizer = try Tokenizers.load(file)
        #expect(try tokenizer.encode("ab").count == 8)
        refused(file.path, "grow without end") { _ = try tokenizer.encode("a b") }
    }
}

extension Json {
    /// A list of token ids.
    func asIDs() throws -> [Int32] { try asArray("ids").map { Int32(try $0.asInt("an id")) } }
}
