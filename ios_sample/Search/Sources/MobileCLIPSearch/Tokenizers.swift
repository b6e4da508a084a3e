import Foundation

/// Reads a tokenizer asset, and makes the type of the family that it names.
public enum Tokenizers {
    private static let format = "mobileclip-tokenizer"
    private static let clip = "clip-bpe"

    /// What makes the tokenizer of each family, from the asset's name, for messages, and its content.
    private static let families: [String: @Sendable (String, Container) throws -> any TextTokenizer] = [
        clip: { try ClipTokenizer($0, $1) }
    ]

    /// Reads the asset. `sha256`: its digest, as the manifest has it; nil to go without.
    ///
    /// Throws ``SearchError/badFile(name:problem:)`` if it is missing, damaged, of another format, version, family or
    /// digest.
    public static func load(_ file: URL, sha256: String? = nil) throws -> any TextTokenizer {
        let bytes = try mapped(file)
        return try reading(file.path) {
            if let sha256 { try checkDigest(bytes, sha256) }
            let container = try Container(bytes)
            let family = try family(container)
            guard let tokenizer = families[family] else {
                let known = families.keys.sorted().map { "'\($0)'" }.joined(separator: " or ")
                throw Malformed("unknown tokenizer family: expected \(known), found \(shown(family))")
            }
            return try tokenizer(file.path, container)
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
