import Foundation

/// Reads a tokenizer asset, and makes the type of the family that it names.
public enum Tokenizers {
    private static let format = "mobileclip-tokenizer"
    private static let clip = "clip-bpe"

    private static let families: [String: any AssetTokenizer.Type] = [
        clip: ClipTokenizer.self, "gemma-bpe": GemmaTokenizer.self, "unigram": UnigramTokenizer.self,
        "wordpiece": WordPieceTokenizer.self,
    ]

    /// Reads the asset. `sha256`: its digest, as the manifest has it; nil to go without. `vocabulary`: how many token ids
    /// the text encoder knows (``ModelManifest/TextSpec/vocabulary``); nil for any.
    ///
    /// Without a digest, ``TextTokenizer/verify()`` reads what a large vocabulary leaves unread here.
    ///
    /// Throws ``SearchError/badFile(name:problem:)`` if it is missing, damaged, of another format, version, family or
    /// digest; ``SearchError/mismatch(name:problem:)`` if it has more tokens than the text encoder.
    public static func load(
        _ file: URL, sha256: String? = nil, vocabulary: Int? = nil
    ) throws -> any TextTokenizer {
        let bytes = try mapped(file)
        return try reading(file.path) {
            if let sha256 { try checkDigest(bytes, sha256) }
            let container = try Container(bytes)
            let family = try family(container)
            guard let type = families[family] else {
                let known = families.keys.sorted().map { "'\($0)'" }.joined(separator: " or ")
                throw Malformed("unknown tokenizer family: expected \(known), found \(shown(family))")
            }
            let tokenizer = try type.init(file.path, container)
            if let vocabulary {
                try fitting(
                    tokenizer.tokenCount <= vocabulary,
                    "the tokenizer has \(tokenizer.tokenCount) tokens, more than the text encoder's \(vocabulary)")
            }
            return tokenizer
        }
    }

    /// Version 1 names none: it is CLIP's.
    private static func family(_ container: Container) throws -> String {
        let found = container.metadata["format"] ?? "none"
        let version = container.metadata["version"] ?? "none"
        if found == format, version == "1" { return clip }
        try wellFormed(
            found == format && version == "2",
            "unknown tokenizer asset: expected \(format) version 1 or 2, found \(shown("\(found) version \(version)"))")
        return try container.text("family")
    }

    private static func checkDigest(_ bytes: Data, _ expected: String) throws {
        let found = MobileCLIPSearch.sha256([bytes])
        try wellFormed(found == expected, "its digest is \(found), the manifest's \(shown(expected))")
    }
}

/// A tokenizer that an asset makes.
protocol AssetTokenizer: TextTokenizer {
    /// How many token ids there are: all ids are below it.
    var tokenCount: Int { get }

    /// From the asset's name, for messages, and its content. Throws ``Malformed``.
    init(_ name: String, _ container: Container) throws
}
