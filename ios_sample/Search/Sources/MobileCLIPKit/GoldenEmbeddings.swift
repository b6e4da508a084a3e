import Foundation
import MobileCLIPSearch

/// Golden inputs, and float32 PyTorch's embeddings of them (FORMATS.md, Golden vectors).
public struct GoldenEmbeddings: Sendable {
    /// A text, and its embedding.
    public struct Text: Decodable, Sendable {
        public let text: String
        public let embedding: [Double]
    }

    /// A square's name, and its embedding.
    public struct Picture: Decodable, Sendable {
        let preprocess: String
        public let embedding: [Double]
    }

    private struct Content: Decodable {
        let space: String
        let texts: [Text]
        let pictures: [Picture]
    }

    /// Of the JSON file, 64 hex digits.
    public let sha256: String
    public let texts: [Text]
    public let pictures: [Picture]
    private let folder: URL

    /// Those of the manifest's model, `embeddings-<model>.json` in a folder such as `parity/goldens`. Throws where they cannot
    /// be read, and ``SearchError/mismatch(name:problem:)`` for some of another embedding space.
    public init(_ folder: URL, for manifest: ModelManifest) throws {
        let file = folder.appendingPathComponent("embeddings-\(manifest.model).json")
        sha256 = try fileDigest(file)
        let content = try JSONDecoder().decode(Content.self, from: Data(contentsOf: file))
        guard content.space == manifest.space else {
            throw SearchError.mismatch(
                name: file.path, problem: "embeddings of space \(content.space), the manifest's is \(manifest.space)")
        }
        guard !content.texts.isEmpty, !content.pictures.isEmpty else {
            throw SearchError.badFile(name: file.path, problem: "no texts, or no pictures")
        }
        (texts, pictures, self.folder) = (content.texts, content.pictures, folder)
    }

    /// RGB8, as the image encoder takes it.
    public func square(_ picture: Picture) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appendingPathComponent("preprocess/\(picture.preprocess).out.rgb")))
    }
}
